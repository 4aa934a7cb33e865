"""The keeper: the process that holds the GPIO lines. Run as `python -m gate.keeper FD`.

It samples the inputs every 5 ms while a drive is or may be energised (20 ms otherwise), sends each sample to the gate
process over a SOCK_SEQPACKET pair, and does what the newest order says, within limits of its own:

- an order answers one sample and is good for the lease (300 ms) counted from that sample (I6);
- one drive relay at the most is on; open and close never follow each other within the dead time, measured from the
  last release of a pin (I1, I2), and presses of the step relay leave a second between them, also after a start;
- a relay that lost its lease, or was on for longer than it ever needs to be (I9: a gate process that hangs while it
  still answers), stays off until an order without a relay has come: nothing old is resumed (I7);
- what the pins really show is compared with what was ordered at each sample; the gate process is told which do not
  follow. While a drive relay can't be switched off, everything is off, and is tried again at each sample;
- when the other end of the socket is gone, everything is switched off at once.

No rule of the gate is decided here. In simulation the yard lives behind the mock pins of this process.
"""

from __future__ import annotations

import contextlib
import gc
import json
import math
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gate import priority
from gate.model import Drive, JsonObject, Relay
from gate.pins import Board, Pin, PinsError, Trace, mock_factory, real_factory
from gate.world import Yard, YardError

FAST_S = 0.005
SLOW_S = 0.020
SCENE_FAST_S = 0.05
SCENE_SLOW_S = 0.5
SAVE_S = 1.0
LARGEST_PACKET = 65536
REMEMBERED_SAMPLES = 256
PRESS_GAP_S = 1.0
OPPOSITE = {Relay.OPEN: Relay.CLOSE, Relay.CLOSE: Relay.OPEN}
DRIVES = frozenset(relay.value for relay in Relay)
NOTHING: frozenset[str] = frozenset()


@dataclass(kw_only=True, slots=True)
class Guard:
    """Lease, interlock, dead time and longest run, as arithmetic. Times are monotonic seconds.

    It starts as after a release of every relay at `born_s`. `longest_s`: how long each relay may stay on.
    """

    lease_s: float
    dead_time_s: float
    born_s: float
    longest_s: Mapping[Relay, float] = field(default_factory=dict)
    wanted: Relay | None = None
    others: frozenset[str] = NOTHING
    good_until_s: float = 0.0
    latched: bool = False
    driving: Relay | None = None
    since_s: float = 0.0
    off_s: dict[Relay, float] = field(default_factory=dict)
    stuck: frozenset[Relay] = frozenset()

    def order(self, sampled_s: float, relay: Relay | None, others: frozenset[str], now_s: float) -> None:
        """Take an order that answers the sample taken at `sampled_s`. One that is too old changes nothing."""
        if now_s - sampled_s >= self.lease_s:
            return
        if relay is None:
            self.latched = False
        self.wanted, self.others = relay, others
        self.good_until_s = max(self.good_until_s, sampled_s + self.lease_s)

    def settle(self, now_s: float) -> tuple[Relay | None, frozenset[str]]:
        """Return what may be on now: at most one drive relay, and the other outputs by name."""
        if now_s >= self.good_until_s:
            self._latch()
            self.wanted, self.others = None, NOTHING
        if self.stuck or (self.driving and now_s - self.since_s >= self.longest_s.get(self.driving, math.inf)):
            self._latch()
        wanted = None if self.latched else self.wanted
        if self.driving is not None and self.driving is not wanted:
            self.off_s[self.driving] = now_s
            self.driving = None
        if wanted is not None and self.driving is None and not self.stuck and self._is_rested(wanted, now_s):
            self.driving, self.since_s = wanted, now_s
        return self.driving, NOTHING if self.stuck else self.others

    def saw(self, shown: frozenset[Relay], stuck: frozenset[Relay], now_s: float) -> None:
        """Take note of the relays whose pins show on, and of those among them that do not go off.

        A relay that still shows on has not been released yet: every pause is counted from when it really was.
        """
        for relay in shown - {self.driving}:
            self.off_s[relay] = now_s
        self.stuck = stuck

    def _latch(self) -> None:
        self.latched = self.latched or self.driving is not None

    def _is_rested(self, wanted: Relay, now_s: float) -> bool:
        match wanted:
            case Relay.OPEN | Relay.CLOSE:
                return now_s - self.off_s.get(OPPOSITE[wanted], self.born_s) >= self.dead_time_s
            case Relay.STEP:
                return now_s - self.off_s.get(wanted, self.born_s) >= PRESS_GAP_S
            case Relay.STOP:
                return True


