"""The picture that stands for an event: which one is taken, and what it shows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.store import Store
from camera.thumbnail import WHOLE, close_up, sharpness

BOX = (0.25, 0.25, 0.75, 0.75)


def crisp(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return a picture with edges in it, as a person has."""
    rng = np.random.default_rng(7)
    coarse = rng.integers(40, 220, (height // 6 + 1, width // 6 + 1), np.uint8)
    return np.kron(coarse, np.ones((6, 6), np.uint8))[:height, :width]


@pytest.mark.parametrize("size", [(180, 320), (540, 960)])
def test_of_two_pictures_the_sharp_one_is_better(size: tuple[int, int]) -> None:
    """Issue 4, 4: a thing that runs is a smear, whatever its size."""
    sharp = crisp(*size)
    length = size[1] // 20
    smeared = np.asarray(cv2.blur(sharp, (length, 1)), np.uint8)
    defocused = np.asarray(cv2.GaussianBlur(sharp, (0, 0), length / 3), np.uint8)
    assert sharpness(sharp, BOX) > sharpness(smeared, BOX) * 1.3
    assert sharpness(smeared, BOX) > sharpness(defocused, BOX)
    colour = np.repeat(sharp[..., None], 3, axis=2)
    assert sharpness(colour, BOX) == pytest.approx(sharpness(sharp, BOX), abs=0.02)


def test_light_does_not_count_as_sharpness() -> None:
    """Nor does darkness as blur; what holds nothing is not sharp; no box is too small to ask."""
    sharp = crisp(360, 640)
    dim = np.asarray(sharp * 0.4 + 20, np.uint8)
    assert sharpness(dim, BOX) == pytest.approx(sharpness(sharp, BOX), abs=0.1)
    assert sharpness(np.full((360, 640), 90, np.uint8), WHOLE) == 0.0
    for tiny in ((0.0, 0.0, 0.0, 0.0), (0.999, 0.999, 1.0, 1.0)):
        assert 0.0 <= sharpness(sharp, tiny) <= 1.0


def test_a_thumbnail_shows_the_thing_in_its_box(tmp_path: Path) -> None:
    """A small thing far away must be seen, not guessed."""
    picture = np.full((540, 960, 3), 60, np.uint8)
    picture[200:230, 500:520] = (0, 0, 255)
    files = Store(tmp_path, "Asia/Ho_Chi_Minh", 14, 1.0)
    files.write_thumbnail("2026-11-21/id.jpg", picture, (500 / 960, 200 / 540, 520 / 960, 230 / 540))
    shown = cv2.imread(str(tmp_path / "2026-11-21" / "id.jpg"))
    assert shown is not None
    assert shown.shape[:2] == (360, 640)
    red = (shown[..., 2] > 200) & (shown[..., 1] < 80) & (shown[..., 0] < 80)
    assert np.count_nonzero(red) > 1200
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_thing_at_the_border_stays_within_the_thumbnail() -> None:
    """The view is moved, not cut."""
    picture = np.zeros((540, 960, 3), np.uint8)
    for box in ((0.0, 0.0, 0.05, 0.1), (0.95, 0.9, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0)):
        assert close_up(picture, box).shape == (360, 640, 3)


def test_a_picture_without_a_box_is_shown_whole() -> None:
    """A move of the gate has no thing in it to point at."""
    view = close_up(np.full((540, 960, 3), 60, np.uint8), None)
    assert view.shape == (360, 640, 3)
    assert np.ptp(view) == 0
