"""The journal: a chain that holds, a writer that never blocks, a reader that never writes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.journal import FIRST_PREV, NOBODY, Journal, JournalError, JournalReader, chain_hash, verify
from gate.model import Fact, JsonObject, Kind
from tests.fakes import wait_until

BY: JsonObject = {"type": "rule", "id": "test", "name": "Thử"}


class Book:
    """A journal in a folder, with what it told."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        self.told: list[Fact] = []
        self.journal = Journal(self.path, self.told.append)

    def opened(self) -> Book:
        self.journal.open()
        return self

    def with_rows(self, count: int) -> Book:
        for number in range(count):
            self.journal.write(Kind.MOTION_STARTED, BY, {"n": number, "f": 0.5, "chữ": "Cổng"})
        wait_until(lambda: len(self.told) >= count)
        return self

    def closed(self) -> Book:
        self.journal.close()
        return self

    def tampered(self, sql: str) -> Book:
        with sqlite3.connect(self.path) as db:
            db.execute("DROP TRIGGER fact_is_never_updated")
            db.execute("DROP TRIGGER fact_is_never_deleted")
            db.execute(sql)
        db.close()
        return self


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path)
    yield made
    made.journal.close()


def test_rows_count_without_a_gap_and_hash_what_they_say(book: Book) -> None:
    book.opened().with_rows(3).closed()
    assert [fact.seq for fact in book.told] == [1, 2, 3]
    assert book.told[0].prev == FIRST_PREV
    assert all(chain_hash(fact.plain()) == fact.hash for fact in book.told)
    assert verify(book.path).rows == 3


def test_a_fact_is_told_only_after_it_is_on_the_disk(book: Book) -> None:
    seen: list[int] = []
    journal = Journal(book.path, lambda _: seen.append(JournalReader(book.path).last_seq()))
    journal.open()
    journal.write(Kind.ARRIVED, BY, {})
    journal.close()
    assert seen == [1]


def test_the_chain_goes_on_after_a_restart(book: Book, tmp_path: Path) -> None:
    book.opened().with_rows(2).closed()
    again = Book(tmp_path).opened().with_rows(2).closed()
    assert [fact.seq for fact in again.told] == [3, 4]
    assert verify(book.path).broken_seq == 0


@pytest.mark.parametrize(
    ("sql", "seq", "word"),
    [
        ("UPDATE fact SET data='{}' WHERE seq=2", 2, "does not match"),
        ("UPDATE fact SET at='2020-01-01T00:00:00.000Z' WHERE seq=3", 3, "does not match"),
        ("DELETE FROM fact WHERE seq=2", 3, "row 2 is missing"),
        ("UPDATE fact SET prev='0' WHERE seq=4", 4, "not the hash of the row before"),
        ("UPDATE fact SET data='{half' WHERE seq=3", 3, "does not hold JSON"),
    ],
)
def test_verify_names_the_first_row_that_was_changed(book: Book, sql: str, seq: int, word: str) -> None:
    book.opened().with_rows(5).closed().tampered(sql)
    verdict = verify(book.path)
    assert verdict.broken_seq == seq
    assert word in verdict.reason


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE fact SET data='{half', by='{half' WHERE seq=2",
        "UPDATE fact SET data='[1]', by='[1]' WHERE seq=2",
        "UPDATE fact SET data=CAST(x'7bc5227d' AS TEXT), by='7' WHERE seq=2",
    ],
)
def test_a_spoilt_row_hides_no_other_from_the_page(book: Book, sql: str) -> None:
    """Seen: a card lost one bit of one star, and no list of events came any more, of any day."""
    book.opened().with_rows(3).closed().tampered(sql)
    reader = JournalReader(book.path, forgiving=True)
    facts = reader.read()
    kinds, since = [fact.kind for fact in facts], facts[0].at
    tallied = reader.tally(kinds=kinds, since=since, until="9", step_s=600, naming=kinds)
    reader.close()
    assert [fact.seq for fact in facts] == [1, 2, 3]
    assert (facts[1].by, facts[1].data) == (NOBODY, {})
    assert sum(tally.count for tally in tallied) == len(facts)
    assert verify(book.path).broken_seq == 2


