"""Holds: keeping chosen events from retention, and letting them go."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator
from starlette.responses import JSONResponse

from api import holds
from api.auth import Permission, SignedIn, TheOffice, by
from api.calls import Call
from api.event_schemas import EventBody, HoldRequest
from api.problems import ProblemError, rate_limited
from api.routes.events import plain_event
from api.schemas import AS_SEEN, seen


async def hold_event(event_id: uuid.UUID, body: HoldRequest, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Keep an event's clip and picture until somebody lets them go.

    Neither its age nor a full disk deletes them, and a clip that it shares with other events stays for all. Answered
    once the hold is journalled.
    """
    wait_s = office.refusals.wait_s(session.id, office.clock.mono_s())
    if wait_s > 0:
        raise rate_limited(wait_s, "Too many holds from this phone.")
    event = await plain_event(office, event_id)
    if event["clip_state"] == "deleted" and event["thumbnail"] is None:
        raise ProblemError("nothing_to_hold")
    await holds.hold(office, str(event_id), body.reason, by(session))
    return JSONResponse(await plain_event(office, event_id))


async def release_event(
    event_id: uuid.UUID,
    session: SignedIn,
    office: TheOffice,
    reason: Annotated[str, Query(max_length=200, json_schema_extra=AS_SEEN), AfterValidator(seen)] = "",
) -> JSONResponse:
    """Let an event go: its files are deleted in their turn.

    Ends every hold of it, whoever made it. An event that nobody holds is answered as it is.
    """
    await plain_event(office, event_id)
    await holds.release(office, str(event_id), reason, by(session))
    return JSONResponse(await plain_event(office, event_id))


_PROBLEMS = ("invalid_request", "no_such_event", "journal_unavailable", "gate_down")

CALLS = (
    Call(method="PUT", path="/events/{event_id}/hold", does=hold_event, needs=Permission.EVIDENCE, answers=EventBody,
         problems=("nothing_to_hold", "rate_limited", *_PROBLEMS)),
    Call(method="DELETE", path="/events/{event_id}/hold", does=release_event, needs=Permission.EVIDENCE,
         answers=EventBody, fresh=True, problems=_PROBLEMS),
)  # fmt: skip
