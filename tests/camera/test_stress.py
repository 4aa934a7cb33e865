"""A short, seeded slice of what troubles cameras; `make bench` has the whole, beside MOG2 and a running average."""

from __future__ import annotations

import numpy as np
import pytest

from tests.camera import stress
from tests.camera.nuisances import NUISANCES, Planes

LONG_S = 12.0


@pytest.fixture(scope="module")
def empty() -> list[stress.Clip]:
    """Return a drawn night on which nothing happens and, where they are here, the beginnings of the two empty clips."""
    clips = stress.real_clips(names=("night-street-empty", "brightness-jump"), most_s=LONG_S)
    return clips + stress.drawn_clips(("scene-night-empty",), long_s=LONG_S)


@pytest.mark.parametrize("nuisance", [stress.CLEAN, "insects", "rain", "sweep", "shake", "gain", stress.TOLD])
def test_where_nothing_happens_a_nuisance_makes_no_event(empty: list[stress.Clip], nuisance: str) -> None:
    """Issue 4: insects, rain, headlights, shakes and steps of gain make no new false event on empty clips."""
    (tally,) = stress.judge(empty, nuisance, ["ours"]).values()
    assert tally.told == []


@pytest.mark.parametrize("name", NUISANCES)
def test_a_nuisance_is_the_same_for_the_same_seed_and_troubles_the_picture(name: str) -> None:
    """Else no figure could be compared with yesterday's."""
    planes: Planes = np.random.default_rng(1).integers(60, 140, (60, 45, 80)).astype(np.uint8)
    at_s = np.arange(60) / 5.0
    first, again, other = (NUISANCES[name](planes, at_s, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first.shape == planes.shape
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(first[0], planes[0]) == (name != "rain")
