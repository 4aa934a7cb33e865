"""A small Home Assistant at a real broker: finds what is announced and shows it, by the rules of its documentation.

It is strict where the real one only logs a warning: whatever it could not use is kept in `complaints`.
"""

from __future__ import annotations

import json
import threading
from typing import Any, Self

import jinja2
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.broker import Broker
from tests.mqtt_bridge import ha_rules
from tests.mqtt_bridge.ha_rules import UNKNOWN, Keys

TEMPLATES = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined)  # noqa: S701 - plain text, as there
COVER_STATES = ("open", "opening", "closed", "closing")


class HomeAssistant:
    """A context manager. `states` holds what an officer would see, by the key of the entity; "unavailable" wins.

    `page` has the same as it came, one state after the other: what an automation would have been started by.
    """

    def __init__(self, broker: Broker, prefix: str = "homeassistant") -> None:
        self._prefix = prefix
        self._lock = threading.RLock()
        self._ready = threading.Event()
        self.announcements: list[bytes] = []
        self.device: Keys = {}
        self.components: dict[str, Keys] = {}
        self.complaints: list[str] = []
        self.history: dict[str, list[str]] = {}
        self.page: dict[str, list[str]] = {}
        self.events: list[Keys] = []
        self.images: list[bytes] = []
        self.image_expiry_s: int | None = None
        self.attributes: Keys = {}
        self.traffic: list[tuple[str, bytes]] = []
        self._states: dict[str, str] = {}
        self._availability: dict[str, list[Keys]] = {}
        self._available: dict[str, dict[str, bool]] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "home-assistant", protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{prefix}/device/+/config", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._came
        self._client.connect_async(broker.host, broker.port, 30)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._ready.wait(10), "Home Assistant could not subscribe"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def states(self) -> dict[str, str]:
        """Return what is shown of every entity."""
        with self._lock:
            return {
                key: self._states.get(key, "unknown") if self._is_available(key) else "unavailable"
                for key in self.components
            }

    def is_born(self) -> None:
        """Say that it has started, as it does."""
        self._client.publish(*ha_rules.BIRTH)

    def presses(self, what: str) -> None:
        """Press a button of the cover (open, close, stop) or the entity of that key, as a person in the page does."""
        key, option = ("cover", f"payload_{what}") if what in {"close", "stop"} else (what, "payload_press")
        component = self.components[key]
        self._client.publish(
            component["command_topic"], component[option], component.get("qos", 0), component.get("retain", False)
        )

    def publishes(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Write whatever somebody with its rights could."""
        self._client.publish(topic, payload, 1, retain)

    def _came(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._lock:
            try:
                if ha_rules.DISCOVERY_TOPIC.fullmatch(message.topic):
                    self._discover(client, bytes(message.payload))
                else:
                    self.traffic.append((message.topic, bytes(message.payload)))
                    self._read(message)
                for key, state in self.states.items():
                    if (shown := self.page.setdefault(key, []))[-1:] != [state]:
                        shown.append(state)
            except Exception as error:  # noqa: BLE001 - a fault in paho's thread would be silent
                self.complaints.append(f"{message.topic}: {type(error).__name__}: {error}")

    def _discover(self, client: mqtt.Client, payload: bytes) -> None:
        self.announcements.append(payload)
        if not payload:
            self.components.clear()
            return
        plain = ha_rules.spelled_out(json.loads(payload))
        self.complaints += ha_rules.complaints(plain)
        self.device = plain["device"]
        self.components = {key: each for key, each in plain["components"].items() if len(each) > 1}
        for key, component in self.components.items():
            self._availability[key] = component.get("availability") or plain["availability"]
        topics = {each["topic"] for found in self._availability.values() for each in found}
        for component in self.components.values():
            topics |= {
                component[key] for key in ("state_topic", "image_topic", "json_attributes_topic") if key in component
            }
        client.subscribe([(topic, 0) for topic in sorted(topics)])

    def _read(self, message: mqtt.MQTTMessage) -> None:
        for key, found in self._availability.items():
            for each in found:
                if message.topic == each["topic"]:
                    self._judge(key, each, bytes(message.payload))
        for key, component in self.components.items():
            if message.topic == component.get("image_topic"):
                self.images.append(bytes(message.payload))
                self.image_expiry_s = getattr(message.properties, "MessageExpiryInterval", None)
            if message.topic == component.get("state_topic"):
                self._show(key, component, message)
            if message.topic == component.get("json_attributes_topic"):
                rendered = _rendered(component["json_attributes_template"], bytes(message.payload))
                self.attributes = json.loads(rendered)

    def _judge(self, key: str, each: Keys, payload: bytes) -> None:
        rendered = _rendered(each.get("value_template"), payload)
        if rendered == each.get("payload_available", "online"):
            self._available.setdefault(key, {})[each["topic"]] = True
        elif rendered == each.get("payload_not_available", "offline"):
            self._available.setdefault(key, {})[each["topic"]] = False

    def _is_available(self, key: str) -> bool:
        """Tell whether all its topics say so; one that has not spoken yet says no. A single topic needs no mode."""
        said, found = self._available.get(key, {}), self._availability[key]
        assert len(found) == 1 or self.components[key].get("availability_mode") == "all"
        return all(said.get(each["topic"]) for each in found)

    def _show(self, key: str, component: Keys, message: mqtt.MQTTMessage) -> None:
        rendered = _rendered(component.get("value_template"), bytes(message.payload))
        if component["platform"] == "event":
            self._event(component, rendered, retained=message.retain)
            return
        state = _shown(component, rendered, self._states.get(key, "unknown"))
        if state is None:
            self.complaints.append(f"{key}: {rendered!r} means nothing to a {component['platform']}")
            return
        if self._states.get(key) != state:
            self.history.setdefault(key, []).append(state)
        self._states[key] = state

    def _event(self, component: Keys, rendered: str, *, retained: bool) -> None:
        found = json.loads(rendered)
        if not retained and found.get("event_type") in component["event_types"]:
            self.events.append(found)
        else:
            self.complaints.append(f"event: {found.get('event_type')} is none, or it is retained")


def _rendered(template: str | None, payload: bytes) -> str:
    """Render a value template as documented: `value` is the text, `value_json` what it holds."""
    text = payload.decode()
    if template is None:
        return text
    return TEMPLATES.from_string(template).render(value=text, value_json=json.loads(text)).strip()


def _shown(component: Keys, rendered: str, before: str) -> str | None:
    """Return what the page shows for a payload, None for one that the entity can't use."""
    if rendered == UNKNOWN:
        return "unknown"
    if component["platform"] == "cover":
        return _cover(component, rendered, before)
    if component["platform"] == "binary_sensor":
        words = {component.get("payload_on", "ON"): "on", component.get("payload_off", "OFF"): "off"}
        return words.get(rendered)
    if "options" in component:
        return rendered if rendered in component["options"] else None
    return rendered if _is_number(rendered) or "state_class" not in component else None


def _cover(component: Keys, rendered: str, before: str) -> str | None:
    if rendered == component.get("state_stopped", "stopped"):  # as there, where no position is told
        return "closed" if before in {"closed", "closing"} else "open"
    words = {component.get(f"state_{state}", state): state for state in COVER_STATES}
    return words.get(rendered)


def _is_number(text: Any) -> bool:  # noqa: ANN401 - whatever a template made
    try:
        float(text)
    except ValueError:
        return False
    return True
