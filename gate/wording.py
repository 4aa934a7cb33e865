"""How values read as one line of text: for terminals, wherever they are. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{6}([0-9a-f]{6})")


def shortened(text: str) -> str:
    """Return text with the ends of its ids alone: a person compares them, and does not type them."""
    return UUID.sub(r"…\1", text)


def printable(line: str) -> str:
    """Return a line that can do nothing to a terminal: what somebody wrote as a reason is only text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def details(data: object) -> str:
    """Return the data of a fact as a person reads it: `from=closed to=opening`, without what is empty."""
    pairs = data.items() if isinstance(data, Mapping) else ()
    return " ".join(f"{name}={_word(value)}" for name, value in pairs if value not in (None, "", [], {}))


def _word(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_word, value))
    return f"({details(value)})" if isinstance(value, Mapping) else str(value)


def duration(seconds: float) -> str:
    """Return a time span in the two units that matter: `42 s`, `12 min`, `1 h 05 min`."""
    whole = max(0, round(seconds))
    if whole < 120:  # noqa: PLR2004 - two minutes are better told in seconds
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"  # noqa: PLR2004 - as above
