"""What the camera tells gate: in order, not lost while gate is away, a saved clip not even over a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from camera.reports import LONGEST_QUEUE, Reports
from gate.client import Client
from gate.model import JsonObject, Kind
from tests.fakes import FakeGate, wait_until


def clip(name: str) -> JsonObject:
    """Return what a saved clip says."""
    return {"event_id": name, "clip": f"2026-11-21/{name}.mp4", "duration_s": 12.0}


def notes(media: Path) -> list[str]:
    """List the notes of saved clips that gate has not taken yet."""
    return sorted(path.name for path in media.glob(".unreported/*"))


async def while_reporting(state_dir: Path, story: Callable[[Reports], None]) -> None:
    """Run the reports of one camera process beside a story in a thread."""
    client = Client(state_dir / "gate.sock", who="camera")
    reports = Reports(client, state_dir / "media")
    await client.start()
    task = asyncio.create_task(reports.run())
    try:
        await asyncio.to_thread(story, reports)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.stop()


def test_facts_arrive_in_the_order_in_which_they_were_told(tmp_path: Path) -> None:
    """Begun, ended, saved; by the camera process."""

    def story(reports: Reports) -> None:
        with FakeGate(tmp_path) as gate:
            reports.tell(Kind.MOTION_STARTED, {"event_id": "a"})
            reports.tell(Kind.MOTION_ENDED, {"event_id": "a"})
            reports.tell(Kind.CLIP_SAVED, clip("a"))
            wait_until(lambda: len(gate.reports) == 3)
            wait_until(lambda: notes(tmp_path / "media") == [])
        assert [kind for kind, _, _ in gate.reports] == [Kind.MOTION_STARTED, Kind.MOTION_ENDED, Kind.CLIP_SAVED]
        assert {origin.id for _, origin, _ in gate.reports} == {"camera"}

    asyncio.run(while_reporting(tmp_path, story))


def test_what_happened_while_gate_was_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    """Gate restarts; nothing that was seen meanwhile is lost."""

    def story(reports: Reports) -> None:
        for number in range(20):
            reports.tell(Kind.MOTION_ENDED, {"event_id": str(number)})
        reports.tell(Kind.CLIP_SAVED, clip("a"))
        with FakeGate(tmp_path) as gate:
            wait_until(lambda: len(gate.reports) == 21)
            assert [data["event_id"] for _, _, data in gate.reports] == [*map(str, range(20)), "a"]

    asyncio.run(while_reporting(tmp_path, story))


def test_a_saved_clip_survives_the_camera_process(tmp_path: Path) -> None:
    """SIGKILL between the clip and gate's answer: the next process tells it."""

    def dies_untold(reports: Reports) -> None:
        reports.tell(Kind.CLIP_SAVED, clip("a"))

    def tells(_: Reports) -> None:
        with FakeGate(tmp_path) as gate:
            wait_until(lambda: len(gate.reports) == 1)
            wait_until(lambda: notes(tmp_path / "media") == [])
        assert gate.reports[0][2] == clip("a")

    asyncio.run(while_reporting(tmp_path, dies_untold))
    assert notes(tmp_path / "media") == ["a.json"]
    asyncio.run(while_reporting(tmp_path, tells))


def test_the_queue_is_bounded_and_forgets_no_saved_clip(tmp_path: Path) -> None:
    """A gate that stays away for days costs no memory; clips are told all the same."""

    async def story() -> list[Kind]:
        reports = Reports(Client(tmp_path / "gate.sock", who="camera"), tmp_path / "media")
        reports.tell(Kind.CLIP_SAVED, clip("a"))
        for number in range(LONGEST_QUEUE + 50):
            reports.tell(Kind.MOTION_ENDED, {"event_id": str(number)})
        await asyncio.sleep(0)
        return [kind for kind, _ in reports._queue]

    kinds = asyncio.run(story())
    assert len(kinds) == LONGEST_QUEUE
    assert kinds[0] is Kind.CLIP_SAVED


def test_a_note_that_is_none_is_removed(tmp_path: Path) -> None:
    """Half a note after a power cut does not stop the process."""
    folder = tmp_path / "media" / ".unreported"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text("{", encoding="utf-8")

    async def story() -> None:
        Reports(Client(tmp_path / "gate.sock", who="camera"), tmp_path / "media")

    asyncio.run(story())
    assert notes(tmp_path / "media") == []
