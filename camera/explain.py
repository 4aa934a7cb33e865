"""`detect --explain OUT.mp4`: the film of what the detector saw and why, so that a maintainer sees why.

Over each analysed picture: masks hatched, zones and lines with their names, what differs tinted, a thin box with a
reason on each part that was dropped, a yellow box on what is followed, a green one on what is believed, with its way.
Below it a strip: the time, what was taken out as light, the state of the event. H.264 in MP4, as browsers play it; it
is written beside its place and moved there when it is whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import av
import av.error
import cv2
import numpy as np
from av.video.frame import VideoFrame

from camera.crossing import Direction, Line
from camera.events import Track
from camera.lettering import Style, measure, write
from camera.motion import Area, Point, Rectangle
from camera.notes import COUNTS, FAINT, Notes
from camera.source import Picture

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

Colour = tuple[int, int, int]
"""Blue, green, red."""

WHITE: Colour = (255, 255, 255)
GREY: Colour = (150, 150, 150)
YELLOW: Colour = (60, 220, 240)
GREEN: Colour = (80, 230, 80)
RED: Colour = (70, 70, 255)
BLUE: Colour = (255, 180, 110)
PINK: Colour = (230, 120, 255)
ZONE_COLOURS: dict[str, Colour] = {"alert": WHITE, "record": BLUE, "ignore": GREY}

NARROWEST, WIDEST = 640, 960
STRIP = 54
MOST_REASONS = 12
WAY = 40
SCALE = 0.42
TINT = 0.45
TICKS = 1000
CONSTANT_QUALITY = "25"
TROUBLES = (OSError, av.error.FFmpegError)


class UnwritableOutputError(Exception):
    """The film can't be written; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What is to be drawn of one picture. `event` is the open event in words, empty where there is none."""

    at_s: float
    picture: Picture
    notes: Notes
    tracks: Sequence[Track]
    event: str = ""
    crossed: Mapping[tuple[str, Direction], int] = field(default_factory=dict)
    """How often each line was crossed so far in each direction."""


