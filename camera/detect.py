"""`python -m camera detect FILE`: the detector on a recorded file, as fast as it decodes.

What it prints is what the camera process would have seen. The zones file is `{"zone": [[x, y], …], "masks":
[[x0, y0, x1, y1], …]}` in fractions of the picture; both may be left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from camera.events import Change, Ended, Visits
from camera.motion import Area, Detector
from camera.source import Frame, Stream
from camera.video import VideoSource, Wishes
from config.schema import Point, Rectangle

ANALYSED_PER_S = 5.0


class ZonesFile(BaseModel):
    """Where to look in the file's picture."""

    model_config = ConfigDict(extra="ignore")

    zone: tuple[Point, ...] | None = Field(default=None, min_length=3)
    masks: tuple[Rectangle, ...] = ()


class UnusableInputError(Exception):
    """The file or the zones can't be used; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One event, in seconds from the file's first picture."""

    start_s: float
    end_s: float
    zones: tuple[str, ...]
    peak_area: float

    def plain(self) -> dict[str, object]:
        """Return it as JSON data."""
        return {
            "start_s": self.start_s, "end_s": self.end_s, "zones": list(self.zones), "peak_area": self.peak_area,
        }  # fmt: skip


@dataclass(slots=True)
class Findings:
    """What a file holds."""

    frames: int = 0
    analysed: int = 0
    cpu_s: float = 0.0
    events: list[Visit] = field(default_factory=list)

    def plain(self) -> dict[str, object]:
        """Return it as JSON data, as the contract of `antt-gate detect` has it."""
        return {
            "frames": self.frames,
            "analysed": self.analysed,
            "cpu_ms_per_frame": round(self.cpu_s / max(1, self.analysed) * 1000, 3),
            "events": [event.plain() for event in self.events],
        }


def main(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit code: 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="antt-gate detect", description="Find motion events in a recorded file.")
    parser.add_argument("file", type=Path, help="the video")
    parser.add_argument("--zones", type=Path, help='JSON file: {"zone": polygon, "masks": [[x0, y0, x1, y1], …]}')
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    try:
        found = detect(options.file, read_zones(options.zones))
    except UnusableInputError as error:
        print(f"antt-gate detect: {error}", file=sys.stderr)  # noqa: T201 - a command line speaks on stderr
        return 2
    print(json.dumps(found.plain()) if options.json else told(found))  # noqa: T201 - the command's answer
    return 0


def read_zones(path: Path | None) -> ZonesFile:
    """Read a zones file; no file means the whole picture. Raises `UnusableInputError`."""
    if path is None:
        return ZonesFile()
    try:
        return ZonesFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UnusableInputError(f"{path} can't be read ({error.strerror}); give an existing zones file") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UnusableInputError(
            f"{path}: {where}: {first['msg'].lower()}; expected "
            '{"zone": [[x, y], …], "masks": [[x0, y0, x1, y1], …]} in fractions of the picture'
        ) from None


def detect(path: Path, where: ZonesFile) -> Findings:
    """Search one file. Raises `UnusableInputError` where it can't be played."""
    cv2.setNumThreads(1)
    source = VideoSource(str(path), Wishes(detect_fps=ANALYSED_PER_S, pace="fast", record=False), retry=False)
    zones = [Area(name="zone", polygon=where.zone)] if where.zone else []
    detector, visits = Detector(zones, where.masks), Visits()
    found = Findings()
    start_s: float | None = None
    for item in source.items():
        if isinstance(item, Stream):
            detector.reset()
            found.events += _ended(visits.finish(), start_s)
        elif isinstance(item, Frame):
            start_s = item.at_s if start_s is None else start_s
            began_s = time.thread_time()
            changes = visits.step(detector.look(item.luma, item.at_s), item.at_s)
            found.cpu_s += time.thread_time() - began_s
            found.analysed += 1
            found.events += _ended(changes, start_s)
    found.frames = source.pictures
    found.events += _ended(visits.finish(), start_s)
    if not found.analysed:
        raise UnusableInputError(source.health.detail)
    return found


def told(found: Findings) -> str:
    """Return the findings as lines for a person."""
    plain = found.plain()
    lines = [
        f"{visit.start_s:8.1f} s - {visit.end_s:8.1f} s  {', '.join(visit.zones)}  "
        f"largest {visit.peak_area * 100:.1f} % of the picture"
        for visit in found.events
    ]
    lines.append(
        f"{len(found.events)} events in {found.frames} frames ({found.analysed} analysed, "
        f"{plain['cpu_ms_per_frame']} ms CPU each)"
    )
    return "\n".join(lines)


def _ended(changes: Sequence[Change], start_s: float | None) -> list[Visit]:
    first_s = start_s or 0.0
    return [
        Visit(
            start_s=round(change.started_s - first_s, 2), end_s=round(change.at_s - first_s, 2),
            zones=change.zones, peak_area=change.peak_area,
        )
        for change in changes
        if isinstance(change, Ended)
    ]  # fmt: skip
