"""The wiring: what the gate says of itself, and which detector a configuration gives."""

from __future__ import annotations

import pytest

from camera.app import build_detector, build_source, read_own
from camera.pipeline import OwnLight
from camera.scene import SceneSource
from camera.video import VideoSource
from config.load import SIMULATE_FILE, load
from gate.model import JsonObject


@pytest.mark.parametrize(
    ("state", "own"),
    [
        ({"state": "closed", "outputs": {"lamp": False, "light": False}}, OwnLight()),
        ({"state": "opening", "outputs": {}}, OwnLight(gate_moves=True)),
        ({"state": "closing"}, OwnLight(gate_moves=True)),
        ({"state": "closed", "outputs": {"lamp": True, "light": True}}, OwnLight(gate_moves=True, light=True)),
        ({}, OwnLight()),
    ],
)
def test_the_gates_own_doings_are_read_from_its_state(state: JsonObject, own: OwnLight) -> None:
    """Its leaf, its lamp and its light are no visitors."""
    assert read_own(state) == own


def test_the_source_is_the_configured_one() -> None:
    """And only the scene listens to the yard."""
    scene, pushed = build_source(load(SIMULATE_FILE))
    assert isinstance(scene, SceneSource)
    assert pushed is not None
    video, none = build_source(load(SIMULATE_FILE, ["camera.source=video", "camera.url=film.mp4"]))
    assert isinstance(video, VideoSource)
    assert none is None


def test_the_scene_knows_where_its_leaf_is() -> None:
    """Leaf and beacon, unless the configuration says otherwise."""
    assert len(build_detector(load(SIMULATE_FILE))._own) == 2
    given = build_detector(load(SIMULATE_FILE, ["camera.gate_parts=[[0.1, 0.1, 0.2, 0.2]]"]))
    assert given._own == ((0.1, 0.1, 0.2, 0.2),)
