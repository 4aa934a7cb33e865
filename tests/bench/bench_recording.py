"""Recording under SIGKILL: what is on the disk plays, whatever the moment; and what recording costs.

`kills(n)` starts a process that records events in real time, kills it at a random moment, looks at what it left, and
lets a fresh recorder go on from there. A slice of it is part of `make test`.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from camera.clip import BrokenClipError, Note, describe, finish, note_in
from camera.messages import Begin, End, Limits
from camera.recorder import Recorder, Saved
from camera.reports import Reports
from camera.source import AccessUnit
from camera.store import Store
from gate.client import Client, new_id
from gate.model import Kind
from tests.bench.bench_processes import BROKEN
from tests.bench.real_clips import proofs
from tests.camera.conftest import decodes_cleanly, encoded

ROOT = Path(__file__).resolve().parents[2]
FPS = 15
PRE_ROLL_S, POST_ROLL_S = 2.0, 0.6
LIMITS = Limits(pre_roll_s=PRE_ROLL_S, post_roll_s=POST_ROLL_S, max_clip_s=20.0, segment_s=4.0)
EVENT_EVERY_S, EVENT_LASTS_S = 2.6, (0.8, 0.8, 6.0)
LONGEST_RUN_S = 7.0
MOST_LOST_S = 1.5
KILLS = 50
EVENTS = 10_000


@dataclass(slots=True)
class Tally:
    """What `kills` found. `worst_s`: most seconds of a clip under way that were not on the disk."""

    kills: int = 0
    told: int = 0
    unfinished: int = 0
    worst_s: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        said = f"{self.kills} kills, {self.told} clips told, {self.unfinished} under way, worst {self.worst_s:.2f} s"
        return f"{said}; {BROKEN}: {'; '.join(self.faults)}" if self.faults else f"{said}: held"

    def add(self, other: Tally) -> None:
        """Count another one too."""
        self.kills += other.kills
        self.told += other.told
        self.unfinished += other.unfinished
        self.worst_s = max(self.worst_s, other.worst_s)
        self.faults += other.faults


def record(folder: Path, units: list[AccessUnit]) -> None:
    """Record for ever, in real time: the process that is killed. Notes what it began, and the newest unit posted."""
    posted = os.open(folder / "posted", os.O_RDWR | os.O_CREAT)

    async def forever() -> None:
        reports = Reports(Client(folder / "gate.sock", who="camera"), folder / "media")
        recorder = recorder_in(folder, lambda saved: reports.tell(Kind.CLIP_SAVED, saved.fact()))
        await asyncio.to_thread(_send, recorder, units, folder / "begun", posted)

    asyncio.run(forever())


def recorder_in(folder: Path, saved: object) -> Recorder:
    """Start a recorder over a folder."""
    store = Store(folder / "media", "Asia/Ho_Chi_Minh", 14, 1.0)
    assert callable(saved)
    recorder = Recorder(store, LIMITS, saved, lambda _: None, lambda _: None)
    recorder.start()
    return recorder


def _send(recorder: Recorder, units: list[AccessUnit], begun: Path, posted: int) -> None:
    start_s = time.monotonic()
    due: list[End] = []
    events = 0
    for number in range(10**9):
        at_s = start_s + number / FPS
        time.sleep(max(0.0, at_s - time.monotonic()))
        recorder.post(replace(units[number % len(units)], at_s=at_s, decode_s=at_s))
        os.pwrite(posted, struct.pack("d", time.time()), 0)
        if at_s - start_s >= 1.0 + events * EVENT_EVERY_S:
            lasts_s = EVENT_LASTS_S[events % len(EVENT_LASTS_S)]
            events += 1
            begin = Begin(event_id=new_id(), at_s=at_s, wall_s=time.time())
            recorder.post(begin)
            due.append(End(event_id=begin.event_id, at_s=at_s + lasts_s))
            with begun.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps([begin.event_id, begin.wall_s, lasts_s])}\n")
        for end in [end for end in due if end.at_s <= at_s]:
            due.remove(end)
            recorder.post(end)


def kills(count: int, longest_s: float = LONGEST_RUN_S, seed: int = 4, at_once: int = 4) -> Tally:
    """Kill a recording process `count` times, each in a folder of its own, within `longest_s` of its beginning."""
    chance = random.Random(seed)
    moments = [chance.uniform(0.3, longest_s) for _ in range(count)]
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="antt-kills-") as name:
        units = Path(name) / "units"
        units.write_bytes(pickle.dumps(list(encoded(4.0, fps=FPS, size=(320, 180)))))
        with ThreadPoolExecutor(at_once) as pool:
            folders = [Path(name) / str(number) for number in range(count)]
            for found in pool.map(_killed_once, folders, [units] * count, moments):
                tally.add(found)
    return tally


def _killed_once(folder: Path, units: Path, moment_s: float) -> Tally:
    folder.mkdir()
    command = [sys.executable, "-m", "tests.bench.bench_recording", str(folder), str(units)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        until_s = time.monotonic() + 30
        while not (folder / "posted").exists() or (folder / "posted").stat().st_size == 0:
            assert time.monotonic() < until_s, "the recording process did not begin"
            time.sleep(0.01)
        time.sleep(moment_s)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return judge(folder)


def judge(folder: Path) -> Tally:
    """Look at what a killed process left, let a fresh recorder finish it, and say what does not hold."""
    (killed_s,) = struct.unpack("d", (folder / "posted").read_bytes()[:8])
    begun = {
        event_id: (wall_s, lasts_s)
        for event_id, wall_s, lasts_s in map(json.loads, _lines(folder / "begun"))
    }  # fmt: skip
    tally = Tally(kills=1)
    media = folder / "media"
    for note in sorted(media.glob(".unreported/*.json")):
        tally.told += 1
        told = json.loads(note.read_text(encoding="utf-8"))
        path = media / told["clip"]
        if not path.exists() or describe(path).sha256 != told["sha256"] or not decodes_cleanly(path):
            tally.faults.append(f"{note.stem} was told and does not play")
    for part in sorted(media.glob("????-??-??/*.part")):
        tally.unfinished += 1
        _judge_part(part, begun, killed_s, tally)
    saved: list[Saved] = []
    recorder_in(folder, saved.append).close(30)
    for event_id, (wall_s, _) in begun.items():
        here = any(media.glob(f"*/{event_id}.mp4")) or any(media.glob(f"*/{event_id}.join"))
        if not here and wall_s < killed_s - MOST_LOST_S:
            tally.faults.append(f"{event_id} has no clip")
    tally.faults += [f"{path.name} does not play" for path in media.rglob("*.mp4") if not decodes_cleanly(path)]
    tally.faults += [f"{path.name} is left" for path in media.rglob("*.part")]
    return tally


def _judge_part(part: Path, begun: Mapping[str, tuple[float, float]], killed_s: float, tally: Tally) -> None:
    copy = part.with_name("copy.part")
    copy.write_bytes(part.read_bytes())
    note = note_in(part) or Note(event_id=part.stem, pre_roll_s=0.0)
    wall_s, lasts_s = begun.get(note.event_id, (killed_s, 0.0))
    until_s = wall_s
    try:
        clip = finish(copy, copy.with_name("copy.mp4"))
        until_s = wall_s - note.pre_roll_s + clip.duration_s
    except BrokenClipError:
        copy.unlink(missing_ok=True)
    finally:
        copy.with_name("copy.mp4").unlink(missing_ok=True)
    lost_s = min(killed_s, wall_s + lasts_s + POST_ROLL_S) - until_s
    tally.worst_s = max(tally.worst_s, lost_s)
    if lost_s > MOST_LOST_S:
        tally.faults.append(f"{part.name} lost {lost_s:.2f} s")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def measure() -> Mapping[str, object]:
    """Return what is lost by kills, what a picture costs, how long a clip takes to finish, and a sweep."""
    return {"killed_while_recording": str(kills(KILLS)), "real_clips": proofs(), **_costs(), **_sweeps()}


def _costs() -> dict[str, float]:
    units = list(encoded(60.0, fps=FPS, size=(1280, 720)))
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        saved: list[Saved] = []
        began_s, cpu_s = time.monotonic(), time.process_time()
        recorder = recorder_in(Path(name), saved.append)
        recorder.post(units[0])
        recorder.post(Begin(event_id=new_id(), at_s=units[0].at_s, wall_s=time.time()))
        for unit in units:
            recorder.post(unit)
        recorder.close(60)
        cpu_s = time.process_time() - cpu_s
        return {
            "recording_cpu_ms_a_picture_720p": round(cpu_s * 1000 / len(units), 3),
            "recording_20_s_of_720p_and_its_pieces_s": round(time.monotonic() - began_s, 2),
            "recording_dropped": recorder.dropped,
        }


def _sweeps() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        for number in range(EVENTS):
            folder = Path(name) / f"2026-10-{number // 500 + 1:02d}"
            folder.mkdir(exist_ok=True)
            for suffix in (".mp4", ".jpg"):
                (folder / f"{number:05d}{suffix}").touch()
        store = Store(Path(name), "Asia/Ho_Chi_Minh", 365, 1.0)
        took_ms = []
        for _ in range(3):
            began_s = time.process_time()
            store.sweep(time.time() + 60, trusted=False)
            took_ms.append(round((time.process_time() - began_s) * 1000, 1))
        return {f"sweep_of_{EVENTS}_events_first_ms": took_ms[0], f"sweep_of_{EVENTS}_events_again_ms": took_ms[-1]}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        record(Path(sys.argv[1]), pickle.loads(Path(sys.argv[2]).read_bytes()))  # noqa: S301 - our own, from just above
    else:
        print(json.dumps(measure(), indent=2))
