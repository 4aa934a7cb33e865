"""The memory of how the gate was: looks twice a minute, keeps a sample of each ten minutes, tells them as plots.

What was looked at in the present ten minutes is told too, so that a new gate shows something at once. A restart forgets
at most those. A disk that takes no sample is logged once, and tried with the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from api.board import Board
from api.clock import Clock
from api.history import FOLDS, MOST_POINTS, Figures, Sample, fold, of_snapshot, series, slot_of, step_s
from api.ring import Ring
from gate.journal import utc
from gate.model import Json, JsonObject

log = logging.getLogger(__name__)

HEALTH_FILE = "health.ring"
LOOK_EVERY_S = 30.0
LOOK_SOON_S = 2.0
DAY_S = 86_400


class HealthLog:
    """Its one writer. `take` and `told` wait for the disk: to be called in a thread, one at a time."""

    def __init__(self, ring: Ring, board: Board, clock: Clock) -> None:
        self._ring, self._board, self._clock = ring, board, clock
        self._slot_s = 0
        self._looks: list[Figures] = []
        self._refused = self._heard = False
        self._one_at_a_time = asyncio.Lock()

    async def watch(self, snapshot: Callable[[], JsonObject | None]) -> None:
        """Look for as long as the process lives; what is gathered then is kept."""
        try:
            while True:
                async with self._one_at_a_time:
                    await asyncio.to_thread(self.take, snapshot(), self._clock.wall_s())
                await asyncio.sleep(LOOK_EVERY_S if self._heard else LOOK_SOON_S)
        finally:
            self.keep()

    async def tell(self, days: int) -> JsonObject:
        """Return how the board is now and how all was through the last days."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self.told, days, self._clock.wall_s())

    def take(self, snapshot: JsonObject | None, now_s: float) -> None:
        """Take one look. The one that begins other ten minutes keeps those before, forward or back.

        A gate that was not heard yet, because this process has just begun, is not one that does not answer.
        """
        self._heard = self._heard or snapshot is not None
        if slot_of(now_s) != self._slot_s:
            self.keep()
            self._slot_s, self._looks = slot_of(now_s), []
        look = {**self._board.look(), **(of_snapshot(snapshot) if self._heard else {})}
        self._looks.append({name: value for name, value in look.items() if name in FOLDS})

    def keep(self) -> None:
        """Write down what was gathered in these ten minutes."""
        if not self._looks:
            return
        try:
            self._ring.write(Sample(at_s=self._slot_s, figures=fold(self._looks)))
            self._refused = False
        except OSError as error:
            if not self._refused:
                log.warning("how the gate is was not kept (%s); plots will have a gap", error)
            self._refused = True

    def told(self, days: int, now_s: float) -> JsonObject:
        """Return the answer of `GET /health/history`."""
        step = step_s(days)
        count = min(MOST_POINTS, days * DAY_S // step)
        begin_s = int(now_s // step - count + 1) * step
        samples = self._ring.read(begin_s, begin_s + count * step)
        present = [Sample(at_s=self._slot_s, figures=fold(self._looks))] if self._looks else []
        kept = [sample for sample in samples if not present or sample.at_s != self._slot_s]
        now: dict[str, Json] = {**self._board.look()}
        return {
            "at": utc(now_s), "since": utc(begin_s), "step_s": step, "now": now,
            "series": {**series([*kept, *present], begin_s, step, count)},
        }  # fmt: skip
