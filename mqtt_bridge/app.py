"""The bridge: gate's socket and journal on one side, the broker on the other.

    gate.sock ─ state ─► status          journal.db ─► outbox ─► delivery ─► facts
              ─ fact ──► "look now"      broker ─ $state, facts/ack ─► heal, settle

Everything runs in one event loop; what blocks (files, connecting) has a thread beside it. Nothing here makes gate wait,
and nothing grows while the broker is away: of `status` only the newest is kept, and facts stay where they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import time
import zoneinfo
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from config.load import socket_path
from config.schema import Settings
from gate.client import Client, GateUnavailableError, RequestRefusedError
from gate.journal import boot_id
from gate.model import JsonObject, Kind
from mqtt_bridge import reasons, topics
from mqtt_bridge.admission import Place
from mqtt_bridge.answers import Answers
from mqtt_bridge.delivery import Delivery
from mqtt_bridge.delivery import Pace as DeliveryPace
from mqtt_bridge.home import Home, Rhythm, version
from mqtt_bridge.keys import keys_of
from mqtt_bridge.link import Link
from mqtt_bridge.orders import Orders
from mqtt_bridge.outbox import Outbox
from mqtt_bridge.pictures import Pictures
from mqtt_bridge.port import Broker, Incoming, Limits, Loss, Receipt, Subscription, Will
from mqtt_bridge.reports import Reports, Sentences
from mqtt_bridge.revocations import FILE as REVOCATIONS_FILE
from mqtt_bridge.revocations import Revocations
from mqtt_bridge.seen import Seen
from mqtt_bridge.topics import Message, Topic

log = logging.getLogger(__name__)

SIGN_OF_LIFE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often and how long, in seconds. The defaults are the contract's."""

    will_delay_s: int = 30
    beat_every_s: float = 10.0
    status_every_s: float = 0.2
    health_every_s: float = 0.5
    heal_every_s: float = 2.0
    goodbye_s: float = 1.0
    reconnect_s: tuple[float, float] = (0.5, 15.0)
    puback_timeout_s: float = 30.0
    picture_kept_s: float = topics.SNAPSHOT.expiry_s or 0
    delivery: DeliveryPace = field(default_factory=DeliveryPace)
    home: Rhythm = field(default_factory=Rhythm)


