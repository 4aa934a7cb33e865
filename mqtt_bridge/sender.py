"""The sending side: one command to one gate, and its answers. What is decided stands in `errand.py`.

In this order: connect, listen (`$state`, `beat`, answers), learn the gate's clock, sign, publish, follow. Nothing is
signed before it can leave at once, so no queue of ours can hold a command back.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from mqtt_bridge import envelope, topics
from mqtt_bridge.cli_words import NoAnswerError, RefusedError
from mqtt_bridge.errand import Answer, Beat, GateClock, Order, Progress, Reading
from mqtt_bridge.key_file import PrivateKey
from mqtt_bridge.link import Link
from mqtt_bridge.port import Broker, Incoming, Limits, Loss, Subscription
from mqtt_bridge.reasons import NO_SUBSCRIBERS
from mqtt_bridge.topics import Message

ANSWER_GRACE_S = 5.0
GOODBYE_S = 0.2
OPTIONS = (
    ("mqtt.host and mqtt.port", "--broker"), ("mqtt.host", "--broker"), ("mqtt.port", "--broker"),
    ("mqtt.username", "the user in --broker"), ("mqtt.password_file", "--password-file"), ("mqtt.ca_file", "--ca"),
    ("mqtt.cert_file", "--cert"), ("mqtt.key_file", "--cert-key"), ("allow antt-<site.id> there", "allow it there"),
    ("give every gate a site.id of its own", "give each sender a certificate or a user of its own"),
    ("sign in with the certificate or user name of this site.id", "sign in as somebody who may send"),
    ("this gate", "this sender"),
)  # fmt: skip
"""The gate's words for its settings, and those for the same thing here."""


