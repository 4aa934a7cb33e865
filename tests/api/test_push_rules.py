"""What phones are told of, when, and what waits for them: the rules, without a network and without a clock."""

from __future__ import annotations

import math

import h11
import pytest

from api.push_post import Fate, answered, is_public, why_not
from api.push_queue import FIRST_PAUSE_S, LONGEST_PAUSE_S, Queue, Waiting
from api.push_rules import RULES, Choice, Level, Occasion, Subject, may_be_tested, occasions, wants
from api.push_seal import Sealer, is_phones_key
from gate.model import Alarm, Fact, JsonObject, Kind

AT = "2026-11-20T14:04:05.000Z"
LAN: JsonObject = {"type": "person", "id": "lan", "name": "Trần Thị Lan"}
GATE: JsonObject = {"type": "rule", "id": "watch", "name": ""}


def fact(kind: Kind, data: JsonObject, by: JsonObject = GATE) -> Fact:
    return Fact(
        seq=7, id="f", at=AT, at_trusted=True, mono_ms=1, boot_id="b", kind=kind.value, by=by, data=data, prev="",
        hash="",
    )  # fmt: skip


def told(kind: Kind, data: JsonObject, by: JsonObject = GATE, standing: tuple[str, ...] = ()) -> list[Occasion]:
    return list(occasions(fact(kind, data, by), standing))


def message(subject: Subject = Subject.FORCED_OPEN, phone: str = "p", **changes: float) -> Waiting:
    words: JsonObject = {"title": subject.value}
    return Waiting(
        phone=phone, subject=subject, level=RULES[subject].level, words=words, until_s=changes.get("until_s", 1e6),
        due_s=changes.get("due_s", 0.0),
    )  # fmt: skip


def test_every_alarm_is_a_subject_and_what_the_issue_names_is_told() -> None:
    """Issue 7, 6: forced open, tamper, siren, lockdown failed, mains lost, storage low, left open, camera blind."""
    for alarm in Alarm:
        (found,) = told(Kind.ALARM_RAISED, {"alarm": alarm.value, "id": "1", "reminder": 0})
        assert found.subject == alarm.value
    assert [one.subject for one in told(Kind.HEALTH_CHANGED, {"reasons": ["mains_lost"]})] == [Subject.MAINS_LOST]
    assert [one.subject for one in told(Kind.STORAGE_LOW, {"free_bytes": 1})] == [Subject.STORAGE_LOW]
    assert [one.subject for one in told(Kind.COMMAND_ACCEPTED, {"command": "siren_on"}, LAN)] == [Subject.SIREN]
    assert RULES.keys() == set(Subject)


def test_what_goes_on_is_no_news() -> None:
    """A trouble that stood before, an order that moves the gate, an alarm of a newer gate: nobody is called for it."""
    assert told(Kind.HEALTH_CHANGED, {"reasons": ["mains_lost", "slow"]}, standing=("mains_lost",)) == []
    assert told(Kind.HEALTH_CHANGED, {"reasons": None}) == []
    assert told(Kind.COMMAND_ACCEPTED, {"command": "open"}, LAN) == []
    assert told(Kind.ALARM_RAISED, {"alarm": "of_the_future", "reminder": 0}) == []


def test_a_grave_alarm_that_nobody_takes_is_said_again_ever_more_seldom() -> None:
    """Every five minutes all night long would teach people to switch it off."""
    for alarm, counts in (("forced_open", [1, 2, 4, 8]), ("left_open", [])):
        found = [told(Kind.ALARM_RAISED, {"alarm": alarm, "reminder": count}) for count in range(1, 10)]
        assert [one.reminders for each in found for one in each] == counts


def test_who_did_it_needs_no_telling() -> None:
    """The siren and the taking note: the others are told. Of a key or the command line everybody is."""
    assert [one.by for one in told(Kind.COMMAND_ACCEPTED, {"command": "siren_on"}, LAN)] == ["lan"]
    (taken,) = told(Kind.ALARM_ACKNOWLEDGED, {"alarm": "forced_open", "id": "1"}, LAN)
    assert (taken.taken, taken.by, taken.subject) == (True, "lan", Subject.FORCED_OPEN)
    key: JsonObject = {"type": "key", "id": "lan", "name": ""}
    assert [one.by for one in told(Kind.COMMAND_ACCEPTED, {"command": "siren_on"}, key)] == [""]


