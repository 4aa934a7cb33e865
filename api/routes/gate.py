"""The gate: its state, commands and what happens as it happens."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header, Query, Request
from starlette.responses import JSONResponse, Response

from api.auth import COMMAND_PERMISSION, FRESH_COMMANDS, Permission, SignedIn, TheOffice, by, permissions_of
from api.calls import Call
from api.event_stream import EventStream
from api.gate_schemas import AcceptedBody, CommandStatusBody, GateBody
from api.office import Office, ask_gate
from api.orders import Order
from api.people import Session
from api.problems import ProblemError, problem_response, rate_limited
from api.proof import require_fresh
from api.schemas import CommandRequest
from gate.client import RequestRefusedError, new_id
from gate.model import Command, JsonObject, Kind

KEY = re.compile(r"[\x21-\x7e]{16,128}")
EVENT_ID = re.compile(r"[0-9]{1,15}")


async def show_gate(office: TheOffice) -> JSONResponse:
    """Return the gate as its sensors prove it at this moment."""
    return JSONResponse(await ask_gate(office, "status"))


async def order_gate(
    body: CommandRequest,
    request: Request,
    session: SignedIn,
    office: TheOffice,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    """Give the gate a command.

    The answer says whether the gate took it, never that the gate moved. The same key with the same body gets the same
    answer and no second move. A stop is taken from everybody who is signed in. A lockdown, an emergency opening and
    what ends them need a credential that was seen a moment ago.
    """
    key = _checked_key(idempotency_key)
    command = Command(body.command)
    await _refuse_without_right(office, session, command, body.reason)
    if command in FRESH_COMMANDS and not office.orders.remembers(session.person.name, key):
        require_fresh(request, session)
    order = Order(
        person=session.person.name, session_id=session.id, key=key, command=command, by=by(session),
        reason=body.reason, sequence=body.sequence, sighted=body.sighted, minutes=body.minutes,
        seen=not office.live.camera_is_doubted and office.sight.has_seen(session.id, office.clock.mono_ms()),
    )  # fmt: skip
    answer = await office.orders.place(order)
    if answer.ours and not answer.replayed:
        data: JsonObject = {"command_id": answer.body["command_id"], "command": command.value, "reason": body.reason,
                            "code": answer.body["code"]}  # fmt: skip
        await office.reporter.tell(Kind.COMMAND_REFUSED, data, by(session))
    headers = {"Idempotency-Replayed": "true"} if answer.replayed else {}
    if "accepted" in answer.body:
        return JSONResponse(answer.body, status_code=answer.status, headers=headers)
    return problem_response(answer.body, headers)


def _checked_key(key: str | None) -> str:
    if key is None:
        raise ProblemError("idempotency_key_required")
    if not KEY.fullmatch(key):
        raise ProblemError("idempotency_key_invalid")
    return key


async def _refuse_without_right(office: Office, session: Session, command: Command, reason: str) -> None:
    if COMMAND_PERMISSION[command] in permissions_of(session.person.roles):
        return
    wait_s = office.refusals.wait_s(session.id, office.clock.mono_ns() / 1e9)
    if wait_s > 0:
        raise rate_limited(wait_s, "Too many commands from this phone.")
    data: JsonObject = {"command_id": new_id(), "command": command.value, "reason": reason, "code": "not_permitted"}
    await office.reporter.tell(Kind.COMMAND_REFUSED, data, by(session))
    raise ProblemError("not_permitted", f"Your roles do not include the right to {command.value}.")


async def show_command(command_id: str, office: TheOffice) -> JSONResponse:
    """Tell how far a command got, with CLOCK_MONOTONIC milliseconds of each step."""
    try:
        return JSONResponse(await ask_gate(office, "command_status", command_id=command_id[:64]))
    except RequestRefusedError:
        raise ProblemError("unknown_command_id") from None


async def follow_gate(
    session: SignedIn,
    office: TheOffice,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
    last_event_id_in_query: Annotated[str | None, Query(alias="last_event_id", max_length=40)] = None,
) -> Response:
    """Follow the gate as server-sent events: `state`, `fact`, `beat` each ten seconds, `bye` before the end.

    `Last-Event-ID` is the `seq` of the newest fact the client has; it gets every later one, each once, in order.
    """
    for given in filter(None, (last_event_id, last_event_id_in_query)):
        if not EVENT_ID.fullmatch(given):
            raise ProblemError("invalid_request", "Last-Event-ID is the seq of a fact: digits only.")
    after = last_event_id or last_event_id_in_query
    return EventStream(office.live, office.streams, session.id, int(after) if after else None)


_PROBLEMS = (
    "idempotency_key_required", "idempotency_key_invalid", "idempotency_mismatch", "unknown_command", "rate_limited",
    "gate_down", "journal_unavailable",
)  # fmt: skip

CALLS = (
    Call(method="GET", path="/gate", does=show_gate, needs=Permission.SEE, answers=GateBody, problems=("gate_down",)),
    Call(method="POST", path="/gate/commands", does=order_gate, needs=Permission.STOP, answers=AcceptedBody,
         status=202, problems=_PROBLEMS, refuses=True),
    Call(method="GET", path="/gate/commands/{command_id}", does=show_command, needs=Permission.SEE,
         answers=CommandStatusBody, problems=("unknown_command_id", "gate_down")),
    Call(method="GET", path="/gate/events", does=follow_gate, needs=Permission.SEE, media="text/event-stream",
         problems=("invalid_request", "too_many_streams")),
)  # fmt: skip
