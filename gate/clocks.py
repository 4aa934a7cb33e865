"""The wall clock, for people and for the timetable: whether it is believed, when it jumps, what the timetable wants.

Nothing moves because time jumped (I7): the rules are told what the timetable wants, and only a boundary that time
really crossed moves anything (`schedule.observe`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from dataclasses import replace

from config.schema import Settings
from gate import wallclock
from gate.memory import Plan
from gate.model import JsonObject
from gate.rulebook import timetable_of
from gate.schedule import Look, Outlook, Timetable, observe

CHECK_S = 1.0
JUMP_S = 2.0


class Clocks:
    """Looks at both clocks once a second.

    `changed` is called with the fact's data when the wall clock jumps or its trust changes; `plan` with what the
    timetable wants; `looked` after each look.
    """

    def __init__(
        self,
        settings: Settings,
        changed: Callable[[JsonObject], None],
        plan: Callable[[Plan, float], None],
        looked: Callable[[], None],
    ) -> None:
        self._simulated = settings.simulated
        self._timetable = timetable_of(settings)
        self._changed = changed
        self._plan = plan
        self._looked = looked
        self._outlook: Outlook | None = None
        self._offset_s = 0.0
        self.trusted = False

    def open(self) -> None:
        """Look for the first time; that moves nothing."""
        self.trusted = self._is_believed()
        self._offset_s = time.time() - time.monotonic()

    def follow(self, timetable: Timetable) -> None:
        """Go by another timetable from now on. That moves nothing: what it wants already is only known (I7)."""
        before = self._outlook
        if before is None:
            self._timetable = timetable
            return
        self.look()  # whatever the one before wanted until this moment is settled first
        self._timetable = timetable
        seen = (self._outlook or before).look
        self._outlook = observe(timetable, seen, self._outlook)
        self._plan(replace(self._outlook.plan, renewed=True), seen.mono_s)

    def timetable(self) -> JsonObject | None:
        """Return what is published of the timetable, None where the site has none."""
        return self._outlook.plain() if self._outlook and self._timetable.periods else None

    def look(self) -> None:
        """Look at both clocks, and tell the rules what the timetable wants now."""
        offset_s = time.time() - time.monotonic()
        jump_s, self._offset_s = offset_s - self._offset_s, offset_s
        trusted = self._is_believed()
        if abs(jump_s) > JUMP_S or trusted is not self.trusted:
            self.trusted = trusted
            self._changed({"jump_ms": round(jump_s * 1000), "trusted": trusted})
        seen = Look(utc=dt.datetime.now(dt.UTC), trusted=trusted, mono_s=time.monotonic())
        self._outlook = observe(self._timetable, seen, self._outlook)
        self._plan(self._outlook.plan, seen.mono_s)
        self._looked()

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(CHECK_S)

    def _is_believed(self) -> bool:
        return self._simulated or wallclock.is_synchronised()
