"""Home Assistant's rules for what is announced over MQTT, as data, and a reader that finds what breaks them.

Source: the documentation of Home Assistant 2026.2, pages "MQTT" (device discovery, supported abbreviations), "MQTT
Cover", "MQTT Binary sensor", "MQTT Sensor", "MQTT Event", "MQTT Image", "MQTT Button" of www.home-assistant.io, and the
device classes of "Cover", "Binary sensor", "Sensor" and "Event"; compared with the schemas of that release, and with
what the releases 2024.12.5 and 2026.11.0 themselves made of a simulated gate. Only what a gate has any use for is
listed: a key that is not here is a complaint, though Home Assistant may know it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import jinja2

Keys = dict[str, Any]  # JSON from outside; the reader looks into all of it

DISCOVERY_TOPIC = re.compile(r"(?P<prefix>.+)/device/(?:[a-zA-Z0-9_-]+/)?(?P<object_id>[a-zA-Z0-9_-]+)/config")
BIRTH = ("homeassistant/status", b"online")
UNKNOWN = "None"  # "a payload of None sets the state to unknown": cover, binary sensor, sensor

ABBREVIATIONS = {
    "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic",
    "avty_tpl": "availability_template", "cmd_t": "command_topic", "cmd_tpl": "command_template", "cmps": "components",
    "cont_type": "content_type", "def_ent_id": "default_entity_id", "dev": "device", "dev_cla": "device_class",
    "e": "encoding", "en": "enabled_by_default", "ent_cat": "entity_category", "evt_typ": "event_types",
    "exp_aft": "expire_after", "frc_upd": "force_update", "ic": "icon", "img_e": "image_encoding",
    "img_t": "image_topic", "json_attr_t": "json_attributes_topic",
    "json_attr_tpl": "json_attributes_template", "name": "name", "o": "origin",
    "off_dly": "off_delay", "ops": "options", "opt": "optimistic", "p": "platform", "pl_avail": "payload_available",
    "pl_cls": "payload_close", "pl_not_avail": "payload_not_available", "pl_off": "payload_off", "pl_on": "payload_on",
    "pl_open": "payload_open", "pl_prs": "payload_press", "pl_stop": "payload_stop", "pos_t": "position_topic",
    "pos_tpl": "position_template", "ret": "retain", "stat_cla": "state_class", "stat_clsd": "state_closed",
    "stat_closing": "state_closing", "stat_open": "state_open", "stat_opening": "state_opening",
    "stat_stopped": "state_stopped", "stat_t": "state_topic", "sug_dsp_prc": "suggested_display_precision",
    "t": "topic", "uniq_id": "unique_id", "unit_of_meas": "unit_of_measurement", "url_t": "url_topic",
    "val_tpl": "value_template",
}  # fmt: skip
OF_DEVICE = {
    "cns": "connections", "cu": "configuration_url", "hw": "hw_version", "ids": "identifiers", "mdl": "model",
    "mdl_id": "model_id", "mf": "manufacturer", "name": "name", "sa": "suggested_area", "sn": "serial_number",
    "sw": "sw_version",
}  # fmt: skip
OF_ORIGIN = {"name": "name", "sw": "sw_version", "url": "support_url"}

Rule = Callable[[Any], bool]


def _text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _text_or_null(value: object) -> bool:
    return value is None or _text(value)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _topic_to_read(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) < 65536 and not re.search(r"[\x00-\x1f\x7f-\x9f]", value)


def _topic_to_write(value: object) -> bool:
    return _topic_to_read(value) and not re.search(r"[+#]", str(value))


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_text, value)) and len(set(value)) == len(value)


def _template(value: object) -> bool:
    try:
        jinja2.Environment(autoescape=False).parse(str(value))  # noqa: S701 - it makes plain text, as there
    except jinja2.TemplateError:
        return False
    return _text(value)


def _one_of(*words: str | int) -> Rule:
    return lambda value: value in words


def _matching(pattern: str) -> Rule:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


COMMON: dict[str, Rule] = {
    "name": _text_or_null, "unique_id": _text, "icon": _matching(r"mdi:[a-z0-9-]+"), "qos": _one_of(0, 1, 2),
    "entity_category": _one_of("config", "diagnostic"), "json_attributes_topic": _topic_to_read,
    "json_attributes_template": _template, "enabled_by_default": _flag, "device_class": _text, "encoding": _text,
    "default_entity_id": _text, "availability_mode": _one_of("all", "any", "latest"),
    "availability": lambda value: not [*_of_availability(value)],
}  # fmt: skip
READS: dict[str, Rule] = {"state_topic": _topic_to_read, "value_template": _template}
OPTIONS: dict[str, dict[str, Rule]] = {
    "cover": {
        **READS, "command_topic": _topic_to_write, "optimistic": _flag, "retain": _flag, "payload_open": _text_or_null,
        "payload_close": _text_or_null, "payload_stop": _text_or_null, "state_open": _text, "state_closed": _text,
        "state_opening": _text, "state_closing": _text, "state_stopped": _text, "position_topic": _topic_to_read,
        "position_template": _template,
    },
    "binary_sensor": {
        **READS, "payload_on": _text, "payload_off": _text, "off_delay": _whole, "expire_after": _whole,
        "force_update": _flag,
    },
    "sensor": {
        **READS, "options": _texts, "state_class": _one_of("measurement", "total", "total_increasing"),
        "unit_of_measurement": _text, "suggested_display_precision": _whole, "expire_after": _whole,
        "force_update": _flag,
    },
    "event": {**READS, "event_types": _texts},
    "image": {"image_topic": _topic_to_read, "content_type": _matching(r"image/\w+"), "image_encoding": _one_of("b64")},
    "button": {
        "command_topic": _topic_to_write, "command_template": _template, "payload_press": _text, "retain": _flag,
    },
}  # fmt: skip
REQUIRED = {
    "cover": set[str](), "binary_sensor": {"state_topic"}, "sensor": {"state_topic"},
    "event": {"state_topic", "event_types"}, "image": {"image_topic"}, "button": {"command_topic"},
}  # fmt: skip
CLASSES = {
    "cover": {"awning", "blind", "curtain", "damper", "door", "garage", "gate", "shade", "shutter", "window"},
    "binary_sensor": {
        "battery", "battery_charging", "carbon_monoxide", "cold", "connectivity", "door", "garage_door", "gas", "heat",
        "light", "lock", "moisture", "motion", "moving", "occupancy", "opening", "plug", "power", "presence", "problem",
        "running", "safety", "smoke", "sound", "tamper", "update", "vibration", "window",
    },
    "sensor": {"enum", "duration", "temperature", "timestamp", "signal_strength", "battery"},
    "event": {"button", "doorbell", "motion"},
    "button": {"identify", "restart", "update"},
    "image": set[str](),
}  # fmt: skip
UNITS = {"duration": {"d", "h", "min", "s", "ms", "μs"}, "temperature": {"°C", "°F", "K"}}
DEVICE: dict[str, Rule] = {
    "identifiers": lambda value: _text(value) or _texts(value), "connections": lambda value: isinstance(value, list),
    "configuration_url": _matching(r"https?://[^/\s]+.*"), "hw_version": _text, "manufacturer": _text, "model": _text,
    "model_id": _text, "name": _text, "serial_number": _text, "suggested_area": _text, "sw_version": _text,
}  # fmt: skip
ORIGIN: dict[str, Rule] = {"name": _text, "sw_version": _text, "support_url": _matching(r"https?://\S+")}
AVAILABILITY: dict[str, Rule] = {
    "topic": _topic_to_read, "payload_available": _text, "payload_not_available": _text, "value_template": _template,
}  # fmt: skip
SHARED = {"availability", "availability_mode", "state_topic", "command_topic", "qos", "encoding"}


def spelled_out(found: Keys) -> Keys:
    """Return an announcement with every abbreviation replaced by what it stands for."""
    plain = _renamed(found, ABBREVIATIONS)
    for name, words in (("device", OF_DEVICE), ("origin", OF_ORIGIN)):
        if isinstance(plain.get(name), dict):
            plain[name] = _renamed(plain[name], words)
    plain["availability"] = [_renamed(each, ABBREVIATIONS) for each in plain.get("availability", [])]
    components = plain.get("components", {})
    plain["components"] = {key: _renamed(component, ABBREVIATIONS) for key, component in components.items()}
    for component in plain["components"].values():
        if "availability" in component:
            component["availability"] = [_renamed(each, ABBREVIATIONS) for each in component["availability"]]
    return plain


def complaints(plain: Keys) -> list[str]:
    """Return what Home Assistant would not take of an announcement that is spelled out."""
    found = [*_wrong(plain.get("device", {}), DEVICE, "device"), *_wrong(plain.get("origin", {}), ORIGIN, "origin")]
    if not plain.get("device", {}).get("identifiers") and not plain.get("device", {}).get("connections"):
        found.append("device: neither identifiers nor connections")
    if not plain.get("origin", {}).get("name"):
        found.append("origin: no name")
    found += [f"{key}: not known" for key in plain.keys() - SHARED - {"device", "origin", "components"}]
    found += _of_availability(plain["availability"])
    ids = [component["unique_id"] for component in plain["components"].values() if "unique_id" in component]
    found += ["unique_id: not unique"] if len(set(ids)) < len(ids) else []
    for key, component in plain["components"].items():
        found += [f"{key}.{text}" for text in _of_component(component)]
    return found


def _renamed(found: Keys, words: dict[str, str]) -> Keys:
    return {words.get(key, key): value for key, value in found.items()}


def _wrong(found: Keys, rules: dict[str, Rule], where: str) -> Iterator[str]:
    for key, value in found.items():
        if key not in rules:
            yield f"{where}: {key} is not known"
        elif not rules[key](value):
            yield f"{where}: {key} can't be {value!r}"


def _of_availability(found: list[Keys]) -> Iterator[str]:
    for each in found:
        yield from _wrong(each, AVAILABILITY, "availability")
        if "topic" not in each:
            yield "availability: no topic"


def _of_component(component: Keys) -> Iterator[str]:
    platform = component.get("platform")
    if platform not in OPTIONS:
        yield f"platform: {platform!r} is not known"
        return
    if component.keys() == {"platform"}:  # the documented way to remove an entity
        return
    rest = {key: value for key, value in component.items() if key != "platform"}
    yield from _wrong(rest, COMMON | OPTIONS[platform], platform)
    yield from (f"{key}: is missing" for key in (REQUIRED[platform] | {"unique_id"}) - component.keys())
    device_class = component.get("device_class")
    if device_class is not None and device_class not in CLASSES[platform]:
        yield f"device_class: {device_class} is none of {platform}"
    if platform == "sensor":
        yield from _of_sensor(component)
    if "value_template" in component and "state_topic" not in component:
        yield "value_template: without a state_topic"


def _of_sensor(component: Keys) -> Iterator[str]:
    device_class, unit = component.get("device_class"), component.get("unit_of_measurement")
    if ("options" in component) != (device_class == "enum"):
        yield "options: go with device_class enum and with nothing else"
    if "options" in component and (unit or "state_class" in component):
        yield "options: go with no unit and no state_class"
    if device_class in UNITS and unit not in UNITS[device_class]:
        yield f"unit_of_measurement: {unit} is none of {device_class}"
    if device_class == "temperature" and component.get("state_class") not in (None, "measurement"):
        yield "state_class: a temperature is measured"
