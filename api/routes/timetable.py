"""The timetable: which one is in force, another one instead of it, and what one would mean.

The gate process keeps it (gate/timetables.py). What it means is reckoned in this process, in a thread: a timetable may
be long, and somebody else waits for a stop.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Sequence

from starlette.responses import JSONResponse

from api import week
from api.auth import Permission, SignedIn, TheOffice, by
from api.calls import Call
from api.office import Office, ask_gate
from api.people import Session
from api.problems import ProblemError, rate_limited
from api.timetable_schemas import PreviewBody, PreviewRequest, TimetableChanged, TimetableInForce, TimetableRequest
from config import periods
from config.timetable import Period
from gate.client import RequestRefusedError
from gate.model import Json, JsonObject
from gate.schedule import Timetable
from gate.week import timetable_from

INDEX = re.compile(r"\[([0-9]+)\]")


async def show_timetable(office: TheOffice) -> JSONResponse:
    """Return the timetable in force, what it wants now and when it moves the gate next."""
    told, snapshot = await ask_gate(office, "timetable"), await ask_gate(office, "status")
    return JSONResponse(await asyncio.to_thread(_told, office, told, snapshot))


async def set_timetable(body: TimetableRequest, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Put another timetable in force from now on, whole. That moves nothing; the next boundary does.

    Somebody else's change since `revision` is never overwritten: look at it, then decide again.
    """
    _limit_pace(office, session)
    read = await _read(office, body.periods)
    snapshot = await ask_gate(office, "status")  # first: once it is changed, nothing may say that it was not
    try:
        told = await ask_gate(
            office, "set_timetable", by=by(session), reason=body.reason, revision=body.revision,
            periods=[periods.written(period) for period in read],
        )  # fmt: skip
    except RequestRefusedError as error:
        raise _refused(error) from None
    return JSONResponse({**await asyncio.to_thread(_told, office, told, snapshot), "kept": told["kept"]})


async def preview_timetable(body: PreviewRequest, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Tell what a timetable wants through a week or some days, and what the gate would do next. Changes nothing."""
    _limit_pace(office, session)
    told, snapshot = await ask_gate(office, "timetable"), await ask_gate(office, "status")
    tried = None if body.periods is None else await _read(office, body.periods)

    def reckoned() -> JsonObject:
        utc = _utc(office)
        known = _in_force(told) if tried is None else timetable_from(office.settings.site.timezone, tried)
        return {
            "timezone": told["timezone"], "revision": told["revision"],
            "days": week.told_days(known, body.days(utc.astimezone(known.zone).date())),
            "now": week.told_now(known, utc, snapshot), "next": week.told_next(known, utc, snapshot),
        }  # fmt: skip

    return JSONResponse(await asyncio.to_thread(reckoned))


def _told(office: Office, told: JsonObject, snapshot: JsonObject) -> JsonObject:
    """Return the timetable in force as the gate told it, and what it means."""
    known, utc = _in_force(told), _utc(office)
    names = ("revision", "timezone", "periods", "set_at", "set_by", "reason", "misfits")
    return {
        **{name: told[name] for name in names},
        "now": week.told_now(known, utc, snapshot), "next": week.told_next(known, utc, snapshot),
    }  # fmt: skip


async def _read(office: Office, given: object) -> tuple[Period, ...]:
    """Return what was sent as periods. Raises `invalid_request` that names every field that is wrong."""
    try:
        return await asyncio.to_thread(periods.read, given, office.settings)
    except periods.PeriodsError as error:
        raise _invalid([(problem.key, problem.text) for problem in error.problems]) from None


def _refused(error: RequestRefusedError) -> ProblemError:
    """Return the gate's no as a problem of ours."""
    said = error.problem
    if said.get("code") == "stale_timetable":
        return ProblemError("stale_timetable", str(said.get("title")), revision=said.get("revision"))
    errors = said.get("errors")
    found = errors if isinstance(errors, list) else []
    told = [(str(one["field"]), str(one["message"])) for one in found if isinstance(one, dict)]
    return _invalid(told or [("periods", str(said.get("title")))])


def _invalid(found: Sequence[tuple[str, str]]) -> ProblemError:
    """Name the fields as every other problem does: `body.periods.0.start`."""
    errors: list[Json] = [{"field": "body." + INDEX.sub(r".\1", field), "message": text} for field, text in found]
    detail = "; ".join(f"{field}: {text}" for field, text in found)
    return ProblemError("invalid_request", detail, errors=errors)


def _limit_pace(office: Office, session: Session) -> None:
    wait_s = office.reckonings.wait_s(session.id, office.clock.mono_ns() / 1e9)
    if wait_s > 0:
        raise rate_limited(wait_s, "Too many timetables from this phone.")


def _in_force(told: JsonObject) -> Timetable:
    """Return what the gate goes by: nothing of a timetable that does not fit it any more."""
    return timetable_from(str(told["timezone"]), periods.parse(told["periods"]), rests=bool(told["misfits"]))


def _utc(office: Office) -> dt.datetime:
    return dt.datetime.fromtimestamp(office.clock.wall_s(), dt.UTC)


_PREVIEW = ("rate_limited", "gate_down")

CALLS = (
    Call(method="GET", path="/timetable", does=show_timetable, needs=Permission.SEE, answers=TimetableInForce,
         problems=("gate_down",)),
    Call(method="PUT", path="/timetable", does=set_timetable, needs=Permission.TIMETABLE, answers=TimetableChanged,
         problems=("stale_timetable", *_PREVIEW)),
    Call(method="POST", path="/timetable/preview", does=preview_timetable, needs=Permission.SEE, answers=PreviewBody,
         problems=_PREVIEW),
)  # fmt: skip
