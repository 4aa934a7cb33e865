"""Deliver the journal: read after the last row sent, publish, wait for the acknowledgement, write the mark.

One loop, one ritual: take what was acknowledged, look at what took too long, send what there is room for, write the
mark, then sleep until something stirs. All state is in the loop's task; files are touched in one thread beside it.

- A row counts as delivered at PUBACK; with `require_ack`, at a `facts/ack` of the receiver that covers it.
- A broker that dies takes with it what it acknowledged and had not passed on yet. So, where PUBACK counts, the last few
  messages before a connection ended are sent once more on the next one; and the mark stays behind them, so that a
  bridge that dies beside its broker knows of them still.
- The first batch of a connection travels alone. Where the broker says that nobody is subscribed to it, it is sent again
  for a while: after a broker's restart this gate may be back before the receiver is.
- Bounded in flight, in messages and in bytes, and history at a rate (`flow.py`), so that `status` gets through.
- Whatever goes wrong (connection lost, refused, no acknowledgement, rows missing at the receiver), the answer is the
  same: go back to what is proven delivered and send again in order. Receivers drop what they have, by id.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from mqtt_bridge import reasons, topics
from mqtt_bridge.appetite import Appetite
from mqtt_bridge.flow import Flow
from mqtt_bridge.gaps import Gaps
from mqtt_bridge.marks import START, OutboxError, Position
from mqtt_bridge.outbox import Batch, Moved, Outbox
from mqtt_bridge.port import Limits, Loss, Publisher, Receipt
from mqtt_bridge.recall import Recall
from mqtt_bridge.reports import Sentences
from mqtt_bridge.topics import Ack

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How patient delivery is; seconds, messages and bytes."""

    batches_in_flight: int = 8
    bytes_in_flight: int = 128 * 1024
    history_per_s: int = 4000
    batches_unconfirmed: int = 40
    poll_s: float = 2.0
    save_every_s: float = 1.0
    receiver_timeout_s: float = 20.0
    longest_receiver_timeout_s: float = 300.0
    refusal_pause_s: float = 30.0
    subscriber_grace_s: float = 15.0
    subscriber_pause_s: float = 0.5
    repair_pause_s: tuple[float, float] = (5.0, 3600.0)
    batches_recalled: int = 40
    recall_s: float = 10.0


@dataclass(kw_only=True)
class _Sent:
    """A batch on its way, which follows `after`. `taken_s`: when the broker acknowledged it."""

    after: Position
    batch: Batch
    receipt: asyncio.Future[Receipt]
    sent_s: float
    taken_s: float | None = None


