"""What this process has the gate write to its journal: sign-ins, changes of people, orders without the right.

Reports wait in accounts.db until the gate took them, so that one made while the gate was away, or by the command line,
is not lost. A stranger's guesses can't flood the journal: failures above `MOST_FAILURES` a minute are counted only.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass

from api.accounts import AccountsError, Store, Writer
from gate.client import Client, GateUnavailableError, RequestRefusedError
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

MOST_FAILURES = 30
WINDOW_S = 60.0
LOOK_EVERY_S = 1.0
AT_ONCE = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One fact that waits for the gate. `by` is None for this process itself."""

    number: int
    kind: Kind
    data: JsonObject
    by: JsonObject | None


class Reports:
    """The reports that wait, in order. A view of a `Store`, cheap to make."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, kind: Kind, data: JsonObject, by: JsonObject | None) -> None:
        """Add one."""
        with self._store.changing(durable=False) as db:
            values = (kind.value, json.dumps(data, ensure_ascii=False), json.dumps(by, ensure_ascii=False))
            db.execute("INSERT INTO report (kind, data, by) VALUES (?, ?, ?)", values)

    def waiting(self) -> list[Report]:
        """Return the oldest ones."""
        rows = self._store.rows("SELECT number, kind, data, by FROM report ORDER BY number LIMIT ?", AT_ONCE)
        return [
            Report(number=int(str(n)), kind=Kind(str(kind)), data=json.loads(str(data)), by=json.loads(str(by)))
            for n, kind, data, by in rows
        ]

    def drop(self, number: int) -> None:
        """Forget one that the gate took."""
        with self._store.changing(durable=False) as db:
            db.execute("DELETE FROM report WHERE number = ?", (number,))


class Reporter:
    """Passes reports on to the gate for as long as it runs."""

    def __init__(self, store: Store, writer: Writer, gate: Client) -> None:
        self._waiting = Reports(store)
        self._writer = writer
        self._gate = gate
        self._more = asyncio.Event()
        self._window_at_s = 0.0
        self._failures = 0

    async def tell(self, kind: Kind, data: JsonObject, by: JsonObject | None) -> None:
        """Have a fact journalled, now or when the gate is back. A full disk is logged and holds nobody."""
        try:
            await self._writer(lambda store: Reports(store).add(kind, data, by))
        except AccountsError as error:
            log.error("%s is not journalled: %s", kind.value, error)  # noqa: TRY400 - the reason is enough
        self._more.set()

    async def tell_failure(self, data: JsonObject, by: JsonObject | None) -> None:
        """Have a failed sign-in journalled, unless there were too many in this minute."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._window_at_s > WINDOW_S:
            if self._failures > MOST_FAILURES:
                log.warning("%d more failed sign-ins were not journalled", self._failures - MOST_FAILURES)
            self._window_at_s, self._failures = now_s, 0
        self._failures += 1
        if self._failures <= MOST_FAILURES:
            await self.tell(Kind.USER_SIGN_IN_FAILED, data, by)

    async def run(self) -> None:
        """Pass on what waits, and look each second whether the command line added something."""
        while True:
            if self._gate.connected.is_set():
                try:
                    await self._pass_on()
                except (GateUnavailableError, AccountsError) as error:
                    log.warning("reports wait: %s", error)
            self._more.clear()
            try:
                await asyncio.wait_for(self._more.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue

    async def _pass_on(self) -> None:
        while waiting := self._waiting.waiting():
            for report in waiting:
                try:
                    await self._gate.report(report.kind.value, report.data, report.by)
                except RequestRefusedError as error:
                    log.error("the gate did not take a report: %s", error)  # noqa: TRY400 - a repeat would not help
                await self._drop(report.number)

    async def _drop(self, number: int) -> None:
        await self._writer(lambda store: Reports(store).drop(number))
