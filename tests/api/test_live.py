"""Server-sent events (contracts: GET /gate/events): every fact once, in order, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from api.clock import Clock
from api.live import LONGEST_QUEUE, Listener, Live
from api.records import Records
from api.streams import MOST_OF_ONE
from gate.client import Client
from gate.journal import Journal
from gate.model import JsonObject, Kind, Role
from tests.api.conftest import Served, beside_a_gate, key
from tests.fakes import FakeGate, wait_until

EVENTS = "/api/v1/gate/events"


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Served]:
    """Serve with a journal of its own for each story."""
    yield from beside_a_gate(tmp_path)


@dataclass(kw_only=True)
class Stream:
    """What one page heard, as it comes."""

    heard: list[tuple[str, int | None, dict[str, Any]]] = field(default_factory=list)
    status: int = 0
    ended: bool = False

    def of(self, event: str) -> list[dict[str, Any]]:
        return [data for name, _, data in self.heard if name == event]

    def seqs(self) -> list[int]:
        return [number for name, number, _ in self.heard if name == "fact" and number is not None]

    def read(self, client: httpx.Client, headers: dict[str, str]) -> None:
        with contextlib.suppress(httpx.HTTPError), client.stream("GET", EVENTS, headers=headers, timeout=30) as answer:
            self.status = answer.status_code
            event, number = "", None
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event, number = value, None
                elif name == "id":
                    number = int(value)
                elif name == "data":
                    self.heard.append((event, number, json.loads(value)))
        self.ended = True


@contextlib.contextmanager
def listening(client: httpx.Client, after: int | None = None) -> Iterator[Stream]:
    """Listen in a thread while the block runs."""
    stream = Stream()
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    own = httpx.Client(base_url=client.base_url, cookies=client.cookies)
    thread = threading.Thread(target=stream.read, args=(own, headers), daemon=True)
    thread.start()
    try:
        wait_until(lambda: bool(stream.of("beat")) or stream.ended, what="the first beat")
        yield stream
    finally:
        if not stream.ended:
            with contextlib.suppress(Exception):
                own._transport.close()
        own.close()


def write_facts(gate: FakeGate, count: int) -> None:
    for number in range(count):
        gate.write(Kind.OBSTRUCTED, {"n": number})


def test_a_page_sees_the_state_at_once_and_each_change(served: Served, operator: httpx.Client, gate: FakeGate) -> None:
    """The first thing a page hears is the state; then a beat; then what changes."""
    with listening(operator) as stream:
        assert [name for name, _, _ in stream.heard[:2]] == ["state", "beat"]
        assert stream.of("state")[0]["state"] == "closed"
        assert stream.of("beat")[0]["gate_up"] is True
        gate.say_state(state="opening")
        wait_until(lambda: stream.of("state")[-1]["state"] == "opening")


def test_a_command_is_followed_by_its_fact(served: Served, operator: httpx.Client) -> None:
    """The command id of the 202 answer is the one in the stream."""
    with listening(operator) as stream:
        command_id = operator.post("/api/v1/gate/commands", json={"command": "open"}, headers=key()).json()[
            "command_id"
        ]
        wait_until(lambda: any(fact["data"].get("command_id") == command_id for fact in stream.of("fact")))


def test_a_page_that_was_away_gets_every_fact_once_and_in_order(
    served: Served, operator: httpx.Client, gate: FakeGate
) -> None:
    """Last-Event-ID: no gap, no duplicate, while new facts keep coming."""
    write_facts(gate, 30)
    wait_until(lambda: served.office.live.last_seq == 30)
    writer = threading.Thread(target=write_facts, args=(gate, 300))
    writer.start()
    with listening(operator, after=7) as stream:
        writer.join()
        wait_until(lambda: len(stream.seqs()) == 323, what="all facts")
        assert stream.seqs() == list(range(8, 331))


def test_a_page_that_is_new_gets_only_what_is_new(served: Served, operator: httpx.Client, gate: FakeGate) -> None:
    """Without Last-Event-ID nothing old is told; the journal has it."""
    write_facts(gate, 5)
    wait_until(lambda: served.office.live.last_seq == 5)
    with listening(operator) as stream:
        write_facts(gate, 1)
        wait_until(lambda: stream.seqs() == [6])


def test_an_odd_last_event_id_is_refused(operator: httpx.Client) -> None:
    """Digits only; a number beyond the end means: what is new."""
    assert operator.get(EVENTS, headers={"Last-Event-ID": "x'; --"}).json()["code"] == "invalid_request"
    with listening(operator, after=10**12) as stream:
        assert stream.status == 200


def test_facts_that_the_socket_missed_come_from_the_journal(tmp_path: Path) -> None:
    """The gate's socket was away for a while: the next push shows the gap, and the journal fills it."""
    told: list[JsonObject] = []
    journal = Journal(tmp_path / "journal.db", lambda fact: told.append(fact.plain()))
    journal.open()
    for number in range(9):
        journal.write(Kind.OBSTRUCTED, {}, {"n": number})
    wait_until(lambda: len(told) == 9)
    try:
        heard = asyncio.run(_hear_with_a_gap(tmp_path / "journal.db", told))
    finally:
        journal.close()
    assert heard == list(range(1, 10))


