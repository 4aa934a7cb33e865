"""The detector among nuisances: `python -m tests.camera.stress` prints what each one does to it.

Seeded nuisances (`nuisances.py`) are added to the real, labelled clips of ../shared, where they are, and to scenes.
A row says, for one nuisance and one method: false events on clips on which nothing happens, false events in the empty
spans of the others, visits that are still seen, visits that are still one event each, seconds recorded for nothing.

    python -m tests.camera.stress [--only insects,rain] [--clips night,scene] [--rivals] [--seeds 3] [--cache FOLDER]

`--cache` keeps decoded planes as FOLDER/<clip>.npz (`luma`, `at`), which saves half a minute a run; `--events` prints
the events behind the figures.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np

from camera.events import Ended, Visits
from camera.motion import Area, Rectangle
from camera.painter import Painter
from camera.source import Exposure, Frame, plane_size, shrink
from camera.things import Thing
from camera.video import VideoSource, Wishes
from camera.yard import Yard
from tests.camera.nuisances import NUISANCES, Planes, Times, gain_steps
from tests.camera.rivals import METHODS, Looks

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
PER_S = 5.0
SLACK_S = 0.5
EARLY_S = 2.0
TICK_S = 0.1
CLEAN, TOLD = "nothing added", "gain told"
"""`gain told`: the same steps of exposure, and the sensor says so with each frame."""

Span: TypeAlias = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Footage and what is known of it: the visits, and spans that are neither wanted nor punished; seconds."""

    name: str
    planes: Planes
    at_s: Times
    visits: tuple[Span, ...] = ()
    either: tuple[Span, ...] = ()
    zones: tuple[Area, ...] = ()
    masks: tuple[Rectangle, ...] = ()


@dataclass(slots=True)
class Tally:
    """How a method did. `false_empty` counts on clips without any visit, `false` on the others."""

    labels: int = 0
    seen: int = 0
    single: int = 0
    false_empty: int = 0
    false: int = 0
    nothing_s: float = 0.0
    told: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, clip: Clip, events: Sequence[Span]) -> None:
        """Judge the events found on one clip, by the rules of the score on the labelled clips."""
        self.labels += len(clip.visits)
        for visit in clip.visits:
            first = next((event for event in events if _meet(event, visit)), None)
            if first is None:
                self.missed.append(f"{clip.name} {visit[0]:.1f}-{visit[1]:.1f}")
            else:
                self.seen += 1
                early_s = TICK_S * sum(_kind(clip, t) == 0 for t in np.arange(first[0], visit[0], TICK_S))
                shared = any(_meet(first, other) for other in clip.visits if other is not visit)
                self.single += not shared and early_s <= EARLY_S
        for event in events:
            kinds = [_kind(clip, t) for t in np.arange(event[0], event[1] + TICK_S / 2, TICK_S)]
            self.nothing_s += TICK_S * kinds.count(0)
            if kinds.count(0) > kinds.count(-1) and not any(_meet(event, visit) for visit in clip.visits):
                self.told.append(f"{clip.name} {event[0]:.1f}-{event[1]:.1f}")
                if clip.visits:
                    self.false += 1
                else:
                    self.false_empty += 1


def _meet(event: Span, visit: Span) -> bool:
    return event[1] >= visit[0] - SLACK_S and event[0] <= visit[1] + SLACK_S


def _kind(clip: Clip, at_s: float) -> int:
    """Return 1 within a visit, -1 where it does not matter, 0 where nothing happens."""
    if any(begin <= at_s <= end for begin, end in clip.visits):
        return 1
    near = any(begin - SLACK_S <= at_s <= end + SLACK_S for begin, end in clip.visits)
    return -1 if near or any(begin <= at_s <= end for begin, end in clip.either) else 0


def decoded(path: Path, most_s: float = math.inf) -> tuple[Planes, Times]:
    """Return the detection planes of a video at five a second, and their seconds from its beginning."""
    source = VideoSource(str(path), Wishes(detect_fps=PER_S, pace="fast", record=False), retry=False)
    frames: list[tuple[Planes, float]] = []
    for item in source.items():
        if isinstance(item, Frame):
            frames.append((item.luma.copy(), item.at_s))
            if item.at_s - frames[0][1] >= most_s:
                break
    times = np.array([at_s for _, at_s in frames])
    return np.stack([plane for plane, _ in frames]), times - times[0]


def real_clips(cache: Path | None = None, names: Iterable[str] = (), most_s: float = math.inf) -> list[Clip]:
    """Return the labelled clips (or their beginnings) whose name contains one of `names`; none where they are not."""
    truth = SHARED / "data" / "truth.json"
    if not truth.is_file():
        return []
    clips = []
    for name, label in json.loads(truth.read_text())["clips"].items():
        if not _wanted(name, names):
            continue
        kept = cache / f"{name}.npz" if cache else None
        if kept and kept.is_file():
            with np.load(kept) as stored:
                planes, at_s = stored["luma"], stored["at"]
        else:
            planes, at_s = decoded(truth.parent / "video" / name, most_s)
            if kept:
                np.savez(kept, luma=planes, at=at_s)
        clips.append(
            Clip(
                name=name, planes=planes, at_s=at_s, masks=tuple(tuple(mask) for mask in label["masks"]),
                zones=(Area(name="zone", polygon=tuple((x, y) for x, y in label["zone"])),),
                visits=tuple((event["start_s"], event["end_s"]) for event in label["events"]),
                either=tuple((begin, end) for begin, end in label["dontcare"]),
            )
        )  # fmt: skip
    return clips


