"""Clips of events: what was seen before, during and after, cut from the encoded stream without touching a picture.

One thread owns everything here: the ring of recent access units, the clips under way, the disk. Others post messages
to it, in the order of the stream, and are never held up by a slow card: what the queue can't take is dropped up to the
next key picture and counted. Every event has a clip of its own; two events close together share pictures.
"""

from __future__ import annotations

import collections
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, assert_never

import av.error

from camera.clip import BrokenClipError, Clip, ClipWriter, Note, finish
from camera.source import AccessUnit, Stream
from camera.store import Deleted, Store, remedy

log = logging.getLogger(__name__)

CONFIRMING_S = 3.0
RING_BYTES = 64 * 1024**2
LONGEST_QUEUE = 1500
PUT_WAIT_S = 2.0
SWEEP_EVERY_S = 60.0
UNITS_AT_LEAST = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the configuration asks of clips; seconds."""

    pre_roll_s: float
    post_roll_s: float
    max_clip_s: float
    enabled: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Begin:
    """An event began at `at_s` (clock of the stream), `wall_s` (Unix time)."""

    event_id: str
    at_s: float
    wall_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """An event ended at `at_s`; its clip goes on for the post-roll."""

    event_id: str
    at_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Over:
    """The stream has ended: nothing more comes, finish every clip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """Finish every clip and end the thread."""


Message: TypeAlias = Stream | AccessUnit | Begin | End | Over | Stop


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """A clip is whole and in its place; `name` is relative to the media folder."""

    event_id: str
    name: str
    clip: Clip
    pre_roll_s: float


class Ring:
    """The newest access units, whole groups of pictures, bounded in seconds and bytes."""

    def __init__(self, keep_s: float, most_bytes: int = RING_BYTES) -> None:
        self._keep_s = keep_s
        self._most_bytes = most_bytes
        self._groups: collections.deque[list[AccessUnit]] = collections.deque()
        self._bytes = 0

    def add(self, unit: AccessUnit) -> None:
        """Take one unit; forget groups that are too old, or too many bytes, but never the newest group."""
        if unit.key:
            self._groups.append([])
        if not self._groups:
            return
        self._groups[-1].append(unit)
        self._bytes += len(unit.data)
        while len(self._groups) > 1 and (
            self._bytes > self._most_bytes or self._groups[1][0].at_s <= unit.at_s - self._keep_s
        ):
            self._bytes -= sum(len(old.data) for old in self._groups.popleft())

    def since(self, at_s: float) -> list[AccessUnit]:
        """Return the units from the key picture at or before `at_s`, or all where none is that old."""
        first = 0
        for index, group in enumerate(self._groups):
            if group[0].at_s <= at_s:
                first = index
        return [unit for group in list(self._groups)[first:] for unit in group]

    def clear(self) -> None:
        """Forget everything."""
        self._groups.clear()
        self._bytes = 0


@dataclass(slots=True)
class Cut:
    """A clip under way. `writer` is None until a key picture comes and after the disk refused."""

    begin: Begin
    part: Path
    writer: ClipWriter | None = None
    refused: bool = False
    first_s: float = 0.0
    units: int = 0
    end_s: float | None = None


