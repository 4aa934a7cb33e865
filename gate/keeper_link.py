"""The gate's end of the keeper: starts it, hears it, starts it again when it dies.

Packets are those of `keeper.py`. The socket pair closes with either process: each notices the other's death at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from config.schema import InputPin, Settings
from gate.keeper import LARGEST_PACKET
from gate.model import Drive, Json, JsonObject, Outputs, Relay

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
STEADY_S = 10.0
STOP_S = 1.0
START_S = 10.0
SILENCE_S = 0.5
WATCH_S = 0.1
LONGEST_PULSE_S = 1.0
BEYOND_TRAVEL_S = 1.0
OTHERS = tuple(field.name for field in fields(Outputs) if field.name != "relay")


def pins_of(settings: Settings) -> list[JsonObject]:
    """Return every wired signal as the plain data of `gate.pins.Pin`."""
    pins: list[JsonObject] = []
    for signal, line in settings.gate.pins.by_line():
        pin = getattr(settings.gate.pins, signal)
        pull = pin.pull if isinstance(pin, InputPin) else None
        pins.append({"signal": signal, "line": line, "active_high": pin.active == "high", "pull": pull})
    return pins


def longest_of(settings: Settings) -> dict[str, Json]:
    """Return how many seconds each wired drive relay may stay on: a travel and a little more, or a pulse (I9)."""
    wired = {signal for signal, _ in settings.gate.pins.by_line()}
    held = Drive(settings.gate.drive) is Drive.HELD
    longest_s = settings.gate.timing.max_travel_s + BEYOND_TRAVEL_S if held else LONGEST_PULSE_S
    return {relay.value: longest_s for relay in Relay if relay in wired}


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Who is told: of samples, of what the simulated yard says, of the keeper's start, of its end."""

    samples: Callable[[list[JsonObject]], None]
    yard: Callable[[JsonObject], None]
    up: Callable[[int], None]
    down: Callable[[str], None]


class KeeperLink:
    """One keeper process at a time, for as long as it is open."""

    def __init__(self, settings: Settings, runtime: Path, trace: Path | None, heard: Heard) -> None:
        self._config: JsonObject = {
            "pins": pins_of(settings),
            "simulated": settings.simulated,
            "lease_s": settings.gate.timing.lease_ms / 1000,
            "dead_time_s": settings.gate.timing.dead_time_s,
            "longest_s": longest_of(settings),
            "drive": settings.gate.drive,
            "logic": settings.gate.step_logic,
            "yard_file": str(settings.storage.state_dir / "yard.json"),
            "trace": str(trace) if trace else None,
        }
        self._runtime = runtime
        self._heard = heard
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._pause_s = FIRST_PAUSE_S
        self._born_s = 0.0
        self._reason = ""
        self._heard_s: float | None = None
        self._due_s = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._again: asyncio.TimerHandle | None = None
        self._orders = 0

    def open(self) -> None:
        """Start the keeper. Outputs are claimed at their inactive level before it says it is ready.

        Where it can't be started now (no file descriptor, no memory), it is tried again like one that died.
        """
        try:
            self._start()
        except OSError as error:
            self._reason = f"it can't be started: {error}"
            self._lost()

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link, self._born_s, self._heard_s, self._reason = ours, time.monotonic(), None, ""
        loop = asyncio.get_running_loop()
        with theirs:
            ours.setblocking(False)
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "gate.keeper", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "LG_WD": str(self._runtime)},  # lgpio leaves files where it works (gpiozero #1106)
                start_new_session=True,
            )
        ours.send(json.dumps(self._config).encode())
        loop.add_reader(ours.fileno(), self._readable)
        self._due_s = time.monotonic() + WATCH_S
        self._watch = loop.call_later(WATCH_S, self._look_after)

    def _look_after(self) -> None:
        """Kill a keeper that is alive and silent: its successor claims the lines at their inactive level.

        If this process itself was late, the samples still wait to be read, and nobody is judged.
        """
        now_s = time.monotonic()
        punctual = now_s - self._due_s < WATCH_S
        since_s = now_s - (self._born_s if self._heard_s is None else self._heard_s)
        if punctual and since_s > (START_S if self._heard_s is None else SILENCE_S) and self._process:
            self._reason = f"silent for {since_s:.1f} s"
            self._process.kill()
        self._due_s = now_s + WATCH_S
        self._watch = asyncio.get_running_loop().call_later(WATCH_S, self._look_after)

    async def close(self) -> None:
        """Let the keeper go: it switches everything off, then ends."""
        if self._again:
            self._again.cancel()
        process = self._process
        self._forget()
        if process:
            try:
                await asyncio.to_thread(process.wait, STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)

    def order(self, for_seq: int, outputs: Outputs, *, fast: bool) -> None:
        """Answer a sample with what is to be on. If the keeper can't take it, its lease runs out."""
        others = [name for name in OTHERS if getattr(outputs, name)]
        relay = outputs.relay.value if outputs.relay else None
        self._send({"t": "order", "for": for_seq, "relay": relay, "on": others, "fast": fast})

    def yard(self, action: str, arguments: list[str]) -> int:
        """Pass an order to the simulated yard; the answer comes as a packet with this number."""
        self._orders += 1
        self._send({"t": "yard", "n": self._orders, "action": action, "arguments": arguments})
        return self._orders

    def _send(self, message: JsonObject) -> None:
        if self._link:
            with contextlib.suppress(OSError):
                self._link.send(json.dumps(message, separators=(",", ":")).encode())

    def _readable(self) -> None:
        """Take all that waits, so that the newest sample is known before the oldest is judged."""
        samples: list[JsonObject] = []
        lost = False
        while self._link and not lost:
            try:
                packet = self._link.recv(LARGEST_PACKET)
            except BlockingIOError:
                break
            except OSError:
                packet = b""
            lost = not packet
            if packet:
                self._take(json.loads(packet), samples)
        if samples and not lost:
            self._heard_s = time.monotonic()
            self._heard.samples(samples)
        if lost:
            self._lost()

    def _take(self, message: JsonObject, samples: list[JsonObject]) -> None:
        match message["t"]:
            case "sample":
                samples.append(message)
            case "ready":
                log.info("the keeper holds the lines, with %s", message["priority"])
                self._heard.up(int(str(message["pid"])))
            case "failed":
                self._reason = str(message["reason"])
            case _:
                self._heard.yard(message)

    def _lost(self) -> None:
        """Say at once that the keeper died, and start another one after a pause that grows."""
        process, reason = self._process, self._reason
        self._forget()
        if process:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            reason = reason or f"it ended with code {process.poll()}"
        if time.monotonic() - self._born_s > STEADY_S:
            self._pause_s = FIRST_PAUSE_S
        log.error("the keeper died (%s); nothing moves; started again in %.1f s", reason, self._pause_s)
        self._heard.down(reason)
        self._again = asyncio.get_running_loop().call_later(self._pause_s, self.open)
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)

    def _forget(self) -> None:
        if self._watch:
            self._watch.cancel()
        if self._link:
            asyncio.get_running_loop().remove_reader(self._link.fileno())
            self._link.close()
        self._link = self._process = None
