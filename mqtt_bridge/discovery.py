"""What Home Assistant is told of a gate: one table of entities, and the payloads made from it. Pure.

- A row of the table says what an entity is and how its value follows from what the gate publishes. The announcement
  (`homeassistant/device/<gate_id>/config`) and `ha/state` are both made from it, so they can't drift apart.
- A value that is not known is null; Home Assistant's template makes it "None", and shows "unknown".
- Home Assistant keeps the last picture for ever, though the broker forgets it: a picture of an hour ago would look like
  one of now. So the picture has an availability of its own.
- The cover has no word for `stopped`. Left to itself Home Assistant takes `stopped` for closed where the leaf was
  closing, so it is told `open`: the leaf stands between its limits. It is told `closed` by the closed limit alone.
- What a site does not have, or may not do, is announced as its bare platform: Home Assistant then removes it.

Keys and values are those of Home Assistant's MQTT documentation; tests/mqtt_bridge/ha_rules.py holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gate.model import Command, Evidence, Health, Json, JsonObject, Kind, Mode, Sensor, State
from mqtt_bridge import topics

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, Language] = ("vi", "en")
ORIGIN = "antt-gate"
BIRTH_TOPIC = "homeassistant/status"
BIRTH = b"online"
LARGEST_EVENT = 8192
ORDERS = {b"open": Command.OPEN, b"close": Command.CLOSE, b"stop": Command.STOP}
EVENTS = (
    Kind.ALARM_RAISED, Kind.ALARM_ACKNOWLEDGED, Kind.COMMAND_REFUSED, Kind.ARRIVED, Kind.OBSTRUCTED, Kind.REVERSED,
    Kind.MODE_CHANGED, Kind.HEALTH_CHANGED, Kind.SENSOR_DEGRADED, Kind.SENSOR_RECOVERED, Kind.MOTION_RAISED,
    Kind.GATEWAY_COMPARED, Kind.STORAGE_LOW, Kind.PROCESS_DIED,
)  # fmt: skip
"""The facts that an automation may want to act on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """The gate that is announced. `sensors` are those it has; `page`: where people find it, if that is known."""

    gate_id: str
    name: str
    language: Language
    version: str
    sensors: frozenset[str]
    page: str | None = None
    pictures: bool = False
    commands: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What the bridge knows beside the gate's own words. None: not known."""

    open_travel_s: float | None = None
    close_travel_s: float | None = None
    waiting: int | None = None
    temperature_c: float | None = None
    has_picture: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What values are made from: what `GET /gate` says (empty: the gate process does not answer), and the figures."""

    gate: Mapping[str, Json]
    figures: Figures


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """One row: `value` as it stands in `ha/state` under `key`, `is_there` for which gates, `more` in its own words."""

    key: str
    platform: str
    value: Callable[[View], Json] | None = None
    is_there: Callable[[About], bool] = lambda _: True
    more: Mapping[str, Json] = field(default_factory=dict)


def cover_word(gate: Mapping[str, Json]) -> str | None:
    """Say where the leaf is in Home Assistant's words; None where no sensor proves it."""
    proven = gate.get("evidence") == Evidence.LIMIT
    match gate.get("state"):
        case State.CLOSED | State.OPEN as state:
            return str(state) if proven else None
        case State.OPENING | State.CLOSING as state:
            return str(state)
        case State.STOPPED:
            return "open"
        case _:
            return None


def _of(key: str) -> Callable[[View], Json]:
    return lambda view: view.gate.get(key)


def _figure(name: str) -> Callable[[View], Json]:
    return lambda view: getattr(view.figures, name)


def _state(view: View) -> Json:
    state = view.gate.get("state")
    return None if state == State.UNKNOWN else state


def _switched(value: object, *, inverted: bool = False) -> str | None:
    """Say ON or OFF, the words that a binary sensor expects; None for what is not known."""
    return ("OFF" if value is inverted else "ON") if isinstance(value, bool) else None


def _alarm(view: View) -> Json:
    alarms = view.gate.get("alarms")
    return _switched(bool(alarms)) if isinstance(alarms, list) else None


def _input(sensor: Sensor, *, inverted: bool = False, **more: Json) -> Entity:
    """Return the row of a sensor that the site may have."""

    def value(view: View) -> Json:
        inputs = view.gate.get("inputs")
        return _switched(inputs.get(sensor.value) if isinstance(inputs, dict) else None, inverted=inverted)

    return Entity(
        key=sensor.value, platform="binary_sensor", value=value, is_there=lambda about: sensor.value in about.sensors,
        more=more,
    )  # fmt: skip


