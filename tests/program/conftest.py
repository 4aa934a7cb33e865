"""Whole programs, each in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """All five processes, with the drawn camera and no broker."""
    with Program(tmp_path) as made:
        yield made


@pytest.fixture
def bare_program(tmp_path: Path) -> Iterator[Program]:
    """Gate, keeper and api only: for what the gate process itself must hold."""
    with Program(tmp_path, overrides=("camera.enabled=false", "mqtt.enabled=false")) as made:
        yield made
