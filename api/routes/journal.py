"""The journal, page by page."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import JSONResponse

from api.auth import Permission, TheOffice
from api.calls import Call
from api.moments import Moment, as_kept
from api.problems import ProblemError
from api.schemas import FactList
from gate.model import Kind

LARGEST_PAGE = 500
Cursor = Annotated[int | None, Query(ge=0, le=2**53)]


def _kinds(given: list[str]) -> list[str]:
    kinds = [kind for text in given for kind in text.split(",")]
    unknown = sorted(set(kinds) - set(Kind))
    if unknown:
        raise ProblemError("invalid_request", f"There is no kind {unknown[0][:40]!r}.", known=list(Kind))
    return kinds


async def list_facts(  # noqa: PLR0913, PLR0917 - the filters of one list
    office: TheOffice,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    before: Cursor = None,
    kind: Annotated[list[str], Query(max_length=40)] = [],  # noqa: B006 - FastAPI copies it
    since: Moment | None = None,
    until: Moment | None = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 100,
    newest_first: bool = False,  # noqa: FBT001, FBT002 - a query parameter
) -> JSONResponse:
    """Return facts, oldest first; `after` is the cursor, with `newest_first` it is `before`.

    `kind` may be given several times or as a list with commas.
    """
    kinds, start, end = _kinds(kind), as_kept(since, "since"), as_kept(until, "until")
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
