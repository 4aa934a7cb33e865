"""Whole programs, each in a folder of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.program.program import Program, StarvedError


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Name the one failure that is the machine's, not the program's; pytest tells such a story again, and says so."""
    try:
        return (yield)
    except Exception as error:
        programs = [given for given in pyfuncitem.funcargs.values() if isinstance(given, Program)]
        if any(program.was_starved() for program in programs):
            raise StarvedError(str(error)) from error
        raise


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
