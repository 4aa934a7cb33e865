"""What people hold stays on the disk, whoever was down when they asked (issue 5, 7)."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from camera.app import Listener, mark_holds
from camera.holds import Asked, JournalHolds
from camera.store import Store
from gate.journal import Journal
from gate.model import JsonObject, Kind
from tests.fakes import wait_until

NOW = dt.datetime(2026, 11, 21, 5, 0, tzinfo=dt.UTC).timestamp()
LONG_AGO = "2026-10-01"
PERSON: JsonObject = {"type": "person", "id": "hung", "name": "Hùng"}


@dataclass(kw_only=True)
class Yard:
    """A media folder and the journal beside it. Everything in the folder is too old."""

    folder: Path

    @property
    def media(self) -> Path:
        return self.folder / "media"

    def has(self, event: str, *suffixes: str) -> None:
        """Put an event's files there."""
        for suffix in suffixes or (".mp4", ".jpg"):
            path = self.media / LONG_AGO / f"{event}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"film")

    def is_told(self, kind: Kind, *events: str) -> None:
        """Have the gate journal holds, or their ends."""
        journal = Journal(self.folder / "journal.db", lambda _: None)
        journal.open()
        for event in events:
            journal.write(kind, PERSON, {"event_id": event, "reason": "vụ án"})
        journal.close()

    def camera_starts(self) -> Store:
        """Return what a camera process would keep files by."""
        return Store(self.media, "Asia/Ho_Chi_Minh", 14, 1.0, lambda _: (10**12, 10**12),
                     asked=JournalHolds(self.folder / "journal.db"))  # fmt: skip

    def marks(self) -> list[str]:
        """Return which events have a mark beside their files."""
        return sorted(path.stem for path in self.media.rglob("*.hold"))


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(folder=tmp_path)


def gone(store: Store) -> list[str]:
    """Sweep; return which events went."""
    return sorted(deleted.event_id or "continuous" for deleted in store.sweep(NOW))


def test_a_hold_that_was_asked_while_the_camera_was_down_holds_at_its_first_sweep(yard: Yard) -> None:
    """Nothing is deleted before the journal was read."""
    yard.has("proof")
    yard.has("other")
    yard.is_told(Kind.EVENT_HELD, "proof")
    assert gone(yard.camera_starts()) == ["other"]


def test_a_hold_that_was_never_heard_of_holds_at_the_next_sweep(yard: Yard) -> None:
    """The connection was down, or its news came late: the journal is asked before anything goes."""
    yard.has("kept", ".jpg")
    store = yard.camera_starts()
    yard.is_told(Kind.EVENT_HELD, "kept")
    assert gone(store) == []
    yard.is_told(Kind.EVENT_RELEASED, "kept")
    assert gone(store) == ["kept"]


def test_a_mark_beside_the_clip_outlives_the_journal(yard: Yard) -> None:
    """A journal that had to be begun anew says nothing of old holds; nobody has let them go."""
    yard.has("proof")
    yard.is_told(Kind.EVENT_HELD, "proof")
    yard.camera_starts().mark()
    assert yard.marks() == ["proof"]
    for path in yard.folder.glob("journal.db*"):
        path.unlink()
    yard.is_told(Kind.EVENT_HELD, "something else")
    store = yard.camera_starts()
    store.mark()
    assert (gone(store), yard.marks()) == ([], ["proof"])


def test_what_was_released_while_the_camera_was_down_goes_in_its_turn(yard: Yard) -> None:
    yard.has("proof")
    yard.is_told(Kind.EVENT_HELD, "proof")
    yard.camera_starts().mark()
    yard.is_told(Kind.EVENT_RELEASED, "proof")
    store = yard.camera_starts()
    store.mark()
    assert (yard.marks(), gone(store)) == ([], ["proof"])


def test_an_event_is_held_before_anything_of_it_is_on_the_disk(yard: Yard) -> None:
    """It has just begun; its files are marked when they come."""
    yard.is_told(Kind.EVENT_HELD, "new")
    store = yard.camera_starts()
    store.mark()
    yard.has("new")
    assert (gone(store), yard.marks()) == ([], [])
    store.mark()
    assert yard.marks() == ["new"]


def test_a_shared_clip_is_held_for_all(yard: Yard) -> None:
    """The second event joined the first one's clip: whoever holds the second holds the film."""
    yard.has("first")
    yard.has("second", ".jpg")
    (yard.media / LONG_AGO / "second.join").write_text('{"clip": "first"}', encoding="utf-8")
    yard.is_told(Kind.EVENT_HELD, "second")
    store = yard.camera_starts()
    assert gone(store) == []
    store.mark()
    yard.is_told(Kind.EVENT_RELEASED, "second")
    store.mark()
    assert gone(store) == ["first", "second"]


