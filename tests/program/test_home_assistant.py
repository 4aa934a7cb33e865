"""The whole program beside a Home Assistant: what a person sees there, and what becomes of a press."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.broker import Broker, mosquitto
from tests.fakes import wait_until
from tests.mqtt_bridge.ha import HomeAssistant
from tests.program.program import Program

pytestmark = pytest.mark.slow

OVERRIDES = ("mqtt.home_assistant.allow_commands=true", "mqtt.snapshot=true", "mqtt.snapshot_every_s=5")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Start a broker without persistence."""
    if mosquitto() is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    with Broker(tmp_path / "broker") as running:
        yield running


def test_a_press_in_home_assistant_moves_the_leaf_and_the_cover_tells_where_it_is(
    tmp_path: Path, broker: Broker
) -> None:
    """Issue 6: the cover follows opening and stopped truthfully; a picture of now comes with it."""
    overrides = (f"mqtt.port={broker.port}", *OVERRIDES)
    with HomeAssistant(broker) as home, Program(tmp_path / "gate", overrides=overrides) as program:
        wait_until(lambda: home.states.get("cover") == "closed", 20, f"{home.states} {home.complaints}")
        assert home.history["cover"] in (["closed"], ["unknown", "closed"]), "unknown until the sensors spoke"
        home.history["cover"].clear()
        home.presses("open")
        wait_until(lambda: home.states["cover"] == "opening" and home.states["limit_closed"] == "off", 10)
        wait_until(lambda: 0.1 < float(str(program.yard("show")["leaf"])) < 0.9, 20, "the leaf half-way")
        home.presses("stop")
        wait_until(lambda: home.states["state"] == "stopped", 10, f"{home.states} {home.complaints}")
        assert home.states["cover"] == "open"
        assert home.history["cover"] == ["opening", "open"]
        assert [fact.by["id"] for fact in program.facts("command_accepted")] == ["home-assistant"] * 2
        wait_until(lambda: bool(home.images), 15, "no picture came")
        assert len(home.images[-1]) <= 100_000
        assert cv2.imdecode(np.frombuffer(home.images[-1], np.uint8), cv2.IMREAD_COLOR) is not None
        assert home.complaints == []
    wait_until(lambda: set(home.states.values()) == {"unavailable"})
