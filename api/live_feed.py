"""The one connection to the camera's live socket, shared by all pages that watch.

- There is a connection only while a page watches, or asks for single pictures again and again; it lingers for
  `LINGER_S`. What the pages want together is said to the camera in one line (docs of `camera/live.py`).
- What comes is read once, and waits for each page in a queue of its own (`live_queue.py`), as the same bytes. Reading
  never waits for a page.
- Pages are told once when the camera is away, or sends nothing for `SILENT_S`; they go on by themselves.
- A single picture is never older than `FRESH_MS`: the newest in memory or in the camera's file, else the next one that
  comes within `NEXT_WITHIN_S`, else a problem.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

from api.clock import Clock
from api.live_queue import CONFIG, DELTA, JPEG, KEY, Group, Queue, Stills, Unit, Units
from api.media import FROM_CAMERA, LARGEST_UNIT, Picture, read_picture
from api.problems import ProblemError
from gate.model import JsonObject

log = logging.getLogger("api")

RETRY_S = 0.5
LOOK_EVERY_S = 0.25
LINGER_S = 2.0
SILENT_S = 3.0
KEYS_APART_S = 0.5
FRESH_MS = 1000
NEXT_WITHIN_S = 1.2
AGAIN_WITHIN_S = 2.0
POLLED_FPS = 5.0
READ_AHEAD = 256 * 1024
AWAY = "the camera does not answer"
STILL = "the picture stands still"


class Seat:
    """One page's place: its queue, and `more`, which is set when something waits in it."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.more = asyncio.Event()


