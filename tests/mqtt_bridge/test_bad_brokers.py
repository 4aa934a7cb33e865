"""Brokers that misbehave, played by a small honest socket: each is seen in health, and nothing is lost."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from tests.broker import Broker, Receiver, free_port
from tests.fakes import wait_until
from tests.mqtt_bridge.cable import Cable
from tests.mqtt_bridge.conftest import QUICK, Running, Writer, settings_of

pytestmark = pytest.mark.slow

CONNACK = bytes([0x20, 3, 0, 0, 0])
PINGRESP = bytes([0xD0, 0])


class Mute:
    """Accepts connections, says `greeting` to each, answers pings if it `breathes`, and acknowledges nothing."""

    def __init__(self, port: int, greeting: bytes, *, breathes: bool = True) -> None:
        self._greeting = greeting
        self._breathes = breathes
        self.connections = 0
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", port))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(5)
        for each in (self._server, *self._open):
            each.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(link)
            self._threads.append(threading.Thread(target=self._swallow, args=[link], daemon=True))
            self._threads[-1].start()

    def _swallow(self, link: socket.socket) -> None:
        with contextlib.suppress(OSError):
            link.settimeout(0.2)
            link.sendall(self._greeting)
            while True:
                try:
                    heard = link.recv(65536)
                except TimeoutError:
                    continue
                if not heard:
                    return
                if self._breathes:
                    link.sendall(PINGRESP)


def test_a_broker_that_accepts_and_never_acknowledges_is_seen(state_dir: Path, journal: Writer, tmp_path: Path) -> None:
    """Brief: seen in health and nothing lost. It answers pings: only acknowledgements prove a broker."""
    ids = journal.write(120)
    port = free_port()
    impatient = replace(QUICK, puback_timeout_s=0.5)
    with Running(settings_of(state_dir, port), impatient) as bridge:
        with Mute(port, CONNACK) as mute:
            reason = "the broker accepts messages but does not acknowledge them; look at its log"
            bridge.waits_for(ok=False, reason=reason, upto=0, waiting=120)
            wait_until(lambda: mute.connections >= 2, 10)
            bridge.waits_for(connected=True, reason=reason, ok=False)
        with Broker(tmp_path / "healthy", port=port) as healthy, Receiver(healthy, "sim") as receiver:
            bridge.waits_for(ok=True, reason="", upto=120, waiting=0)
            wait_until(lambda: receiver.ids == ids)


def test_something_that_is_no_broker_is_named(state_dir: Path, journal: Writer) -> None:
    """A web server on that port, for example: it says something else, or waits for us."""
    port = free_port()
    hurried = replace(QUICK, puback_timeout_s=0.5)
    reason = f"127.0.0.1:{port} accepts a connection but does not answer as an MQTT broker"
    for greeting in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
        with Mute(port, greeting, breathes=False), Running(settings_of(state_dir, port), hurried) as bridge:
            bridge.waits_for(connected=False, ok=False, reason=f"{reason}; check mqtt.host and mqtt.port")


def test_an_old_broker_is_told_from_a_wrong_password(state_dir: Path, journal: Writer) -> None:
    """MQTT 3.1.1 brokers refuse version 5 with return code 1 in a packet of their own form."""
    port = free_port()
    old = bytes([0x20, 2, 0, 1])
    with Mute(port, old, breathes=False), Running(settings_of(state_dir, port)) as bridge:
        wait_until(lambda: "does not speak MQTT 5" in str(bridge.health["reason"]), 10)


def test_a_pulled_cable_is_noticed_and_nothing_is_lost(
    state_dir: Path, journal: Writer, receiver: Receiver, cable: Cable
) -> None:
    """Facts, connect.md: liveness is the time since the last packet. Keepalive 5 s: noticed within 1.5 times that."""
    ids = journal.write(100)
    with Running(settings_of(state_dir, cable.port, "mqtt.keepalive_s=5")) as bridge:
        bridge.waits_for(ok=True, waiting=0)
        cable.pulled = True
        began = time.monotonic()
        ids += journal.write(100)
        bridge.waits_for(connected=False)
        assert time.monotonic() - began <= 1.5 * 5
        cable.mend()
        bridge.waits_for(ok=True, waiting=0)
        wait_until(lambda: receiver.ids == ids)