def test_a_disk_that_takes_no_mark_still_loses_nothing(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    """A full card: the process remembers, and writes the mark when there is room."""
    yard.has("proof")
    in_the_way = yard.media / LONG_AGO / "proof.hold.tmp"
    in_the_way.mkdir()
    yard.is_told(Kind.EVENT_HELD, "proof")
    store = yard.camera_starts()
    store.mark()
    assert "the hold of event proof can't be written" in caplog.text
    assert (gone(store), yard.marks()) == ([], [])
    in_the_way.rmdir()
    store.mark()
    assert yard.marks() == ["proof"]


def test_while_the_journal_cannot_be_read_no_event_goes(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody knows what is held then. The continuous recording goes as ever; the reason is said, once."""
    yard.has("proof")
    piece = yard.media / "continuous" / LONG_AGO / "08-00-00.mp4"
    piece.parent.mkdir(parents=True)
    piece.write_bytes(b"film")
    (yard.folder / "journal.db").write_bytes(b"this is no database, whatever it is called")
    store = yard.camera_starts()
    assert (gone(store), gone(store)) == (["continuous"], [])
    store.mark()
    assert "what is held stands there" in str(store.undeletable)
    assert caplog.text.count("not known which events are held") == 1
    (yard.folder / "journal.db").unlink()
    yard.is_told(Kind.EVENT_HELD, "another")
    assert (gone(store), store.undeletable) == (["proof"], None)


def test_a_gate_that_has_no_journal_yet_holds_nothing(yard: Yard) -> None:
    """The detector on its own, or the very first start."""
    yard.has("old")
    assert gone(yard.camera_starts()) == ["old"]


def test_a_hold_that_is_asked_while_a_sweep_is_under_way_holds(yard: Yard) -> None:
    """A sweep of 200 clips takes seconds on a card. Seen: held and answered within them, deleted all the same."""
    yard.has("a-first")
    yard.has("proof")
    journal = JournalHolds(yard.folder / "journal.db")
    asked: list[Asked | None] = []

    def asked_by_the_sweep_first() -> Asked | None:
        asked.append(journal())
        if len(asked) == 1:
            yard.is_told(Kind.EVENT_HELD, "proof")
        return asked[-1]

    store = Store(yard.media, "Asia/Ho_Chi_Minh", 14, 1.0, lambda _: (10**12, 10**12), asked=asked_by_the_sweep_first)
    assert gone(store) == ["a-first"]
    assert (yard.media / LONG_AGO / "proof.mp4").exists()


def test_a_hold_is_marked_as_soon_as_the_gate_tells_of_it(yard: Yard) -> None:
    """The whole way within the process: a fact comes, the journal is read, the mark is written."""
    yard.has("proof")
    store, listener = yard.camera_starts(), Listener(None)

    async def story() -> None:
        marking = asyncio.create_task(mark_holds(store, listener.holds_changed))
        await asyncio.sleep(0.05)  # it has marked what was held at the start, and waits
        yard.is_told(Kind.EVENT_HELD, "proof")
        listener.pushed("fact", {"kind": "clip_saved"})
        assert not listener.holds_changed.is_set()
        listener.pushed("fact", {"kind": "event_held"})
        await asyncio.to_thread(wait_until, lambda: yard.marks() == ["proof"])
        marking.cancel()

    asyncio.run(story())


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_is_held_goes_in_whatever_order_things_happen(yard: Yard, seed: int) -> None:
    """A walk: events come, people hold and let go, the process marks, sweeps and is killed, in any order.

    After each sweep every held event is whole, and of the others nothing is left that has no mark any more.
    """
    chance = random.Random(seed)
    store, there, held = yard.camera_starts(), set[str](), set[str]()
    yard.is_told(Kind.EVENT_RELEASED, "nobody")
    for step in range(120):
        match chance.choice(["comes", "comes", "hold", "hold", "release", "mark", "sweep", "killed"]):
            case "comes":
                yard.has(f"event{step}")
                there.add(f"event{step}")
            case "hold" if there:
                held.add(event := chance.choice(sorted(there)))
                yard.is_told(Kind.EVENT_HELD, event)
            case "release" if held:
                held.remove(event := chance.choice(sorted(held)))
                yard.is_told(Kind.EVENT_RELEASED, event)
            case "mark":
                store.mark()
            case "killed":
                store = yard.camera_starts()
            case "sweep":
                went = set(gone(store))
                there -= went
                assert not went & held
                assert all((yard.media / LONG_AGO / f"{event}.mp4").exists() for event in held)
                assert there == held | (there & set(yard.marks()))
    store.mark()
    gone(store)
    assert set(yard.marks()) == held == {path.stem for path in yard.media.rglob("*.mp4")}
