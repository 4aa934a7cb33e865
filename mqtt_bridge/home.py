"""Home Assistant's side of the bridge: announces the gate, keeps `ha/state` fresh, passes on what just happened.

- Nothing here is needed by the district: a broker that refuses these topics is noted once and left alone until the
  next connection; the bridge stays healthy.
- Only the newest is ever published; what could not be sent now is made anew at the next look.
- Where the gate process does not answer, `ha/state` says so (nothing is known) instead of keeping an old "closed".
- On a fresh connection `ha/state` goes before everything else: after `$state` says `online`, Home Assistant shows what
  the broker still holds, and an automation would act on a "closed" of yesterday.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import logging
import random
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from config.schema import Settings
from gate.client import new_id
from gate.journal import JournalError, JournalReader, boot_id
from gate.model import Command, Fact, JsonObject, Kind, Refusal, Role, State
from mqtt_bridge import discovery, topics
from mqtt_bridge.discovery import About, Figures, View
from mqtt_bridge.envelope import Envelope
from mqtt_bridge.port import Incoming, Publisher, Receipt, Subscription
from mqtt_bridge.topics import Message

log = logging.getLogger(__name__)

TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")
MOVES_LOOKED_AT = 80
ORDER_LASTS_MS = 5000
SENDER = "home-assistant"


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """How often and how long, in seconds. `birth_s`: after Home Assistant started, announce within this, at random."""

    state_every_s: float = 0.2
    look_every_s: float = 1.0
    figures_every_s: float = 30.0
    birth_s: tuple[float, float] = (0.5, 10.0)
    silent_s: float = 3.0


class Orders(Protocol):
    """Where commands go (`orders.py`)."""

    def take(self, message: Incoming) -> None:
        """Take a message as one of `cmd`: refused where it is not signed."""

    def put(self, found: Envelope) -> Refusal | None:
        """Take an order under the rules of signed ones."""


class Desk(Protocol):
    """What the bridge knows."""

    async def gate_answers(self) -> bool:
        """Ask the gate process for a sign of life, and tell whether it gave one within two seconds."""

    async def gate_state(self) -> JsonObject:
        """Ask it how the gate is; empty where it does not answer."""

    @property
    def waiting(self) -> int:
        """Count the facts that the broker does not have yet."""

    @property
    def has_picture(self) -> bool:
        """Tell whether the newest picture that was sent still is of now."""


class Home:
    """What one Home Assistant sees of one gate. Does nothing where the configuration says so."""

    def __init__(
        self, settings: Settings, publisher: Publisher, desk: Desk, orders: Orders, *, rhythm: Rhythm | None = None
    ) -> None:
        self._settings, self._publisher, self._desk, self._orders = settings, publisher, desk, orders
        self._wanted = settings.mqtt.home_assistant
        self._gate_id, self._version = settings.site.id, version()
        self._rhythm = rhythm or Rhythm()
        self._config_topic = discovery.config_topic(self._wanted.prefix, self._gate_id)
        self._gate: JsonObject = {}
        self._sensors: frozenset[str] | None = None
        self._figures = Figures()
        self._left: object = None
        self._figures_due_s = self._ask_due_s = self._answered_s = 0.0
        self._answers = False
        self._announced = self._shown = b""
        self._refused = self._said = self._is_taken_back = False
        self._birth: asyncio.TimerHandle | None = None
        self._stir = asyncio.Event()

    @property
    def subscriptions(self) -> list[Subscription]:
        """Return what to listen to at each connection."""
        if not self._wanted.enabled:
            return []
        orders = [topics.address(self._gate_id, topics.HA_CMD)] if self._wanted.allow_commands else []
        return [Subscription(topic=topic, past=False) for topic in [*self._birth_topics, *orders]]

    def connected(self) -> None:
        """Begin anew at a fresh connection, as the first who speaks on it.

        A gate that is not to be shown takes back what an earlier start said.
        """
        self._announced = self._shown = b""
        self._refused = False
        self._answered_s = asyncio.get_running_loop().time()
        if self._wanted.enabled:
            self._show(self._gate if self._answers else {})
        elif not self._is_taken_back:  # once: Home Assistant warns of a removal where it knows of no device
            for topic in (self._config_topic, topics.address(self._gate_id, topics.HA_STATE)):
                self._send(Message(topic=topic, payload=b"", qos=1, retain=True))
        self._stir.set()

    def state(self, snapshot: JsonObject) -> None:
        """Take what the gate says now."""
        inputs = snapshot.get("inputs")
        self._gate, self._sensors = snapshot, frozenset(inputs if isinstance(inputs, dict) else ())
        self._answers = True
        self._stir.set()

    def fact(self, fact: JsonObject) -> None:
        """Pass on a fact that happened just now, and learn from it how long the leaf takes."""
        self._learn(fact.get("kind"), fact.get("data"))
        payload = discovery.event_payload(fact) if self._wanted.enabled else None
        if payload and not self._refused:
            self._publisher.publish(topics.message(self._gate_id, topics.HA_EVENT, payload))

    def takes(self, message: Incoming) -> None:
        """Take a message of the subscriptions above; others are left alone."""
        if message.topic in self._birth_topics and message.payload == discovery.BIRTH and self._birth is None:
            delay_s = random.uniform(*self._rhythm.birth_s)  # noqa: S311 - so that many gates do not answer at once
            self._birth = asyncio.get_running_loop().call_later(delay_s, self._born)
        elif message.topic == topics.address(self._gate_id, topics.HA_CMD) and self._wanted.allow_commands:
            self._order(message)

    def refuses(self, topic: str, refusal: str) -> bool:
        """Take note of a refused topic of which only Home Assistant knows; return whether it was one."""
        if topic not in {*self._birth_topics, self._config_topic, topics.address(self._gate_id, topics.HA_STATE)}:
            return False
        if not self._said:
            log.info("Home Assistant is not told of this gate, or not in time: %s", refusal)
        self._said = True
        self._refused = self._refused or topic not in self._birth_topics
        return True

    async def run(self) -> None:
        """Publish what changed until cancelled."""
        loop = asyncio.get_running_loop()
        if not self._wanted.enabled:
            await loop.create_future()
        await self._remember()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stir.wait(), self._rhythm.look_every_s)
            self._stir.clear()
            if loop.time() >= self._ask_due_s:
                self._ask_due_s = loop.time() + self._rhythm.look_every_s
                self._answers = await self._desk.gate_answers()
                if self._answers and not self._gate and (found := await self._desk.gate_state()):
                    self.state(found)  # after a silence nothing need have changed, so nothing is pushed
            if loop.time() >= self._figures_due_s:
                self._figures_due_s = loop.time() + self._rhythm.figures_every_s
                temperature_c = await asyncio.to_thread(read_temperature)
                self._figures = replace(self._figures, temperature_c=temperature_c, waiting=self._desk.waiting)
            self._figures = replace(self._figures, has_picture=self._desk.has_picture)
            self._look(loop.time())
            await asyncio.sleep(self._rhythm.state_every_s)

    # Inside.

    def _order(self, message: Incoming) -> None:
        """Pass an order on as if it were signed: nobody signed it, the configuration vouches for its role."""
        command = discovery.ORDERS.get(message.payload)
        if message.retained or command is None:
            self._orders.take(message)
            return
        now_ms = time.monotonic_ns() // 1_000_000
        is_past = message.late and command is not Command.STOP
        self._orders.put(Envelope(
            id=new_id(), gate=self._gate_id, command=command, by_id=SENDER, by_name="Home Assistant", reason="",
            sequence=None, sighted=False, minutes=None, boot=boot_id(), kid=SENDER,
            mono_deadline_ms=now_ms - 1 if is_past else now_ms + ORDER_LASTS_MS,
            roles=frozenset({Role(self._wanted.role)}),
        ))  # fmt: skip

    @property
    def _birth_topics(self) -> frozenset[str]:
        """Where Home Assistant says that it started: a setting of its own, beside the discovery prefix."""
        return frozenset({discovery.BIRTH_TOPIC, f"{self._wanted.prefix}/status"})

    def _born(self) -> None:
        self._birth = None
        self._announced = self._shown = b""
        self._stir.set()

    def _look(self, now_s: float) -> None:
        """Publish the announcement and the state where they differ from what the broker has."""
        if self._gate and self._answers:
            self._answered_s = now_s
        elif now_s - self._answered_s >= self._rhythm.silent_s:
            self._gate = {}
        elif not self._gate:
            return
        if not self._publisher.connected or self._refused:
            return
        if self._sensors is not None:
            announcement = discovery.config_payload(self._about(self._sensors))
            if announcement != self._announced:
                message = Message(topic=self._config_topic, payload=announcement, qos=1, retain=True)
                self._announced = announcement if self._send(message) else b""
        self._show(self._gate)

    def _show(self, gate: JsonObject) -> None:
        """Publish the state where it differs from what the broker has."""
        shown = discovery.state_payload(View(gate=gate, figures=self._figures))
        if shown != self._shown:
            self._shown = shown if self._send(topics.message(self._gate_id, topics.HA_STATE, shown)) else b""

    def _send(self, message: Message) -> bool:
        receipt = self._publisher.publish(message)
        if receipt:
            receipt.add_done_callback(partial(self._noted, message.topic))
        return receipt is not None

    def _noted(self, topic: str, receipt: asyncio.Future[Receipt]) -> None:
        if receipt.cancelled():
            return
        if receipt.result().refusal:
            self.refuses(topic, receipt.result().refusal)
        elif receipt.result().delivered and not self._wanted.enabled:
            self._is_taken_back = True

    def _about(self, sensors: frozenset[str]) -> About:
        site = self._settings.site
        return About(
            gate_id=site.id, name=site.name, language=site.language, version=self._version, sensors=sensors,
            page=self._settings.api.public_url, pictures=self._settings.mqtt.snapshot,
            commands=self._wanted.allow_commands,
        )  # fmt: skip

    def _learn(self, kind: object, data: object) -> None:
        """Take the travel time out of an arrival that came all the way: not after a stop, a reversal or a push.

        0 is an arrival that nobody measured.
        """
        if not isinstance(data, dict):
            return
        if kind == Kind.STATE_CHANGED and data.get("to") in {State.OPENING, State.CLOSING}:
            self._left = data.get("from")
        elif kind == Kind.ARRIVED and isinstance(travel_ms := data.get("travel_ms"), int) and travel_ms > 0:
            match self._left, data.get("state"):
                case State.CLOSED, State.OPEN:
                    self._figures = replace(self._figures, open_travel_s=travel_ms / 1000)
                case State.OPEN, State.CLOSED:
                    self._figures = replace(self._figures, close_travel_s=travel_ms / 1000)

    async def _remember(self) -> None:
        """Learn from the last moves in the journal: a restart of the bridge forgets no figure."""
        journal = self._settings.storage.state_dir / "journal.db"
        for fact in await asyncio.to_thread(last_moves, journal):
            self._learn(fact.kind, fact.data)


def last_moves(journal: Path) -> list[Fact]:
    """Return the newest arrivals and what led to them, oldest first; none where the journal can't be read."""
    kinds = [Kind.STATE_CHANGED.value, Kind.ARRIVED.value]
    try:
        reader = JournalReader(journal)
        with contextlib.closing(reader):
            found = reader.read(kinds=kinds, limit=MOVES_LOOKED_AT, newest_first=True)
    except JournalError:
        return []
    return found[::-1]


def read_temperature(path: Path = TEMPERATURE) -> float | None:
    """Return the processor's temperature in °C, None where the kernel does not tell it."""
    try:
        return round(int(path.read_text(encoding="ascii")) / 1000, 1)
    except (OSError, ValueError):
        return None


def version() -> str:
    """Return the version of this program, "source" where it is not installed."""
    try:
        return importlib.metadata.version("antt-gate")
    except importlib.metadata.PackageNotFoundError:
        return "source"
