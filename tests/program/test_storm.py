"""The page's server while the gate moves: attacked (a slice of tests/bench/bench_storm.py), and with two phones."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from gate.model import Role
from tests.api.conftest import key
from tests.bench.bench_storm import heard_all, troubles
from tests.bench.page_server import sessions
from tests.bench.pages import listening
from tests.bench.storm import Parts, storming
from tests.fakes import wait_until
from tests.program.program import Program
from tests.program.reaction import RELAYS, Lines, Mover

pytestmark = pytest.mark.slow
SLICE = Parts(malformed=78, slow=12, sockets=20, wrong_cookies=400, patience_s=0.5)
ROUNDS = 8
COMMANDS = "/api/v1/gate/commands"


@pytest.fixture(scope="module")
def bare_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Gate, keeper and api, for both stories: a start costs more than either."""
    bare = ("camera.enabled=false", "mqtt.enabled=false")
    with Program(tmp_path_factory.mktemp("gate"), overrides=bare) as program:
        program.state_is("closed")
        yield program


def test_a_storm_on_the_page_holds_up_no_relay_and_no_officer(bare_program: Program) -> None:
    """I5 in a storm: the button stops the leaf within 50 ms. No 5xx; who listens hears every fact once, in order."""
    cookies = sessions(bare_program.folder, 3)
    mover, found = Mover(bare_program, random.Random(5)), []
    try:
        with listening(bare_program.url, cookies[:2]) as pages:
            with storming(bare_program.url, cookies[2], SLICE) as storm:
                while not storm.is_over:
                    found.append(mover.react("stop"))
            newest = bare_program.facts()[-1].seq
            mover.react("stop")
    finally:
        mover.close()
    assert sum(storm.told["wrong_cookies"].values()) == SLICE.wrong_cookies
    assert set(storm.told["wrong_cookies"]) == {"401"}
    assert storm.faults == 0, storm.told
    assert troubles(bare_program) == []
    assert all(heard_all(page, newest) for page in pages)
    assert max(one.took_ms for one in found if one) <= 50


def phone(program: Program, cookie: str) -> httpx.Client:
    """Return somebody's browser."""
    return httpx.Client(base_url=program.url, headers={"Cookie": cookie}, timeout=10)


def press(client: httpx.Client, command: str, after_s: float = 0.0) -> str:
    """Press a button after a moment; return the id of the command where the gate took it."""
    time.sleep(after_s)
    answer = client.post(COMMANDS, json={"command": command, "sighted": True}, headers=key())
    assert answer.status_code in {httpx.codes.ACCEPTED, httpx.codes.CONFLICT}, answer.text
    return str(answer.json()["command_id"]) if answer.status_code == httpx.codes.ACCEPTED else ""


def test_a_stop_from_a_second_phone_wins_whenever_it_comes(bare_program: Program) -> None:
    """At most a few milliseconds apart, either first: once the stop was taken after a motion, no relay comes on."""
    chance, lines = random.Random(11), Lines(bare_program)
    with ExitStack() as stack, ThreadPoolExecutor(2) as thumbs:
        stack.callback(lines.close)
        cookies = sessions(bare_program.folder, 2, Role.OPERATOR)
        lan, huy = (stack.enter_context(phone(bare_program, cookie)) for cookie in cookies)
        for number in range(ROUNDS):
            moving = thumbs.submit(press, lan, ("open", "close")[number % 2], chance.uniform(0, 0.008))
            stopping = thumbs.submit(press, huy, "stop", chance.uniform(0, 0.012))
            taken = [command_id for command_id in (moving.result(10), stopping.result(10)) if command_id]
            if accepted(bare_program, taken)[-1] != taken[-1]:  # the stop came first: the motion is a newer wish
                press(huy, "stop")
            stopped_ns = time.monotonic_ns()
            time.sleep(0.15)
            lines.read()
            late = [row for row in lines.changes if row[0] > stopped_ns and row[1] in RELAYS.values() and row[2]]
            assert late == [], number
            assert {lines.level(relay) for relay in RELAYS.values()} <= {0, None}


def accepted(program: Program, command_ids: list[str]) -> list[str]:
    """Wait until the journal has these commands; return them in the order in which the gate took them."""

    def found() -> list[str]:
        known = [str(fact.data["command_id"]) for fact in program.facts("command_accepted")]
        return [command_id for command_id in known if command_id in command_ids]

    wait_until(lambda: len(found()) == len(command_ids), 5, "the commands in the journal")
    return found()