class Delivery:
    """The sender of `facts`. `upto` is delivered and `last_seq` is the journal's newest row, as far as known."""

    def __init__(self, outbox: Outbox, link: Publisher, *, gate_id: str, require_ack: bool, pace: Pace) -> None:
        self._outbox = outbox
        self._link = link
        self._gate_id = gate_id
        self._require_ack = require_ack
        self._pace = pace
        self._files = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox")
        self._stir = asyncio.Event()
        self._flight: deque[_Sent] = deque()
        self._recall = Recall[Position](most=pace.batches_recalled, window_s=pace.recall_s)
        self._sent_to: Position | None = None
        self._proven = START
        self._saved: Position | None = None
        self._saved_s = 0.0
        self._window = pace.batches_in_flight
        self._flow = Flow(history_per_s=pace.history_per_s, most_bytes=pace.bytes_in_flight)
        self._appetite = Appetite()
        self._paused_until_s = 0.0
        self._probing = True
        self._came_s = 0.0
        self._confirmed_seq = 0
        self._highest_seq = 0
        self._receiver_timeout_s = pace.receiver_timeout_s
        shortest_s, longest_s = pace.repair_pause_s
        self._gaps = Gaps(shortest_s=shortest_s, longest_s=longest_s)
        self._complaint = ""
        self._journal_complaint = ""
        self._disk_complaint = ""
        self._sentences = Sentences()
        self.last_seq = 0

    @property
    def upto(self) -> int:
        """Return the last row that counts as delivered."""
        return self._proven.seq

    @property
    def trouble(self) -> str:
        """Say what is in the way of delivery, empty where nothing is."""
        return self._complaint or self._journal_complaint or self._disk_complaint

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._stir.clear()
            try:
                await self._turn()
                self._journal_complaint = ""
            except OutboxError as error:
                self._journal_complaint = str(error)
                self._log(self._journal_complaint)
                self._stir.clear()
            now_s = time.monotonic()
            pause_s = max(self._paused_until_s - now_s, self._flow.pause_s(now_s))
            try:
                async with asyncio.timeout(min(self._pace.poll_s, pause_s) if pause_s > 0 else self._pace.poll_s):
                    await self._stir.wait()
            except TimeoutError:
                pass  # facts may have come while gate's socket was away: look without being called

    async def close(self) -> None:
        """Write the mark and close the files. Call it after `run` was cancelled."""
        self._collect()
        self._flight.clear()
        await self._save(at_once=True)
        await self._in_files(self._outbox.close)
        self._files.shutdown(wait=False)

    def wake(self, seq: int = 0) -> None:
        """Look at the journal now: a row with this number is in it."""
        self.last_seq = max(self.last_seq, seq)
        self._stir.set()

    def link_came(self, limits: Limits) -> None:
        """Begin anew on a fresh connection, within what the broker takes."""
        self._window = max(1, min(self._pace.batches_in_flight, limits.in_flight - 2))
        self._appetite.announced(limits.packet_bytes)
        self._paused_until_s, self._probing, self._came_s = 0.0, True, time.monotonic()
        self._flow.began()
        self._go_back_to(self._recall.begin(self._proven))

    def link_went(self, loss: Loss) -> None:
        """Take back what was in flight, and learn from a broker that hangs up on a message."""
        self._collect()
        self._recall.lost(self._proven, now_s=time.monotonic())
        in_flight = [sent.batch for sent in self._flight if sent.taken_s is None]
        if loss.code == reasons.PACKET_TOO_LARGE and in_flight:
            self._appetite.was_too_large(max(in_flight, key=lambda batch: len(batch.payload)))
        elif loss.by_broker and len(in_flight) == 1:
            self._appetite.was_hung_up_on(in_flight[0])
        self._go_back_to(self._proven)

    def acknowledged(self, ack: Ack) -> None:
        """Take a `facts/ack`: rows up to its first gap count as delivered, and a gap is sent again."""
        first_gap = min(ack.missing, default=(ack.upto + 1, 0))
        self._confirmed_seq = max(self._confirmed_seq, min(ack.upto, first_gap[0] - 1, self._highest_seq))
        if ack.missing and first_gap[0] <= self._highest_seq:
            self._gaps.reported(*first_gap)
        self._stir.set()

    # One turn.

    async def _turn(self) -> None:
        if self._sent_to is None:
            await self._in_files(self._outbox.open)
            self._proven = self._saved = self._sent_to = await self._in_files(self._outbox.locate)
            self._confirmed_seq = self._highest_seq = self._proven.seq
            log.info("delivering facts after row %d", self._proven.seq)
        self._collect()
        await self._repair()
        self._look_for_silence()
        self.last_seq = await self._in_files(self._outbox.last_seq)
        await self._send()
        await self._save()

    def _collect(self) -> None:
        """Take note of acknowledgements, and move what is delivered from flight to `upto`."""
        for sent in self._flight:
            if sent.taken_s is None and sent.receipt.done():
                receipt = sent.receipt.result()
                if receipt.refusal or self._nobody_is_there_yet(receipt):
                    self._refused(sent, receipt)
                    return
                if receipt.delivered:
                    sent.taken_s, self._probing = time.monotonic(), False
                    self._flow.acknowledged(len(sent.batch.payload), sent_s=sent.sent_s, now_s=sent.taken_s)
        while self._flight and self._is_delivered(self._flight[0]):
            sent = self._flight.popleft()
            if sent.taken_s and not self._require_ack:
                self._recall.taken(sent.after, at_s=sent.taken_s)
            if sent.batch.last.seq > self._proven.seq:
                self._proven = sent.batch.last
            self._receiver_timeout_s = self._pace.receiver_timeout_s
            self._appetite.was_taken()
            self._complain("")

    def _nobody_is_there_yet(self, receipt: Receipt) -> bool:
        young = time.monotonic() - self._came_s < self._pace.subscriber_grace_s
        return self._probing and young and receipt.code == reasons.NO_SUBSCRIBERS

    def _is_delivered(self, sent: _Sent) -> bool:
        if self._require_ack:
            return sent.batch.last.seq <= self._confirmed_seq
        return sent.taken_s is not None

    def _look_for_silence(self) -> None:
        """Find a receiver that confirms nothing; the link itself notices a broker that acknowledges nothing."""
        head = self._flight[0] if self._flight else None
        if head and head.taken_s and time.monotonic() - head.taken_s > self._receiver_timeout_s:
            self._complain("no receiver confirms on facts/ack; start it, or set mqtt.require_ack = false")
            self._receiver_timeout_s = min(self._receiver_timeout_s * 2, self._pace.longest_receiver_timeout_s)
            self._go_back_to(self._proven)

    async def _send(self) -> None:
        while self._has_room():
            position = self._sent_to or START
            now_ms = time.monotonic_ns() // 1_000_000
            sizes = self._appetite.sizes(self._flow.batch_bytes)
            found = await self._in_files(partial(self._outbox.after, position, sizes, now_mono_ms=now_ms))
            if self._sent_to != position:
                continue  # the connection went, or a gap was reported, while the files were read
            match found:
                case None:
                    return
                case Moved():
                    self._recall.forget()
                    self._proven = self._saved = found.to
                    self._confirmed_seq = self._highest_seq = found.to.seq
                    self._go_back_to(found.to)
                case Batch():
                    if not self._publish(found):
                        return

    def _has_room(self) -> bool:
        now_s = time.monotonic()
        if not self._link.connected or now_s < self._paused_until_s or self._flow.pause_s(now_s):
            return False
        in_flight = [sent.batch for sent in self._flight if sent.taken_s is None]
        return (
            len(in_flight) < (1 if self._probing else self._window)
            and self._flow.has_room(sum(len(batch.payload) for batch in in_flight))
            and len(self._flight) < self._pace.batches_unconfirmed
            and not any(batch.alone for batch in in_flight)
        )

    def _publish(self, batch: Batch) -> bool:
        if batch.alone and any(sent.taken_s is None for sent in self._flight):
            return False  # what a broker may choke on travels alone
        receipt = self._link.publish(topics.message(self._gate_id, topics.FACTS, batch.payload))
        if receipt is None:
            return False
        receipt.add_done_callback(lambda _: self._stir.set())
        self._flight.append(_Sent(after=self._sent_to or START, batch=batch, receipt=receipt, sent_s=time.monotonic()))
        self._flow.sent(batch.history, time.monotonic())
        self._sent_to = batch.last
        self._highest_seq = max(self._highest_seq, batch.last.seq)
        return True

    async def _save(self, *, at_once: bool = False) -> None:
        """Write the mark where it moved; not for each fact, because a card wears out by that."""
        due = at_once or time.monotonic() - self._saved_s >= self._pace.save_every_s
        lasting = self._lasting()
        if due and self._saved is not None and lasting != self._saved:
            self._saved_s = time.monotonic()
            try:
                await self._in_files(partial(self._outbox.settle, lasting))
            except OutboxError as error:
                self._disk_complaint = str(error)  # delivery goes on; a restart would send some rows again
                self._log(self._disk_complaint)
            else:
                self._saved, self._disk_complaint = lasting, ""

    def _lasting(self) -> Position:
        """Return what is delivered even if broker and bridge die at this moment: where a restart may go on."""
        if self._require_ack:
            return self._proven
        head = self._flight[0].after if self._flight else self._sent_to or self._proven
        lasting = self._recall.lasting(self._proven, connected=self._link.connected, now_s=time.monotonic())
        return min(head, lasting, key=lambda position: position.seq)

    # Going back.

    def _go_back_to(self, position: Position) -> None:
        self._flight.clear()
        if self._sent_to is not None:
            self._sent_to = position
        self._stir.set()

    def _refused(self, sent: _Sent, receipt: Receipt) -> None:
        if receipt.code == reasons.NO_SUBSCRIBERS:
            self._paused_until_s = time.monotonic() + self._pace.subscriber_pause_s
        elif receipt.code == reasons.PACKET_TOO_LARGE:
            self._appetite.was_too_large(sent.batch)
        else:
            self._complain(receipt.refusal)
            self._paused_until_s = time.monotonic() + self._pace.refusal_pause_s
        self._go_back_to(self._flight[0].after)

    async def _repair(self) -> None:
        """Go back to a gap that the receiver reported."""
        gap = self._gaps.next(now_s=time.monotonic())
        if gap is None:
            return
        first, last = gap
        log.info("the receiver misses rows %d to %d; sending again from there", first, last)
        if first <= self._proven.seq:
            self._proven = await self._in_files(partial(self._outbox.position_of, first - 1))
        self._confirmed_seq = min(self._confirmed_seq, first - 1)
        self._go_back_to(self._proven)

    def _complain(self, trouble: str) -> None:
        self._complaint = trouble
        if trouble:
            self._log(trouble)

    def _log(self, trouble: str) -> None:
        if self._sentences.is_news(trouble, now_s=time.monotonic()):
            log.warning("%s", trouble)

    async def _in_files(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._files, work)