def test_nothing_can_be_changed_by_mistake(book: Book) -> None:
    book.opened().with_rows(1).closed()
    db = sqlite3.connect(book.path)
    for sql in ("UPDATE fact SET kind='x'", "DELETE FROM fact"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(sql)
    db.close()


def test_a_file_that_is_no_journal_is_kept_and_a_new_one_begins(book: Book) -> None:
    """Nothing is lost: what was there lies beside the new file."""
    book.path.write_bytes(b"this was never a database, however long it may be " * 100)
    book.opened().with_rows(1).closed()
    assert book.journal.kept_as is not None
    assert book.journal.kept_as.read_bytes().startswith(b"this was never")
    assert verify(book.path).rows == 1


def test_a_journal_with_a_broken_row_still_opens_and_goes_on(book: Book, tmp_path: Path) -> None:
    book.opened().with_rows(3).closed().tampered("UPDATE fact SET data='{half' WHERE seq=2")
    again = Book(tmp_path).opened().with_rows(1).closed()
    assert again.told[0].seq == 4
    assert verify(book.path).broken_seq == 2


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="writable"):
        Journal(tmp_path / "file" / "journal.db", lambda _: None).open()


def test_while_the_disk_refuses_rows_wait_in_memory_in_order(book: Book) -> None:
    """Safety does not wait for a disk; nothing is lost when it comes back."""
    book.opened().with_rows(1)
    lock = sqlite3.connect(book.path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    book.journal.write(Kind.ARRIVED, BY, {"n": 1})
    book.journal.write(Kind.ARRIVED, BY, {"n": 2})
    wait_until(lambda: book.journal.trouble != "", 5, "the trouble")
    assert len(book.told) == 1
    lock.execute("ROLLBACK")
    lock.close()
    wait_until(lambda: len(book.told) == 3, 5, "the rows that waited")
    assert [fact.data.get("n") for fact in book.told[1:]] == [1, 2]
    assert book.journal.trouble == ""


def test_many_threads_may_write(book: Book) -> None:
    book.opened()
    writers = [threading.Thread(target=book.journal.write, args=(Kind.ARRIVED, BY, {"n": n})) for n in range(50)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    book.closed()
    assert verify(book.path).rows == 50


def test_a_reader_filters_and_pages(book: Book) -> None:
    book.opened().with_rows(5)
    book.journal.write(Kind.ARRIVED, BY, {})
    book.closed()
    reader = JournalReader(book.path)
    assert [fact.seq for fact in reader.read(after=2, limit=2)] == [3, 4]
    assert [fact.seq for fact in reader.read(kinds=["arrived"])] == [6]
    assert [fact.seq for fact in reader.read(newest_first=True, limit=1)] == [6]
    assert reader.read(since="2999-01-01T00:00:00.000Z") == []
    assert reader.read(limit=1)[0].data["chữ"] == "Cổng"
    reader.close()


def test_a_reader_cannot_write_and_says_what_is_missing(book: Book, tmp_path: Path) -> None:
    book.opened().with_rows(1)
    reader = JournalReader(book.path)
    with pytest.raises(sqlite3.OperationalError):
        reader._db.execute("DELETE FROM fact")
    reader.close()
    with pytest.raises(JournalError, match="can't be read"):
        JournalReader(tmp_path / "nothing.db")


@pytest.mark.parametrize("poison", [float("nan"), 2**53 + 1, "\ud800"])
def test_a_fact_that_has_no_canonical_form_does_not_end_the_journal(book: Book, poison: object) -> None:
    """Seen by an attack: one NaN killed the writer, and everything after it was lost in silence."""
    book.opened()
    book.journal.write(Kind.MOTION_STARTED, BY, {"x": poison})  # type: ignore[dict-item] # what must not come
    book.journal.write(Kind.ARRIVED, BY, {"state": "open"})
    book.closed()
    assert "unwritable" in book.told[0].data
    assert book.told[1].data == {"state": "open"}
    assert verify(book.path).rows == 2


def test_a_second_writer_does_not_stop_the_first(book: Book, tmp_path: Path) -> None:
    """The state directory is locked against it; should it happen all the same, the chain goes on."""
    book.opened().with_rows(2)
    Book(tmp_path).opened().with_rows(1).closed()
    book.journal.write(Kind.ARRIVED, BY, {})
    wait_until(lambda: len(book.told) == 3, 5, "the row after the stranger's")
    assert book.told[2].seq == 4
    book.closed()
    assert verify(book.path).rows == 4


def test_a_journal_that_is_deleted_while_it_is_open_begins_anew(book: Book) -> None:
    book.opened().with_rows(2)
    for path in book.path.parent.glob("journal.db*"):
        path.unlink()
    book.journal.write(Kind.ARRIVED, BY, {})
    wait_until(lambda: len(book.told) == 3, 5, "the first row of the new file")
    book.closed()
    assert verify(book.path).rows == 1


def test_a_span_is_read_whole_though_the_clock_was_set_back_in_it(book: Book) -> None:
    """Times are not in the order of the rows: who asks for a span gets all of it, page by page, in their order."""
    book.opened().with_rows(6).closed()
    clocks = "CASE seq WHEN 1 THEN '10:00' WHEN 2 THEN '10:02' WHEN 3 THEN '09:00' WHEN 4 THEN '10:01' ELSE '11:00' END"
    book.tampered(f"UPDATE fact SET at = '2026-11-21T' || {clocks} || ':00.000Z'")  # noqa: S608 - a constant
    reader, (ten, eleven) = JournalReader(book.path), (f"2026-11-21T{hour}:00:00.000Z" for hour in (10, 11))
    kinds = [Kind.MOTION_STARTED.value, Kind.ARRIVED.value, Kind.MOTION_STARTED.value]
    assert [fact.seq for fact in reader.read(kinds=kinds, since=ten, until=eleven)] == [1, 2, 4]
    assert [fact.seq for fact in reader.read(since=ten, until=eleven, limit=2, newest_first=True)] == [4, 2]
    assert [fact.seq for fact in reader.read(kinds=kinds, since=ten, until=eleven, before=4, limit=1)] == [1]
    assert reader.read(kinds=kinds, since="2027", until="2028") == []
    told = reader.tally(kinds=kinds[:1], since=ten, until=eleven, step_s=60)
    assert [(tally.step, tally.count) for tally in told] == [(0, 1), (1, 1), (2, 1)]
    reader.close()


def test_rows_are_sifted_by_what_their_data_hold(book: Book) -> None:
    """As it is written: compact, keys sorted, letters of every language as they are."""
    book.opened().with_rows(12).closed()
    reader = JournalReader(book.path)
    assert [fact.seq for fact in reader.read(kinds=[Kind.MOTION_STARTED.value], containing=['"n":1}'])] == [2]
    assert len(reader.read(containing=['"chữ":"Cổng"', '"n":1'])) == 3
    reader.close()


def test_a_tally_tells_the_names_that_were_asked_for(book: Book) -> None:
    """Who guessed at whose password: each name once, nobody's left out."""
    book.opened()
    for name in ("an", "an", "lan", ""):
        book.journal.write(Kind.USER_SIGN_IN_FAILED, BY, {"name": name})
    book.journal.write(Kind.USER_SIGNED_IN, BY, {"name": "minh"})
    wait_until(lambda: len(book.told) >= 5)
    book.closed()
    reader = JournalReader(book.path)
    kinds = [Kind.USER_SIGN_IN_FAILED.value, Kind.USER_SIGNED_IN.value]
    told = reader.tally(
        kinds=kinds, since="2000-01-01T00:00:00.000Z", until="2999-01-01T00:00:00.000Z", step_s=10**10, naming=kinds[:1]
    )
    assert [(tally.count, sorted(tally.names)) for tally in told] == [(4, ["an", "lan"]), (1, [])]
    reader.close()
