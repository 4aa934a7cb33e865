"""Having a deed journalled before it is answered: what is said to be done stands in the journal, on the disk.

`Reporter.tell` (reports.py) is for what has happened already and may reach the journal later. `journalled` is for what
only the journal makes true (a hold), or what must be in it before the next step (evidence is taken).
"""

from __future__ import annotations

import asyncio

from api.office import ANSWER_WITHIN_S, Office, ask_gate
from api.problems import ProblemError
from gate.client import RequestRefusedError
from gate.journal import JournalReader
from gate.model import Fact, JsonObject, Kind

FIRST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.1
PAGE = 200


async def journalled(
    office: Office, kind: Kind, data: JsonObject, by: JsonObject, within_s: float = ANSWER_WITHIN_S
) -> Fact:
    """Have the gate journal a fact; return it once it is on the disk, with its place in the chain.

    Raises the problems `gate_down` where the gate does not answer, and `journal_unavailable` where it refuses, or where
    the row is not seen within `within_s`: a full disk. Then the gate still has it in memory and writes it when it can;
    asking again may make it twice. Cancelling the wait takes nothing back either.
    """
    before = await office.records(lambda reader: reader.last_seq())
    try:
        queued = await ask_gate(office, "report", kind=kind.value, data=data, by=by)
    except RequestRefusedError as error:
        raise ProblemError("journal_unavailable", f"The gate did not take the fact: {error}") from None
    try:
        async with asyncio.timeout(within_s):
            return await _seen(office, kind, str(queued.get("id")), before)
    except TimeoutError:
        raise ProblemError("journal_unavailable", "The gate can't write its journal now.") from None


async def _seen(office: Office, kind: Kind, fact_id: str, after: int) -> Fact:
    def look(reader: JournalReader) -> Fact | None:
        found = reader.read(kinds=(kind.value,), after=after, limit=PAGE)
        return next((fact for fact in found if fact.id == fact_id), None)

    pause_s = FIRST_PAUSE_S
    while (fact := await office.records(look)) is None:
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
    return fact
