"""From the configuration to the parts of the camera process that look and record. The source: `choose.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from camera.crossing import Line
from camera.events import Visits
from camera.gateway import Gateway
from camera.mailbox import Mailbox
from camera.memories import Memories
from camera.motion import Area, Detector, Point, Rectangle
from camera.pipeline import Eyes
from camera.recorder import Limits, Recorder, Saved
from camera.reports import Reports
from camera.store import Deleted, Store
from camera.trust import Trust
from config.schema import Settings
from gate.model import Kind

LIVE_PATIENCE_S = 0.2


def build_eyes(settings: Settings, memories: Memories) -> Eyes:
    """Make what looks at each frame, with what it learned in an earlier run."""
    camera = settings.camera
    zones = [
        Area(name=zone.name, polygon=zone.polygon, kind=zone.kind, min_area=zone.min_area) for zone in camera.zones
    ]
    own, leaf, gateway = parts_of_the_gate(settings)
    lines = [Line(name=line.name, start=line.start, end=line.end) for line in camera.lines]
    detector = Detector(
        zones, camera.masks, camera.min_area, own, leaf, camera.night_min_area,
        None if camera.profile == "auto" else camera.profile,
    )  # fmt: skip
    return Eyes(
        detector=detector,
        visits=partial(Visits, None, lines),
        trust=memories.build("view", lambda kept: Trust(camera.masks, own, kept)),
        gateway=memories.build("gateway", lambda kept: Gateway(gateway, kept)) if gateway else None,
    )


def parts_of_the_gate(settings: Settings) -> tuple[Sequence[Rectangle], Sequence[Point], Sequence[Point]]:
    """Return where leaf and lamp are seen, the leaf, and the closed gateway; the scene knows it by itself."""
    camera = settings.camera
    own, leaf, gateway = camera.gate_parts, camera.leaf, camera.gateway
    if camera.source == "scene":
        from camera.village import gateway_polygon, leaf_polygon, own_parts  # noqa: PLC0415 - only the scene needs it

        own = own or own_parts(*camera.size)
        leaf = leaf or leaf_polygon(*camera.size)
        gateway = gateway or gateway_polygon(*camera.size)
    return own, leaf or (), gateway or ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tellers:
    """Which facts follow from what happens to clips."""

    reports: Reports
    folder: Path

    def saved(self, clip: Saved) -> None:
        """Tell of a clip that is whole."""
        self.reports.tell(Kind.CLIP_SAVED, clip.fact())

    def deleted(self, gone: Deleted) -> None:
        """Tell of a clip that is gone."""
        self.reports.tell(Kind.CLIP_DELETED, gone.fact())

    def low(self, free_bytes: int) -> None:
        """Tell that the disk is nearly full."""
        self.reports.tell(Kind.STORAGE_LOW, {"free_bytes": free_bytes, "folder": str(self.folder)})


def build_recorder(settings: Settings, store: Store, tellers: Tellers) -> Recorder:
    """Make the recorder. A live picture waits for no disk; a file that is read fast may."""
    recording = settings.recording
    limits = Limits(
        pre_roll_s=recording.pre_roll_s, post_roll_s=recording.post_roll_s, max_clip_s=recording.max_clip_s,
        enabled=recording.enabled, segment_s=recording.segment_s if recording.continuous else None,
    )  # fmt: skip
    mailbox = Mailbox() if settings.camera.pace == "fast" else Mailbox(patience_s=LIVE_PATIENCE_S)
    return Recorder(store, limits, tellers.saved, tellers.deleted, tellers.low, mailbox)
