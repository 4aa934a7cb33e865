"""The file of accounts when the disk or the file itself fails (api/accounts.py, api/opening.py)."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from api.accounts import AccountsError, DamagedError, Store
from api.opening import open_accounts
from api.people import Accounts
from gate.model import Role

VIEWER = frozenset({Role.VIEWER})


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
