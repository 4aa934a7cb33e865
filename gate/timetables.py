"""The timetable in force: the configuration's until people set one, and from then on theirs.

- A change is in force at once, and moves nothing (I7). It is told by one fact, `timetable_changed`, which holds all of
  it; only when that row is safe does `state.json` hold it too. So the newest such row and the timetable in force are
  always the same, whenever the power goes: at a start the newer of the two is taken.
- Who changes it says which revision they looked at. Somebody else's change in between is never overwritten unseen.
- One that does not fit the site any more (its beam or its buzzer was taken out) rests as a whole until people set
  another: health says why, and nothing moves for it (I12).
- An answer waits for the disk, but not for long: a disk that refuses stops nothing, and `kept` says so.
- To read a timetable takes milliseconds, which the loop does not have: a thread does it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from config import periods
from config.problem import Problem
from config.schema import Settings
from config.timetable import Period
from gate.journal import utc
from gate.memory import KeptTimetable
from gate.model import Fact, Json, JsonObject, Origin
from gate.plain import PlainError, decode, encode
from gate.schedule import Timetable, wants_at
from gate.server import TimetableWish, problem
from gate.week import timetable_from

log = logging.getLogger(__name__)

KEPT_WITHIN_S = 2.0
US = Origin(type="process", id="gate")
Periods: TypeAlias = tuple[Period, ...]


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What a timetable may do to the world. `write` has a `timetable_changed` journalled; `wall_s` is UTC seconds."""

    write: Callable[[Origin, JsonObject], None]
    follow: Callable[[Timetable], None]
    keep: Callable[[], None]
    wall_s: Callable[[], float]