class Bridge:
    """One gate's connection to its broker; the `Listener` of the link."""

    def __init__(self, settings: Settings, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._gate_id = settings.site.id
        self._boot = boot_id()
        self._require_ack = settings.mqtt.require_ack
        self._broker = broker_of(settings)
        will = topics.message(self._gate_id, topics.STATE, topics.will_payload(self._boot))
        self._link = Link(
            self._broker, Will(message=will, delay_s=self._pace.will_delay_s), self,
            pauses_s=self._pace.reconnect_s, patience_s=self._pace.puback_timeout_s,
        )  # fmt: skip
        state_dir = settings.storage.state_dir
        outbox = Outbox(state_dir / "outbox.db", state_dir / "journal.db", boot=self._boot)
        self._delivery = Delivery(
            outbox, self._link, gate_id=self._gate_id, require_ack=self._require_ack,
            pace=replace(self._pace.delivery, history_per_s=settings.mqtt.history_per_s),
        )  # fmt: skip
        self._gate = Client(socket_path(settings), "mqtt_bridge", ["state", "fact"], self._pushed)
        self._answers = Answers(self._link, self._gate_id)
        self._revocations = Revocations(state_dir / REVOCATIONS_FILE)
        self._orders = self._new_orders(settings)
        self._home = Home(settings, self._link, self, self._orders, rhythm=self._pace.home)
        self._pictures = Pictures(settings, self._link, kept_s=self._pace.picture_kept_s)
        self._reports = Reports(self._broker.where)
        self._snapshot: JsonObject | None = None
        self._status_stir = asyncio.Event()
        self._heal_stir = asyncio.Event()
        self._refusals: dict[str, str] = {}
        self._sentences = Sentences()
        self._answered = False
        self._last_loss = "waiting for the broker's first acknowledgement"

    async def run(self, stop: asyncio.Event) -> None:
        """Start, work until `stop` is set, and stop in reverse order. Raises what ended a part of it."""
        self._gate.health = self.health()
        await self._gate.start()
        await self._orders.open()
        loops = (
            self._link.run(), self._delivery.run(), self._statuses(), self._heals(), self._beats(), self._tells(),
            self._orders.run(), self._home.run(), self._pictures.run(),
        )  # fmt: skip
        parts = [asyncio.create_task(part) for part in loops]
        stopping = asyncio.create_task(stop.wait())
        first: list[asyncio.Task[None] | asyncio.Task[Literal[True]]] = [stopping, *parts]
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        for part in reversed(parts[1:]):
            await _cancelled(part)
        await self._delivery.close()
        if await self._link.close(self._state("stopped"), self._pace.goodbye_s):
            log.info("stopped; the broker knows")
        await _cancelled(parts[0])
        await self._gate.stop()
        await _cancelled(stopping)
        for part in parts:
            if not part.cancelled():
                part.result()

    def health(self) -> JsonObject:
        """Say how it goes, for gate's snapshot."""
        connected = self._link.connected
        if not connected:
            reason = self._link.reason
        elif not self._answered:
            reason = self._last_loss
        else:
            troubles = (
                *self._refusals.values(), self._delivery.trouble, self._orders.trouble, self._answers.trouble,
                self._revocations.trouble,
            )  # fmt: skip
            reason = next(filter(None, troubles), "")
        return {
            "ok": connected and not reason,
            "reason": reason,
            "kind": reasons.kind_of(reason),
            "connected": connected,
            "upto": self._delivery.upto,
            "waiting": self.waiting,
            "broker": self._broker.where,
        }

    # What is asked for Home Assistant (Desk).

    async def gate_answers(self) -> bool:
        """Ask the gate process about a command that nobody gave: a hung one is connected all the same."""
        try:
            await self._gate.request("command_status", SIGN_OF_LIFE_S, command_id="none")
        except RequestRefusedError:
            return True
        except GateUnavailableError:
            return False
        return True

    async def gate_state(self) -> JsonObject:
        """Ask it how the gate is; empty where it does not answer."""
        with contextlib.suppress(GateUnavailableError, RequestRefusedError):
            return await self._gate.request("status", SIGN_OF_LIFE_S)
        return {}

    @property
    def waiting(self) -> int:
        """Count the facts that the broker does not have yet."""
        return max(0, self._delivery.last_seq - self._delivery.upto)

    @property
    def has_picture(self) -> bool:
        """Tell whether the newest picture that was sent still is of now."""
        return self._pictures.is_fresh

    # What the link tells (Listener).

    def connected(self, limits: Limits) -> None:
        """Say `online`, then how the gate is, then let history follow.

        Home Assistant's value goes before `online`, which would bring back an old one.
        """
        self._refusals.clear()
        self._home.connected()
        self._publish(topics.STATE, self._state("online").payload)
        wanted = [topics.STATE, topics.FACTS_ACK] if self._require_ack else [topics.STATE]
        self._link.subscribe([Subscription(topic=topics.address(self._gate_id, topic)) for topic in wanted])
        if self._takes_commands:  # nothing of before this connection is a command: not what is retained there either
            self._link.subscribe([Subscription(topic=topics.address(self._gate_id, topics.CMD), past=False)])
        self._status_stir.clear()
        self._publish_status()
        self._beat()
        self._answers.pump()
        if heard := self._home.subscriptions:
            self._link.subscribe(heard)
        self._delivery.link_came(limits)

    def lost(self, loss: Loss) -> None:
        """Take back what was not acknowledged."""
        if self._answered:
            self._reports.went(loss.reason, now_s=time.monotonic())
        self._answered, self._last_loss = False, loss.reason
        self._delivery.link_went(loss)

    def received(self, message: Incoming) -> None:
        """Heal a `$state` that is not ours; take a command, or an acknowledgement of the receiver."""
        if message.topic == topics.address(self._gate_id, topics.CMD):
            self._orders.take(message)
        elif message.topic == topics.address(self._gate_id, topics.STATE):
            if not topics.says_online(message.payload, self._boot):
                self._heal_stir.set()
        elif message.topic == topics.address(self._gate_id, topics.FACTS_ACK):
            ack = topics.read_ack(message.payload)
            if ack:
                self._delivery.acknowledged(ack)
            else:
                self._say("facts/ack was not understood; docs/topics.md says how it is written")
        else:
            self._home.takes(message)

    def unsubscribed(self, topic: str, refusal: str) -> None:
        """Keep the broker's refusal where people look."""
        if not self._home.refuses(topic, refusal):
            self._refuse(topic, refusal)

    # The parts of its work.

    async def _statuses(self) -> None:
        """Publish the newest snapshot, not more often than `status_every_s`, one at a time."""
        while True:
            await self._status_stir.wait()
            self._status_stir.clear()
            if receipt := self._publish_status():
                await asyncio.wait([receipt])
            await asyncio.sleep(self._pace.status_every_s)

    async def _heals(self) -> None:
        """Say `online` again where `$state` says something else, but not in a race with another program."""
        while True:
            await self._heal_stir.wait()
            self._heal_stir.clear()
            if self._link.connected:
                self._say("$state at the broker was not this gate's own; saying online again")
                self._publish(topics.STATE, self._state("online").payload)
            await asyncio.sleep(self._pace.heal_every_s)

    async def _beats(self) -> None:
        while True:
            self._beat()
            await asyncio.sleep(self._pace.beat_every_s)

    async def _tells(self) -> None:
        """Keep gate told: health in each beat, a fact when the broker came or went or a key was revoked."""
        while True:
            self._gate.health = self.health()
            self._revocations.look()
            with contextlib.suppress(GateUnavailableError, RequestRefusedError):
                if report := self._reports.due(now_s=time.monotonic()):
                    await self._gate.report(report.kind.value, report.data)
                    self._reports.told(report)
                while untold := self._revocations.untold:
                    data: JsonObject = {"what": "key_revoked", "id": untold[0].id, "public": untold[0].public}
                    await self._gate.report(Kind.CONFIG_CHANGED.value, data)
                    del untold[0]
            await asyncio.sleep(self._pace.health_every_s)

    # Small things.

    def _pushed(self, topic: str, data: JsonObject) -> None:
        """Take what gate pushes: the newest state, or word that a fact is in the journal."""
        if topic == "state":
            self._snapshot = data
            self._status_stir.set()
            self._orders.gate_changed()
            self._home.state(data)
        elif topic == "fact":
            seq = data.get("seq")
            self._delivery.wake(seq if isinstance(seq, int) else 0)
            self._home.fact(data)

    def _new_orders(self, settings: Settings) -> Orders:
        state_dir = settings.storage.state_dir
        keys, revocations = keys_of(settings), self._revocations
        self._takes_commands = bool(keys)
        seen = Seen(state_dir / "commands.db", boot=self._boot)
        zone = zoneinfo.ZoneInfo(settings.site.timezone)

        def today() -> dt.date | None:
            """Return the site's date; while the gate does not believe its clock, the last one that was believed."""
            is_believed = self._snapshot is not None and self._snapshot.get("clock_trusted") is True
            return dt.datetime.now(zone).date() if is_believed else seen.day

        return Orders(
            Place(gate_id=self._gate_id, boot=self._boot, home=settings.mqtt.home_assistant.prefix),
            keys=lambda: revocations.applied(keys), seen=seen,
            gate=self._gate, answers=self._answers, today=today,
        )  # fmt: skip

    def _publish(self, topic: Topic, payload: bytes) -> asyncio.Future[Receipt] | None:
        receipt = self._link.publish(topics.message(self._gate_id, topic, payload))
        if receipt and topic.qos:
            receipt.add_done_callback(partial(self._noted, topics.address(self._gate_id, topic)))
        return receipt

    def _beat(self) -> None:
        self._publish(topics.BEAT, topics.beat_payload(boot=self._boot, mono_ms=time.monotonic_ns() // 1_000_000))

    def _publish_status(self) -> asyncio.Future[Receipt] | None:
        return self._publish(topics.STATUS, topics.status_payload(self._snapshot)) if self._snapshot else None

    def _noted(self, topic: str, receipt: asyncio.Future[Receipt]) -> None:
        """Note the broker's word about a topic; its first word on a connection proves that it acknowledges."""
        if receipt.cancelled():
            return
        result = receipt.result()
        if (result.delivered or result.refusal) and not self._answered:
            self._answered = True
            self._reports.came(now_s=time.monotonic())
        if result.delivered:
            self._refusals.pop(topic, None)
        elif result.refusal:
            self._refuse(topic, result.refusal)

    def _refuse(self, topic: str, refusal: str) -> None:
        self._refusals[topic] = refusal
        self._say(refusal)

    def _say(self, sentence: str) -> None:
        if self._sentences.is_news(sentence, now_s=time.monotonic()):
            log.warning("%s", sentence)

    def _state(self, word: Literal["online", "stopped"]) -> Message:
        """Say how the gate is reached; it is up since the start of this boot."""
        payload = topics.state_payload(word, boot=self._boot, up_s=int(time.monotonic()), version=version())
        return topics.message(self._gate_id, topics.STATE, payload)


def broker_of(settings: Settings) -> Broker:
    """Take the broker out of the configuration; the client id is stable and this gate's own."""
    mqtt = settings.mqtt
    return Broker(
        host=mqtt.host, port=mqtt.port, client_id=f"antt-{settings.site.id}", keepalive_s=mqtt.keepalive_s,
        username=mqtt.username, password_file=mqtt.password_file,
        ca_file=mqtt.ca_file, cert_file=mqtt.cert_file, key_file=mqtt.key_file,
    )  # fmt: skip


async def _cancelled(task: asyncio.Task[None] | asyncio.Task[Literal[True]]) -> None:
    """Cancel a task and wait for its end; what it raised is kept for whoever looks.

    Once is not enough: in Python 3.11 `asyncio.wait_for` loses a cancellation that comes together with its answer.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
