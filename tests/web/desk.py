"""The village's maintainers' desk: its people and their phones, its timetable, how its board was; and their calls.

The timetable is judged and reckoned by the program's own rules; the rest is a script.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import week
from api.history import FOLDS
from config import periods
from config.load import SIMULATE_FILE, load
from gate.journal import utc
from gate.week import timetable_from

Plain = dict[str, Any]
Answers = Callable[[Request], Awaitable[Response]]

ZONE = "Asia/Ho_Chi_Minh"
NIGHT: Plain = {
    "name": "Ban đêm", "days": ["every_day"], "start": "22:00", "end": "05:00", "wants": "closed", "exit_opens": False,
}  # fmt: skip
MARKET: Plain = {"name": "Họp chợ", "days": ["sat", "sun"], "start": "05:00", "end": "09:30", "wants": "open",
                "exit_opens": True}  # fmt: skip
QR = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 2'%3E%3Cpath d='M0 0h1z'/%3E%3C/svg%3E"
)
POINTS = {1: (144, 600), 7: (168, 3600), 30: (180, 14_400)}


def person(name: str, shown: str, *roles: str, disabled: bool = False, phones: int = 1) -> Plain:
    """Return somebody as GET /users tells them."""
    return {
        "name": name, "display_name": shown, "roles": sorted(roles), "disabled": disabled, "has_password": phones > 0,
        "created_at": utc(time.time() - 86_400 * 30), "last_seen_at": utc(time.time() - 3600) if phones else None,
        "sessions": phones,
    }  # fmt: skip


class Desk:
    """What the calls below answer from; `changes` is what was asked for, in order; `refuses` the next one's code."""

    def __init__(self) -> None:
        self.people = [
            person("an", "Trần Văn An", "commander", "maintainer", phones=2),
            person("lan", "Nguyễn Thị Lan", "operator"), person("hoa", "Lê Thị Hoa", "viewer", phones=0),
            person("cu", "Phạm Văn Cừ", "operator", disabled=True, phones=0),
        ]  # fmt: skip
        self.phones = [
            {"id": "s1", "device": "Redmi của Lan", "created_at": utc(time.time() - 9e5), "current": False,
             "last_seen_at": utc(time.time() - 3600), "expires_at": utc(time.time() + 9e5)},
        ]  # fmt: skip
        self.changes: list[tuple[str, str, Plain]] = []
        self.refuses = ""
        self.periods: list[Plain] = [dict(NIGHT), dict(MARKET)]
        self.revision = 4
        self.history_days: list[int] = []
        self.board_is_new = False


def routes(
    desk: Callable[[], Desk], gate: Callable[[], Plain], guarded: Callable[[Answers, str], Answers]
) -> list[Route]:
    """Return the calls. `guarded` lets through who is signed in with a right."""
    calls = Calls(desk, gate)
    users = "/users/{name}"
    listed = [
        ("GET", "/users", calls.people, "users"), ("POST", "/users", calls.add, "users"),
        ("PATCH", users, calls.change, "users"), ("POST", f"{users}/pairing", calls.pair, "users"),
        ("GET", f"{users}/sessions", calls.phones, "users"), ("GET", f"{users}/passkeys", calls.none, "users"),
        ("DELETE", f"{users}/sessions/{{id}}", calls.revoke, "users"),
        ("GET", "/timetable", calls.timetable, "see"), ("PUT", "/timetable", calls.set_timetable, "timetable"),
        ("POST", "/timetable/preview", calls.preview, "see"), ("GET", "/health/history", calls.history, "see"),
    ]  # fmt: skip
    return [Route(path, guarded(does, right), methods=[method]) for method, path, does, right in listed]


def refused(status: int, code: str, **more: object) -> JSONResponse:
    """Return an RFC 9457 answer."""
    body = {"type": "about:blank", "title": code, "status": status, "code": code, "detail": "", "remedy": "", **more}
    return JSONResponse(body, status, media_type="application/problem+json")


