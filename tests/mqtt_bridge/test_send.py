"""`antt-gate send` over a real mosquitto: every answer, every exit code, and what it does where nobody is there."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.client import new_id
from gate.journal import boot_id
from gate.model import Code, Command
from mqtt_bridge import clock_file
from mqtt_bridge.cli import main
from mqtt_bridge.cli_words import NoAnswerError
from mqtt_bridge.errand import Beat, Order
from mqtt_bridge.key_file import PrivateKey
from mqtt_bridge.port import Broker as Address
from mqtt_bridge.sender import Errand, Patience, Sender
from tests.broker import Broker, Receiver, free_port
from tests.district import DESK, District
from tests.fakes import FakeGate, wait_until
from tests.mqtt_bridge.conftest import QUICK, Running, settings_of
from tests.mqtt_bridge.shots import keys_of_the_gate, private_of
from tests.mqtt_bridge.test_keys import pem_of

pytestmark = pytest.mark.slow
BEATING = replace(QUICK, beat_every_s=0.2)
Send = Callable[..., int]


class Background:
    """A command that runs beside the test; `code` waits for its exit code."""

    def __init__(self, run: Callable[[], int]) -> None:
        self._codes: list[int] = []
        self._thread = threading.Thread(target=lambda: self._codes.append(run()), daemon=True)
        self._thread.start()

    @property
    def code(self) -> int:
        self._thread.join(30)
        return self._codes[0]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return the file of the key `room`, a commander of the gate."""
    return key_of(tmp_path, "room")


def key_of(folder: Path, kid: str) -> Path:
    file = folder / f"{kid}.key"
    file.touch(0o600)
    file.write_bytes(f"antt-gate key: {kid}\n".encode() + pem_of(private_of(kid)))
    return file


@pytest.fixture
def bridge(gate: FakeGate, broker: Broker, state_dir: Path) -> Iterator[Running]:
    with Running(settings_of(state_dir, broker.port, keys_of_the_gate()), BEATING) as running:
        running.waits_for(ok=True)
        yield running


