"""Whoever sends commands from afar: a client of the real broker that publishes bytes and collects the answers."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from dataclasses import dataclass
from typing import Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.broker import Row
from tests.fakes import wait_until
from tests.mqtt_bridge.shots import GATE

BACK_AFTER_S = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One answer, and when it came (monotonic seconds)."""

    status: str
    code: str | None
    at_s: float


class Gunner:
    """A context manager. Each message has a number as its correlation data, by which its answers are found.

    What is published while the broker is away stays in the client's queue and leaves when it is back, as it does in
    many a real sender: `BACK_AFTER_S` after it went, when the gate is back before.
    """

    def __init__(self, port: int, gate_id: str = GATE) -> None:
        self._prefix = f"antt/1/{gate_id}/"
        self._rsp = f"{self._prefix}rsp/gunner"
        self._subscribed = threading.Event()
        self._changed = threading.Condition()
        self._answers: dict[int, list[Heard]] = {}
        self._number = 0
        self.states: list[Row] = []
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, f"gunner-{os.getpid()}-{id(self):x}", protocol=mqtt.MQTTv5
        )
        self._client.reconnect_delay_set(BACK_AFTER_S, BACK_AFTER_S)
        self._client.max_inflight_messages_set(1000)
        self._client.on_socket_open = _at_once
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect_async("127.0.0.1", port, 30)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._subscribed.wait(10), "the gunner could not subscribe"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def fire(self, payload: bytes, *, retained: bool = False) -> int:
        """Publish to `cmd`; return the number of the message."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho's only untyped constructor
        properties.ResponseTopic = self._rsp
        with self._changed:
            self._number += 1
            number = self._number
        properties.CorrelationData = str(number).encode()
        self._client.publish(f"{self._prefix}cmd", payload, qos=1, retain=retained, properties=properties)
        return number

    def answers(self, number: int) -> list[Heard]:
        """Return the answers to a message so far, in order."""
        with self._changed:
            return list(self._answers.get(number, ()))

    def answered(self, number: int, status: str = "", within_s: float = 10.0) -> Heard:
        """Wait for the first answer to a message, or for the one of that status."""
        end_s = time.monotonic() + within_s
        with self._changed:
            while True:
                heard = self._answers.get(number, [])
                found = next((one for one in heard if not status or one.status == status), None)
                if found:
                    return found
                assert time.monotonic() < end_s, f"no answer {status} to message {number}; heard {heard}"
                self._changed.wait(0.1)

    def sees_online(self, within_s: float = 20.0, *, after: int = 0) -> None:
        """Wait until the gate says that it is online, for the `after`-th time and once more."""
        wait_until(lambda: [row.get("s") for row in self.states].count("online") > after, within_s, "online")

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(self._rsp, 1), (f"{self._prefix}$state", 1)])

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        at_s = time.monotonic()
        if not message.topic.startswith(self._rsp):
            self.states.append(json.loads(message.payload))
            return
        answer = json.loads(message.payload)
        number = int(getattr(message.properties, "CorrelationData", b"0"))
        with self._changed:
            heard = Heard(status=answer["status"], code=answer.get("code"), at_s=at_s)
            self._answers.setdefault(number, []).append(heard)
            self._changed.notify_all()


def _at_once(_client: mqtt.Client, _data: object, sock: object) -> None:
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
