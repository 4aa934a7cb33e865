"""The live picture for other processes: access units and JPEGs on `live.sock`, the newest frame as `snapshot.jpg`.

On `live.sock` a connection asks first, by a line of JSON, and again whenever it wants something else:
`{"pages","jpeg_fps","key"}` (how many pages watch the stream through it; JPEGs a second, 0 or 0.2 to 10; a key picture
now). What it gets are messages: `!BQI` (kind, CLOCK_MONOTONIC ms of the capture, length) and that many bytes. Kind 0:
JSON `{"codec","width","height","fps"}`, first and after every change. 1: a key access unit, Annex B with its SPS and
PPS. 2: any other access unit. 3: a JPEG. What waits for whom, and who begins where, are the rules of `viewers.py`.

`ask_key` is called when a key picture would help, at most every `KEYS_APART_S`; `watched` when the first page begins to
watch the stream and when the last one has gone: until then no encoder need run for us. Both are called in the event
loop and must not block.

`snapshot.jpg` is replaced whole; its modification time is CLOCK_MONOTONIC nanoseconds of the capture, so any process
on this machine can tell its age exactly. A frame is made a JPEG once, and only where the file or somebody wants it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import struct
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from socket import SO_SNDBUF, SOL_SOCKET

import cv2

from camera.postcard import Postcard
from camera.source import AccessUnit, Frame, Stream
from camera.timeline import Cadence
from camera.viewers import Message, Viewer, Wish, read_wish

log = logging.getLogger(__name__)

HEADER = struct.Struct("!BQI")
CONFIG, KEY, DELTA, JPEG = 0, 1, 2, 3
MOST_GROUP_BYTES = 4 * 1024**2
MOST_CONNECTIONS = 8
LONGEST_LINE = 512
FIRST_WISH_S = 5.0
KEYS_APART_S = 0.5
YOUNG_S = 0.3
STANDS_STILL_S = 1.5
SENDING_BYTES = 128 * 1024
SNAPSHOT_QUALITY = 75
SNAPSHOTS_PER_S = 2.5


def packed(kind: int, at_s: float, payload: bytes) -> bytes:
    """Return one message as it goes over the socket."""
    return HEADER.pack(kind, max(0, round(at_s * 1000)), len(payload)) + payload


def nothing(*_: object) -> None:
    """Do nothing: for a server whose source can't be asked."""


