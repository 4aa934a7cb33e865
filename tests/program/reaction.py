"""How soon the relays of a whole simulated gate follow: its processes killed and hung, its inputs changed.

Every time is read from the pin trace, which the keeper writes with CLOCK_MONOTONIC as it changes a line: from the level
on the input's line, or from the signal that was sent, to the level on the relay's line. The slices in
test_reaction.py and the figures in tests/bench/bench_processes.py are taken with the same hands.
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from gate.client import GateUnavailableError, RequestRefusedError, new_id
from gate.model import JsonObject
from tests.fakes import wait_until
from tests.program.program import Program

RELAYS = {"open": "open_relay", "close": "close_relay"}
CLEAR_S = 0.2  # so long an input must be clear before it counts as clear
OTHER = {"open": "close", "close": "open"}
TURNS = {"close": ("beam", "edge", "beam", "stop", "beam") * 3, "open": ("stop", "edge") * 4}
MOVES_FOR_S = (0.02, 0.12)
MIDDLE = 0.6
MID = (0.2, 0.8)
LOCKS = {"hard_lock", "soft_lock"}
UNSEEN = {"sensor_stale", "keeper_down"}
BY: JsonObject = {"type": "cli", "id": "bench", "name": "bench"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """An input that stops the leaf: its line, and what is ordered in the yard to make and to undo it."""

    line: str
    made: tuple[str, ...]
    undone: tuple[str, ...]


CAUSES = {
    "beam": Cause(line="beam", made=("beam", "blocked"), undone=("beam", "clear")),
    "edge": Cause(line="edge", made=("edge", "press"), undone=("edge", "ok")),
    "stop": Cause(line="stop_button", made=("input", "stop_button", "on"), undone=("input", "stop_button", "off")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaction:
    """How many ms after an input's line the relay's line followed.

    `stolen_ms`: how long this machine's processors were taken away meanwhile, where it is a virtual one.
    """

    cause: str
    took_ms: float
    stolen_ms: float = 0.0


class Lines:
    """The newest of a pin trace, read as it grows."""

    def __init__(self, program: Program) -> None:
        self._file: TextIO = program.trace.open(encoding="ascii")
        self._begun = ""
        self.changes: list[tuple[int, str, int]] = []

    def read(self) -> None:
        """Take what was written since the last time."""
        text = self._begun + self._file.read()
        *whole, self._begun = text.split("\n")
        rows = [json.loads(line) for line in whole]
        self.changes += [(row["mono_ns"], row["name"], row["level"]) for row in rows]
        del self.changes[:-200]

    def level(self, name: str, before_ns: float = math.inf) -> int | None:
        """Return the last level that a line took before a moment, None where it never changed."""
        self.read()
        return next(
            (level for at_ns, changed, level in reversed(self.changes) if changed == name and at_ns < before_ns), None
        )

    def when(self, name: str, level: int, since_ns: int, within_s: float) -> int | None:
        """Wait until a line takes that level, from that moment on; return when it did, None where it did not."""
        end_s = time.monotonic() + within_s
        while True:
            self.read()
            for at_ns, changed, found in self.changes:
                if changed == name and found == level and at_ns >= since_ns:
                    return at_ns
            if time.monotonic() > end_s:
                return None
            time.sleep(0.002)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Hand:
    """A lasting connection to the gate's socket: orders to the gate and to its yard without the cost of a process."""

    def __init__(self, program: Program) -> None:
        self._link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._link.settimeout(5)
        self._link.connect(str(program.socket))
        self._lines = self._link.makefile("rb")
        self._number = 0

    def ask(self, op: str, **arguments: object) -> JsonObject:
        """Ask and wait for the answer. Raises `RequestRefusedError`, `GateUnavailableError`."""
        self._number += 1
        self._link.sendall(json.dumps({"id": self._number, "op": op, **arguments}).encode() + b"\n")
        for line in self._lines:
            answer = json.loads(line)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RequestRefusedError(answer["error"])
                done: JsonObject = answer["ok"]
                return done
        raise GateUnavailableError("the gate process closed the connection")

    def yard(self, *words: str) -> JsonObject:
        """Order something in the yard."""
        return self.ask("yard", action=words[0], arguments=list(words[1:]))

    def command(self, command: str) -> str:
        """Give a command as somebody who sees the gate; return "accepted" or the code of the refusal."""
        try:
            self.ask("command", command_id=new_id(), command=command, by=BY, sighted=True)
        except RequestRefusedError as refused:
            return str(refused.problem["code"])
        return "accepted"

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._link.close()