def _sensor(key: str, value: Callable[[View], Json], **more: Json) -> Entity:
    return Entity(key=key, platform="sensor", value=value, more=more)


DIAGNOSTIC: dict[str, Json] = {"entity_category": "diagnostic"}
SECONDS: dict[str, Json] = {
    "device_class": "duration", "unit_of_measurement": "s", "state_class": "measurement",
    "suggested_display_precision": 1,
}  # fmt: skip

TABLE = (
    Entity(
        key="cover", platform="cover", value=lambda view: cover_word(view.gate), more={"device_class": "gate"}
    ),
    Entity(key="alarm", platform="binary_sensor", value=_alarm, more={"device_class": "problem"}),
    _input(Sensor.BEAM, device_class="safety"),
    _input(Sensor.EDGE, device_class="safety"),
    _input(Sensor.LIMIT_OPEN, entity_category="diagnostic"),
    _input(Sensor.LIMIT_CLOSED, entity_category="diagnostic"),
    _input(Sensor.CABINET, device_class="tamper"),
    _input(Sensor.MAINS_LOST, inverted=True, device_class="power"),
    _input(Sensor.BATTERY_LOW, device_class="battery"),
    _input(Sensor.RELEASE, device_class="problem"),
    _input(Sensor.ESTOP, device_class="problem"),
    _input(Sensor.EMERGENCY, device_class="problem"),
    _sensor("state", _state, device_class="enum", options=[s.value for s in State if s is not State.UNKNOWN]),
    _sensor("mode", _of("mode"), device_class="enum", options=[mode.value for mode in Mode]),
    _sensor("health", _of("health"), device_class="enum", options=[health.value for health in Health], **DIAGNOSTIC),
    _sensor("open_travel_s", _figure("open_travel_s"), **SECONDS, **DIAGNOSTIC),
    _sensor("close_travel_s", _figure("close_travel_s"), **SECONDS, **DIAGNOSTIC),
    _sensor("cycles", _of("cycles"), state_class="total_increasing", icon="mdi:counter", **DIAGNOSTIC),
    _sensor("waiting", _figure("waiting"), state_class="measurement", icon="mdi:tray-full", **DIAGNOSTIC),
    _sensor(
        "temperature_c", _figure("temperature_c"), device_class="temperature", unit_of_measurement="°C",
        state_class="measurement", **DIAGNOSTIC,
    ),
    Entity(key="event", platform="event", more={"event_types": [kind.value for kind in EVENTS]}),
    Entity(
        key="picture", platform="image", value=_figure("has_picture"), is_there=lambda about: about.pictures,
        more={"content_type": "image/jpeg"},
    ),
    Entity(key="open", platform="button", is_there=lambda about: about.commands, more={"payload_press": "open"}),
)  # fmt: skip
"""Everything that Home Assistant may show. A page greys its "open" out while a cover is open: the button does not."""

NAMES: dict[str, tuple[str, str]] = {
    "alarm": ("Báo động", "Alarm"),
    "beam": ("Mắt thần", "Beam"),
    "edge": ("Thanh an toàn", "Safety edge"),
    "limit_open": ("Công tắc hành trình mở", "Open limit"),
    "limit_closed": ("Công tắc hành trình đóng", "Closed limit"),
    "cabinet": ("Cửa tủ điều khiển", "Control cabinet"),
    "mains_lost": ("Điện lưới", "Mains"),
    "battery_low": ("Ắc quy", "Battery"),
    "release": ("Khóa cơ nhả", "Manual release"),
    "estop": ("Nút dừng khẩn", "Emergency stop"),
    "emergency": ("Công tắc khẩn cấp", "Emergency opening"),
    "state": ("Trạng thái", "State"),
    "mode": ("Chế độ", "Mode"),
    "health": ("Tình trạng", "Health"),
    "open_travel_s": ("Thời gian mở", "Opening time"),
    "close_travel_s": ("Thời gian đóng", "Closing time"),
    "cycles": ("Số lần đóng", "Cycles"),
    "waiting": ("Sự việc chờ gửi", "Facts to deliver"),
    "temperature_c": ("Nhiệt độ bộ xử lý", "Processor temperature"),
    "event": ("Sự việc", "Event"),
    "picture": ("Ảnh mới nhất", "Newest picture"),
    "open": ("Mở hẳn", "Open fully"),
}
"""Vietnamese and English. The cover has no name of its own: it is the gate, and bears the site's."""


