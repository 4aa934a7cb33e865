"""Times as clients write them: a moment with its offset from UTC, and a day at the site.

By itself pydantic takes a bare number for seconds since 1970: `day=5` would be a day of that year. Nobody means that.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import BeforeValidator

from api.problems import ProblemError
from gate.journal import utc

LENGTH_OF_UTC = len("2026-11-21T18:00:00.000Z")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _written(given: object) -> object:
    """Let a text through that begins with a date. Raises `ValueError`."""
    if given is not None and not (isinstance(given, str) and DATE.match(given)):
        raise ValueError("write a date, such as 2026-11-21, and for a moment the time with its offset")
    return given


Moment = Annotated[dt.datetime, BeforeValidator(_written)]
Day = Annotated[dt.date, BeforeValidator(_written)]


def as_kept(moment: dt.datetime | None, name: str) -> str | None:
    """Return a moment as the journal writes it, which compares times as text; None where none was given.

    Raises the problem `invalid_request` where the field `name` has no offset, or a year that nobody can mean.
    """
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ProblemError("invalid_request", f"{name} needs an offset from UTC, such as a closing Z.")
    try:
        return utc(moment.timestamp()).rjust(LENGTH_OF_UTC, "0")
    except (ValueError, OverflowError):
        raise ProblemError("invalid_request", f"{name} is out of range; take a year from 2 to 9998.") from None