class Mover:
    """Makes the leaf of one gate move, and stops it by its inputs, again and again."""

    def __init__(self, program: Program, chance: random.Random) -> None:
        self.lines = Lines(program)
        self.hand = Hand(program)
        self.way = "open"
        self.refused: Counter[str] = Counter()
        self._program = program
        self._chance = chance

    def close(self) -> None:
        """Let go of trace and socket."""
        self.hand.close()
        self.lines.close()

    def go_half_way(self) -> None:
        """Open fully, then stop in the middle: from there the leaf can be moved either way."""
        while self.hand.ask("status")["state"] != "open":
            relay = self.moving()
            self.lines.when(relay, 0, time.monotonic_ns(), 30)
        self.way = "close"
        self.moving()
        wait_until(lambda: float(str(self.hand.yard("show")["leaf"])) < MIDDLE, 30, "a leaf in the middle")
        self.hand.command("stop")

    def moving(self, within_s: float = 30.0) -> str:
        """Have the leaf move, the other way where this one is at its end; return the relay that came on."""
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            before_ns = time.monotonic_ns()
            answer = self.hand.command(self.way)
            if answer == "accepted" and self.lines.when(RELAYS[self.way], 1, before_ns, 1.5) is not None:
                return RELAYS[self.way]
            self.refused[answer] += 1
            if answer in {"already_there", "accepted"}:
                self.way = OTHER[self.way]
            if answer in LOCKS:
                self.hand.command("reset")
            time.sleep(0.01)
        raise AssertionError(f"the leaf does not move; refusals so far: {self.refused}")

    def reactions(self, count: int) -> Iterator[Reaction]:
        """Stop the leaf so often, by each input in turn; a turn the other way waits for the dead time."""
        done = 0
        while done < count:
            for name in TURNS[self.way]:
                found = self.react(name)
                if found is not None and done < count:
                    done += 1
                    yield found
            self.way = OTHER[self.way]

    def react(self, name: str) -> Reaction | None:
        """Stop a moving leaf by that input; None where it arrived before the input came.

        A beam stops nothing that opens: then it is the button. A relay that was on and stays on for half a second is an
        error, whatever switches it off afterwards.
        """
        relay = self.moving()
        if name == "beam" and relay != RELAYS["close"]:
            name = "stop"
        cause = CAUSES[name]
        time.sleep(self._chance.uniform(*MOVES_FOR_S))
        stolen_before_ms = stolen_ms()
        before_ns = time.monotonic_ns()
        self.hand.yard(*cause.made)
        at_ns = self.lines.when(cause.line, 0, before_ns, 2)
        assert at_ns is not None, f"{cause.made} did not show on {cause.line}"
        was_on = self.lines.level(relay, before_ns=at_ns) == 1
        off_ns = self.lines.when(relay, 0, at_ns, 0.5) if was_on else None
        taken_ms = stolen_ms() - stolen_before_ms
        self.hand.yard(*cause.undone)
        self.hand.command("stop")  # a reversal that waits for its dead time is not what is measured
        time.sleep(CLEAR_S)
        if not was_on:
            return None
        assert off_ns is not None, f"{relay} stayed on for half a second after {cause.line}: {self.lines.changes[-20:]}"
        return Reaction(cause=name, took_ms=(off_ns - at_ns) / 1e6, stolen_ms=taken_ms)


def stolen_ms() -> float:
    """Return how long the host has kept this machine's processors from it so far, in ms (`steal` in proc(5))."""
    with Path("/proc/stat").open(encoding="ascii") as counters:
        steal = int(counters.readline().split()[8])
    return steal * 1000.0 / os.sysconf("SC_CLK_TCK")