@dataclass(kw_only=True, slots=True)
class Readback:
    """What the pins show against what was ordered. One sample is forgiven: a pin takes a moment to follow."""

    differed: frozenset[str] = NOTHING

    def wrong(self, ordered: Mapping[str, bool], shown: Mapping[str, bool]) -> frozenset[str]:
        """Return the outputs that have differed from their order for more than one sample."""
        differ = frozenset(name for name, on in shown.items() if on is not ordered.get(name, False))
        lasting, self.differed = differ & self.differed, differ
        return lasting


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulation:
    """What stands behind mock pins: the yard, the file that keeps it from one start to the next, and the trace."""

    yard: Yard
    file: Path
    trace: Trace | None


class Keeper:
    """The loop around the guard: read the lines, tell the gate, do as ordered."""

    def __init__(self, link: socket.socket, board: Board, guard: Guard, simulation: Simulation | None) -> None:
        self._link = link
        self._board = board
        self._guard = guard
        self._simulation = simulation
        self._readback = Readback()
        self._ordered: dict[str, bool] = {}
        self._sampled_s: dict[int, float] = {}
        self._seq = 0
        self._fast = False
        self._moved_s = self._scene_s = self._saved_s = guard.born_s
        self._restless = self._ending = False

    def run(self, granted: str) -> None:
        """Say that the lines are held, and work until the gate process goes away or `end` is called."""
        self._send({"t": "ready", "pid": os.getpid(), "priority": granted})
        taken_s = -math.inf
        try:
            while not self._ending:
                now_s = time.monotonic()
                if now_s >= taken_s + self.pause_s:
                    self.sample(now_s)
                    taken_s = now_s
                self.listen(max(0.0, taken_s + self.pause_s - time.monotonic()))
        finally:
            self.close()

    @property
    def pause_s(self) -> float:
        """How far samples are apart now; an order that makes it shorter counts from the last one on."""
        return FAST_S if self._fast or self._guard.driving else SLOW_S

    def end(self, *_: object) -> None:
        """Come to an end within a sample; a signal may call it."""
        self._ending = True

    def close(self) -> None:
        """Leave every output off, let go of the lines, and leave the simulated yard as it is."""
        self._board.close()
        if self._simulation:
            self._simulation.yard.save(self._simulation.file)
            if self._simulation.trace:
                self._simulation.trace.close()

    def sample(self, now_s: float) -> None:
        """Read all lines, tell the gate process, and bring the outputs to what is allowed now."""
        if self._simulation:
            self._move_yard(self._simulation, now_s)
        self._act(now_s)
        self._seq += 1
        self._sampled_s[self._seq] = now_s
        self._sampled_s.pop(self._seq - REMEMBERED_SAMPLES, None)
        shown = self._board.shown()
        wrong = self._readback.wrong(self._ordered, shown)
        on = frozenset(Relay(name) for name in DRIVES if shown.get(name))
        self._guard.saw(on, frozenset(relay for relay in on if relay in wrong), now_s)
        packet: JsonObject = {"t": "sample", "seq": self._seq, "at_s": now_s, "in": self._board.read(), "out": shown}
        self._send({**packet, "wrong": sorted(wrong)} if wrong else packet)

    def _move_yard(self, simulation: Simulation, now_s: float) -> None:
        yard, shown = simulation.yard, self._board.shown()
        yard.beam_test = shown.get("beam_test", False)
        yard.advance(now_s - self._moved_s, frozenset(Relay(name) for name in DRIVES if shown.get(name)))
        self._moved_s = now_s
        yard.drive(self._board)
        if now_s - self._scene_s >= (SCENE_FAST_S if yard.is_lively else SCENE_SLOW_S):
            self._scene_s = now_s
            lights = {name: shown.get(name, False) for name in ("lamp", "light", "siren")}
            self._send({"t": "scene", "data": {"at_mono_ms": round(now_s * 1000), **yard.truth(), **lights}})
        self._restless = self._restless or yard.is_lively
        if now_s - self._saved_s >= SAVE_S and self._restless:
            self._saved_s, self._restless = now_s, yard.is_lively  # and once more where it came to rest
            yard.save(simulation.file)

    def listen(self, for_s: float) -> None:
        """Take one order, or wait for it so long; then do what is allowed."""
        ready, _, _ = select.select([self._link], [], [], for_s)
        if ready:
            self._take(self._received())
        self._act(time.monotonic())

    def _received(self) -> bytes:
        try:
            return self._link.recv(LARGEST_PACKET)
        except ConnectionResetError:  # killed while it had unread samples
            return b""

    def _take(self, packet: bytes) -> None:
        if not packet:
            self._ending = True
            return
        order = json.loads(packet)
        match order["t"]:
            case "order":
                sampled_s = self._sampled_s.get(order["for"], -math.inf)
                relay = Relay(order["relay"]) if order["relay"] else None
                self._fast = order["fast"]
                self._guard.order(sampled_s, relay, frozenset(order["on"]) - DRIVES, time.monotonic())
            case "yard" if self._simulation:
                self._obey_yard(self._simulation, order)

    def _obey_yard(self, simulation: Simulation, order: JsonObject) -> None:
        yard, arguments = simulation.yard, order["arguments"]
        try:
            done = yard.obey(
                str(order["action"]), [str(word) for word in arguments] if isinstance(arguments, list) else []
            )
            yard.drive(self._board)
            yard.save(simulation.file)  # what was switched on outlives a kill
            self._send({"t": "yard", "n": order["n"], "ok": done})
        except YardError as error:
            self._send({"t": "yard", "n": order["n"], "error": str(error)})

    def _act(self, now_s: float) -> None:
        """Bring the pins to what the guard allows now; a release counts from after it was written."""
        before = self._guard.driving
        relay, others = self._guard.settle(now_s)
        self._ordered = {name: name in others or name == relay for name in self._board.outputs}
        self._board.switch(self._ordered)
        if before is not None and before is not relay:
            self._guard.off_s[before] = time.monotonic()

    def _send(self, message: JsonObject) -> None:
        """Send if there is room: a gate process that does not read gets the newer samples later."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._link.send(json.dumps(message, separators=(",", ":")).encode(), socket.MSG_DONTWAIT)


def build(link: socket.socket, config: JsonObject) -> Keeper:
    """Claim the lines and return the keeper of them. Raises `PinsError`."""
    pins = [Pin(**pin) for pin in config["pins"]]  # type: ignore[arg-type, union-attr] # the gate process wrote it
    longest_s = config["longest_s"]
    simulation = _simulation(config) if config["simulated"] else None
    names = {pin.line: pin.signal for pin in pins}
    board = Board(mock_factory(names, simulation.trace) if simulation else real_factory(), pins)
    guard = Guard(
        lease_s=float(str(config["lease_s"])),
        dead_time_s=float(str(config["dead_time_s"])),
        born_s=time.monotonic(),
        longest_s={Relay(name): float(str(for_s)) for name, for_s in longest_s.items()},  # type: ignore[union-attr] # as above
    )
    return Keeper(link, board, guard, simulation)


def _simulation(config: JsonObject) -> Simulation:
    yard = Yard(drive=Drive(str(config["drive"])), logic=str(config["logic"]))
    file = Path(str(config["yard_file"]))
    yard.load(file)
    return Simulation(yard=yard, file=file, trace=Trace(Path(str(config["trace"]))) if config.get("trace") else None)


def main() -> int:
    """Take over the socket, read the configuration from it, keep the lines until the end."""
    link = socket.socket(fileno=int(sys.argv[1]))
    config = json.loads(link.recv(LARGEST_PACKET) or b"null")
    if config is None:
        return 0
    try:
        keeper = build(link, config)
        signal.signal(signal.SIGTERM, keeper.end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the gate process; it lets us go in order
        granted = priority.raise_this_thread(priority.KEEPER)
        gc.freeze()
        keeper.run(granted)
    except PinsError as error:
        with contextlib.suppress(OSError):
            link.send(json.dumps({"t": "failed", "reason": str(error)}).encode())
        sys.stderr.write(f"keeper: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
