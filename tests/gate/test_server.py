"""The local socket and its clients."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.client import Client, GateUnavailableError, RequestRefusedError, ask, new_id
from gate.model import JsonObject, Kind
from gate.server import Server, SocketError
from tests.fakes import FakeGate, wait_until

BY = {"type": "person", "id": "u1", "name": "Lan"}


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[FakeGate]:
    with FakeGate(tmp_path) as made:
        yield made


def say(path: Path, line: bytes) -> JsonObject:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(3)
        link.connect(str(path))
        link.sendall(line + b"\n")
        answer: JsonObject = json.loads(link.makefile("rb").readline())
        return answer


def test_a_question_gets_its_answer(gate: FakeGate) -> None:
    assert ask(gate.socket, "status")["state"] == "closed"


def test_a_command_is_obeyed_or_refused(gate: FakeGate) -> None:
    name = new_id()
    assert ask(gate.socket, "command", command_id=name, command="open", by=BY)["accepted"] is True
    with pytest.raises(RequestRefusedError) as caught:
        ask(gate.socket, "command", command_id=name, command="open", by=BY)
    assert caught.value.problem["code"] == "duplicate"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"[1,2]",
        b'"text"',
        b"{" * 5000,
        b'{"id":1}',
        b'{"id":1,"op":"fly"}',
        b'{"id":1,"op":"command"}',
        b'{"id":1,"op":"command","command_id":"12345678","command":"jump","by":{"type":"cli","id":"x"}}',
        b'{"id":1,"op":"command","command_id":"../../etc","command":"open","by":{"type":"cli","id":"x"}}',
        b'{"id":1,"op":"report","kind":"boot","data":{}}',
        b'{"id":1,"op":"command_status","command_id":7}',
        b'{"id":1,"op":"yard","action":5}',
        b'{"id":1,"op":"set_timetable"}',
        b'{"id":1,"op":"set_timetable","by":{"type":"cli","id":"x"},"reason":"","revision":0,"periods":[]}',
        b'{"id":1,"op":"set_timetable","by":{"type":"cli","id":"x"},"reason":"x","revision":-1,"periods":[]}',
        b'{"id":1,"op":"set_timetable","by":{"type":"cli","id":"x"},"reason":"x","revision":0,"periods":{}}',
        b'{"id":1,"op":"command","command_id":"12345678","command":"open","by":{"type":"rule","id":"x"}}',
    ],
)
def test_what_is_no_request_gets_an_error_and_the_gate_goes_on(gate: FakeGate, line: bytes) -> None:
    problem = say(gate.socket, line)["error"]
    assert isinstance(problem, dict)
    assert problem["code"] in {"bad_request", "not_permitted", "unknown_command_id"}
    assert ask(gate.socket, "status")["state"] == "closed"
    assert gate.wishes == []


def test_a_stop_does_not_wait_for_a_timetable_that_waits_for_the_disk(gate: FakeGate) -> None:
    """On one connection, as the page's process has it: the stop is answered first."""
    gate.disk_refuses = True
    answered: list[str] = []

    async def ask_for(client: Client, op: str, **arguments: object) -> None:
        await client.request(op, 5.0, **arguments)
        answered.append(op)

    async def story() -> None:
        client = Client(gate.socket, "api")
        await client.start()
        await asyncio.wait_for(client.connected.wait(), 3)
        change = ask_for(client, "set_timetable", by=BY, reason="Tết", revision=0, periods=[])
        stop = ask_for(client, "command", command_id=new_id(), command="stop", by=BY)
        await asyncio.gather(change, stop)
        await client.stop()

    asyncio.run(story())
    assert answered == ["command", "set_timetable"]


def test_a_line_without_an_end_is_dropped_not_kept(gate: FakeGate) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(gate.socket))
        link.settimeout(5)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            link.sendall(b"x" * 64 * 65536)
    assert ask(gate.socket, "status")["state"] == "closed"


def test_only_the_folder_that_sees_a_thing_may_report_it(gate: FakeGate) -> None:
    async def report() -> None:
        camera = Client(gate.socket, "camera")
        await camera.start()
        await asyncio.wait_for(camera.connected.wait(), 3)
        await camera.report("motion_started", {"event_id": "e1"})
        with pytest.raises(RequestRefusedError, match="may not report"):
            await camera.report("user_signed_in", {})
        await camera.stop()

    asyncio.run(report())
    assert [kind for kind, _, _ in gate.reports] == [Kind.MOTION_STARTED]


