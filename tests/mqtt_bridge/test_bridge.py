"""The whole bridge against a real mosquitto: nothing lost, order kept, and the truth about the connection."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gate.model import Kind
from tests.broker import Broker, Receiver, free_port
from tests.fakes import FakeGate, wait_until
from tests.mqtt_bridge.cable import Cable
from tests.mqtt_bridge.conftest import QUICK, Process, Running, Writer, settings_of

pytestmark = pytest.mark.slow
PERSON = {"type": "person", "id": "u1", "name": "Nguyễn Văn An"}


def has_all(receiver: Receiver, ids: list[str], timeout_s: float = 20.0) -> None:
    """Wait until the receiver has exactly these facts, in this order, once duplicates are dropped."""
    wait_until(lambda: len(receiver.ids) >= len(ids), timeout_s, f"{len(receiver.ids)} of {len(ids)} facts")
    assert receiver.ids == ids


def test_what_happens_is_told_within_a_moment(gate: FakeGate, broker: Broker, receiver: Receiver) -> None:
    """Contracts: facts come from the journal, as they are; a push makes it quick, the poll is only a fallback."""
    slow_poll = replace(QUICK, delivery=replace(QUICK.delivery, poll_s=30.0))
    with Running(settings_of(gate.journal_path.parent, broker.port), slow_poll) as bridge:
        bridge.waits_for(ok=True)
        wait_until(lambda: "mqtt_bridge" in gate.beats)
        before = time.monotonic()
        fact_id = gate.write(Kind.ARRIVED, {"state": "open", "command_id": "c1", "travel_ms": 9000})
        wait_until(lambda: fact_id in receiver.ids)
        assert time.monotonic() - before < 0.5
    fact = next(fact for fact in receiver.facts if fact["id"] == fact_id)
    assert (fact["kind"], fact["data"]["travel_ms"], "hist" in fact) == ("arrived", 9000, False)


def test_facts_written_while_the_socket_was_away_are_not_missed(
    state_dir: Path, journal: Writer, broker: Broker, receiver: Receiver
) -> None:
    """Brief: the journal is the source; a push is only a wake-up."""
    with Running(settings_of(state_dir, broker.port)) as bridge:
        bridge.waits_for(ok=True)
        has_all(receiver, journal.write(120))


def test_state_first_then_status_then_history(gate: FakeGate, receiver: Receiver, cable: Cable) -> None:
    """Brief: live status first, history after."""
    with Running(settings_of(gate.journal_path.parent, cable.port)) as bridge:
        bridge.waits_for(ok=True, waiting=0)
        cable.cut()
        bridge.waits_for(connected=False)
        ids = [gate.write(Kind.CLOCK_CHANGED, {"n": n}) for n in range(300)]
        gate.say_state(state="opening")
        already = len(receiver.order)
        cable.mend()
        wait_until(lambda: ids[-1] in receiver.ids, 10)
        first_of_each = dict.fromkeys(topic for topic in receiver.order[already:] if topic != "beat")
        assert [topic for topic in first_of_each if not topic.startswith("ha/")] == ["$state", "status", "facts"]


def test_a_status_follows_each_change_and_names_nobody(gate: FakeGate, broker: Broker, receiver: Receiver) -> None:
    """Contracts: status is retained and says what GET /gate says, less people's names."""
    with Running(settings_of(gate.journal_path.parent, broker.port)):
        wait_until(lambda: bool(receiver.statuses))
        gate.say_state(state="opening", by=PERSON)
        wait_until(lambda: receiver.statuses[-1]["state"] == "opening")
        assert receiver.statuses[-1]["by"] == {"type": "person", "id": "u1"}
        assert "Nguyễn" not in json.dumps(receiver.statuses, ensure_ascii=False)
        with Receiver(broker, "sim") as late:
            wait_until(lambda: bool(late.statuses))
            assert (late.statuses[0]["state"], late.statuses[0]["retained"]) == ("opening", True)


def test_a_restless_gate_does_not_flood_the_broker(gate: FakeGate, broker: Broker, receiver: Receiver) -> None:
    """Brief: status is coalesced, newest wins, at most five a second."""
    contract = replace(QUICK, status_every_s=0.2)
    with Running(settings_of(gate.journal_path.parent, broker.port), contract):
        wait_until(lambda: bool(receiver.statuses))
        began = time.monotonic()
        for n in range(200):
            gate.say_state(evidence_age_ms=n)
        wait_until(lambda: receiver.statuses[-1]["evidence_age_ms"] == 199)
        assert len(receiver.statuses) <= 3 + (time.monotonic() - began) / 0.2