Told = Callable[[Answer, float], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long each part may take, in seconds.

    `state_s`: a gate writes over a `$state` that is not true within 2 s. `clock_s`: it beats every 10 s.
    """

    state_s: float = 4.0
    clock_s: float = 25.0
    end_s: float = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """What to send, signed by whom, over which broker. `answers_as`: whose `rsp/…` is listened to."""

    broker: Broker
    key: PrivateKey
    order: Order
    answers_as: str
    waits: bool


class Sender:
    """One errand; the `Listener` of its link. `told(answer, seconds since it was sent)` hears each answer.

    `kept`: a beat that was heard live some minutes ago, see `clock_file.py`.
    """

    def __init__(
        self, errand: Errand, told: Told, *, kept: Beat | None = None, patience: Patience | None = None
    ) -> None:
        self._key = errand.key
        self._order = order = errand.order
        self._told = told
        self._patience = patience or Patience()
        self._clock = GateClock(kept)
        self._progress = Progress(order.id, errand.waits)
        self._rsp = f"{topics.PREFIX}/{order.gate}/rsp/{errand.answers_as}"
        self._refusal = ""
        self._stir = asyncio.Event()
        self._sent_s: float | None = None
        self._link = Link(errand.broker, None, self, pauses_s=(0.5, 2.0), patience_s=20.0)

    @property
    def beat(self) -> Beat | None:
        """Return the newest beat, to be kept for the next errand."""
        return self._clock.beat

    async def run(self) -> Answer:
        """Do the errand and return the last answer. Raises `RefusedError`, `NoAnswerError`."""
        living = asyncio.create_task(self._link.once())
        living.add_done_callback(lambda _: self._stir.set())
        try:
            await self._until(lambda: self._link.connected, living, 60.0, "the broker does not answer")
            await self._publish(await self._reading(living))
            return await self._end(living)
        finally:
            self._link.leave()
            living.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await living

    async def _reading(self, living: asyncio.Task[bool]) -> Reading:
        """Learn the gate's clock. Raises `NoAnswerError`."""
        clock, gate = self._clock, self._order.gate
        with contextlib.suppress(TimeoutError):
            await self._until(lambda: clock.is_online, living, self._patience.state_s)
            await self._until(lambda: clock.is_known or not clock.is_online, living, self._patience.clock_s)
        reading = clock.reading(now_ms())
        if reading is None:
            raise NoAnswerError(f"nothing was sent: {clock.why_unknown(gate)}")
        return reading

    async def _publish(self, reading: Reading) -> None:
        """Sign and send, once. Raises `RefusedError`, `NoAnswerError`."""
        try:
            payload = envelope.sign(self._order.fields(reading), self._key.private)
        except ValueError as error:
            raise RefusedError(f"nothing was sent: {error}") from None
        message = Message(
            topic=topics.address(self._order.gate, topics.CMD), payload=payload, qos=topics.CMD.qos,
            retain=topics.CMD.retain, response_topic=self._rsp, correlation=self._progress.correlation,
            expiry_s=max(1, self._order.lasts_ms // 1000),
        )  # fmt: skip
        self._sent_s = time.monotonic()
        receipt = self._link.publish(message)
        if receipt is None:
            raise NoAnswerError("nothing was sent: the connection to the broker was lost")
        result = await receipt
        if result.refusal:
            raise RefusedError(f"nothing was done: {here(result.refusal)}")
        if result.code == NO_SUBSCRIBERS:
            raise NoAnswerError(
                "nobody took the command: the gate is away from the broker, or takes no commands (no [mqtt.keys])"
            )

    async def _end(self, living: asyncio.Task[bool]) -> Answer:
        """Follow the answers to the last one. Raises `NoAnswerError`."""
        progress, first_s = self._progress, self._order.lasts_ms / 1000 + ANSWER_GRACE_S
        unknown = (
            f"the command was sent and no answer came on {self._rsp}; it may have been obeyed: look at the gate."
            " If this happens each time, the broker's access list may not let this sender read that (--answers)"
        )
        await self._until(lambda: progress.answered, living, first_s, unknown)
        unknown = "the gate took the command, but its end was not heard: look at the gate"
        await self._until(lambda: progress.end is not None, living, self._patience.end_s, unknown)
        assert progress.end is not None  # noqa: S101 - what was waited for
        return progress.end

    async def _until(
        self, is_so: Callable[[], bool], living: asyncio.Task[bool], within_s: float, late: str = ""
    ) -> None:
        """Wait until something is so. Raises `RefusedError`, `NoAnswerError`, and `TimeoutError` where `late` is ""."""
        deadline_s = time.monotonic() + within_s
        while not is_so():
            if self._refusal:
                raise RefusedError(self._refusal)
            if living.done():
                sent = "" if self._sent_s is None else "; the command was sent: look at the gate"
                raise NoAnswerError(f"{here(self._link.reason)}{sent}")
            self._stir.clear()
            try:
                await asyncio.wait_for(self._stir.wait(), max(0.0, deadline_s - time.monotonic()))
            except TimeoutError:
                if is_so():
                    return
                if late:
                    raise NoAnswerError(late) from None
                raise

    # What the link tells (Listener).

    def connected(self, _limits: Limits) -> None:
        """Listen to the gate, and for answers."""
        names = [topics.address(self._order.gate, topics.STATE), topics.address(self._order.gate, topics.BEAT)]
        self._link.subscribe([*(Subscription(topic=name) for name in names), Subscription(topic=self._rsp, past=False)])
        self._stir.set()

    def lost(self, _loss: Loss) -> None:
        """Do nothing: the end of the connection is seen by who waits."""

    def received(self, message: Incoming) -> None:
        """Take the gate's state, its clock, or an answer."""
        if message.topic == topics.address(self._order.gate, topics.STATE):
            self._clock.state_came(message.payload)
        elif message.topic == topics.address(self._order.gate, topics.BEAT):
            self._clock.beat_came(message.payload, retained=message.retained, now_ms=now_ms())
        elif message.topic == self._rsp and self._sent_s is not None and not message.retained:
            self._answered(message, time.monotonic() - self._sent_s)
        self._stir.set()

    def _answered(self, message: Incoming, after_s: float) -> None:
        if answer := self._progress.came(message.payload, message.correlation):
            self._told(answer, after_s)

    def unsubscribed(self, _topic: str, refusal: str) -> None:
        """Give up: without these topics a command would be sent blindly."""
        self._refusal = f"nothing was sent: {here(refusal)}"
        self._stir.set()


def client_id() -> str:
    """Return a name of our own for one connection; two senders must not push each other out."""
    return f"antt-send-{secrets.token_hex(6)}"


def here(sentence: str) -> str:
    """Say in this command's words what the bridge says in those of the gate's configuration."""
    for theirs, ours in OPTIONS:
        sentence = sentence.replace(theirs, ours)
    return sentence


def now_ms() -> int:
    """Return our own clock for beats: it goes on while this machine sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
