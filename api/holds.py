"""Holding events and letting them go: facts that the gate journals, and the camera obeys.

A hold is answered when its fact is on the disk: from then on it holds, whoever is down or restarted meanwhile.
"""

from __future__ import annotations

from api.facts import journalled
from api.office import Office
from gate.model import JsonObject, Kind


async def hold(office: Office, event_id: str, reason: str, by: JsonObject) -> None:
    """Hold an event in a person's name; the same hold again changes nothing. Raises as `journalled`."""
    standing = await office.records(lambda reader: office.held.read(reader).own(event_id))
    if not any((one.by, one.reason, one.evidence_id) == (by, reason, "") for one in standing):
        await journalled(office, Kind.EVENT_HELD, {"event_id": event_id, "reason": reason}, by)


async def release(office: Office, event_id: str, reason: str, by: JsonObject) -> None:
    """End every hold of an event, a package's too; nothing where nobody holds it. Raises as `journalled`."""
    if await office.records(lambda reader: office.held.read(reader).own(event_id)):
        await journalled(office, Kind.EVENT_RELEASED, {"event_id": event_id, "reason": reason}, by)
