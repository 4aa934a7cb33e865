"""What the journal says of clips against what lies in the folder, at each start."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from camera.clip import ClipWriter, Note, finish
from camera.finisher import Saved
from camera.inventory import Findings, Inventory
from camera.store import Deleted, Store
from gate.client import new_id
from gate.journal import Journal
from gate.model import JsonObject, Kind
from tests.camera.conftest import encoded
from tests.fakes import wait_until

DAY = "2026-11-20"


class Yard:
    """A media folder and a journal, and what the comparison said of them."""

    def __init__(self, folder: Path) -> None:
        self.journal_path = folder / "journal.db"
        self.media = folder / "media"
        self.day = self.media / DAY
        self.day.mkdir(parents=True)
        self.store = Store(self.media, "Asia/Ho_Chi_Minh", 14, 1.0)
        self.saved: list[Saved] = []
        self.deleted: list[Deleted] = []
        self._facts: list[tuple[Kind, JsonObject]] = []

    def clip(self, event_id: str, *, pre_roll_s: float = 5.0) -> Path:
        """Put a real clip there."""
        units = list(encoded(1.5))
        note = Note(event_id=event_id, pre_roll_s=pre_roll_s, cause="move", begun_s=1_790_000_000.0)
        writer = ClipWriter(self.day / f"{event_id}.part", units[0], note)
        writer.write_all(units)
        writer.close()
        finish(self.day / f"{event_id}.part", self.day / f"{event_id}.mp4")
        return self.day / f"{event_id}.mp4"

    def journalled(self, event_id: str, kind: Kind = Kind.CLIP_SAVED, clip: str | None = None) -> None:
        """Have the journal know of a clip."""
        self._facts.append((kind, {"event_id": event_id, "clip": clip or f"{DAY}/{event_id}.mp4"}))

    def starts(self) -> Findings:
        """Compare, as a camera process that starts does."""
        told: list[int] = []
        journal = Journal(self.journal_path, lambda fact: told.append(fact.seq))
        journal.open()
        for kind, data in self._facts:
            journal.write(kind, {"type": "process", "id": "camera", "name": "camera"}, data)
        wait_until(lambda: len(told) == len(self._facts))
        journal.close()
        inventory = Inventory(self.store, self.media / ".unreported", time.time())
        return inventory.check(self.journal_path, self.saved.append, self.deleted.append)


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    """Return an empty one."""
    return Yard(tmp_path)


def test_what_the_journal_has_is_left_in_peace(yard: Yard) -> None:
    """Saved and there; saved and deleted; not yet told, but noted; still being written."""
    there, gone, noted, going = (new_id() for _ in range(4))
    yard.clip(there)
    yard.journalled(there)
    yard.journalled(gone)
    yard.journalled(gone, Kind.CLIP_DELETED)
    yard.clip(noted)
    (yard.media / ".unreported").mkdir()
    (yard.media / ".unreported" / f"{noted}.json").write_text("{}", encoding="utf-8")
    (yard.day / f"{going}.part").write_bytes(b"")
    (yard.day / f"{there}.hold").touch()
    assert yard.starts() == Findings(unknown=(), missing={}, strays=())
    assert (yard.saved, yard.deleted) == ([], [])
    assert (yard.day / f"{there}.hold").exists()


def test_a_clip_that_the_journal_does_not_know_is_told(yard: Yard) -> None:
    """SIGKILL between the clip and its note: it is found, with the cause and pre-roll that it remembers."""
    event_id, joined = new_id(), new_id()
    path = yard.clip(event_id)
    (yard.day / f"{joined}.join").write_text(
        f'{{"clip": "{event_id}", "event_id": "{joined}", "pre_roll_s": 7.5}}', encoding="utf-8"
    )
    yard.starts()
    first, second = yard.saved
    assert (first.event_id, first.cause, first.pre_roll_s, first.found) == (event_id, "move", 5.0, True)
    assert (second.event_id, second.name, second.pre_roll_s) == (joined, f"{DAY}/{event_id}.mp4", 7.5)
    fact = first.fact()
    assert (fact["found"], fact["sha256"], fact["bytes"]) == (True, first.clip.sha256, path.stat().st_size)


def test_a_clip_that_somebody_took_is_told_as_deleted(yard: Yard) -> None:
    """The journal says what can be watched; a lie would be found when it matters."""
    there, taken = new_id(), new_id()
    yard.clip(there)
    yard.journalled(there)
    yard.journalled(taken)
    yard.starts()
    assert [gone.fact() for gone in yard.deleted] == [
        {"event_id": taken, "clip": f"{DAY}/{taken}.mp4", "reason": "missing", "bytes": 0}
    ]


def test_a_disk_that_is_not_mounted_deletes_nothing_from_the_journal(
    yard: Yard, caplog: pytest.LogCaptureFixture
) -> None:
    """All gone at once is another disk, and said as that."""
    for _ in range(30):
        yard.journalled(new_id())
    with caplog.at_level(logging.ERROR):
        yard.starts()
    assert yard.deleted == []
    assert "mounted" in caplog.text


def test_what_belongs_to_nothing_is_removed_and_nothing_else(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    """Drafts of a process that was killed, a hold and a join without their clip; a stranger's file stays."""
    lone = new_id()
    for name in (f"{lone}.tmp", f"{lone}.jpg.tmp", f"{lone}.hold", f"{new_id()}.join", "holiday.mp4", "notes.txt"):
        (yard.day / name).write_bytes(b"{}")
    (yard.day / "kept.jpg").write_bytes(b"x")
    (yard.day / "kept.hold").touch()
    with caplog.at_level(logging.WARNING):
        yard.starts()
    assert sorted(path.name for path in yard.day.iterdir()) == ["holiday.mp4", "kept.hold", "kept.jpg", "notes.txt"]
    assert "4 files that belong to nothing" in caplog.text
    assert yard.saved == []


def test_a_file_that_only_looks_like_a_clip_is_said_and_stays(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing that is not ours to judge is thrown away."""
    path = yard.day / f"{new_id()}.mp4"
    path.write_bytes(b"no film" * 100)
    with caplog.at_level(logging.WARNING):
        yard.starts()
    assert path.exists()
    assert "is no clip" in caplog.text


def test_without_a_journal_nothing_is_compared(yard: Yard) -> None:
    """The first start, or a damaged one: no guess is made."""
    yard.clip(new_id())
    inventory = Inventory(yard.store, yard.media / ".unreported", time.time())
    inventory.check(yard.journal_path, yard.saved.append, yard.deleted.append)
    assert yard.saved == []
