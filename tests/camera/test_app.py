"""The wiring: what the gate says of itself, what a configuration gives, what is kept over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from camera.build import build_eyes, parts_of_the_gate
from camera.memories import FOLDER, Memories
from camera.motion import NOTHING_OF_OURS, OwnFacts
from camera.published import Published, read_published
from config.load import SIMULATE_FILE, load
from gate.model import JsonObject


@pytest.mark.parametrize(
    ("state", "own"),
    [
        ({"state": "closed", "outputs": {"lamp": False, "light": False}}, NOTHING_OF_OURS),
        ({"state": "opening", "outputs": {}}, OwnFacts(moves=True)),
        ({"state": "closing"}, OwnFacts(moves=True)),
        ({"state": "closed", "outputs": {"lamp": True, "light": True}}, OwnFacts(lamp=True, light=True)),
        ({}, NOTHING_OF_OURS),
    ],
)
def test_the_gates_own_doings_are_read_from_its_state(state: JsonObject, own: OwnFacts) -> None:
    """Its leaf, its lamp and its light are no visitors."""
    assert read_published(state).own == own


def test_a_clock_is_believed_unless_the_gate_says_otherwise() -> None:
    told: JsonObject = {"state": "closed", "evidence": "limit", "clock_trusted": False}
    assert read_published(told) == Published(state="closed", evidence="limit", clock_trusted=False)
    assert read_published({}).clock_trusted


def test_the_scene_knows_where_its_leaf_is() -> None:
    """Leaf, beacon and gateway, unless the configuration says otherwise."""
    own, leaf, gateway = parts_of_the_gate(load(SIMULATE_FILE))
    assert (len(own), len(leaf), len(gateway)) == (2, 5, 4)
    own, _, _ = parts_of_the_gate(load(SIMULATE_FILE, ["camera.gate_parts=[[0.1, 0.1, 0.2, 0.2]]"]))
    assert own == ((0.1, 0.1, 0.2, 0.2),)


def test_a_camera_without_a_gateway_compares_none(tmp_path: Path) -> None:
    settings = load(SIMULATE_FILE, ["camera.source=video", "camera.url=film.mp4"])
    assert build_eyes(settings, Memories(tmp_path)).gateway is None


def test_what_was_learned_is_found_again(tmp_path: Path) -> None:
    Memories(tmp_path).write("view", {"light": 1})
    assert Memories(tmp_path).build("view", lambda kept: kept) == {"light": 1}
    assert Memories(tmp_path).build("gateway", lambda kept: kept) is None


@pytest.mark.parametrize("damaged", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 5000, b'{"light": 7}'])
def test_what_is_damaged_is_put_aside_and_learned_anew(tmp_path: Path, damaged: bytes) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "view.json").write_bytes(damaged)

    def make(kept: JsonObject | None) -> str:
        if kept is not None:
            raise ValueError("this is no light")
        return "learns anew"

    assert Memories(tmp_path).build("view", make) == "learns anew"
    assert (folder / "view.damaged").read_bytes() == damaged
    assert not (folder / "view.json").exists()


def test_a_disk_that_refuses_costs_a_learning_time_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memories = Memories(tmp_path)
    (tmp_path / FOLDER).write_bytes(b"a file where the folder should be")
    for light in range(3):
        memories.write("view", {"light": light})
    assert caplog.text.count("can't be kept") == 1
    (tmp_path / FOLDER).unlink()
    memories.write("view", {"light": 3})
    assert Memories(tmp_path).build("view", lambda kept: kept) == {"light": 3}
