"""The live picture for other processes: access units on `live.sock`, the newest frame as `snapshot.jpg`.

On `live.sock` every message is `!BQI` (flags, CLOCK_MONOTONIC ms, length) and that many bytes. Flags 0: JSON
`{"codec","width","height","fps"}`, first and after every change. 1: a key access unit, Annex B with its SPS and PPS.
2: any other access unit. A new viewer begins at the newest key picture. One that does not keep up loses what waits for
it and goes on at the next key picture; its queue never grows.

`snapshot.jpg` is replaced whole; its modification time is CLOCK_MONOTONIC nanoseconds of the capture, so any process
on this machine can tell its age exactly.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import struct
import threading
import time
from pathlib import Path

import cv2

from camera.source import AccessUnit, Frame, Stream

HEADER = struct.Struct("!BQI")
CONFIG, KEY, DELTA = 0, 1, 2
MOST_WAITING_BYTES = 2 * 1024**2
MOST_GROUP_BYTES = 4 * 1024**2
MOST_VIEWERS = 32
SNAPSHOT_QUALITY = 75
SNAPSHOT_EVERY_S = 0.15


def packed(flags: int, at_s: float, payload: bytes) -> bytes:
    """Return one message as it goes over the socket."""
    return HEADER.pack(flags, max(0, round(at_s * 1000)), len(payload)) + payload


class Viewer:
    """What waits for one connection. Guarded by the server's lock."""

    def __init__(self) -> None:
        self.waiting: collections.deque[bytes] = collections.deque()
        self.bytes = 0
        self.needs_key = True
        self.more = asyncio.Event()

    def offer(self, message: bytes, *, key: bool) -> None:
        """Queue an access unit, unless the viewer must wait for a key picture first."""
        if self.bytes + len(message) > MOST_WAITING_BYTES:
            configs = [old for old in self.waiting if old[0] == CONFIG][-1:]
            self.waiting = collections.deque(configs)
            self.bytes = sum(len(old) for old in configs)
            self.needs_key = True
        if key:
            self.needs_key = False
        if not self.needs_key:
            self.put(message)

    def put(self, message: bytes) -> None:
        """Queue a message in any case."""
        self.waiting.append(message)
        self.bytes += len(message)


class LiveServer:
    """Serves `live.sock`. `stream` and `unit` may be called from any thread, everything else from the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._viewers: set[Viewer] = set()
        self._config: bytes | None = None
        self._group: list[bytes] = []
        self._group_bytes = 0
        self._server: asyncio.Server | None = None
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def viewers(self) -> int:
        """How many are connected."""
        return len(self._viewers)

    async def start(self) -> None:
        """Listen. A socket that a dead process left is replaced."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, self._path)
        self._path.chmod(0o660)

    async def stop(self) -> None:
        """Hang up on everybody and take the socket away."""
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    def stream(self, stream: Stream) -> None:
        """Say that the picture begins anew."""
        data = {"codec": stream.codec, "width": stream.width, "height": stream.height, "fps": round(stream.fps, 3)}
        message = packed(CONFIG, time.monotonic(), json.dumps(data).encode())
        with self._lock:
            self._config = message
            self._group, self._group_bytes = [], 0
            for viewer in self._viewers:
                viewer.put(message)
                viewer.needs_key = True
        self._wake()

    def unit(self, unit: AccessUnit) -> None:
        """Send one access unit to everybody."""
        message = packed(KEY if unit.key else DELTA, unit.at_s, unit.data)
        with self._lock:
            if unit.key:
                self._group, self._group_bytes = [], 0
            if self._group or unit.key:
                self._group.append(message)
                self._group_bytes += len(message)
            if self._group_bytes > MOST_GROUP_BYTES:
                self._group, self._group_bytes = [], 0
            for viewer in self._viewers:
                viewer.offer(message, key=unit.key)
            watched = bool(self._viewers)
        if watched:
            self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has just been closed
            self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        for viewer in self._viewers:
            viewer.more.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve in a task of our own: asyncio's own would log its cancellation as a fault (CPython 3.11)."""
        if len(self._viewers) >= MOST_VIEWERS:
            writer.close()
            return
        task = self._loop.create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        viewer = Viewer()
        with self._lock:
            if self._config:
                viewer.put(self._config)
            for message in self._group:
                viewer.put(message)
                viewer.needs_key = False
            self._viewers.add(viewer)
        viewer.more.set()
        hung_up = asyncio.create_task(reader.read(1), name="live-hangup")
        try:
            await self._serve(viewer, writer, hung_up)
        except OSError:
            pass  # the viewer went away
        finally:
            hung_up.cancel()
            with self._lock:
                self._viewers.discard(viewer)
            writer.close()

    async def _serve(self, viewer: Viewer, writer: asyncio.StreamWriter, hung_up: asyncio.Task[bytes]) -> None:
        while not hung_up.done():
            more = asyncio.create_task(viewer.more.wait(), name="live-more")
            await asyncio.wait({more, hung_up}, return_when=asyncio.FIRST_COMPLETED)
            more.cancel()
            viewer.more.clear()
            while not hung_up.done():
                with self._lock:
                    message = viewer.waiting.popleft() if viewer.waiting else None
                    viewer.bytes -= len(message) if message else 0
                if message is None:
                    break
                writer.write(message)
                await writer.drain()


class Snapshot:
    """Writes the newest frame as a JPEG file, at most about five times a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.tmp")
        self._last_s = float("-inf")

    def show(self, frame: Frame, now_s: float) -> None:
        """Replace the file by this frame if it is time. Raises `OSError` where the disk refuses."""
        if now_s - self._last_s < SNAPSHOT_EVERY_S:
            return
        self._last_s = now_s
        _, data = cv2.imencode(".jpg", frame.picture, [cv2.IMWRITE_JPEG_QUALITY, SNAPSHOT_QUALITY])
        self._draft.write_bytes(data.tobytes())
        stamp_ns = round(min(frame.at_s, now_s) * 1e9)
        os.utime(self._draft, ns=(stamp_ns, stamp_ns))
        self._draft.replace(self._path)
