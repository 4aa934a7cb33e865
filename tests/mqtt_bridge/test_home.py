"""A gate as Home Assistant shows it: real broker, the bridge, and a small Home Assistant (`ha.py`) beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.model import Command, Kind
from mqtt_bridge.home import last_moves, read_temperature
from mqtt_bridge.link import STOOD_STILL_S
from mqtt_bridge.pictures import LARGEST_BYTES, newest
from tests.broker import Broker, Receiver
from tests.fakes import FakeGate, wait_until
from tests.mqtt_bridge.cable import Cable
from tests.mqtt_bridge.conftest import QUICK, Process, Running, Writer, settings_of
from tests.mqtt_bridge.ha import HomeAssistant

JPEG = b"\xff\xd8\xff\xe0" + bytes(1000)


def refusals(gate: FakeGate) -> list[object]:
    """Return the codes of the refused commands that the journal was told of."""
    return [data["code"] for kind, _, data in gate.reports if kind is Kind.COMMAND_REFUSED]


def travels(gate: FakeGate, start: str, end: str, travel_ms: int) -> None:
    """Write what the journal holds of a run."""
    gate.write(Kind.STATE_CHANGED, {"from": start, "to": "opening" if end == "open" else "closing"})
    gate.write(Kind.ARRIVED, {"state": end, "travel_ms": travel_ms})


@pytest.fixture
def home(broker: Broker) -> Iterator[HomeAssistant]:
    """Start a Home Assistant at the broker; at the end it must have understood everything."""
    with HomeAssistant(broker) as running:
        yield running
        assert running.complaints == []


def shows(home: HomeAssistant, key: str, state: str) -> None:
    """Wait until an entity is shown in that state."""
    wait_until(lambda: home.states.get(key) == state, 10, f"{key} {state} in {home.states}")


def test_the_cover_follows_the_gate_and_never_says_more(
    state_dir: Path, gate: FakeGate, broker: Broker, home: HomeAssistant
) -> None:
    """Issue: open, closing, stopped and unknown truthfully, never `closed` without the limit, without configuration."""
    with Running(settings_of(state_dir, broker.port)):
        shows(home, "cover", "closed")
        assert home.states["limit_closed"] == "on"
        for state, evidence, cover in (
            ("opening", "drive", "opening"), ("open", "limit", "open"), ("closing", "drive", "closing"),
            ("stopped", "none", "open"), ("unknown", "none", "unknown"), ("closed", "none", "unknown"),
            ("closed", "limit", "closed"),
        ):  # fmt: skip
            gate.say_state(state=state, evidence=evidence, position=None)
            shows(home, "cover", cover)
            shows(home, "state", "unknown" if state == "unknown" else state)
        assert home.history["cover"] == ["closed", "opening", "open", "closing", "open", "unknown", "closed"]
        assert home.device["name"] == "Cổng thôn 3 (mô phỏng)"
        assert "open" not in home.components
    shows(home, "cover", "unavailable")


def test_a_gate_that_falls_silent_is_not_shown_as_closed(state_dir: Path, broker: Broker, home: HomeAssistant) -> None:
    """The gate process is gone, the bridge is not: what was true is not told any more."""
    with Running(settings_of(state_dir, broker.port)):
        with FakeGate(state_dir) as gate:
            shows(home, "cover", "closed")
            gate.loop.call_soon_threadsafe(time.sleep, 3.2)  # hung: connected, and deaf
            shows(home, "cover", "unknown")
            shows(home, "cover", "closed")
        shows(home, "cover", "unknown")
        with FakeGate(state_dir):
            shows(home, "cover", "closed")


def test_what_an_earlier_bridge_left_is_not_taken_for_now(state_dir: Path, broker: Broker, home: HomeAssistant) -> None:
    """The broker still holds `closed`; the bridge is back before the gate process is."""
    with FakeGate(state_dir), Running(settings_of(state_dir, broker.port)):
        shows(home, "cover", "closed")
    shows(home, "cover", "unavailable")
    home.page.clear()
    with Running(settings_of(state_dir, broker.port)):
        shows(home, "cover", "unknown")
    assert "closed" not in home.page["cover"]


def test_a_gate_that_was_moved_while_nobody_looked_never_comes_back_as_closed(
    state_dir: Path, broker: Broker, home: HomeAssistant
) -> None:
    """Seen in Home Assistant 2026.11: unavailable, closed for 12 ms, unknown. An automation acts on that."""
    with FakeGate(state_dir), Running(settings_of(state_dir, broker.port)):
        shows(home, "cover", "closed")
    shows(home, "cover", "unavailable")
    home.page.clear()
    with FakeGate(state_dir) as gate:
        gate.say_state(state="open", evidence="limit", inputs={"limit_open": True, "limit_closed": False})
        with Running(settings_of(state_dir, broker.port)):
            shows(home, "cover", "open")
            shows(home, "limit_closed", "off")
    assert "closed" not in home.page["cover"]
    assert "on" not in home.page["limit_closed"]


def test_a_dead_bridge_makes_the_gate_unavailable(
    state_dir: Path, gate: FakeGate, broker: Broker, home: HomeAssistant
) -> None:
    """Issue: go unavailable when the bridge dies; the broker says so after the will delay (30 s, here 1 s)."""
    assert gate.socket
    with Process(state_dir, broker.port) as bridge:
        shows(home, "cover", "closed")
        bridge.kill()
        shows(home, "cover", "unavailable")
    with Running(settings_of(state_dir, broker.port)):
        shows(home, "cover", "closed")


def test_a_home_assistant_that_starts_is_told_again(
    state_dir: Path, gate: FakeGate, broker: Broker, home: HomeAssistant
) -> None:
    """Issue: resent on birth after a random delay; once, however often it says so meanwhile."""
    with Running(settings_of(state_dir, broker.port)):
        shows(home, "cover", "closed")
        before = len(home.announcements)
        home.is_born()
        home.is_born()
        wait_until(lambda: len(home.announcements) > before)
        time.sleep(0.5)  # a second announcement would have come by now
        assert len(home.announcements) == before + 1
        assert home.announcements[-1] == home.announcements[0]
        assert gate.snapshot()["state"] == "closed"


def test_what_happens_and_what_is_measured_is_shown(
    state_dir: Path, gate: FakeGate, broker: Broker, home: HomeAssistant
) -> None:
    """Issue: event, image, travel time, cycles, outbox depth, temperature; figures survive a restart of the bridge."""
    travels(gate, "open", "closed", 15_000)
    with Running(settings_of(state_dir, broker.port, "mqtt.snapshot=true")):
        shows(home, "close_travel_s", "15.0")
        travels(gate, "closed", "open", 14_200)
        shows(home, "open_travel_s", "14.2")
        gate.write(Kind.ALARM_RAISED, {"alarm": "forced_open"}, {"type": "person", "id": "u1", "name": "An"})
        gate.say_state(alarms=[{"alarm": "forced_open", "id": "1"}], cycles=7)
        shows(home, "alarm", "on")
        shows(home, "cycles", "7")
        wait_until(lambda: [event["event_type"] for event in home.events] == ["arrived", "alarm_raised"])
        travels(gate, "stopped", "closed", 800)
        travels(gate, "stopped", "open", 900)
        wait_until(lambda: len(home.events) == 4)
        gate.say_state(cycles=8)
        shows(home, "cycles", "8")
        assert (home.states["open_travel_s"], home.states["close_travel_s"]) == ("14.2", "15.0"), "a part of the way"
        assert home.events[1]["by"] == {"type": "person", "id": "u1"}
        assert home.attributes["alarms"] == ["forced_open"]
        (state_dir / "postcard.jpg").write_bytes(JPEG)
        os.utime(state_dir / "postcard.jpg", ns=(time.monotonic_ns(),) * 2)
        wait_until(lambda: home.images == [JPEG])
        assert home.image_expiry_s == 60


def test_a_picture_is_shown_while_it_is_of_now(
    state_dir: Path, gate: FakeGate, broker: Broker, home: HomeAssistant
) -> None:
    """Seen in Home Assistant 2026.11: it keeps the last picture for ever, as if the camera still saw."""
    assert gate.socket
    postcard = state_dir / "postcard.jpg"
    with Running(settings_of(state_dir, broker.port, "mqtt.snapshot=true"), replace(QUICK, picture_kept_s=3.0)):
        shows(home, "cover", "closed")
        assert home.states["picture"] == "unavailable"
        postcard.write_bytes(JPEG)
        os.utime(postcard, ns=(time.monotonic_ns(),) * 2)
        wait_until(lambda: home.states["picture"] == "unknown", 10, "a picture")
        shows(home, "picture", "unavailable")
        assert home.states["cover"] == "closed"


def test_home_assistant_only_looks_unless_the_site_says_otherwise(
    state_dir: Path, gate: FakeGate, broker: Broker, home: HomeAssistant
) -> None:
    """Contracts: read-only unless mqtt.home_assistant.allow_commands; nothing is even listened to."""
    with Running(settings_of(state_dir, broker.port)) as bridge:
        shows(home, "cover", "closed")
        home.publishes("antt/1/sim/ha/cmd", b"open")
        home.publishes("antt/1/sim/ha/cmd", b"open", retain=True)
        gate.say_state(cycles=9)
        shows(home, "cycles", "9")
        assert gate.wishes == []
        bridge.waits_for(ok=True)


ALLOWED = ("mqtt.home_assistant.allow_commands=true",)


def test_an_allowed_press_takes_the_path_of_every_command(
    state_dir: Path, gate: FakeGate, broker: Broker, home: HomeAssistant
) -> None:
    """Issue: through the same rules with the configured role, never retained; the gate knows who asked, until when."""
    home.publishes("antt/1/sim/ha/cmd", b"close", retain=True)  # somebody's mistake of yesterday
    with Running(settings_of(state_dir, broker.port, *ALLOWED)):
        shows(home, "cover", "closed")
        for number, key in enumerate(("open", "close", "stop"), start=1):
            home.presses(key)
            wait_until(lambda number=number: len(gate.wishes) == number)  # type: ignore[misc] # bound now
        assert [wish.command for wish in gate.wishes] == [Command.OPEN, Command.CLOSE, Command.STOP]
        wish = gate.wishes[0]
        assert (wish.by.type, wish.by.id) == ("key", "home-assistant")
        assert 0 < (wish.deadline_mono_ms or 0) - time.monotonic_ns() // 1_000_000 < 15_000
        home.publishes("antt/1/sim/ha/cmd", b"open", retain=True)
        home.publishes("antt/1/sim/ha/cmd", b"OPEN SESAME")
        wait_until(lambda: len(refusals(gate)) == 2)
        assert refusals(gate) == ["retained", "bad_envelope"]
        assert len(gate.wishes) == 3


def test_a_press_that_waited_while_the_bridge_stood_still_opens_nothing_and_stops(
    state_dir: Path, gate: FakeGate, broker: Broker, home: HomeAssistant
) -> None:
    """I7: nobody signed a deadline, so what was not read in time is as good as expired; a stop is never too late."""
    with Running(settings_of(state_dir, broker.port, *ALLOWED)) as bridge:
        shows(home, "cover", "closed")
        bridge.stands_still(3.0)
        for word in (b"open", b"stop", b"close"):
            home.publishes("antt/1/sim/ha/cmd", word)
        wait_until(lambda: refusals(gate) == ["expired", "expired"], 10, f"{refusals(gate)} {gate.wishes}")
        assert [wish.command for wish in gate.wishes] == [Command.STOP]
        time.sleep(STOOD_STILL_S)
        home.presses("open")
        wait_until(lambda: [wish.command for wish in gate.wishes] == [Command.STOP, Command.OPEN])


def test_its_role_bounds_what_it_may_order(
    state_dir: Path, gate: FakeGate, broker: Broker, home: HomeAssistant
) -> None:
    """A viewer may stop the gate and nothing else."""
    with Running(settings_of(state_dir, broker.port, *ALLOWED, "mqtt.home_assistant.role='viewer'")):
        shows(home, "cover", "closed")
        home.presses("open")
        wait_until(lambda: bool(refusals(gate)))
        assert refusals(gate) == ["not_permitted"]
        home.presses("stop")
        wait_until(lambda: [wish.command for wish in gate.wishes] == [Command.STOP])


def test_a_broker_without_room_for_home_assistant_is_no_trouble(
    state_dir: Path, gate: FakeGate, tmp_path: Path
) -> None:
    """The district's access list knows nothing of it: facts and status go on, and health is good."""
    acl = "user gate\ntopic readwrite antt/1/sim/$state\ntopic write antt/1/sim/status\ntopic write antt/1/sim/facts\n"
    acl += "topic write antt/1/sim/beat\nuser room\ntopic readwrite #\n"
    password = tmp_path / "password"
    password.write_text("pw", encoding="utf-8")
    login = ("mqtt.username='gate'", f"mqtt.password_file='{password}'")
    with (
        Broker(tmp_path / "b", login=("gate", "pw"), acl=acl) as broker,
        Running(settings_of(state_dir, broker.port, *login)) as bridge,
    ):
        ids = [gate.write(Kind.CLOCK_CHANGED, {"n": n}) for n in range(5)]
        bridge.waits_for(ok=True, waiting=0)
        gate.say_state(cycles=3)
        time.sleep(0.3)  # several looks
        bridge.waits_for(ok=True, reason="")
        assert len(ids) == 5


