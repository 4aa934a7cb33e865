"""Pictures over HTTP and WebSocket (contracts: GET /camera/…). Their age is always honest."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from api.media import DELTA, FROM_CAMERA, JPEG, KEY, TO_PAGE, read_picture
from api.sight import FRESH_MS, Sight
from gate.model import Role
from tests.api.conftest import FakeClock, Served, key

SNAPSHOT = "/api/v1/camera/snapshot.jpg"
LIVE = "/api/v1/camera/live"
CONFIG = {"codec": "avc1.42E01E", "width": 640, "height": 360, "fps": 15.0}


def put_picture(folder: Path, jpeg: bytes = b"\xff\xd8one", age_s: float = 0.1) -> None:
    """Put the newest picture in its place as the camera does."""
    new = folder / "snapshot.jpg.new"
    new.write_bytes(jpeg)
    stamp = time.monotonic_ns() - int(age_s * 1e9)
    os.utime(new, ns=(stamp, stamp))
    new.replace(folder / "snapshot.jpg")


class FakeCamera:
    """The camera's live socket, in a thread: a configuration, then a key unit and deltas for ever."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "live.sock"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self.age_ms = 40
        self.clients = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(5)
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._done = asyncio.Event()
        server = await asyncio.start_unix_server(self._send, self._path)
        self._ready.set()
        await self._done.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # closed transports say goodbye in the next round of the loop

    async def _send(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        config = json.dumps(CONFIG).encode()
        writer.write(FROM_CAMERA.pack(0, 0, len(config)) + config)
        number = 0
        with contextlib.suppress(OSError), contextlib.closing(writer):
            while True:
                payload = struct.pack("!I", number) * 100
                taken_mono_ms = time.monotonic_ns() // 1_000_000 - self.age_ms
                kind = DELTA if number % 10 else KEY
                writer.write(FROM_CAMERA.pack(kind, taken_mono_ms, len(payload)) + payload)
                await writer.drain()
                number += 1
                await asyncio.sleep(0.02)


@contextlib.contextmanager
def live(
    served: Served, client: httpx.Client, query: str = "", origin: str | None = None
) -> Iterator[ClientConnection]:
    url = served.base.replace("http", "ws") + LIVE + query
    cookie = {"Cookie": f"antt={client.cookies['antt']}"}
    with connect(url, additional_headers=cookie, origin=origin) as socket:  # type: ignore[arg-type] # any text
        yield socket


def test_the_newest_picture_comes_with_its_age(served: Served, operator: httpx.Client) -> None:
    """X-Frame-Age-Ms, and never from a cache."""
    put_picture(served.settings.storage.state_dir, age_s=0.3)
    answer = operator.get(SNAPSHOT)
    assert (answer.status_code, answer.content) == (200, b"\xff\xd8one")
    assert 300 <= int(answer.headers["X-Frame-Age-Ms"]) < 1500
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "image/jpeg"


def test_a_stale_picture_says_how_old_it_is(served: Served, operator: httpx.Client) -> None:
    """The camera hangs: the last picture is still sent, and its age grows."""
    put_picture(served.settings.storage.state_dir, age_s=60)
    assert int(operator.get(SNAPSHOT).headers["X-Frame-Age-Ms"]) >= 60_000


def test_a_picture_of_an_earlier_boot_is_never_fresh(tmp_path: Path) -> None:
    """Its monotonic stamp means nothing now: the wall time at which it was put there bounds its age."""
    put_picture(tmp_path, age_s=1.0)
    later = FakeClock(ahead_s=3600.0).clock()
    rebooted = type(later)(wall_s=later.wall_s, mono_ns=time.monotonic_ns)
    found = read_picture(tmp_path / "snapshot.jpg", rebooted)
    assert found
    assert found.age_ms >= 3_600_000
    put_picture(tmp_path, age_s=-1000.0)
    assert read_picture(tmp_path / "snapshot.jpg", rebooted) is None


def test_without_a_picture_there_is_a_problem(served: Served, operator: httpx.Client) -> None:
    """503 no_picture, also when somebody deleted it; the next one is shown by itself."""
    folder = served.settings.storage.state_dir
    for _ in range(2):
        answer = operator.get(SNAPSHOT)
        assert (answer.status_code, answer.json()["code"]) == (503, "no_picture")
        put_picture(folder)
        assert operator.get(SNAPSHOT).status_code == 200
        (folder / "snapshot.jpg").unlink()


def test_live_units_are_relayed_with_their_age(served: Served, operator: httpx.Client) -> None:
    """The configuration first, then a key unit, then deltas; binary header as documented."""
    with FakeCamera(served.settings.storage.state_dir) as camera, live(served, operator) as socket:
        assert json.loads(socket.recv(5)) == {"type": "config", **CONFIG}
        kinds = []
        for number in range(12):
            message = socket.recv(5)
            assert isinstance(message, bytes)
            kind, age_ms, mono_ms = TO_PAGE.unpack_from(message)
            assert TO_PAGE.size == 13
            assert message[13:] == struct.pack("!I", number) * 100
            assert camera.age_ms <= age_ms < 5000
            assert abs(time.monotonic_ns() // 1_000_000 - mono_ms) < 5000
            kinds.append(kind)
        assert kinds == [KEY, *[DELTA] * 9, KEY, DELTA]


def test_a_camera_that_comes_late_or_comes_back_is_shown(served: Served, operator: httpx.Client) -> None:
    """The page is told that there is no picture, keeps its socket, and goes on by itself."""
    folder = served.settings.storage.state_dir
    with live(served, operator) as socket:
        assert json.loads(socket.recv(5))["type"] == "no_picture"
        for _ in range(2):
            with FakeCamera(folder):
                assert json.loads(socket.recv(5)) == {"type": "config", **CONFIG}
                assert isinstance(socket.recv(5), bytes)
            while isinstance(message := socket.recv(5), bytes):
                pass
            assert json.loads(message)["type"] == "no_picture"


def test_pictures_can_be_had_instead_of_video(served: Served, operator: httpx.Client) -> None:
    """`?format=jpeg`: each new picture once."""
    folder = served.settings.storage.state_dir
    put_picture(folder, b"\xff\xd8one")
    with live(served, operator, "?format=jpeg") as socket:
        first = socket.recv(5)
        put_picture(folder, b"\xff\xd8two")
        second = socket.recv(5)
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    assert (first[0], first[13:], second[0], second[13:]) == (JPEG, b"\xff\xd8one", JPEG, b"\xff\xd8two")


def test_another_sites_page_sees_nothing(
    served: Served, operator: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Origin is checked in the handshake; the gate's own is let through. A refusal is no error of ours in the log."""
    with pytest.raises(InvalidStatus) as refused, live(served, operator, origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403
    with live(served, operator, origin=served.base) as socket:
        assert socket.recv(5)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_revoked_phone_stops_seeing(served: Served, operator: httpx.Client) -> None:
    """Signing out ends the live picture with a code that the page knows."""
    with FakeCamera(served.settings.storage.state_dir), live(served, operator) as socket:
        socket.recv(5)
        operator.delete("/api/v1/session")
        with contextlib.suppress(ConnectionClosed):
            while socket.recv(5):
                pass
    assert socket.close_code == 4401


def test_a_close_is_sighted_when_the_officer_was_just_shown_the_gate(served: Served, operator: httpx.Client) -> None:
    """Safety, remote close: a frame < 2 s old delivered to this session ≤ 2 s ago, or the officer says so."""
    folder = served.settings.storage.state_dir

    def close_gate(client: httpx.Client, **more: bool) -> bool:
        client.post("/api/v1/gate/commands", json={"command": "close", **more}, headers=key())
        return served.wishes[-1].sighted

    assert close_gate(operator) is False
    assert close_gate(operator, sighted=True) is True
    put_picture(folder, age_s=5.0)
    operator.get(SNAPSHOT)
    assert close_gate(operator) is False
    put_picture(folder, age_s=0.1)
    operator.get(SNAPSHOT)
    assert close_gate(operator) is True
    assert close_gate(operator, sighted=False) is False, "who says 'I do not see it' is believed"
    viewer_of_live = served.person(Role.OPERATOR, name="huy")
    assert close_gate(viewer_of_live) is False
    with FakeCamera(folder), live(served, viewer_of_live) as socket:
        for _ in range(3):
            socket.recv(5)
        assert close_gate(viewer_of_live) is True


def test_sight_lasts_two_seconds() -> None:
    """Fresh means less than two seconds, twice: of the frame, and since it was sent."""
    sight = Sight()
    sight.delivered("s", FRESH_MS, 0)
    assert not sight.has_seen("s", 0)
    sight.delivered("s", FRESH_MS - 1, 10_000)
    assert sight.has_seen("s", 10_000 + FRESH_MS)
    assert not sight.has_seen("s", 10_001 + FRESH_MS)
    assert not sight.has_seen("other", 10_000)
