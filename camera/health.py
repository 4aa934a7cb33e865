"""How the camera process is, told to gate with every beat, and whether its picture can be believed.

`sight` is empty while it can, else one word: what `trust` found, or `gone` where no picture comes; before the first
picture it says nothing (None). A change of it is a fact as well: `sensor_degraded`, `sensor_recovered` of the sensor
`camera`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from camera.live import LiveServer
from camera.pipeline import Pipeline
from camera.recorder import Recorder
from camera.source import Health, Source
from camera.store import Store
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

EVERY_S = 0.25
STALE_S = 3.0
GONE_S = 6.0
STUCK_S = 20.0
GONE = "gone"
ENDED = "video_ended"
SENSOR = "camera"


class StuckError(Exception):
    """The source or the recorder hangs and can't be mended from inside; the process ends and is started anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a health is made of."""

    source: Source
    pipeline: Pipeline
    recorder: Recorder
    live: LiveServer
    store: Store


class Watch:
    """Looks at all parts four times a second. `say` takes the health, `tell` a fact."""

    def __init__(
        self, parts: Parts, say: Callable[[JsonObject], None], tell: Callable[[Kind, JsonObject], None]
    ) -> None:
        self._parts, self._say, self._tell = parts, say, tell
        self._started_s = time.monotonic()
        self._last = (True, "")
        self._sight = ""

    async def run(self) -> None:
        """Go on until cancelled. Raises `StuckError` when only a new process can help."""
        while True:
            self.look(time.monotonic())
            await asyncio.sleep(EVERY_S)

    def look(self, now_s: float) -> None:
        """Say how everything is now. Raises `StuckError`."""
        source, figures = self._parts.source.health, self._parts.pipeline.figures
        silent_s = now_s - max(figures.seen_at_s, self._started_s)
        self._see(source, figures.sight, silent_s)
        health = self._judged(source, silent_s)
        sight = self._sight if self._sight or figures.frames else None
        self._say({
            "ok": health.ok, "reason": health.reason, "detail": health.detail, "sight": sight,
            "gateway": figures.gateway, "frames": figures.frames, "events": figures.events,
            "frame_age_ms": round(silent_s * 1000), "detect_ms": round(figures.detect_ms, 2),
            "width": figures.size[0], "height": figures.size[1], "viewers": self._parts.live.viewers,
            "dropped": self._parts.recorder.dropped, "free_bytes": self._parts.store.free_bytes,
        })  # fmt: skip
        if (health.ok, health.reason) != self._last and health.reason != "starting":
            (log.info if health.ok else log.warning)("%s", health.detail or "the picture is there")
            self._last = (health.ok, health.reason)
        self._give_up(source, silent_s)

    def _judged(self, source: Health, silent_s: float) -> Health:
        """Return the worst that is known, the picture before the disk."""
        store, recorder = self._parts.store, self._parts.recorder
        if not source.ok:
            return source
        if silent_s > STALE_S:
            return Health(ok=False, reason="stalled", detail=f"no picture for {silent_s:.0f} s")
        if self._sight:
            return Health(ok=False, reason=self._sight, detail=f"the picture can't be believed: {self._sight}")
        if store.low or recorder.trouble:
            detail = recorder.trouble or f"the disk of {store.folder} is nearly full; make room"
            return Health(ok=False, reason="storage_low" if store.low else "clip_failed", detail=detail)
        return source

    def _see(self, source: Health, found: str, silent_s: float) -> None:
        """Take note of whether the picture can be believed; what a file showed before its end stays to be seen."""
        is_gone = silent_s > GONE_S and source.reason != ENDED
        sight = GONE if is_gone else found
        if sight == self._sight:
            return
        before, self._sight = self._sight, sight
        if sight:
            self._tell(Kind.SENSOR_DEGRADED, {"sensor": SENSOR, "reason": sight})
        else:
            self._tell(Kind.SENSOR_RECOVERED, {"sensor": SENSOR, "reason": before})

    def _give_up(self, source: Health, silent_s: float) -> None:
        failed = self._parts.recorder.failed
        if failed:
            raise StuckError(f"recording ended ({failed}); starting anew")
        if source.hopeless:
            raise StuckError(source.detail)
        if source.ok and silent_s > STUCK_S:
            raise StuckError(f"the source hangs: no picture for {silent_s:.0f} s; starting anew")
