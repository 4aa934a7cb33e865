"""docs/architecture.md names every module of the camera, says truly which are pure, and names no other."""

from __future__ import annotations

import re

from tests.docs.source import ROOT, modules
from tests.docs.test_architecture import PURE

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = PAGE.partition("## Rooms of camera/")[2].partition("\n## ")[0]
CAMERA = {name.removeprefix("camera.") for name in modules() if name.startswith("camera.")}


def named(rows: list[str]) -> list[str]:
    """Return the modules in the first cells of these rows, in order."""
    return [name for row in rows for name in re.findall(r"`(\w+)\.py`", row.split(" | ")[0])]


def test_every_module_of_the_camera_has_its_line_and_only_one() -> None:
    rows = [row for row in ROOMS.splitlines() if row.startswith("| `")]
    assert sorted(named(rows)) == sorted(CAMERA)


def test_the_pure_ones_are_marked_and_no_other() -> None:
    marked = named([row for row in ROOMS.splitlines() if "` | yes |" in row])
    assert {f"camera.{name}" for name in marked} == {name for name in PURE if name.startswith("camera.")}
