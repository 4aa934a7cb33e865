"""`python -m camera detect FILE`: the detector on a recorded file, as fast as it decodes.

What it prints is what the camera process would have seen. The zones file is `{"zone": [[x, y], …], "masks":
[[x0, y0, x1, y1], …]}` in fractions of the picture; `zones` and `lines` may stand there as they do in the
configuration. All of it may be left out. `--explain OUT.mp4` draws what was seen and why over the picture.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import av
import av.error
import cv2

from camera.crossing import Crossing
from camera.events import Change, Ended, Visits
from camera.explain import Film, Sight, UnwritableOutputError
from camera.motion import Detector, Level
from camera.notes import Notes
from camera.source import Frame, Stream
from camera.video import VideoSource, Wishes
from camera.zones_file import UnusableZonesError, ZonesFile, read_zones

ANALYSED_PER_S = 5.0
ENDED = "video_ended"
MISSING_S = 1.0


class UnusableInputError(Exception):
    """The file can't be used; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One event, in seconds from the file's first picture."""

    start_s: float
    end_s: float
    zones: tuple[str, ...]
    peak_area: float
    level: Level = "alert"
    crossings: tuple[Crossing, ...] = ()

    def plain(self, where: ZonesFile) -> dict[str, object]:
        """Return it as JSON data; level and crossings only where the zones file asks for such things."""
        told: dict[str, object] = {
            "start_s": self.start_s, "end_s": self.end_s, "zones": list(self.zones), "peak_area": self.peak_area,
        }  # fmt: skip
        if where.zones:
            told["level"] = self.level
        if where.lines:
            told["crossings"] = [{"line": one.line, "direction": one.direction} for one in self.crossings]
        return told


@dataclass(slots=True)
class Findings:
    """What a file holds, `seconds` of it. `cut_off` says that its rest could not be read, empty if it could."""

    where: ZonesFile
    frames: int = 0
    analysed: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    events: list[Found] = field(default_factory=list)
    cut_off: str = ""

    def plain(self) -> dict[str, object]:
        """Return it as JSON data, as the contract of `antt-gate detect` has it."""
        return {
            "frames": self.frames,
            "analysed": self.analysed,
            "cpu_ms_per_frame": round(self.cpu_s / max(1, self.analysed) * 1000, 3),
            "events": [event.plain(self.where) for event in self.events],
        }


def main(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit code: 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="antt-gate detect", description="Find motion events in a recorded file.")
    parser.add_argument("file", type=Path, help="the video")
    parser.add_argument("--zones", type=Path, help='JSON file: {"zone": polygon, "masks": [[x0, y0, x1, y1], …]}')
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--explain", type=Path, metavar="OUT", help="write a film of what was seen and why")
    options = parser.parse_args(arguments)
    try:
        check(options.file, options.zones, options.explain)
        found = detect(options.file, read_zones(options.zones, options.file.name), options.explain)
    except (UnusableInputError, UnusableZonesError, UnwritableOutputError) as error:
        print(f"antt-gate detect: {error}", file=sys.stderr)  # noqa: T201 - a command line speaks on stderr
        return 2
    if found.cut_off:
        print(f"antt-gate detect: {found.cut_off}", file=sys.stderr)  # noqa: T201 - as above
    print(json.dumps(found.plain()) if options.json else told(found))  # noqa: T201 - the command's answer
    return 0


def check(path: Path, zones: Path | None, film: Path | None) -> None:
    """Refuse what can't be a video, and a film that would overwrite what is read. Raises `UnusableInputError`."""
    remedy = "give an existing, readable video file"
    try:
        if path.is_dir():
            raise UnusableInputError(f"{path} is a folder; {remedy}")
        if path.exists() and not path.is_file():
            raise UnusableInputError(f"{path} is a device, no file; {remedy}")
        with path.open("rb") as file:
            if not file.read(1):
                raise UnusableInputError(f"{path} is empty; {remedy}")
    except OSError as error:
        raise UnusableInputError(f"{path} can't be read ({error.strerror}); {remedy}") from None
    for read in (path, zones):
        if film and read and film.exists() and read.exists() and film.samefile(read):
            raise UnusableInputError(f"--explain {film} would overwrite {read}; give another file")
    if film and film.exists() and not film.is_file():
        raise UnusableInputError(f"--explain {film} is no file; give the name of an MP4 file to write")


