"""Pictures over HTTP and WebSocket (contracts: GET /camera/…). Their age is always honest."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from api.live_queue import DELTA, JPEG, KEY, MOST_WAITING_BYTES
from api.media import TO_PAGE, read_picture
from api.sight import FRESH_MS, Sight
from camera.live import LiveServer
from camera.source import AccessUnit, Stream
from gate.model import JsonObject, Role
from tests.api.conftest import FakeClock, Served, key, settings_in
from tests.fakes import wait_until

SNAPSHOT = "/api/v1/camera/snapshot.jpg"
LIVE = "/api/v1/camera/live"
CONFIG = {"codec": "avc1.42E01E", "width": 640, "height": 360, "fps": 50.0}
EVERY_S = 0.02


def put_picture(folder: Path, jpeg: bytes = b"\xff\xd8one", age_s: float = 0.1) -> None:
    """Put the newest picture in its place as the camera does."""
    new = folder / "snapshot.jpg.new"
    new.write_bytes(jpeg)
    stamp = time.monotonic_ns() - int(age_s * 1e9)
    os.utime(new, ns=(stamp, stamp))
    new.replace(folder / "snapshot.jpg")


class Camera:
    """The camera's real live socket in a thread, fed with made-up pictures: unit n holds its number again and again."""

    def __init__(self, folder: Path, *, size: int = 400, group: int = 10, every_s: float = EVERY_S) -> None:
        self._path = folder / "live.sock"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._size, self._group, self._every_s = size, group, every_s
        self.age_s = 0.04
        self.still = False
        self.number = 0
        self.keys_asked = 0
        self.watched: list[bool] = []

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._done = asyncio.Event()
        server = LiveServer(self._path, ask_key=self._ask_key, watched=self.watched.append)
        await server.start()
        server.stream(Stream(**CONFIG))  # type: ignore[arg-type] # the same four
        self._ready.set()
        forced = 0
        while not self._done.is_set():
            if not self.still:
                at_s = time.monotonic() - self.age_s
                data = struct.pack("!I", self.number) * (self._size // 4)
                is_key = self.number % self._group == 0 or forced != self.keys_asked
                forced = self.keys_asked
                server.unit(AccessUnit(data=data, at_s=at_s, decode_s=at_s, key=is_key))
                server.picture(time.monotonic(), at_s, lambda: b"\xff\xd8" + struct.pack("!I", self.number))
                self.number += 1
            await asyncio.sleep(self._every_s)
        await server.stop()

    def _ask_key(self) -> None:
        self.keys_asked += 1


@contextlib.contextmanager
def live(
    served: Served, client: httpx.Client, query: str = "", origin: str | None = None
) -> Iterator[ClientConnection]:
    url = served.base.replace("http", "ws") + LIVE + query
    cookie = {"Cookie": f"antt={client.cookies['antt']}"}
    with connect(url, additional_headers=cookie, origin=origin, max_queue=None) as socket:  # type: ignore[arg-type] # any text
        yield socket


def hear_out(socket: ClientConnection) -> None:
    """Read until the end."""
    with contextlib.suppress(ConnectionClosed):
        while socket.recv(5):
            pass


def test_the_newest_picture_comes_with_its_age(served: Served, operator: httpx.Client) -> None:
    """X-Frame-Age-Ms, and never from a cache."""
    put_picture(served.settings.storage.state_dir, age_s=0.3)
    answer = operator.get(SNAPSHOT)
    assert (answer.status_code, answer.content) == (200, b"\xff\xd8one")
    assert 300 <= int(answer.headers["X-Frame-Age-Ms"]) < 1500
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "image/jpeg"


def test_an_old_picture_is_not_shown(served: Served, operator: httpx.Client) -> None:
    """Above a second it proves nothing: 503 with its age, whether the camera is away or sends only old ones."""
    folder = served.settings.storage.state_dir
    put_picture(folder, age_s=60)
    answer = operator.get(SNAPSHOT)
    assert (answer.status_code, answer.json()["code"]) == (503, "picture_stale")
    assert answer.json()["age_ms"] >= 60_000
    with Camera(folder) as camera:
        camera.age_s = 5.0
        assert operator.get(SNAPSHOT).json()["code"] == "picture_stale"


def test_where_the_newest_picture_is_old_the_next_one_is_waited_for(served: Served, operator: httpx.Client) -> None:
    """A camera of one frame a second: whoever asks gets a fresh one, a moment later; and then more of them soon."""
    folder = served.settings.storage.state_dir
    put_picture(folder, age_s=1.5)
    with Camera(folder):
        shown = [operator.get(SNAPSHOT) for _ in range(3)]
        assert [answer.status_code for answer in shown] == [200] * 3
        assert all(answer.content[:2] == b"\xff\xd8" and answer.content != b"\xff\xd8one" for answer in shown)
        assert all(39 <= int(answer.headers["X-Frame-Age-Ms"]) <= 1000 for answer in shown)


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


def config_of(socket: ClientConnection) -> dict[str, object]:
    """Read the configuration. The story before may have left the page's process believing that no camera is there."""
    told: dict[str, object] = json.loads(socket.recv(5))
    return told if told["type"] == "config" else config_of(socket)


def unit_of(message: str | bytes) -> tuple[int, int, int, int]:
    """Return kind, age in ms, capture time in ms and number of a unit."""
    assert isinstance(message, bytes)
    kind, age_ms, mono_ms = TO_PAGE.unpack_from(message)
    return kind, age_ms, mono_ms, int.from_bytes(message[13:17])


def test_live_units_are_relayed_with_their_age(served: Served, operator: httpx.Client) -> None:
    """The configuration first, then a key unit, then deltas without a gap; binary header as documented."""
    with Camera(served.settings.storage.state_dir) as camera, live(served, operator) as socket:
        assert config_of(socket) == {"type": "config", **CONFIG}
        units = [unit_of(socket.recv(5)) for _ in range(12)]
        assert units[0][0] == KEY
        assert [number for *_, number in units] == list(range(units[0][3], units[0][3] + 12))
        assert {kind for kind, *_ in units} == {KEY, DELTA}
        assert all(camera.age_s * 1000 - 1 <= age_ms < 5000 for _, age_ms, *_ in units)
        assert all(abs(time.monotonic_ns() // 1_000_000 - mono_ms) < 5000 for *_, mono_ms, _ in units)


def test_pages_share_one_connection_and_each_begins_at_a_key_picture(served: Served, operator: httpx.Client) -> None:
    """Whoever joins late in a long group has one forced; the camera is left in peace when all have gone."""
    with Camera(served.settings.storage.state_dir, group=10_000) as camera:
        with live(served, operator) as first:
            config_of(first)
            _, _, _, begun = unit_of(first.recv(5))
            wait_until(lambda: camera.number > begun + 30)
            asked = camera.keys_asked
            with live(served, operator) as second:
                assert json.loads(second.recv(5))["type"] == "config"
                kind, _, _, number = unit_of(second.recv(5))
                assert (kind, camera.keys_asked) == (KEY, asked + 1)
                assert number > begun + 30
                assert camera.watched == [True]
        wait_until(lambda: camera.watched == [True, False], what="nobody watching")


def test_a_camera_that_comes_late_or_comes_back_is_shown(served: Served, operator: httpx.Client) -> None:
    """The page is told that there is no picture, keeps its socket, and goes on by itself."""
    folder = served.settings.storage.state_dir
    with live(served, operator) as socket:
        assert json.loads(socket.recv(5))["type"] == "no_picture"
        for _ in range(2):
            with Camera(folder):
                assert json.loads(socket.recv(5)) == {"type": "config", **CONFIG}
                assert isinstance(socket.recv(5), bytes)
            while isinstance(message := socket.recv(5), bytes):
                pass
            assert json.loads(message)["type"] == "no_picture"


def test_pictures_can_be_had_instead_of_video(served: Served, operator: httpx.Client) -> None:
    """`?format=jpeg&fps=`: as many as asked for, each with its age; another rate, or video, by a message."""
    with Camera(served.settings.storage.state_dir) as camera, live(served, operator, "?format=jpeg&fps=10") as socket:
        while isinstance(socket.recv(5), str):
            pass
        began = time.monotonic()
        shown = [unit_of(socket.recv(5)) for _ in range(6)]
        assert 0.3 < time.monotonic() - began < 2.0
        assert {kind for kind, *_ in shown} == {JPEG}
        assert camera.watched == []
        socket.send(json.dumps({"format": "h264"}))
        while isinstance(message := socket.recv(5), bytes):
            assert message[0] == JPEG
        assert json.loads(message)["type"] == "config"
        assert unit_of(socket.recv(5))[0] == KEY
        socket.send(json.dumps({"format": "jpeg", "fps": 0.2}))
        while (message := socket.recv(5))[0] != JPEG:
            pass
        with pytest.raises(TimeoutError):
            socket.recv(0.4)


@pytest.mark.parametrize("query", ["?format=jpeg&fps=11", "?format=jpeg&fps=0.1", "?format=gif", "?fps=nan"])
def test_another_rate_than_those_offered_is_refused(served: Served, operator: httpx.Client, query: str) -> None:
    """0.2 to 10 a second; in the address the handshake is refused."""
    with pytest.raises(InvalidStatus), live(served, operator, query):
        pass


@pytest.mark.parametrize("said", ["{", "[]", '{"fps": 100}', '{"format": 1}', '{"more": 1}', b"\x00\xff"])
def test_what_a_page_says_is_understood_or_the_socket_is_closed(
    served: Served, operator: httpx.Client, said: str | bytes
) -> None:
    """4400, and no error of ours."""
    with live(served, operator) as socket:
        socket.send(said)
        hear_out(socket)
    assert socket.close_code == 4400


@pytest.fixture
def house_of_three(tmp_path: Path) -> Iterator[Served]:
    """Serve an application that lets three pages watch."""
    page = Served(settings=settings_in(tmp_path, "api.max_viewers=3"))
    page.start()
    yield page
    page.stop()


def test_one_page_too_many_is_told_so_and_the_others_go_on(house_of_three: Served) -> None:
    """A problem in words, then close code 4429; a phone's own forgotten page gives way before it is refused."""
    served = house_of_three
    with Camera(served.settings.storage.state_dir), contextlib.ExitStack() as stack:
        people = [served.person(Role.VIEWER, name=f"nguoi{number}") for number in range(4)]
        sockets = [stack.enter_context(live(served, person)) for person in people[:3]]
        with live(served, people[3]) as refused:
            assert json.loads(refused.recv(5))["code"] == "too_many_viewers"
            with pytest.raises(ConnectionClosed):
                refused.recv(5)
        assert (refused.close_code, refused.close_reason) == (4429, "too_many_viewers")
        again = stack.enter_context(live(served, people[0]))
        hear_out(sockets[0])
        assert sockets[0].close_code == 4408
        for socket in (again, *sockets[1:]):
            assert json.loads(socket.recv(5))["type"] == "config"
            assert unit_of(socket.recv(5))[0] == KEY


def shake_hands(served: Served, token: str, tls: ssl.SSLContext | None = None) -> socket.socket:
    """Open a live picture through a small buffer and read nothing of it but the answer to the handshake."""
    address = urlsplit(served.base)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(5)
    raw.connect((address.hostname, address.port))
    raw = tls.wrap_socket(raw) if tls else raw
    words = (f"GET {LIVE} HTTP/1.1", f"Host: {address.netloc}", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
             f"Cookie: {'__Host-antt' if tls else 'antt'}={token}")  # fmt: skip
    raw.sendall("\r\n".join([*words, "", ""]).encode())
    assert raw.recv(12) == b"HTTP/1.1 101"
    return raw


def held_below(stuck: socket.socket) -> int:
    """Return how many bytes had been sent to a page that did not read."""
    stuck.settimeout(0.3)
    size = 0
    with contextlib.suppress(TimeoutError):
        while size < 2 * MOST_WAITING_BYTES and (data := stuck.recv(65536)):
            size += len(data)
    return size


def test_a_page_that_never_reads_holds_nobody_and_little(served: Served, operator: httpx.Client) -> None:
    """A megabyte a second for it alone: what waits is bounded, in our queue and below it; the others miss nothing."""
    with Camera(served.settings.storage.state_dir, size=20_000) as camera, contextlib.ExitStack() as stack:
        stuck = stack.enter_context(shake_hands(served, operator.cookies["antt"]))
        socket = stack.enter_context(live(served, operator))
        wait_until(lambda: camera.number > 0)
        config_of(socket)
        numbers = [unit_of(socket.recv(5))[3] for _ in range(70)]
        assert numbers == list(range(numbers[0], numbers[0] + 70)), "1.4 MB, and not one unit is missing"
        waiting = [seat.queue.bytes for seat in served.office.feed._seats]  # type: ignore[attr-defined] # both are Units
        assert max(waiting) <= MOST_WAITING_BYTES
        assert held_below(stuck) < 2 * 65_536, "it answers no ping, so the first unit and perhaps another was sent"


def test_with_tls_no_more_waits_below_us(tmp_path: Path) -> None:
    """Asyncio's TLS has buffers of its own: one page sees every unit, and one that never reads gets but one or two."""
    pem, private = tmp_path / "page.pem", tmp_path / "page.key"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1"
    made = [*words.split(), "-keyout", str(private), "-out", str(pem)]
    subprocess.run(made, check=True, capture_output=True)
    served = Served(settings=settings_in(tmp_path, f'api.tls={{cert_file="{pem}",key_file="{private}"}}'))
    served.start()
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    token = served.person(Role.VIEWER).cookies["antt"]
    with Camera(tmp_path, size=20_000), contextlib.ExitStack() as stack:
        stuck = stack.enter_context(shake_hands(served, token, trusting))
        where, cookie = served.base.replace("http", "wss") + LIVE, {"Cookie": f"__Host-antt={token}"}
        page = stack.enter_context(connect(where, ssl=trusting, additional_headers=cookie, max_queue=None))
        config_of(page)
        numbers = [unit_of(page.recv(5))[3] for _ in range(60)]
        assert numbers == list(range(numbers[0], numbers[0] + 60))
        assert held_below(stuck) < 2 * 65_536
    served.stop()


def test_pages_that_come_and_vanish_leave_nothing_behind(
    served: Served, operator: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Two hundred times, in mid-handshake, half-open and in mid-picture: no place, no error, no lasting stream."""
    address = urlsplit(served.base)
    with Camera(served.settings.storage.state_dir):
        for number in range(200):
            if number % 4 == 0:
                with socket.create_connection((address.hostname, address.port)) as half:
                    half.sendall(f"GET {LIVE} HTTP/1.1\r\nHost: x\r\nUpgrade: webso".encode())
                continue
            with shake_hands(served, operator.cookies["antt"]) as raw:
                if number % 4 == 1:
                    raw.recv(100)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", number % 2, 0))
        wait_until(lambda: len(served.office.streams) == 0 and not served.office.feed._seats, what="an empty house")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_two_hundred_pages_at_once_are_served_as_far_as_they_may(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """Sixteen watch, the others are told; the rest of the house answers meanwhile."""
    people = [served.person(Role.VIEWER, name=f"nguoi{number}") for number in range(8)]
    url = served.base.replace("http", "ws") + LIVE
    seen = {"video": 0, "refused": 0, "gave_way": 0}

    async def look(person: httpx.Client) -> None:
        cookie = {"Cookie": f"antt={person.cookies['antt']}"}
        async with connect_async(url, additional_headers=cookie, max_queue=None) as page:
            with contextlib.suppress(ConnectionClosed):
                while isinstance(await asyncio.wait_for(page.recv(), 10), str):
                    pass
                seen["video"] += 1
                await page.wait_closed()
            seen["refused"] += page.close_code == 4429
            seen["gave_way"] += page.close_code == 4408

    async def crowd() -> None:
        looking = [asyncio.create_task(look(person)) for person in people * 25]
        async with httpx.AsyncClient(base_url=served.base, cookies=people[0].cookies) as asking:
            while seen["refused"] + seen["gave_way"] < 200 - 16 or seen["video"] < 16:
                assert (await asking.get("/api/v1/gate", timeout=5)).status_code == 200
                assert served.office.streams.count("live") <= 16
                await asyncio.sleep(0.05)
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)

    with Camera(served.settings.storage.state_dir, every_s=0.2):
        asyncio.run(asyncio.wait_for(crowd(), 20))
        wait_until(lambda: len(served.office.streams) == 0, what="an empty house")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


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
    with Camera(served.settings.storage.state_dir), live(served, operator) as socket:
        socket.recv(5)
        operator.delete("/api/v1/session")
        hear_out(socket)
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
    with Camera(folder), live(served, viewer_of_live) as socket:
        for _ in range(3):
            socket.recv(5)
        assert close_gate(viewer_of_live) is True


def test_a_picture_that_the_camera_itself_doubts_was_not_seen(served: Served, operator: httpx.Client) -> None:
    """A frozen picture of an empty gateway is fresh by its clock, and a close by it would be blind."""
    folder = served.settings.storage.state_dir
    gate = served.gate
    assert gate

    def seen_with(sight: str | None) -> bool:
        health: JsonObject = {"ok": not sight, "sight": sight}
        gate.say_state(processes={"camera": {"alive": True, "health": health}})
        wait_until(lambda: served.office.live.camera_is_doubted is bool(sight), 5, "the news of the camera")
        put_picture(folder, age_s=0.1)
        operator.get(SNAPSHOT)
        operator.post("/api/v1/gate/commands", json={"command": "close"}, headers=key())
        return served.wishes[-1].sighted

    assert [seen_with(sight) for sight in ("frozen", "", "covered", None)] == [False, True, False, True]


def test_sight_lasts_two_seconds() -> None:
    """Fresh means less than two seconds, twice: of the frame, and since it was sent."""
    sight = Sight()
    sight.delivered("s", FRESH_MS, 0)
    assert not sight.has_seen("s", 0)
    sight.delivered("s", FRESH_MS - 1, 10_000)
    assert sight.has_seen("s", 10_000 + FRESH_MS)
    assert not sight.has_seen("s", 10_001 + FRESH_MS)
    assert not sight.has_seen("other", 10_000)
