"""The wiring: what the gate says of itself, what a configuration gives, what is kept over a restart."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from camera.build import build_eyes, parts_of_the_gate
from camera.gateway import Gateway
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


def a_pipe(path: Path) -> None:
    """Put something there from which reading never returns."""
    os.mkfifo(path)


def something_huge(path: Path) -> None:
    """Put a sparse file there that fills the memory of a small board."""
    with path.open("wb") as file:
        file.truncate(10**12)


@pytest.mark.parametrize("put", [a_pipe, something_huge, Path.mkdir])
def test_what_is_no_small_file_is_not_even_read(tmp_path: Path, put: Callable[[Path], None]) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    put(folder / "view.json")
    assert Memories(tmp_path).build("view", lambda kept: "anew" if kept is None else "read") == "anew"


@pytest.mark.parametrize("number", [10**400, float("nan"), float("inf"), -1e300, None, "7"])
@pytest.mark.parametrize("key", ["white", "usual", "scale"])
def test_a_figure_that_is_no_ordinary_number_is_damage(tmp_path: Path, key: str, number: float | str | None) -> None:
    """JSON knows NaN and numbers of any length; a process that falls over them would start for ever."""
    picture: JsonObject = {"shape": [2, 2, 2], "scale": 1.0, "data": base64.b64encode(bytes(8)).decode()}
    light: JsonObject = {"edges": picture, "white": 0.0, "usual": 1.0, "looks": 20}
    (picture if key == "scale" else light)[key] = number
    memories = Memories(tmp_path)
    memories.write("gateway", {"closed": [light], "open": []})
    built = memories.build("gateway", lambda kept: Gateway(((0.2, 0.2), (0.8, 0.2), (0.5, 0.8)), kept))
    assert built.plain() == {"closed": [], "open": []}
    assert (tmp_path / FOLDER / "gateway.damaged").exists()


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
