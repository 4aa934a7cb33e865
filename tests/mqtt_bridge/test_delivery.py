"""Delivery without a broker: a publisher that the story scripts, and a real journal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from gate.journal import boot_id
from mqtt_bridge import reasons
from mqtt_bridge.delivery import Delivery, Pace
from mqtt_bridge.outbox import Outbox
from mqtt_bridge.port import Limits, Loss, Receipt
from mqtt_bridge.topics import Ack, Message
from tests.mqtt_bridge.conftest import Writer

QUICK = Pace(poll_s=0.05, save_every_s=0.0, refusal_pause_s=0.05, subscriber_grace_s=0.2, subscriber_pause_s=0.02)
ROOMY = Limits(in_flight=100, packet_bytes=None)
YES = Receipt(delivered=True)


class Scripted:
    """A publisher: what was published, and a receipt for each that the story gives or withholds."""

    def __init__(self) -> None:
        self.connected = True
        self.sent: list[tuple[Message, asyncio.Future[Receipt]]] = []
        self.answers: Callable[[Message], Receipt | None] = lambda _message: YES

    def publish(self, message: Message) -> asyncio.Future[Receipt] | None:
        """Take it, and answer as scripted."""
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self.sent.append((message, receipt))
        if answer := self.answers(message):
            receipt.set_result(answer)
        return receipt

    @property
    def seqs(self) -> list[list[int]]:
        """Return the first and last row of each message."""
        rows = [json.loads(message.payload) for message, _ in self.sent]
        return [[batch[0]["seq"], batch[-1]["seq"]] for batch in rows]


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until it is so."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a story asks from outside; nobody would set an event
            await asyncio.sleep(0.005)


def tell(
    state_dir: Path, story: Callable[[Delivery, Scripted], Awaitable[None]], *, ack: bool = False, pace: Pace = QUICK
) -> None:
    """Run a delivery while a story is told."""

    async def main() -> None:
        link = Scripted()
        outbox = Outbox(state_dir / "outbox.db", state_dir / "journal.db", boot=boot_id())
        delivery = Delivery(outbox, link, gate_id="sim", require_ack=ack, pace=pace)
        delivery.link_came(ROOMY)
        running = asyncio.create_task(delivery.run())
        try:
            await story(delivery, link)
        finally:
            running.cancel()
            await asyncio.wait([running])
            await delivery.close()

    asyncio.run(main())


def test_the_first_batch_of_a_connection_travels_alone(state_dir: Path, journal: Writer) -> None:
    """docs/topics.md: the broker's first answer says whether anybody listens."""
    journal.write(1500)

    async def story(delivery: Delivery, link: Scripted) -> None:
        link.answers = lambda _message: None
        await until(lambda: len(link.sent) == 1)
        await asyncio.sleep(0.1)
        assert len(link.sent) == 1
        link.answers = lambda _message: YES if len(link.sent) <= 20 else None
        link.sent[0][1].set_result(YES)
        await until(lambda: len(link.sent) == 20 + QUICK.batches_in_flight)
        await asyncio.sleep(0.1)
        assert len(link.sent) == 20 + QUICK.batches_in_flight, "bounded in flight"
        assert delivery.upto == link.seqs[19][1]

    tell(state_dir, story, pace=replace(QUICK, bytes_in_flight=10**9))


def test_acknowledgements_out_of_order_never_skip_a_row(state_dir: Path, journal: Writer) -> None:
    """A row counts only when all before it do."""
    journal.write(250)

    async def story(delivery: Delivery, link: Scripted) -> None:
        link.answers = lambda _message: None if len(link.sent) > 2 else YES
        await until(lambda: len(link.sent) == 5)
        link.sent[4][1].set_result(YES)
        link.sent[3][1].set_result(YES)
        await asyncio.sleep(0.05)
        assert delivery.upto == link.seqs[1][1]
        link.sent[2][1].set_result(YES)
        await until(lambda: delivery.upto == link.seqs[4][1])

    tell(state_dir, story)


def test_a_lost_connection_takes_back_what_was_not_acknowledged(state_dir: Path, journal: Writer) -> None:
    """At least once, in order; and what the broker had acknowledged just before, as it may have died with it."""
    journal.write(200)

    async def story(delivery: Delivery, link: Scripted) -> None:
        link.answers = lambda _message: None if len(link.sent) > 2 else YES
        await until(lambda: len(link.sent) == 4)
        link.connected = False
        delivery.link_went(Loss(reason="cable"))
        link.answers = lambda _message: YES
        link.connected = True
        delivery.link_came(ROOMY)
        await until(lambda: delivery.upto == 200)
        await until(lambda: link.seqs[4:] == [[1, 50], [51, 100], [101, 150], [151, 200]])

    tell(state_dir, story)


