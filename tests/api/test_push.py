"""Notifications, from a fact in the journal to what a phone shows: the real API beside a push service that decrypts.

RFC 8030 (delivery), 8291 (encryption), 8292 (whose message it is).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from api.accounts import Store
from api.people import DAY_S
from api.push_post import Fate, HttpsPost
from api.push_seal import KEY_FILE, PushKeyError, open_sealer
from gate.model import JsonObject, Kind, Role
from tests.api.authority import District, serving
from tests.api.conftest import Served, beside_a_gate, settings_in
from tests.api.push_service import Browser, PushService, believed, bytes_of, push_service
from tests.fakes import FakeGate, wait_until

PUSH = "/api/v1/push"
FORCED: JsonObject = {"alarm": "forced_open", "id": "forced_open-1", "reminder": 0, "why": "limit_lost"}


@dataclass(kw_only=True)
class Town:
    """A gate, its page and a push service that all phones use."""

    served: Served
    service: PushService

    @property
    def gate(self) -> FakeGate:
        assert self.served.gate
        return self.served.gate

    def phone(self, name: str, *roles: Role) -> tuple[httpx.Client, Browser]:
        """Return somebody's phone with notifications turned on."""
        client, browser = self.served.person(*(roles or (Role.OPERATOR,)), name=name), self.service.browser(name)
        answer = client.put(f"{PUSH}/phone", json=browser.subscription())
        assert answer.status_code == 200, answer.text
        return client, browser

    def hears(self, browser: Browser, times: int = 1) -> dict[str, Any]:
        """Wait until a phone was told so often; return the newest."""
        wait_until(lambda: len(self.service.of(browser)) >= times, what=f"message {times}")
        return self.service.of(browser)[-1]

    def a_while_later(self, seconds: float) -> None:
        """Move the clocks on and have the process look at them."""
        self.served.clock.ahead_s += seconds
        self.looks()

    def looks(self) -> None:
        """Have the process look whether something is due."""

        async def look() -> None:
            assert self.served.office.pusher
            self.served.office.pusher.hear("fact", {"kind": Kind.STORAGE_LOW.value})

        self.served.ask(look())

    def due_in_s(self) -> float:
        """Return when the next message is due."""
        sender = self.served.office.pusher.sender  # type: ignore[union-attr] # it is on here
        return sender.queue.due_s() - sender.clock.mono_s()

    def waiting(self) -> int:
        """Return how many messages wait."""
        assert self.served.office.pusher
        return len(self.served.office.pusher.sender.queue)


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> District:
    return District(folder=tmp_path_factory.mktemp("district"))


@pytest.fixture(scope="module")
def service(district: District) -> Iterator[PushService]:
    """Serve a push service whose certificate this machine believes."""
    certificate = district.sign()
    with push_service(serving(certificate, district.tls.key_file.read_bytes(), district.folder)) as running:
        yield running


@pytest.fixture(scope="module")
def trusting(district: District) -> Iterator[None]:
    """Let this machine believe the district's authority, as OpenSSL is told to."""
    with pytest.MonkeyPatch.context() as patch:
        ca = district.tls.ca_file
        assert ca
        patch.setenv("SSL_CERT_FILE", str(ca))
        yield


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, trusting: None) -> Iterator[Served]:
    yield from beside_a_gate(
        tmp_path_factory.mktemp("gate"), "push.allow_private=true", "push.contact=mailto:a@b.example"
    )


@pytest.fixture
def town(served: Served, service: PushService) -> Town:
    service.sent.clear()
    service.answers.clear()
    return Town(served=served, service=service)


