"""What a request must not cost; the figures are measured by tests/bench/bench_api.py."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import h11
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.connections import OneWrite
from api.event_stream import _write
from api.shield import LARGEST_HEADERS
from tests.api.conftest import Served


def all_in(dependant: Dependant) -> Iterator[object]:
    """Yield everything that is called for a request: the endpoint and what it depends on."""
    yield dependant.call
    for further in dependant.dependencies:
        yield from all_in(further)


def test_nothing_that_a_route_needs_is_called_in_a_thread(served: Served) -> None:
    """FastAPI runs an ordinary function in a thread: two of them were half of what GET /gate cost."""
    routes = [route for route in served.app.routes if isinstance(route, APIRoute)]
    called = {call for route in routes for call in all_in(route.dependant)}
    assert [call for call in called if not inspect.iscoroutinefunction(call)] == []
    assert len(called) > len(routes)


def asked() -> OneWrite:
    """Return a connection over which a request came."""
    connection = OneWrite(LARGEST_HEADERS)
    connection.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert isinstance(connection.next_event(), h11.Request)
    return connection


def test_the_head_of_an_answer_goes_with_its_body() -> None:
    """One write; the second part of a long answer is the next."""
    connection = asked()
    assert connection.send(h11.Response(status_code=200, headers=[("Content-Length", "4")])) == b""
    first = connection.send(h11.Data(data=b"ab"))
    assert first is not None
    assert first.startswith(b"HTTP/1.1 200 ")
    assert first.endswith(b"\r\n\r\nab")
    assert connection.send(h11.Data(data=b"cd")) == b"cd"


def test_an_answer_without_a_body_has_its_head_at_its_end() -> None:
    """Nothing is held back for ever."""
    connection = asked()
    connection.send(h11.Response(status_code=204, headers=[]))
    told = connection.send(h11.EndOfMessage())
    assert told is not None
    assert told.startswith(b"HTTP/1.1 204 ")


def test_a_write_to_a_page_makes_no_task() -> None:
    """A hundred pages and a change are a hundred writes, and no task beside those of the pages."""

    async def write() -> None:
        tasks = list[int]()

        async def send(_: object) -> None:
            tasks.append(len(asyncio.all_tasks()))

        await _write(send, b"event")
        assert tasks == [1]

    asyncio.run(write())
