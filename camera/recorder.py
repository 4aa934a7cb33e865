"""Clips of events: what was seen before, during and after, cut from the encoded stream without touching a picture.

One thread owns the ring of recent access units and everything under way; a second one makes clips of what is written
(`finisher`). Others post messages, in the order of the stream, and are never held up by a slow card for longer than the
mailbox's patience; what it can't take is dropped up to the next key picture, counted and told. An event that begins
while the clip of another still runs joins it.
"""

from __future__ import annotations

import collections
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import assert_never

import av.error

from camera.catalogue import PART
from camera.cut import Cut
from camera.disk import DiskError
from camera.finisher import Finisher, Saved
from camera.h264 import nal_types
from camera.mailbox import Mailbox
from camera.messages import Begin, End, Limits, Lost, Message, Over, Stop
from camera.ring import Ring
from camera.segments import Segments, finish_left_over
from camera.source import AccessUnit, Stream
from camera.store import Deleted, Store, remedy

log = logging.getLogger(__name__)

CONFIRMING_S = 3.0
SWEEP_EVERY_S = 60.0
SOON_S = 1.0
RETRY_S = 5.0
SILENT_S = 10.0
FAR_BEHIND_S = 10.0
FAR_AHEAD_S = 60.0
MOST_GAPS = 100

__all__ = ["Begin", "End", "Limits", "Message", "Over", "Recorder", "Ring", "Saved", "Stop"]


