"""The keeper: the process that holds the GPIO lines. Run as `python -m gate.keeper FD`.

It samples the inputs every 5 ms while a drive is or may be energised (20 ms otherwise), sends each sample to the gate
process over a SOCK_SEQPACKET pair, and does what the newest order says, within limits of its own:

- an order answers one sample and is good for the lease (300 ms) counted from that sample (I6);
- the two directions are never on together (I1) and never follow each other within the dead time, measured from the
  last release of a pin (I2), also after a start of its own;
- a drive that lost its lease stays off until an order without a drive has come: a gate process that wakes up again
  does not find its old wish obeyed (I7);
- when the other end of the socket is gone, everything is switched off at once.

No rule of the gate is decided here. In simulation the yard lives behind the mock pins of this process.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from gate import priority
from gate.model import Direction, JsonObject
from gate.pins import Board, Pin, PinsError, Trace, mock_factory, real_factory
from gate.world import Yard, YardError

FAST_S = 0.005
SLOW_S = 0.020
SCENE_FAST_S = 0.05
SCENE_SLOW_S = 0.5
SAVE_S = 1.0
LARGEST_PACKET = 65536
REMEMBERED_SAMPLES = 256
RELAY = {Direction.OPEN: "open_relay", Direction.CLOSE: "close_relay"}


@dataclass(kw_only=True, slots=True)
class Guard:
    """Lease, interlock and dead time, as arithmetic. Times are monotonic seconds; it starts as after a release."""

    lease_s: float
    dead_time_s: float
    born_s: float
    wanted: Direction | None = None
    others: frozenset[str] = frozenset()
    good_until_s: float = 0.0
    latched: bool = False
    driving: Direction | None = None
    off_s: dict[Direction, float] = field(default_factory=dict)

    def order(self, sampled_s: float, drive: Direction | None, others: frozenset[str], now_s: float) -> None:
        """Take an order that answers the sample taken at `sampled_s`. One that is too old changes nothing."""
        if now_s - sampled_s >= self.lease_s:
            return
        if drive is None:
            self.latched = False
        self.wanted, self.others = drive, others
        self.good_until_s = max(self.good_until_s, sampled_s + self.lease_s)

    def settle(self, now_s: float) -> tuple[Direction | None, frozenset[str]]:
        """Return what may be on now: at most one direction, and the other outputs by name."""
        if now_s >= self.good_until_s:
            self.latched = self.latched or self.driving is not None
            self.wanted, self.others = None, frozenset()
        wanted = None if self.latched else self.wanted
        if self.driving is not None and self.driving is not wanted:
            self.off_s[self.driving] = now_s
            self.driving = None
        if wanted is not None and self.driving is None and self._is_rested(wanted, now_s):
            self.driving = wanted
        return self.driving, self.others

    def _is_rested(self, wanted: Direction, now_s: float) -> bool:
        return now_s - self.off_s.get(wanted.opposite, self.born_s) >= self.dead_time_s


class Keeper:
    """The loop around the guard: read the lines, tell the gate, do as ordered."""

    def __init__(self, link: socket.socket, config: JsonObject) -> None:
        self._link = link
        pins = [Pin(**pin) for pin in config["pins"]]  # type: ignore[arg-type, union-attr] # the gate process wrote it
        self._yard = Yard() if config["simulated"] else None
        self._yard_file = Path(str(config["yard_file"]))
        if self._yard:
            trace = Trace(Path(str(config["trace"]))) if config.get("trace") else None
            factory = mock_factory({pin.line: pin.signal for pin in pins}, trace)
            self._yard.load(self._yard_file)
        else:
            factory = real_factory()
        self._board = Board(factory, pins)
        now_s = time.monotonic()
        self._guard = Guard(
            lease_s=float(str(config["lease_s"])), dead_time_s=float(str(config["dead_time_s"])), born_s=now_s
        )
        self._sampled_s: dict[int, float] = {}
        self._seq = 0
        self._fast = False
        self._moved_s = self._scene_s = self._saved_s = now_s
        self._ending = False

    def run(self) -> None:
        """Work until the gate process goes away or SIGTERM comes; leave every output off."""
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the gate process; it lets us go in order
        if self._yard:
            self._yard.drive(self._board)
        self._send({"t": "ready", "pid": os.getpid(), "priority": priority.raise_this_thread(priority.KEEPER)})
        gc.freeze()
        next_s = time.monotonic()
        try:
            while not self._ending:
                now_s = time.monotonic()
                if now_s >= next_s:
                    self._sample(now_s)
                    next_s = max(next_s + (FAST_S if self._fast else SLOW_S), now_s)
                self._listen(min(next_s, now_s + SLOW_S))
                self._act()
        finally:
            self._board.all_off()
            if self._yard:
                self._yard.save(self._yard_file)

    def _end(self, *_: object) -> None:
        self._ending = True

    def _sample(self, now_s: float) -> None:
        if self._yard:
            self._move_yard(self._yard, now_s)
        self._act()
        self._seq += 1
        self._sampled_s[self._seq] = now_s
        self._sampled_s.pop(self._seq - REMEMBERED_SAMPLES, None)
        shown = self._board.shown()
        self._send({"t": "sample", "seq": self._seq, "at_s": now_s, "in": self._board.read(), "out": shown})

    def _move_yard(self, yard: Yard, now_s: float) -> None:
        shown = self._board.shown()
        yard.advance(now_s - self._moved_s, [direction for direction, name in RELAY.items() if shown.get(name)])
        self._moved_s = now_s
        yard.drive(self._board)
        if now_s - self._scene_s >= (SCENE_FAST_S if yard.is_lively else SCENE_SLOW_S):
            self._scene_s = now_s
            lights = {name: shown.get(name, False) for name in ("lamp", "light", "siren")}
            self._send({"t": "scene", "data": {"at_mono_ms": round(now_s * 1000), **yard.truth(), **lights}})
        if now_s - self._saved_s >= SAVE_S and yard.is_lively:
            self._saved_s = now_s
            yard.save(self._yard_file)

    def _listen(self, until_s: float) -> None:
        """Take one order, or wait for it until then."""
        ready, _, _ = select.select([self._link], [], [], max(0.0, until_s - time.monotonic()))
        if not ready:
            return
        try:
            packet = self._link.recv(LARGEST_PACKET)
        except ConnectionResetError:  # killed while it had unread samples
            packet = b""
        if not packet:
            self._ending = True
            return
        order = json.loads(packet)
        match order["t"]:
            case "order":
                sampled_s = self._sampled_s.get(order["for"], 0.0)
                drive = Direction(order["drive"]) if order["drive"] else None
                self._fast = order["fast"]
                self._guard.order(sampled_s, drive, frozenset(order["on"]), time.monotonic())
            case "yard" if self._yard:
                self._obey_yard(self._yard, order)

    def _obey_yard(self, yard: Yard, order: JsonObject) -> None:
        arguments = order["arguments"]
        try:
            done = yard.obey(
                str(order["action"]), [str(word) for word in arguments] if isinstance(arguments, list) else []
            )
            yard.drive(self._board)
            self._send({"t": "yard", "n": order["n"], "ok": done})
        except YardError as error:
            self._send({"t": "yard", "n": order["n"], "error": str(error)})

    def _act(self) -> None:
        """Bring the pins to what the guard allows now."""
        drive, others = self._guard.settle(time.monotonic())
        wanted = {name: name in others for name in ("lamp", "buzzer", "siren", "light")}
        wanted |= {name: direction is drive for direction, name in RELAY.items()}
        self._board.switch(wanted)

    def _send(self, message: JsonObject) -> None:
        """Send if there is room: a gate process that does not read gets the newer samples later."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._link.send(json.dumps(message, separators=(",", ":")).encode(), socket.MSG_DONTWAIT)


def main() -> int:
    """Take over the socket, read the configuration from it, keep the lines until the end."""
    link = socket.socket(fileno=int(sys.argv[1]))
    config = json.loads(link.recv(LARGEST_PACKET) or b"null")
    if config is None:
        return 0
    try:
        Keeper(link, config).run()
    except PinsError as error:
        with contextlib.suppress(OSError):
            link.send(json.dumps({"t": "failed", "reason": str(error)}).encode())
        sys.stderr.write(f"keeper: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
