"""The live picture on its socket, and the newest frame as a file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.live import CONFIG, DELTA, HEADER, JPEG, KEY, MOST_CONNECTIONS, LiveServer, Snapshot
from camera.source import AccessUnit, Frame, Picture, Stream
from camera.viewers import (
    MOST_WAITING_BYTES,
    MOST_WAITING_S,
    PATIENCE_S,
    Message,
    Viewer,
    Wish,
    read_wish,
)

STREAM = Stream(codec="avc1.64001f", width=1280, height=720, fps=15.0)
Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def unit(number: int, *, key: bool = False, size: int = 100) -> AccessUnit:
    """Return a made-up access unit at `number` tenths of a second."""
    return AccessUnit(data=bytes([number % 256]) * size, at_s=number / 10, decode_s=number / 10, key=key)


class Served:
    """A live server, what it asked of its source, and those who are connected."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "live.sock"
        self.keys = 0
        self.watched: list[bool] = []
        self.server = LiveServer(self.path, ask_key=self._ask_key, watched=self.watched.append)

    def _ask_key(self) -> None:
        self.keys += 1

    async def connect(self, **wish: object) -> Link:
        """Connect, and ask for something."""
        reader, writer = await asyncio.open_unix_connection(self.path)
        writer.write(json.dumps(wish).encode() + b"\n")
        return reader, writer


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    """Serve while the block runs."""
    served = Served(folder)
    await served.server.start()
    try:
        yield served
    finally:
        await served.server.stop()
        assert not served.path.exists()


def tell(story: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(story())


async def message(link: Link) -> tuple[int, int, bytes]:
    """Read one message: kind, monotonic ms, payload."""
    kind, at_ms, length = HEADER.unpack(await asyncio.wait_for(link[0].readexactly(HEADER.size), 5))
    return kind, at_ms, await link[0].readexactly(length)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the event loop is about to do."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def test_a_viewer_gets_the_configuration_then_the_newest_group_then_what_comes(tmp_path: Path) -> None:
    """Whoever joins while the newest key picture is young begins there; no other one is asked for."""

    async def story() -> None:
        async with serving(tmp_path) as served:
            served.server.stream(STREAM)
            for number in range(13):
                served.server.unit(unit(number, key=number % 10 == 0))
            link = await served.connect(pages=3)
            kind, _, payload = await message(link)
            assert kind == CONFIG
            assert json.loads(payload) == {"codec": "avc1.64001f", "width": 1280, "height": 720, "fps": 15.0}
            assert [(await message(link))[:2] for _ in range(3)] == [(KEY, 1000), (DELTA, 1100), (DELTA, 1200)]
            served.server.unit(unit(13))
            assert (await message(link))[:2] == (DELTA, 1300)
            assert (served.server.viewers, served.keys) == (3, 0)
            link[1].close()

    tell(story)


def test_a_key_picture_is_forced_for_whoever_joins_late_in_a_group(tmp_path: Path) -> None:
    """The stream begins at the forced one, not with seconds of what has been."""

    async def story() -> None:
        async with serving(tmp_path) as served:
            served.server.stream(STREAM)
            served.server.unit(unit(0, key=True))
            await asyncio.sleep(0.35)
            served.server.unit(unit(4))
            links = [await served.connect(pages=1) for _ in range(3)]
            await until(lambda: served.keys == 1 and served.server.viewers == 3)
            served.server.unit(unit(5))
            served.server.unit(unit(6, key=True))
            for link in links:
                assert [(await message(link))[:2] for _ in range(2)][1] == (KEY, 600)
                link[1].close()
            assert served.keys == 1, "one key picture serves all who joined at the same time"

    tell(story)


def test_where_no_key_picture_can_be_forced_the_newest_group_is_shown_after_all(tmp_path: Path) -> None:
    """A copied stream with ten seconds between key pictures: nobody looks at nothing for so long."""

    async def story() -> None:
        async with serving(tmp_path) as served:
            served.server.stream(STREAM)
            served.server.unit(unit(0, key=True))
            await asyncio.sleep(0.31)
            served.server.unit(unit(3))
            link = await served.connect(pages=1)
            assert (await message(link))[0] == CONFIG
            await asyncio.sleep(PATIENCE_S + 0.01)
            served.server.unit(unit(7))
            assert [(await message(link))[:2] for _ in range(3)] == [(KEY, 0), (DELTA, 300), (DELTA, 700)]
            link[1].close()

    tell(story)


def test_a_picture_that_begins_anew_is_announced(tmp_path: Path) -> None:
    """After every change the configuration comes again, then a key picture."""

    async def story() -> None:
        async with serving(tmp_path) as served:
            served.server.stream(STREAM)
            link = await served.connect(pages=1)
            assert (await message(link))[0] == CONFIG
            served.server.unit(unit(0, key=True))
            assert (await message(link))[0] == KEY
            served.server.stream(Stream(codec="avc1.42e01f", width=640, height=360, fps=10.0))
            served.server.unit(unit(1))
            served.server.unit(unit(2, key=True))
            assert [(await message(link))[0] for _ in range(2)] == [CONFIG, KEY]
            link[1].close()

    tell(story)


def test_the_encoder_is_needed_only_while_somebody_watches(tmp_path: Path) -> None:
    """Said when the first page begins and when the last has gone; pictures alone need none, nor does a silent one."""

    async def story() -> None:
        async with serving(tmp_path) as served:
            silent = await asyncio.open_unix_connection(served.path)
            still = await served.connect(jpeg_fps=2)
            first, second = await served.connect(pages=1), await served.connect(pages=4)
            await until(lambda: served.server.viewers == 5)
            assert served.watched == [True]
            first[1].close()
            await until(lambda: served.server.viewers == 4)
            second[1].write(b'{"pages": 0}\n')
            await until(lambda: served.server.viewers == 0)
            assert served.watched == [True, False]
            for link in (silent, still, second):
                link[1].close()

    tell(story)


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\r\n", b"\x00\xff\xfe\n", b"[]\n", b'{"pages": -1}\n', b'{"pages": true}\n', b'{"jpeg_fps": 50}\n',
     b'{"jpeg_fps": NaN}\n', b'{"bytes": 1}\n', b"[" * 600, b"9" * 511 + b"\n"],
)  # fmt: skip
def test_garbage_is_hung_up_on_and_hurts_nobody(tmp_path: Path, sent: bytes) -> None:
    """Whatever is sent to the socket: the others go on."""

    async def story() -> None:
        async with serving(tmp_path) as served:
            link = await served.connect(pages=1)
            odd = await asyncio.open_unix_connection(served.path)
            odd[1].write(sent)
            assert await asyncio.wait_for(odd[0].read(), 5) == b""
            odd[1].close()
            served.server.unit(unit(0, key=True))
            assert (await message(link))[0] == KEY
            link[1].close()

    tell(story)


