"""What is held, read from the journal: the rules of gate/holds.py."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

from gate.holds import Holds
from gate.journal import Journal, JournalReader
from gate.model import JsonObject, Kind

BY: JsonObject = {"type": "person", "id": "hung", "name": "Hùng"}


def written(path: Path, *facts: tuple[Kind, JsonObject]) -> None:
    """Add facts to a journal, as a gate process that runs and ends."""
    journal = Journal(path, lambda _: None)
    journal.open()
    for kind, data in facts:
        journal.write(kind, BY, data)
    journal.close()


def held(event: str, package: str = "", reason: str = "vụ án") -> tuple[Kind, JsonObject]:
    """Return the fact of a person's hold, or of a package's."""
    if package:
        return Kind.EVENT_HELD, {"event_ids": [event], "evidence_id": package, "reason": reason}
    return Kind.EVENT_HELD, {"event_id": event, "reason": reason}


def released(event: str, package: str = "") -> tuple[Kind, JsonObject]:
    """Return the fact of its end."""
    if package:
        return Kind.EVENT_RELEASED, {"event_ids": [event], "evidence_id": package, "reason": ""}
    return Kind.EVENT_RELEASED, {"event_id": event, "reason": ""}


def read(path: Path, holds: Holds | None = None) -> Holds:
    """Read on, or from the beginning."""
    holds = holds or Holds()
    with contextlib.closing(JournalReader(path)) as reader:
        holds.read(reader)
    return holds


def known(holds: Holds) -> tuple[set[str], set[str]]:
    """Return what is held, and what was."""
    return set(holds.held), set(holds.released)


def test_a_hold_stands_until_it_is_released(tmp_path: Path) -> None:
    """Who, when and why are the newest of the same holder."""
    path = tmp_path / "journal.db"
    written(path, held("a"), held("b"), held("a", reason="cả vụ va chạm"))
    holds = read(path)
    assert holds.held == {"a", "b"}
    (hold,) = holds.of("a")
    assert (hold.reason, hold.by, hold.evidence_id) == ("cả vụ va chạm", BY, "")
    written(path, released("a"))
    assert known(read(path, holds)) == ({"b"}, {"a"})
    assert holds.of("a") == ()
    written(path, held("a"))
    assert known(read(path, holds)) == ({"a", "b"}, set())


def test_a_package_lets_go_for_itself_and_a_person_for_all(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    written(path, held("a", "one"), held("a", "two"), held("a"), released("a", "one"))
    assert [hold.evidence_id for hold in read(path).of("a")] == ["two", ""]
    written(path, released("a"))
    assert known(read(path)) == (set(), {"a"})


def test_another_journal_is_read_from_its_beginning(tmp_path: Path) -> None:
    """A broken one was set aside and a new one begun: what it does not say is neither held nor released."""
    path = tmp_path / "journal.db"
    written(path, held("a"), held("b"), released("b"))
    holds = read(path)
    for file in tmp_path.iterdir():
        file.unlink()
    written(path, held("c"), held("d"), held("e"))
    assert known(read(path, holds)) == ({"c", "d", "e"}, set())


def test_what_another_program_wrote_breaks_nothing(tmp_path: Path) -> None:
    """A journal outlives the program's versions: fields that are missing or of another type are passed over."""
    path = tmp_path / "journal.db"
    odd: list[JsonObject] = [{}, {"event_id": 7}, {"event_ids": "a"}, {"event_ids": [None, {"b": 1}]}]
    written(path, *((Kind.EVENT_HELD, data) for data in odd), held("a"))
    assert read(path).held == {"a"}


def test_read_in_any_portions_it_is_the_same(tmp_path: Path) -> None:
    """A walk of 400 facts by three holders, against the rule in one line a fact; read whole, and as it came."""
    path, chance, holds = tmp_path / "journal.db", random.Random(5), Holds()
    standing: set[tuple[str, str]] = set()
    for _ in range(8):
        facts = []
        for _ in range(50):
            event, package, holding = chance.choice("abcdef"), chance.choice(["", "one", "two"]), chance.random() < 0.5
            facts.append(held(event, package) if holding else released(event, package))
            if holding:
                standing.add((event, package))
            else:
                standing = {(its, by) for its, by in standing if its != event or (package not in {"", by})}
        written(path, *facts)
        read(path, holds)
        assert {(hold.event_id, hold.evidence_id) for its in holds.held for hold in holds.of(its)} == standing
        assert not holds.held & holds.released
    assert known(read(path)) == known(holds)
