"""What the bridge and its connection say to each other: values and two ports, no library and no clock.

`link.py` is the one implementation that speaks to a broker; `delivery.py` and `app.py` know only what stands here.
"""

from __future__ import annotations

from asyncio import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mqtt_bridge.topics import Message


@dataclass(frozen=True, kw_only=True)
class Broker:
    """Where the broker is and who we are there. Secrets are read from their files at each connection."""

    host: str
    port: int
    client_id: str
    keepalive_s: int
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def where(self) -> str:
        """Name it for people."""
        return f"{self.host}:{self.port}"

    @property
    def encrypted(self) -> bool:
        """Tell whether TLS is spoken."""
        return self.ca_file is not None or self.cert_file is not None


@dataclass(frozen=True, kw_only=True)
class Will:
    """What the broker publishes for us when we are gone without a word, and how long it waits."""

    message: Message
    delay_s: int


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the broker said at the connect: unacknowledged messages, and bytes a packet (None: no limit)."""

    in_flight: int
    packet_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of a message. `refusal` is a sentence where the broker said no; `code` is its MQTT 5 reason."""

    delivered: bool
    code: int = 0
    refusal: str = ""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Why there is no connection: a sentence for people, and the broker's MQTT 5 reason where it gave one.

    `by_broker`: the other side ended it, and not our own patience or a stop.
    """

    reason: str
    code: int = 0
    by_broker: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """A topic to listen to. `past`: whether a message that was retained there before is wanted too."""

    topic: str
    past: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A message of a subscription. `retained`: it was published to stay, whenever that was.

    `late`: this process stood still before it was read, so nobody knows how long it waited.

    `response_topic` and `correlation` are what the sender asked for (MQTT 5): somebody else's words, to be checked.
    """

    topic: str
    payload: bytes
    retained: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    late: bool = False


class Publisher(Protocol):
    """Where messages go."""

    @property
    def connected(self) -> bool:
        """Tell whether messages can be published now."""

    def publish(self, message: Message) -> Future[Receipt] | None:
        """Send, and return where the receipt will appear (QoS 1: at PUBACK; QoS 0: when written).

        None where there is no connection or too much waits in it already: keep the message and come again.
        """


class Listener(Protocol):
    """Who is told, in the event loop. None of these may raise or wait."""

    def connected(self, limits: Limits) -> None:
        """Take note of a fresh connection; messages may be published from now on."""

    def lost(self, loss: Loss) -> None:
        """Take note that it ended; every receipt still out says "not delivered"."""

    def received(self, message: Incoming) -> None:
        """Take a message of a subscription."""

    def unsubscribed(self, topic: str, refusal: str) -> None:
        """Take note that the broker refused a subscription, and what would clear it."""