class Recorder:
    """Recording. `saved`, `deleted` and `low` are called in its threads and must be quick.

    `clock_trusted` may be set by anybody: false while the wall clock is not believed, then nothing goes for its age.
    `failed` is what ended recording where nothing should have: only a new process records again.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one callback for each thing that people are told
        self, store: Store, limits: Limits, saved: Callable[[Saved], None], deleted: Callable[[Deleted], None],
        low: Callable[[int], None], mailbox: Mailbox | None = None,
    ) -> None:  # fmt: skip
        self._store, self._limits = store, limits
        self._saved, self._deleted, self._low = saved, deleted, low
        self._mail = mailbox or Mailbox()
        self._ring = Ring(limits.pre_roll_s + CONFIRMING_S)
        self._cuts: list[Cut] = []
        self._gaps: collections.deque[tuple[float, int]] = collections.deque(maxlen=MOST_GAPS)
        self._segments = Segments(store, limits.segment_s) if limits.segment_s else None
        self._finisher = Finisher(store, self._tell_saved, self._refuse_later, self._fail)
        self._newest_s: float | None = None
        self._heard_s = time.monotonic()
        self._next_sweep_s = 0.0
        self._told_low = False
        self._refused = ""
        self._thread = threading.Thread(target=self._run_or_fail, name="recorder", daemon=True)
        self.clock_trusted = True
        self.failed: Exception | None = None

    @property
    def dropped(self) -> int:
        """How many access units found no room, since the start."""
        return self._mail.dropped

    @property
    def trouble(self) -> str:
        """What keeps clips from being whole now, with the remedy; empty while nothing does."""
        if self._mail.skipping:
            return (
                f"the disk of {self._store.folder} is too slow, {self.dropped} pictures are not in any clip; use a "
                "faster card, or a smaller picture"
            )
        return self._refused

    def start(self) -> None:
        """Begin; what an earlier process left unfinished is finished meanwhile."""
        self._thread.start()

    def post(self, message: Message) -> None:
        """Hand over the next thing that happened. Waits at most the mailbox's patience, once until it is half empty."""
        self._mail.put(message)

    def close(self, timeout_s: float) -> None:
        """Finish every clip and wait at most `timeout_s`; a `.part` that remains is finished at the next start."""
        until_s = time.monotonic() + timeout_s
        self._mail.put(Stop())
        self._thread.join(timeout_s)
        self._finisher.close(max(0.0, until_s - time.monotonic()))

    def _run_or_fail(self) -> None:
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - told to whoever can start the process anew
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        log.error("recording has stopped by a fault of its own", exc_info=error)
        self.failed = error

    def _run(self) -> None:
        self._finisher.start()
        self._attempt("an unfinished piece can't be kept", lambda: finish_left_over(self._store))
        self._sweep()
        while True:
            message = self._mail.take(SOON_S)
            if isinstance(message, Stop):
                self._finish_all()
                return
            if message:
                self._obey(message)
            elif self._cuts and time.monotonic() - self._heard_s > SILENT_S:
                self._finish_all()  # the source is silent; what it showed is a clip now, not when it comes back
            if time.monotonic() >= self._next_sweep_s:
                self._sweep()

    def _obey(self, message: Stream | AccessUnit | Begin | End | Lost | Over) -> None:
        match message:
            case AccessUnit():
                self._take(message)
            case Begin():
                self._begin(replace(message, at_s=self._on_stream(message.at_s)))
            case End():
                for cut in self._cuts:
                    cut.end(message.event_id, self._on_stream(message.at_s))
            case Lost():
                self._lose(message.units)
            case Stream() | Over():
                self._finish_all(but_empty=isinstance(message, Stream))
                self._ring.clear()
                self._gaps.clear()
                self._newest_s = None
            case _:
                assert_never(message)

    def _on_stream(self, at_s: float) -> float:
        """Return a moment on the clock of the stream: a file that runs fast is ahead of everybody else's."""
        newest_s = self._newest_s
        if newest_s is None or newest_s - FAR_BEHIND_S <= at_s <= newest_s + FAR_AHEAD_S:
            return at_s
        return newest_s

    def _begin(self, begin: Begin) -> None:
        if not self._limits.enabled:
            return
        self._make_room()
        if self._store.low:
            return
        running = next((cut for cut in self._cuts if cut.can_take(begin, self._limits)), None)
        if running:
            self._on(running, lambda: running.join(begin))
            return
        part = self._store.folder / self._store.name(begin.event_id, begin.wall_s, PART)
        cut = Cut(part, begin, self._store.sync)
        self._cuts.append(cut)
        before = self._remembered(begin.at_s - self._limits.pre_roll_s)
        cut.lost = sum(units for at_s, units in self._gaps if before and at_s >= before[0].at_s)
        self._on(cut, lambda: cut.begin(before))

    def _remembered(self, since_s: float) -> list[AccessUnit]:
        """Return what was seen since a moment; nothing of a picture that stopped coming before it."""
        return [] if self._newest_s is None or self._newest_s < since_s else self._ring.since(since_s)

    def _lose(self, units: int) -> None:
        self._gaps.append((self._newest_s or 0.0, units))
        for cut in self._cuts:
            cut.lost += units

    def _take(self, unit: AccessUnit) -> None:
        self._heard_s = time.monotonic()
        self._newest_s = unit.at_s
        if not nal_types(unit.data):  # one unit that holds nothing would spoil the whole file
            self._lose(1)
            return
        self._ring.add(unit)
        segments = self._segments
        if segments:
            wall_s = time.time() - max(0.0, self._heard_s - unit.at_s)
            self._attempt("the continuous recording can't be written", lambda: segments.take(unit, wall_s))
        for cut in list(self._cuts):
            self._on(cut, lambda cut=cut: cut.write(unit))  # type: ignore[misc] # bound at once, called at once
            if cut.is_over(self._limits):
                self._finish(cut)

    def _on(self, cut: Cut, action: Callable[[], None]) -> None:
        if not self._attempt("the clip of an event can't be written", action):
            cut.refused = True

    def _attempt(self, what: str, action: Callable[[], None]) -> bool:
        try:
            action()
        except (OSError, av.error.FFmpegError) as error:
            self._refuse(what, error)
            self._next_sweep_s = 0.0
            return False
        return True

    def _refuse_later(self, what: str, error: DiskError) -> None:
        self._refuse(what, error)
        self._next_sweep_s = time.monotonic() + RETRY_S

    def _refuse(self, what: str, error: DiskError) -> None:
        trouble = f"{what} ({error}); {remedy(error, self._store.folder)}"
        if trouble != self._refused:
            log.error("%s", trouble)
        self._refused = trouble

    def _finish_all(self, *, but_empty: bool = False) -> None:
        for cut in list(self._cuts):
            if not (but_empty and cut.empty):
                self._finish(cut)
        if self._segments:
            self._attempt("the continuous recording can't be written", self._segments.close)

    def _finish(self, cut: Cut) -> None:
        self._cuts.remove(cut)
        job = cut.close()
        if job:
            self._finisher.add(job)

    def _tell_saved(self, saved: Saved) -> None:
        self._refused = ""
        self._saved(saved)

    def _make_room(self) -> None:
        """Sweep at once where the disk is nearly full, or was: what begins now shall not be what is lost."""
        with suppress(OSError):  # the folder is gone; it is made again with the first file
            if self._store.low or not self._store.has_room():
                self._sweep()

    def _sweep(self) -> None:
        self._next_sweep_s = time.monotonic() + SWEEP_EVERY_S
        try:
            for deleted in self._store.sweep(time.time(), trusted=self.clock_trusted):
                self._deleted(deleted)
        except OSError as error:
            self._refuse(f"the folder {self._store.folder} can't be looked after", error)
            return
        if self._store.undeletable:
            self._refuse("what is due can't be deleted", self._store.undeletable)
        if self._store.more:
            self._next_sweep_s = time.monotonic() + SOON_S
        with suppress(OSError):
            self._finisher.try_again()
        if self._store.low and not self._told_low:
            log.error("the disk of %s is nearly full; no clips until there is room", self._store.folder)
            self._low(self._store.free_bytes)
        self._told_low = self._store.low
