"""Where delivery goes on, and what comes next. Real journals, real files, no broker."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
from pathlib import Path

import pytest

from gate.journal import Journal, boot_id
from gate.model import JsonObject, Kind
from mqtt_bridge.marks import START, OutboxError, Position
from mqtt_bridge.outbox import ATTEMPTS_AT_A_ROW, Batch, Moved, Outbox
from mqtt_bridge.topics import LARGEST_BATCH_BYTES, Sizes
from tests.mqtt_bridge.conftest import Writer

SIZES = Sizes(batch=LARGEST_BATCH_BYTES, fact=1024 * 1024)


class Reader:
    """An outbox over a folder, read as delivery reads it."""

    def __init__(self, folder: Path) -> None:
        self.outbox = Outbox(folder / "outbox.db", folder / "journal.db", boot=boot_id())
        self.outbox.open()

    def after(self, position: Position, sizes: Sizes = SIZES) -> Batch | Moved | None:
        """Read once."""
        return self.outbox.after(position, sizes, now_mono_ms=0)

    def all_after(self, position: Position, sizes: Sizes = SIZES) -> list[Batch]:
        """Read to the end."""
        batches: list[Batch] = []
        while isinstance(batch := self.after(position, sizes), Batch):
            batches.append(batch)
            position = batch.last
        assert batch is None
        return batches


def rows(*batches: Batch) -> list[JsonObject]:
    """Decode what would be published."""
    return [row for batch in batches for row in json.loads(batch.payload)]


def meddle(folder: Path, *statements: str) -> None:
    """Change the journal file as nobody may: without its triggers."""
    db = sqlite3.connect(folder / "journal.db", isolation_level=None)
    for trigger in ("fact_is_never_updated", "fact_is_never_deleted"):
        db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    for statement in statements:
        db.execute(statement)
    db.close()


def test_rows_leave_in_order_fifty_at_a_time(state_dir: Path, journal: Writer) -> None:
    """Contracts: facts ≤ 50 and ≤ 64 KiB, in order of seq."""
    ids = journal.write(120)
    batches = Reader(state_dir).all_after(START)
    assert [len(rows(batch)) for batch in batches] == [50, 50, 20]
    assert [row["id"] for row in rows(*batches)] == ids


def test_large_rows_make_small_batches(state_dir: Path, journal: Writer) -> None:
    """Contracts: ≤ 64 KiB."""
    ids = journal.write(20, size=10_000)
    batches = Reader(state_dir).all_after(START)
    assert all(len(batch.payload) <= LARGEST_BATCH_BYTES for batch in batches)
    assert [row["id"] for row in rows(*batches)] == ids


def test_a_row_above_64_kib_travels_alone(state_dir: Path, journal: Writer) -> None:
    """Brief: a fact larger than 64 KiB alone is sent alone if the broker allows."""
    journal.write(2)
    (large,) = journal.write(1, size=100_000)
    journal.write(2)
    batches = Reader(state_dir).all_after(START)
    assert [batch.alone for batch in batches] == [False, True, False]
    assert [row["id"] for row in rows(batches[1])] == [large]


def test_a_row_that_the_broker_does_not_take_is_replaced_by_its_outline(state_dir: Path, journal: Writer) -> None:
    """docs/topics.md: never a silent gap."""
    journal.write(1)
    (large,) = journal.write(1, size=100_000)
    found = rows(*Reader(state_dir).all_after(START, Sizes(batch=50_000, fact=50_000)))
    assert [row["seq"] for row in found] == [1, 2]
    assert (found[1]["id"], found[1]["omitted"], found[1]["data"]) == (large, "too_large", {})
    assert int(str(found[1]["bytes"])) > 100_000


def test_a_new_process_goes_on_after_the_last_mark(state_dir: Path, journal: Writer) -> None:
    """contracts.md, storage: how far the broker has got (outbox.db)."""
    journal.write(60)
    first = Reader(state_dir)
    batch = first.all_after(START)[0]
    first.outbox.settle(batch.last)
    first.outbox.close()
    again = Reader(state_dir)
    assert again.outbox.locate() == batch.last
    assert [row["seq"] for row in rows(*again.all_after(batch.last))] == list(range(51, 61))


def test_another_journal_is_delivered_from_its_first_row(
    state_dir: Path, journal: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    """Brief: a journal that was replaced is noticed: start again from 0 of the new journal and log it."""
    journal.write(80)
    reader = Reader(state_dir)
    last = reader.all_after(START)[-1].last
    reader.outbox.settle(last)
    journal.close()
    for path in state_dir.glob("journal.db*"):
        path.rename(path.with_name(f"old-{path.name}"))
    replaced = Writer(state_dir / "journal.db")
    ids = replaced.write(3)
    with caplog.at_level(logging.WARNING):
        moved = reader.after(last)
    assert moved == Moved(to=START)
    assert "no longer holds row 80" in caplog.text
    assert [row["id"] for row in rows(*reader.all_after(START))] == ids
    reader.outbox.close()
    assert Reader(state_dir).outbox.locate() == START, "and after a restart too"
    replaced.close()


def test_a_journal_that_lost_its_end_goes_on_from_what_is_shared(state_dir: Path, journal: Writer) -> None:
    """A power cut can take rows that were read already; their numbers are then used again for other rows."""
    journal.write(120)
    reader = Reader(state_dir)
    first, second, third = reader.all_after(START)
    for batch in (first, second, third):
        reader.outbox.settle(batch.last)
    journal.close()
    meddle(state_dir, "DELETE FROM fact WHERE seq > 110")
    rebooted = Writer(state_dir / "journal.db")
    ids = rebooted.write(20)
    assert reader.after(third.last) == Moved(to=second.last)
    assert [row["id"] for row in rows(*reader.all_after(second.last))][10:] == ids
    rebooted.close()


def test_a_row_that_cannot_be_read_does_not_hold_up_the_rest(state_dir: Path, journal: Writer) -> None:
    """Issue 2: a journal with a broken row: nothing (else) lost. It is given up only after several attempts."""
    journal.write(10)
    meddle(state_dir, "UPDATE fact SET data = '{not json' WHERE seq = 5")
    reader = Reader(state_dir)
    before = reader.after(START)
    assert isinstance(before, Batch)
    assert [row["seq"] for row in rows(before)] == [1, 2, 3, 4]
    for _ in range(ATTEMPTS_AT_A_ROW - 1):
        with pytest.raises(OutboxError, match="antt-gate verify"):
            reader.after(before.last)
    rest = reader.all_after(before.last)
    assert rows(rest[0]) == [{"seq": 5, "hist": True, "omitted": "unreadable"}]
    assert [row["seq"] for row in rows(*rest[1:])] == [6, 7, 8, 9, 10]


def test_a_broken_chain_is_delivered_as_it_is_and_reported(
    state_dir: Path, journal: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that somebody changed is evidence too; the receiver sees the same break."""
    journal.write(60)
    reader = Reader(state_dir)
    first = reader.after(START)
    assert isinstance(first, Batch)
    meddle(state_dir, "UPDATE fact SET prev = 'x' WHERE seq = 51")
    assert len(rows(*reader.all_after(first.last))) == 10
    assert "chain is broken after row 50; run antt-gate verify" in caplog.text


