"""Five hundred requests that are none: an answer below 500 or a closed connection, and everybody else is served on."""

from __future__ import annotations

import contextlib
import json
import logging
import select
import socket
from urllib.parse import urlsplit

import pytest

from api.problems import TABLE
from api.routes import CALLS
from gate.model import Role
from tests.api.conftest import Served, key
from tests.api.malformed import all_kinds
from tests.api.test_walk import address
from tests.fakes import wait_until

SOON_S = 0.02
WITH_BODY = {"POST", "PUT", "PATCH"}


def sent(base: str, request: bytes) -> bytes:
    """Send bytes and return what comes back; where nothing comes soon, hang up: the request was not whole."""
    address_of = urlsplit(base)
    answer = b""
    with socket.create_connection((str(address_of.hostname), address_of.port or 0), 5.0) as link:
        with contextlib.suppress(OSError):  # an answer that came before all was sent closes the connection
            link.sendall(request)
            select.select([link], [], [], SOON_S)
            link.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while part := link.recv(65536):
                answer += part
    return answer


def problem_of(answer: bytes) -> object:
    """Return the code of a problem, None where the answer is no problem."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"application/problem+json" not in head:
        return None
    return json.JSONDecoder().raw_decode(body.decode())[0]["code"]


def test_what_is_no_request_breaks_nothing(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Never 5xx, never a traceback, nothing moves, no connection is left behind; problems are of the table."""
    client = served.person(*Role, name="everything")
    routes = [(call.method.encode(), address(call).encode()) for call in CALLS if call.method in WITH_BODY]
    kinds = list(all_kinds(f"antt={client.cookies['antt']}".encode(), routes))
    assert len({request for _, request in kinds}) >= 500
    with caplog.at_level(logging.WARNING):
        for name, request in kinds:
            answer = sent(served.base, request)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 "), name
            assert not answer.startswith(b"HTTP/1.1 5"), (name, answer[:400])
            assert problem_of(answer) in {None, *TABLE}, name
            assert served.wishes == [], name
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert client.get("/api/v1/session").status_code == 200
    assert client.post("/api/v1/gate/commands", json={"command": "stop"}, headers=key()).status_code == 202
    assert served._server
    connections = served._server.server_state.connections
    wait_until(lambda: len(connections) <= 1, what="the end of the connections of those who asked for nothing")