class Film:
    """Draws sights into an MP4. A context: left without an error, the film stands at its place, otherwise none does."""

    def __init__(
        self, path: Path, zones: Sequence[Area] = (), masks: Sequence[Rectangle] = (), lines: Sequence[Line] = ()
    ) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._zones, self._masks, self._lines = zones, masks, lines
        self._size = (0, 0)
        self._stream: VideoStream | None = None
        self._last = -1
        self._ways: dict[int, list[tuple[int, int]]] = {}
        try:
            self._part.touch()  # libav opens it only when it has something to write
            self._container: OutputContainer = av.open(
                str(self._part), "w", format="mp4", options={"movflags": "+faststart"}
            )
        except TROUBLES as error:
            raise self._unwritable(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._stream:
                self._container.mux(self._stream.encode())
            self._container.close()
            if kind is None and self._stream:
                self._part.replace(self._path)
        except TROUBLES as trouble:
            if kind is None:
                raise self._unwritable(trouble) from None
        finally:
            self._part.unlink(missing_ok=True)

    def show(self, sight: Sight) -> None:
        """Add one picture. Raises `UnwritableOutputError` where the disk refuses."""
        drawn = self._draw(sight)
        try:
            stream = self._stream or self._begin(drawn.shape[1], drawn.shape[0])
            frame = VideoFrame.from_ndarray(drawn, "bgr24")
            self._last = max(self._last + 1, round(sight.at_s * TICKS))
            frame.pts, frame.time_base = self._last, Fraction(1, TICKS)
            self._container.mux(stream.encode(frame))
        except TROUBLES as error:
            raise self._unwritable(error) from None

    def _begin(self, width: int, height: int) -> VideoStream:
        stream = self._container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS)
        stream.codec_context.gop_size = 25
        stream.options = {"preset": "veryfast", "crf": CONSTANT_QUALITY}
        self._stream = stream
        return stream

    def _unwritable(self, error: Exception) -> UnwritableOutputError:
        said = getattr(error, "strerror", None) or type(error).__name__
        return UnwritableOutputError(
            f"{self._path} can't be written ({said}); give a file in a folder you may write to"
        )

    def _draw(self, sight: Sight) -> Picture:
        if self._size == (0, 0):
            height, width = sight.picture.shape[:2]
            wide = min(WIDEST, max(NARROWEST, width)) // 2 * 2
            self._size = (wide, max(2, round(height * wide / width) // 2 * 2))
        picture = np.asarray(cv2.resize(sight.picture, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        self._tint(picture, sight.notes)
        self._draw_site(picture, sight)
        self._draw_reasons(picture, sight.notes)
        self._draw_tracks(picture, sight.tracks)
        if sight.event:
            cv2.rectangle(picture, (1, 1), (self._size[0] - 2, self._size[1] - 2), RED, 3)
        return np.asarray(np.vstack([picture, self._strip(sight)]), np.uint8)

    def _tint(self, picture: Picture, notes: Notes) -> None:
        """Tint what differs: red where it counts, yellow where it was dropped."""
        if notes.differs is None:
            return
        differs = cv2.resize(notes.differs, self._size, interpolation=cv2.INTER_NEAREST) > 0
        counts = np.zeros_like(differs)
        for verdict in notes.verdicts:
            if verdict.why == COUNTS:
                (left, top), (right, bottom) = self._corners(verdict.box)
                counts[top:bottom, left:right] = True
        for chosen, colour in ((differs & counts, RED), (differs & ~counts, YELLOW)):
            mixed = picture[chosen] * (1 - TINT) + np.array(colour) * TINT
            picture[chosen] = mixed.astype(np.uint8)

    def _draw_site(self, picture: Picture, sight: Sight) -> None:
        for mask in self._masks:
            (left, top), (right, bottom) = self._corners(mask)
            picture[top:bottom, left:right] //= 2
            picture[top:bottom:6, left:right] = GREY
        for zone in self._zones:
            colour = ZONE_COLOURS[zone.kind]
            corners = np.array([self._pixel(corner) for corner in zone.polygon], np.int32)
            cv2.polylines(picture, [corners], True, colour, 1, cv2.LINE_AA)
            x, y = corners[corners[:, 1].argmin()].tolist()
            self._say(picture, f"{zone.name} ({zone.kind})", (x + 4, y + 16), colour)
        for line in self._lines:
            start, end = self._pixel(line.start), self._pixel(line.end)
            cv2.arrowedLine(picture, start, end, PINK, 2, cv2.LINE_AA, tipLength=0.04)
            ways: tuple[Direction, ...] = ("in", "out")
            counts = ", ".join(f"{way} {sight.crossed.get((line.name, way), 0)}" for way in ways)
            self._say(picture, f"{line.name}: {counts}", (start[0] + 4, start[1] - 6), PINK)

    def _draw_reasons(self, picture: Picture, notes: Notes) -> None:
        dropped = [verdict for verdict in notes.verdicts if verdict.why not in {COUNTS, FAINT}]
        for verdict in sorted(dropped, key=lambda verdict: -verdict.area)[:MOST_REASONS]:
            start, end = self._corners(verdict.box)
            cv2.rectangle(picture, start, end, BLUE, 1)
            self._say(picture, f"{verdict.why} {verdict.area * 100:.2f}%", (start[0], start[1] - 4), BLUE)

    def _draw_tracks(self, picture: Picture, tracks: Sequence[Track]) -> None:
        newest_s = max((track.last_s for track in tracks), default=0.0)
        self._ways = {id(track): self._ways.get(id(track), []) for track in tracks}
        for track in tracks:
            if track.last_s < newest_s:
                continue
            start, end = self._corners(track.region.box)
            way = self._ways[id(track)]
            way.append(((start[0] + end[0]) // 2, end[1]))
            colour = GREEN if track.believed else YELLOW
            cv2.rectangle(picture, start, end, colour, 2 if track.believed else 1)
            cv2.polylines(picture, [np.array(way[-WAY:], np.int32)], False, colour, 1, cv2.LINE_AA)
            age_s, area = track.last_s - track.first_s, track.region.area * 100
            said = f"{'seen' if track.believed else 'followed'} {age_s:.1f} s {area:.2f}%"
            said += " faint" if track.region.faint else ""
            if track.region.still_s >= 1.0:
                said += f" still {track.region.still_s:.0f} s"
            self._say(picture, said, (start[0], end[1] + 14), colour)

    def _strip(self, sight: Sight) -> Picture:
        strip = np.full((STRIP, self._size[0], 3), 28, np.uint8)
        notes = sight.notes
        said = f"{sight.at_s:7.1f} s"
        if notes.light:
            said += f"   light x{notes.light.gain:.2f} {notes.light.offset:+.0f}   counts from {notes.floor:.1f} levels"
        if notes.word:
            said += f"   {notes.word}"
        self._say(strip, said, (8, 20), WHITE)
        self._say(strip, sight.event or "no event", (8, 43), RED if sight.event else GREY)
        return strip

    def _say(self, picture: Picture, text: str, at: tuple[int, int], colour: Colour) -> None:
        """Write a text on a dark ground, moved so that it lies within the picture."""
        width, height = measure(text, SCALE, 1)
        x = max(2, min(at[0], picture.shape[1] - width - 4))
        y = max(14, min(at[1], picture.shape[0] - 6))
        picture[max(0, y - height - 3) : y + 4, max(0, x - 2) : x + width + 2] //= 3
        write(picture, text, (x, y), Style(SCALE, colour))

    def _pixel(self, point: Point) -> tuple[int, int]:
        return round(point[0] * self._size[0]), round(point[1] * self._size[1])

    def _corners(self, box: Rectangle) -> tuple[tuple[int, int], tuple[int, int]]:
        return self._pixel((box[0], box[1])), self._pixel((box[2], box[3]))