def test_an_outbox_that_is_no_database_is_kept_and_everything_is_delivered_again(
    state_dir: Path, journal: Writer
) -> None:
    """Nothing is thrown away, and nothing is lost: duplicates only."""
    journal.write(5)
    (state_dir / "outbox.db").write_bytes(b"this is no database" * 100)
    reader = Reader(state_dir)
    assert reader.outbox.locate() == START
    assert list(state_dir.glob("outbox.db.broken-*"))


def test_an_outbox_of_which_one_page_is_damaged_does_not_end_delivery(state_dir: Path, journal: Writer) -> None:
    """It opens well, and nothing can be read from it, or written to it: that must not wait for a person."""
    journal.write(5)
    reader = Reader(state_dir)
    (batch,) = reader.all_after(START)
    reader.outbox.settle(batch.last)
    reader.outbox.close()
    damage_its_rows(state_dir / "outbox.db")
    again = Reader(state_dir)
    assert again.outbox.locate() == START
    again.outbox.settle(batch.last)
    assert again.outbox.locate() == batch.last
    assert len(list(state_dir.glob("outbox.db.broken-*"))) == 1


def damage_its_rows(path: Path) -> None:
    """Overwrite the page that holds the marks, and no other."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'mark'").fetchone()
    raw = bytearray(path.read_bytes())
    raw[(page - 1) * 4096 : page * 4096] = b"\xee" * 4096
    path.write_bytes(raw)


def test_a_journal_that_is_not_there_yet_is_waited_for(state_dir: Path) -> None:
    """The bridge may start before gate has made its journal."""
    reader = Reader(state_dir)
    with pytest.raises(OutboxError, match="there is no journal at"):
        reader.outbox.locate()
    journal = Journal(state_dir / "journal.db", lambda _: None)
    journal.open()
    journal.write(Kind.BOOT, {}, {})
    journal.close()
    assert reader.outbox.locate() == START
    assert len(reader.all_after(START)) == 1


def test_only_a_few_marks_are_kept(state_dir: Path, journal: Writer) -> None:
    """outbox.db does not grow."""
    journal.write(200)
    reader = Reader(state_dir)
    for seq in range(1, 201):
        reader.outbox.settle(reader.outbox.position_of(seq))
    reader.outbox.close()
    with sqlite3.connect(state_dir / "outbox.db") as db:
        (kept,) = db.execute("SELECT count(*) FROM mark").fetchone()
    db.close()
    assert kept == 50


def test_rows_that_were_removed_before_they_were_delivered_are_told_of(
    state_dir: Path, journal: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue 6, 2: a gap record says so. The mark is older than what is left, and it is still the same journal."""
    journal.write(120)
    reader = Reader(state_dir)
    first = reader.after(START)
    assert isinstance(first, Batch)
    reader.outbox.settle(first.last)
    reader.outbox.close()
    meddle(state_dir, "DELETE FROM fact WHERE seq <= 90")
    again = Reader(state_dir)
    assert again.outbox.locate() == first.last
    told, *rest = again.all_after(first.last)
    assert rows(told) == [{"seq": 51, "upto": 90, "hist": True, "omitted": "removed"}]
    assert [row["seq"] for row in rows(*rest)] == list(range(91, 121))
    assert "rows 51 to 90 were removed from the journal" in caplog.text
    assert "chain is broken" not in caplog.text
    again.outbox.settle(told.last)
    assert again.outbox.locate() == told.last, "and nobody is told twice"


def test_a_hole_in_the_middle_and_a_beginning_that_is_gone_are_told_of(state_dir: Path, journal: Writer) -> None:
    """Each seq arrives, as itself or as a mark, whatever is missing."""
    journal.write(200)
    meddle(state_dir, "DELETE FROM fact WHERE seq <= 10 OR seq BETWEEN 31 AND 150 OR seq = 160")
    meddle(state_dir, "UPDATE fact SET data = '{not json' WHERE seq = 151")
    found: list[JsonObject] = []
    reader, position = Reader(state_dir), START
    while position.seq < 200:
        try:
            batch = reader.after(position)
        except OutboxError:
            continue
        assert isinstance(batch, Batch)
        found, position = [*found, *rows(batch)], batch.last
    assert [seq for row in found for seq in range(int(str(row["seq"])), int(str(row.get("upto", row["seq"]))) + 1)] == [
        *range(1, 201)
    ]
    marks = {(row["seq"], row["omitted"]) for row in found if "omitted" in row}
    assert marks == {(1, "removed"), (31, "removed"), (151, "unreadable"), (160, "removed")}
