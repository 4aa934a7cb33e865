"""A whole simulated gate at a real broker, and commands that come over it: obeyed, refused, and how soon.

The relay's moment is read from the pin trace, which the keeper writes with CLOCK_MONOTONIC.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gate.journal import boot_id
from gate.model import Code, Command
from mqtt_bridge.orders import MOST_AT_ONCE, PER_S
from tests.broker import Broker
from tests.fakes import wait_until
from tests.mqtt_bridge.gunner import Gunner
from tests.mqtt_bridge.road import Road
from tests.mqtt_bridge.shots import Forger, Shot, Target, keys_of_the_gate
from tests.program.program import Program
from tests.program.reaction import RELAYS, Hand, Lines, Reaction, stolen_ms

SLACK_MS = 3000
VALID = (Command.LIGHT_ON, Command.LIGHT_OFF, Command.SIREN_OFF)
VALID_SHARE = 0.2
MOST_UNANSWERED = 24
AT_ONCE, EACH_S = MOST_AT_ONCE - 5, 1.1 / PER_S
SHARE_AGAIN = 0.15
UNHEARD_MS = 1500
HALF_WAY = 0.6
DEAD_TIME_S = 0.5  # config/simulate.toml leaves it so: no relay of the other direction comes on before
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
MEMORY = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
MOVING = {"opening", "closing"}


@contextlib.contextmanager
def gate_at_a_broker(folder: Path, *overrides: str, slowly: bool = False) -> Iterator[tuple[Program, Broker]]:
    """Start a broker and a gate that takes commands of the keys of `shots.py`; `slowly`: with a bad road in between."""
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(Broker(folder / "broker"))
        port = stack.enter_context(Road(broker.port)).port if slowly else broker.port
        given = (f"mqtt.port={port}", keys_of_the_gate(), "camera.enabled=false", *overrides)
        program = Program(folder, overrides=given)
        # The keeper itself writes the trace; on a disk that others write to it would wait there, and be late for us.
        program.trace = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antt-fire-", dir=MEMORY))) / "pins"
        stack.enter_context(program)
        wait_until(lambda: program.status().get("state") in {"open", "closed"}, 30, "the sensors")
        yield program, broker


@dataclass(kw_only=True)
class Barrage:
    """What became of a lot of messages: how many obeyed, how many refused with which code, and what was wrong."""

    fired: int = 0
    obeyed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        codes = ", ".join(f"{name} {count}" for name, count in sorted(self.refused.items()))
        return f"{self.fired} messages: {self.refused.total()} refused ({codes}), {self.obeyed} obeyed"


class Siege:
    """Fires at one resting gate over its broker, and compares each answer with the judge's verdict."""

    def __init__(self, program: Program, gunner: Gunner, seed: int) -> None:
        self._gunner = gunner
        self._chance = random.Random(seed)
        self.forger = Forger(seed, slack_ms=SLACK_MS)
        self._hand = Hand(program)
        self.target = Target(boot=boot_id(), now_ms=0, sequence=int(str(self._hand.ask("status")["sequence"])))
        self._unanswered: dict[int, tuple[Shot, Code | None]] = {}
        self._sent: list[Shot] = []
        self.obeyed: list[Shot] = []
        self.barrage = Barrage()
        self._in_order, self._last_s = 0, 0.0

    def close(self) -> None:
        """Let go of the gate's socket."""
        self._hand.close()

    def fire(self, count: int) -> None:
        """Send so many messages, a fifth of them in order, and wait for every answer."""
        for _ in range(count):
            self.now()
            shot = self._next()
            if self.target.is_unclear(shot) or self._is_close_call(shot):
                continue
            self._send(shot)
            while len(self._unanswered) >= MOST_UNANSWERED:
                self._settle(1)
        self._settle(len(self._unanswered))

    def now(self) -> None:
        """Have the judge look at the clock."""
        self.target.now_ms = time.monotonic_ns() / 1e6

    def send(self, shot: Shot, verdict: Code | None) -> None:
        """Send one message of which the verdict is known beforehand."""
        self._unanswered[self._gunner.fire(shot.payload, retained=shot.retained)] = shot, verdict
        self.barrage.fired += 1

    def settle(self) -> None:
        """Wait for every answer."""
        self._settle(len(self._unanswered))

    def _send(self, shot: Shot) -> None:
        verdict = self.target.verdict(shot)
        if verdict is None and shot.command is Command.STOP:
            self.settle()  # it would overtake what was sent before, which is then `superseded`
        if verdict is None and shot.command is not Command.STOP:
            self._keeps_pace()
        self._sent.append(shot)
        self.send(shot, verdict)

    def _keeps_pace(self) -> None:
        """Send no more in order than one key may, or they are `rate_limited`."""
        self._in_order += 1
        if self._in_order > AT_ONCE:
            time.sleep(max(0.0, self._last_s + EACH_S - time.monotonic()))
        self._last_s = time.monotonic()
        self.now()

    def _next(self) -> Shot:
        chance = self._chance.random()
        if self._sent and chance < SHARE_AGAIN:
            return self._chance.choice(self._sent[-200:])
        if chance < SHARE_AGAIN + VALID_SHARE:
            return self.forger.in_order(self.target, self._chance.choice(VALID))
        return self.forger.shot(self.target)

    def _is_close_call(self, shot: Shot) -> bool:
        """Tell whether its deadline may pass, or come near, while it is on its way."""
        ahead_ms = shot.deadline_ms - self.target.now_ms
        return 0 <= ahead_ms < UNHEARD_MS or 0 <= ahead_ms - 15_000 < UNHEARD_MS

    def _settle(self, count: int) -> None:
        for number in list(self._unanswered)[:count]:
            shot, verdict = self._unanswered.pop(number)
            heard = self._gunner.answered(number)
            code = heard.code if heard.status == "rejected" else None
            if code != (verdict and verdict.value):
                self.barrage.wrong.append(f"{verdict} and not {heard} was right for {shot.faults}: {shot.payload!r}")
            if code is None:
                self.barrage.obeyed += 1
                self.obeyed.append(shot)
            else:
                self.barrage.refused[code] += 1