def config_topic(prefix: str, gate_id: str) -> str:
    """Return where the gate is announced. The bare id: mosquitto's access list knows `%u` only as a whole level."""
    return f"{prefix}/device/{gate_id}/config"


def config_payload(about: About) -> bytes:
    """Encode the announcement: the device, who says so, and every entity of the table."""
    device: JsonObject = {
        "ids": [_device_id(about.gate_id)], "name": about.name, "mf": ORIGIN, "mdl": "Gate", "sw": about.version,
    }  # fmt: skip
    if about.page:
        device["cu"] = about.page
    return topics.encode({
        "dev": device,
        "o": {"name": ORIGIN, "sw": about.version},
        "availability": [_while_online(about.gate_id)],
        "cmps": {entity.key: _component(entity, about) for entity in TABLE},
    })  # fmt: skip


def state_payload(view: View) -> bytes:
    """Encode the value of every entity that has one, and what is said about the cover beside its state."""
    values: JsonObject = {entity.key: entity.value(view) for entity in TABLE if entity.value}
    gate = view.gate
    alarms = gate.get("alarms")
    about: JsonObject = {key: gate.get(key) for key in ("evidence", "target", "mode_until", "reasons", "since")}
    raised = alarms if isinstance(alarms, list) else []
    about["alarms"] = [each.get("alarm") for each in raised if isinstance(each, dict)]
    return topics.encode({**values, "about": about})


def event_payload(fact: Mapping[str, Json]) -> bytes | None:
    """Encode a fact that happened just now; None for one that nobody would act on. Nobody's name stands in it."""
    kind = fact.get("kind")
    if kind not in EVENTS:
        return None
    told: JsonObject = {key: fact.get(key) for key in ("seq", "id", "at", "at_trusted", "by", "data")}
    payload = topics.status_payload({"event_type": kind, **told})
    if len(payload) > LARGEST_EVENT:
        payload = topics.status_payload({"event_type": kind, **told, "data": {}})
    return payload


def _component(entity: Entity, about: About) -> JsonObject:
    found: JsonObject = {"p": entity.platform}
    if not entity.is_there(about):
        return found
    found["name"] = NAMES[entity.key][LANGUAGES.index(about.language)] if entity.key in NAMES else None
    found["unique_id"] = f"{_device_id(about.gate_id)}-{entity.key}"
    found.update(entity.more)
    if entity.value and entity.platform != "image":  # which has no state, and takes its value for "there is one"
        found["state_topic"] = topics.address(about.gate_id, topics.HA_STATE)
        found["value_template"] = f"{{{{ value_json.{entity.key} }}}}"
    return {**found, **_wiring(entity, about)}


def _wiring(entity: Entity, about: About) -> JsonObject:
    """Return the topics that only this kind of entity has. Orders go at QoS 0: none waits in a queue to come late."""
    orders: JsonObject = {"command_topic": topics.address(about.gate_id, topics.HA_CMD), "qos": 0, "retain": False}
    match entity.platform:
        case "cover":
            words: JsonObject = {"payload_open": "open", "payload_close": "close", "payload_stop": "stop"}
            told: JsonObject = {
                "optimistic": False,
                "json_attributes_topic": topics.address(about.gate_id, topics.HA_STATE),
                "json_attributes_template": "{{ value_json.about | tojson }}",
            }
            return {**told, **orders, **words} if about.commands else told
        case "button":
            return orders
        case "event":
            return {"state_topic": topics.address(about.gate_id, topics.HA_EVENT)}
        case "image":
            fresh: JsonObject = {
                "topic": topics.address(about.gate_id, topics.HA_STATE),
                "value_template": f"{{{{ 'online' if value_json.{entity.key} else 'offline' }}}}",
            }
            availability: list[Json] = [_while_online(about.gate_id), fresh]
            image_topic = topics.address(about.gate_id, topics.SNAPSHOT)
            return {"image_topic": image_topic, "availability": availability, "availability_mode": "all"}
        case _:
            return {}


def _while_online(gate_id: str) -> JsonObject:
    return {
        "topic": topics.address(gate_id, topics.STATE),
        "value_template": "{{ 'online' if value_json.s == 'online' else 'offline' }}",
    }


def _device_id(gate_id: str) -> str:
    return f"antt-{gate_id}"