def test_a_broker_of_small_packets_is_not_pushed_over_its_limit(
    state_dir: Path, gate: FakeGate, tmp_path: Path
) -> None:
    """An announcement larger than the broker announced would end the connection again and again; facts must not pay."""
    with (
        Broker(tmp_path / "b", extra="max_packet_size 4096") as broker,
        Receiver(broker, "sim") as receiver,
        Running(settings_of(state_dir, broker.port)) as bridge,
    ):
        gate.write(Kind.CLOCK_CHANGED, {"n": 1})
        bridge.waits_for(ok=True, waiting=0)
        time.sleep(0.5)  # several looks
        bridge.waits_for(ok=True, connected=True, reason="")
        assert [state["s"] for state in receiver.states] == ["online"]


def test_another_discovery_prefix_is_another_place_for_the_announcement_alone(
    state_dir: Path, gate: FakeGate, broker: Broker
) -> None:
    """Home Assistant says that it started on its own topic, whatever prefix it listens to."""
    assert gate.socket
    with (
        HomeAssistant(broker, "ha/found") as home,
        Running(settings_of(state_dir, broker.port, "mqtt.home_assistant.prefix='ha/found'")),
    ):
        shows(home, "cover", "closed")
        home.is_born()
        wait_until(lambda: len(home.announcements) == 2)


