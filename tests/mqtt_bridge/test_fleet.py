"""A slice of what `make bench` measures with 200 gates: a fleet comes back after its broker, once, with everything."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.broker import mosquitto
from tests.district import RECEIVER, District
from tests.fakes import wait_until
from tests.fleet import Ear, Fleet, busiest, per_second

pytestmark = pytest.mark.slow

GATES = [f"gate-{number}" for number in range(5)]
PAST = 55


def test_a_fleet_comes_back_once_after_its_broker_was_killed(tmp_path: Path) -> None:
    """On the shipped configuration: the facts of the past arrive, and those written while the broker was away."""
    if mosquitto() is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    with (
        District(tmp_path / "broker", [*GATES, RECEIVER]) as district,
        Ear(district) as ear,
        Fleet(district, tmp_path / "gates", GATES, processes=1, past=PAST) as fleet,
    ):
        began_s = time.monotonic()
        fleet.go()
        wait_until(lambda: ear.count == len(GATES) * PAST)
        assert len(fleet.connections(began_s)) == len(GATES)
        fleet.writes(10.0)
        began_s = time.monotonic()
        district.restart(kill=True)
        wait_until(lambda: fleet.all_came(began_s), 30, "the return of all gates")
        written = fleet.writes(0.0)
        assert written > len(GATES) * PAST
        wait_until(lambda: ear.count == written, 30, "the facts of that time")
        assert len(fleet.connections(began_s)) == len(GATES)


def test_moments_are_counted_by_the_second() -> None:
    moments_s = [0.1, 0.9, 1.05, 1.2, 3.0]
    assert per_second(moments_s) == [2, 2, 0, 1]
    assert busiest(moments_s) == 3
    assert (per_second([]), busiest([])) == ([], 0)
