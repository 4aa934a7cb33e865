"""Two phones, opposite commands: whatever the order, a stop wins over all that was pressed before it.

Real orders (api/orders.py) over the real rules on the story's clock, whose oracle watches the yard. What can come in
any order between two phones is told step by step: a press reaches the server, its key gets to the disk, the gate does
not answer, a phone sends its press again. A motion's key is on the disk before the gate is asked; a stop waits for
nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.accounts import Store, Writer
from api.clock import Clock
from api.orders import ACCEPTED, DEADLINE_MS, Answer, Order, Orders
from api.problems import REFUSED, ProblemError
from api.records import Records
from gate.client import GateUnavailableError, RequestRefusedError, new_id
from gate.journal import Journal
from gate.model import Command, JsonObject, Kind, Role, State
from tests.api.conftest import Served, key
from tests.fakes import wait_until
from tests.story import Story

COMMANDS = "/api/v1/gate/commands"
Found = TypeVar("Found")
OPPOSITE = (
    (Command.OPEN, Command.CLOSE), (Command.CLOSE, Command.OPEN), (Command.HOLD_OPEN, Command.CLOSE),
    (Command.EMERGENCY_OPEN, Command.LOCKDOWN), (Command.LOCKDOWN, Command.EMERGENCY_OPEN),
)  # fmt: skip
MOTIONS = tuple(sorted({command for pair in OPPOSITE for command in pair}))
MOMENT_S = 0.1


class Gate:
    """The rules behind the port that orders are given through, with a leaf half-way. `deaf`: nothing reaches it."""

    def __init__(self) -> None:
        self.story = Story(leaf=0.5).after(s=1.0)
        self.deaf = False
        self.asked: list[int] = []
        self.deadlines_ms: list[object] = []

    async def request(self, op: str, timeout_s: float = 5.0, **arguments: object) -> JsonObject:
        del timeout_s
        if self.deaf:
            raise GateUnavailableError("deaf")
        if op == "command":
            by, refused = arguments["by"], len(self.story.refusals)
            assert isinstance(by, dict)
            self.asked.append(int(by["id"]))
            self.deadlines_ms.append(arguments["deadline_mono_ms"])
            self.story.officer_says(Command(str(arguments["command"])))
            if len(self.story.refusals) > refused:
                raise RequestRefusedError(self.story.refusals[-1].plain())
        return {"accepted": True, "state": "stopped", "target": None, "sequence": 1}

    @property
    def starts(self) -> int:
        """How often a drive was energised so far."""
        return sum(fact.kind is Kind.DRIVE_ENERGISED for fact in self.story.facts)


class Disk:
    """What keeps keys, as slow as a story wants: the key of a press waits until it is let through."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.waiting: list[asyncio.Event] = []

    async def __call__(self, change: Callable[[Store], Found]) -> Found:
        task = asyncio.current_task()
        if task and task.get_name() == "keep-key":  # not its answer, for which nobody waits
            through = asyncio.Event()
            self.waiting.append(through)
            await through.wait()
        return change(self._store)


class Village:
    """Phones and one server. A press has a number; the same number again is the same press, sent again."""

    def __init__(self, folder: Path, kept_within_s: float = 60.0) -> None:
        folder.mkdir()
        self.gate, self._store = Gate(), Store(folder / "a.db")
        self.disk = Disk(self._store)
        self._journal = Journal(folder / "journal.db", lambda _: None)
        self._journal.open()
        self._records = Records(folder / "journal.db")
        self.mono_ns = 0
        write, clock = cast("Writer", self.disk), Clock(mono_ns=lambda: self.mono_ns)
        self._orders = Orders(self.gate, self._records, self._store, write, clock, kept_within_s=kept_within_s)
        self.answers: dict[int, asyncio.Task[Answer]] = {}

    async def press(self, number: int, command: Command) -> None:
        order = Order(
            person=f"phone{number}", session_id=f"s{number}", key="k" * 16, command=command, by={"id": str(number)},
            reason="", sequence=None, sighted=True, minutes=None, seen=True,
        )  # fmt: skip
        self.answers[number] = asyncio.create_task(self._orders.place(order))
        await self.settle()

    async def keep_one(self) -> None:
        """Let the key that waits longest get to the disk."""
        if self.disk.waiting:
            self.disk.waiting.pop(0).set()
        await self.settle()

    async def settle(self) -> None:
        """Let happen what needs no disk, then a moment of the yard's time."""
        for _ in range(10):
            await asyncio.sleep(0)
        self.gate.story.after(s=MOMENT_S)

    async def answer_all(self) -> None:
        """Let every key through and wait for what the phones are told."""
        while not all(task.done() for task in self.answers.values()):
            await self.keep_one()
            await asyncio.sleep(0.001)  # a press that is sent again looks into the journal, in a thread

    async def close(self) -> None:
        for task in self.answers.values():
            with contextlib.suppress(ProblemError):
                await task
        await self._orders.close()
        self._records.close()
        self._store.close()
        self._journal.close()


