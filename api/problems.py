"""Everything that can be wrong with a request, as RFC 9457 problem documents.

- `TABLE` is the whole list of codes that this process makes itself, with status, title and remedy. Codes are stable;
  the page translates them. Refusals of the gate keep the gate's own code, title and remedy (status 409).
- A problem names what was wrong with the request, never a secret that came with it, and never our insides.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.websockets import WebSocket

from gate.model import Json, JsonObject

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
REFUSED = 409


@dataclass(frozen=True, kw_only=True, slots=True)
class Sort:
    """One kind of problem: its status, what it says and what would clear it."""

    status: int
    title: str
    remedy: str


def _sort(status: int, title: str, remedy: str) -> Sort:
    return Sort(status=status, title=title, remedy=remedy)


TABLE: dict[str, Sort] = {
    "bad_json": _sort(400, "The body is not JSON.", "Send one JSON object."),
    "bad_request": _sort(400, "The request can't be understood.", "Correct the request; docs/api.md lists every call."),
    "idempotency_key_required": _sort(
        400, "A command needs an Idempotency-Key header.", "Send a new UUID for each press of a button."
    ),
    "idempotency_key_invalid": _sort(
        400, "The Idempotency-Key is not usable.", "Send 16 to 128 visible ASCII characters, such as a UUID."
    ),
    "not_signed_in": _sort(401, "You are not signed in.", "Sign in by password or by a pairing link."),
    "wrong_credentials": _sort(401, "Name or password is wrong.", "Try again, or ask a maintainer for a pairing link."),
    "pairing_invalid": _sort(
        401, "This sign-in link was used already, has expired or is not ours.", "Ask a maintainer for a new link."
    ),
    "passkey_invalid": _sort(
        401, "This passkey did not sign you in.", "Try again; else sign in by password or by a pairing link."
    ),
    "not_permitted": _sort(403, "Your account has no right to this.", "Ask a maintainer for the role that it needs."),
    "step_up_required": _sort(
        403, "This needs a proof that it is still you.", "Show password, passkey or a new sign-in link, then again."
    ),
    "proof_failed": _sort(403, "This did not prove that it is you.", "Try again, or take another way."),
    "monitoring_only": _sort(
        403, "These figures are for monitoring.", "Ask from this machine, or send the token of api.metrics_token_file."
    ),
    "foreign_origin": _sort(
        403, "The request comes from another site.", "Use the gate's own page, or a program that sends no Origin."
    ),
    "not_found": _sort(404, "There is nothing at this address.", "docs/api.md lists every call."),
    "no_such_event": _sort(404, "No such event is known.", "Look it up in the list of events."),
    "no_clip": _sort(404, "This event has no clip.", "It was not recorded, has no picture yet, or was deleted."),
    "no_thumbnail": _sort(404, "This event has no picture.", "It was not recorded, or was deleted."),
    "no_such_evidence": _sort(404, "No such package of yours is known.", "Ask for the evidence anew."),
    "evidence_empty": _sort(404, "Nothing happened in this span.", "Choose another span, or events."),
    "no_such_user": _sort(404, "No such person is known.", "Look the name up in the list of users."),
    "no_such_passkey": _sort(404, "No such passkey is known.", "Look it up in the list of passkeys."),
    "passkeys_off": _sort(
        404, "Passkeys can't be used at this address.", "Open the page by the name in api.domain, over HTTPS."
    ),
    "push_off": _sort(404, "This gate sends no notifications.", "A maintainer can turn them on: push.enabled."),
    "push_not_on": _sort(404, "This phone gets no notifications.", "Turn them on for it first."),
    "no_such_session": _sort(404, "No such session of yours is known.", "Look it up in the list of your sessions."),
    "not_simulated": _sort(404, "This gate is real.", "Only a simulated yard takes orders: antt-gate simulate."),
    "unknown_command_id": _sort(404, "No such command is known.", "Look it up in the journal."),
    "method_not_allowed": _sort(405, "This address does not take this method.", "docs/api.md lists every call."),
    "body_too_slow": _sort(408, "The body did not arrive in time.", "Send it again."),
    "nothing_to_hold": _sort(
        409, "Nothing is kept of this event any more.", "Its files were deleted; hold an event while it has them."
    ),
    "user_exists": _sort(409, "A person of this name exists already.", "Choose another name."),
    "stale_timetable": _sort(
        409, "Somebody changed the timetable in the meantime.", "Look at the one in force, then decide again."
    ),
    "last_maintainer": _sort(
        409, "Nobody could look after the accounts any more.", "Make somebody else a maintainer first."
    ),
    "evidence_busy": _sort(409, "Another package is being taken.", "Wait until it is done, then try again."),
    "evidence_over": _sort(
        409, "This package was taken already, or has waited too long.", "Ask for the evidence anew."
    ),
    "evidence_too_large": _sort(409, "This is too much for one package.", "Take it in several shorter spans."),
    "body_too_large": _sort(413, "The body is too large.", "Send at most 64 KiB."),
    "unsupported_media_type": _sort(415, "The body is not declared as JSON.", "Send Content-Type: application/json."),
    "range_not_satisfiable": _sort(416, "The file has no such part.", "Ask for bytes within its length."),
    "idempotency_mismatch": _sort(
        422, "This Idempotency-Key was used for another command.", "Use a new key for each command."
    ),
    "passkey_refused": _sort(
        422, "This passkey can't be kept.", "Begin again; the device must ask for finger, face or PIN each time."
    ),
    "push_address_refused": _sort(
        422, "This browser's push service can't be used.", "Use a browser whose push service is on the internet."
    ),
    "unknown_command": _sort(422, "There is no such command.", "Use one of the known commands."),
    "invalid_request": _sort(422, "The request has a wrong or missing field.", "Correct the fields named in errors."),
    "rate_limited": _sort(429, "Too fast.", "Wait as long as Retry-After says."),
    "headers_too_large": _sort(431, "The headers are too large.", "Send at most 16 KiB of address and headers."),
    "internal_error": _sort(500, "Something went wrong in this program.", "Look into its log; the gate goes on."),
    "gate_down": _sort(503, "The gate process does not answer.", "It is restarted by itself; try again in a moment."),
    "evidence_key_unusable": _sort(
        503, "The gate's key for evidence can't be used.", "A maintainer mends the file that the detail names."
    ),
    "push_key_unusable": _sort(
        503, "The gate's key for notifications can't be used.", "A maintainer mends the file that the detail names."
    ),
    "no_picture": _sort(503, "There is no picture.", "The camera is off or starting; the page shows its state."),
    "picture_stale": _sort(
        503, "There is no fresh picture.", "The camera's picture stands still; the page shows its state."
    ),
    "journal_unavailable": _sort(503, "The journal can't be read.", "Run antt-gate verify on the gate."),
    "storage_failed": _sort(
        503, "The accounts can't be written.", "Free space, or make the state directory writable for the service."
    ),
    "too_many_streams": _sort(503, "Too many phones are connected.", "Close the page on one of them."),
    "too_many_viewers": _sort(
        503, "Too many pages watch the live picture.", "Single pictures can still be had; api.max_viewers is the limit."
    ),
}


class ProblemError(Exception):
    """Ends a request with a problem of `TABLE`. `extra` members stand beside the standard ones."""

    def __init__(self, code: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **extra: Json) -> None:
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(code)

    def body(self) -> JsonObject:
        """Return the problem document."""
        sort = TABLE[self.code]
        return document(self.code, sort.status, sort.title, self.detail or sort.title, sort.remedy, **self.extra)

    def response(self) -> Response:
        """Return the answer that carries it."""
        return problem_response(self.body(), self.headers)


def rate_limited(wait_s: float, detail: str) -> ProblemError:
    """Make the problem of somebody who is too fast; they may come back after `wait_s`."""
    seconds = max(1, int(-(-wait_s // 1)))
    return ProblemError("rate_limited", detail, headers={"Retry-After": str(seconds)}, retry_after_s=seconds)


def document(code: str, status: int, title: str, detail: str, remedy: str, **extra: Json) -> JsonObject:
    """Build a problem document (RFC 9457, 3.1)."""
    return {
        "type": f"urn:antt-gate:problem:{code}", "title": title, "status": status, "detail": detail, "code": code,
        "remedy": remedy, **extra,
    }  # fmt: skip


def refusal_document(problem: JsonObject, command: str, **extra: Json) -> JsonObject:
    """Build the problem document of an order that the gate, or its yard, refused, in its own words."""
    title = str(problem.get("title"))
    code, remedy = str(problem.get("code")), str(problem.get("remedy"))
    return document(code, REFUSED, title, f"{command} was refused: {title}", remedy, **extra)


def problem_response(body: JsonObject, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that carries a problem document."""
    status = body["status"]
    content = json.dumps(body, ensure_ascii=False).encode()
    return Response(content, status_code=status if isinstance(status, int) else 500, media_type=MEDIA_TYPE,
                    headers=dict(headers or {}))  # fmt: skip


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(ProblemError, _of_ours)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(Exception, _of_a_bug)


