"""A fleet of gates against one broker: real bridges and real journals, without the gates behind them.

`python -m tests.fleet FOLDER CA PORT PAST NAME...` runs the gates of those names in one process. The first line of its
standard input connects them; each line says how many facts each gate writes a second, and the end of it stops all. On
standard output stands a line for each connection that came about. `Fleet` starts some such processes and keeps what
they say; `Ear` is the district's receiver: it notes which facts came, and how long each took from the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from config.load import SIMULATE_FILE, load
from gate.journal import Journal, boot_id
from gate.model import Fact, JsonObject, Kind
from mqtt_bridge.app import Bridge
from mqtt_bridge.port import Limits
from tests.district import RECEIVER, ROOT, District, overrides

BY: JsonObject = {"type": "rule", "id": "fleet", "name": ""}
SENSORS: JsonObject = {"limit_open": False, "limit_closed": True, "beam": False, "edge": False, "tamper": False}
PROCESS: JsonObject = {"alive": True, "since": "2026-01-01T00:00:00.000Z", "restarts": 0, "health": {"ok": True}}
SNAPSHOT: JsonObject = {
    "state": "closed", "evidence": "limit", "evidence_age_ms": 3, "target": None, "position": 0.0, "mode": "normal",
    "health": "ok", "reasons": [], "inputs": SENSORS, "clock_trusted": True, "alarms": [], "boot_id": boot_id(),
    "processes": dict.fromkeys(("gate", "keeper", "camera", "api", "mqtt_bridge"), PROCESS),
}  # fmt: skip


class Gate(Bridge):
    """One gate of the fleet: the real bridge, and a journal that tells it of new facts as gate's socket would."""

    def __init__(self, ca: Path, port: int, name: str, state_dir: Path) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        sets = [f'storage.state_dir="{state_dir}"', f"mqtt.port={port}", "mqtt.require_ack=true"]
        sets += overrides(ca, name)
        super().__init__(load(SIMULATE_FILE, sets))
        self._name = name
        self._journal = Journal(state_dir / "journal.db", self._written)
        self._loop = asyncio.get_running_loop()
        self.written = 0

    def __enter__(self) -> Self:
        self._journal.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()

    def connected(self, limits: Limits) -> None:
        """Say that a connection came about, and go on as every bridge."""
        print(json.dumps({"name": self._name, "at_s": time.monotonic()}), flush=True)
        super().connected(limits)

    def write(self) -> None:
        """Write a fact and change the state, as a gate does that somebody drove through."""
        self.written += 1
        self._journal.write(Kind.ARRIVED, BY, {"at_ns": time.monotonic_ns(), "text": "x" * 100}, trusted=True)
        self._pushed("state", {**SNAPSHOT, "gate_id": self._name, "sequence": self.written})

    def _written(self, fact: Fact) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(lambda: self._pushed("fact", {"seq": fact.seq}))


@dataclass
class Pulse:
    """How many facts each gate writes a second."""

    per_s: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


async def live(gates: Sequence[Gate], pulse: Pulse) -> None:
    """Let the gates write in turn, evenly."""
    turn, next_s = 0, 0.0
    while True:
        pulse.changed.clear()
        if not pulse.per_s:
            await pulse.changed.wait()
            next_s = time.monotonic()
            continue
        gates[turn % len(gates)].write()
        turn, next_s = turn + 1, next_s + 1 / (pulse.per_s * len(gates))
        await asyncio.sleep(max(0.0, next_s - time.monotonic()))


