"""What becomes of a motion event: a clip is ordered, facts told, its best picture kept. Pipeline's thread only."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

from camera.crossing import Crossing
from camera.events import Change, Ended, Raised, Started
from camera.messages import Begin, End, Message
from camera.motion import Level, Rectangle, Region
from camera.source import Frame, Picture
from camera.store import Store, remedy
from camera.thumbnail import sharpness
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

BETTER = 1.15
AT_THE_EDGE = 0.5
BLURRED = 0.35
"""What is left of a picture's worth when it is only a smear."""


class Recording(Protocol):
    """Where messages for the recorder go."""

    def post(self, message: Message) -> None:
        """Hand over the next thing that happened."""


@dataclass(slots=True)
class Best:
    """The best picture of an event so far."""

    picture: Picture
    box: Rectangle
    score: float
    written: float = 0.0


@dataclass(slots=True)
class Open:
    """The event under way."""

    event_id: str
    thumbnail: str
    level: Level
    best: Best | None = None


class Chronicle:
    """Turns what began and ended into clips, facts and a thumbnail. `tell` and `new_id` come from outside."""

    def __init__(
        self, source: str, recorder: Recording, store: Store, tell: Callable[[Kind, JsonObject], None],
        new_id: Callable[[], str],
    ) -> None:  # fmt: skip
        self._source, self._recorder, self._store = source, recorder, store
        self._tell, self._new_id = tell, new_id
        self._open: Open | None = None
        self.events = 0

    def write(self, changes: list[Change], frame: Frame | None, focus: Region | None) -> None:
        """Take what began or ended with this frame; `focus` is what the open event is about in it."""
        for change in changes:
            match change:
                case Started():
                    self._start(change, frame, focus)
                case Raised():
                    self._raise(change)
                case Ended():
                    self._end(change)
                case _:
                    assert_never(change)
        if frame and focus:
            self._improve(frame, focus)

    def keep_still(self, name: str, frame: Frame) -> None:
        """Write a whole frame as the picture of what the gate itself gave occasion for."""
        try:
            self._store.write_thumbnail(name, frame.picture, None)
        except OSError as error:
            log.warning("a picture can't be written (%s); %s", error, remedy(error, self._store.folder))

    def _start(self, started: Started, frame: Frame | None, focus: Region | None) -> None:
        now_s = time.monotonic()
        wall_s = time.time() - max(0.0, now_s - started.at_s)
        event_id = self._new_id()
        thumbnail = self._store.name(event_id, wall_s, ".jpg")
        self._open = Open(event_id=event_id, thumbnail=thumbnail, level=started.level)
        self._recorder.post(Begin(event_id=event_id, at_s=started.at_s, wall_s=wall_s))
        self.events += 1
        if frame and focus:
            self._improve(frame, focus)
        written = self._write_best(self._open)
        self._tell(Kind.MOTION_STARTED, {
            "event_id": event_id, "source": self._source, "zones": list(started.zones), "level": started.level,
            "started_mono_ms": round(started.at_s * 1000), "thumbnail": thumbnail if written else None,
        })  # fmt: skip

    def _raise(self, raised: Raised) -> None:
        if self._open is None:
            return
        self._open.level = "alert"
        self._tell(Kind.MOTION_RAISED, {"event_id": self._open.event_id, "zones": list(raised.zones)})

    def _end(self, ended: Ended) -> None:
        if self._open is None:
            return
        self._write_best(self._open)
        event_id, self._open = self._open.event_id, None
        self._recorder.post(End(event_id=event_id, at_s=ended.at_s))
        self._tell(Kind.MOTION_ENDED, {
            "event_id": event_id, "zones": list(ended.zones), "level": ended.level,
            "duration_s": round(ended.at_s - ended.started_s, 2), "peak_area": ended.peak_area,
            "crossings": [_plain(crossing) for crossing in ended.crossings],
        })  # fmt: skip

    def _improve(self, frame: Frame, focus: Region) -> None:
        """Keep this frame if it shows the event's thing better than what was kept: larger, sharper, and whole."""
        event = self._open
        if event is None:
            return
        score = focus.area * (AT_THE_EDGE if focus.edge else 1.0)
        if event.best is not None and score <= event.best.score * BETTER:
            return  # even a crisp picture of it would be no better; the colours are not asked for
        score *= BLURRED + (1.0 - BLURRED) * sharpness(frame.picture, focus.box)
        if event.best is None:
            event.best = Best(picture=frame.picture, box=focus.box, score=score)
        elif score > event.best.score * BETTER:
            event.best.picture, event.best.box, event.best.score = frame.picture, focus.box, score

    def _write_best(self, event: Open) -> bool:
        """Write the thumbnail if there is a better one than is written; tell whether there is one."""
        best = event.best
        if best is None:
            return False
        if best.score > best.written:
            try:
                self._store.write_thumbnail(event.thumbnail, best.picture, best.box)
                best.written = best.score
            except OSError as error:
                log.warning("a thumbnail can't be written (%s); %s", error, remedy(error, self._store.folder))
        return best.written > 0


def _plain(crossing: Crossing) -> JsonObject:
    return {"line": crossing.line, "direction": crossing.direction}