async def _hear_with_a_gap(path: Path, told: list[JsonObject]) -> list[int]:
    records = Records(path)
    live = Live(records, Clock())
    live._known = True  # as if the journal had been empty when this process started
    listener = await live.join(None)
    passing = asyncio.create_task(live._pass_on())
    heard: list[int] = []

    async def listen() -> None:
        async for event in live.told_to(listener):
            if event.startswith(b"event: fact"):
                heard.append(int(event.split(b"id: ")[1].split(b"\n")[0]))
            if len(heard) == 9:
                return

    for fact in (told[0], told[1], told[6], told[5], told[6], told[8]):
        live.hear("fact", fact)
    await asyncio.wait_for(listen(), 5)
    passing.cancel()
    records.close()
    return heard


def test_the_page_learns_at_once_that_the_gate_process_is_away(
    served: Served, operator: httpx.Client, gate: FakeGate
) -> None:
    """A beat with gate_up false, without waiting for the ten seconds; true again when it is back."""
    with listening(operator) as stream:
        asyncio.run_coroutine_threadsafe(gate._server.close(), gate.loop).result(5)
        wait_until(lambda: stream.of("beat")[-1]["gate_up"] is False, what="the news that the gate is away")
        asyncio.run_coroutine_threadsafe(gate._server.open(), gate.loop).result(5)
        wait_until(lambda: stream.of("beat")[-1]["gate_up"] is True, what="the news that the gate is back")
        write_facts(gate, 1)
        wait_until(lambda: len(stream.seqs()) == 1)


def test_a_gate_process_that_hangs_is_away_until_it_answers(tmp_path: Path) -> None:
    """Stopped for 24 s, its socket stayed open and the page went on to say "closed", live."""
    release = threading.Event()

    async def story(gate: FakeGate) -> None:
        live = Live(Records(gate.journal_path), Clock(), ask_every_s=0.02, answer_within_s=0.2)
        client = Client(gate.socket, "api", ["state"], live.hear)
        await client.start()
        running = asyncio.create_task(live.run(client))
        await asyncio.to_thread(wait_until, lambda: live.snapshot is not None)
        gate.loop.call_soon_threadsafe(release.wait)
        await asyncio.to_thread(wait_until, lambda: live.snapshot is None)
        assert client.connected.is_set()
        release.set()
        await asyncio.to_thread(wait_until, lambda: live.snapshot is not None)
        running.cancel()
        await client.stop()

    with FakeGate(tmp_path) as gate:
        try:
            asyncio.run(story(gate))
        finally:
            release.set()