@pytest.mark.parametrize(
    ("hours", "local", "heard"),
    [
        ((None, None), "03:00", True), (("06:00", "22:00"), "06:00", True), (("06:00", "22:00"), "22:00", False),
        (("22:00", "05:00"), "23:30", True), (("22:00", "05:00"), "04:59", True), (("22:00", "05:00"), "12:00", False),
        (("08:00", "08:00"), "03:00", True),
    ],
)  # fmt: skip
def test_hours_may_run_over_midnight(hours: tuple[str | None, str | None], local: str, heard: bool) -> None:  # noqa: FBT001 - of the table
    assert wants(Choice(start=hours[0], end=hours[1]), Level.WARNING, local) is heard


def test_what_is_urgent_comes_at_any_hour_unless_somebody_wants_quiet() -> None:
    night = Choice(least=Level.URGENT, start="06:00", end="22:00")
    assert wants(night, Level.URGENT, "03:00")
    assert not wants(night, Level.WARNING, "12:00")
    assert not wants(Choice(start="06:00", end="22:00", urgent_always=False), Level.URGENT, "03:00")
    assert wants(Choice(least=Level.NOTICE), Level.NOTICE, "03:00")


@pytest.mark.parametrize(
    ("hours", "tested"),
    [
        ((None, None), ["09:00", "19:59"]), (("05:30", "22:00"), ["09:00", "19:59"]), (("22:00", "05:00"), ["02:00"]),
        (("19:30", "06:00"), ["19:59"]),
    ],
    ids=["any", "day", "night", "evening"],
)  # fmt: skip
def test_a_weekly_test_comes_by_day_and_to_who_is_told_by_night_then(
    hours: tuple[str | None, str | None], tested: list[str]
) -> None:
    """Nobody is left untested because their hours are the night's."""
    choice = Choice(start=hours[0], end=hours[1])
    assert [at for at in ("02:00", "08:59", "09:00", "19:59", "20:00") if may_be_tested(choice, at)] == tested


def test_a_newer_message_takes_the_place_of_the_older() -> None:
    """A phone that was away for a night hears each subject once."""
    queue = Queue()
    for number in range(100):
        queue.put(message(due_s=float(number)))
    assert len(queue) == 1
    assert queue.due_s() == 99.0


def test_a_phone_gets_one_at_a_time_the_gravest_first() -> None:
    queue = Queue()
    for subject in (Subject.STORAGE_LOW, Subject.MAINS_LOST, Subject.FORCED_OPEN):
        queue.put(message(subject))
    queue.put(message(Subject.STORAGE_LOW, "q"))
    order = []
    while begun := queue.begin(0.0, most=8):
        order.append({one.phone: one.subject.value for one in begun})
        for one in begun:
            queue.end(one)
    assert order == [{"p": "forced_open", "q": "storage_low"}, {"p": "mains_lost"}, {"p": "storage_low"}]
    assert queue.due_s() == math.inf


def test_so_many_at_once_and_no_more() -> None:
    queue = Queue()
    for number in range(20):
        queue.put(message(phone=str(number)))
    under_way = queue.begin(0.0, most=8)
    assert len(under_way) == 8
    assert queue.begin(0.0, most=8) == []
    assert queue.due_s(8) == math.inf, "nobody looks again and again while there is no room"
    queue.end(under_way[0])
    assert queue.due_s(8) == 0.0


def test_who_is_not_reached_holds_up_nobody_who_was_never_tried() -> None:
    queue = Queue()
    for number in range(8):
        queue.put(message(phone=f"silent-{number}"))
    for one in queue.begin(0.0, most=8):
        queue.again(one, 0.0, asked_s=0.0, chance=0.5)
    queue.put(message(phone="new", due_s=90.0))
    assert queue.begin(100.0, most=8)[0].phone == "new"


def test_what_fails_is_tried_again_after_growing_pauses_until_it_is_worth_nothing() -> None:
    """No internet for a day: a handful of tries an hour, and then it is over."""
    queue, now_s, tries = Queue(), 0.0, 0
    queue.put(message(until_s=86_400.0))
    pauses = []
    while not queue.over(now_s):
        for one in queue.begin(now_s, most=8):
            tries += 1
            queue.again(one, now_s, asked_s=0.0, chance=0.5)
        pauses.append(queue.due_s() - now_s)
        now_s = queue.due_s()
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert max(pauses) == LONGEST_PAUSE_S
    assert tries < 160
    assert len(queue) == 0


def test_a_push_service_that_asks_for_patience_gets_it() -> None:
    """RFC 8030, 8.4: Retry-After; an hour at the most, whatever it says."""
    for asked_s, wait_s in ((120.0, 120.0), (1e9, 3600.0)):
        queue = Queue()
        queue.put(message())
        (one,) = queue.begin(0.0, most=1)
        queue.again(one, 0.0, asked_s=asked_s, chance=0.0)
        assert queue.due_s() == wait_s


