"""What is wrong with a configuration, and how the rules between keys read tables that may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Tables = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with a configuration: which key, and what is wrong with its value and what to do."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


def at(tables: object, *path: str) -> object:
    """Return what stands at a key, None where there is nothing or no table on the way."""
    found = tables
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def number(value: object) -> float | None:
    """Return a value as a number, None where it is none."""
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:
        return None
