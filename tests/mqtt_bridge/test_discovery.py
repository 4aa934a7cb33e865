"""What Home Assistant is told (issue 6, point 4), held against the rules of its documentation (`ha_rules.py`)."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from gate.model import Evidence, Health, Json, JsonObject, Kind, Mode, Sensor, State
from mqtt_bridge import discovery
from mqtt_bridge.discovery import About, Figures, View, cover_word
from tests.mqtt_bridge import ha_rules

SITE = About(
    gate_id="cong-3", name="Cổng thôn 3", language="vi", version="1.2.3", sensors=frozenset(Sensor),
    page="https://cong.example", pictures=True, commands=True,
)  # fmt: skip
OPEN: JsonObject = {
    "state": "open", "evidence": "limit", "mode": "normal", "health": "ok", "cycles": 12, "target": None,
    "mode_until": None, "reasons": [], "since": "2026-11-22T05:00:00.000Z", "alarms": [],
    "inputs": {sensor.value: sensor is Sensor.LIMIT_OPEN for sensor in Sensor},
}  # fmt: skip


def announced(about: About) -> dict[str, Any]:
    """Return the announcement, spelled out."""
    return ha_rules.spelled_out(json.loads(discovery.config_payload(about)))


def shown(gate: JsonObject, **figures: float) -> dict[str, Any]:
    """Return what `ha/state` holds."""
    found: dict[str, Any] = json.loads(discovery.state_payload(View(gate=gate, figures=Figures(**figures))))  # type: ignore[arg-type] # waiting is whole
    return found


SITES = [
    replace(SITE, language=language, pictures=pictures, commands=commands, page=page, sensors=sensors)
    for language, pictures, commands, page, sensors in product(
        discovery.LANGUAGES, (True, False), (True, False), (None, "http://192.0.2.1:8080"),
        (frozenset(Sensor), frozenset({Sensor.LIMIT_CLOSED}), frozenset[str]()),
    )
]  # fmt: skip


@pytest.mark.parametrize("about", SITES)
def test_home_assistant_takes_every_announcement(about: About) -> None:
    """Issue: validated against keys, abbreviations and value rules of its documentation."""
    assert ha_rules.complaints(announced(about)) == []


def test_the_announcement_is_where_home_assistant_looks() -> None:
    """Contracts: homeassistant/device/<id>/config."""
    topic = discovery.config_topic("homeassistant", "cong-3")
    assert topic == "homeassistant/device/cong-3/config"
    assert ha_rules.DISCOVERY_TOPIC.fullmatch(topic)


def test_the_reader_of_the_rules_finds_faults() -> None:
    """A judge that never complains proves nothing."""
    plain = announced(SITE)
    cover, beam = plain["components"]["cover"], plain["components"]["beam"]
    cover["device_class"], cover["retian"], beam["unique_id"] = "barrier", True, cover["unique_id"]
    plain["components"]["picture"]["availability"][1].pop("topic")
    beam["state_topic"] = ""
    plain["components"]["cycles"]["options"] = ["a"]
    plain["device"].pop("identifiers")
    assert len(ha_rules.complaints(plain)) == 8, ha_rules.complaints(plain)


def test_nothing_can_be_ordered_unless_the_site_allows_it() -> None:
    """Contracts: entities read-only unless mqtt.home_assistant.allow_commands; then never retained, never queued."""
    assert "ha/cmd" not in json.dumps(announced(replace(SITE, commands=False)))
    ordering = {key: each for key, each in announced(SITE)["components"].items() if "command_topic" in each}
    assert ordering.keys() == {"cover", "open"}
    for component in ordering.values():
        assert (component["retain"], component["qos"]) == (False, 0)
        assert component["command_topic"] == "antt/1/cong-3/ha/cmd"
        words = {component[key] for key in component if key.startswith("payload_")}
        assert {word.encode() for word in words} <= discovery.ORDERS.keys()


def test_what_a_site_no_longer_has_is_taken_back() -> None:
    """A bare platform removes an entity; leaving the key out would leave it there for ever."""
    few = announced(replace(SITE, sensors=frozenset({"beam"}), pictures=False, commands=False))["components"]
    assert few.keys() == announced(SITE)["components"].keys()
    assert few["edge"] == {"platform": "binary_sensor"}
    assert few["picture"] == {"platform": "image"}
    assert few["open"] == {"platform": "button"}
    assert len(few["beam"]) > 1


@pytest.mark.parametrize(("state", "evidence"), [*product(State, Evidence)])
def test_a_cover_is_closed_by_the_closed_limit_alone(state: State, evidence: Evidence) -> None:
    """Issue: never `closed` without the limit; I8. `stopped` would become closed in Home Assistant: it is told open."""
    word = cover_word({"state": state.value, "evidence": evidence.value})
    assert (word == "closed") == (state is State.CLOSED and evidence is Evidence.LIMIT)
    assert word in {"open", "opening", "closed", "closing", None}
    if state is State.STOPPED:
        assert word == "open"
    if state is State.UNKNOWN:
        assert word is None


@pytest.mark.parametrize("gate", [{}, {"state": 3}, {"state": "closed"}, {"inputs": None, "alarms": 7}])
def test_what_is_not_known_is_null_and_never_closed(gate: JsonObject) -> None:
    """Home Assistant's template makes "None" of null, which is its word for unknown."""
    found = shown(gate)
    assert found["cover"] is None
    assert found["alarm"] is None
    assert {found[sensor.value] for sensor in Sensor if sensor.value in found} == {None}


