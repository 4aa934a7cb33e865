"""The journal, page by page."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import Query
from starlette.responses import JSONResponse

from api.auth import Permission, TheOffice
from api.calls import Call
from api.problems import ProblemError
from api.schemas import FactList
from gate.journal import utc
from gate.model import Kind

LARGEST_PAGE = 500
LENGTH_OF_UTC = len("2026-11-21T18:00:00.000Z")
Cursor = Annotated[int | None, Query(ge=0, le=2**53)]
Moment = Annotated[dt.datetime | None, Query(description="With its offset, e.g. 2026-11-21T18:00:00Z.")]


def _as_written(moment: dt.datetime | None, name: str) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ProblemError("invalid_request", f"{name} needs an offset from UTC, such as a closing Z.")
    try:
        return utc(moment.timestamp()).rjust(LENGTH_OF_UTC, "0")  # the journal compares times as text
    except (ValueError, OverflowError):
        raise ProblemError("invalid_request", f"{name} is out of range; take a year from 2 to 9998.") from None


def _kinds(given: list[str]) -> list[str]:
    kinds = [kind for text in given for kind in text.split(",") if kind]
    unknown = sorted(set(kinds) - set(Kind))
    if unknown:
        raise ProblemError("invalid_request", f"There is no kind {unknown[0][:40]!r}.", known=list(Kind))
    return kinds


async def list_facts(  # noqa: PLR0913, PLR0917 - the filters of one list
    office: TheOffice,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    before: Cursor = None,
    kind: Annotated[list[str], Query(max_length=40)] = [],  # noqa: B006 - FastAPI copies it
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 100,
    newest_first: bool = False,  # noqa: FBT001, FBT002 - a query parameter
) -> JSONResponse:
    """Return facts, oldest first; `after` is the cursor, with `newest_first` it is `before`.

    `kind` may be given several times or as a list with commas.
    """
    kinds, start, end = _kinds(kind), _as_written(since, "since"), _as_written(until, "until")
    facts = await office.records(
        lambda reader: reader.read(
            after=after, before=before, kinds=kinds, since=start, until=end, limit=limit, newest_first=newest_first
        )
    )
    following = facts[-1].seq if len(facts) == limit else None
    return JSONResponse({"items": [fact.plain() for fact in facts], "next": following})


CALLS = (
    Call(method="GET", path="/journal", does=list_facts, needs=Permission.SEE, answers=FactList,
         problems=("invalid_request", "journal_unavailable")),
)  # fmt: skip
