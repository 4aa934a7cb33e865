"""The newest picture, and the live stream."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Literal

from fastapi import Query, WebSocket
from pydantic import ValidationError
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect

from api.auth import Permission, SignedIn, TheOffice
from api.calls import Call, SocketCall
from api.live_picture import QUICKEST_FPS, SLOWEST_FPS, USUAL_FPS, LivePicture, Wanted
from api.live_socket import Socket, socket_of
from api.problems import ProblemError
from api.streams import Farewell

CLOSE_CODE = {
    Farewell.SIGNED_OUT: 4401,
    Farewell.TOO_MANY_STREAMS: 4408,
    Farewell.TOO_SLOW: 4409,
    Farewell.STOPPING: 1001,
}
NOT_UNDERSTOOD = 4400
TOO_MANY = 4429
FAREWELL_WITHIN_S = 1.0


async def send_snapshot(session: SignedIn, office: TheOffice) -> Response:
    """Return the newest picture, at most a second old. `X-Frame-Age-Ms` is its age when it is sent."""
    picture = await office.feed.picture()
    office.sight.delivered(session.id, picture.age_ms, office.clock.mono_ms())
    headers = {
        "Cache-Control": "no-store",
        "X-Frame-Age-Ms": str(picture.age_ms),
        "X-Frame-Mono-Ms": str(picture.mono_ms),
    }
    return Response(picture.jpeg, media_type="image/jpeg", headers=headers)


async def show_live(
    websocket: WebSocket,
    session: SignedIn,
    office: TheOffice,
    format: Annotated[Literal["h264", "jpeg"], Query()] = "h264",  # noqa: A002 - the name in the address
    fps: Annotated[float, Query(ge=SLOWEST_FPS, le=QUICKEST_FPS)] = USUAL_FPS,
) -> None:
    """Send live pictures: H.264 access units, or so many JPEGs a second."""
    wire = socket_of(websocket)
    ended: asyncio.Future[Farewell] = asyncio.get_running_loop().create_future()

    def end(why: Farewell) -> None:
        if not ended.done():
            ended.set_result(why)

    try:
        with office.streams.opened(session.id, "live", end, office.settings.api.max_viewers):
            await websocket.accept()
            picture = LivePicture(websocket, wire, office.feed, Wanted(format=format, fps=fps))
            sending = asyncio.create_task(picture.send(office.clock, office.sight, session.id), name="live-picture")
            hearing = asyncio.create_task(_hear(websocket, picture), name="live-picture-hearing")
            try:
                await asyncio.wait((sending, hearing, ended), return_when=asyncio.FIRST_COMPLETED)
            finally:
                picture.end()
                code = _code(hearing, ended)
                for task in (sending, hearing):
                    task.cancel()
                await asyncio.gather(sending, hearing, return_exceptions=True)
    except ProblemError as refused:  # a browser learns nothing of a refused handshake: it is told in an accepted one
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.accept()
            await websocket.send_json(refused.body())
            await _close(websocket, wire, TOO_MANY, refused.code)
        return
    await _close(websocket, wire, code)


async def _hear(page: WebSocket, picture: LivePicture) -> int:
    """Do as the page asks until it hangs up or says what can't be understood; return the code to close with."""
    while (message := await page.receive())["type"] != "websocket.disconnect":
        try:
            wanted = Wanted.model_validate_json(message.get("text") or message.get("bytes") or b"")
        except ValidationError:
            return NOT_UNDERSTOOD
        picture.ask(wanted)
    return 0


def _code(hearing: asyncio.Task[int], ended: asyncio.Future[Farewell]) -> int:
    if ended.done():
        return CLOSE_CODE[ended.result()]
    return hearing.result() if hearing.done() and not hearing.exception() else CLOSE_CODE[Farewell.TOO_SLOW]


async def _close(page: WebSocket, wire: Socket, code: int, reason: str = "") -> None:
    """Say goodbye; hang up on a page that does not take it. 0: the page has gone already."""
    if not code:
        return
    try:
        async with asyncio.timeout(FAREWELL_WITHIN_S):
            await page.close(code, reason)
    except (OSError, RuntimeError, WebSocketDisconnect):
        with contextlib.suppress(OSError):
            wire.hang_up()


CALLS = (
    Call(method="GET", path="/camera/snapshot.jpg", does=send_snapshot, needs=Permission.SEE, media="image/jpeg",
         problems=("no_picture", "picture_stale")),
)  # fmt: skip

SOCKETS = (SocketCall(path="/camera/live", does=show_live, needs=Permission.SEE),)