def test_nobody_listening_yet_is_waited_for_a_while(state_dir: Path, journal: Writer) -> None:
    """docs/topics.md: after a restart of the broker the gate may be back before the receiver is."""
    journal.write(60)
    nobody = Receipt(delivered=True, code=reasons.NO_SUBSCRIBERS)

    async def story(delivery: Delivery, link: Scripted) -> None:
        link.answers = lambda _message: nobody
        await until(lambda: len(link.sent) >= 3)
        assert delivery.upto == 0
        await until(lambda: delivery.upto == 60)
        assert link.seqs[-2:] == [[1, 50], [51, 60]], "in the end PUBACK counts, as the contract says"

    tell(state_dir, story, pace=replace(QUICK, subscriber_grace_s=3.0))


def test_a_refusal_is_told_and_tried_again(state_dir: Path, journal: Writer) -> None:
    """The reason is cleared by the first delivery."""
    journal.write(3)

    async def story(delivery: Delivery, link: Scripted) -> None:
        link.answers = lambda _message: Receipt(delivered=False, code=0x97, refusal="the quota")
        await until(lambda: delivery.trouble == "the quota")
        link.answers = lambda _message: YES
        await until(lambda: delivery.upto == 3 and not delivery.trouble)

    tell(state_dir, story)


def test_a_broker_that_hangs_up_on_large_messages_gets_smaller_ones(state_dir: Path, journal: Writer) -> None:
    """Mosquitto's message_size_limit closes the connection without a word."""
    journal.write(50, size=800)

    async def story(delivery: Delivery, link: Scripted) -> None:
        link.answers = lambda message: YES if len(message.payload) < 20_000 else None
        while delivery.upto < 50:
            seen = len(link.sent)
            await until(lambda seen=seen: len(link.sent) > seen or delivery.upto == 50)  # type: ignore[misc] # bound now
            if any(not receipt.done() for _, receipt in link.sent[-1:]):
                delivery.link_went(Loss(reason="closed", by_broker=True))
                delivery.link_came(ROOMY)
        assert len(link.sent) < 20

    tell(state_dir, story)


def test_an_impatient_line_never_costs_a_row_its_data(state_dir: Path, journal: Writer) -> None:
    """Only a broker that hangs up itself says something about sizes; our own patience does not."""
    journal.write(1, size=30_000)

    async def story(delivery: Delivery, link: Scripted) -> None:
        link.answers = lambda _message: None
        for n in range(30):
            await until(lambda n=n: len(link.sent) == n + 1)  # type: ignore[misc] # bound now
            delivery.link_went(Loss(reason="no acknowledgement"))
            delivery.link_came(ROOMY)
        link.answers = lambda _message: YES
        await until(lambda: delivery.upto == 1)
        assert b"omitted" not in link.sent[-1][0].payload

    tell(state_dir, story)


def test_a_row_that_a_broker_refuses_as_too_large_goes_as_its_outline(state_dir: Path, journal: Writer) -> None:
    """docs/topics.md, omitted."""
    journal.write(1)
    journal.write(1, size=100_000)
    journal.write(1)
    refusal = Receipt(delivered=False, code=reasons.PACKET_TOO_LARGE, refusal="too large")

    async def story(delivery: Delivery, link: Scripted) -> None:
        link.answers = lambda message: YES if len(message.payload) <= 65_536 else refusal
        await until(lambda: delivery.upto == 3)
        taken = [json.loads(message.payload) for message, receipt in link.sent if receipt.result().delivered]
        assert [row.get("omitted") for rows in taken for row in rows if row["seq"] == 2] == ["too_large"]

    tell(state_dir, story)


def test_a_receivers_word_never_counts_for_what_was_not_sent(state_dir: Path, journal: Writer) -> None:
    """A stranger's upto is clamped; a gap is sent again once, not for each time it is told."""
    journal.write(100)

    async def story(delivery: Delivery, link: Scripted) -> None:
        await until(lambda: len(link.sent) == 2)
        delivery.acknowledged(Ack(upto=10_000, missing=()))
        await until(lambda: delivery.upto == 100)
        for _ in range(20):
            delivery.acknowledged(Ack(upto=100, missing=((60, 60),)))
            await asyncio.sleep(0.01)
        assert link.seqs[2:] == [[60, 100]]
        assert delivery.upto == 59
        delivery.acknowledged(Ack(upto=100, missing=()))
        await until(lambda: delivery.upto == 100)

    tell(state_dir, story, ack=True)


def test_a_receiver_that_always_misses_the_same_row_does_not_keep_the_line(state_dir: Path, journal: Writer) -> None:
    """A confused receiver costs a few repetitions, not the line: the pauses double."""
    journal.write(10)

    async def story(delivery: Delivery, link: Scripted) -> None:
        await until(lambda: len(link.sent) == 1)
        for _ in range(50):
            delivery.acknowledged(Ack(upto=10, missing=((3, 3),)))
            await asyncio.sleep(0.02)
        assert 2 <= len(link.sent) <= 8

    tell(state_dir, story, ack=True, pace=replace(QUICK, repair_pause_s=(0.02, 10.0)))


def test_a_journal_that_comes_late_is_no_lasting_trouble(state_dir: Path) -> None:
    """The bridge may be up before gate has made its journal; then health is good again without any fact."""

    async def story(delivery: Delivery, link: Scripted) -> None:
        await until(lambda: "there is no journal at" in delivery.trouble)
        late = Writer(state_dir / "journal.db")
        await until(lambda: not delivery.trouble)
        late.write(1)
        await until(lambda: delivery.upto == 1)
        late.close()

    tell(state_dir, story)