def test_a_message_is_sealed_as_the_standard_says() -> None:
    """RFC 8291, 5: the example of the standard opens, so what opens our messages here is right."""
    private = int.from_bytes(bytes_of("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    auth = bytes_of("BTBZMqHH6r4Tts7J_aSIgg")
    browser = Browser(endpoint="", private=ec.derive_private_key(private, ec.SECP256R1()), auth=auth)
    body = bytes_of(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert browser.opened(body) == b"When I grow up, I want to be a watermelon"


def test_a_phone_is_turned_on_tried_and_turned_off(town: Town) -> None:
    """The test gets there, sealed for it alone, signed as the gate's; each step is journalled, no address with it."""
    client, browser = town.phone("lan")
    shown = client.get(PUSH).json()
    assert [(one["current"], one["device"], one["told_at"]) for one in shown["phones"]] == [(True, "test", None)]
    assert client.post(f"{PUSH}/phone/test", json={}).status_code == 202
    told = town.hears(browser)
    assert told["title"] == "Thông báo thử của cổng"
    assert told["open"] == "#thong-bao"
    (sent,) = town.service.sent
    claims = believed(sent.headers["authorization"], town.service.address, time.time())
    assert (claims["sub"], claims["key"]) == ("mailto:a@b.example", shown["public_key"])
    assert sent.headers["content-encoding"] == "aes128gcm"
    assert (sent.headers["urgency"], 86_000 < int(sent.headers["ttl"]) <= 86_400) == ("normal", True)
    wait_until(lambda: client.get(PUSH).json()["phones"][0]["told_at"] is not None, what="when it was told")
    assert client.delete(f"{PUSH}/phone").status_code == 204
    assert client.get(PUSH).json()["phones"] == []
    assert client.post(f"{PUSH}/phone/test", json={}).json()["code"] == "push_not_on"
    town.served.report("user_changed", "lan", change="notifications on")
    town.served.report("user_changed", "lan", change="notifications off")
    assert "/send/" not in str(town.gate.reports)


def test_the_key_is_made_once_and_is_nobody_elses_to_read(town: Town, tmp_path: Path) -> None:
    """0600, made when it is first needed; one that others may read, or that is none, is refused with what to do."""
    town.phone("lan")
    path = town.served.settings.storage.state_dir / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_sealer(tmp_path, "").public_key == open_sealer(tmp_path, "").public_key
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(PushKeyError, match="chmod 600"):
        open_sealer(tmp_path, "")
    (tmp_path / KEY_FILE).chmod(0o600)
    (tmp_path / KEY_FILE).write_text("no key")
    with pytest.raises(PushKeyError, match="damaged; bring it back"):
        open_sealer(tmp_path, "")


def test_a_forced_gate_is_told_to_everybody_within_a_moment(town: Town) -> None:
    """Issue 7, 6: what, where, when, in Vietnamese; a touch lands on the moment; nothing in it is a secret."""
    phones = [town.phone(name)[1] for name in ("binh", "thuy")]
    began = time.monotonic()
    town.gate.write(Kind.ALARM_RAISED, FORCED)
    told = [town.hears(browser) for browser in phones]
    assert time.monotonic() - began < 5.0, "0.1 s on a quiet machine"
    assert told[0] == told[1]
    assert told[0]["title"] == "Cổng bị mở trái phép"
    assert told[0]["body"].startswith("Cổng thôn 3 (mô phỏng) · ")
    assert told[0]["open"].startswith("#nhat-ky/20")
    assert (told[0]["tag"], told[0]["calm"]) == ("forced_open", False)
    assert {sent.headers["urgency"] for sent in town.service.sent} == {"high"}
    assert not any(secret in str(told) for secret in ("binh", "thuy", "127.0.0.1", "limit_lost"))


def test_somebody_who_took_note_calms_the_others(town: Town) -> None:
    """The same subject, so the phone shows it in place of the alarm, silently; who did it is not told."""
    (_, lan), (_, tho) = town.phone("lan"), town.phone("tho")
    town.gate.write(Kind.ALARM_RAISED, {**FORCED, "alarm": "cabinet_open"})
    town.hears(lan)
    by: JsonObject = {"type": "person", "id": "tho", "name": "Thọ"}
    town.gate.write(Kind.ALARM_ACKNOWLEDGED, {"alarm": "cabinet_open", "id": "1"}, by)
    told = town.hears(lan, 2)
    assert (told["tag"], told["calm"]) == ("cabinet_open", True)
    assert re.fullmatch(r"Cổng thôn 3 \(mô phỏng\) · Đã có người nắm tin lúc \d\d:\d\d \d\d/\d\d", told["body"])
    assert [one["calm"] for one in town.service.of(tho)] == [False]
    topics = {sent.headers["topic"] for sent in town.service.sent}
    assert len(topics) == 1


def test_each_person_chooses_what_and_when(town: Town) -> None:
    """Least level and hours, on all phones of one person; outside of the hours only what is urgent."""
    (client, lan), (_, tho) = town.phone("lan"), town.phone("tho")
    now = town.served.office.pusher.speaker.local(time.time())  # type: ignore[union-attr] # it is on here
    hours = {"start": f"{(now.hour + 2) % 24:02d}:00", "end": f"{(now.hour + 3) % 24:02d}:00"}
    chosen = client.put(f"{PUSH}/choice", json={"least": "notice", **hours}).json()["choice"]
    assert chosen == {"least": "notice", **hours, "urgent_always": True}
    town.gate.write(Kind.ALARM_RAISED, {**FORCED, "alarm": "left_open"})
    town.hears(tho)
    town.gate.write(Kind.ALARM_RAISED, {**FORCED, "alarm": "beam_tamper"})
    town.hears(lan)
    assert [one["tag"] for one in town.service.of(lan)] == ["beam_tamper"]
    _, data = town.served.report("user_changed", "lan", change="notifications chosen")
    assert data["least"] == "notice"
    for wrong in (
        {"least": "some"},
        {"least": "urgent", "start": "06:00"},
        {"least": "urgent", "start": "6", "end": "7"},
    ):
        assert client.put(f"{PUSH}/choice", json=wrong).json()["code"] == "invalid_request", wrong


def test_power_that_comes_and_goes_is_one_piece_of_news(town: Town) -> None:
    """Ten minutes of quiet for what is not urgent; what stood before a change of health is none."""
    _, lan = town.phone("lan")
    for reasons in (["mains_lost"], ["mains_lost", "slow"], [], ["mains_lost"]):
        town.gate.write(Kind.HEALTH_CHANGED, {"from": "ok", "to": "degraded", "reasons": list(reasons)})
    town.gate.write(Kind.ALARM_RAISED, {**FORCED, "alarm": "tampered_drive"})
    town.hears(lan, 2)
    assert sorted(one["tag"] for one in town.service.of(lan)) == ["mains_lost", "tampered_drive"]


def test_a_phone_that_was_signed_out_is_told_nothing_more(town: Town) -> None:
    """Also what waited for it already: it is looked up again before each message."""
    (client, lan), (_, tho) = town.phone("lan"), town.phone("tho")
    town.service.answers += [(503, {})] * 2
    town.gate.write(Kind.ALARM_RAISED, {**FORCED, "alarm": "lockdown_failed"})
    wait_until(lambda: not town.service.answers, what="two tries that failed")
    assert client.delete("/api/v1/session").status_code == 204
    wait_until(lambda: town.waiting() > 0)
    town.a_while_later(30.0)
    town.hears(tho)
    wait_until(lambda: town.waiting() == 0, what="nothing that waits")
    assert town.service.of(lan) == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_phone_that_its_push_service_forgot_is_pruned(town: Town, status: int) -> None:
    """RFC 8030, 7.3: no second try; the others are told; the journal says whose phone it was."""
    client, browser = town.phone("lan")
    town.service.answers.append((status, {}))
    client.post(f"{PUSH}/phone/test", json={})
    town.served.report("user_changed", "api", change="notifications ended", user="lan")
    assert client.get(PUSH).json()["phones"] == []
    assert town.waiting() == 0
    assert client.put(f"{PUSH}/phone", json=browser.subscription()).status_code == 200


@pytest.mark.parametrize(
    ("answer", "trouble", "asked_s"),
    [
        ((503, {"Retry-After": "300"}), "push_unreachable", 300), ((429, {}), "push_unreachable", 0),
        ((403, {}), "push_refused", 0),
    ],
)  # fmt: skip
def test_what_is_not_taken_is_tried_again(
    town: Town, answer: tuple[int, dict[str, str]], trouble: str, asked_s: int
) -> None:
    """Not before the push service wants it; a 403 with a new token, since the clock may have been wrong."""
    client, browser = town.phone("lan")
    town.service.answers.append(answer)
    client.post(f"{PUSH}/phone/test", json={})
    wait_until(lambda: client.get(PUSH).json()["phones"][0]["trouble"] == trouble, what=trouble)
    if asked_s:
        town.a_while_later(asked_s - 60.0)
        assert town.service.sent == []
    town.a_while_later(90.0)
    assert town.hears(browser)["tag"] == "test"
    wait_until(lambda: client.get(PUSH).json()["phones"][0]["trouble"] is None, what="its end")


def test_a_message_that_will_never_be_taken_is_given_up(town: Town) -> None:
    client, _ = town.phone("lan")
    town.service.answers.append((400, {}))
    client.post(f"{PUSH}/phone/test", json={})
    wait_until(lambda: client.get(PUSH).json()["phones"][0]["trouble"] == "push_refused", what="the trouble")
    assert town.waiting() == 0


def test_once_a_week_each_phone_is_tried(town: Town) -> None:
    """By day, silently; a phone that would be signed out before the next one is told so."""
    _, browser = town.phone("lan")
    now = town.served.office.pusher.speaker.local(time.time())  # type: ignore[union-attr] # it is on here
    to_ten_s = ((10 - now.hour) % 24) * 3600.0
    town.a_while_later(7 * DAY_S + to_ten_s)
    assert town.hears(browser)["calm"] is True
    town.a_while_later(60.0)
    town.a_while_later(7 * DAY_S)
    town.hears(browser, 2)
    town.a_while_later(7 * DAY_S)
    told = town.hears(browser, 3)
    assert "Mở trang trước ngày" in told["body"]
    assert told["calm"] is False
    assert len(town.service.sent) == 3


def test_without_the_internet_everything_goes_on_and_nothing_is_lost(town: Town) -> None:
    """The health says so; what waits survives the process, and gets there when the network is back."""
    client, browser = town.phone("lan")
    elsewhere = Browser(endpoint="https://127.0.0.1:1/x", private=browser.private)
    client.put(f"{PUSH}/phone", json=elsewhere.subscription())
    client.post(f"{PUSH}/phone/test", json={})
    wait_until(lambda: client.get(PUSH).json()["phones"][0]["trouble"] == "push_unreachable", what="the trouble")
    town.a_while_later(30.0)
    wait_until(lambda: town.gate.beats["api"].get("reason") == "push_unreachable", what="the health")
    assert town.gate.beats["api"]["push"] == {"phones": 1, "waiting": 1}
    assert client.get("/api/v1/gate").status_code == 200
    town.served.stop()
    with contextlib.closing(Store(town.served.accounts_path)) as store, store.changing() as db:
        db.execute("UPDATE push_phone SET endpoint = ?", (browser.endpoint,))
    town.served.start()
    assert town.hears(browser)["tag"] == "test"
    wait_until(lambda: town.gate.beats["api"].get("ok") is True, what="good health")


def test_what_happened_while_this_process_was_away_is_told_when_it_is_back(town: Town) -> None:
    """Once, and only to phones that were there; what is older than a day is no news."""
    _, browser = town.phone("lan")
    town.served.stop()
    town.gate.write(Kind.ALARM_RAISED, {**FORCED, "alarm": "fault", "why": "estop"})
    town.served.start()
    assert town.hears(browser)["title"] == "Nút dừng khẩn đang nhấn"
    town.served.stop()
    town.served.start()
    town.gate.write(Kind.ALARM_RAISED, {**FORCED, "alarm": "camera_blind", "why": "covered"})
    assert town.hears(browser, 2)["body"].startswith("Camera bị che · ")
    assert len(town.service.sent) == 2


def test_a_full_disk_keeps_nobody_from_being_told(town: Town) -> None:
    """Storage low is among what is told, to who looks after the gate: it must not be the disk that stops it."""
    _, browser = town.phone("tho", Role.MAINTAINER)
    with contextlib.closing(Store(town.served.accounts_path)) as store, store.changing() as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON push_waiting BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    try:
        town.gate.write(Kind.STORAGE_LOW, {"free_bytes": 1, "folder": "x"})
        assert town.hears(browser)["title"] == "Sắp hết chỗ lưu"
    finally:
        with contextlib.closing(Store(town.served.accounts_path)) as store, store.changing() as db:
            db.execute("DROP TRIGGER full")


def test_a_full_disk_in_the_week_of_a_test_keeps_nobody_from_being_told(town: Town) -> None:
    """The test waits until the disk is well; an alarm does not wait for the test."""
    _, browser = town.phone("lan")
    now = town.served.office.pusher.speaker.local(time.time())  # type: ignore[union-attr] # it is on here
    with contextlib.closing(Store(town.served.accounts_path)) as store, store.changing() as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON push_waiting BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    try:
        town.a_while_later(7 * DAY_S + ((10 - now.hour) % 24) * 3600.0)
        town.gate.write(Kind.ALARM_RAISED, FORCED, trusted=False)
        assert town.hears(browser)["tag"] == "forced_open"
    finally:
        with contextlib.closing(Store(town.served.accounts_path)) as store, store.changing() as db:
            db.execute("DROP TRIGGER full")
    town.looks()
    assert town.hears(browser, 2)["tag"] == "test"


def test_a_journal_that_can_not_be_read_for_now_keeps_nothing_that_waits(town: Town) -> None:
    client, browser = town.phone("lan")
    town.service.answers.append((503, {}))
    client.post(f"{PUSH}/phone/test", json={})
    wait_until(lambda: not town.service.answers, what="a try that failed")
    town.served.stop()
    aside = town.gate.journal_path.with_suffix(".aside")
    town.gate.journal_path.rename(aside)
    try:
        town.served.start()
        assert town.hears(browser)["tag"] == "test"
    finally:
        aside.rename(town.gate.journal_path)
    town.gate.write(Kind.ALARM_RAISED, FORCED)
    wait_until(lambda: "forced_open" in {one["tag"] for one in town.service.of(browser)}, what="the news")


def test_a_lost_key_is_made_anew_and_phones_are_asked_to_subscribe_again(town: Town) -> None:
    """They are bound to the old one. Their pages do it when they are opened: a phone with a trouble asks anew."""
    client, browser = town.phone("lan")
    before = client.get(PUSH).json()["public_key"]
    town.served.stop()
    (town.served.settings.storage.state_dir / KEY_FILE).unlink()
    town.served.start()
    client = town.served.person(Role.OPERATOR, name="lan")
    told = client.get(PUSH).json()
    assert told["public_key"] != before
    assert [one["trouble"] for one in told["phones"]] == ["push_refused"]
    assert client.put(f"{PUSH}/phone", json=browser.subscription()).json()["phones"][0]["trouble"] is None


def test_a_phone_with_a_new_address_gets_what_waits_at_once(town: Town) -> None:
    """Its browser subscribed anew: what waited for the old address waits for no pause, and stays on the disk."""
    client, browser = town.phone("lan")
    town.service.answers.append((503, {"Retry-After": "3000"}))
    client.post(f"{PUSH}/phone/test", json={})
    wait_until(lambda: client.get(PUSH).json()["phones"][0]["trouble"] is not None, what="the trouble")
    client.put(f"{PUSH}/phone", json=browser.subscription())
    with contextlib.closing(Store(town.served.accounts_path)) as store:
        assert len(store.rows("SELECT session FROM push_waiting")) == 1
    assert town.due_in_s() > 2000.0, "the same address: the push service is left in peace"
    browser.endpoint = town.service.browser("lan-anew").endpoint
    client.put(f"{PUSH}/phone", json=browser.subscription())
    assert town.hears(browser)["tag"] == "test"


def test_what_an_other_version_left_waiting_is_passed_over(town: Town) -> None:
    """Its subject is not known here; what is known is told all the same."""
    _, browser = town.phone("lan")
    town.served.stop()
    with contextlib.closing(Store(town.served.accounts_path)) as store, store.changing() as db:
        db.execute("INSERT INTO push_waiting SELECT session, 'of_the_future', 'urgent', '{}', ? FROM push_phone",
                   (time.time() + DAY_S,))  # fmt: skip
    town.gate.write(Kind.ALARM_RAISED, FORCED)
    town.served.start()
    assert town.hears(browser)["tag"] == "forced_open"


def test_a_clock_that_is_wrong_for_a_while_loses_no_message(town: Town) -> None:
    """By it every session is over; it may be the clock. What is really over is worth nothing after a day anyway."""
    client, browser = town.phone("lan")
    town.service.answers.append((503, {}))
    client.post(f"{PUSH}/phone/test", json={})
    wait_until(lambda: client.get(PUSH).json()["phones"][0]["trouble"] is not None, what="the trouble")
    town.served.clock.wall_ahead_s = 3650 * DAY_S
    town.a_while_later(30.0)
    assert client.get(PUSH).status_code == 401
    wait_until(lambda: town.due_in_s() > 0.0, what="a try")
    town.served.clock.wall_ahead_s = 0.0
    town.a_while_later(60.0)
    assert town.hears(browser)["tag"] == "test"


def test_an_alarm_from_before_the_clock_was_set_is_news(town: Town) -> None:
    """The power was away for three days, and the board's clock begins where it was."""
    _, browser = town.phone("lan")
    town.served.stop()
    town.gate.write(Kind.ALARM_RAISED, {**FORCED, "alarm": "beam_tamper"})
    town.gate.write(Kind.ALARM_RAISED, FORCED, trusted=False)
    town.served.clock.wall_ahead_s = 3 * DAY_S
    town.served.start()
    town.hears(browser)
    wait_until(lambda: town.waiting() == 0, what="nothing that waits")
    assert {one["tag"] for one in town.service.of(browser)} - {"test"} == {"forced_open"}


def test_another_fault_is_news_while_the_first_is_quiet(town: Town) -> None:
    _, browser = town.phone("lan")
    for why in ("stuck", "stuck", "estop"):
        town.gate.write(Kind.ALARM_RAISED, {**FORCED, "alarm": "fault", "why": why})
    wait_until(lambda: any("dừng khẩn" in one["title"] for one in town.service.of(browser)), what="the second fault")


def test_a_browser_that_is_signed_in_anew_is_one_phone(town: Town) -> None:
    """The same address again, by another session: nobody is told twice."""
    _, browser = town.phone("lan")
    client = town.served.person(Role.OPERATOR, name="tho")
    shown = client.put(f"{PUSH}/phone", json={**browser.subscription(), "language": "en"}).json()
    assert [one["current"] for one in shown["phones"]] == [True]
    client.post(f"{PUSH}/phone/test", json={})
    assert town.hears(browser)["title"] == "Test from the gate"
    assert town.served.person(Role.OPERATOR, name="lan").get(PUSH).json()["phones"] == []


def test_what_a_browser_gives_is_looked_at(town: Town) -> None:
    client, browser = town.phone("lan")
    good = browser.subscription()
    p256dh = str(good["keys"]["p256dh"])
    for change, code in (
        ({"endpoint": "http://push.example/x"}, "invalid_request"),
        ({"endpoint": "https://a@push.example/x"}, "push_address_refused"),
        ({"keys": {**good["keys"], "p256dh": "A" * 87}}, "push_address_refused"),
        ({"keys": {"p256dh": p256dh}}, "invalid_request"),
        ({"expirationTime": None}, "invalid_request"),
    ):
        answer = client.put(f"{PUSH}/phone", json={**good, **change})
        assert (answer.status_code, answer.json()["code"]) == (422, code), change
        assert p256dh not in answer.text


def test_no_phone_leads_into_the_villages_own_network(tmp_path: Path, service: PushService, trusting: None) -> None:
    """SSRF: neither by its address nor by a name."""
    with FakeGate(tmp_path) as gate:
        page = Served(settings=settings_in(tmp_path), gate=gate)
        page.start()
        client = page.person(Role.OPERATOR, name="lan")
        local = service.browser("lan").subscription()
        assert client.put(f"{PUSH}/phone", json=local).json()["code"] == "push_address_refused"
        answer = page.ask(HttpsPost(allow_private=False)("https://localhost/x", {}, b""))
        assert (answer.fate, answer.said) == (Fate.UNREACHABLE, "localhost leads into a private network")
        page.stop()


def test_a_name_server_that_hangs_holds_up_no_stop() -> None:
    """Without a network a look-up takes half a minute; the process ends while it still hangs."""
    begun, over, answered = threading.Event(), threading.Event(), threading.Event()

    def hangs(_: str, __: int) -> list[str]:
        begun.set()
        over.wait(30.0)
        answered.set()
        return []

    async def send() -> None:
        sending = asyncio.create_task(HttpsPost(allow_private=True, look_up=hangs)("https://push.example/x", {}, b""))
        await asyncio.to_thread(begun.wait, 20.0)
        sending.cancel()

    asyncio.run(send())
    assert begun.is_set()
    assert not answered.is_set()
    over.set()


def test_a_fact_that_nobody_understands_ends_nothing(town: Town) -> None:
    """Another program wrote it, or an older one: it is passed over, and the next one is told."""
    _, browser = town.phone("lan")
    with contextlib.closing(sqlite3.connect(town.gate.journal_path)) as db:
        db.execute("INSERT INTO fact SELECT seq + 1, 'x', 'no time', 1, 1, 'b', 'alarm_raised', '{}', ?, hash, 'h' "
                   "FROM fact ORDER BY seq DESC LIMIT 1", ['{"alarm": "fault", "reminder": 0}'])  # fmt: skip
        db.commit()
    town.looks()
    town.gate.write(Kind.ALARM_RAISED, FORCED)
    assert town.hears(browser)["tag"] == "forced_open"
    assert not town.served.office.broken.is_set()


def test_a_key_that_can_not_be_used_is_said_and_stops_nothing_else(tmp_path: Path) -> None:
    """The detail names the file; the page, the gate and everybody's session go on."""
    (tmp_path / KEY_FILE).write_text("no key")
    (tmp_path / KEY_FILE).chmod(0o600)
    with FakeGate(tmp_path) as gate:
        page = Served(settings=settings_in(tmp_path), gate=gate)
        page.start()
        client = page.person(Role.OPERATOR, name="lan")
        problem = client.get(PUSH).json()
        assert (problem["code"], "push.key is damaged" in problem["detail"]) == ("push_key_unusable", True)
        assert client.get("/api/v1/gate").status_code == 200
        subscription = Browser(endpoint="https://push.example/x").subscription()
        assert client.put(f"{PUSH}/phone", json=subscription).json()["code"] == "push_key_unusable"
        wait_until(lambda: gate.beats["api"].get("reason") == "push_key_unusable", what="the health")
        page.stop()


def test_a_gate_may_send_none_at_all(tmp_path: Path) -> None:
    with FakeGate(tmp_path) as gate:
        page = Served(settings=settings_in(tmp_path, "push.enabled=false"), gate=gate)
        page.start()
        assert page.person(Role.VIEWER, name="lan").get(PUSH).json()["code"] == "push_off"
        assert not (tmp_path / KEY_FILE).exists()
        page.stop()