def test_a_revoked_phone_stops_hearing(served: Served, operator: httpx.Client) -> None:
    """The session is ended from another phone: its stream says so and ends."""
    other = served.person(Role.OPERATOR, name="lan")
    with listening(operator) as stream:
        items = other.get("/api/v1/sessions").json()["items"]
        (lost,) = [item["id"] for item in items if not item["current"]]
        assert other.delete(f"/api/v1/sessions/{lost}").status_code == 204
        wait_until(lambda: stream.ended)
    assert stream.of("bye") == [{"code": "signed_out"}]
    assert operator.get("/api/v1/gate").status_code == 401


def test_a_person_disabled_by_the_command_line_stops_hearing(served: Served, operator: httpx.Client) -> None:
    """Another process changed the accounts: the stream ends within a second or two."""
    with listening(operator) as stream:
        with served.accounts() as accounts:
            accounts.change_person("lan", disabled=True)
        wait_until(lambda: stream.ended)
    assert stream.of("bye") == [{"code": "signed_out"}]


def test_a_session_has_a_few_streams_and_the_oldest_gives_way(served: Served, operator: httpx.Client) -> None:
    """A phone that lost its network leaves streams behind; it is never shut out by them."""
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(listening(operator)) for _ in range(MOST_OF_ONE + 2)]
        wait_until(lambda: streams[0].ended and streams[1].ended)
        assert streams[0].of("bye") == [{"code": "too_many_streams"}]
        assert not any(stream.ended for stream in streams[2:])


def test_a_page_that_does_not_read_is_given_up_and_can_resume(tmp_path: Path) -> None:
    """A slow phone holds at most its own short queue."""

    async def story() -> None:
        live = Live(Records(tmp_path / "journal.db"), Clock())
        listener = await live.join(None)
        for _ in range(LONGEST_QUEUE + 5):
            listener.put(b"event: fact\n\n")
        assert [event async for event in listener.events()] == [b'event: bye\ndata: {"code":"too_slow"}\n\n']

    asyncio.run(story())


def test_a_stop_with_open_streams_takes_less_than_two_seconds(served: Served, operator: httpx.Client) -> None:
    """Each page is told, and nobody holds the stop."""
    with contextlib.ExitStack() as stack:
        people = [served.person(Role.VIEWER, name=f"nguoi{number}") for number in range(8)]
        streams = [stack.enter_context(listening(client)) for client in people]
        assert served.stop() < 2.0
        wait_until(lambda: all(stream.ended for stream in streams))
    assert {json.dumps(stream.of("bye")) for stream in streams} == {'[{"code": "stopping"}]'}


def test_one_hundred_pages_hear_one_change_soon(served: Served, gate: FakeGate) -> None:
    """Fan-out: an event is encoded once and reaches a hundred listeners well within a second."""

    async def join() -> list[Listener]:
        return [await served.office.live.join(None) for _ in range(100)]

    joined = served.ask(join())
    began = time.monotonic()
    gate.say_state(state="opening")
    wait_until(lambda: all(any(b"opening" in event for event in one._waiting) for one in joined))
    assert time.monotonic() - began < 1.0


def test_a_page_that_leaves_is_forgotten(served: Served, operator: httpx.Client, gate: FakeGate) -> None:
    """A phone that hangs up leaves nothing behind."""
    with listening(operator):
        assert len(served.office.streams) == 1
    write_facts(gate, 1)
    wait_until(lambda: len(served.office.streams) == 0 and not served.office.live._listeners)


def test_a_phone_that_does_not_read_holds_neither_the_others_nor_the_stop(
    served: Served, operator: httpx.Client, gate: FakeGate
) -> None:
    """Its buffers fill, the others hear everything at once, and a stop does not wait for it."""
    address = urlsplit(served.base)
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect((address.hostname, address.port))
    cookie = f"antt={operator.cookies['antt']}"
    stuck.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {cookie}\r\n\r\n".encode())
    wait_until(lambda: len(served.office.streams) == 1)
    with listening(operator) as stream:
        for _ in range(300):
            gate.write(Kind.OBSTRUCTED, {"text": "x" * 16_000})
        wait_until(lambda: len(stream.seqs()) == 300, what="all facts at the phone that reads")
        assert served.stop() < 3.0
    stuck.close()
