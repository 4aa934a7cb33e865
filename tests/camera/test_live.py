"""The live picture on its socket, and the newest frame as a file."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.live import CONFIG, DELTA, HEADER, KEY, MOST_WAITING_BYTES, LiveServer, Snapshot, Viewer
from camera.source import AccessUnit, Frame, Picture, Stream
from tests.fakes import wait_until

STREAM = Stream(codec="avc1.64001f", width=1280, height=720, fps=15.0)


def unit(number: int, *, key: bool = False, size: int = 100) -> AccessUnit:
    """Return a made-up access unit at `number` tenths of a second."""
    return AccessUnit(data=bytes([number % 256]) * size, at_s=number / 10, decode_s=number / 10, key=key)


async def message(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """Read one message: flags, monotonic ms, payload."""
    flags, at_ms, length = HEADER.unpack(await asyncio.wait_for(reader.readexactly(HEADER.size), 5))
    return flags, at_ms, await reader.readexactly(length)


def test_a_viewer_gets_the_configuration_then_the_newest_group_then_what_comes(tmp_path: Path) -> None:
    """Whoever joins sees a picture at once, from the newest key picture on."""

    async def story() -> None:
        server = LiveServer(tmp_path / "live.sock")
        await server.start()
        server.stream(STREAM)
        for number in range(25):
            server.unit(unit(number, key=number % 10 == 0))
        reader, writer = await asyncio.open_unix_connection(tmp_path / "live.sock")
        flags, _, payload = await message(reader)
        assert flags == CONFIG
        assert json.loads(payload) == {"codec": "avc1.64001f", "width": 1280, "height": 720, "fps": 15.0}
        assert (await message(reader))[:2] == (KEY, 2000)
        assert [(await message(reader))[:2] for _ in range(4)] == [(DELTA, ms) for ms in (2100, 2200, 2300, 2400)]
        server.unit(unit(25))
        assert (await message(reader))[:2] == (DELTA, 2500)
        assert server.viewers == 1
        writer.close()
        await server.stop()
        assert not (tmp_path / "live.sock").exists()

    asyncio.run(story())


def test_a_picture_that_begins_anew_is_announced(tmp_path: Path) -> None:
    """After every change the configuration comes again, then a key picture."""

    async def story() -> None:
        server = LiveServer(tmp_path / "live.sock")
        await server.start()
        server.stream(STREAM)
        reader, writer = await asyncio.open_unix_connection(tmp_path / "live.sock")
        assert (await message(reader))[0] == CONFIG
        server.unit(unit(0, key=True))
        server.stream(Stream(codec="avc1.42e01f", width=640, height=360, fps=10.0))
        server.unit(unit(1))
        server.unit(unit(2, key=True))
        assert [(await message(reader))[0] for _ in range(3)] == [KEY, CONFIG, KEY]
        writer.close()
        await server.stop()

    asyncio.run(story())


def test_a_slow_viewer_falls_to_the_next_key_picture_and_its_queue_stays_small() -> None:
    """One phone in a dead spot must not cost memory, nor the others anything."""
    viewer = Viewer()
    viewer.put(b"\x00config")
    for number in range(2010):
        viewer.offer(bytes([KEY if number % 50 == 0 else DELTA]) + bytes(9999), key=number % 50 == 0)
        assert viewer.bytes <= MOST_WAITING_BYTES
        assert viewer.bytes == sum(len(waiting) for waiting in viewer.waiting)
    pictures = [waiting[0] for waiting in viewer.waiting if waiting[0] != CONFIG]
    assert pictures[0] == KEY
    assert viewer.waiting[0][0] == CONFIG


def test_a_viewer_that_hangs_up_is_forgotten(tmp_path: Path) -> None:
    """Phones come and go all day."""

    async def story() -> None:
        server = LiveServer(tmp_path / "live.sock")
        await server.start()
        server.stream(STREAM)
        for _ in range(3):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "live.sock")
            await message(reader)
            writer.close()
        await asyncio.to_thread(wait_until, lambda: server.viewers == 0, 5.0, "an empty room")
        assert server.viewers == 0
        await server.stop()

    asyncio.run(story())


def test_the_snapshot_is_whole_and_carries_its_monotonic_time(tmp_path: Path) -> None:
    """Any process can tell the age of the picture: its mtime is CLOCK_MONOTONIC."""
    snapshot = Snapshot(tmp_path / "snapshot.jpg")
    at_s = time.monotonic()
    frame = Frame(np.zeros((180, 320), np.uint8), at_s, lambda: np.full((540, 960, 3), 90, np.uint8))
    snapshot.show(frame, at_s)
    path = tmp_path / "snapshot.jpg"
    assert path.stat().st_mtime_ns == pytest.approx(at_s * 1e9, abs=2000)
    picture = cv2.imread(str(path))
    assert picture is not None
    assert picture.shape == (540, 960, 3)
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.jpg"]


def test_snapshots_are_written_about_five_times_a_second(tmp_path: Path) -> None:
    """Thirty frames a second do not become thirty files."""
    snapshot = Snapshot(tmp_path / "snapshot.jpg")
    drawn: list[float] = []
    picture = np.zeros((90, 160, 3), np.uint8)
    for number in range(60):
        at_s = 100 + number / 30

        def draw(at_s: float = at_s) -> Picture:
            drawn.append(at_s)
            return picture

        snapshot.show(Frame(picture[..., 0], at_s, draw), at_s)
    assert 9 <= len(drawn) <= 13
