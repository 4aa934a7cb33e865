"""Slices of the campaigns of `make campaign` (tests/outages.py, tests/cuts.py), and the present beside the past."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from gate.model import Kind
from tests import cuts, outages
from tests.broker import Broker, Receiver
from tests.fakes import FakeGate, wait_until
from tests.mqtt_bridge.cable import Cable
from tests.mqtt_bridge.conftest import QUICK, Running, settings_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("broker")]
THIN_BYTES_PER_S = 100_000.0


def test_every_fact_arrives_in_order_through_killed_bridges_and_brokers(tmp_path: Path) -> None:
    """Issue 6: 100 % delivered, 0 duplicates after de-duplication, order kept."""
    found = outages.run(tmp_path, facts=800, bridge_kills=2, broker_kills=1, seed=6)
    assert any(0 < moment < 800 for moment in found.moments), "a kill while draining, or it would prove nothing"


def test_a_broker_that_dies_with_what_it_acknowledged_loses_nothing(tmp_path: Path) -> None:
    """docs/topics.md, "When does a row count": at PUBACK, and the last messages are sent once more."""
    outages.run(tmp_path, facts=1500, bridge_kills=0, broker_kills=2, seed=5, confirms=False)


def test_a_bridge_that_dies_beside_its_broker_loses_nothing(tmp_path: Path) -> None:
    """docs/topics.md, "When does a row count": the mark stays behind what was acknowledged a moment ago."""
    outages.run(tmp_path, facts=1500, bridge_kills=2, broker_kills=2, seed=60003, confirms=False)


def test_a_link_that_is_cut_again_and_again_never_makes_a_lasting_false_lost(tmp_path: Path) -> None:
    """Issue 6: never a lasting false `lost`; and no fact is lost either."""
    assert cuts.run(tmp_path, reconnects=6, seed=2).reconnects >= 6


def test_history_on_a_thin_line_does_not_hold_up_the_present(
    gate: FakeGate, broker: Broker, receiver: Receiver
) -> None:
    """Issue 6, 2: live status first, history after, so that a returning gate does not starve the present."""
    for n in range(800):
        gate.write(Kind.CLOCK_CHANGED, {"n": n, "text": "x" * 200})
    with (
        closing(Cable(broker.port, bytes_per_s=THIN_BYTES_PER_S)) as thin,
        Running(settings_of(gate.journal_path.parent, thin.port), QUICK) as bridge,
    ):
        bridge.waits_for(connected=True)
        late_s = []
        for n in range(4):
            time.sleep(0.4)
            began_s = time.monotonic()
            gate.say_state(evidence_age_ms=n)
            wait_until(lambda n=n: receiver.statuses[-1].get("evidence_age_ms") == n)  # type: ignore[misc] # bound now
            late_s.append(time.monotonic() - began_s)
        assert receiver.rows < 800, "the line was busy all the time"
        assert max(late_s) < 1.0, late_s
