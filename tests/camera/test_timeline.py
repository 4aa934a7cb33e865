"""Stamps that lie or are missing, put on one clock that never goes back."""

from __future__ import annotations

import itertools

import pytest

from camera.timeline import Cadence, Timeline


def test_a_file_runs_from_its_start_by_its_own_stamps() -> None:
    """Stamps of a file are believed relative to the first, whatever it was."""
    clock = Timeline(100.0, 0.1, live=False)
    assert [clock.decoded(stamp, 0.0) for stamp in (7.0, 7.1, 7.4)] == pytest.approx([100.0, 100.1, 100.4])


def test_missing_stamps_count_on_at_the_frame_rate() -> None:
    """A raw stream has none at all."""
    clock = Timeline(100.0, 0.1, live=False)
    assert [clock.decoded(None, 0.0) for _ in range(3)] == pytest.approx([100.0, 100.1, 100.2])


@pytest.mark.parametrize("wrong", [-500.0, 1e6])
def test_a_leap_is_taken_out_and_the_stamps_after_it_count_from_there(wrong: float) -> None:
    """Cameras that set their clock, files that were cut together."""
    clock = Timeline(100.0, 0.1, live=False)
    clock.decoded(7.0, 0.0)
    assert clock.decoded(wrong, 0.0) == pytest.approx(100.1)
    assert clock.decoded(wrong + 0.1, 0.0) == pytest.approx(100.2)


def test_time_never_goes_back_nor_stands() -> None:
    """Decoding order is strictly growing, or no clip could be written."""
    clock = Timeline(0.0, 0.1, live=False)
    times = [clock.decoded(stamp, 0.0) for stamp in (1.0, 1.0, 0.9, 1.0)]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))


def test_what_a_server_sends_in_a_burst_at_first_is_not_from_the_future() -> None:
    """Two seconds of stored pictures in one go: afterwards pictures are stamped when they come, not two seconds on."""
    clock = Timeline(0.0, 0.1, live=True)
    burst = [clock.decoded(number / 10, 50.0 + number / 1000) for number in range(20)]
    assert max(burst) <= 50.02
    assert clock.decoded(2.0, 50.12) == pytest.approx(50.12, abs=0.01)
    assert clock.decoded(2.1, 50.25) == pytest.approx(50.22, abs=0.01)


def test_a_live_stream_that_drifts_is_anchored_to_its_arrival() -> None:
    """A camera whose clock runs twice as fast is not two hours ahead by night."""
    clock = Timeline(0.0, 0.1, live=True)
    for second in range(100):
        at_s = clock.decoded(second * 2.0, float(second))
        assert abs(at_s - second) <= 2.1


def test_b_pictures_are_shown_after_they_are_decoded() -> None:
    """What the stream says of its order is kept, within reason."""
    clock = Timeline(0.0, 0.1, live=False)
    assert clock.shown(5.0, 1.0, 1.2) == pytest.approx(5.2)
    assert clock.shown(5.0, 1.0, 900.0) == pytest.approx(7.0)
    assert clock.shown(5.0, None, 1.2) == 5.0


@pytest.mark.parametrize(
    ("fps", "wanted", "least", "most"), [(30, 5, 49, 51), (12.5, 5, 49, 51), (120, 5, 49, 51), (1, 5, 10, 10)]
)
def test_a_cadence_chooses_about_as_many_as_it_should(fps: float, wanted: float, least: int, most: int) -> None:
    """Five a second of thirty, of twelve and a half; all where there is only one."""
    cadence = Cadence(wanted)
    chosen = sum(cadence.wants(n / fps) for n in range(round(10 * fps)))
    assert least <= chosen <= most