def detect(path: Path, where: ZonesFile, film: Path | None = None) -> Findings:
    """Search one file, and draw a film of it if asked.

    Raises `UnusableInputError` where it can't be played, `UnwritableOutputError` where the film can't be written.
    """
    cv2.setNumThreads(1)
    source = VideoSource(str(path), Wishes(detect_fps=ANALYSED_PER_S, pace="fast", record=False), retry=False)
    with ExitStack() as stack:
        shown = stack.enter_context(Film(film, where.areas(), where.masks, where.arrows())) if film else None
        search = Search(where, shown)
        for item in source.items():
            if isinstance(item, Stream):
                search.begin()
            elif isinstance(item, Frame):
                search.look(item)
        found = search.end()
        if not found.analysed:
            raise UnusableInputError(
                f"{path} holds no video that can be decoded, or is cut off; give a whole video file"
            )
    found.frames = source.pictures
    lasts_s = declared_s(path)
    if source.health.reason != ENDED or lasts_s - found.seconds > MISSING_S:
        found.cut_off = (
            f"{path} is damaged or cut off: it should last {lasts_s:.1f} s, {found.seconds:.1f} s of it could be read; "
            "what follows is about those"
        )
    return found


def declared_s(path: Path) -> float:
    """Return how long a file says that it lasts, in seconds; 0 where it does not say."""
    try:
        with av.open(str(path)) as container:
            return (container.duration or 0) / av.time_base
    except (OSError, av.error.FFmpegError):
        return 0.0


class Search:
    """Detector and visits on one file's frames, with what was found so far."""

    def __init__(self, where: ZonesFile, film: Film | None) -> None:
        self._detector = Detector(where.areas(), where.masks)
        self._visits = Visits(lines=where.arrows())
        self._found = Findings(where)
        self._film = film
        self._notes = self._detector.notes = Notes() if film else None
        self._first_s: float | None = None

    def begin(self) -> None:
        """Forget the view: the picture begins anew."""
        self._detector.reset()
        self._take(self._visits.finish())

    def look(self, frame: Frame) -> None:
        """Search one frame."""
        if self._first_s is None:
            self._first_s = frame.at_s
        began_s = time.thread_time()
        changes = self._visits.step(self._detector.look(frame.luma, frame.at_s), frame.at_s)
        self._found.cpu_s += time.thread_time() - began_s
        self._found.analysed += 1
        self._found.seconds = frame.at_s - self._first_s
        self._take(changes)
        if self._film and self._notes:
            self._film.show(self._sight(frame, self._notes, frame.at_s - self._first_s))

    def end(self) -> Findings:
        """End what is open; return what was found."""
        self._take(self._visits.finish())
        return self._found

    def _take(self, changes: Sequence[Change]) -> None:
        first_s = self._first_s or 0.0
        self._found.events += [
            Found(
                start_s=round(change.started_s - first_s, 2), end_s=round(change.at_s - first_s, 2),
                zones=change.zones, peak_area=change.peak_area, level=change.level, crossings=change.crossings,
            )
            for change in changes
            if isinstance(change, Ended)
        ]  # fmt: skip

    def _sight(self, frame: Frame, notes: Notes, at_s: float) -> Sight:
        visit = self._visits.visit
        crossings = [one for found in self._found.events for one in found.crossings]
        event = ""
        if visit:
            crossings += visit.crossings
            begun_s = visit.started_s - (self._first_s or 0.0)
            event = f"event {len(self._found.events) + 1} ({visit.level}) since {begun_s:.1f} s"
            event += f" in {', '.join(sorted(visit.zones))}" if any(visit.zones) else ""
        return Sight(
            at_s=at_s, picture=frame.picture, notes=notes, tracks=self._visits.tracks, event=event,
            crossed=Counter((one.line, one.direction) for one in crossings),
        )  # fmt: skip


def told(found: Findings) -> str:
    """Return the findings as lines for a person."""
    lines = []
    for visit in found.events:
        line = f"{visit.start_s:8.1f} s - {visit.end_s:8.1f} s  {', '.join(visit.zones)}  "
        line += f"largest {visit.peak_area * 100:.1f} % of the picture"
        line += "  only recorded" if visit.level == "record" else ""
        line += "".join(f"  {one.line}: {one.direction}" for one in visit.crossings)
        lines.append(line)
    lines.append(
        f"{len(found.events)} events in {found.frames} frames ({found.analysed} analysed, "
        f"{found.plain()['cpu_ms_per_frame']} ms CPU each)"
    )
    return "\n".join(lines)
