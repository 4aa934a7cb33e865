"""The size of a copied picture, read from its own parameter set."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from camera.source import AccessUnit
from camera.sps import picture_size
from camera.video import VideoSource, Wishes
from tests.camera.conftest import make_video


@pytest.mark.parametrize(
    ("pixels", "size", "options"),
    [
        ("yuv420p", (1280, 720), {}),
        ("yuv420p", (1920, 1080), {"x264-params": "cqm=jvt"}),
        ("yuv420p", (322, 182), {"profile": "baseline"}),
        ("yuv420p", (720, 576), {"x264-params": "interlaced=1"}),
    ],
)
def test_the_size_stands_in_the_stream_itself(
    tmp_path: Path, pixels: str, size: tuple[int, int], options: dict[str, str]
) -> None:  # fmt: skip
    """Cropping, scaling matrices, interlaced pictures: what x264 writes is read back."""
    path = make_video(tmp_path / "any.mp4", pixels=pixels, size=size, seconds=0.1, options=options)
    items = VideoSource(str(path), Wishes(pace="fast"), retry=False).items()
    unit = next(item for item in items if isinstance(item, AccessUnit))
    assert picture_size(unit.data) == size
    chance = random.Random(5)
    for _ in range(500):
        damaged = bytearray(unit.data[:60])
        damaged[chance.randrange(60)] = chance.randrange(256)
        found = picture_size(bytes(damaged))
        assert found is None or 0 < min(found) <= max(found) <= 16384


def test_a_unit_without_a_parameter_set_has_no_size() -> None:
    assert picture_size(b"\x00\x00\x01\x65\x88\x84") is None
    assert picture_size(b"\x00\x00\x01\x67\x64") is None