def test_viewers_that_come_and_vanish_leave_nothing_behind(tmp_path: Path) -> None:
    """Two hundred of them; a few too many at once are hung up on."""

    async def story() -> None:
        async with serving(tmp_path) as served:
            served.server.stream(STREAM)
            for number in range(200):
                link = await served.connect(pages=1)
                if number % 2:
                    await message(link)
                link[1].transport.abort()
            await until(lambda: not served.server._tasks)
            assert served.server.viewers == 0
            crowd = [await served.connect(pages=1) for _ in range(MOST_CONNECTIONS + 2)]
            await until(lambda: served.server.viewers == MOST_CONNECTIONS)
            for _, writer in crowd:
                writer.close()

    tell(story)


def test_a_process_that_never_reads_costs_a_bounded_queue_and_the_others_nothing(tmp_path: Path) -> None:
    """The page's process hangs: its queue stays small, the next viewer sees everything at once."""

    async def story() -> None:
        async with serving(tmp_path) as served:
            stuck, link = await served.connect(pages=9), await served.connect(pages=1)
            await until(lambda: served.server.viewers == 10)
            for number in range(600):
                served.server.unit(unit(number, key=number % 15 == 0, size=20_000))
                if number % 2 == 0:
                    await asyncio.sleep(0)
            waiting = {viewer.wish.pages: viewer for viewer in served.server._viewers}
            assert waiting[9].bytes <= MOST_WAITING_BYTES
            served.server.unit(unit(600, key=True, size=1000))
            while (await message(link))[1] != 60_000:
                pass
            for _, writer in (stuck, link):
                writer.close()

    tell(story)


# --- what waits for one of them ---------------------------------------------------------------------------------------


def waiting(number: int, *, key: bool = False, size: int = 100) -> Message:
    """Return what came at `number` tenths of a second."""
    return Message(data=bytes([number % 256]) * size, key=key, came_s=number / 10)


def watching(*, from_s: float = 0.0) -> Viewer:
    """Return somebody who has just begun to watch."""
    viewer = Viewer()
    viewer.ask(Wish(pages=1), from_s)
    return viewer


def numbers(viewer: Viewer, now_s: float) -> list[int]:
    """Take all that waits."""
    return [data[0] for data in iter(lambda: viewer.take(now_s), None)]


def test_a_slow_viewer_goes_on_at_the_newest_key_picture() -> None:
    """By age: what has waited too long is dropped up to the newest key picture, and nothing after it."""
    viewer = watching()
    for number in range(26):
        viewer.offer(waiting(number, key=number % 10 == 0), [])
    assert numbers(viewer, 2.5) == [20, 21, 22, 23, 24, 25]
    for number in range(26, 29):
        viewer.offer(waiting(number, key=number % 10 == 0), [])
    assert numbers(viewer, 2.6 + MOST_WAITING_S) == [26, 27, 28], "no newer one waits: what can be decoded is sent"


