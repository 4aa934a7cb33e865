"""The village's HTTP contract: an honest fake of what the real API answers to the page.

It serves the page by api/page.py, and the calls of /api/v1 that the page uses, with the same shapes, codes and headers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.web import desk, scenery
from tests.web.village import Plain, Village, mono_ms, utc

PAGE = Path(__file__).parents[2] / "api" / "web"
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
PERMISSIONS = {
    "viewer": ["see", "self", "stop"],
    "operator": ["acknowledge", "light", "move", "see", "self", "siren", "star", "stop"],
    "commander": [
        "acknowledge",
        "evidence",
        "light",
        "mode",
        "move",
        "reset",
        "see",
        "self",
        "siren",
        "star",
        "stop",
        "timetable",
    ],
    "maintainer": ["see", "self", "stop", "users", "yard"],
}  # fmt: skip
FRESH = {"lockdown", "unlock", "emergency_open", "normal"}


def problem(status: int, code: str) -> JSONResponse:
    """Return an RFC 9457 answer."""
    body = {
        "type": f"urn:antt-gate:problem:{code}",
        "title": code,
        "status": status,
        "code": code,
        "detail": "",
        "remedy": "",
    }
    return JSONResponse(body, status, media_type="application/problem+json")


class Calls:
    """What the village answers."""

    def __init__(self, village: Village) -> None:
        self._village = village

    def app(self) -> Starlette:
        v1 = [
            Route("/session", self._post_session, methods=["POST"]),
            Route("/session", self._guarded(self._get_session), methods=["GET"]),
            Route("/session", self._guarded(self._delete_session), methods=["DELETE"]),
            Route("/session/proof", self._guarded(self._prove), methods=["POST"]),
            Route("/session/password", self._guarded(self._set_password), methods=["PUT"]),
            Route("/session/passkey", self._no_passkeys),
            Route("/passkeys", self._guarded(self._passkeys)),
            Route("/sessions", self._guarded(self._get_sessions)),
            Route("/sessions/{id}", self._guarded(self._revoke), methods=["DELETE"]),
            Route("/gate", self._guarded(self._get_gate)),
            Route("/gate/commands", self._guarded(self._post_command), methods=["POST"]),
            Route("/gate/commands/{id}", self._guarded(self._get_command)),
            Route("/gate/events", self._guarded(self._stream)),
            Route("/camera/snapshot.jpg", self._guarded(self._picture)),
            WebSocketRoute("/camera/live", self._live),
            Route("/yard", self._guarded(self._yard), methods=["GET", "POST"]),
        ]
        v1 += self._village.book.routes(self._guarded_by)
        v1 += desk.routes(lambda: self._village.desk, lambda: self._village.snapshot, self._guarded_by)
        v1 += self._village.pushes.routes(lambda: self._village.pushes, self._guarded_by)
        app = Starlette(routes=[Mount("/api/v1", routes=v1), Mount("/", self._page)])

        async def with_headers(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - the ASGI interface
            async def sending(message: Any) -> None:  # noqa: ANN401 - as above
                if message["type"] == "http.response.start":
                    given = message["headers"]
                    kept = any(name == b"cache-control" for name, _ in given)
                    ours = [] if kept else [(b"cache-control", b"no-store")]
                    message["headers"] = [*given, (b"content-security-policy", POLICY.encode()), *ours]
                await send(message)

            if scope["type"] == "http":
                self._village.requests.append((scope["method"], scope["path"]))
            await app(scope, receive, sending)

        return with_headers  # type: ignore[return-value]  # an ASGI application, which is all that uvicorn needs

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the page that the gate has now: an update brings another."""
        await self._village.page(scope, receive, send)

    def _guarded(self, call: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if request.cookies.get("antt") not in self._village.sessions:
                return problem(401, "not_signed_in")
            return await call(request)

        return guarded

    def _guarded_by(
        self, call: Callable[[Request], Awaitable[Response]], right: str
    ) -> Callable[[Request], Awaitable[Response]]:
        async def permitted(request: Request) -> Response:
            if right not in PERMISSIONS[self._village.role]:
                return problem(403, "not_permitted")
            return await call(request)

        return self._guarded(permitted)

    def _person(self) -> Plain:
        return {"type": "person", "id": "an", "name": "Trần Văn An"}

    def _me(self) -> Plain:
        return {
            "user": {"name": "an", "display_name": "Trần Văn An", "roles": [self._village.role]},
            "permissions": PERMISSIONS[self._village.role],
            "session_id": "x",
            "proved_until": utc(-self._village.proved_for_s) if self._village.proved_for_s > 0 else None,
            "ways": self._village.ways,
            "simulated": self._village.snapshot["simulated"],
            "site": {
                "id": "thon-3",
                "name": "Cổng thôn 3",
                "language": "vi",
                "timezone": "Asia/Ho_Chi_Minh",
                "contacts": self._village.contacts,
            },
        }

    async def _post_session(self, request: Request) -> Response:
        body = await request.json()
        if "pairing_code" in body and body["pairing_code"] != "GOOD":
            return problem(401, "pairing_invalid")
        if "password" in body and body["password"] != "mat-khau-dai":
            return problem(401, "wrong_credentials")
        token = self._village.sign_in(self._village.role)
        self._village.sessions[token]["device"] = body.get("device_name", "")
        answer = JSONResponse(self._me())
        answer.set_cookie("antt", token, httponly=True, samesite="strict")
        return answer

    async def _get_session(self, _: Request) -> Response:
        return JSONResponse(self._me())

    async def _prove(self, request: Request) -> Response:
        body = await request.json()
        self._village.proofs.append(body)
        if body not in ({"password": "mat-khau-dai"}, {"pairing_code": "GOOD"}):
            return problem(403, "proof_failed")
        self._village.proved_for_s = 300.0
        return JSONResponse({"proved_until": utc(-300.0)})

    async def _set_password(self, request: Request) -> Response:
        self._village.proofs.append(await request.json())
        return JSONResponse(self._me())

    async def _no_passkeys(self, _: Request) -> Response:
        return problem(404, "passkeys_off")

    async def _passkeys(self, _: Request) -> Response:
        return JSONResponse({"items": []})

    async def _delete_session(self, request: Request) -> Response:
        del self._village.sessions[request.cookies["antt"]]
        return Response(status_code=204)

    async def _get_sessions(self, request: Request) -> Response:
        return JSONResponse(
            {
                "items": [
                    {**each, "current": token == request.cookies["antt"]}
                    for token, each in self._village.sessions.items()
                ]
            }
        )

    async def _revoke(self, request: Request) -> Response:
        self._village.sessions = {
            token: each for token, each in self._village.sessions.items() if each["id"] != request.path_params["id"]
        }
        return Response(status_code=204)

    async def _get_gate(self, _: Request) -> Response:
        return JSONResponse(self._village.snapshot)

    async def _post_command(self, request: Request) -> Response:
        body = await request.json()
        key = request.headers["idempotency-key"]
        self._village.posted.append({**body, "key": key})
        await asyncio.sleep(self._village.answer_after_s)
        if key in self._village.by_key:
            return JSONResponse(self._village.by_key[key], 202)
        command = body["command"]
        if command != "stop" and self._village.role == "viewer":
            return problem(403, "not_permitted")
        if command in FRESH and self._village.proved_for_s <= 0:
            return problem(403, "step_up_required")
        if command in self._village.refusals:
            self._village.tell(
                "command_refused", {"command": command, "code": self._village.refusals[command]}, by=self._person()
            )
            return problem(409, self._village.refusals[command])
        if "sequence" in body and body["sequence"] != self._village.snapshot["sequence"]:
            return problem(409, "stale_sequence")
        made = {
            "command_id": str(uuid.uuid4()), "command": command, "status": "accepted", "code": None,
            "minutes": body.get("minutes"),
        }  # fmt: skip
        self._village.commands[made["command_id"]] = made
        self._village.newest = made
        answer = {
            "command_id": made["command_id"],
            "accepted": True,
            "state": self._village.snapshot["state"],
            "target": None,
            "sequence": self._village.snapshot["sequence"],
            "warning_s": self._village.warning_s,
        }
        self._village.by_key[key] = answer
        self._village.tell(
            "command_accepted", {"command_id": made["command_id"], "command": command, "reason": ""}, by=self._person()
        )
        self._village.step(made, "accepted")
        self._task = asyncio.create_task(self._village.carry_out(made, self._person()))
        return JSONResponse(answer, 202)

    async def _yard(self, request: Request) -> Response:
        if not self._village.snapshot["simulated"]:
            return problem(404, "not_simulated")
        if request.method == "POST":
            body = await request.json()
            if not self._village.yard_obeys(body["action"], body["arguments"]):
                return problem(409, "unknown_order")
        return JSONResponse(self._village.yard)

    async def _get_command(self, request: Request) -> Response:
        command = self._village.commands.get(request.path_params["id"])
        return JSONResponse(command) if command else problem(404, "unknown_command_id")

    async def _stream(self, _: Request) -> Response:
        if self._village.drop_stream:
            return problem(503, "too_many_streams")
        return StreamingResponse(self._lines(), media_type="text/event-stream")

    async def _lines(self) -> AsyncIterator[str]:
        queue: asyncio.Queue[tuple[str, Plain, int | None]] = asyncio.Queue()
        self._village.listeners.append(queue)
        try:
            yield f"retry: 1000\n\nevent: beat\ndata: {json.dumps(self._village.sign_of_life())}\n\n"
            self._village.publish()
            while True:
                try:
                    event, data, seq = await asyncio.wait_for(queue.get(), self._village.beat_s)
                except TimeoutError:
                    event, data, seq = "beat", self._village.sign_of_life(), None
                if not event:
                    return
                yield (f"id: {seq}\n" if seq else "") + f"event: {event}\ndata: {json.dumps(data)}\n\n"
        finally:
            self._village.listeners.remove(queue)

    async def _picture(self, _: Request) -> Response:
        if self._village.camera == "none":
            return problem(503, "no_picture")
        age = 12_000 if self._village.camera == "stale" else 80
        headers = {"X-Frame-Age-Ms": str(age), "X-Frame-Mono-Ms": str(mono_ms() - age)}
        return Response(scenery.jpeg(scenery.draw(leaf=self._village.leaf)), media_type="image/jpeg", headers=headers)

    async def _live(self, socket_: WebSocket) -> None:
        if socket_.cookies.get("antt") not in self._village.sessions:
            await socket_.close(4401)
            return
        await socket_.accept()
        if self._village.camera != "video":
            await socket_.send_json({"type": "no_picture", "reason": "camera_away"})
            await asyncio.sleep(0.2)
            with contextlib.suppress(WebSocketDisconnect):
                await socket_.close(1012)
            return
        encoder = scenery.Encoder()
        await socket_.send_json({"type": "config", "codec": "avc1.42c01e", "width": 640, "height": 360, "fps": 10})
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while self._village.camera == "video":
                for key, unit in encoder.encode(scenery.draw(leaf=self._village.leaf)):
                    await socket_.send_bytes(struct.pack("!BIQ", 1 if key else 2, 5, mono_ms()) + unit)
                await asyncio.sleep(0.1)


@contextlib.contextmanager
def served(village: Village) -> Iterator[Village]:
    """Serve the village on a free port of this machine, in a thread of its own."""
    bound = socket.create_server(("127.0.0.1", 0))
    village.port = bound.getsockname()[1]
    config = uvicorn.Config(
        Calls(village).app(), log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: village.loop.run_until_complete(server.serve([bound])), daemon=True)
    thread.start()
    yield village
    server.should_exit = True
    village.close_streams()
    thread.join(timeout=5)
    village.loop.close()