async def _of_ours(_: Request | WebSocket, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise TypeError("registered for ProblemError only") from error
    return error.response()


CODE_OF_STATUS = {400: "bad_json", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


async def _of_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError("registered for HTTPException only") from error
    allowed = _methods_at(request) if error.status_code in CODE_OF_STATUS else ()
    if allowed and request.method not in allowed:
        return ProblemError("method_not_allowed", headers={"Allow": ", ".join(allowed)}).response()
    code = CODE_OF_STATUS.get(error.status_code, "bad_request")
    return ProblemError(code, headers=error.headers).response()


def _methods_at(request: Request) -> tuple[str, ...]:
    """Return what the calls at this address take. The page's files lie beneath them and would answer for them."""
    here = [
        route
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    named = [route for route in here if route.path == request.url.path]  # before those with a part that may be anything
    return tuple(sorted({method for route in named or here for method in route.methods or ()}))


async def _of_validation(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise TypeError("registered for RequestValidationError only") from error
    details = error.errors()
    if any(detail["type"] == "json_invalid" for detail in details):
        return ProblemError("bad_json").response()
    for detail in details:
        if detail["type"] == "unknown_command":
            given, known = detail["ctx"]["given"], str(detail["ctx"]["known"]).split()
            text = f"There is no command {given}. Known: {', '.join(known)}."
            return ProblemError("unknown_command", text, errors=_fields(details), known=list(known)).response()
    fields = _fields(details)
    return ProblemError("invalid_request", _in_words(fields), errors=fields).response()


def _fields(details: Sequence[Mapping[str, object]]) -> list[Json]:
    """Name what is wrong without repeating the value: it could be a password."""
    fields: list[Json] = []
    for detail in details:
        where = detail.get("loc")
        path = ".".join(map(str, where)) if isinstance(where, tuple | list) else ""
        fields.append({"field": path, "message": str(detail.get("msg")).removeprefix("Value error, ")})
    return fields


def _in_words(fields: Sequence[Json]) -> str:
    return "; ".join(f"{field['field']}: {field['message']}" for field in fields if isinstance(field, dict))


async def _of_a_bug(_: Request, error: Exception) -> Response:
    log.error("a request failed: %s", type(error).__name__, exc_info=error)
    return ProblemError("internal_error").response()
