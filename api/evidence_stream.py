"""Handing one evidence package over, as an ASGI response.

What is read waits until the phone has taken what came before, so that memory does not grow with the package. If it ends
before its end (the phone is gone or takes nothing, the session or the right ended, a file broke) the answer is cut off,
which every client notices; a package never ends as if it were whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator, Iterator
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api import evidence
from api.accounts import AccountsError
from api.auth import Permission, permissions_of
from api.evidence_package import BrokenOffError, Package
from api.evidence_takings import Taking
from api.office import Office
from api.people import Session
from api.streams import Farewell
from gate.journal import JournalError, JournalReader

log = logging.getLogger(__name__)

AT_ONCE = 256 * 1024
STUCK_AFTER_S = 60.0
"""How long a phone may take none of it. It has the only room while it does."""


class EvidenceStream(Response):
    """Sends one package.

    Raises what `evidence.open_taking` and `evidence.begin` raise, `evidence_busy` and `too_many_streams`.
    """

    def __init__(
        self, office: Office, session: Session, evidence_id: str, stuck_after_s: float = STUCK_AFTER_S
    ) -> None:
        name = f"{office.settings.site.id}-{evidence_id}.zip"
        super().__init__(headers={
            "Content-Type": "application/zip", "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store", "X-Accel-Buffering": "no",
        })  # fmt: skip
        del self.headers["content-length"]
        self._office, self._session, self._evidence_id = office, session, evidence_id
        self._stuck_after_s = stuck_after_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make it, send it, and say what became of it."""
        del scope
        ended = asyncio.Event()

        def end(_: Farewell) -> None:
            ended.set()

        room, streams = self._office.evidence.room, self._office.streams
        with room.occupied(self._evidence_id), streams.opened(self._session.id, "evidence", end):
            taking = evidence.open_taking(self._office, self._session, self._evidence_id)
            package = await evidence.begin(self._office, self._session, taking)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            sending = asyncio.create_task(self._send_all(taking, package, send), name="evidence")
            leaving = [asyncio.create_task(_gone(receive), name="evidence-leaving"),
                       asyncio.create_task(_set(ended), name="evidence-ended")]  # fmt: skip
            try:
                await asyncio.wait((sending, *leaving), return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(sending, *leaving)
        if sending.cancelled():
            log.warning("evidence %s was not taken to its end", self._evidence_id)
        elif sending.result():  # the room is free again before the phone knows that it has all
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_all(self, taking: Taking, package: Package, send: Send) -> bool:
        """Send all but the end. Return whether that worked; it is sealed then."""
        out, work = Outgoing(package, self._office.evidence.room.reader), self._office.evidence.room.work
        try:
            while (part := await work(out.next)) is not None:
                if part:
                    self._refuse_without_right()
                    async with asyncio.timeout(self._stuck_after_s):
                        await send({"type": "http.response.body", "body": part, "more_body": True})
        except TimeoutError:
            log.warning("evidence %s broke off: nobody took any of it for a while", self._evidence_id)
            return False
        except (AccountsError, BrokenOffError, JournalError) as error:
            log.error("evidence %s broke off: %s", self._evidence_id, error)  # noqa: TRY400 - the reason is enough
            return False
        finally:
            await work(out.close)
        if package.sealed:
            await self._office.evidence.seal(taking, package.sealed, self._session.by())
        return True

    def _refuse_without_right(self) -> None:
        """Break off where the right was taken away meanwhile. A session that ended is told to `Streams`."""
        now = self._office.accounts.person(self._session.person.name)
        if now is None or now.disabled or Permission.EVIDENCE not in permissions_of(now.roles):
            raise BrokenOffError("the right to it was taken away")


class Outgoing:
    """A package and its reader of the journal, both of the packing room's thread."""

    def __init__(self, package: Package, reader: Callable[[], JournalReader]) -> None:
        self._package, self._open = package, reader
        self._reader: JournalReader | None = None
        self._parts: Iterator[bytes] = iter(())

    def next(self) -> bytes | None:
        """Return the next bytes, none after a while without any, None at the end."""
        if self._reader is None:
            self._reader = self._open()
            self._parts = self._package.parts(self._reader)
        held: list[bytes] = []
        size = 0
        for part in self._parts:
            held.append(part)
            size += len(part)
            if not part or size >= AT_ONCE:
                return b"".join(held)
        return b"".join(held) if held else None

    def close(self) -> None:
        """Close what is open."""
        if isinstance(self._parts, Generator):
            self._parts.close()
        if self._reader:
            self._reader.close()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _set(event: asyncio.Event) -> None:
    await event.wait()


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