class Recorder:
    """The recording thread. `saved` and `deleted` are called in it and must be quick."""

    def __init__(
        self, store: Store, limits: Limits, saved: Callable[[Saved], None], deleted: Callable[[Deleted], None],
        low: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._store = store
        self._limits = limits
        self._saved, self._deleted, self._low = saved, deleted, low
        self._queue: queue.Queue[Message] = queue.Queue(LONGEST_QUEUE)
        self._ring = Ring(limits.pre_roll_s + CONFIRMING_S)
        self._cuts: list[Cut] = []
        self._next_sweep_s = 0.0
        self._told_low = False
        self._skipping = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self.dropped = 0
        self.trouble = ""

    def start(self) -> None:
        """Begin; what an earlier process left unfinished is finished first."""
        self._thread.start()

    def post(self, message: Message) -> None:
        """Hand over the next thing that happened. A unit that finds the queue full for 2 s is dropped and counted."""
        unit = message if isinstance(message, AccessUnit) else None
        if unit and self._skipping and not unit.key:
            self.dropped += 1
            return
        try:
            self._queue.put(message, timeout=PUT_WAIT_S if unit else None)
            if unit:
                self._skipping = False
        except queue.Full:
            self.dropped += 1
            self._skipping = True

    def close(self, timeout_s: float) -> None:
        """Finish every clip and wait at most `timeout_s`; a `.part` that remains is finished at the next start."""
        try:
            self._queue.put(Stop(), timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        self._sweep()
        self._finish_left_over()
        while True:
            try:
                message = self._queue.get(timeout=SWEEP_EVERY_S)
            except queue.Empty:
                self._sweep()
                continue
            if isinstance(message, Stop):
                self._finish_all()
                return
            self._obey(message)
            if time.monotonic() >= self._next_sweep_s:
                self._sweep()

    def _obey(self, message: Stream | AccessUnit | Begin | End | Over) -> None:
        match message:
            case AccessUnit():
                self._take(message)
            case Begin():
                self._begin(message)
            case End():
                for cut in self._cuts:
                    if cut.begin.event_id == message.event_id:
                        cut.end_s = message.at_s
            case Stream() | Over():
                self._finish_all()
                self._ring.clear()
            case _:
                assert_never(message)

    def _begin(self, begin: Begin) -> None:
        if not self._limits.enabled or self._store.low:
            return
        part = self._store.folder / self._store.name(begin.event_id, begin.wall_s, ".part")
        cut = Cut(begin=begin, part=part)
        self._cuts.append(cut)
        for unit in self._ring.since(begin.at_s - self._limits.pre_roll_s):
            self._write(cut, unit)

    def _take(self, unit: AccessUnit) -> None:
        self._ring.add(unit)
        for cut in list(self._cuts):
            self._write(cut, unit)
            over = cut.end_s is not None and unit.at_s >= cut.end_s + self._limits.post_roll_s
            if over or (cut.units and unit.at_s - cut.first_s >= self._limits.max_clip_s):
                self._finish(cut)

    def _write(self, cut: Cut, unit: AccessUnit) -> None:
        if cut.refused or (cut.writer is None and not unit.key):
            return
        try:
            if cut.writer is None:
                pre_roll_s = round(max(0.0, cut.begin.at_s - unit.at_s), 3)
                cut.writer = ClipWriter(cut.part, unit, Note(event_id=cut.begin.event_id, pre_roll_s=pre_roll_s))
                cut.first_s = unit.at_s
            cut.writer.write(unit)
            cut.units += 1
        except (OSError, av.error.FFmpegError) as error:
            cut.refused = True
            self._refuse("the clip of an event can't be written", error)

    def _refuse(self, what: str, error: OSError | av.error.FFmpegError) -> None:
        trouble = f"{what} ({error}); {remedy(error, self._store.folder)}"
        if trouble != self.trouble:
            log.error("%s", trouble)
        self.trouble = trouble
        self._next_sweep_s = 0.0

    def _finish_all(self) -> None:
        for cut in list(self._cuts):
            self._finish(cut)

    def _finish(self, cut: Cut) -> None:
        self._cuts.remove(cut)
        if cut.writer is None:
            return
        try:
            cut.writer.close()
        except (OSError, av.error.FFmpegError) as error:
            log.warning("the last second of a clip is lost (%s)", error)
        self._complete(cut.part, cut.begin.event_id)

    def _complete(self, part: Path, event_id: str) -> None:
        """Turn a `.part` into the clip and tell; keep it for the next start where the disk refuses."""
        final = part.with_suffix(".mp4")
        try:
            clip = finish(part, final)
        except BrokenClipError as error:
            log.warning("%s; removed", error)
            part.unlink(missing_ok=True)
            return
        except (OSError, av.error.FFmpegError) as error:
            self._refuse("a clip can't be finished", error)
            return
        self.trouble = ""
        name = final.relative_to(self._store.folder).as_posix()
        pre_roll_s = clip.note.pre_roll_s if clip.note else 0.0
        self._saved(Saved(event_id=event_id, name=name, clip=clip, pre_roll_s=pre_roll_s))

    def _finish_left_over(self) -> None:
        for part in self._store.unfinished():
            log.info("finishing %s, which an earlier run left", part.name)
            self._complete(part, part.stem)

    def _sweep(self) -> None:
        self._next_sweep_s = time.monotonic() + SWEEP_EVERY_S
        try:
            for deleted in self._store.sweep(time.time()):
                self._deleted(deleted)
        except OSError as error:
            self._refuse(f"the folder {self._store.folder} can't be looked after", error)
            return
        if self._store.low and not self._told_low:
            log.error("the disk of %s is nearly full; no clips until there is room", self._store.folder)
            self._low(self._store.free_bytes)
        self._told_low = self._store.low
