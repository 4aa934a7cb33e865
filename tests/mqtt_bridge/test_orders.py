"""One command from the broker to the gate and back: a real mosquitto, the bridge, and a gate that follows a script."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.client import RequestRefusedError
from gate.journal import boot_id
from gate.model import Code, Command, JsonObject, Kind, Role
from mqtt_bridge import revocations
from mqtt_bridge.admission import Place
from mqtt_bridge.answers import Answers
from mqtt_bridge.envelope import Envelope
from mqtt_bridge.orders import MOST_AT_ONCE, MOST_UNDER_WAY, Orders
from mqtt_bridge.port import Receipt
from mqtt_bridge.revocations import Revocation
from mqtt_bridge.seen import Seen
from mqtt_bridge.topics import Message
from tests.broker import Broker
from tests.fakes import FakeGate, wait_until
from tests.mqtt_bridge.conftest import Running, Writer, settings_of
from tests.mqtt_bridge.officer import Officer, now_ms, signed
from tests.mqtt_bridge.shots import keys_of_the_gate, public_of

pytestmark = pytest.mark.slow


@pytest.fixture
def bridge(gate: FakeGate, broker: Broker, state_dir: Path) -> Iterator[Running]:
    with Running(settings_of(state_dir, broker.port, keys_of_the_gate())) as running:
        running.waits_for(ok=True)
        yield running


@pytest.fixture
def officer(bridge: Running, broker: Broker) -> Iterator[Officer]:
    with Officer(broker) as somebody:
        yield somebody


def test_a_signed_command_is_obeyed_and_told_step_by_step(gate: FakeGate, officer: Officer) -> None:
    """Contracts: accepted → energised → confirmed; the gate gets the deadline, the person and the key."""
    payload = signed("open", reason="xe cứu thương", ahead_ms=5000)
    name = officer.sends(payload)
    accepted = officer.hears(name, "accepted")
    assert (accepted["on"], accepted["target"]) == ("antt/1/sim/rsp/room", "open")
    gate.set_command_status(name, status="energised", energised_mono_ms=5)
    gate.say_state(state="opening")
    assert officer.hears(name, "energised")["mono_ms"] == 5
    gate.set_command_status(name, status="confirmed", ended_mono_ms=9)
    gate.say_state(state="open")
    officer.hears(name, "confirmed")
    assert officer.statuses(name) == ["accepted", "energised", "confirmed"]
    (wish,) = gate.wishes
    assert (wish.command_id, wish.reason, wish.by.type, wish.by.id, wish.by.name) == (
        name, "xe cứu thương", "key", "room", "Trung úy Lan (room)"
    )  # fmt: skip
    assert wish.deadline_mono_ms == json.loads(payload)["mono_deadline_ms"]


def test_an_answer_goes_where_the_sender_asked_for_it(officer: Officer) -> None:
    """MQTT 5: response topic and correlation data are honoured."""
    name = officer.sends(signed("open"), to="replies/room-7", correlation=b"\x00seven")
    answer = officer.hears(name, "accepted")
    assert (answer["on"], answer["correlation"]) == ("replies/room-7", b"\x00seven")


@pytest.mark.parametrize(
    "topic", ["antt/1/sim/$state", "antt/1/sim/status", "antt/1/other/cmd", "homeassistant/x", "$SYS/x"]
)
def test_nobody_has_the_gate_forge_its_own_word(officer: Officer, topic: str) -> None:
    """A response topic is somebody else's text: the gate would write there with its own rights."""
    name = officer.sends(signed("open"), to=topic)
    assert officer.hears(name, "accepted")["on"] == "antt/1/sim/rsp/room"


def test_what_is_wrong_is_refused_answered_and_journalled(gate: FakeGate, officer: Officer) -> None:
    """The codes stand in one order, and none of these reaches the gate."""
    wrong = {
        Code.TOO_LARGE: signed("open") + b" " * 9000,
        Code.BAD_ENVELOPE: b'{"v":1}',
        Code.UNKNOWN_KEY: signed("open", "nobody"),
        Code.REVOKED_KEY: signed("open", "stolen"),
        Code.BAD_SIGNATURE: signed("open", by_key="guard"),
        Code.FOREIGN_GATE: signed("open", gate="other"),
        Code.FOREIGN_BOOT: signed("open", boot="another"),
        Code.EXPIRED: signed("open", ahead_ms=-1),
        Code.TOO_FAR_AHEAD: signed("open", ahead_ms=16_000),
        Code.NOT_PERMITTED: signed("lockdown", "guard"),
    }
    for payload in wrong.values():
        officer.sends(payload)
    wait_until(lambda: len(officer.answers) == len(wrong), what=f"an answer each, not {officer.answers}")
    assert sorted(answer["code"] for answer in officer.answers) == sorted(wrong)
    assert all(answer["status"] == "rejected" and answer["remedy"] for answer in officer.answers)
    wait_until(lambda: len(gate.reports) >= len(wrong) + 1, what=f"{gate.reports}")
    told = {str(data["code"]): by for kind, by, data in gate.reports if kind is Kind.COMMAND_REFUSED}
    assert told.keys() == set(wrong)
    assert (told[Code.EXPIRED].type, told[Code.EXPIRED].id) == ("key", "room")
    assert (told[Code.BAD_SIGNATURE].type, told[Code.BAD_SIGNATURE].id) == ("process", "mqtt_bridge")
    assert gate.wishes == []


