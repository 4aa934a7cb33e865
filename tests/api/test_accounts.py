"""The file of accounts: its versions, and when the disk or the file itself fails (api/accounts.py, api/opening.py)."""

from __future__ import annotations

import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.accounts import VERSION, AccountsError, DamagedError, Store, _copied
from api.opening import open_accounts
from api.people import Accounts, hashed
from gate.journal import utc
from gate.model import Role

VIEWER = frozenset({Role.VIEWER})
VERSION_1 = Path(__file__).with_name("accounts_1.sql")  # as it was delivered


def with_people(path: Path, count: int) -> None:
    with contextlib.closing(Store(path)) as store:
        for number in range(count):
            Accounts(store).add_person(f"person-{number}", "x" * 80, VIEWER, None, 1.0)


def test_a_full_disk_is_named_as_that_and_changes_nothing(tmp_path: Path) -> None:
    """The reason that SQLite gives, and what to do; the file goes on as it was."""
    with contextlib.closing(Store(tmp_path / "accounts.db")) as store:
        accounts = Accounts(store)
        accounts.add_person("lan", "Lan", VIEWER, None, 1.0)
        store._db.execute("PRAGMA max_page_count = 1")  # SQLite takes as many as there are: full from now on
        with pytest.raises(AccountsError, match=r"disk is full.*free some space"):
            accounts.add_person("binh", "x" * 100_000, VIEWER, None, 2.0)
        assert [person.name for person in accounts.people()] == ["lan"]
        store._db.execute("PRAGMA max_page_count = 100000")
        accounts.add_person("binh", "x" * 100_000, VIEWER, None, 3.0)


def test_damage_in_the_middle_is_found_at_the_start(tmp_path: Path) -> None:
    """The head is right, a page is not: kept aside with all that belongs to it, begun anew, noted for the journal."""
    path = tmp_path / "accounts.db"
    with_people(path, 300)
    whole = bytearray(path.read_bytes())
    whole[4096 * 3 :] = b"\xa5" * (len(whole) - 4096 * 3)
    path.write_bytes(whole)
    with contextlib.closing(open_accounts(path, 1_790_000_000.0)) as store:
        assert Accounts(store).people() == []
        ((change,),) = store.rows("SELECT data FROM report")
    assert "accounts.db.broken-1790000000" in str(change)
    assert (tmp_path / "accounts.db.broken-1790000000").read_bytes() == whole


def test_a_lost_bit_in_the_head_is_damage_too(tmp_path: Path) -> None:
    """Seen: SQLite named what was broken in bytes that are no text, and the page never started again."""
    path = tmp_path / "accounts.db"
    with_people(path, 3)
    whole = path.read_bytes()
    assert b"CREATE TABLE person" in whole
    path.write_bytes(whole.replace(b"CREATE TABLE person", b"CREATE TABLE \xf0erson", 1))
    with contextlib.closing(open_accounts(path, 1_790_000_000.0)) as store:
        assert Accounts(store).people() == []
    assert (tmp_path / "accounts.db.broken-1790000000").exists()


def test_a_cell_that_lost_a_bit_keeps_nobody_else_out(tmp_path: Path) -> None:
    """Seen: one role, name or moment that can't be read ended the process of the page, again at each start."""
    path = tmp_path / "accounts.db"
    with_people(path, 3)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE person SET roles = 'viewar maintainer', created_at = 1e300 WHERE name = 'person-0'")
        db.execute("UPDATE person SET display_name = CAST(x'4cc561' AS TEXT) WHERE name = 'person-1'")
    with contextlib.closing(open_accounts(path, 1.0)) as store:
        first, second, third = Accounts(store).people()
    assert first.roles == {Role.MAINTAINER}
    assert utc(first.created_at)
    assert second.display_name == "L\ufffda"
    assert third.roles


def test_sound_accounts_are_opened_as_they_are(tmp_path: Path) -> None:
    """No start loses anybody."""
    path = tmp_path / "accounts.db"
    with_people(path, 3)
    with contextlib.closing(open_accounts(path, 1.0)) as store:
        assert len(Accounts(store).people()) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["accounts.db"]