class Timetables:
    """Keeps the timetable in force. All calls come in the event loop."""

    def __init__(self, settings: Settings, effects: Effects, kept_within_s: float = KEPT_WITHIN_S) -> None:
        self._settings = settings
        self._effects = effects
        self._kept_within_s = kept_within_s
        self._periods = settings.gate.timetable
        self._set: KeptTimetable | None = None
        self._unsafe: dict[int, KeptTimetable] = {}
        self._misfits: tuple[Problem, ...] = ()
        self._told: tuple[KeptTimetable | None, JsonObject] | None = None
        self._on_disk = 0
        self._waiting: dict[int, asyncio.Event] = {}
        self.safe: KeptTimetable | None = None
        """What `state.json` is to hold: what people set, as far as its fact is in the journal."""

    @property
    def revision(self) -> int:
        """Which change is in force; 0: nobody ever changed the configuration's."""
        return self._set.revision if self._set else 0

    @property
    def trouble(self) -> str:
        """Why the timetable rests: what does not fit the site any more, empty where all does."""
        return f"the timetable rests: {self._misfits[0]}" if self._misfits else ""

    def take_up(self, kept: KeptTimetable | None, newest: Fact | None) -> None:
        """Have in force what was in force before the restart: what `state.json` or the journal's newest row says."""
        last = last_set(kept, newest)
        if last is None:
            return
        self._set = last
        try:
            read = periods.parse([*last.periods])
        except periods.PeriodsError as error:
            log.error("revision %d of the timetable is not understood: %s", last.revision, error)  # noqa: TRY400 - the reason is enough
            self._fall_back()
            return
        self.safe = last
        self._periods, self._misfits = read, periods.misfits(read, self._settings)
        log.info("the timetable is revision %d that people set, not the configuration's", last.revision)
        self._effects.follow(self._made_of(read, rests=bool(self._misfits)))

    def plain(self) -> JsonObject:
        """Return the timetable in force as JSON data, who set it (null: the configuration) and what misfits.

        Made once a change, not once a question: whoever may look may ask without end.
        """
        set_by = self._set
        if self._told and self._told[0] is set_by:
            return self._told[1]
        self._told = (
            set_by,
            {
                "revision": self.revision,
                "timezone": self._settings.site.timezone,
                "periods": [_json(periods.written(period)) for period in self._periods],
                "set_at": set_by.at if set_by else None,
                "set_by": set_by.by.plain() if set_by else None,
                "reason": set_by.reason if set_by else "",
                "misfits": _told(self._misfits),
            },
        )
        return self._told[1]

    async def change(self, wish: TimetableWish) -> JsonObject:
        """Put another timetable in force, or say why not; returns the whole answer: `ok`, or `error`."""
        if wish.revision != self.revision:
            return self._stale()
        try:
            read, made_of = await asyncio.to_thread(self._prepare, wish.periods)
        except periods.PeriodsError as error:
            title = f"The timetable can't be used: {error.problems[0]}."
            return {"error": {**problem("invalid_timetable", title, "Correct it."), "errors": _told(error.problems)}}
        if wish.revision != self.revision:  # somebody was faster while it was read
            return self._stale()
        self._put_in_force(wish.by.origin(), wish.reason, read, made_of)
        told = self.plain()
        return {"ok": {**told, "kept": await self._is_kept(self.revision)}}

    def journalled(self, fact: Fact) -> None:
        """Take note that a `timetable_changed` is safe in the journal: it may be kept now."""
        made = self._unsafe.pop(int(str(fact.data.get("revision", 0))), None)
        if made and (self.safe is None or made.revision > self.safe.revision):
            self.safe = made
            self._effects.keep()

    def written(self, revision: int) -> None:
        """Take note of which revision `state.json` holds now."""
        self._on_disk = max(self._on_disk, revision)
        for waited in [waited for waited in self._waiting if waited <= revision]:
            self._waiting.pop(waited).set()

    def _prepare(self, given: object) -> tuple[Periods, Timetable]:
        """Read a timetable and reckon with it once; called in a thread, so that the loop finds it reckoned."""
        read = periods.read(given, self._settings)
        made_of = self._made_of(read)
        wants_at(made_of, dt.datetime.fromtimestamp(self._effects.wall_s(), dt.UTC))
        return read, made_of

    def _fall_back(self) -> None:
        """Go by the configuration instead of what another program set; that has its row and a revision of its own."""
        told = f"revision {self.revision} is not understood by this program; the configuration's is in force"
        first = self._settings.gate.timetable
        self._put_in_force(US, told, first, self._made_of(first))

    def _made_of(self, read: Periods, *, rests: bool = False) -> Timetable:
        return timetable_from(self._settings.site.timezone, read, rests=rests)

    def _put_in_force(self, by: Origin, reason: str, read: Periods, made_of: Timetable) -> None:
        plain = tuple(_json(periods.written(period)) for period in read)
        made = KeptTimetable(
            revision=self.revision + 1, at=utc(self._effects.wall_s()), by=by, reason=reason, periods=plain
        )
        self._unsafe[made.revision] = made
        self._effects.write(by, {"revision": made.revision, "reason": reason, "periods": [*plain]})
        self._set, self._periods, self._misfits = made, read, ()
        self._effects.follow(made_of)

    async def _is_kept(self, revision: int) -> bool:
        """Wait until `state.json` holds this revision, but not for long; tell whether it does."""
        if self._on_disk < revision:
            waited = self._waiting.setdefault(revision, asyncio.Event())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waited.wait(), self._kept_within_s)
        return self._on_disk >= revision

    def _stale(self) -> JsonObject:
        title = f"The timetable was changed in the meantime; its revision is {self.revision}."
        return {"error": {**problem("stale_timetable", title, "Look at it again."), "revision": self.revision}}


def last_set(kept: KeptTimetable | None, newest: Fact | None) -> KeptTimetable | None:
    """Return what people set last, by `state.json` and the journal's newest row; None where nobody ever did."""
    journalled = _from_fact(newest) if newest else None
    return max((one for one in (kept, journalled) if one), key=lambda one: one.revision, default=None)


def _from_fact(fact: Fact) -> KeptTimetable | None:
    """Return the timetable that a `timetable_changed` tells of, None where it tells of none."""
    told = {"revision": fact.data.get("revision"), "at": fact.at, "by": fact.by,
            "reason": fact.data.get("reason"), "periods": fact.data.get("periods")}  # fmt: skip
    try:
        return decode(KeptTimetable, told, "timetable_changed")
    except PlainError as error:
        log.error("the journal's newest timetable is not understood: %s", error)  # noqa: TRY400 - the reason is enough
        return None


def _json(value: object) -> JsonObject:
    plain = encode(value)
    return plain if isinstance(plain, dict) else {}


def _told(problems: tuple[Problem, ...]) -> list[Json]:
    return [{"field": found.key, "message": found.text} for found in problems]
