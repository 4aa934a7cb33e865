"""A real mosquitto for tests, and a receiver of facts as a district would run one.

`Broker` starts Debian's mosquitto on a port of its own with a configuration that 2.0 and 2.1 both take; it can be
stopped, killed and started again on the same port, with or without persistence. `Receiver` listens to one gate and can
confirm what it has on `facts/ack`.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

Row = dict[str, Any]  # a fact as it came; tests look into all of it


def mosquitto() -> str | None:
    """Find the broker; Debian keeps it where only root's PATH looks."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """Find a TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """One mosquitto in `folder`. A context manager: started on entry, stopped at the end.

    `login` is (user, password), `acl` the text of an access list, `tls` (CA, certificate, key), `extra` further lines.
    """

    def __init__(
        self, folder: Path, *, port: int | None = None, persistence: bool = False, login: tuple[str, str] | None = None,
        acl: str = "", tls: tuple[Path, Path, Path] | None = None, extra: str = "",
    ) -> None:  # fmt: skip
        self.host = "127.0.0.1"
        self.port = port or free_port()
        self.log_file = folder / "mosquitto.log"
        self._errors = folder / "mosquitto.stderr"
        self._config = folder / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"listener {self.port} {self.host}",
            # As root, mosquitto would become a user who can't read a test's folder.
            f"user {getpass.getuser()}",
            "set_tcp_nodelay true",
            "max_queued_messages 100000",
            f"persistence {'true' if persistence else 'false'}",
            f"persistence_location {folder}/",
            f"allow_anonymous {'false' if login else 'true'}",
            "log_type error\nlog_type warning\nlog_type notice",
            f"log_dest file {self.log_file}",
        ]
        if login:
            passwords = folder / "passwords"
            subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, *login], check=True, capture_output=True)
            lines.append(f"password_file {passwords}")
        if acl:
            (folder / "acl").write_text(acl, encoding="utf-8")
            (folder / "acl").chmod(0o600)
            lines.append(f"acl_file {folder / 'acl'}")
        if tls:
            lines += [f"{key} {path}" for key, path in zip(("cafile", "certfile", "keyfile"), tls, strict=True)]
        self._config.write_text("\n".join([*lines, extra, ""]), encoding="utf-8")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id, 0 while it does not run."""
        return self._process.pid if self._process else 0

    def start(self, timeout_s: float = 10.0) -> None:
        """Start it and wait until it answers."""
        program = mosquitto()
        assert program, "mosquitto is not installed: apt-get install mosquitto"
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen([program, "-c", self._config], stdin=subprocess.DEVNULL, stderr=errors)
        deadline = time.monotonic() + timeout_s
        while not self._answers():
            assert self._process.poll() is None, f"mosquitto ended:\n{self.log()}"
            assert time.monotonic() < deadline, f"mosquitto does not answer:\n{self.log()}"
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it as an administrator would; with persistence it saves what waits."""
        self._end(lambda process: process.terminate())

    def kill(self) -> None:
        """Take it away without a word (SIGKILL)."""
        self._end(lambda process: process.kill())

    def restart(self, *, kill: bool = False) -> None:
        """End it and start it again on the same port."""
        if kill:
            self.kill()
        else:
            self.stop()
        self.start()

    def log(self) -> str:
        """Return what it logged."""
        files = [file for file in (self._errors, self.log_file) if file.exists()]
        return "".join(file.read_text(encoding="utf-8", errors="replace") for file in files)

    def _end(self, how: Any) -> None:  # noqa: ANN401 - a lambda over Popen
        if self._process:
            how(self._process)
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True


class Receiver:
    """A district's receiver of one gate: remembers every message, in order of arrival. A context manager.

    With `confirms`, it publishes `facts/ack` after each batch: the highest row it has seen, and what is missing below.
    """

    def __init__(
        self, broker: Broker, gate_id: str, *, confirms: bool = False, login: tuple[str, str] | None = None
    ) -> None:
        self._prefix = f"antt/1/{gate_id}/"
        self._confirms = confirms
        self._lock = threading.Lock()
        self._subscribed = threading.Event()
        self._solid = 0  # every row up to here is kept
        self._ahead: set[int] = set()  # and these, further on
        self.facts: list[Row] = []
        self.batches: list[bytes] = []
        self.states: list[Row] = []
        self.statuses: list[Row] = []
        self.beats: list[Row] = []
        self.order: list[str] = []
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, f"receiver-{os.getpid()}-{id(self):x}", protocol=mqtt.MQTTv5
        )
        self._client.reconnect_delay_set(1, 1)
        if login:
            self._client.username_pw_set(*login)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        lasting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's only untyped constructor
        lasting.SessionExpiryInterval = 3600
        self._client.connect_async(broker.host, broker.port, 30, clean_start=False, properties=lasting)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._subscribed.wait(10), "the receiver could not subscribe"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def ids(self) -> list[str]:
        """Return the ids of the facts in order of arrival, each once."""
        with self._lock:
            return list(dict.fromkeys(str(fact["id"]) for fact in self.facts if "id" in fact))

    @property
    def rows(self) -> int:
        """Return how many rows it has without a gap."""
        return self._solid

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Write to a topic of the gate, as a stranger with enough rights could."""
        self._client.publish(self._prefix + topic, payload, qos=1, retain=retain)

    def forget(self, seqs: set[int]) -> None:
        """Lose rows, as a receiver with a broken disk would."""
        with self._lock:
            lowest = min(self._solid, min(seqs) - 1)
            self._ahead |= set(range(lowest + 1, self._solid + 1))
            self._ahead -= seqs
            self._solid = lowest

    def confirm(self) -> None:
        """Publish `facts/ack` for what is there."""
        with self._lock:
            upto, gaps, expected = max(self._ahead, default=self._solid), list[list[int]](), self._solid + 1
            for seq in sorted(self._ahead):
                if seq > expected:
                    gaps.append([expected, seq - 1])
                expected = seq + 1
        self.publish("facts/ack", json.dumps({"upto": upto, "missing": gaps}).encode())

    def _keep(self, rows: list[Row]) -> None:
        for row in rows:
            last = row["upto"] if "upto" in row else row["seq"]
            self._ahead |= set(range(max(row["seq"], self._solid + 1), last + 1))
        while self._solid + 1 in self._ahead:
            self._solid += 1
            self._ahead.discard(self._solid)

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe(self._prefix + "#", qos=1)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        topic = message.topic.removeprefix(self._prefix)
        if topic == "facts/ack":
            return
        found = json.loads(message.payload)
        with self._lock:
            self.order.append(topic)
            match topic:
                case "facts":
                    self.batches.append(bytes(message.payload))
                    self.facts += found
                    self._keep(found)
                case "$state":
                    self.states.append(found)
                case "status":
                    self.statuses.append({**found, "retained": message.retain})
                case "beat":
                    self.beats.append(found)
        if topic == "facts" and self._confirms:
            self.confirm()
