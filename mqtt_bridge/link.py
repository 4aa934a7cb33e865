"""The connection to the broker, and the only import of paho.

How it is held, and why (docs/topics.md, "The connection"):
- paho gets no thread of its own. The event loop reads and writes its socket, so there is no network thread that an
  exception could end in silence, and no lock that a publish could be caught under. Only the blocking part of
  connecting (name, TCP, TLS) runs in a daemon thread.
- Each connection is a fresh paho client, thrown away when it ends. Nothing waits inside paho to be sent later: what
  waits is in the journal, and `publish` refuses while there is no connection.
- paho's callbacks only note what came; it is acted upon after paho has returned.
- The client id is stable and the start is clean: no stale will of another id, no message out of an old session. The
  session outlives its connection by the will delay, because a broker may send the will when the session ends.
- A dead connection is noticed by silence: nothing read for 1.4 keepalives, though paho pings after one. With the
  time until somebody looks, also on a busy machine, it is noticed within 1.5.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from mqtt_bridge import credentials, publication, reasons
from mqtt_bridge.port import Broker, Incoming, Limits, Listener, Loss, Receipt, Subscription, Will
from mqtt_bridge.publication import Publication, PublicationError
from mqtt_bridge.reports import Sentences
from mqtt_bridge.topics import Message

log = logging.getLogger(__name__)

TCP_USER_TIMEOUT_MS = 18_000
ANSWER_TIMEOUT_S = 10.0
SILENCE_KEEPALIVES = 1.4
MOST_QUEUED = 64
LARGEST_INCOMING = 256 * 1024
ROOM_FOR_HEADER = 160
SETTLED_S = 5.0
STOOD_STILL_S = 2.5


class LinkError(Exception):
    """A connection that did not come about; carries the `Loss`."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        super().__init__(loss.reason)


class Link:
    """A `Publisher` that connects by itself, again and again, with growing, jittered pauses (first, longest).

    A message that is not acknowledged within `patience_s` ends its connection.
    """

    def __init__(
        self, broker: Broker, will: Will | None, listener: Listener, *, pauses_s: tuple[float, float], patience_s: float
    ) -> None:
        self._broker = broker
        self._will = will
        self._listener = listener
        self._pauses_s = pauses_s
        self._patience_s = patience_s
        self._sentences = Sentences()
        self._session: _Session | None = None
        self._connected = False
        self.reason = f"connecting to {broker.where}"

    @property
    def connected(self) -> bool:
        """Tell whether messages can be published now."""
        return self._connected

    async def run(self) -> None:
        """Connect and reconnect until cancelled."""
        pause_s = self._pauses_s[0]
        while True:
            settled = await self.once()
            await asyncio.sleep(pause_s * random.uniform(0.3, 1.0))  # noqa: S311 - jitter, not a secret
            pause_s = self._pauses_s[0] if settled else min(self._pauses_s[1], pause_s * 2)

    def publish(self, message: Message) -> asyncio.Future[Receipt] | None:
        """Send; see `Publisher.publish`."""
        return self._session.publish(message) if self._session and self._connected else None

    def subscribe(self, wanted: list[Subscription]) -> None:
        """Ask for these topics at QoS 1. A refusal comes to `Listener.unsubscribed`."""
        if self._session and self._connected:
            self._session.subscribe(wanted)

    async def close(self, last: Message, timeout_s: float) -> bool:
        """Publish a last message and say goodbye; return whether the broker has it.

        Without its acknowledgement no goodbye is said, so that the will speaks. Cancel `run` afterwards.
        """
        session, receipt = self._session, self.publish(last)
        if session is None or receipt is None:
            return False
        with contextlib.suppress(TimeoutError):
            if (await asyncio.wait_for(receipt, timeout_s)).delivered:
                session.say_goodbye()
                return True
        return False

    def leave(self) -> None:
        """Say goodbye without a last message. Cancel `run` or `once` afterwards."""
        if self._session and self._connected:
            self._session.say_goodbye()

    async def once(self) -> bool:
        """Live through one connection; tell whether it lasted. `reason` says why it ended, or never came about."""
        session = self._session = _Session(self._broker, self._will, self._listener, self._patience_s)
        try:
            limits = await session.open()
            began_s = time.monotonic()
            self._connected, self.reason = True, ""
            self._log(logging.INFO, f"connected to the broker {self._broker.where}")
            self._listener.connected(limits)
            loss = await asyncio.shield(session.ended)
        except LinkError as error:
            self._say(error.loss.reason)
            return False
        finally:
            self._connected, self._session = False, None
            session.shut()
        self._say(loss.reason)
        self._listener.lost(loss)
        return time.monotonic() - began_s > SETTLED_S

    def _say(self, reason: str) -> None:
        self.reason = reason
        self._log(logging.WARNING, reason)

    def _log(self, level: int, sentence: str) -> None:
        if self._sentences.is_news(sentence, now_s=time.monotonic()):
            log.log(level, "%s", sentence)