def test_a_subscriber_gets_the_state_first_and_facts_after_they_are_safe(gate: FakeGate) -> None:
    got: list[tuple[str, JsonObject]] = []

    async def listen() -> None:
        client = Client(gate.socket, "api", ["state", "fact"], lambda topic, data: got.append((topic, data)))
        await client.start()
        await asyncio.wait_for(client.connected.wait(), 3)
        await asyncio.to_thread(wait_until, lambda: len(got) == 1)
        gate.write(Kind.ARRIVED, {"state": "open"})
        await asyncio.to_thread(gate.say_state, state="open")
        await asyncio.to_thread(wait_until, lambda: len(got) == 3)
        await client.stop()

    asyncio.run(listen())
    assert got[0][1]["state"] == "closed"
    assert {topic for topic, _ in got[1:]} == {"fact", "state"}


def test_a_client_comes_back_when_the_gate_process_does(tmp_path: Path) -> None:
    async def story() -> None:
        client = Client(tmp_path / "gate.sock", "api", ["state"], lambda *_: None)
        await client.start()
        with pytest.raises(GateUnavailableError):
            await client.request("status")
        for _ in range(2):
            with FakeGate(tmp_path):
                await asyncio.wait_for(client.connected.wait(), 5)
                assert (await client.request("status"))["state"] == "closed"
            await asyncio.to_thread(wait_until, lambda: not client.connected.is_set())
        await client.stop()

    asyncio.run(story())


def test_a_client_that_does_not_read_is_dropped_and_others_are_served(gate: FakeGate) -> None:
    lazy = socket.socket(socket.AF_UNIX)
    lazy.connect(str(gate.socket))
    lazy.sendall(b'{"op":"hello","who":"api","pid":1,"topics":["yard"]}\n')
    wait_until(lambda: "api" in gate.beats)
    for _ in range(120):
        gate.push_yard({"filler": "x" * 65536})
    assert ask(gate.socket, "status")["state"] == "closed"
    lazy.close()


def test_nobody_answers_where_no_gate_runs(tmp_path: Path) -> None:
    with pytest.raises(GateUnavailableError, match="no gate process"):
        ask(tmp_path / "gate.sock", "status")


def test_two_gates_do_not_share_a_socket(gate: FakeGate) -> None:
    with pytest.raises(SocketError, match="already answers"):
        asyncio.run(Server(gate.socket, gate).open())


def test_a_path_too_long_for_a_socket_is_named(tmp_path: Path, gate: FakeGate) -> None:
    with pytest.raises(SocketError, match="too long"):
        asyncio.run(Server(tmp_path / ("x" * 120) / "gate.sock", gate).open())


def test_ids_sort_by_time() -> None:
    """RFC 9562: version 7, variant 10."""
    ids = [new_id() for _ in range(5)]
    assert all(name[14] == "7" and name[19] in "89ab" for name in ids)
    assert len(set(ids)) == 5


def test_what_the_journal_can_not_hold_is_refused_at_the_door(gate: FakeGate) -> None:
    """Seen by an attack: NaN, integers beyond 2^53 and half surrogates have no canonical JSON."""
    for poison in (b"NaN", b"9007199254740993", b'"\\ud800"'):
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(3)
            link.connect(str(gate.socket))
            link.sendall(b'{"op":"hello","who":"camera","pid":1}\n')
            report = b'{"id":2,"op":"report","kind":"motion_started","data":{"x":%b}}\n' % poison
            link.sendall(report)
            answer = json.loads(link.makefile("rb").readline())
        assert answer["error"]["code"] == "bad_request"
    assert gate.reports == []


def test_half_a_surrogate_in_a_beat_harms_nobody(gate: FakeGate) -> None:
    say(gate.socket, b'{"id":"\\ud800","op":"status"}')
    assert ask(gate.socket, "status")["state"] == "closed"


@pytest.mark.parametrize("much", [b"[" * 940 + b"]" * 940, b'"' + b"x" * 1_000_000 + b'"'])
def test_what_a_process_says_of_itself_is_bounded(gate: FakeGate, much: bytes) -> None:
    """It stands in every state that is pushed to everybody."""
    lines = b'{"op":"hello","who":"api","pid":1,"topics":[]}\n{"op":"beat","health":{"ok":true,"a":' + much + b"}}\n"
    say(gate.socket, lines + b'{"id":1,"op":"status"}')
    assert gate.beats["api"]["ok"] is False
