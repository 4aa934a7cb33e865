"""A configuration file to write into, and the smallest one that loads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.load import ConfigError, load

SMALLEST = """\
[site]
id = "gate-1"
name = "Cổng thôn 1"
[gate.timing]
max_travel_s = 30.0
[gate.pins]
open_relay = { line = 17 }
close_relay = { line = 27 }
limit_open = { line = 5 }
limit_closed = { line = 6 }
"""

Refused = Callable[..., list[str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Name a configuration file that holds the smallest one; tests add to it."""
    path = tmp_path / "gate.toml"
    path.write_text(SMALLEST, encoding="utf-8")
    return path


@pytest.fixture
def refused(file: Path) -> Refused:
    """Load the smallest file with some more text and overrides; return the problems, one string each."""

    def problems_of(more: str = "", overrides: tuple[str, ...] = ()) -> list[str]:
        file.write_text(SMALLEST + more, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load(file, overrides)
        return [str(problem) for problem in caught.value.problems]

    return problems_of