def test_a_gate_that_is_not_to_be_shown_takes_its_announcement_back(
    state_dir: Path, gate: FakeGate, broker: Broker, cable: Cable, home: HomeAssistant
) -> None:
    """An empty announcement removes the device; nothing else is said to Home Assistant, which warns of a second one."""
    with Running(settings_of(state_dir, broker.port)):
        shows(home, "cover", "closed")
    seen = len(home.traffic)
    with Running(settings_of(state_dir, cable.port, "mqtt.home_assistant.enabled=false")) as bridge:
        wait_until(lambda: home.announcements[-1:] == [b""] and ("antt/1/sim/ha/state", b"") in home.traffic[seen:])
        gate.say_state(cycles=4)
        gate.write(Kind.ARRIVED, {"state": "open", "travel_ms": 1})
        bridge.waits_for(ok=True, waiting=0)
        told = [payload for topic, payload in home.traffic[seen:] if "/ha/" in topic]
        assert told == [b""]
        cable.cut()
        bridge.waits_for(connected=False)
        cable.mend()
        bridge.waits_for(connected=True, ok=True)
        time.sleep(0.3)  # another would have come by now
        assert home.announcements.count(b"") == 1


def test_only_a_fresh_picture_of_the_right_size_is_sent(tmp_path: Path) -> None:
    """Contracts: snapshot is a JPEG ≤ 100 KB; an old one must not look like now."""
    path, now_ns = tmp_path / "postcard.jpg", time.monotonic_ns()
    assert newest(path, now_ns) == (0, b"")
    for jpeg, age_s, is_sent in (
        (JPEG, 1, True),
        (JPEG, 16, False),
        (JPEG, -5, False),
        (b"", 1, False),
        (bytes(LARGEST_BYTES + 1), 1, False),
    ):
        path.write_bytes(jpeg)
        os.utime(path, ns=(now_ns - age_s * 10**9,) * 2)
        assert bool(newest(path, now_ns)[1]) is is_sent


def test_figures_that_are_not_there_are_not_invented(tmp_path: Path, journal: Writer) -> None:
    """No thermometer, a strange one, no journal: no figure, and no error."""
    assert read_temperature(tmp_path / "none") is None
    (tmp_path / "temp").write_text("51234\n", encoding="ascii")
    assert read_temperature(tmp_path / "temp") == 51.2
    (tmp_path / "temp").write_text("hot\n", encoding="ascii")
    assert read_temperature(tmp_path / "temp") is None
    assert last_moves(tmp_path / "none.db") == []
    journal.write(2, kind=Kind.ARRIVED)
    assert [fact.data["n"] for fact in last_moves(tmp_path / "journal.db")] == [0, 1]