def test_rows_that_fit_keep_their_data_beside_a_broker_of_small_packets(state_dir: Path, journal: Writer) -> None:
    """Smaller batches must not cost a row its data: only a row that is refused by itself is cut."""
    journal.write(50, size=300)
    journal.write(1, size=15_000)

    async def story(delivery: Delivery, link: Scripted) -> None:
        too_large = Receipt(delivered=False, code=reasons.PACKET_TOO_LARGE, refusal="too large")
        link.answers = lambda message: YES if len(message.payload) <= 16_000 else too_large
        await until(lambda: delivery.upto == 51)
        assert not [message for message, _ in link.sent if b"omitted" in message.payload]

    tell(state_dir, story)


def test_what_a_silent_receiver_got_is_sent_again_with_growing_patience(state_dir: Path, journal: Writer) -> None:
    """docs/topics.md: unconfirmed rows are sent again, after growing pauses."""
    journal.write(1)

    async def story(delivery: Delivery, link: Scripted) -> None:
        await until(lambda: len(link.sent) == 4)
        assert delivery.trouble.startswith("no receiver confirms")
        delivery.acknowledged(Ack(upto=1, missing=()))
        await until(lambda: delivery.upto == 1 and not delivery.trouble)

    tell(state_dir, story, ack=True, pace=replace(QUICK, receiver_timeout_s=0.1, poll_s=0.02))


def test_a_disk_that_is_full_does_not_stop_delivery(state_dir: Path, journal: Writer) -> None:
    """The mark can't be written: a restart would repeat rows; until then all goes on, and health says so."""
    journal.write(60)

    async def story(delivery: Delivery, link: Scripted) -> None:
        await until(lambda: delivery.upto == 60)
        blocked = sqlite3.connect(state_dir / "outbox.db", isolation_level=None)
        blocked.execute("BEGIN IMMEDIATE")
        journal.write(60)
        delivery.wake()
        await until(lambda: delivery.upto == 120 and "outbox.db can't be written" in delivery.trouble)
        blocked.execute("ROLLBACK")
        blocked.close()
        await until(lambda: not delivery.trouble)

    tell(state_dir, story, pace=replace(QUICK, recall_s=0.0))  # the mark follows at once


def marked(state_dir: Path) -> int:
    """Return where a bridge that starts now goes on: after this row."""
    with contextlib.closing(sqlite3.connect(state_dir / "outbox.db")) as db:
        return int(db.execute("SELECT coalesce(max(seq), 0) FROM mark").fetchone()[0])


def test_a_mark_stays_behind_what_a_dying_broker_may_take_with_it(state_dir: Path, journal: Writer) -> None:
    """Acknowledged a moment ago: a bridge that dies beside its broker sends it again. A quiet while later it counts."""
    journal.write(60)

    async def story(delivery: Delivery, link: Scripted) -> None:
        await until(lambda: delivery.upto == 60)
        assert marked(state_dir) == 0
        await until(lambda: marked(state_dir) == 60)
        journal.write(40)
        delivery.wake()
        await until(lambda: delivery.upto == 100)
        link.connected = False
        delivery.link_went(Loss(reason="the broker was killed", by_broker=True))
        await asyncio.sleep(0.5)  # longer than it would have taken on a connection that lasts
        assert marked(state_dir) == 60
        link.answers, sent = lambda _message: None, len(link.sent)
        link.connected = True
        delivery.link_came(ROOMY)
        await until(lambda: link.seqs[sent:] == [[61, 100]])
        assert marked(state_dir) == 60, "the next broker has not acknowledged it yet"
        link.sent[-1][1].set_result(YES)
        await until(lambda: marked(state_dir) == 100)

    tell(state_dir, story, pace=replace(QUICK, recall_s=0.3))


def test_the_mark_is_not_written_for_each_fact_but_in_the_end(state_dir: Path, journal: Writer) -> None:
    """A steady drip of facts must not cost a write to the card each; what was not written only comes again."""

    async def story(delivery: Delivery, link: Scripted) -> None:
        for seq in range(1, 6):
            journal.write(1)
            delivery.wake()
            await until(lambda seq=seq: delivery.upto == seq)  # type: ignore[misc] # bound now
        assert marked(state_dir) <= 1

    tell(state_dir, story, pace=replace(QUICK, recall_s=0.0, save_every_s=60.0))
    assert marked(state_dir) == 5


def test_a_receiver_that_confirms_lets_the_mark_follow_at_once(state_dir: Path, journal: Writer) -> None:
    """With `require_ack` nothing is recalled: what the receiver keeps, it keeps."""
    journal.write(60)

    async def story(delivery: Delivery, link: Scripted) -> None:
        await until(lambda: bool(link.sent) and link.seqs[-1] == [51, 60])
        delivery.acknowledged(Ack(upto=60, missing=()))
        await until(lambda: marked(state_dir) == 60)

    tell(state_dir, story, ack=True)