def test_nothing_is_lost_over_a_restart_of_the_broker(
    state_dir: Path, tmp_path: Path, journal: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue 2, item 8: none lost over a broker restart. Persistence on, PUBACK counts."""
    with (
        Broker(tmp_path / "lasting", persistence=True) as broker,
        Receiver(broker, "sim") as receiver,
        Running(settings_of(state_dir, broker.port)) as bridge,
    ):
        ids = journal.write(1500)
        wait_until(lambda: len(receiver.facts) > 100)
        broker.restart()
        ids += journal.write(500)
        has_all(receiver, ids)
        bridge.waits_for(ok=True, waiting=0)


def test_nothing_is_lost_when_the_bridge_is_killed(
    state_dir: Path, journal: Writer, broker: Broker, receiver: Receiver
) -> None:
    """Architecture: the bridge may be killed at any moment without one event being lost; duplicates only."""
    ids = journal.write(3000)
    for enough in (200, 1500):
        with Process(state_dir, broker.port) as bridge:
            wait_until(lambda enough=enough: len(receiver.ids) > enough, 10)  # type: ignore[misc] # bound now
            bridge.kill()
    ids += journal.write(100)
    with Running(settings_of(state_dir, broker.port)) as last:
        has_all(receiver, ids)
        last.waits_for(waiting=0, upto=3100)
    assert len(receiver.facts) >= len(ids)


def test_a_bridge_that_is_killed_is_called_lost_and_heals(state_dir: Path, broker: Broker, receiver: Receiver) -> None:
    """Contracts: last will `lost` with the same boot, after the will delay; facts, connect.md: heal it."""
    with Process(state_dir, broker.port, will_delay_s=1) as bridge:
        wait_until(lambda: bool(receiver.states), 10)
        bridge.kill()
        killed = time.monotonic()
        wait_until(lambda: receiver.states[-1]["s"] == "lost", 10)
        assert time.monotonic() - killed > 0.8, "not before the will delay"
    assert receiver.states[-1] == {"s": "lost", "boot": receiver.states[0]["boot"]}
    with Running(settings_of(state_dir, broker.port)):
        wait_until(lambda: receiver.states[-1]["s"] == "online")


def test_a_bridge_that_is_soon_back_was_never_lost(
    state_dir: Path, journal: Writer, broker: Broker, receiver: Receiver
) -> None:
    """Contracts: that is what the will delay is for."""
    with Process(state_dir, broker.port, will_delay_s=2) as bridge:
        wait_until(lambda: bool(receiver.states), 10)
        bridge.kill()
    with Running(settings_of(state_dir, broker.port), replace(QUICK, will_delay_s=2)) as again:
        again.waits_for(ok=True)
        time.sleep(2.5)  # longer than the will delay: what must not come can't be waited for
        assert [state["s"] for state in receiver.states] == ["online", "online"]


def test_a_bridge_that_is_stopped_says_so(state_dir: Path, broker: Broker, receiver: Receiver) -> None:
    """Contracts: `stopped` is not `lost`. Interfaces: when standard input ends, stop within 2 s, exit 0."""
    with Process(state_dir, broker.port, will_delay_s=1) as bridge:
        wait_until(lambda: bool(receiver.states), 10)
        began = time.monotonic()
        code, errors = bridge.close_lifeline()
        assert (code, time.monotonic() - began < 2.0) == (0, True), errors
        assert "Traceback" not in errors
    wait_until(lambda: receiver.states[-1]["s"] == "stopped")
    assert set(receiver.states[-1]) == {"s", "boot", "up_s", "version"}


def test_ctrl_c_stops_it_too(state_dir: Path, broker: Broker, receiver: Receiver) -> None:
    """Interfaces: SIGTERM and SIGINT stop cleanly, exit 0."""
    with Process(state_dir, broker.port) as bridge:
        wait_until(lambda: bool(receiver.states), 10)
        bridge.process.send_signal(signal.SIGINT)
        assert bridge.process.wait(3) == 0
    wait_until(lambda: receiver.states[-1]["s"] == "stopped")


def test_a_false_lost_is_healed(state_dir: Path, journal: Writer, broker: Broker, receiver: Receiver) -> None:
    """Facts, connect.md: heal when one's own `lost` is seen, whoever wrote it."""
    with Running(settings_of(state_dir, broker.port)) as bridge:
        bridge.waits_for(ok=True)
        wait_until(lambda: bool(receiver.states))
        receiver.publish("$state", b'{"s":"lost","boot":"another"}', retain=True)
        wait_until(lambda: [state["s"] for state in receiver.states[-2:]] == ["lost", "online"])
        receiver.publish("$state", b'{"s":"online","boot":"another"}', retain=True)
        wait_until(lambda: len({state["boot"] for state in receiver.states[-2:]}) == 2)
        assert receiver.states[-1]["boot"] == receiver.states[0]["boot"]


def test_a_broker_that_is_down_at_start_is_caught_up_with(state_dir: Path, journal: Writer, tmp_path: Path) -> None:
    """Facts, connect.md: connect() raises if the broker is down at boot; here the process lives and catches up."""
    port = free_port()
    ids = journal.write(200)
    with Running(settings_of(state_dir, port)) as bridge:
        bridge.waits_for(connected=False, waiting=200)
        reason = f"no broker answers at 127.0.0.1:{port}; start it, or correct mqtt.host and mqtt.port"
        bridge.waits_for(ok=False, reason=reason, broker=f"127.0.0.1:{port}")
        with Broker(tmp_path / "late", port=port) as late, Receiver(late, "sim") as receiver:
            has_all(receiver, ids)
            bridge.waits_for(ok=True, reason="", waiting=0)


def test_gate_is_told_when_the_broker_comes_and_goes(gate: FakeGate, broker: Broker, receiver: Receiver) -> None:
    """Brief: broker_connected and broker_lost are journalled, and delivered too."""
    with Running(settings_of(gate.journal_path.parent, broker.port)) as bridge:
        wait_until(lambda: "broker_connected" in [fact["kind"] for fact in receiver.facts])
        broker.restart(kill=True)
        bridge.waits_for(ok=True, waiting=0)
        back = ["broker_lost", "broker_connected"]
        wait_until(lambda: [kind.value for kind, _, _ in gate.reports][-2:] == back, 40, "both facts")
        wait_until(lambda: gate.beats["mqtt_bridge"].get("ok") is True)
    assert gate.reports[0][1].id == "mqtt_bridge"


def test_a_wrong_password_says_what_to_do(state_dir: Path, tmp_path: Path, journal: Writer) -> None:
    """Issue 2: each a clear message. The secret is in a file, read again at each try."""
    journal.write(3)
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    more = ('mqtt.username="gate"', f'mqtt.password_file="{secret}"')
    with Broker(tmp_path / "locked", login=("gate", "right")) as broker:
        with Running(settings_of(state_dir, broker.port, *more)) as bridge:
            wait_until(lambda: "mqtt.username and the file of mqtt.password_file" in str(bridge.health["reason"]), 10)
            bridge.waits_for(ok=False, connected=False, waiting=3)
            secret.write_text("right\n")
            bridge.waits_for(ok=True, waiting=0)
        secret.unlink()
        with Running(settings_of(state_dir, broker.port, *more)) as bridge:
            wait_until(lambda: f"mqtt.password_file {secret} can't be read" in str(bridge.health["reason"]), 10)


def test_an_access_list_that_forbids_facts_is_seen_and_nothing_is_lost(
    state_dir: Path, tmp_path: Path, journal: Writer
) -> None:
    """Issue 6, 6: ACL refusals are seen in status and in a log line that says what to do."""
    journal.write(3)
    (tmp_path / "secret").write_text("pw")
    more = ('mqtt.username="gate"', f'mqtt.password_file="{tmp_path / "secret"}"')
    acl = "user gate\ntopic readwrite antt/1/sim/$state\n"
    with (
        Broker(tmp_path / "strict", login=("gate", "pw"), acl=acl) as broker,
        Running(settings_of(state_dir, broker.port, *more)) as bridge,
    ):
        refusal = "the broker's access list does not let this gate write antt/1/sim/facts; allow it there"
        refusal += ", or sign in with the certificate or user name of this site.id"
        bridge.waits_for(ok=False, connected=True, reason=refusal, waiting=3, upto=0)


def test_a_certificate_that_is_not_trusted_is_named(state_dir: Path, tmp_path: Path, journal: Writer) -> None:
    """Issue 6, 6: wrong certificates. And with the right CA everything is delivered, encrypted."""
    ids = journal.write(120)
    right, wrong = a_certificate(tmp_path / "right"), a_certificate(tmp_path / "wrong")
    with Broker(tmp_path / "tls", tls=right) as broker:
        with Running(settings_of(state_dir, broker.port, f'mqtt.ca_file="{wrong[0]}"')) as bridge:
            wait_until(lambda: "is not trusted" in str(bridge.health["reason"]), 10)
            assert "check mqtt.ca_file and mqtt.host" in str(bridge.health["reason"])
        with Running(settings_of(state_dir, broker.port)) as bridge:
            wait_until(lambda: "where it expects TLS, set mqtt.ca_file" in str(bridge.health["reason"]), 10)
        with Running(settings_of(state_dir, broker.port, f'mqtt.ca_file="{right[0]}"')) as bridge:
            bridge.waits_for(ok=True, waiting=0, upto=len(ids))


def a_certificate(folder: Path) -> tuple[Path, Path, Path]:
    """Make a CA and a certificate for 127.0.0.1 signed by itself; return CA, certificate, key."""
    folder.mkdir()
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1"
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {cert}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return cert, cert, key


def test_a_receiver_gets_again_what_it_misses(state_dir: Path, journal: Writer, broker: Broker) -> None:
    """Contracts: facts/ack {"upto","missing"}; the journal still has everything."""
    settings = settings_of(state_dir, broker.port, "mqtt.require_ack=true")
    with Receiver(broker, "sim", confirms=True) as receiver, Running(settings) as bridge:
        has_all(receiver, journal.write(300))
        bridge.waits_for(ok=True, waiting=0, upto=300)
        seen = len(receiver.facts)
        receiver.forget({10, 11, 250})
        receiver.confirm()
        wait_until(lambda: {10, 11, 250} <= {fact["seq"] for fact in receiver.facts[seen:]})
        bridge.waits_for(ok=True, waiting=0, upto=300)


def test_without_a_receiver_that_confirms_nothing_counts(state_dir: Path, journal: Writer, broker: Broker) -> None:
    """Contracts: with mqtt.require_ack a row counts as delivered at facts/ack, and health says who is missing."""
    journal.write(10)
    impatient = replace(QUICK, delivery=replace(QUICK.delivery, receiver_timeout_s=0.3))
    settings = settings_of(state_dir, broker.port, "mqtt.require_ack=true")
    with Receiver(broker, "sim") as mute, Running(settings, impatient) as bridge:
        wait_until(lambda: "no receiver confirms on facts/ack" in str(bridge.health["reason"]), 10)
        bridge.waits_for(ok=False, upto=0, waiting=10)
        for rubbish in (b"", b"[]", b'{"upto":"9"}', b"\xff"):
            mute.publish("facts/ack", rubbish)
        mute.confirm()
        bridge.waits_for(ok=True, upto=10, waiting=0)


def test_a_broker_with_small_packets_gets_small_ones(state_dir: Path, tmp_path: Path, journal: Writer) -> None:
    """docs/topics.md: what the broker does not take is replaced by its outline, never dropped in silence."""
    ids = journal.write(100) + journal.write(1, size=40_000) + journal.write(10)
    for name, limit in (("announced", "max_packet_size 20000"), ("silent", "message_size_limit 20000")):
        folder = tmp_path / name
        folder.mkdir()
        for path in state_dir.glob("outbox.db*"):
            path.unlink()
        with (
            Broker(folder / "b", extra=limit) as broker,
            Receiver(broker, "sim") as receiver,
            Running(settings_of(state_dir, broker.port)) as bridge,
        ):
            bridge.waits_for(ok=True, waiting=0, upto=111)
            wait_until(lambda receiver=receiver: len(receiver.ids) >= len(ids))  # type: ignore[misc] # bound now
            assert sorted(receiver.ids) == sorted(ids)
            assert max(len(batch) for batch in receiver.batches) < 20_000
            assert [fact["seq"] for fact in receiver.facts if "omitted" in fact] == [101]


def test_the_log_tells_a_calm_story(
    state_dir: Path, journal: Writer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Style: logs say what changed and what to do, once."""
    with caplog.at_level(logging.INFO), Running(settings_of(state_dir, free_port())) as bridge:
        bridge.waits_for(connected=False)
        time.sleep(1.0)  # several attempts
    assert len([record for record in caplog.records if "no broker answers" in record.message]) == 1
