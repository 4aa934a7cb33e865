"""Somebody on the far side of a broker who signs commands and hears what becomes of them."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from typing import Any, Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gate.client import new_id
from gate.journal import boot_id
from gate.model import JsonObject
from mqtt_bridge.envelope import sign
from tests.broker import Broker
from tests.fakes import wait_until
from tests.mqtt_bridge.shots import private_of

Answer = dict[str, Any]  # as it came; tests look into all of it


def signed(command: str, kid: str = "room", *, by_key: str = "", ahead_ms: int = 8000, **changes: object) -> bytes:
    """Return a command that is in order but for `changes`; `by_key` signs in the place of `kid`."""
    fields: JsonObject = {
        "v": 1, "id": new_id(), "gate": "sim", "command": command, "by": {"id": "lan", "name": "Trung úy Lan"},
        "reason": "", "sequence": None, "boot": boot_id(), "mono_deadline_ms": now_ms() + ahead_ms, "kid": kid,
    }  # fmt: skip
    return sign({**fields, **changes}, private_of(by_key or kid))  # type: ignore[dict-item] # tests pass JSON


def now_ms() -> int:
    """Return the gate's clock."""
    return time.monotonic_ns() // 1_000_000


def id_of(payload: bytes) -> str:
    """Return the id of a command."""
    return str(json.loads(payload)["id"])


def _hurry(_client: mqtt.Client, _data: object, sock: object) -> None:
    """Send small packets at once: Nagle's algorithm would hold every second command back for 40 ms."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Officer:
    """A client of the broker: publishes on `cmd`, collects `rsp/#` and `replies/#`. A context manager."""

    def __init__(self, broker: Broker, gate_id: str = "sim") -> None:
        self._prefix = f"antt/1/{gate_id}/"
        self._ready = threading.Event()
        self.answers: list[Answer] = []
        name = f"officer-{os.getpid()}-{id(self):x}"
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe([(self._prefix + "rsp/#", 1), ("replies/#", 1)])
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.on_socket_open = _hurry
        self._client.connect_async(broker.host, broker.port, 30)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._ready.wait(10), "the officer could not subscribe"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def sends(
        self, payload: bytes, *, retain: bool = False, to: str | None = None, correlation: bytes | None = None
    ) -> str:
        """Publish on `cmd`; return the id of the command, "" where it has none that can be read."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho's only untyped constructor
        if to is not None:
            properties.ResponseTopic = to
        if correlation is not None:
            properties.CorrelationData = correlation
        self._client.publish(self._prefix + "cmd", payload, 1, retain, properties)
        try:
            return id_of(payload)
        except (ValueError, KeyError, TypeError):
            return ""

    def hears(self, command_id: str, status: str, timeout_s: float = 10.0) -> Answer:
        """Wait for an answer about a command."""

        def found() -> Answer | None:
            return next((a for a in [*self.answers] if (a["id"], a["status"]) == (command_id, status)), None)

        wait_until(lambda: found() is not None, timeout_s, f"{status} for {command_id} in {self.answers}")
        answer = found()
        assert answer is not None
        return answer

    def statuses(self, command_id: str) -> list[str]:
        """Return what was heard about a command so far, in order."""
        return [answer["status"] for answer in [*self.answers] if answer["id"] == command_id]

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        correlation = getattr(message.properties, "CorrelationData", None)
        self.answers.append({**json.loads(message.payload), "on": message.topic, "correlation": correlation})