@pytest.mark.parametrize(
    ("status", "fate"),
    [(201, Fate.TAKEN), (301, Fate.NEVER), (404, Fate.GONE), (410, Fate.GONE), (413, Fate.NEVER), (429, Fate.LATER),
     (500, Fate.LATER), (401, Fate.REFUSED)],
)  # fmt: skip
def test_what_a_push_service_answers_has_a_meaning(status: int, fate: Fate) -> None:
    assert answered(h11.Response(status_code=status, headers=[])).fate is fate


@pytest.mark.parametrize(
    ("retry_after", "asked_s"),
    [("120", 120.0), ("Fri, 20 Nov 2026 14:06:05 GMT", 90.0), ("soon", 0.0), ("9" * 400, math.inf), ("-5", 0.0)],
)
def test_patience_is_asked_for_in_seconds_or_until_a_time(retry_after: str, asked_s: float) -> None:
    """RFC 9110, 10.2.3. A time is of the push service's clock: ours may be wrong."""
    headers = [("Date", "Fri, 20 Nov 2026 14:04:35 GMT"), ("Retry-After", retry_after)]
    assert answered(h11.Response(status_code=429, headers=headers)).asked_s == asked_s


def test_what_came_meanwhile_is_not_lost_with_what_was_sent() -> None:
    """A newer alarm while the older one is under way: it is sent next, and its first try is at once."""
    queue = Queue()
    queue.put(message())
    (first,) = queue.begin(0.0, most=8)
    newer = message(due_s=1.0)
    queue.put(newer)
    queue.again(first, 2.0, asked_s=0.0, chance=0.5)
    assert queue.begin(2.0, most=8) == [newer]
    queue.end(newer)
    assert len(queue) == 0


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.5", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
     "::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a00:5", "2002:7f00:1::",
     "ff02::1", "64:ff9b:1::a00:5", "fec0::1", "::a00:5", "::ffff:0:a00:5"],
)  # fmt: skip
def test_no_address_of_the_village_is_public(address: str) -> None:
    assert not is_public(address)


def test_addresses_of_the_internet_are_public() -> None:
    """Also those of an IPv6 network that reaches IPv4 through its carrier (RFC 6052)."""
    assert all(map(is_public, ("142.250.1.1", "2404:6800:4005::1", "64:ff9b::8efa:101")))


@pytest.mark.parametrize(
    "endpoint",
    ["http://push.example/x", "https://127.0.0.1/x", "https://[::1]/x", "https://10.0.0.1/x", "https://push.example:8443/x",
     "https://user@push.example/x", "https://push.example/x#y", "https:///x", "ftp://push.example", "", "https://[::1",
     "https://push.example/" + "x" * 2000, "https://pußh.example/x", "https://2130706433x:99999/"],
)  # fmt: skip
def test_an_address_that_leads_elsewhere_is_no_phones(endpoint: str) -> None:
    assert why_not(endpoint, allow_private=False)
    assert not why_not("https://fcm.googleapis.com/fcm/send/abc:def?x=1", allow_private=False)


def test_what_a_phone_gives_must_be_a_key() -> None:
    """A point that is not on the curve, or too short a secret: refused when it is given, not when it is needed."""
    good = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    assert is_phones_key(good, "BTBZMqHH6r4Tts7J_aSIgg")
    assert is_phones_key(good + "=", "BTBZMqHH6r4Tts7J_aSIgg==")
    for p256dh, auth in ((good[:-4] + "AAAA", "BTBZMqHH6r4Tts7J_aSIgg"), (good, "BTBZ"), ("é", "x"), ("", "")):
        assert not is_phones_key(p256dh, auth)


def test_a_seal_says_nothing_by_its_length_and_nothing_by_its_name() -> None:
    """What a push service sees is the same for a siren and for a full disk."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as the program does

    good = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    sealer = Sealer(private=ec.generate_private_key(ec.SECP256R1()), contact="mailto:a@b.example")
    lengths = {len(sealer.seal({"title": "x" * n}, good, "BTBZMqHH6r4Tts7J_aSIgg")) for n in (1, 300, 900)}
    assert len(lengths) == 1
    topics = {sealer.topic(subject.value) for subject in Subject}
    assert len(topics) == len(Subject)
    assert all(len(topic) == 32 and "forced" not in topic for topic in topics)
    with pytest.raises(ValueError, match="too long"):
        sealer.seal({"title": "x" * 2000}, good, "BTBZMqHH6r4Tts7J_aSIgg")
