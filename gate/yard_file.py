"""`yard.json`: what a simulated yard remembers from one start to the next.

A file that is missing, half-written or nonsense in parts gives what of it can be believed; it never stops a start.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gate.yard_orders import KNOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Where the leaf is (0-1; None: not known), the conditions by subject, what the stuck sensors show."""

    leaf: float | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    stuck: Mapping[str, bool] = field(default_factory=dict)


def read_kept(path: Path) -> Kept:
    """Return what the file says that makes sense."""
    found: object = None
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
        return Kept()
    return Kept(
        leaf=_part(found.get("leaf")),
        conditions={subject: condition for subject, condition in _table(found, "conditions").items()
                    if isinstance(condition, str) and (subject, condition) in KNOWN},
        stuck={name: active for name, active in _table(found, "stuck").items() if isinstance(active, bool)},
    )  # fmt: skip


def write_kept(path: Path, kept: Kept) -> None:
    """Write it whole, or leave the file as it was: a disk that refuses is no reason to stop a gate."""
    text = json.dumps({"leaf": kept.leaf, "conditions": dict(kept.conditions), "stuck": dict(kept.stuck)})
    with suppress(OSError):
        draft = path.with_suffix(".new")
        draft.write_text(text, encoding="ascii")
        os.replace(draft, path)  # noqa: PTH105 - the atomic call by its own name


def _table(found: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = found.get(name)
    return table if isinstance(table, dict) else {}


def _part(value: object) -> float | None:
    """Return it if it is a number from 0 to 1, which NaN is not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None
