"""The village's diary: its journal, its events with their clips, stars, holds and packages; and their calls."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from api.sieve import size_of
from gate.journal import utc

if TYPE_CHECKING:
    from tests.web.village import Village

Plain = dict[str, Any]
Answers = Callable[[Request], Awaitable[Response]]

AN: Plain = {"type": "person", "id": "an", "name": "Trần Văn An", "device": "Điện thoại của An"}
ZONE = dt.timezone(dt.timedelta(hours=7))
STEP_S = 600
LANES = {"motion_started": "motion", "drive_energised": "moves", "alarm_raised": "alarms", "obstructed": "alarms"}
PACKAGE: Plain = {
    "evidence_id": "e1", "person": "an", "reason": "Công văn 12", "place": "Cổng thôn 3", "since": None,
    "until": None, "events": 1, "clips": 1, "status": "asked", "url": "/api/v1/evidence/e1.zip",
    "manifest_sha256": None, "files": None, "bytes": None, "missing": None, "altered": None,
}  # fmt: skip


def moment(at: str) -> dt.datetime:
    return dt.datetime.fromisoformat(at)


def day_begins(day: str) -> dt.datetime:
    """Return the first moment of a day at the site."""
    return dt.datetime.fromisoformat(day).replace(tzinfo=ZONE)


class Book:
    """What the calls of the diary answer from."""

    def __init__(self, village: Village) -> None:
        self._village = village
        self.reset()

    def reset(self) -> None:
        """Forget every package."""
        self.packages: list[Plain] = []
        self.asked: list[Plain] = []

    def routes(self, guarded_by: Callable[[Answers, str], Answers]) -> list[Route]:
        """Return the calls. `guarded_by` lets those pass who have a right."""
        return [
            Route("/journal", guarded_by(self._journal, "see")),
            Route("/diary", guarded_by(self._day, "see")),
            Route("/events", guarded_by(self._events, "see")),
            Route("/events/{id}", guarded_by(self._event, "see")),
            Route("/events/{id}/clip.mp4", guarded_by(self._clip, "see")),
            Route("/events/{id}/thumbnail.jpg", guarded_by(self._thumbnail, "see")),
            Route("/events/{id}/star", guarded_by(self._star, "star"), methods=["PUT", "DELETE"]),
            Route("/events/{id}/hold", guarded_by(self._hold, "evidence"), methods=["PUT", "DELETE"]),
            Route("/evidence", guarded_by(self._ask, "evidence"), methods=["POST"]),
            Route("/evidence", guarded_by(self._packages, "evidence")),
            Route("/evidence/{id}.zip", guarded_by(self._take, "evidence")),
        ]

    async def _journal(self, request: Request) -> Response:
        query = request.query_params
        kinds, before = query["kind"].split(","), int(query.get("before", 10**9))
        found = [
            fact
            for fact in reversed(self._village.facts)
            if fact["kind"] in kinds and fact["seq"] < before and query["since"] <= fact["at"] < query["until"]
        ]
        return self._page(found, int(query["limit"]))

    async def _day(self, request: Request) -> Response:
        begins = day_begins(request.query_params["day"])
        lanes = {name: [0] * 144 for name in ("motion", "moves", "alarms")}
        failed: list[Plain] = []
        for fact in self._village.facts:
            step = int((moment(fact["at"]) - begins).total_seconds() // STEP_S)
            if 0 <= step < 144 and fact["kind"] in LANES:
                lanes[LANES[fact["kind"]]][step] += 1
            if 0 <= step < 144 and fact["kind"] == "user_sign_in_failed":
                failed.append(fact)
        runs: list[Plain] = []
        if failed:
            runs = [{"first_at": failed[0]["at"], "last_at": failed[-1]["at"], "count": len(failed),
                     "names": sorted({one["data"]["name"] for one in failed})}]  # fmt: skip
        return JSONResponse(
            {
                "day": request.query_params["day"], "since": utc(begins.timestamp()),
                "until": utc(begins.timestamp() + 86_400), "step_s": STEP_S, **lanes,
                "failed_sign_ins": runs, "zones": ["gateway", "road"], "lines": ["in"],
            }
        )  # fmt: skip

    async def _events(self, request: Request) -> Response:
        query = request.query_params
        before, day = int(query.get("before", 10**9)), query.get("day")
        since = query.get("since") or (utc(day_begins(day).timestamp()) if day else "")
        until = query.get("until") or (utc(day_begins(day).timestamp() + 86_400) if day else "9")
        found = [
            event
            for event in self._village.events
            if since <= event["started_at"] < until and event["seq"] < before and self._passes(event, dict(query))
        ]
        found.sort(key=lambda event: str(event["started_at"]), reverse=True)
        return self._page(found, int(query["limit"]))

    @staticmethod
    def _passes(event: Plain, query: dict[str, str]) -> bool:
        begins, _, ends = query.get("hours", "00:00-24:00").partition("-")
        clock = moment(event["started_at"]).astimezone(ZONE).strftime("%H:%M")
        within = begins <= clock < ends if begins < ends else clock >= begins or clock < ends
        ways = {crossing["direction"] for crossing in event["crossings"]}
        return (
            within
            and query.get("zone", event["zones"][0]) in event["zones"]
            and ("direction" not in query or query["direction"] in ways)
            and ("size" not in query or size_of(event["peak_area"]) == query["size"])
            and all(event[name] for name in ("starred", "held") if name in query)
        )

    async def _event(self, request: Request) -> Response:
        event = self._found(request)
        return JSONResponse(event) if event else JSONResponse({"code": "no_such_event"}, 404)

    async def _star(self, request: Request) -> Response:
        return self._marked(request, "starred", "event_starred", "event_unstarred", {"at": utc(time.time()), "by": AN})

    async def _hold(self, request: Request) -> Response:
        if request.method == "DELETE" and self._village.proved_for_s <= 0:
            return JSONResponse({"code": "step_up_required"}, 403)
        reason = (await request.json())["reason"] if request.method == "PUT" else ""
        held = {"event_id": "", "at": utc(time.time()), "by": AN, "reason": reason, "evidence_id": None}
        return self._marked(request, "held", "event_held", "event_released", held)

    def _marked(self, request: Request, name: str, done: str, undone: str, value: Plain) -> Response:
        event = self._found(request)
        if event is None:
            return JSONResponse({"code": "no_such_event"}, 404)
        event[name] = value if request.method == "PUT" else None
        self._village.tell(done if event[name] else undone, {"event_id": event["event_id"]}, by=AN)
        return JSONResponse(event)

    async def _ask(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        times = {"at": utc(time.time()), "expires_at": utc(time.time() + 3600)}
        self.packages.insert(0, {**PACKAGE, **times, "reason": body["reason"]})
        made = {"evidence_id": "e1", "url": PACKAGE["url"], "events": 1, "clips": 1, "bytes": 2_341_002, "rows": 14,
                "missing": 0, "expires_at": times["expires_at"]}  # fmt: skip
        return JSONResponse(made, 201)

    async def _packages(self, _: Request) -> Response:
        return JSONResponse({"items": self.packages, "key": "9f86d081" * 8 if self.packages else None})

    async def _take(self, _: Request) -> Response:
        self.packages[0].update(status="sealed", url=None)
        return Response(b"PK", media_type="application/zip", headers={"Content-Disposition": "attachment"})

    async def _clip(self, _: Request) -> Response:
        return FileResponse(self._village.media / self._village.film, media_type="video/mp4")

    async def _thumbnail(self, _: Request) -> Response:
        return FileResponse(self._village.media / "thumbnail.jpg", media_type="image/jpeg")

    def _found(self, request: Request) -> Plain | None:
        wanted = request.path_params["id"]
        return next((event for event in self._village.events if event["event_id"] == wanted), None)

    @staticmethod
    def _page(found: list[Plain], limit: int) -> Response:
        return JSONResponse({"items": found[:limit], "next": found[limit - 1]["seq"] if len(found) > limit else None})