class Calls:
    """What the desk answers."""

    def __init__(self, desk: Callable[[], Desk], gate: Callable[[], Plain]) -> None:
        self._desk = desk
        self._gate = gate

    async def people(self, _: Request) -> Response:
        return JSONResponse({"items": self._desk().people})

    async def none(self, _: Request) -> Response:
        return JSONResponse({"items": []})

    async def phones(self, request: Request) -> Response:
        return JSONResponse({"items": self._desk().phones if request.path_params["name"] == "lan" else []})

    async def add(self, request: Request) -> Response:
        body = await self._noted(request)
        if code := self._refusal():
            return refused(409, code)
        made = person(body["name"], body["display_name"], *body["roles"], phones=0)
        self._desk().people.append(made)
        return JSONResponse(made, 201)

    async def change(self, request: Request) -> Response:
        body = await self._noted(request)
        if code := self._refusal():
            return refused(409, code)
        found = next(one for one in self._desk().people if one["name"] == request.path_params["name"])
        found.update({name: value for name, value in body.items() if name != "reason"})
        return JSONResponse(found)

    async def pair(self, request: Request) -> Response:
        await self._noted(request)
        link = "https://cong.example/#pair=GOOD"
        return JSONResponse({"link": link, "code": "GOOD", "qr": QR, "expires_at": utc(time.time() + 900)}, 201)

    async def revoke(self, request: Request) -> Response:
        await self._noted(request)
        self._desk().phones = [one for one in self._desk().phones if one["id"] != request.path_params["id"]]
        return Response(status_code=204)

    async def timetable(self, _: Request) -> Response:
        desk = self._desk()
        return JSONResponse({
            "revision": desk.revision, "timezone": ZONE, "periods": desk.periods, "set_at": utc(time.time() - 7200),
            "set_by": {"type": "person", "id": "an", "name": "Trần Văn An"}, "reason": "Hết hội làng", "misfits": [],
            **self._meaning(desk.periods),
        })  # fmt: skip

    async def set_timetable(self, request: Request) -> Response:
        body, desk = await self._noted(request), self._desk()
        if body["revision"] != desk.revision:
            return refused(409, "stale_timetable", revision=desk.revision)
        if errors := self._errors(body["periods"]):
            return refused(422, "invalid_request", errors=errors)
        desk.periods, desk.revision = body["periods"], desk.revision + 1
        return JSONResponse({"revision": desk.revision, "kept": True})

    async def preview(self, request: Request) -> Response:
        tried = (await request.json()).get("periods", self._desk().periods)
        if errors := self._errors(tried):
            return refused(422, "invalid_request", errors=errors)
        known = timetable_from(ZONE, periods.parse(tried))
        today = dt.datetime.now(known.zone).date()
        days = week.told_days(known, [today + dt.timedelta(days=later) for later in range(7)])
        return JSONResponse({"revision": self._desk().revision, "days": days, **self._meaning(tried)})

    async def history(self, request: Request) -> Response:
        days = int(request.query_params["days"])
        self._desk().history_days.append(days)
        count, step = POINTS[days]
        known = 3 if self._desk().board_is_new else count
        wave = [math.sin(place / 9) for place in range(known)]
        made: dict[str, list[float | None]] = {name: [1.0 for _ in wave] for name in FOLDS}
        made |= {
            "temperature_c": [51 + 6 * each for each in wave], "load": [0.3 + 0.2 * each for each in wave],
            "memory_free_bytes": [4.1e8 + 3e7 * each for each in wave], "waiting": [0.0 for _ in wave],
            "media_free_bytes": [9e9 - 2e7 * place for place in range(known)], "open_s": [14.2 for _ in wave],
            "close_s": [15.1 + each / 5 for each in wave], "cycles": [1204.0 + place // 5 for place in range(known)],
            "camera_ok": [0.0 if 40 < place < 46 else 1.0 for place in range(known)], "broker_ok": [None for _ in wave],
        }  # fmt: skip
        series = {name: [*[None] * (count - known), *column] for name, column in made.items()}
        now = {"temperature_c": 52.4, "load": 0.31, "memory_free_bytes": 4.2e8, "memory_bytes": 1.02e9,
               "media_free_bytes": 8.9e9, "media_bytes": 3.1e10}  # fmt: skip
        since = utc(time.time() - count * step)
        return JSONResponse({"at": utc(time.time()), "since": since, "step_s": step, "now": now, "series": series})

    def _meaning(self, tried: list[Plain]) -> Plain:
        known, now = timetable_from(ZONE, periods.parse(tried)), dt.datetime.now(dt.UTC)
        return {"now": week.told_now(known, now, self._gate()), "next": week.told_next(known, now, self._gate())}

    def _errors(self, tried: object) -> list[Plain]:
        try:
            periods.read(tried, load(SIMULATE_FILE))
        except periods.PeriodsError as error:
            return [
                {"field": "body." + one.key.replace("[", ".").replace("]", ""), "message": one.text}
                for one in error.problems
            ]
        return []

    async def _noted(self, request: Request) -> Plain:
        body: Plain = await request.json() if await request.body() else dict(request.query_params)
        path = request.url.path.removeprefix("/api/v1")
        self._desk().changes.append((request.method, path, body))
        return body

    def _refusal(self) -> str:
        code, self._desk().refuses = self._desk().refuses, ""
        return code