def drawn_clips(names: Iterable[str] = (), long_s: float = 60.0) -> list[Clip]:
    """Return scenes of the yard with a sensor's noise: empty by day and night, and with a car and a person."""
    clips = []
    for name, night, visited in (
        ("scene-day-empty", False, False), ("scene-night-empty", True, False),
        ("scene-day", False, True), ("scene-night", True, True),
    ):  # fmt: skip
        if _wanted(name, names):
            visits = (("car", 14.0, 22.0), ("person", 38.0, 52.0)) if visited else ()
            clips.append(_drawn(name, night=night, visits=visits, long_s=long_s))
    return clips


def _drawn(name: str, *, night: bool, visits: Sequence[tuple[str, float, float]], long_s: float) -> Clip:
    """Draw a scene through which things come; they show up somewhere in the first and leave in the last third."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    painter = Painter(640, 360, "scene")
    at_s = np.arange(0, long_s, 1 / PER_S)
    planes = []
    for now_s in at_s.tolist():
        things = tuple(
            Thing(number=number, kind=kind, along=-1.5 + 2.6 * (now_s - begin_s) / (end_s - begin_s), direction=1)
            for number, (kind, begin_s, end_s) in enumerate(visits)
            if begin_s <= now_s < end_s
        )
        painter.paint(Yard(leaf=1.0, things=things, night=night), now_s)
        grey = np.asarray(cv2.cvtColor(painter.picture, cv2.COLOR_BGR2GRAY), np.uint8)
        plane = shrink(grey, plane_size(640, 360))
        planes.append(np.asarray(np.clip(plane + rng.normal(0, 2, plane.shape), 0, 255), np.uint8))
    thirds = [(begin_s, end_s, (end_s - begin_s) / 3) for _, begin_s, end_s in visits]
    return Clip(
        name=name, planes=np.stack(planes), at_s=at_s,
        visits=tuple((begin_s + third, end_s - third) for begin_s, end_s, third in thirds),
        either=tuple((begin_s, end_s + 1) for begin_s, end_s, _ in thirds),
    )  # fmt: skip


def events(clip: Clip, planes: Planes, method: str, told: Sequence[Exposure] | None = None) -> list[Span]:
    """Return when a method (`METHODS`) sees events in these planes of a clip."""
    looks: Looks = METHODS[method](clip.zones, clip.masks)
    visits = Visits()
    changes = []
    for number, (plane, at_s) in enumerate(zip(planes, clip.at_s.tolist(), strict=True)):
        changes += visits.step(looks.look(plane, at_s, told[number] if told else None), at_s)
    changes += visits.finish()
    return [(change.started_s, change.at_s) for change in changes if isinstance(change, Ended)]


def judge(clips: Sequence[Clip], nuisance: str, methods: Sequence[str], seeds: int = 1) -> dict[str, Tally]:
    """Add one nuisance to all clips, let each method look, and tally."""
    tallies = {method: Tally() for method in methods}
    for clip in clips:
        for seed in range(seeds if nuisance != CLEAN else 1):
            start = [seed, zlib.crc32(clip.name.encode()), zlib.crc32(nuisance.replace(" told", "").encode())]
            planes, told = clip.planes, None
            if nuisance == TOLD:
                steps = gain_steps(clip.at_s, np.random.default_rng(start))
                told = [Exposure(exposure_us=10_000, gain=float(step)) for step in steps]
            if nuisance != CLEAN:
                planes = NUISANCES[nuisance.replace(" told", "")](planes, clip.at_s, np.random.default_rng(start))
            for method, tally in tallies.items():
                tally.add(clip, events(clip, planes, method, told))
    return tallies


def table(
    clips: Sequence[Clip], nuisances: Iterable[str], methods: Sequence[str], seeds: int,
    say: Callable[[str], object] = print, *, listed: bool = False,
) -> None:  # fmt: skip
    """Say a row for each nuisance as soon as it is known."""
    say(f"{'nuisance':14s}" + "".join(f" | {method:>8s}: false e/o seen one nothing" for method in methods))
    for nuisance in nuisances:
        row = f"{nuisance:14s}"
        tallies = judge(clips, nuisance, methods, seeds)
        for tally in tallies.values():
            row += (
                f" | {tally.false_empty:9d} +{tally.false:3d} {tally.seen:3d}/{tally.labels:<3d}"
                f" {tally.single:3d} {tally.nothing_s:6.1f} s"
            )
        say(row)
        if listed:
            for method, tally in tallies.items():
                say(
                    f"    {method}: false {', '.join(tally.told) or 'none'}; missed {', '.join(tally.missed) or 'none'}"
                )


def _wanted(name: str, names: Iterable[str]) -> bool:
    parts = tuple(names)
    return not parts or any(part in name for part in parts)


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.camera.stress", description="The detector among nuisances.")
    parser.add_argument("--only", default="", help=f"of: {', '.join([CLEAN, TOLD, *NUISANCES])}")
    parser.add_argument("--clips", default="", help="parts of clip names")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rivals", action="store_true", help="beside plain MOG2 and a running average")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--events", action="store_true", help="list false events and missed visits")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    names = [name for name in options.clips.split(",") if name]
    clips = real_clips(options.cache, names) + drawn_clips(names)
    nuisances = [name for name in options.only.split(",") if name] or [CLEAN, *NUISANCES, TOLD]
    table(clips, nuisances, list(METHODS) if options.rivals else ["ours"], options.seeds, listed=options.events)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
