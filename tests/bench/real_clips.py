"""The recordings of the real clips' labelled visits: from before to after, bit by bit, as long as they say."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from camera.mailbox import Mailbox
from camera.messages import Begin, End, Limits
from camera.recorder import Recorder, Saved
from camera.source import AccessUnit
from camera.store import Store
from camera.video import VideoSource, Wishes
from tests.bench.bench_processes import BROKEN
from tests.camera.conftest import decodes_cleanly, probe
from tests.camera.recording import nal_bytes

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FPS = 15
SEEN_LATE_S = 0.8
MOST_WRONG_S = 0.5


def proofs() -> str:
    """Record every labelled visit of the real clips, as a detector that knows them would, and judge each recording."""
    if not DATA.is_dir():
        return "the real clips of ../shared are not here"
    clips = json.loads((DATA / "truth.json").read_text(encoding="utf-8"))["clips"]
    count, faults = 0, []
    for name, label in clips.items():
        with tempfile.TemporaryDirectory(prefix="antt-bench-") as folder:
            events = [(event["start_s"], event["end_s"]) for event in label["events"]]
            units, saved = _recorded(Path(folder), DATA / "video" / name, events)
            count += len(events)
            for number, (start_s, end_s) in enumerate(events):
                clip = next((one for one in saved if one.event_id == f"event{number}"), None)
                fault = _fault(Path(folder) / "media", clip, units, start_s, end_s) if clip else "no clip"
                faults += [f"{name} at {start_s} s: {fault}"] if fault else []
    told = f"{count} visits: at least 5 s before or from the stream's start, to after the end, bit-exact, decoded whole"
    return f"{BROKEN}: {'; '.join(faults)}" if faults else f"{told}: held"


def _recorded(folder: Path, film: Path, events: list[tuple[float, float]]) -> tuple[list[AccessUnit], list[Saved]]:
    wishes = Wishes(detect_fps=5.0, fps=FPS, size=(1280, 720), pace="fast", loop=False)
    limits = Limits(pre_roll_s=5.0, post_roll_s=5.0, max_clip_s=120.0)
    saved: list[Saved] = []
    recorder = Recorder(
        Store(folder / "media", "Asia/Ho_Chi_Minh", 14, 8.0), limits, saved.append, lambda _: None, lambda _: None,
        Mailbox(patience_s=60.0),
    )  # fmt: skip
    recorder.start()
    units: list[AccessUnit] = []
    waiting = [(at_s + SEEN_LATE_S, number, at_s) for number, (at_s, _) in enumerate(events)]
    ending = [(at_s + SEEN_LATE_S, number, at_s) for number, (_, at_s) in enumerate(events)]
    for item in VideoSource(str(film), wishes).items():
        if not isinstance(item, AccessUnit):
            continue
        units.append(item)
        recorder.post(item)
        first_s = units[0].at_s
        while waiting and waiting[0][0] <= item.at_s - first_s:
            _, number, at_s = waiting.pop(0)
            recorder.post(Begin(event_id=f"event{number}", at_s=first_s + at_s, wall_s=time.time()))
        while ending and ending[0][0] <= item.at_s - first_s:
            _, number, at_s = ending.pop(0)
            recorder.post(End(event_id=f"event{number}", at_s=first_s + at_s))
    recorder.close(60)
    return units, saved


def _fault(media: Path, saved: Saved, units: list[AccessUnit], start_s: float, end_s: float) -> str:
    """Return what is wrong with the clip of a visit, empty where nothing is."""
    path = media / saved.name
    first_s = units[0].at_s
    begins_s = first_s + start_s - saved.pre_roll_s
    if saved.pre_roll_s < min(5.0, start_s) - 0.1:
        return f"pre-roll of {saved.pre_roll_s} s"
    if begins_s + saved.clip.duration_s < min(first_s + end_s, units[-1].at_s):
        return "ends before the visit"
    first = min(range(len(units)), key=lambda index: abs(units[index].at_s - begins_s))
    kept = nal_bytes(path)
    wanted = b"".join(b"".join(_nals(unit.data)) for unit in units[first:])
    if not wanted.startswith(kept):
        return "is not what came from the camera"
    seen = probe(path)
    lasts_s = units[first + int(str(seen["frames"])) - 1].at_s - units[first].at_s
    if abs(float(str(seen["duration"])) - lasts_s) > MOST_WRONG_S:
        return f"says {seen['duration']} s and holds {lasts_s:.2f} s"
    return "" if decodes_cleanly(path) else "does not decode"


def _nals(data: bytes) -> list[bytes]:
    return [part for part in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if part]