class LiveServer:
    """Serves `live.sock`. `stream`, `unit` and `picture` may come from any thread, all else from the event loop."""

    def __init__(
        self,
        path: Path,
        *,
        ask_key: Callable[[], None] = lambda: None,
        watched: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._ask_key, self._watched = ask_key, watched
        self._lock = threading.Lock()
        self._viewers: dict[Viewer, asyncio.Event] = {}
        self._config: bytes | None = None
        self._group: list[Message] = []
        self._server: asyncio.Server | None = None
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked_s = float("-inf")
        self._was_watched = False

    @property
    def viewers(self) -> int:
        """How many pages watch the stream."""
        return sum(viewer.wish.pages for viewer in list(self._viewers))

    async def start(self) -> None:
        """Listen. A socket that a dead process left is replaced."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, self._path, limit=LONGEST_LINE)
        self._path.chmod(0o660)

    async def stop(self) -> None:
        """Hang up on everybody and take the socket away."""
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # connections are closed in the next round of the loop
        self._path.unlink(missing_ok=True)

    def stream(self, stream: Stream) -> None:
        """Say that the picture begins anew."""
        data = {"codec": stream.codec, "width": stream.width, "height": stream.height, "fps": round(stream.fps, 3)}
        message = packed(CONFIG, time.monotonic(), json.dumps(data).encode())
        with self._lock:
            self._config, self._group = message, []
            for viewer in self._viewers:
                viewer.begin(message)
        self._wake()

    def unit(self, unit: AccessUnit) -> None:
        """Send one access unit to everybody who watches."""
        data = packed(KEY if unit.key else DELTA, unit.at_s, unit.data)
        message = Message(data=data, key=unit.key, came_s=time.monotonic())
        with self._lock:
            if unit.key:
                self._group = []
            if self._group or unit.key:
                self._group.append(message)
            if sum(len(kept.data) for kept in self._group) > MOST_GROUP_BYTES:
                self._group = []
            for viewer in self._viewers:
                viewer.offer(message, self._group)
            watched = bool(self._viewers)
        if watched:
            self._wake()

    def picture(self, now_s: float, at_s: float, encode: Callable[[], bytes]) -> None:
        """Send one frame as a JPEG to those for whom one is due; `encode` is called only where somebody is."""
        with self._lock:
            due = [viewer for viewer in self._viewers if viewer.wants_picture(now_s)]
        if not due:
            return
        message = packed(JPEG, min(at_s, now_s), encode())
        with self._lock:
            for viewer in due:
                viewer.show(message)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has just been closed
            self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        for more in self._viewers.values():
            more.set()
        now_s = time.monotonic()
        with self._lock:
            starved = any(viewer.starved(now_s) for viewer in self._viewers)
        if starved:
            self._want_key(now_s)

    def _want_key(self, now_s: float) -> None:
        if now_s - self._asked_s >= KEYS_APART_S:
            self._asked_s = now_s
            self._ask_key()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve in a task of our own: asyncio's own would log its cancellation as a fault (CPython 3.11)."""
        if len(self._tasks) >= MOST_CONNECTIONS:
            writer.close()
            return
        task = self._loop.create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=0)
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, SENDING_BYTES)
        viewer, more = Viewer(), asyncio.Event()
        with self._lock:
            self._viewers[viewer] = more
        sides = {asyncio.create_task(self._listen(viewer, reader)), asyncio.create_task(self._send(viewer, writer))}
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for side in sides:
                side.cancel()
            with self._lock:
                self._viewers.pop(viewer)
            self._tell_watched()
            writer.transport.abort()
            await asyncio.gather(*sides, return_exceptions=True)

    async def _listen(self, viewer: Viewer, reader: asyncio.StreamReader) -> None:
        """Take wishes until the connection ends, or says what is none."""
        patience_s: float | None = FIRST_WISH_S
        with contextlib.suppress(OSError):
            try:
                while line := await asyncio.wait_for(reader.readline(), patience_s):
                    self._grant(viewer, read_wish(line))
                    patience_s = None
            except ValueError:
                log.warning("live.sock: hung up on a connection that sent what is no wish")

    def _grant(self, viewer: Viewer, wish: Wish) -> None:
        now_s = time.monotonic()
        with self._lock:
            if viewer.ask(wish, now_s):
                if self._config:
                    viewer.begin(self._config)
                if self._group_is_young(now_s):
                    viewer.start(self._group)
            starved = viewer.starved(now_s)
        self._tell_watched()
        self._viewers[viewer].set()
        if wish.key or starved:
            self._want_key(now_s)

    def _group_is_young(self, now_s: float) -> bool:
        if not self._group or now_s - self._group[-1].came_s > STANDS_STILL_S:
            return False
        return self._group[-1].came_s - self._group[0].came_s <= YOUNG_S

    def _tell_watched(self) -> None:
        watched = self.viewers > 0
        if watched != self._was_watched:
            self._was_watched = watched
            self._watched(watched)

    async def _send(self, viewer: Viewer, writer: asyncio.StreamWriter) -> None:
        more = self._viewers[viewer]
        while True:
            with self._lock:
                message = viewer.take(time.monotonic())
            if message is None:
                more.clear()
                await more.wait()
            else:
                writer.write(message)
                await writer.drain()


class Snapshot:
    """The newest frame as a JPEG: in a file a few times a second, for who asks `live` for it, and as a postcard."""

    def __init__(self, path: Path, live: LiveServer | None = None, postcard: Postcard | None = None) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.tmp")
        self._live = live
        self._postcard = postcard
        self._cadence = Cadence(SNAPSHOTS_PER_S)

    def show(self, frame: Frame, now_s: float) -> None:
        """Replace the file by this frame if it is time, and send it. Raises `OSError` where the disk refuses."""

        @cache
        def encoded() -> bytes:
            _, data = cv2.imencode(".jpg", frame.picture, [cv2.IMWRITE_JPEG_QUALITY, SNAPSHOT_QUALITY])
            return data.tobytes()

        if self._live:
            self._live.picture(now_s, frame.at_s, encoded)
        if self._postcard:
            self._postcard.show(frame, now_s)
        if not self._cadence.wants(now_s):
            return
        self._draft.write_bytes(encoded())
        stamp_ns = round(min(frame.at_s, now_s) * 1e9)
        os.utime(self._draft, ns=(stamp_ns, stamp_ns))
        self._draft.replace(self._path)