class Feed:
    """What the camera shows, for as many pages as watch. To be used in the event loop that runs `run`."""

    def __init__(self, socket: Path, snapshot: Path, clock: Clock, silent_s: float = SILENT_S) -> None:
        self._socket, self._snapshot, self._clock, self._silent_s = socket, snapshot, clock, silent_s
        self._seats: set[Seat] = set()
        self._wanted = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._said: JsonObject = {}
        self._config: JsonObject | None = None
        self._group = Group()
        self._picture: Unit | None = None
        self._waiters: set[asyncio.Future[Unit | None]] = set()
        self._trouble = ""
        self._heard_s = self._left_s = self._key_s = self._asked_s = self._polled_until_s = float("-inf")

    def watch(self, jpeg_fps: float | None = None) -> Seat:
        """Give a page its place: for the stream, or for so many JPEGs a second."""
        now_s = self._now_s()
        queue: Queue
        if jpeg_fps is None:
            queue = Units(now_s)
            if self._config:
                queue.begin(self._config, config=True)
            if self._group.is_young(now_s):
                queue.start(self._group.units)
        else:
            queue = Stills(jpeg_fps)
        if self._trouble:
            queue.begin(told(self._trouble), config=False)
        seat = Seat(queue)
        seat.more.set()
        self._seats.add(seat)
        self._wanted.set()
        self._say()
        return seat

    def leave(self, seat: Seat) -> None:
        """Take a page's place back; whoever waits at it wakes up."""
        self._seats.discard(seat)
        self._left_s = self._now_s()
        seat.more.set()
        self._say()

    async def picture(self) -> Picture:
        """Return a picture that is at most `FRESH_MS` old. Raises the problems `no_picture` and `picture_stale`."""
        now_s = self._now_s()
        if now_s - self._asked_s < AGAIN_WITHIN_S:
            self._poll(now_s)
        self._asked_s = now_s
        newest = self._aged(self._picture)
        if newest is None or newest.age_ms > 1000 / POLLED_FPS:
            stored = await asyncio.to_thread(read_picture, self._snapshot, self._clock)
            newest = min((found for found in (newest, stored) if found), key=lambda found: found.age_ms, default=None)
        if newest is None:
            raise ProblemError("no_picture")
        if newest.age_ms > FRESH_MS:
            next_one = self._aged(await self._next())
            if next_one is None or next_one.age_ms > FRESH_MS:
                raise ProblemError("picture_stale", age_ms=newest.age_ms)
            newest = next_one
        return newest

    async def run(self) -> None:
        """Be connected while somebody wants something, for as long as the process lives."""
        while True:
            await self._wanted.wait()
            try:
                await self._connected()
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                log.debug("the camera's live socket: %r", error)
            finally:
                self._writer = None
            self._config, self._picture, self._group = None, None, Group()
            if self._seats or self._now_s() < self._polled_until_s:
                self._tell(AWAY)
                self._answer(None)
                await asyncio.sleep(RETRY_S)
            else:
                self._wanted.clear()
                self._trouble = ""

    # Inside.

    async def _connected(self) -> None:
        """Serve one connection until it ends or nobody wants it any more."""
        reader, self._writer = await asyncio.open_unix_connection(self._socket, limit=READ_AHEAD)
        self._said, self._heard_s = {}, self._now_s()
        self._say()
        reading = asyncio.create_task(self._read(reader), name="live-feed-reading")
        try:
            while not reading.done() and self._wish() is not None:
                await asyncio.wait({reading}, timeout=LOOK_EVERY_S)
                self._say()
                if self._now_s() - self._heard_s > self._silent_s + self._pause_s():
                    self._tell(STILL)
                    self._answer(None)
            if reading.done():
                await reading
        finally:
            reading.cancel()
            self._writer.transport.abort()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Take what comes. Raises `IncompleteReadError` at the end, `ValueError` where it is not as it should be."""
        while True:
            kind, mono_ms, length = FROM_CAMERA.unpack(await reader.readexactly(FROM_CAMERA.size))
            if length > LARGEST_UNIT or kind not in {CONFIG, KEY, DELTA, JPEG}:
                raise ValueError(f"the camera announces a message of kind {kind} with {length} bytes")
            payload = await reader.readexactly(length)
            self._heard_s = self._now_s()
            if kind == CONFIG:
                self._config, self._group = read_config(payload), Group()
                self._begin(self._config, config=True)
            else:
                self._offer(Unit(kind=kind, mono_ms=mono_ms, payload=payload, came_s=self._heard_s))

    def _offer(self, unit: Unit) -> None:
        self._trouble = ""
        if unit.kind == JPEG:
            self._picture = unit
            self._answer(unit)
        else:
            self._group.add(unit)
        starved = False
        for seat in self._seats:
            seat.queue.offer(unit, self._group.units)
            seat.more.set()
            starved = starved or seat.queue.starved(unit.came_s)
        if starved and unit.came_s - self._key_s >= KEYS_APART_S:
            self._key_s = unit.came_s
            self._write({**self._said, "key": True})

    def _wish(self) -> JsonObject | None:
        """Return what is wanted together, None where nobody wants anything, nor did a moment ago."""
        now_s = self._now_s()
        stills = [seat.queue.fps for seat in self._seats if isinstance(seat.queue, Stills)]
        if now_s < self._polled_until_s:
            stills.append(POLLED_FPS)
        if not self._seats and not stills and now_s - self._left_s > LINGER_S:
            return None
        pages = sum(isinstance(seat.queue, Units) for seat in self._seats)
        return {"pages": pages, "jpeg_fps": max(stills, default=0)}

    def _say(self) -> None:
        wish = self._wish()
        if wish is not None and wish != self._said and self._write(wish):
            self._said = wish

    def _write(self, wish: JsonObject) -> bool:
        """Say something; not while the camera hangs and reads nothing."""
        if self._writer is None or self._writer.transport.get_write_buffer_size() > 0:
            return False
        self._writer.write(json.dumps(wish).encode() + b"\n")
        return True

    def _pause_s(self) -> float:
        """Return how long may lie between two messages as we asked for them."""
        fps = self._said.get("jpeg_fps")
        return 1 / fps if isinstance(fps, float | int) and fps and not self._said.get("pages") else 0.0

    def _begin(self, news: JsonObject, *, config: bool) -> None:
        for seat in self._seats:
            seat.queue.begin(news, config=config)
            seat.more.set()

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._begin(told(trouble), config=False)

    def _poll(self, now_s: float) -> None:
        """Have pictures sent for a while: somebody asks for them one by one."""
        self._polled_until_s = now_s + AGAIN_WITHIN_S
        self._wanted.set()
        self._say()

    async def _next(self) -> Unit | None:
        """Return the next picture, None where none comes soon."""
        waiter: asyncio.Future[Unit | None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        self._poll(self._now_s())
        try:
            return await asyncio.wait_for(waiter, NEXT_WITHIN_S)
        except TimeoutError:
            return None
        finally:
            self._waiters.discard(waiter)

    def _answer(self, unit: Unit | None) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(unit)

    def _aged(self, unit: Unit | None) -> Picture | None:
        if unit is None:
            return None
        age_ms = max(0, self._clock.mono_ms() - unit.mono_ms)
        return Picture(jpeg=unit.payload, age_ms=age_ms, mono_ms=unit.mono_ms)

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()


def read_config(payload: bytes) -> JsonObject:
    """Return the camera's words about its stream as a page gets them. Raises `ValueError` where they are none."""
    config = json.loads(payload)
    if not isinstance(config, dict):
        raise ValueError("the camera's configuration is no object")  # noqa: TRY004 - what it sent, not our types
    return {"type": "config", **config}


def told(reason: str) -> JsonObject:
    """Return the message that there is no picture."""
    return {"type": "no_picture", "reason": reason}