class Remote:
    """An officer far away who opens and stops one gate over the broker, again and again."""

    def __init__(self, program: Program, gunner: Gunner) -> None:
        self.hand = Hand(program)
        self.lines = Lines(program)
        self._gunner = gunner
        self._forger = Forger(int(time.monotonic()))

    def close(self) -> None:
        """Let go of trace and socket."""
        self.hand.close()
        self.lines.close()

    def orders(self, command: Command) -> tuple[int, int]:
        """Send a command in order; return its number and when it left (monotonic ns)."""
        target = Target(boot=boot_id(), now_ms=time.monotonic_ns() / 1e6)
        payload = self._forger.in_order(target, command, blindly=True).payload
        at_ns = time.monotonic_ns()
        return self._gunner.fire(payload), at_ns

    def relay_ms(self, command: Command, relay: str, level: int, within_s: float = 5.0) -> float:
        """Send a command; return the ms until that relay took that level."""
        number, at_ns = self.orders(command)
        when_ns = self.lines.when(relay, level, at_ns, within_s)
        assert when_ns is not None, f"{command} did not bring {relay} to {level}: {self._gunner.answers(number)}"
        return (when_ns - at_ns) / 1e6

    def opens_and_stops(self, count: int, calm_s: float = 0.3) -> Iterator[Reaction]:
        """Open a little and stop, so often; closes in between as needed. `calm_s`: rest before each command."""
        relay = RELAYS["open"]
        for _ in range(count):
            if float(str(self.hand.yard("show")["leaf"])) > HALF_WAY:
                self._closes()
            time.sleep(calm_s)
            yield self._reaction("energised", Command.OPEN, relay, 1)
            time.sleep(calm_s)
            yield self._reaction("released", Command.STOP, relay, 0)
            wait_until(lambda: self.hand.ask("status")["state"] not in MOVING, 5, "a leaf at rest")

    def _reaction(self, name: str, command: Command, relay: str, level: int) -> Reaction:
        before_ms = stolen_ms()
        took_ms = self.relay_ms(command, relay, level)
        return Reaction(cause=name, took_ms=took_ms, stolen_ms=stolen_ms() - before_ms)

    def _closes(self) -> None:
        """Close fully, again where something on a busy machine stopped it."""
        wait_until(self._is_closed, 60, "a closed gate")
        time.sleep(DEAD_TIME_S)

    def _is_closed(self) -> bool:
        state = self.hand.ask("status")["state"]
        if state not in {"closed", *MOVING}:
            self.hand.command("close")
        return state == "closed"
