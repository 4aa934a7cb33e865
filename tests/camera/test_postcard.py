"""The small picture for the broker."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.live import Snapshot
from camera.postcard import LARGEST_BYTES, Postcard, small_jpeg
from camera.source import Frame, Picture

NOISE = np.random.default_rng(6).integers(0, 256, (1080, 1920, 3), np.uint8)


def frame_of(picture: Picture, at_s: float) -> Frame:
    """Make a frame that is drawn from a picture."""
    return Frame(np.zeros((180, 320), np.uint8), at_s, lambda: picture)


@pytest.mark.parametrize("picture", [NOISE, NOISE[:540, :960], NOISE[:40, :30], np.zeros((1080, 1920, 3), np.uint8)])
def test_a_postcard_is_at_most_100_kb_whatever_the_picture(picture: Picture) -> None:
    """Contracts: snapshot is a JPEG ≤ 100 KB. Noise is the worst that a night can show."""
    jpeg = small_jpeg(picture)
    assert len(jpeg) <= LARGEST_BYTES
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape[1] / shown.shape[0] == pytest.approx(picture.shape[1] / picture.shape[0], rel=0.02)


def test_a_postcard_is_written_at_its_own_pace_and_tells_its_time(tmp_path: Path) -> None:
    """The bridge tells its age by CLOCK_MONOTONIC; between two of them no frame is drawn for it."""
    path = tmp_path / "postcard.jpg"
    snapshot = Snapshot(tmp_path / "snapshot.jpg", None, Postcard(path, 30.0))
    began_s, stamps = time.monotonic(), set[int]()
    for number in range(61):
        snapshot.show(frame_of(NOISE[:54, :96], began_s + number), began_s + number)
        stamps.add(path.stat().st_mtime_ns)
    assert len(stamps) == 3
    assert max(stamps) == pytest.approx((began_s + 60) * 1e9, abs=2000)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["postcard.jpg", "snapshot.jpg"]
