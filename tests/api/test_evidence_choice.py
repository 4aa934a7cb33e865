"""What a package is to hold: events, rows and files as the journal names them."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from api.evidence_check import check
from api.evidence_choice import MOST_EVENTS, MOST_ROWS, _choice, chosen, of_events, of_span, sources
from api.problems import ProblemError
from gate.client import new_id
from gate.journal import Journal
from gate.model import Fact, JsonObject, Kind
from tests.evidence import BEGINNING, END, village

CAMERA: JsonObject = {"type": "process", "id": "camera", "name": ""}


def saved(journal: Journal, event_id: str, clip: str, **more: object) -> None:
    """Say that the clip of an event is saved."""
    data: JsonObject = {"event_id": event_id, "clip": clip, "cause": "motion", "thumbnail": None, **more}  # type: ignore[dict-item] # JSON
    journal.write(Kind.CLIP_SAVED, CAMERA, data)


def test_a_clip_that_several_events_share_is_packed_once(tmp_path: Path) -> None:
    """Named after the first of them; the manifest tells of which chosen events it is."""
    here = village(tmp_path, clips=0)
    with here.journal() as journal:
        first = here.motion(journal, b"film")
        (clip,) = here.media.rglob("*.mp4")
        joined, other = new_id(), new_id()
        name = clip.relative_to(here.media).as_posix()
        for event_id in (joined, other):
            journal.write(Kind.MOTION_STARTED, CAMERA, {"event_id": event_id, "thumbnail": None})
            saved(journal, event_id, name)
    with contextlib.closing(here.reader()) as reader:
        choice, events = chosen(reader, of_events(reader, [joined, first, joined]))
        found = sources(events, here.media)
    assert choice.event_ids == (first, joined)
    assert [(source.name, source.event_ids) for source in found if source.what == "clip"] == [
        (f"clips/{name}", (first, joined))
    ]


def test_a_move_without_motion_is_an_event_too(tmp_path: Path) -> None:
    """Its clip is its one fact; it begins so long before it as the fact says."""
    here = village(tmp_path, clips=0)
    event_id, day = new_id(), time.strftime("%Y-%m-%d")
    with here.journal() as journal:
        more = {"cause": "move", "started_at": "2026-11-21T18:04:05.678Z", "pre_roll_s": 5.0, "event_s": 12.5}
        saved(journal, event_id, f"{day}/{event_id}.mp4", **more)
    with contextlib.closing(here.reader()) as reader:
        choice, events = chosen(reader, of_span(reader, BEGINNING, END))
        (source,) = sources(events, here.media)
    assert (choice.event_ids, source.begun_at) == ((event_id,), "2026-11-21T18:04:00.678Z")


def test_names_that_the_camera_does_not_give_are_not_packed(tmp_path: Path) -> None:
    """A fact that names a file elsewhere names none."""
    here = village(tmp_path, clips=0)
    with here.journal() as journal:
        for clip in ("../evidence.key", "/etc/passwd", "2026-11-21/../../x.mp4", ""):
            event_id = new_id()
            journal.write(Kind.MOTION_STARTED, CAMERA, {"event_id": event_id, "thumbnail": "../evidence.key"})
            saved(journal, event_id, clip)
    verdict = check(here.taken())
    assert [row["name"] for row in verdict.manifest["files"]] == [  # type: ignore[union-attr,index,call-overload] # a list of objects
        "journal.jsonl", "taken.jsonl", "record.pdf", "check.txt", "gate-key.pem",
    ]  # fmt: skip


def test_too_much_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    """More events or rows than a package takes: the figure is named, and nothing is begun."""
    here = village(tmp_path, clips=0)
    with here.journal() as journal:
        for _ in range(MOST_EVENTS + 1):
            journal.write(Kind.MOTION_STARTED, CAMERA, {"event_id": new_id(), "thumbnail": None})
    with contextlib.closing(here.reader()) as reader:
        with pytest.raises(ProblemError) as refused:
            of_span(reader, BEGINNING, END)
        (row,) = reader.read(limit=1)
    assert (refused.value.code, "more than 500 events" in refused.value.detail) == ("evidence_too_large", True)
    far = Fact(**{**row.plain(), "seq": row.seq + MOST_ROWS})  # type: ignore[arg-type] # a row as it was read
    with pytest.raises(ProblemError, match="evidence_too_large"):
        _choice([], [row, far], None, None)


def test_rows_are_whole_though_the_clock_was_set_back(tmp_path: Path) -> None:
    """Rows need not follow each other by their clock: all between the first and the last of a span come along."""
    here = village(tmp_path, clips=0)
    with here.journal() as journal:
        event_id = here.motion(journal, b"film")
    with contextlib.closing(here.reader()) as reader:
        rows = reader.read(limit=10)
        odd = Fact(**{**rows[1].plain(), "at": "1970-01-01T00:00:01.000Z"})  # type: ignore[arg-type] # a row as it was read
        found = _choice([], [odd, rows[2], rows[0]], BEGINNING, END)
        one = of_events(reader, [event_id])
    assert (found.first_seq, found.last_seq) == (one.first_seq, one.last_seq) == (1, 3)
