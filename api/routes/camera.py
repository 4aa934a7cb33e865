"""The newest picture, and the live stream."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Literal

from fastapi import Query, WebSocket
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect, WebSocketState

from api.auth import Permission, SignedIn, TheOffice
from api.calls import Call, SocketCall
from api.live_picture import LivePicture
from api.media import SNAPSHOT, read_picture
from api.problems import ProblemError
from api.streams import Farewell
from config.load import runtime_dir

CLOSE_CODE = {
    Farewell.SIGNED_OUT: 4401,
    Farewell.TOO_MANY_STREAMS: 4408,
    Farewell.TOO_SLOW: 4409,
    Farewell.STOPPING: 1001,
}


async def send_snapshot(session: SignedIn, office: TheOffice) -> Response:
    """Return the newest picture. `X-Frame-Age-Ms` is its age when it is sent; above 2000 it is stale."""
    picture = await asyncio.to_thread(read_picture, runtime_dir(office.settings) / SNAPSHOT, office.clock)
    if picture is None:
        raise ProblemError("no_picture")
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
) -> None:
    """Send live pictures: H.264 access units, or JPEGs as they change."""
    picture = LivePicture(websocket, office.clock, office.sight, session.id, runtime_dir(office.settings))
    ended: asyncio.Future[Farewell] = asyncio.get_running_loop().create_future()

    def end(why: Farewell) -> None:
        if not ended.done():
            ended.set_result(why)

    with office.streams.opened(session.id, "live", end):
        await websocket.accept()
        sending = asyncio.create_task(picture.send(format), name="live-picture")
        leaving = asyncio.create_task(_gone(websocket), name="live-picture-leaving")
        try:
            await asyncio.wait((sending, leaving, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if websocket.client_state is WebSocketState.CONNECTED:
            with contextlib.suppress(OSError, RuntimeError, WebSocketDisconnect, TimeoutError):
                code = CLOSE_CODE[ended.result()] if ended.done() else CLOSE_CODE[Farewell.TOO_SLOW]
                await asyncio.wait_for(websocket.close(code), 1.0)


async def _gone(websocket: WebSocket) -> None:
    """Return when the page hangs up. What it sends is not listened to."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


CALLS = (
    Call(method="GET", path="/camera/snapshot.jpg", does=send_snapshot, needs=Permission.SEE, media="image/jpeg",
         problems=("no_picture",)),
)  # fmt: skip

SOCKETS = (SocketCall(path="/camera/live", does=show_live, needs=Permission.SEE),)
