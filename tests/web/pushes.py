"""The village's notifications: what the calls about them answer from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Plain = dict[str, Any]
Answers = Callable[[Request], Awaitable[Response]]
KEY = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
OTHER: Plain = {
    "session_id": "s2", "device": "iPad trực ban", "current": False, "since_at": "2026-11-01T02:00:00.000Z",
    "told_at": "2026-11-20T02:00:04.000Z", "trouble": None,
}  # fmt: skip


class Pushes:
    """What is set; `asked` is what the page asked for, in order; `refuses` the code of every answer."""

    def __init__(self) -> None:
        self.choice: Plain = {"least": "warning", "start": None, "end": None, "urgent_always": True}
        self.phones: list[Plain] = [dict(OTHER)]
        self.asked: list[tuple[str, Plain]] = []
        self.refuses = ""

    def told(self) -> Plain:
        """Return what GET /push says."""
        return {"public_key": KEY, "choice": self.choice, "phones": self.phones}

    def turn_on(self, session_id: str = "x") -> None:
        """Have the phone that asks get notifications."""
        mine = {**OTHER, "session_id": session_id, "device": "Android · Chrome", "current": True, "told_at": None}
        self.phones = [one for one in self.phones if not one["current"]] + [mine]

    @staticmethod
    def routes(pushes: Callable[[], Pushes], guarded: Callable[[Answers, str], Answers]) -> list[Route]:
        """Return the calls; `pushes` gives what they answer from now."""

        async def answer(request: Request) -> Response:
            mine = pushes()
            body = await request.json() if request.method in {"PUT", "POST"} else {}
            if request.method != "GET":
                mine.asked.append((f"{request.method} {request.url.path.rpartition('/push')[2]}", body))
            if mine.refuses:
                problem = {"code": mine.refuses, "title": mine.refuses, "status": 404, "detail": "", "remedy": ""}
                return JSONResponse(problem, 404, media_type="application/problem+json")
            match request.method, request.url.path.rpartition("/push")[2]:
                case "PUT", "/choice":
                    mine.choice = body
                case "PUT", "/phone":
                    mine.turn_on()
                case "DELETE", "/phone":
                    mine.phones = [one for one in mine.phones if not one["current"]]
                    return Response(status_code=204)
                case "POST", "/phone/test":
                    return Response(status_code=202)
            return JSONResponse(mine.told())

        every = {"/push": ["GET"], "/push/choice": ["PUT"], "/push/phone": ["PUT", "DELETE"],
                 "/push/phone/test": ["POST"]}  # fmt: skip
        return [Route(path, guarded(answer, "see"), methods=methods) for path, methods in every.items()]
