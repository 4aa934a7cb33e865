"""The packages that wait to be taken: what is held for them, and when they are given up.

Everything that ends a package ends its hold too: sealed, an hour over, or too many of one person. The process may die
at any moment: what waits stands in accounts.db, and a release that the gate has not heard of waits with the reports.
"""

from __future__ import annotations

import asyncio
import logging

from api.accounts import AccountsError, Store, Writer
from api.clock import Clock
from api.evidence_package import Sealed
from api.evidence_room import PackingRoom
from api.evidence_takings import Status, Taking, Takings
from api.reports import Reporter, Reports
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

MOST_WAITING = 5
LOOK_EVERY_S = 60.0


class Shelf:
    """What waits, and the room where it is packed."""

    def __init__(self, room: PackingRoom, store: Store, write: Writer, reporter: Reporter, clock: Clock) -> None:
        self.room = room
        self.takings = Takings(store)
        self._write, self._reporter, self._clock = write, reporter, clock

    async def put(self, taking: Taking, session_id: str) -> None:
        """Remember one; the person's oldest give way beyond `MOST_WAITING`. Raises `AccountsError`."""
        waiting = [one for one in self.takings.unfinished() if one.person == taking.person]
        for oldest in waiting[: max(0, len(waiting) - MOST_WAITING + 1)]:
            if oldest.evidence_id != self.room.current:
                await self.give_up(oldest)
        await self._write(lambda store: Takings(store).add(taking, session_id))

    async def begin(self, taking: Taking) -> None:
        """Note that it is being handed over. Raises `AccountsError`."""
        await self._write(lambda store: Takings(store).set_status(taking.evidence_id, Status.BEGUN))

    async def seal(self, taking: Taking, sealed: Sealed, by: JsonObject) -> None:
        """Note that it was handed over whole, and journal it. A disk that takes nothing more is logged."""
        data: JsonObject = {
            "evidence_id": taking.evidence_id, "manifest_sha256": sealed.manifest_sha256, "files": sealed.files,
            "bytes": sealed.bytes, "missing": list(sealed.missing), "altered": list(sealed.altered),
        }  # fmt: skip
        await self._reporter.tell(Kind.EVIDENCE_SEALED, data, by)

        def note(store: Store) -> None:
            _release(store, taking)
            Takings(store).seal(taking.evidence_id, sealed)

        try:
            await self._write(note)
        except AccountsError as error:
            log.error("that evidence was taken is in the journal alone: %s", error)  # noqa: TRY400 - the reason is enough

    async def give_up(self, taking: Taking) -> None:
        """Let one go that was not taken. Raises `AccountsError`."""

        def end(store: Store) -> None:
            _release(store, taking)
            Takings(store).set_status(taking.evidence_id, Status.EXPIRED)

        await self._write(end)

    async def watch(self) -> None:
        """Give up what waited too long, for as long as this runs."""
        while True:
            try:
                await self.expire()
            except AccountsError as error:
                log.warning("evidence that was not taken stays held: %s", error)
            await asyncio.sleep(LOOK_EVERY_S)

    async def expire(self) -> None:
        """Give up what waited too long. Raises `AccountsError`."""
        now_s = self._clock.wall_s()
        for taking in self.takings.unfinished():
            if not taking.is_open(now_s) and taking.evidence_id != self.room.current:
                await self.give_up(taking)


def _release(store: Store, taking: Taking) -> None:
    """Have the hold ended. Before it is noted that the package is over: nobody would think of it afterwards."""
    if taking.choice.event_ids:
        data: JsonObject = {"event_ids": list(taking.choice.event_ids), "evidence_id": taking.evidence_id}
        Reports(store).add(Kind.EVENT_RELEASED, data, None)
