"""Answers to commands on their way to the broker: in order, a few at a time, never more than a bounded number waiting.

They share the connection with `status` and facts and must starve neither, nor be starved by a flood of refusals: what
is refused waits in a queue of its own, behind what was obeyed. Whoever asked has a deadline of seconds, so an answer
that could not leave for `STALE_S` is dropped; what became of the command stands in the facts.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from gate.model import JsonObject
from mqtt_bridge import topics
from mqtt_bridge.port import Incoming, Publisher, Receipt
from mqtt_bridge.topics import Message

MOST_WAITING = 256
MOST_IN_FLIGHT = 16
STALE_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """Where an answer goes, and what goes back with it."""

    topic: str
    correlation: bytes | None = None


def reply_to(message: Incoming, gate_id: str, requester: str, home: str = "homeassistant") -> Reply:
    """Return where the answer to that message goes; see `topics.response_address`."""
    correlation = message.correlation
    if correlation is not None and len(correlation) > topics.LONGEST_CORRELATION:
        correlation = None
    topic = topics.response_address(gate_id, message.response_topic, requester, home)
    return Reply(topic=topic, correlation=correlation)


class _Waiting(NamedTuple):
    message: Message
    since_s: float


class Answers:
    """The queue of answers. `left_out` counts those that never left; `trouble` is the broker's refusal of them."""

    def __init__(self, link: Publisher, gate_id: str) -> None:
        self._link = link
        self._own = f"{topics.PREFIX}/{gate_id}/"
        self._first: deque[_Waiting] = deque()
        self._second: deque[_Waiting] = deque()
        self._in_flight = 0
        self.left_out = 0
        self.trouble = ""

    def give(self, reply: Reply, answer: JsonObject, *, urgent: bool) -> None:
        """Have an answer published; `urgent` ones go before the others."""
        queue = self._first if urgent else self._second
        if len(queue) >= MOST_WAITING:
            queue.popleft()
            self.left_out += 1
        message = Message(
            topic=reply.topic, payload=topics.encode(answer), qos=topics.RSP.qos, retain=topics.RSP.retain,
            correlation=reply.correlation,
        )  # fmt: skip
        queue.append(_Waiting(message, time.monotonic()))
        self.pump()

    def pump(self) -> None:
        """Send what can be sent now. Call it when a connection came, too."""
        for queue in (self._first, self._second):
            while queue and self._in_flight < MOST_IN_FLIGHT:
                if time.monotonic() - queue[0].since_s > STALE_S:
                    queue.popleft()
                    self.left_out += 1
                    continue
                receipt = self._link.publish(queue[0].message)
                if receipt is None:
                    return
                self._in_flight += 1
                receipt.add_done_callback(partial(self._left, queue, queue.popleft()))

    def _left(self, queue: deque[_Waiting], sent: _Waiting, receipt: asyncio.Future[Receipt]) -> None:
        """Take note of what became of an answer; one that was lost with its connection waits for the next."""
        self._in_flight -= 1
        result = Receipt(delivered=False) if receipt.cancelled() else receipt.result()
        if sent.message.topic.startswith(self._own):  # a topic of the sender's choice may be forbidden: his affair
            self.trouble = result.refusal
        if not result.delivered and not result.refusal:
            in_order = sorted([sent, *queue], key=lambda waiting: waiting.since_s)
            queue.clear()
            queue.extend(in_order)
        self.pump()
