"""What the camera process says of itself: whether there is a picture, whether it can be believed, when it gives up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from camera.health import GONE_S, STUCK_S, Parts, StuckError, Watch
from camera.pipeline import Figures
from camera.source import HEALTHY, Health
from gate.model import JsonObject, Kind

LOST = Health(ok=False, reason="camera_lost", detail="the sensor does not deliver")
ENDED = Health(ok=False, reason="video_ended", detail="the file has ended")


class Desk:
    """A watch over parts that are what a test says, and what it said and told."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.figures = Figures()
        self.source = SimpleNamespace(health=HEALTHY)
        self.recorder = SimpleNamespace(dropped=0, trouble="", failed=None)
        self.store = SimpleNamespace(low=False, free_bytes=10**9, folder="media")
        parts = SimpleNamespace(
            source=self.source, pipeline=SimpleNamespace(figures=self.figures), recorder=self.recorder,
            live=SimpleNamespace(viewers=0), store=self.store,
        )  # fmt: skip
        self.said: JsonObject = {}
        self.told: list[tuple[Kind, JsonObject]] = []
        self.watch = Watch(cast("Parts", parts), self._say, lambda kind, data: self.told.append((kind, data)))
        self.now_s = self.watch._started_s

    def _say(self, health: JsonObject) -> None:
        self.said = health

    def after(self, s: float, *, frame: bool = True) -> Desk:
        """Let time go by and look; with a `frame` that has just come."""
        self.now_s += s
        if frame:
            self.figures.seen_at_s = self.now_s
            self.figures.frames += 1
        self.watch.look(self.now_s)
        return self


def test_a_camera_that_delivers_is_well() -> None:
    said = Desk().after(1.0).said
    assert (said["ok"], said["reason"], said["sight"]) == (True, "", "")


def test_before_the_first_picture_nothing_is_said_of_the_sight() -> None:
    """A process that was started anew is no proof that the camera sees again."""
    desk = Desk().after(1.0, frame=False)
    assert desk.said["sight"] is None
    assert desk.after(GONE_S, frame=False).said["sight"] == "gone"
    assert not desk.after(0.5).said["sight"]


def test_a_picture_that_can_not_be_believed_is_told_once_and_when_it_is_over() -> None:
    desk = Desk().after(1.0)
    desk.figures.sight = "covered"
    desk.after(0.5).after(0.5)
    assert (desk.said["ok"], desk.said["reason"], desk.said["sight"]) == (False, "covered", "covered")
    desk.figures.sight = ""
    desk.after(0.5)
    assert desk.told == [
        (Kind.SENSOR_DEGRADED, {"sensor": "camera", "reason": "covered"}),
        (Kind.SENSOR_RECOVERED, {"sensor": "camera", "reason": "covered"}),
    ]
    assert desk.said["ok"]


@pytest.mark.parametrize("source", [HEALTHY, LOST])
def test_a_picture_that_does_not_come_is_gone_within_ten_seconds(source: Health) -> None:
    desk = Desk().after(1.0)
    desk.source.health = source
    desk.after(GONE_S - 1.0, frame=False)
    assert not desk.told
    desk.after(1.5, frame=False)
    assert desk.told == [(Kind.SENSOR_DEGRADED, {"sensor": "camera", "reason": "gone"})]
    assert desk.said["reason"] == (source.reason or "stalled")
    assert desk.after(1.0).told[1:] == [(Kind.SENSOR_RECOVERED, {"sensor": "camera", "reason": "gone"})]


def test_what_a_file_showed_before_its_end_is_not_gone() -> None:
    desk = Desk().after(1.0)
    desk.source.health = ENDED
    assert not desk.after(100.0, frame=False).told


def test_the_picture_is_told_before_the_disk() -> None:
    desk = Desk()
    desk.store.low = True
    assert desk.after(1.0).said["reason"] == "storage_low"
    desk.figures.sight = "frozen"
    assert desk.after(1.0).after(1.0).said["reason"] == "frozen"


def test_what_only_a_new_process_can_mend_ends_this_one() -> None:
    hangs, hopeless, broken = Desk(), Desk(), Desk()
    hopeless.source.health = Health(ok=False, reason="camera_stuck", detail="libcamera hangs", hopeless=True)
    broken.recorder.failed = RuntimeError("the recorder fell over")
    with pytest.raises(StuckError, match="no picture for"):
        hangs.after(STUCK_S + 1.0, frame=False)
    with pytest.raises(StuckError, match="libcamera hangs"):
        hopeless.after(1.0)
    with pytest.raises(StuckError, match="recording ended"):
        broken.after(1.0)
