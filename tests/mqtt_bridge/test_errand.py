"""What the sending side knows of a gate's clock, what it signs, and which answers it believes."""

from __future__ import annotations

import json
import re

import pytest

from gate.cli_orders import ORDERS
from gate.model import Command
from mqtt_bridge.errand import GateClock, Order, Progress, Reading, commands, read_answer

ID = "0193f3c2-0000-7000-8000-000000000001"


def payload(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def a_clock(state: str = "online", boot: str = "b1", beat_boot: str = "b1", *, retained: bool = False) -> GateClock:
    clock = GateClock()
    clock.state_came(payload(s=state, boot=boot))
    clock.beat_came(payload(boot=beat_boot, mono_ms=500_000), retained=retained, now_ms=1000)
    return clock


def an_order(**changes: object) -> Order:
    given = {"id": ID, "gate": "sim", "kid": "room", "command": Command.OPEN, "by_id": "lan", "by_name": "Lan",
             "lasts_ms": 5000}  # fmt: skip
    return Order(**{**given, **changes})  # type: ignore[arg-type] # tests change one field


def test_the_deadline_is_written_in_the_clock_of_the_gate() -> None:
    reading = a_clock().reading(now_ms=3500)
    assert reading == Reading(boot="b1", mono_ms=502_500)
    fields = an_order().fields(reading)
    assert (fields["boot"], fields["mono_deadline_ms"]) == ("b1", 507_500)


@pytest.mark.parametrize(
    ("clock", "told"),
    [
        (GateClock(), "nothing is known of a gate 'sim'.*--broker.*access list"),
        (a_clock(state="lost"), r"not connected to this broker \(\$state: lost\)"),
        (a_clock(state="stopped"), "stopped"),
        (a_clock(beat_boot="b0"), "started anew"),
        (a_clock(retained=True), "beat"),
    ],
    ids=["nobody", "lost", "stopped", "another boot", "a kept beat"],
)
def test_the_clock_is_never_guessed(clock: GateClock, told: str) -> None:
    """I7: a deadline that fits by chance would be a stale command obeyed."""
    assert clock.reading(now_ms=2000) is None
    assert re.search(told, clock.why_unknown("sim"))


def test_nonsense_does_not_move_the_clock() -> None:
    clock = a_clock()
    for wrong in (b"", b"[]", b"{", payload(boot="b1", mono_ms=True), payload(boot="b1", mono_ms=-5),
                  payload(boot=1, mono_ms=5), payload(boot="b1", mono_ms=1 << 60)):  # fmt: skip
        clock.beat_came(wrong, retained=False, now_ms=9000)
    assert clock.reading(now_ms=1000) == Reading(boot="b1", mono_ms=500_000)


def test_a_gate_that_began_anew_makes_the_old_clock_worthless() -> None:
    clock = a_clock()
    clock.state_came(payload(s="online", boot="b2"))
    assert clock.reading(now_ms=2000) is None
    clock.beat_came(payload(boot="b2", mono_ms=9000), retained=False, now_ms=2000)
    assert clock.reading(now_ms=2000) == Reading(boot="b2", mono_ms=9000)


def test_only_what_was_given_is_signed() -> None:
    fields = an_order().fields(Reading(boot="b1", mono_ms=1))
    assert not fields.keys() & {"sequence", "sighted", "minutes"}
    fields = an_order(sequence=0, sighted=True, minutes=20).fields(Reading(boot="b1", mono_ms=1))
    assert (fields["sequence"], fields["sighted"], fields["minutes"]) == (0, True, 20)


def test_the_words_are_those_of_the_cabinet() -> None:
    """One vocabulary: what `antt-gate WORD` orders here, `antt-gate send WORD` orders from afar."""
    words = commands()
    assert {word: words[word] for word in ORDERS} == {word: known.command for word, known in ORDERS.items()}
    assert {command.value: command for command in Command}.items() <= words.items()


def test_an_answer_is_followed_to_its_end() -> None:
    progress = Progress(ID, waits=True)
    told = [progress.came(payload(id=ID, status=status), progress.correlation) for status in
            ("accepted", "energised", "energised", "confirmed")]  # fmt: skip
    assert [answer.status for answer in told if answer] == ["accepted", "energised", "confirmed"]
    assert progress.end is not None
    assert progress.end.status == "confirmed"


def test_without_wait_the_first_word_is_the_end() -> None:
    progress = Progress(ID, waits=False)
    progress.came(payload(id=ID, status="accepted"), None)
    assert progress.end is not None


def test_answers_of_others_are_none_of_ours() -> None:
    progress = Progress(ID, waits=True)
    assert progress.came(payload(id="another-command", status="accepted"), None) is None
    assert progress.came(payload(id=ID, status="accepted"), b"another") is None
    assert progress.came(payload(id=ID, status="dancing"), None) is None
    assert not progress.answered


def test_a_replay_that_is_refused_does_not_hide_what_was_accepted() -> None:
    """Whoever copies a command gets `duplicate`, with our id in it."""
    progress = Progress(ID, waits=True)
    progress.came(payload(id=ID, status="accepted"), progress.correlation)
    assert progress.came(payload(id=ID, status="rejected", code="duplicate"), None) is None
    assert progress.end is None


def test_a_refusal_has_a_sentence_and_no_tricks() -> None:
    told = read_answer(payload(id=ID, status="rejected", code="beam_blocked", title="Something\x1b[2J."), ID)
    assert told is not None
    assert (told.code, told.text, told.is_refusal) == ("beam_blocked", "Something?[2J.", True)
    bare = read_answer(payload(id=ID, status="rejected", code="expired"), ID)
    assert bare is not None
    assert bare.text.startswith("The command came too late")