def test_every_value_is_one_that_its_entity_may_have() -> None:
    """The announcement and `ha/state` come from one table; what they say fits together in every state."""
    components = announced(SITE)["components"]
    for state, mode, health in product(State, Mode, Health):
        gate: JsonObject = {**OPEN, "state": state.value, "mode": mode.value, "health": health.value}
        for key, value in shown(gate, open_travel_s=14.2, waiting=3, temperature_c=51.3).items():
            if key == "about" or value is None:
                continue
            component = components[key]
            if component["platform"] == "binary_sensor":
                assert value in {"ON", "OFF"}
            elif "options" in component:
                assert value in component["options"]
            elif "state_class" in component:
                assert isinstance(value, int | float)


def test_a_picture_is_there_while_the_gate_and_the_picture_are() -> None:
    """Home Assistant keeps the last picture for ever: what is old must not look like now."""
    picture = announced(SITE)["components"]["picture"]
    assert picture["availability_mode"] == "all"
    assert [each["topic"] for each in picture["availability"]] == ["antt/1/cong-3/$state", "antt/1/cong-3/ha/state"]
    assert (shown(OPEN)["picture"], shown(OPEN, has_picture=True)["picture"]) == (False, True)


def test_sensors_say_what_officers_would() -> None:
    """Mains is on while there is mains; an alarm that nobody acknowledged is on."""
    calm = shown(OPEN, open_travel_s=14.2, close_travel_s=15.0, waiting=3, temperature_c=51.3)
    assert (calm["mains_lost"], calm["alarm"], calm["limit_open"], calm["beam"]) == ("ON", "OFF", "ON", "OFF")
    assert (calm["open_travel_s"], calm["cycles"], calm["waiting"], calm["temperature_c"]) == (14.2, 12, 3, 51.3)
    alarms: Json = [{"alarm": "forced_open", "id": "1"}]
    inputs: Json = {"mains_lost": True, "cabinet": None}
    loud = shown({**OPEN, "alarms": alarms, "inputs": inputs})
    assert (loud["alarm"], loud["mains_lost"], loud["cabinet"], loud["edge"]) == ("ON", "OFF", None, None)
    assert loud["about"]["alarms"] == ["forced_open"]
    assert (shown({**OPEN, "state": "unknown"})["state"], shown({**OPEN, "state": "stopped"})["state"]) == (
        None,
        "stopped",
    )


def test_an_event_is_a_fact_that_somebody_would_act_on() -> None:
    """Its type is among the announced ones; nobody's name travels; what is too long is left out."""
    types = announced(SITE)["components"]["event"]["event_types"]
    by: JsonObject = {"type": "person", "id": "u1", "name": "Nguyễn Văn An"}
    for kind in Kind:
        payload = discovery.event_payload({"kind": kind.value, "seq": 4, "by": by, "data": {"n": 1}})
        assert (payload is not None) == (kind.value in types)
        if payload:
            assert json.loads(payload)["event_type"] == kind.value
            assert "Nguyễn" not in payload.decode()
    long = discovery.event_payload({"kind": "arrived", "seq": 4, "by": by, "data": {"text": "x" * 10_000}})
    assert json.loads(long or b"")["data"] == {}


def test_every_entity_has_a_name_in_both_languages() -> None:
    """Style: each word a person sees is there in Vietnamese and English. The cover bears the site's name."""
    assert {entity.key for entity in discovery.TABLE} == discovery.NAMES.keys() | {"cover"}
    for language in (0, 1):
        names = [words[language] for words in discovery.NAMES.values()]
        assert all(names)
        assert len(set(names)) == len(names)
    assert announced(SITE)["components"]["cover"]["name"] is None
    assert announced(SITE)["device"]["name"] == "Cổng thôn 3"