@pytest.mark.usefixtures("gate")
def test_the_log_names_the_key_that_was_refused_and_no_strangers_claim(
    officer: Officer, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen: "a command was refused", and neither which nor whose. A stranger's words would make a line each."""
    officer.hears(officer.sends(signed("lockdown", "guard")), "rejected")
    officer.hears(officer.sends(signed("open", "nobody")), "rejected")
    assert "lockdown by the key guard was refused (not_permitted): " in caplog.text
    assert "a command was refused (unknown_key): " in caplog.text
    assert "nobody" not in caplog.text


def test_a_retained_command_is_never_one(gate: FakeGate, broker: Broker, state_dir: Path) -> None:
    """I7: neither the one that waits at the broker when the gate comes, nor one that is published to stay."""
    with Officer(broker) as officer:
        before = officer.sends(signed("open"), retain=True)
        with Running(settings_of(state_dir, broker.port, keys_of_the_gate())) as running:
            running.waits_for(ok=True)
            fresh = officer.sends(signed("open"), retain=True)
            assert officer.hears(fresh, "rejected")["code"] == Code.RETAINED
            last = officer.sends(signed("open"))
            officer.hears(last, "accepted")
            assert officer.statuses(before) == []
    assert [wish.command_id for wish in gate.wishes] == [last]


def test_a_command_that_comes_again_is_done_once(gate: FakeGate, officer: Officer) -> None:
    """Whoever records a command and plays it again moves nothing."""
    payload = signed("open")
    name = officer.sends(payload)
    officer.hears(name, "accepted")
    officer.sends(payload)
    assert officer.hears(name, "rejected")["code"] == Code.DUPLICATE
    assert len(gate.wishes) == 1


def test_a_bridge_that_was_killed_still_knows_what_it_took(gate: FakeGate, broker: Broker, state_dir: Path) -> None:
    """Brief: the window of ids is persisted; here the gate has forgotten them too."""
    settings, payload = settings_of(state_dir, broker.port, keys_of_the_gate()), signed("open", ahead_ms=14_000)
    with Officer(broker) as officer:
        with Running(settings) as running:
            running.waits_for(ok=True)
            name = officer.sends(payload)
            officer.hears(name, "accepted")
        gate._statuses.clear()
        with Running(settings) as running:
            running.waits_for(ok=True)
            officer.sends(payload)
            assert officer.hears(name, "rejected")["code"] == Code.DUPLICATE
    assert len(gate.wishes) == 1


def test_what_can_not_be_remembered_is_not_done_but_a_stop_is(gate: FakeGate, broker: Broker, state_dir: Path) -> None:
    """A disk that takes no ids must not let a replay through after a crash; stop is never refused for that."""
    settings = settings_of(state_dir, broker.port, keys_of_the_gate())
    with Running(settings) as running, Officer(broker) as officer:
        running.waits_for(ok=True)
        with sqlite3.connect(state_dir / "commands.db") as thief:
            thief.execute("DROP TABLE seen")
        name = officer.sends(signed("open"))
        assert officer.hears(name, "rejected")["code"] == Code.NOT_REMEMBERED
        stop = officer.sends(signed("stop", "eyes"))
        officer.hears(stop, "accepted")
        assert [wish.command_id for wish in gate.wishes] == [stop]
        wait_until(lambda: "commands.db" not in str(running.health["reason"]), what="the file made anew")
        later = officer.sends(signed("open"))
        officer.hears(later, "accepted")


def test_a_refusal_of_the_gate_is_passed_on(gate: FakeGate, officer: Officer) -> None:
    """The gate's own rules have the last word, with their code."""
    gate.refuse_next = Code.BEAM_BLOCKED
    name = officer.sends(signed("close"))
    assert officer.hears(name, "rejected")["code"] == Code.BEAM_BLOCKED


def test_a_gate_that_does_not_answer_is_told_of(journal: Writer, broker: Broker, state_dir: Path) -> None:
    """There is its journal, and nobody at its socket."""
    with Running(settings_of(state_dir, broker.port, keys_of_the_gate())) as running, Officer(broker) as officer:
        running.waits_for(ok=True)
        name = officer.sends(signed("open"))
        assert officer.hears(name, "rejected")["code"] == Code.GATE_DOWN


def test_a_flood_of_strangers_fills_neither_journal_nor_queue(gate: FakeGate, officer: Officer) -> None:
    """300 forgeries: each refused, the journal told of a hundred and of how many more; an officer is heard at once."""
    forged = signed("open", by_key="guard")
    for _ in range(300):
        officer.sends(forged)
    name = officer.sends(signed("open"))
    officer.hears(name, "accepted")
    wait_until(lambda: len(gate.reports) >= 101, what="the notes")
    assert len(gate.reports) <= 102
    assert len(gate.wishes) == 1


def test_more_than_32_under_way_are_refused_and_their_ids_are_used_up(gate: FakeGate, officer: Officer) -> None:
    """docs/topics.md: rate_limited. What was refused for that is not done when it comes again; a stop is not asked."""
    for _ in range(MOST_UNDER_WAY):
        officer.hears(officer.sends(signed("light_on")), "accepted")
    payload = signed("open")
    name = officer.sends(payload)
    assert officer.hears(name, "rejected")["code"] == Code.RATE_LIMITED
    officer.hears(officer.sends(signed("stop", "eyes")), "accepted")
    officer.sends(payload)
    codes = [Code.RATE_LIMITED, Code.DUPLICATE]
    wait_until(lambda: [each["code"] for each in officer.answers if each["id"] == name] == codes, what="the second no")
    assert name not in [wish.command_id for wish in gate.wishes]


def test_a_key_that_orders_without_end_is_slowed_and_a_stop_is_not(tmp_path: Path) -> None:
    """Each command is a fact: a script gone wild, or a stolen key, must not fill the journal."""

    async def story() -> None:
        gate = Obedient()
        seen = Seen(tmp_path / "commands.db", boot=boot_id())
        orders = Orders(
            Place(gate_id="sim", boot=boot_id()), keys=dict, seen=seen, gate=gate, answers=Answers(Nowhere(), "sim"),
            today=lambda: None,
        )  # fmt: skip
        await orders.open()
        running = asyncio.create_task(orders.run())
        for number in range(3 * MOST_AT_ONCE):
            light = replace(order(f"light-{number:04}", now_ms() + 9000), command=Command.LIGHT_ON)
            assert orders.put(light) is None
            async with asyncio.timeout(5):
                while orders._waiting or orders._under_way:  # noqa: ASYNC110 - a story asks from outside
                    await asyncio.sleep(0)
        assert MOST_AT_ONCE <= gate.taken < 2 * MOST_AT_ONCE
        assert orders.put(order("the-stop-0001", now_ms() + 9000)) is None
        async with asyncio.timeout(5):
            while gate.last is not Command.STOP:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(story())


def test_a_key_that_is_revoked_is_a_fact(gate: FakeGate, officer: Officer, state_dir: Path) -> None:
    """Whatever changes who may order is in the journal; and from then on its commands are refused."""
    public = public_of("room")
    revocations.add(state_dir / revocations.FILE, Revocation(public=public, id="room", at="2026-11-22T07:00:00Z"))
    told = {"what": "key_revoked", "id": "room", "public": public}
    wait_until(lambda: (Kind.CONFIG_CHANGED, told) in [(kind, data) for kind, _, data in gate.reports], what="the fact")
    name = officer.sends(signed("open"))
    assert officer.hears(name, "rejected")["code"] == Code.REVOKED_KEY


class Obedient:
    """A gate that takes everything and remembers nothing."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.taken = 0
        self.last: Command | None = None

    async def request(self, op: str, timeout_s: float = 5.0, **arguments: object) -> JsonObject:  # noqa: ARG002 - the port
        if op == "command":
            self.taken += 1
            self.last = Command(str(arguments["command"]))
            return {}
        raise RequestRefusedError({"code": "unknown_command", "title": "", "remedy": ""})

    async def report(self, kind: str, data: JsonObject, by: JsonObject | None = None) -> JsonObject:  # noqa: ARG002 - as above
        return {}


class Nowhere:
    """A connection that is never there."""

    connected = False

    def publish(self, message: Message) -> asyncio.Future[Receipt] | None:  # noqa: ARG002 - as above
        return None


def test_stops_beside_a_disk_that_takes_no_ids_are_forgotten_when_they_expire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing grows while commands.db can't be opened, however long and however many stops come."""
    (tmp_path / "taken").write_text("a file, no folder", encoding="utf-8")
    monkeypatch.setattr("mqtt_bridge.orders.REOPEN_AFTER_S", 0.01)

    async def story() -> None:
        orders = Orders(
            Place(gate_id="sim", boot=boot_id()), keys=dict, seen=Seen(tmp_path / "taken" / "x.db", boot=boot_id()),
            gate=Obedient(), answers=Answers(Nowhere(), "sim"), today=lambda: None,
        )  # fmt: skip
        await orders.open()
        running = asyncio.create_task(orders.run())
        for number in range(50):
            assert orders.put(order(f"stop-{number:04}", now_ms() + 50)) is None
        async with asyncio.timeout(5):
            while orders._unwritten:  # noqa: ASYNC110 - a story asks from outside
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(story())


def order(name: str, deadline_ms: int) -> Envelope:
    """Return a stop whose signature was verified."""
    return Envelope(
        id=name, gate="sim", command=Command.STOP, by_id="lan", by_name="", reason="", sequence=None, sighted=False,
        minutes=None, boot=boot_id(), mono_deadline_ms=deadline_ms, kid="room", roles=frozenset({Role.OPERATOR}),
    )  # fmt: skip
