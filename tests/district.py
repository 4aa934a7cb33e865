"""A district: the shipped broker configuration with real certificates, and members that sign in with theirs.

`District` is `systemd/mosquitto/district.conf` beside a main file as Debian's, with a port and paths of its own.
`Member` is anybody with one of its certificates, who may write and read whatever the broker lets him.
"""

from __future__ import annotations

import getpass
import ssl
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from mqtt_bridge.credentials import tls_context
from mqtt_bridge.port import Broker as Address
from tests.broker import Broker

ROOT = Path(__file__).parents[1]
FILES = ROOT / "systemd" / "mosquitto"
INSTALLED = "/etc/mosquitto/antt-gate"
RECEIVER = "district-receiver"
DESK = "district-desk"
ANSWER_S = 5.0


def certificates(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the shipped script on `folder`; the caller looks at its exit code."""
    script = [str(FILES / "certificates.sh"), "--folder", str(folder), *words]
    return subprocess.run(script, capture_output=True, text=True, timeout=300, check=False)


def main_file(folder: Path) -> str:
    """Return what Debian's /etc/mosquitto/mosquitto.conf says, for a test's folder."""
    lines = [
        "persistence true",
        f"persistence_location {folder}/",
        f"log_dest file {folder / 'mosquitto.log'}",
        f"include_dir {folder / 'conf.d'}",
        # As root, mosquitto would become a user who can't read a test's folder.
        f"user {getpass.getuser()}",
    ]
    return "\n".join([*lines, ""])


class Shipped(Broker):
    """A broker with one of the shipped files in its conf.d; `installed` stands for /etc/mosquitto/antt-gate."""

    def __init__(self, folder: Path, conf: str, installed: Path) -> None:
        super().__init__(folder)
        (folder / "conf.d").mkdir()
        text = (FILES / conf).read_text(encoding="utf-8").replace(INSTALLED, str(installed))
        for listener in ("listener 8883", "listener 1883 127.0.0.1"):
            text = text.replace(f"\n{listener}\n", f"\nlistener {self.port} {self.host}\n")
        (folder / "conf.d" / "antt-gate.conf").write_text(text, encoding="utf-8")
        self._config.write_text(main_file(folder), encoding="utf-8")


def overrides(ca: Path, name: str) -> list[str]:
    """Return what stands in the gate.toml of the gate `name`, with its certificate out of `ca`."""
    return [
        f'site.id="{name}"',
        f'mqtt.ca_file="{ca / "ca.pem"}"',
        f'mqtt.cert_file="{ca / f"{name}.pem"}"',
        f'mqtt.key_file="{ca / f"{name}.key"}"',
    ]


class District(Shipped):
    """The district's broker, its CA in `folder`/ca, and a certificate for each of `names`."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.ca = folder / "ca"
        folder.mkdir(parents=True, exist_ok=True)
        for words in (["init"], ["broker", "127.0.0.1", "localhost"], ["client", *names]):
            done = certificates(self.ca, *words)
            assert done.returncode == 0, done.stderr
        (self.ca / "district.acl").write_text((FILES / "district.acl").read_text(encoding="utf-8"), encoding="utf-8")
        (self.ca / "district.acl").chmod(0o600)
        super().__init__(folder, "district.conf", self.ca)

    def overrides(self, name: str) -> list[str]:
        """Return what stands in the gate.toml of the gate `name`."""
        return overrides(self.ca, name)

    def member(self, name: str, *, client_id: str = "", ca: Path | None = None, lasting: bool = False) -> Member:
        """Return somebody with the certificate of that name, of this district or of another one's CA."""
        pair = ((ca or self.ca) / f"{name}.pem", (ca or self.ca) / f"{name}.key") if name else (None, None)
        address = Address(
            host=self.host, port=self.port, client_id=client_id or name, keepalive_s=30, ca_file=self.ca / "ca.pem",
            cert_file=pair[0], key_file=pair[1],
        )  # fmt: skip
        return Member(self, client_id or name, tls_context(address), lasting=lasting)


class Member:
    """A connection, by certificate or by `login`. A context manager: connected on entry, or `refusal` says why.

    One that is `lasting` keeps its session at the broker and comes back by itself.
    """

    def __init__(
        self, broker: Broker, client_id: str, context: ssl.SSLContext | None, *, lasting: bool = False,
        login: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._broker = broker
        self._lasting = lasting
        self._came, self._subscribed, self.gone = threading.Event(), threading.Event(), threading.Event()
        self._codes: dict[int, ReasonCode] = {}
        self._acknowledged = threading.Condition()
        self._topics: list[str] = []
        self.refusal = ""
        self.heard: list[tuple[str, bytes]] = []
        self.on_heard: Callable[[str, bytes], None] = lambda topic, payload: self.heard.append((topic, payload))
        version = CallbackAPIVersion.VERSION2
        client = mqtt.Client(version, client_id, protocol=mqtt.MQTTv5, reconnect_on_failure=lasting)
        client.reconnect_delay_set(1, 1)
        if context:
            client.tls_set_context(context)
        if login:
            client.username_pw_set(*login)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_message = lambda _client, _data, message: self.on_heard(message.topic, bytes(message.payload))
        self._client = client

    def __enter__(self) -> Self:
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's only untyped constructor
        session.SessionExpiryInterval = 3600 if self._lasting else 0
        try:
            self._client.connect(
                self._broker.host, self._broker.port, 30, clean_start=not self._lasting, properties=session
            )
        except OSError as error:
            self.refusal = str(error)
            return self
        self._client.loop_start()
        if not self._came.wait(ANSWER_S) or self.gone.is_set():
            self.refusal = self.refusal or "closed"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def writes(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> str:
        """Publish at QoS 1 and return the broker's word, such as "Success" or "Not authorized"."""
        mid = self._client.publish(topic, payload, 1, retain).mid
        with self._acknowledged:
            assert self._acknowledged.wait_for(lambda: mid in self._codes, ANSWER_S), f"no answer for {topic}"
            return str(self._codes[mid]).removesuffix(" matching subscribers")

    def says(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1 and do not wait for the broker's word."""
        self._client.publish(topic, payload, 1)

    def reads(self, topic: str) -> None:
        """Subscribe; what comes is in `heard`."""
        self._subscribed.clear()
        self._topics.append(topic)
        self._client.subscribe([(topic, SubscribeOptions(qos=1))])
        assert self._subscribed.wait(ANSWER_S), f"no answer for {topic}"

    def topics(self) -> set[str]:
        """Return the topics that were heard."""
        return {topic for topic, _ in self.heard}

    def _on_connect(self, client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, *_: object) -> None:
        if code.is_failure:
            self.refusal = str(code)
        # A broker that was killed has forgotten a session that is younger than its last save.
        for topic in self._topics:
            client.subscribe([(topic, SubscribeOptions(qos=1))])
        self._came.set()

    def _on_disconnect(self, *_: object) -> None:
        self.gone.set()
        self._came.set()

    def _on_publish(self, _client: mqtt.Client, _data: object, mid: int, code: ReasonCode, *_: object) -> None:
        with self._acknowledged:
            self._codes[mid] = code
            self._acknowledged.notify_all()