class _Client(mqtt.Client):
    """paho, but for how a message is read: `publication.py` says why."""

    on_publication: Callable[[Publication], None] | None = None

    def _handle_publish(self) -> MQTTErrorCode:
        """Pass a message on, and acknowledge it. We subscribe at QoS 1, so none comes at QoS 2."""
        try:
            found = publication.read(self._in_packet["command"], bytes(self._in_packet["packet"]))
        except PublicationError:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        if self.on_publication:
            self.on_publication(found)
        return self._send_puback(found.mid) if found.qos else MQTTErrorCode.MQTT_ERR_SUCCESS


class _Pending(NamedTuple):
    """A message that the broker has not acknowledged yet."""

    receipt: asyncio.Future[Receipt]
    topic: str
    since_s: float


class _Session:
    """One connection, from the name look-up to the closed socket."""

    def __init__(self, broker: Broker, will: Will | None, listener: Listener, patience_s: float) -> None:
        self._broker = broker
        self._patience_s = patience_s
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[Limits] = self._loop.create_future()
        self.ended: asyncio.Future[Loss] = self._loop.create_future()
        self._pending: dict[int, _Pending] = {}
        self._asked: dict[int, list[str]] = {}
        self._heard_s = self._turned_s = time.monotonic()
        self._late_until_s = 0.0
        self._said = ""
        self._shut = False
        self._client = self._fresh_client(will)

    async def open(self) -> Limits:
        """Connect and wait for the broker's word. Raises `LinkError`."""
        try:
            await _in_daemon_thread(self._connect)
        except credentials.CredentialError as error:
            raise LinkError(Loss(reason=str(error))) from None
        except (OSError, ValueError) as error:
            raise LinkError(Loss(reason=reasons.failed_connect(error, self._broker.where))) from None
        self._turned_s = time.monotonic()  # connecting took its time in a thread of its own
        self._attend()
        ticking = self._loop.create_task(self._tick(), name="mqtt-tick")
        self.ended.add_done_callback(lambda _: ticking.cancel())
        both: list[asyncio.Future[Limits] | asyncio.Future[Loss]] = [self._answer, self.ended]
        await asyncio.wait(both, timeout=min(ANSWER_TIMEOUT_S, self._patience_s), return_when=asyncio.FIRST_COMPLETED)
        if self._answer.done():
            return self._answer.result()
        if self.ended.done():
            raise LinkError(self.ended.result())
        raise LinkError(Loss(reason=reasons.mute(self._broker.where)))

    def publish(self, message: Message) -> asyncio.Future[Receipt] | None:
        """Send on this connection; see `Publisher.publish`."""
        if self.ended.done() or len(self._pending) >= MOST_QUEUED:
            return None
        if self._is_too_large(message):
            return self._refused_as_too_large(message)
        info = self._client.publish(message.topic, message.payload, message.qos, message.retain, _of_publish(message))
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            return None
        receipt: asyncio.Future[Receipt] = self._loop.create_future()
        self._pending[info.mid] = _Pending(receipt, message.topic, time.monotonic())
        return receipt

    def _is_too_large(self, message: Message) -> bool:
        """Tell whether the broker said at the connect that it hangs up on a packet as large as this."""
        most = self._answer.result().packet_bytes if self._answer.done() else None
        return most is not None and len(message.payload) + len(message.topic.encode()) + ROOM_FOR_HEADER > most

    def _refused_as_too_large(self, message: Message) -> asyncio.Future[Receipt]:
        code = reasons.PACKET_TOO_LARGE
        receipt: asyncio.Future[Receipt] = self._loop.create_future()
        receipt.set_result(
            Receipt(delivered=False, code=code, refusal=reasons.refused_publish(code, "", message.topic))
        )
        return receipt

    def subscribe(self, wanted: list[Subscription]) -> None:
        """Ask for topics; the broker's answer comes to `_subscribed`."""
        _, mid = self._client.subscribe([(subscription.topic, _options(subscription)) for subscription in wanted])
        if mid is not None:
            self._asked[mid] = [subscription.topic for subscription in wanted]

    def say_goodbye(self) -> None:
        """Tell the broker that this end is wanted, so that it forgets the will."""
        self._guard(self._client.disconnect)
        self._guard(self._client.loop_write)

    def end(self, loss: Loss) -> None:
        """Note the first reason for the end; the rest is cleaning up."""
        if not self.ended.done():
            self.ended.set_result(loss)

    def shut(self) -> None:
        """Close the socket without a word, and tell who waits that nothing more will come."""
        self._shut = True
        self.end(Loss(reason="stopped"))
        self._ignore()
        if sock := self._client.socket():
            self._forget(sock)
            sock.close()
        for pending in self._pending.values():
            if not pending.receipt.done():
                pending.receipt.set_result(Receipt(delivered=False))
        self._pending.clear()

    # Before the event loop has the socket.

    def _fresh_client(self, will: Will | None) -> _Client:
        version = CallbackAPIVersion.VERSION2
        client = _Client(version, self._broker.client_id, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
        client.max_queued_messages_set(MOST_QUEUED)
        client.max_inflight_messages_set(MOST_QUEUED)
        self._of_connect = _properties(PacketTypes.CONNECT)
        if will:
            of_will = _properties(PacketTypes.WILLMESSAGE)
            of_will.WillDelayInterval = self._of_connect.SessionExpiryInterval = will.delay_s
            last = will.message
            client.will_set(last.topic, last.payload, last.qos, last.retain, of_will)
        self._of_connect.MaximumPacketSize = LARGEST_INCOMING
        client.on_log = self._on_log
        client.on_socket_open = _tune
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_publication = self._on_publication
        return client

    def _connect(self) -> None:
        """Read the secrets, resolve, connect, encrypt, send CONNECT. Blocks; runs in a thread of its own."""
        broker, client = self._broker, self._client
        if broker.username is not None:
            client.username_pw_set(broker.username, credentials.password(broker.password_file))
        if broker.encrypted:
            client.tls_set_context(credentials.tls_context(broker))
        client.connect(broker.host, broker.port, broker.keepalive_s, clean_start=True, properties=self._of_connect)
        if self._shut:
            client.disconnect()

    # The event loop reads, writes and ticks.

    def _attend(self) -> None:
        client, loop = self._client, self._loop
        client.on_socket_register_write = lambda _client, _data, sock: loop.add_writer(sock.fileno(), self._write)
        client.on_socket_unregister_write = self._on_written
        client.on_socket_close = lambda _client, _data, sock: self._forget(sock)
        sock = client.socket()
        if sock is None:
            self._ended_in_silence()
            return
        loop.add_reader(sock.fileno(), self._read)
        if client.want_write():
            self._write()

    def _read(self) -> None:
        self._heard_s = self._turn()
        self._guard(self._client.loop_read)
        # TLS may have decrypted more than was taken; the descriptor will not become readable for that.
        while isinstance(sock := self._client.socket(), ssl.SSLSocket) and not self.ended.done() and sock.pending():
            self._guard(self._client.loop_read)

    def _write(self) -> None:
        self._guard(self._client.loop_write)

    def _turn(self) -> float:
        """Return the time, and see whether this process stood still: what waited unread meanwhile comes in now."""
        now_s = time.monotonic()
        if now_s - self._turned_s > STOOD_STILL_S:
            self._late_until_s = now_s + STOOD_STILL_S
        self._turned_s = now_s
        return now_s

    async def _tick(self) -> None:
        silence_s = SILENCE_KEEPALIVES * self._broker.keepalive_s
        while not self.ended.done():
            await asyncio.sleep(min(1.0, silence_s / 50, self._patience_s / 10))
            now_s = self._turn()
            self._guard(self._client.loop_misc)
            oldest = next(iter(self._pending.values()), None)
            if now_s - self._heard_s > silence_s:
                self.end(Loss(reason=f"nothing was heard from the broker for {silence_s:.0f} s; check the network"))
            elif oldest and now_s - oldest.since_s > self._patience_s:
                self.end(Loss(reason="the broker accepts messages but does not acknowledge them; look at its log"))

    def _guard(self, step: Callable[[], object]) -> None:
        """Run one step of paho; whatever goes wrong in it ends this connection and nothing else."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a fault inside paho must not reach the event loop
            self.end(Loss(reason=f"the MQTT library failed ({type(error).__name__}: {error}); please report this"))
        if self._client.socket() is None:
            # After what paho's callbacks noted: their reason is better than this one.
            self._loop.call_soon(self._ended_in_silence)

    def _ended_in_silence(self) -> None:
        if self._answer.done():
            self.end(Loss(reason=reasons.lost(0, self._said), by_broker=True))
        else:
            self.end(Loss(reason=reasons.unanswered(self._said, encrypted=self._broker.encrypted)))

    def _forget(self, sock: object) -> None:
        if isinstance(sock, socket.socket) and sock.fileno() >= 0:
            self._loop.remove_reader(sock.fileno())
            self._loop.remove_writer(sock.fileno())

    def _ignore(self) -> None:
        client = self._client
        client.on_socket_register_write = client.on_socket_unregister_write = client.on_socket_close = None
        client.on_connect = client.on_disconnect = client.on_publish = None
        client.on_subscribe = client.on_publication = client.on_log = None

    # What paho calls, under its own locks: note it, act later.

    def _on_log(self, _client: mqtt.Client, _data: object, level: int, text: str) -> None:
        if level == mqtt.MQTT_LOG_ERR:
            self._said = text.removeprefix("failed to receive on socket: ")

    def _on_written(self, _client: mqtt.Client, _data: object, sock: mqtt.SocketLike) -> None:
        self._loop.remove_writer(sock.fileno())

    def _on_connect(
        self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._loop.call_soon(self._answered, code, properties)

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, flags: mqtt.DisconnectFlags, code: ReasonCode, _properties: object
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            loss = Loss(reason=reasons.lost(code.value, str(code)), code=code.value, by_broker=True)
            self._loop.call_soon(self.end, loss)

    def _on_publish(self, _client: mqtt.Client, _data: object, mid: int, code: ReasonCode, _properties: object) -> None:
        self._loop.call_soon(self._acknowledged, mid, code)

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, mid: int, codes: list[ReasonCode], _properties: object
    ) -> None:
        self._loop.call_soon(self._subscribed, mid, codes)

    def _on_publication(self, found: Publication) -> None:
        with contextlib.suppress(UnicodeDecodeError):
            incoming = Incoming(
                topic=found.topic.decode("utf-8"), payload=found.payload, retained=found.retained,
                response_topic=found.response_topic, correlation=found.correlation,
                late=time.monotonic() < self._late_until_s,
            )  # fmt: skip
            self._loop.call_soon(self._listener.received, incoming)

    # And what is done about it.

    def _answered(self, code: ReasonCode, properties: Properties | None) -> None:
        if code.is_failure:
            self.end(Loss(reason=reasons.refused_connect(code.value, str(code)), code=code.value))
        elif not self._answer.done():
            in_flight = getattr(properties, "ReceiveMaximum", None) or MOST_QUEUED
            packet_bytes = getattr(properties, "MaximumPacketSize", None)
            self._answer.set_result(Limits(in_flight=in_flight, packet_bytes=packet_bytes))

    def _acknowledged(self, mid: int, code: ReasonCode) -> None:
        pending = self._pending.pop(mid, None)
        if pending is None or pending.receipt.done():
            return
        refusal = reasons.refused_publish(code.value, str(code), pending.topic) if code.is_failure else ""
        pending.receipt.set_result(Receipt(delivered=not code.is_failure, code=code.value, refusal=refusal))

    def _subscribed(self, mid: int, codes: list[ReasonCode]) -> None:
        for topic, code in zip(self._asked.pop(mid, []), codes, strict=False):
            if code.is_failure:
                self._listener.unsubscribed(topic, reasons.refused_subscription(str(code), topic))


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call] # paho leaves this one constructor untyped


def _of_publish(message: Message) -> Properties | None:
    if message.correlation is None and message.expiry_s is None and message.response_topic is None:
        return None
    found = _properties(PacketTypes.PUBLISH)
    if message.response_topic is not None:
        found.ResponseTopic = message.response_topic
    if message.correlation is not None:
        found.CorrelationData = message.correlation
    if message.expiry_s is not None:
        found.MessageExpiryInterval = message.expiry_s
    return found


def _options(subscription: Subscription) -> SubscribeOptions:
    """Have the retain flag passed on as it was sent, and nothing of the past where none is wanted."""
    handling = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if subscription.past else SubscribeOptions.RETAIN_DO_NOT_SEND
    return SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=handling)


def _tune(_client: mqtt.Client, _data: object, sock: object) -> None:
    """Send small packets at once, and give up on what the other side does not take within 18 s."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)


async def _in_daemon_thread(work: Callable[[], None]) -> None:
    """Do blocking work in a thread that does not hold up the end of the program; raise what it raised."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if not done.done():
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as raised:  # noqa: BLE001 - carried over to the loop, whatever it is
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=run, name="mqtt-connect", daemon=True).start()
    await done
