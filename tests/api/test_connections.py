"""Connections: none waits for ever, no crowd of them keeps an officer out (api/connections.py)."""

from __future__ import annotations

import contextlib
import resource
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api.connections import MOST_CONNECTIONS, Connection, Owed, room
from api.passwords import AT_ONCE, hash_now
from gate.model import Role
from tests.api.conftest import Served, key, settings_in
from tests.api.test_serving import LIMITED_FILES, link_in, process
from tests.fakes import FakeGate, wait_until

COMMANDS = "/api/v1/gate/commands"
HALF_HEADERS = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "
HALF_A_BODY = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
PASSWORD = "chín con rồng xanh"
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
Connect = Callable[[bytes], socket.socket]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Served]:
    """Serve with room for eight connections and a patience of one second."""
    with FakeGate(tmp_path) as fake:
        page = Served(settings=settings_in(tmp_path), gate=fake, most_connections=8, patience_s=1)
        page.start()
        yield page
        page.stop()


@pytest.fixture
def connect(small: Served) -> Iterator[Connect]:
    """Return what opens a connection and sends so much over it."""
    with contextlib.ExitStack() as stack:
        yield lambda sent: stack.enter_context(opened(small.base, sent))


@contextlib.contextmanager
def opened(base: str, sent: bytes) -> Iterator[socket.socket]:
    address = urlsplit(base)
    with socket.create_connection((address.hostname or "", address.port or 0), 5) as link:
        link.sendall(sent)
        yield link


def closed(link: socket.socket) -> bool:
    """Tell whether the server hung up; reads what it said before."""
    try:
        while select.select([link], [], [], 0)[0]:
            if not link.recv(65536):
                return True
    except OSError:
        return True
    return False


def test_who_never_finishes_asking_is_closed(connect: Connect) -> None:
    """Silence, headers that never end, a second request that never ends, an answer that is enough: none stays."""
    began = time.monotonic()
    links = [connect(sent) for sent in (b"", HALF_HEADERS, WHOLE + HALF_HEADERS, WHOLE)]
    wait_until(lambda: all(map(closed, links)), what="the end of those who ask nothing")
    assert 0.9 < time.monotonic() - began < 4.0


def test_a_byte_now_and_then_buys_no_time(connect: Connect) -> None:
    """Slowloris: the time counts from the connection on."""
    link = connect(HALF_HEADERS)
    began = time.monotonic()
    with contextlib.suppress(OSError):
        while not closed(link):
            assert time.monotonic() - began < 3.0
            link.sendall(b"x")
            select.select([link], [], [], 0.1)


def test_a_crowd_of_strangers_keeps_no_officer_out(small: Served, connect: Connect) -> None:
    """Forty connections where eight fit, silent or half-open: command, stop and event stream go on."""
    officer = small.person(Role.OPERATOR)
    cookie = f"Cookie: antt={officer.cookies['antt']}\r\n".encode()
    stream = connect(b"GET /api/v1/gate/events HTTP/1.1\r\nHost: x\r\n" + cookie + b"\r\n")
    wait_until(lambda: len(small.office.streams) == 1, what="the stream")
    crowd = [connect((b"", HALF_HEADERS, HALF_A_BODY)[number % 3]) for number in range(40)]
    began = time.monotonic()
    assert officer.get("/api/v1/gate").status_code == 200
    assert officer.post(COMMANDS, json={"command": "stop"}, headers=key()).status_code == 202
    assert time.monotonic() - began < 1.0
    wait_until(lambda: sum(map(closed, crowd)) >= 33, what="the end of the oldest of the crowd")
    assert not closed(stream)
    assert len(small.office.streams) == 1


def asking(served: Served) -> list[Connection]:
    """Return the connections of the server on which a request is under way."""
    assert served._server
    found = list(served._server.server_state.connections)
    return [one for one in found if isinstance(one, Connection) and one.owed is not Owed.NOTHING]


def test_a_known_phone_that_signs_in_keeps_its_place(small: Served, connect: Connect) -> None:
    """Ten strangers come while its password is compared, where eight connections fit."""
    with small.accounts() as accounts:
        accounts.add_person("lan", "Lan", frozenset({Role.OPERATOR}), hash_now(PASSWORD), time.time())
    phone, sign_in = small.anybody(), {"username": "lan", "password": PASSWORD}
    phone.post("/api/v1/session", json=sign_in)
    phone.delete("/api/v1/session")
    goes_on = threading.Event()
    for _ in range(AT_ONCE):
        small.begin(small.office.passwords._run("", lambda: goes_on.wait(5), known=True))
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(phone.post, "/api/v1/session", json=sign_in)
        wait_until(lambda: len(small.office.passwords._room._known) == 1, what="its turn")
        crowd = [connect(HALF_A_BODY) for _ in range(7)]
        wait_until(lambda: len(asking(small)) == 8, what="eight requests under way")
        for gone in range(1, 4):
            crowd.append(connect(HALF_A_BODY))
            wait_until(lambda: sum(map(closed, crowd)) >= gone, what="the end of the oldest of the crowd")  # noqa: B023 - waited for here
            wait_until(lambda: len(asking(small)) == 8, what="eight requests under way")
        goes_on.set()
        assert answer.result(5).status_code == 200


def test_signed_in_streams_never_give_way(small: Served, connect: Connect) -> None:
    """Eight of them, and a ninth connection: it is the one that has to go."""
    for name in ("lan", "binh"):
        cookie = f"Cookie: antt={small.person(Role.VIEWER, name=name).cookies['antt']}\r\n".encode()
        for _ in range(4):
            connect(b"GET /api/v1/gate/events HTTP/1.1\r\nHost: x\r\n" + cookie + b"\r\n")
    wait_until(lambda: len(small.office.streams) == 8, what="the streams")
    ninth = connect(b"")
    wait_until(lambda: closed(ninth), what="the end of the ninth")
    assert len(small.office.streams) == 8


def test_few_files_are_no_way_to_shut_the_page(tmp_path: Path) -> None:
    """A process that may open 256 files, and 300 silent connections: the page is served and nothing is logged."""
    with process(tmp_path, before=LIMITED_FILES) as running, contextlib.ExitStack() as stack:
        base, code = link_in(running.line)
        for _ in range(300):
            stack.enter_context(opened(base, b""))
        with httpx.Client(base_url=base, timeout=2) as client:
            assert client.post("/api/v1/session", json={"pairing_code": code}).status_code == 200
        running.child.terminate()
        assert running.ended() == 0
        assert running.child.stderr
        assert "accept" not in running.child.stderr.read()


def test_as_many_files_as_allowed_are_used() -> None:
    """The soft limit is raised to the hard one."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
        assert 16 <= room() <= MOST_CONNECTIONS
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
