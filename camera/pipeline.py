"""What happens to everything that a source delivers, in the order in which it comes. One thread runs this.

An access unit goes to the recorder and to the viewers; a frame becomes the snapshot and, at the pace of detection, is
searched for motion; what begins or ends by it is told to the recorder and to gate. What the gate itself does to the
picture (`own`, replaced whole by whoever hears of it) is no visitor. Nothing here waits for a network.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

from camera.events import Change, Ended, Started, Visits
from camera.motion import Detector, Rectangle
from camera.recorder import Begin, End, Message, Over
from camera.source import AccessUnit, Frame, Picture, Source, Stream
from camera.store import Store, remedy
from camera.timeline import Cadence
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

BETTER = 1.15
AT_THE_EDGE = 0.5
LEARN_SHARE = 0.1


class Recording(Protocol):
    """Where messages for the recorder go."""

    def post(self, message: Message) -> None:
        """Hand over the next thing that happened."""


class Watching(Protocol):
    """Where the live picture goes."""

    def stream(self, stream: Stream) -> None:
        """Say that the picture begins anew."""

    def unit(self, unit: AccessUnit) -> None:
        """Show one access unit."""


class Showing(Protocol):
    """Where the newest frame goes."""

    def show(self, frame: Frame, now_s: float) -> None:
        """Show one frame if it is time."""


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
    best: Best | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnLight:
    """What the gate itself does to the picture: its leaf or lamp moves, its light is on."""

    gate_moves: bool = False
    light: bool = False


@dataclass(slots=True)
class Figures:
    """What the process says of itself; written by the pipeline's thread, read by others."""

    frames: int = 0
    events: int = 0
    detect_ms: float = 0.0
    newest_s: float = float("-inf")
    seen_at_s: float = float("-inf")
    size: tuple[int, int] = (0, 0)


class Pipeline:
    """Joins one source to detector, recorder, viewers and gate. `tell` and `new_id` come from outside."""

    def __init__(  # noqa: PLR0913 - everything that a picture meets, named once
        self, *, source: Source, name: str, detector: Detector, detect_fps: float, recorder: Recording, live: Watching,
        snapshot: Showing, store: Store, tell: Callable[[Kind, JsonObject], None], new_id: Callable[[], str],
    ) -> None:  # fmt: skip
        self._source, self._name = source, name
        self._detector, self._visits = detector, Visits()
        self._cadence = Cadence(detect_fps)
        self._recorder, self._live, self._snapshot, self._store = recorder, live, snapshot, store
        self._tell, self._new_id = tell, new_id
        self._open: Open | None = None
        self._lit = False
        self.own = OwnLight()
        self.figures = Figures()

    def run(self) -> None:
        """Take items until the source has no more; end what is open then."""
        try:
            for item in self._source.items():
                match item:
                    case AccessUnit():
                        self._recorder.post(item)
                        self._live.unit(item)
                    case Frame():
                        self._look(item)
                    case Stream():
                        self._begin_stream(item)
                    case _:
                        assert_never(item)
        finally:
            self._apply(self._visits.finish(), None)
            self._recorder.post(Over())

    def _begin_stream(self, stream: Stream) -> None:
        log.info("picture of %d x %d at %.1f frames/s (%s)", stream.width, stream.height, stream.fps, stream.codec)
        self._apply(self._visits.finish(), None)
        self._visits = Visits()
        self._detector.reset()
        self._cadence.restart()
        self._recorder.post(stream)
        self._live.stream(stream)
        self.figures.size = (stream.width, stream.height)

    def _look(self, frame: Frame) -> None:
        figures = self.figures
        now_s = time.monotonic()
        figures.frames += 1
        figures.newest_s, figures.seen_at_s = frame.at_s, now_s
        try:
            self._snapshot.show(frame, now_s)
        except OSError as error:
            log.warning("the snapshot can't be written (%s)", error)
        if not self._cadence.wants(frame.at_s):
            return
        began_s = time.thread_time()
        own = self.own
        if own.light != self._lit:
            self._lit = own.light
            self._detector.reset()  # another light is another view; a second later it is known
        regions = self._detector.look(frame.luma, frame.at_s, gate_moves=own.gate_moves)
        changes = self._visits.step(regions, frame.at_s)
        figures.detect_ms += LEARN_SHARE * ((time.thread_time() - began_s) * 1000 - figures.detect_ms)
        self._apply(changes, frame)
        self._improve(frame)

    def _apply(self, changes: list[Change], frame: Frame | None) -> None:
        for change in changes:
            match change:
                case Started():
                    self._start(change, frame)
                case Ended():
                    self._end(change)
                case _:
                    assert_never(change)

    def _start(self, started: Started, frame: Frame | None) -> None:
        now_s = time.monotonic()
        wall_s = time.time() - max(0.0, now_s - started.at_s)
        event_id = self._new_id()
        self._open = Open(event_id=event_id, thumbnail=self._store.name(event_id, wall_s, ".jpg"))
        self._recorder.post(Begin(event_id=event_id, at_s=started.at_s, wall_s=wall_s))
        self.figures.events += 1
        if frame:
            self._improve(frame)
        written = self._write_best(self._open)
        self._tell(Kind.MOTION_STARTED, {
            "event_id": event_id, "source": self._name, "zones": list(started.zones),
            "started_mono_ms": round(started.at_s * 1000), "thumbnail": self._open.thumbnail if written else None,
        })  # fmt: skip

    def _end(self, ended: Ended) -> None:
        if self._open is None:
            return
        self._write_best(self._open)
        event_id, self._open = self._open.event_id, None
        self._recorder.post(End(event_id=event_id, at_s=ended.at_s))
        self._tell(Kind.MOTION_ENDED, {
            "event_id": event_id, "zones": list(ended.zones), "duration_s": round(ended.at_s - ended.started_s, 2),
            "peak_area": ended.peak_area,
        })  # fmt: skip

    def _improve(self, frame: Frame) -> None:
        """Keep this frame if it shows the event's thing better than what was kept: larger, and not cut by the edge."""
        focus = self._visits.focus()
        if self._open is None or focus is None:
            return
        score = focus.area * (AT_THE_EDGE if focus.edge else 1.0)
        best = self._open.best
        if best is None:
            self._open.best = Best(picture=frame.picture, box=focus.box, score=score)
        elif score > best.score * BETTER:
            best.picture, best.box, best.score = frame.picture, focus.box, score

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