def test_whoever_falls_behind_within_a_group_asks_for_a_key_picture() -> None:
    """And does not ask as long as it keeps up, or when a newer one waits already."""
    viewer = watching()
    assert viewer.starved(0.0)
    viewer.offer(waiting(0, key=True), [])
    for number in range(1, 9):
        assert not viewer.starved((number - 1) / 10)
        viewer.offer(waiting(number), [])
    assert viewer.starved(0.8)
    viewer.offer(waiting(9, key=True), [])
    assert not viewer.starved(0.9)
    assert numbers(viewer, 0.9) == [9]


def test_a_queue_is_bounded_in_bytes_and_shares_what_waits() -> None:
    """A thousand units that nobody takes; every queue holds the same bytes, not its own."""
    one, other = watching(), watching()
    for number in range(1010):
        message_ = waiting(number, key=number % 50 == 0, size=10_000)
        one.offer(message_, [])
        other.offer(message_, [])
        assert one.bytes <= MOST_WAITING_BYTES
        assert one.bytes == sum(len(left.data) for left in one._waiting)
    assert one._waiting[0].key
    assert all(mine.data is its.data for mine, its in zip(one._waiting, other._waiting, strict=True))


def test_a_wish_is_read_whole_or_not_at_all() -> None:
    """Rates within 0.2 to 10; what is not said is not wanted."""
    assert read_wish(b'{"pages": 2, "key": true}') == Wish(pages=2, key=True)
    assert read_wish(b'{"jpeg_fps": 0.2}') == Wish(jpeg_fps=0.2)
    for odd in (b'{"jpeg_fps": 0.1}', b'{"jpeg_fps": 11}', b'{"jpeg_fps": "2"}', b'{"key": 1}', b"{", b"null"):
        with pytest.raises(ValueError, match=r".*"):
            read_wish(odd)


# --- JPEGs ------------------------------------------------------------------------------------------------------------


def frame_at(at_s: float, drawn: list[float] | None = None) -> Frame:
    """Return a frame that notes when it is drawn."""

    def draw() -> Picture:
        if drawn is not None:
            drawn.append(at_s)
        return np.full((540, 960, 3), 90, np.uint8)

    return Frame(np.zeros((180, 320), np.uint8), at_s, draw)


def test_the_snapshot_is_whole_and_carries_its_monotonic_time(tmp_path: Path) -> None:
    """Any process can tell the age of the picture: its mtime is CLOCK_MONOTONIC."""
    snapshot = Snapshot(tmp_path / "snapshot.jpg")
    at_s = time.monotonic()
    snapshot.show(frame_at(at_s), at_s)
    path = tmp_path / "snapshot.jpg"
    assert path.stat().st_mtime_ns == pytest.approx(at_s * 1e9, abs=2000)
    picture = cv2.imread(str(path))
    assert picture is not None
    assert picture.shape == (540, 960, 3)
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.jpg"]


@pytest.mark.parametrize("fps", [1, 2, 5, 15, 30])
def test_the_snapshot_is_fresh_at_any_rate_and_no_frame_is_encoded_for_nothing(tmp_path: Path, fps: int) -> None:
    """Never older than half a second beside the source's own pace; thirty frames a second are not thirty files."""
    snapshot = Snapshot(tmp_path / "snapshot.jpg")
    drawn: list[float] = []
    for number in range(4 * fps):
        at_s = 100 + number / fps
        snapshot.show(frame_at(at_s, drawn), at_s)
        assert at_s - drawn[-1] <= 0.5
    assert len(drawn) <= 11


def test_jpegs_come_at_the_rate_that_was_asked_for_and_are_encoded_once(tmp_path: Path) -> None:
    """Two who want two a second and one who wants five: one encoding a frame, shared."""

    async def story() -> None:
        async with serving(tmp_path) as served:
            links = [await served.connect(jpeg_fps=fps) for fps in (2, 2, 5)]
            await until(lambda: sum(bool(viewer.wish.jpeg_fps) for viewer in served.server._viewers) == 3)
            snapshot, drawn = Snapshot(tmp_path / "snapshot.jpg", served.server), list[float]()
            got: list[list[int]] = [[], [], []]
            for number in range(11):
                at_s = 100 + number / 5
                snapshot.show(frame_at(at_s, drawn), at_s)
                for link, heard in zip(links, got, strict=True):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.02):
                            kind, at_ms, jpeg = await message(link)
                            heard.append(at_ms)
                            assert (kind, jpeg[:2]) == (JPEG, b"\xff\xd8")
            assert len(drawn) == len(set(drawn)) == 11
            assert [len(heard) for heard in got] == [5, 5, 11]
            assert got[0] == got[1]
            for _, writer in links:
                writer.close()

    tell(story)