def test_the_command_line_moves_no_damaged_file(tmp_path: Path) -> None:
    """It says what is wrong; the process that serves keeps it aside."""
    path = tmp_path / "accounts.db"
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(DamagedError, match="can't be opened"):
        Store(path)
    assert [file.name for file in tmp_path.iterdir()] == ["accounts.db"]


def test_a_copy_that_was_brought_back_is_nobody_elses_to_read(tmp_path: Path) -> None:
    """`cp` from a backup. Seen: it stayed 0644 with every hash in it, and so did what SQLite has beside it."""
    path = tmp_path / "accounts.db"
    Store(path).close()
    path.chmod(0o644)
    with contextlib.closing(Store(path)) as store:
        store.set_note("base_url", "http://gate.local")
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def of_version_1(path: Path) -> str:
    """Make the file as version 1 made it, with Lan on her phone; return her cookie."""
    token = "t" * 43
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1.read_text(encoding="utf-8"))
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("INSERT INTO person VALUES ('lan', 'Lan', 'viewer', NULL, 0, 1.0)")
        db.execute("INSERT INTO session VALUES (?, 's-1', 'lan', 'Oppo', 5.0, 9.0)", (hashed(token),))
        db.execute("INSERT INTO pairing VALUES ('lan', 'abc', 99.0)")
        db.execute("INSERT INTO attempt VALUES ('beef', 7, 8.0)")
        db.commit()
    return token


def shape_of(path: Path) -> list[tuple[str, str]]:
    """Return every table and index, as it was written, without its comments."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name").fetchall()
        return [(str(name), str(sql)) for name, sql in found]


def test_accounts_of_version_1_go_on_as_they_were(tmp_path: Path) -> None:
    """Nobody is signed out, every table is as in a new file; a session's credential is as old as the session."""
    path, fresh = tmp_path / "accounts.db", tmp_path / "fresh.db"
    token = of_version_1(path)
    Store(fresh).close()
    with contextlib.closing(open_accounts(path, 1.0)) as store:
        session = Accounts(store).session(token, 10.0)
        assert session
        assert (session.id, session.device, session.last_seen_at, session.proved_at) == ("s-1", "Oppo", 9.0, 5.0)
        assert session.phone is None
        assert store.rows("SELECT person FROM pairing") == [("lan",)]
        Accounts(store).open_session("lan", "second", 11.0)
    assert shape_of(path) == shape_of(fresh)


def test_two_processes_bring_the_same_file_up_once(tmp_path: Path) -> None:
    """The page and the command line start in the same moment."""
    path = tmp_path / "accounts.db"
    token = of_version_1(path)
    with ThreadPoolExecutor(8) as threads:
        for opened in [threads.submit(lambda: Store(path).close()) for _ in range(8)]:
            opened.result()
    with contextlib.closing(Store(path)) as store:
        assert Accounts(store).session(token, 10.0)
        assert store.rows("PRAGMA user_version") == [(VERSION,)]


def test_old_accounts_on_a_disk_that_takes_nothing_lock_nobody_out(tmp_path: Path) -> None:
    """They are brought up in memory; the file is left as it is."""
    path = tmp_path / "accounts.db"
    token = of_version_1(path)
    before = path.read_bytes()
    with contextlib.closing(_copied(path)) as memory:
        assert memory.execute("SELECT proved_at FROM session WHERE hash = ?", (hashed(token),)).fetchall() == [(5.0,)]
    assert path.read_bytes() == before


def test_accounts_of_a_newer_program_are_refused_and_left_alone(tmp_path: Path) -> None:
    """Neither damaged nor begun anew: the message names both versions and what to do."""
    path = tmp_path / "accounts.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE future (x)")
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(AccountsError, match=rf"newer antt-gate.*{VERSION + 1}.*knows {VERSION}.*install") as refusal:
        open_accounts(path, 1.0)
    assert not isinstance(refusal.value, DamagedError)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["accounts.db"]