async def play(folder: Path, ca: Path, port: int, *, past: int, names: Sequence[str]) -> None:
    """Run the gates until standard input ends; each has `past` facts from before."""
    loop, stop, pulse = asyncio.get_running_loop(), asyncio.Event(), Pulse()

    def set_pace(line: str) -> None:
        pulse.per_s = float(line)
        pulse.changed.set()
        print(json.dumps({"written": sum(gate.written for gate in gates)}), flush=True)

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(set_pace, line)
        loop.call_soon_threadsafe(stop.set)

    with contextlib.ExitStack() as journals:
        gates = [journals.enter_context(Gate(ca, port, name, folder / name)) for name in names]
        for _ in range(past):
            for gate in gates:
                gate.write()
        print(json.dumps({"ready": len(gates)}), flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        threading.Thread(target=listen, daemon=True).start()
        writing = asyncio.create_task(live(gates, pulse))
        await asyncio.gather(*(gate.run(stop) for gate in gates))
        writing.cancel()


class Fleet:
    """`names` in `processes` processes. A context manager: on entry the journals are written, `go` connects."""

    def __init__(self, district: District, folder: Path, names: Sequence[str], *, processes: int, past: int) -> None:
        self._names = names
        folder.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "tests.fleet", str(folder), str(district.ca), str(district.port), str(past)]
        shares = [names[start::processes] for start in range(processes)]
        pipe = subprocess.PIPE
        with (folder / "log").open("wb") as log:
            self._processes = [
                subprocess.Popen([*words, *share], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=log, text=True)
                for share in shares
            ]
        self._log_file = folder / "log"
        self._ready = threading.Semaphore(0)
        self._told = threading.Semaphore(0)
        self._written: dict[int, int] = {}
        self._lock = threading.Lock()
        self._came: list[tuple[float, str]] = []
        self._threads = [threading.Thread(target=self._listen, args=[one], daemon=True) for one in self._processes]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        for _ in self._processes:
            assert self._ready.acquire(timeout=120), f"the fleet did not start:\n{self._log_file.read_text()}"
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            assert process.stdin
            process.stdin.close()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for thread in self._threads:
            thread.join(5)

    def go(self) -> None:
        """Let all of them connect now."""
        self._say("")

    def writes(self, per_s: float) -> int:
        """Let each gate write so many facts a second from now on; return how many all have written until now."""
        self._say(str(per_s))
        for _ in self._processes:
            assert self._told.acquire(timeout=30), "the fleet does not answer"
        return sum(self._written.values())

    def _say(self, line: str) -> None:
        for process in self._processes:
            assert process.stdin
            process.stdin.write(f"{line}\n")
            process.stdin.flush()

    def connections(self, since_s: float) -> list[float]:
        """Return the seconds after `since_s` (monotonic) at which each connection came about, in order."""
        with self._lock:
            return sorted(at_s - since_s for at_s, _ in self._came if at_s >= since_s)

    def all_came(self, since_s: float) -> bool:
        """Tell whether each gate has connected since."""
        with self._lock:
            return {name for at_s, name in self._came if at_s >= since_s} == set(self._names)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            said = json.loads(line)
            if "ready" in said:
                self._ready.release()
            elif "written" in said:
                self._written[process.pid] = said["written"]
                self._told.release()
            else:
                with self._lock:
                    self._came.append((said["at_s"], said["name"]))
        process.stdout.close()


class Ear:
    """The district's receiver: confirms on `facts/ack`, comes back by itself after the broker. A context manager."""

    def __init__(self, district: District) -> None:
        self._member = district.member(RECEIVER, lasting=True)
        self._member.on_heard = self._heard
        self._lock = threading.Lock()
        self._rows: dict[str, Counter[int]] = {}
        self._whole: Counter[str] = Counter()
        self.took_ms: list[float] = []
        self.last_s = 0.0

    def __enter__(self) -> Self:
        self._member.__enter__()
        assert self._member.refusal == "", self._member.refusal
        self._member.reads("antt/1/+/facts")
        return self

    def __exit__(self, *_: object) -> None:
        self._member.__exit__()

    @property
    def count(self) -> int:
        """Return how many different facts came."""
        with self._lock:
            return sum(len(rows) for rows in self._rows.values())

    def repeated(self) -> int:
        """Return how many rows came again."""
        with self._lock:
            return sum(rows.total() - len(rows) for rows in self._rows.values())

    def forget_times(self) -> None:
        """Begin a new measurement of how long facts take."""
        with self._lock:
            self.took_ms = []

    def _heard(self, topic: str, payload: bytes) -> None:
        now_ns = time.monotonic_ns()
        rows = json.loads(payload)
        with self._lock:
            self.last_s = now_ns / 1e9
            self._rows.setdefault(topic, Counter()).update(row["seq"] for row in rows)
            ack = self._ack(topic)
            self.took_ms += [(now_ns - row["data"]["at_ns"]) / 1e6 for row in rows if "at_ns" in row.get("data", {})]
        self._member.says(f"{topic}/ack", json.dumps(ack).encode())

    def _ack(self, topic: str) -> JsonObject:
        """Return what to confirm of a gate: its newest row, and the first gap below it."""
        rows, whole = self._rows[topic], self._whole[topic]
        while whole + 1 in rows:
            whole += 1
        self._whole[topic] = whole
        above = [seq for seq in rows if seq > whole] if len(rows) > whole else []
        return {"upto": max(above, default=whole), "missing": [[whole + 1, min(above) - 1]] if above else []}


def busiest(moments_s: Sequence[float], window_s: float = 1.0) -> int:
    """Return the most of the sorted moments that lie within one window."""
    first, most = 0, 0
    for number, moment_s in enumerate(moments_s):
        while moment_s - moments_s[first] > window_s:
            first += 1
        most = max(most, number - first + 1)
    return most


def per_second(moments_s: Sequence[float]) -> list[int]:
    """Return how many of the moments lie in each second from 0."""
    seconds = Counter(math.floor(moment_s) for moment_s in moments_s)
    return [seconds[second] for second in range(max(seconds, default=-1) + 1)]


def main() -> None:
    """Run the gates that the command line names."""
    folder, ca, port, past, *names = sys.argv[1:]
    asyncio.run(play(Path(folder), Path(ca), int(port), past=int(past), names=names))


if __name__ == "__main__":
    main()