def in_mid_move(program: Program) -> str:
    """Have the leaf move and wait until it is far from both ends; return the relay that is on.

    Near an end the leaf would run onto its post within the lease, squeeze its edge there and bar every further move.
    """
    mover = Mover(program, random.Random(0))
    try:
        end_s = time.monotonic() + 60
        relay = mover.moving()
        while not (mover.lines.level(relay) == 1 and MID[0] < float(str(mover.hand.yard("show")["leaf"])) < MID[1]):
            assert time.monotonic() < end_s, f"the leaf never came to the middle: {mover.hand.ask('status')}"
            time.sleep(0.02)
            if mover.lines.level(relay) != 1:  # it arrived meanwhile
                relay = mover.moving()
        time.sleep(0.3)
    finally:
        mover.close()
    return relay


def released_ms(program: Program, relay: str, since_ns: int) -> float:
    """Return how many ms after a moment a relay went off."""
    lines = Lines(program)
    try:
        off_ns = lines.when(relay, 0, since_ns, 3)
    finally:
        lines.close()
    assert off_ns is not None, f"{relay} stayed on for three seconds"
    return (off_ns - since_ns) / 1e6


def gate_killed_ms(program: Program) -> float:
    """Kill the gate process of a moving gate; return the ms to the relay's release, with the gate up again."""
    relay = in_mid_move(program)
    since_ns = time.monotonic_ns()
    os.kill(program.pid, signal.SIGKILL)
    took_ms = released_ms(program, relay, since_ns)
    program.stop()
    program.start()
    _await_health(program)
    return took_ms


def gate_hung_ms(program: Program) -> float:
    """Stop the gate process of a moving gate for a second; return the ms to the relay's release."""
    relay = in_mid_move(program)
    since_ns = time.monotonic_ns()
    os.kill(program.pid, signal.SIGSTOP)
    try:
        took_ms = released_ms(program, relay, since_ns)
    finally:
        os.kill(program.pid, signal.SIGCONT)
    _await_health(program)
    return took_ms


@dataclass(frozen=True, kw_only=True, slots=True)
class KeeperKilled:
    """What followed the end of a keeper: ms until it was journalled and until it was published, the refusal, edges."""

    noticed_ms: float
    published_ms: float
    refusal: str
    edges: int
    back_ms: float


def keeper_killed(program: Program) -> KeeperKilled:
    """Kill the keeper of a moving gate, ask for motion at once, and wait until the next one is at work."""
    in_mid_move(program)
    keeper, hand, lines = program.pid_of("keeper"), Hand(program), Lines(program)
    try:
        lines.read()
        since_ns = time.monotonic_ns()
        os.kill(keeper, signal.SIGKILL)
        while "keeper_down" not in str(hand.ask("status")["reasons"]):
            assert time.monotonic_ns() - since_ns < 2e9, "keeper_down was never published"
        published_ns = time.monotonic_ns()
        refusal = hand.command("open")
        wait_until(lambda: program.pid_of("keeper") != keeper, 15, "another keeper")
        back_ns = time.monotonic_ns()
        _await_health(program)
        lines.read()
        edges = sum(at_ns > since_ns and name in RELAYS.values() for at_ns, name, _ in lines.changes)
    finally:
        hand.close()
        lines.close()
    died = program.facts("process_died")[-1]
    return KeeperKilled(
        noticed_ms=died.mono_ms - since_ns / 1e6,
        published_ms=(published_ns - since_ns) / 1e6,
        refusal=refusal,
        edges=edges,
        back_ms=(back_ns - since_ns) / 1e6,
    )


def _await_health(program: Program) -> None:
    """Wait until samples are believed again; what a fault locked is reset."""

    def is_well() -> bool:
        status = program.status()
        if status.get("health") in LOCKS:
            with suppress(AssertionError):
                program.order("reset")
        return status.get("health") in {"ok", "degraded"} and not UNSEEN & set(map(str, status["reasons"]))  # type: ignore[arg-type] # a snapshot's shape

    wait_until(is_well, 15, f"health, now {program.status()}")
