"""The second thread of recording: makes clips of what is written, so that copying a long one keeps no picture waiting.

Takes jobs in their order, finishes each file, and says for every event in it that its clip is saved. What the disk
refuses stays as `.part` and is tried again later, and at the next start.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av.error

from camera.clip import BrokenClipError, Clip, Note, finish
from camera.cut import Job, left_over
from camera.disk import DiskError, sha256_synced
from camera.messages import Cause
from camera.store import Store
from gate.journal import utc
from gate.model import JsonObject

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """The clip of an event is whole and in its place; said for each of its events. Names are within the media folder.

    `begun_s`: Unix time of the event's begin, 0 where it is not known. `lasted_s`: None where its end was not seen.
    `lost`: access units that are missing in between. `found`: a clip that lay there and that the journal did not know.
    """

    event_id: str
    name: str
    clip: Clip
    pre_roll_s: float
    cause: Cause = "motion"
    begun_s: float = 0.0
    lasted_s: float | None = None
    lost: int = 0
    thumbnail: str | None = None
    thumbnail_sha256: str | None = None
    found: bool = False

    def fact(self) -> JsonObject:
        """Return it as `clip_saved` says it (docs/api.md)."""
        clip = self.clip
        return {
            "event_id": self.event_id, "cause": self.cause, "clip": self.name, "thumbnail": self.thumbnail,
            "started_at": utc(self.begun_s) if self.begun_s else None, "event_s": self.lasted_s,
            "duration_s": clip.duration_s, "pre_roll_s": self.pre_roll_s, "bytes": clip.bytes,
            "width": clip.width, "height": clip.height, "codec": clip.codec, "sha256": clip.sha256,
            "thumbnail_sha256": self.thumbnail_sha256, **({"lost": self.lost} if self.lost else {}),
            **({"found": True} if self.found else {}),
        }  # fmt: skip


class Finisher:
    """The thread. What it is given is called in it and must be quick; `failed` is the last that it says."""

    def __init__(
        self, store: Store, saved: Callable[[Saved], None], refused: Callable[[str, DiskError], None],
        failed: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        self._store, self._saved, self._refused, self._failed = store, saved, refused, failed
        self._jobs: queue.SimpleQueue[Job | Path | None] = queue.SimpleQueue()
        self._again: list[Job] = []
        self._thread = threading.Thread(target=self._run_or_fail, name="finisher", daemon=True)

    def start(self) -> None:
        """Begin; what an earlier process left unfinished comes first."""
        for part in self._store.unfinished():
            log.info("finishing %s, which an earlier run left", part.name)
            self._jobs.put(part)
        self._thread.start()

    def add(self, job: Job) -> None:
        """Have a clip made."""
        self._jobs.put(job)

    def try_again(self) -> None:
        """Have made what the disk refused before."""
        again, self._again = self._again, []
        for job in again:
            self._jobs.put(job)

    def close(self, timeout_s: float) -> None:
        """Finish what is there and wait at most `timeout_s`."""
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _run_or_fail(self) -> None:
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - told to whoever can start the process anew
            self._failed(error)

    def _run(self) -> None:
        while found := self._jobs.get():
            job = left_over(found) if isinstance(found, Path) else found
            try:
                self._complete(job)
            except BrokenClipError as error:
                log.warning("%s; removed", error)
                job.part.unlink(missing_ok=True)
            except (OSError, av.error.FFmpegError) as error:
                if job.part.exists():  # what somebody removed can't be finished, ever
                    self._again.append(job)
                self._refused("a clip can't be finished", error)

    def _complete(self, job: Job) -> None:
        final = job.part.with_suffix(".mp4")
        clip = finish(job.part, final)
        for note in job.notes:
            self._saved(saved_of(self._store, note, final, clip, job))


def saved_of(store: Store, note: Note, path: Path, clip: Clip, job: Job | None = None) -> Saved:
    """Return what is to be said of one event of a finished clip, with the picture that goes with it.

    `job` is None for a clip that was found. The picture of an event that still goes on may yet be bettered, so its
    SHA-256 is not said.
    """
    ended = {note.event_id: None} if job is None or job.lasted_s is None else job.lasted_s
    thumbnail = store.thumbnail(note.event_id)
    return Saved(
        event_id=note.event_id, name=_within(store, path), clip=clip, pre_roll_s=note.pre_roll_s, cause=note.cause,
        begun_s=note.begun_s, lasted_s=ended.get(note.event_id), lost=job.lost if job else 0, found=job is None,
        thumbnail=_within(store, thumbnail) if thumbnail else None,
        thumbnail_sha256=sha256_synced(thumbnail) if thumbnail and note.event_id in ended else None,
    )  # fmt: skip


def _within(store: Store, path: Path) -> str:
    return path.relative_to(store.folder).as_posix()