def in_a_village(folder: Path, story: Callable[[Village], Awaitable[None]]) -> None:
    """Tell a story in a village of its own."""

    async def told() -> None:
        village = Village(folder / new_id())
        try:
            await story(village)
        finally:
            await village.close()

    asyncio.run(told())


def orders_before_a_stop() -> list[tuple[str, ...]]:
    """Return every order in which two presses, and their keys getting to the disk, can come before a stop."""
    steps = itertools.chain.from_iterable(itertools.permutations(("a", "b", "kept", "kept"), n) for n in range(5))
    return sorted({one for one in steps if all(_waits(one[:at]) for at, step in enumerate(one) if step == "kept")})


def _waits(before: Sequence[str]) -> bool:
    return before.count("a") + before.count("b") > before.count("kept")


@pytest.mark.parametrize(("first", "second"), OPPOSITE)
def test_nothing_that_was_pressed_before_a_stop_moves_the_gate_after_it(
    tmp_path: Path, first: Command, second: Command
) -> None:
    """Every order. The stop is done at once, whatever waits; who was overtaken is told so."""
    for steps in orders_before_a_stop():

        async def story(village: Village, steps: tuple[str, ...] = steps) -> None:
            gate, presses = village.gate, {"a": (1, first), "b": (2, second)}
            for step in steps:
                await (village.press(*presses[step]) if step in presses else village.keep_one())
            waiting = {number for number in village.answers if number not in gate.asked}
            await village.press(3, Command.STOP)
            starts = gate.starts
            assert (gate.asked[-1], gate.story.pins) == (3, frozenset()), "a stop waits for nothing"
            await village.answer_all()
            gate.story.after(s=2.0)
            assert gate.starts == starts, steps
            assert gate.story.gate.state in {State.STOPPED, State.UNKNOWN}
            assert village.answers[3].result().status == ACCEPTED
            for number in waiting:
                answer = village.answers[number].result()
                assert (answer.status, answer.body["code"]) == (REFUSED, "superseded")

        in_a_village(tmp_path, story)


STEPS = st.lists(
    st.one_of(
        st.sampled_from(["stop", "stop", "kept", "kept", "deaf", "hears"]),
        st.tuples(st.integers(1, 4), st.sampled_from(MOTIONS)),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_press_that_got_lost_and_is_sent_again_does_not_outlive_a_stop(
    tmp_path: Path, steps: list[str | tuple[int, Command]]
) -> None:
    """However often presses get lost, wait and are sent again: the gate hears of none from before the newest stop."""

    async def story(village: Village) -> None:
        gate, known, stale, stops = village.gate, dict[int, Command](), set[int](), itertools.count(100)
        for step in steps:
            heard = len(gate.asked)
            match step:
                case "deaf" | "hears":
                    gate.deaf = step == "deaf"
                case "kept":
                    await village.keep_one()
                case "stop":
                    stale = set(known)
                    await village.press(next(stops), Command.STOP)
                case (int(number), Command() as command):
                    await village.press(number, known.setdefault(number, command))
            assert not stale.intersection(gate.asked[heard:]), (step, steps)
        gate.deaf, heard = False, len(gate.asked)
        for number, command in known.items():
            await village.press(number, command)
        await village.answer_all()
        assert not stale.intersection(gate.asked[heard:])

    in_a_village(tmp_path, story)


def test_a_card_that_hangs_holds_a_press_for_a_moment_only(tmp_path: Path) -> None:
    """Seen: nothing but the card itself ended the wait, and the gate's two seconds began only then."""

    async def told() -> None:
        village = Village(tmp_path / "a", kept_within_s=0.05)
        try:
            await village.press(1, Command.OPEN)
            village.mono_ns = 1_500_000_000
            while not village.gate.asked:  # noqa: ASYNC110 - what is waited for is not ours to signal
                await asyncio.sleep(0.005)
            assert len(village.disk.waiting) == 1
            assert village.gate.deadlines_ms == [DEADLINE_MS], "from the press on"
            assert (await village.answers[1]).status == ACCEPTED
        finally:
            await village.keep_one()
            await village.close()

    asyncio.run(told())


def test_a_stop_from_a_second_phone_overtakes_a_press_that_waits_for_the_disk(served: Served) -> None:
    """Seen: an order that waited for a slow card moved the gate a second after somebody else had stopped it."""
    lan, huy = served.person(Role.OPERATOR, name="lan"), served.person(Role.VIEWER, name="huy")
    with ThreadPoolExecutor(1) as phone, contextlib.closing(Store(served.accounts_path)) as busy:
        with busy.changing():
            pressed = phone.submit(lan.post, COMMANDS, json={"command": "open"}, headers=key())
            wait_until(lambda: bool(served.office.orders._recent), what="the press at the server")
            assert huy.post(COMMANDS, json={"command": "stop"}, headers=key()).status_code == ACCEPTED
        answer = pressed.result(5)
    assert (answer.status_code, answer.json()["code"]) == (REFUSED, "superseded")
    assert [wish.command for wish in served.wishes] == [Command.STOP]
    served.report("command_refused", "lan", command="open", code="superseded")
