"""What happens to everything that a source delivers, in the order in which it comes. One thread runs this.

An access unit goes to the recorder and to the viewers. A frame becomes the snapshot and, at the pace of detection, is
weighed (`trust`), searched (`detector`, `visits`) and, where the gate is closed, compared with what a closed gateway
looks like. What the gate says of itself (`published`, replaced whole by whoever hears of it) goes along, since what the
gate itself does to the picture is no visitor. Nothing here waits for a network.
"""

from __future__ import annotations

import collections
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

from camera.chronicle import Chronicle, Recording
from camera.events import Visits
from camera.gateway import Finding, Gateway
from camera.messages import Over
from camera.motion import Detector
from camera.published import Published
from camera.source import AccessUnit, Frame, Source, Stream
from camera.timeline import Cadence
from camera.trust import Trust
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

LEARN_SHARE = 0.1
REMEMBER_FIRST_S, REMEMBER_EVERY_S = 60.0, 600.0
MOST_STILLS = 20


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Eyes:
    """What looks at a frame. `visits` makes a new one for each view; `gateway` is None where none is configured."""

    detector: Detector
    visits: Callable[[], Visits]
    trust: Trust
    gateway: Gateway | None


@dataclass(slots=True)
class Figures:
    """What the process says of itself; written by the pipeline's thread, read by others.

    `sight` is the reason why the picture can't be believed, empty while it can. `learned` is what is worth keeping over
    a restart, by name, replaced whole now and then.
    """

    frames: int = 0
    events: int = 0
    detect_ms: float = 0.0
    newest_s: float = float("-inf")
    seen_at_s: float = float("-inf")
    size: tuple[int, int] = (0, 0)
    sight: str = ""
    gateway: str = "unknown"
    learned: dict[str, JsonObject] | None = None


class Pipeline:
    """Joins one source to eyes, recorder, viewers and gate. `tell` takes what gate is to write down.

    Into `stills` anybody may put the name of a picture: the next frame is written there, whole.
    """

    def __init__(  # noqa: PLR0913 - everything that a picture meets, named once
        self, *, source: Source, eyes: Eyes, detect_fps: float, chronicle: Chronicle, recorder: Recording,
        live: Watching, snapshot: Showing, tell: Callable[[Kind, JsonObject], None],
    ) -> None:  # fmt: skip
        self._source, self._eyes = source, eyes
        self._visits = eyes.visits()
        self._cadence = Cadence(detect_fps)
        self._chronicle, self._recorder, self._live, self._snapshot = chronicle, recorder, live, snapshot
        self._tell = tell
        self._remember_s = time.monotonic() + REMEMBER_FIRST_S
        self._adopted_s: float | None = None
        self._snapshot_refused = False
        self.published = Published()
        self.stills: collections.deque[str] = collections.deque(maxlen=MOST_STILLS)
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
            self._chronicle.write(self._visits.finish(), None, None)
            self._recorder.post(Over())
            self._remember()

    def _begin_stream(self, stream: Stream) -> None:
        log.info("picture of %d x %d at %.1f frames/s (%s)", stream.width, stream.height, stream.fps, stream.codec)
        self._chronicle.write(self._visits.finish(), None, None)
        self._visits = self._eyes.visits()
        self._eyes.detector.reset()
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
            self._snapshot_refused = False
        except OSError as error:
            if not self._snapshot_refused:
                log.warning("the snapshot can't be written (%s)", error)
            self._snapshot_refused = True
        if not self._cadence.wants(frame.at_s):
            return
        while self.stills:
            self._chronicle.keep_still(self.stills.popleft(), frame)
        began_s = time.thread_time()
        published = self.published
        self._weigh(frame, published)
        regions = self._eyes.detector.look(frame.luma, frame.at_s, frame.exposure, published.own)
        changes = self._visits.step(regions, frame.at_s)
        self._compare(frame, published)
        figures.detect_ms += LEARN_SHARE * ((time.thread_time() - began_s) * 1000 - figures.detect_ms)
        self._chronicle.write(changes, frame, self._visits.focus())
        figures.events = self._chronicle.events
        if now_s >= self._remember_s:
            self._remember()

    def _weigh(self, frame: Frame, published: Published) -> None:
        """See whether the picture can be believed. A view that was moved makes what is known of the gateway void."""
        trust = self._eyes.trust
        reason = trust.look(frame.luma, frame.at_s, frame.exposure, published.own)
        turned = reason == "moved" != self.figures.sight
        adopted = trust.adopted_s != self._adopted_s
        self.figures.sight, self._adopted_s = reason, trust.adopted_s
        if adopted:
            log.warning("the camera has looked elsewhere for a day; this is taken for its view from now on")
        if (turned or adopted) and self._eyes.gateway:
            self._eyes.gateway.forget()

    def _compare(self, frame: Frame, published: Published) -> None:
        """Hold the closed gateway against its reference and tell what is found, and when that changes."""
        if self._eyes.gateway is None:
            return
        found: Finding | None = self._eyes.gateway.look(
            frame.luma, frame.at_s, published.state, published.evidence,
            trusted=not self.figures.sight, own=published.own,
        )  # fmt: skip
        if found is None:
            return
        self.figures.gateway = found.result
        self._tell(Kind.GATEWAY_COMPARED, {
            "result": found.result, "box": list(found.box) if found.box else None, "why": found.why,
        })  # fmt: skip

    def _remember(self) -> None:
        self._remember_s = time.monotonic() + REMEMBER_EVERY_S
        learned = {"view": self._eyes.trust.plain()}
        if self._eyes.gateway:
            learned["gateway"] = self._eyes.gateway.plain()
        self.figures.learned = learned