@pytest.fixture
def send(broker: Broker, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Return `antt-gate send` to the simulated gate, by `room` unless the test names another key."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*words: str, by_key: Path = key, port: int = broker.port) -> int:
        where = ["--gate", "sim", "--broker", f"127.0.0.1:{port}", "--key", str(by_key)]
        return main(["send", *words, *where])

    return run


@pytest.mark.usefixtures("bridge")
def test_a_command_is_sent_signed_with_who_and_why(
    gate: FakeGate, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send("hold", "--minutes", "20", "--reason", "xe cứu thương", "--by", "Lan", "--sequence", "7") == 0
    (wish,) = gate.wishes
    assert (wish.command, wish.minutes, wish.reason, wish.sequence) == (Command.HOLD_OPEN, 20, "xe cứu thương", 7)
    assert (wish.by.type, wish.by.id, "Lan" in wish.by.name) == ("key", "room", True)
    assert wish.deadline_mono_ms is not None
    assert capsys.readouterr().out.startswith("accepted ")


@pytest.mark.usefixtures("bridge")
def test_wait_follows_it_until_the_gate_proves_it(
    gate: FakeGate, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    sending = Background(lambda: send("open", "--wait", "--json"))
    wait_until(lambda: bool(gate.wishes))
    name = gate.wishes[0].command_id
    gate.set_command_status(name, status="energised", energised_mono_ms=5)
    gate.say_state(state="opening")
    gate.set_command_status(name, status="confirmed", ended_mono_ms=9)
    gate.say_state(state="open")
    assert sending.code == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["status"] for answer in answers] == ["accepted", "energised", "confirmed"]
    assert {answer["id"] for answer in answers} == {name}


@pytest.mark.usefixtures("bridge")
def test_what_fails_on_the_way_is_an_error(gate: FakeGate, send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    sending = Background(lambda: send("close", "--wait"))
    wait_until(lambda: bool(gate.wishes))
    gate.set_command_status(gate.wishes[0].command_id, status="failed", code="obstructed")
    gate.say_state(state="stopped")
    assert sending.code == 1
    assert "failed (obstructed): " in capsys.readouterr().err


@pytest.mark.usefixtures("bridge")
def test_an_end_that_the_gate_does_not_know_is_no_failure(gate: FakeGate, send: Send) -> None:
    """`failed` with `gate_down`: it may have been done, so nobody may be told to send again."""
    sending = Background(lambda: send("open", "--wait"))
    wait_until(lambda: bool(gate.wishes))
    gate.set_command_status(gate.wishes[0].command_id, status="failed", code="gate_down")
    gate.say_state(state="unknown")
    assert sending.code == 3


@pytest.mark.usefixtures("bridge")
def test_a_refusal_names_its_code_and_what_would_clear_it(
    gate: FakeGate, send: Send, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate.refuse_next = Code.LOCKED_DOWN
    assert send("open", "--wait") == 1
    assert "refused (locked_down): " in capsys.readouterr().err
    for kid, told in (("eyes", "not_permitted"), ("stolen", "revoked_key"), ("nobody", "unknown_key")):
        assert send("open", by_key=key_of(tmp_path, kid)) == 1
        assert f"refused ({told}): " in capsys.readouterr().err
    assert not gate.wishes


@pytest.mark.usefixtures("bridge")
def test_a_key_that_was_just_revoked_opens_nothing(
    gate: FakeGate, send: Send, state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bridge runs on; nobody started it anew."""
    assert send("open") == 0
    config = ["--config", "config/simulate.toml", "--set", f'storage.state_dir="{state_dir}"']
    assert main(["key", "revoke", "room", *config, "--set", keys_of_the_gate()]) == 0
    assert send("open") == 1
    assert "refused (revoked_key)" in capsys.readouterr().err
    assert len(gate.wishes) == 1


def test_a_gate_that_takes_no_commands_is_told_at_once(
    gate: FakeGate, broker: Broker, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without `[mqtt.keys]` nobody listens; the broker says so (MQTT 5: no matching subscribers)."""
    with Running(settings_of(gate.journal_path.parent, broker.port), BEATING) as running:
        running.waits_for(ok=True)
        assert send("open") == 3
    assert "nobody took the command" in capsys.readouterr().err


def test_a_broker_that_forbids_it_is_named(
    gate: FakeGate, tmp_path: Path, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    allowed = ("$state", "status", "facts", "beat", "rsp/room")
    acl = "".join(f"topic readwrite antt/1/sim/{name}\n" for name in allowed)
    with Broker(tmp_path / "strict", acl=acl) as strict:
        settings = settings_of(gate.journal_path.parent, strict.port, keys_of_the_gate())
        with Running(settings, BEATING) as running:
            running.waits_for(connected=True)
            assert send("open", port=strict.port) == 1
    assert "does not let this sender write antt/1/sim/cmd" in capsys.readouterr().err


def test_the_broker_that_ends_in_between_leaves_the_end_unknown(
    bridge: Running, gate: FakeGate, broker: Broker, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may have been obeyed: nobody may be told that it was not."""
    sending = Background(lambda: send("open", "--wait"))
    wait_until(lambda: "accepted" in capsys.readouterr().out or bool(gate.wishes))
    broker.kill()
    bridge.waits_for(connected=False)
    assert sending.code == 3
    assert "the command was sent: look at the gate" in capsys.readouterr().err


def test_a_second_command_need_not_wait_for_a_beat(gate: FakeGate, broker: Broker, send: Send) -> None:
    """A stop after an open must leave at once; the gate that restarts has another boot, and is listened to anew."""
    settings = settings_of(gate.journal_path.parent, broker.port, keys_of_the_gate())
    with Running(settings, BEATING) as running:
        running.waits_for(ok=True)
        assert send("open") == 0
    with Running(settings, replace(QUICK, beat_every_s=3600.0)) as running:
        running.waits_for(ok=True)
        assert send("stop") == 0
    assert [wish.command for wish in gate.wishes] == [Command.OPEN, Command.STOP]


def test_the_clock_is_told_at_each_connection(gate: FakeGate, broker: Broker) -> None:
    """Whoever waits for a gate to come back need not wait for its next beat too."""
    rare = replace(QUICK, beat_every_s=3600.0)
    with Receiver(broker, "sim") as listening, Running(settings_of(gate.journal_path.parent, broker.port), rare):
        wait_until(lambda: [beat["boot"] for beat in listening.beats] == [boot_id()])


def test_a_kept_clock_is_good_for_minutes_and_for_one_boot(tmp_path: Path) -> None:
    file, beat = tmp_path / "cache" / "sim.json", Beat(boot="b1", mono_ms=5000, heard_ms=1_000_000)
    clock_file.keep(file, beat, own_boot="ours")
    assert clock_file.recall(file, own_boot="ours", now_ms=1_600_000) == beat
    assert clock_file.recall(file, own_boot="ours", now_ms=1_600_001) is None
    assert clock_file.recall(file, own_boot="ours", now_ms=999_999) is None
    assert clock_file.recall(file, own_boot="later", now_ms=1_000_001) is None
    for damage in ("", "[]", "{}", '{"boot":1,"mono_ms":"x","heard_ms":0,"own_boot":"ours"}', "1e999"):
        file.write_text(damage, encoding="utf-8")
        assert clock_file.recall(file, own_boot="ours", now_ms=1_000_001) is None
    clock_file.forget(file)
    clock_file.forget(file)
    clock_file.keep(Path("/proc/nowhere/sim.json"), beat, own_boot="ours")


def test_no_broker_is_no_daemon(send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    assert send("open", port=free_port()) == 3
    assert "no broker answers" in capsys.readouterr().err


def test_through_the_districts_broker_by_certificate(
    gate: FakeGate, tmp_path: Path, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    """systemd/mosquitto: the access list goes by certificate, so answers come under the desk's name."""
    with District(tmp_path / "district", ["sim", DESK]) as district:
        settings = settings_of(gate.journal_path.parent, district.port, keys_of_the_gate(), *district.overrides("sim"))
        files = {"--ca": "ca.pem", "--cert": f"{DESK}.pem", "--cert-key": f"{DESK}.key"}
        shown = [word for option, name in files.items() for word in (option, str(district.ca / name))]
        with Running(settings, BEATING) as running:
            running.waits_for(ok=True)
            assert send("open", *shown, port=district.port) == 0, capsys.readouterr().err
            assert send("open", port=district.port) == 3
            assert "expects TLS, set --ca" in capsys.readouterr().err
            assert send("open", *shown[:2], port=district.port) == 3
            assert "--cert" in capsys.readouterr().err
    assert len(gate.wishes) == 1


def errand(broker: Broker) -> Errand:
    address = Address(host=broker.host, port=broker.port, client_id="somebody", keepalive_s=10)
    order = Order(
        id=new_id(), gate="sim", kid="room", command=Command.OPEN, by_id="lan", by_name="Lan", lasts_ms=5000
    )  # fmt: skip
    key = PrivateKey(id="room", private=private_of("room"))
    return Errand(broker=address, key=key, order=order, answers_as="room", waits=False)


@pytest.mark.parametrize(
    ("state", "state_s", "told"),
    [
        (b"", 0.3, "nothing is known of a gate"),
        (b'{"s":"lost","boot":"b"}', 1.0, "not connected"),
        (b'{"s":"online","boot":"b"}', 10.0, "its clock"),
    ],
    ids=["nobody", "lost", "no beat"],
)
def test_without_the_gates_clock_nothing_is_sent(broker: Broker, state: bytes, state_s: float, told: str) -> None:
    """Brief: it learns the clock, and refuses to guess."""

    async def run() -> None:
        await Sender(errand(broker), lambda *_: None, patience=Patience(state_s=state_s, clock_s=0.5)).run()

    with Receiver(broker, "sim") as stranger:
        if state:
            stranger.publish("$state", state, retain=True)
        with pytest.raises(NoAnswerError, match=rf"nothing was sent: .*{told}"):
            asyncio.run(run())
        assert "cmd" not in stranger.order


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--broker", "ftp://host"], "no address"),
        (["--broker", "mqtt://"], "no address"),
        (["--broker", "host:port"], "no address"),
        (["--broker", "mqtt://lan:secret@host"], "--password-file"),
        (["--broker", "host", "--password-file", "x"], "needs a user"),
        (["--broker", "host", "--cert", "x"], "go together"),
        (["--broker", "mqtts://host", "--ca", "/absent/ca.pem"], "--ca /absent/ca.pem can't be used"),
        (["--broker", "lan@host", "--password-file", "/absent/word"], "--password-file /absent/word can't be read"),
        (["--gate", "a/b"], "--gate 'a/b'"),
        (["--gate", "+"], "--gate '\\+'"),
        (["--answers", "#"], "--answers"),
        (["--reason", "two\nlines"], "--reason"),
        (["--minutes", "5"], "--minutes"),
        (["--within", "60"], "from 1 to 14"),
    ],
)
def test_what_can_not_be_meant_is_said_before_anything_is_sent(
    key: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"--gate": "sim", "--broker": "127.0.0.1:1", **dict(zip(words[::2], words[1::2], strict=True))}
    try:
        code = main(["send", "open", "--key", str(key), *(word for pair in given.items() for word in pair)])
    except SystemExit as end:
        code = int(str(end.code))
    error = capsys.readouterr().err
    assert code == 2, error
    assert "Traceback" not in error
    assert told.replace("\\", "") in error
