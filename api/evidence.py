"""Evidence: a commander chooses a span or events, gives the reason, and gets one signed package.

- Asking (`ask`) makes a choice, holds its events and answers where the package can be had, for an hour. Taking
  (evidence_stream.py) journals `evidence_taken` before a byte leaves, and `evidence_sealed` when the last one has left.
- A package is taken once, by the person who asked. One that broke off may be tried again; each try is journalled.
- What becomes of it meanwhile stands in evidence_shelf.py, what is chosen in evidence_choice.py, what is made in
  evidence_package.py.
"""

from __future__ import annotations

from api.calls import BASE
from api.evidence_choice import Choice, Source, chosen, of_events, of_span, sources
from api.evidence_key import EvidenceKeyError, SigningKey, is_made, open_key
from api.evidence_manifest import Header
from api.evidence_package import Package, Sealed
from api.evidence_schemas import EvidenceRequest
from api.evidence_takings import LASTS_S, Status, Taking
from api.facts import journalled
from api.moments import as_kept
from api.office import Office
from api.people import UNNAMED, Session
from api.problems import ProblemError
from api.record import write_record
from api.version import version
from gate.client import new_id
from gate.journal import JournalReader, utc
from gate.model import JsonObject, Kind

LISTED = 100


async def ask(office: Office, session: Session, asked: EvidenceRequest) -> JsonObject:
    """Choose, hold and remember; return what there is and where it can be had.

    Raises the problems `invalid_request`, `no_such_event`, `evidence_empty`, `evidence_too_large`,
    `evidence_key_unusable`, `gate_down` and `journal_unavailable`, and `AccountsError`.
    """
    now_s, shelf = office.clock.wall_s(), office.evidence
    await _key(office)
    choice = await _choose(office, asked, now_s)
    _, found = await _found(office, choice)
    sizes = await shelf.room.work(lambda: [_size(source) for source in found])
    clips = sum(size is not None and source.what == "clip" for source, size in zip(found, sizes, strict=True))
    taking = Taking(
        evidence_id=new_id(), person=session.person.name, at=now_s, reason=asked.reason,
        place=asked.place or office.settings.site.name, choice=choice, clips=clips, status=Status.ASKED, sealed=None,
    )  # fmt: skip
    await shelf.put(taking, session.id)
    await _hold(office, session, taking)
    return {
        "evidence_id": taking.evidence_id, "url": address(taking), "events": len(choice.event_ids), "clips": clips,
        "bytes": sum(size or 0 for size in sizes), "rows": choice.last_seq - choice.first_seq + 1,
        "missing": sum(size is None for size in sizes), "expires_at": utc(now_s + LASTS_S),
    }  # fmt: skip


def listed(office: Office, session: Session) -> list[JsonObject]:
    """Return what was asked for, newest first."""
    return [_plain(office, session, taking) for taking in office.evidence.takings.newest(LISTED)]


async def fingerprint(office: Office) -> str | None:
    """Return the fingerprint of the gate's key, None where it has none yet. Raises `evidence_key_unusable`."""
    return (await _key(office)).fingerprint if is_made(office.settings.storage.state_dir) else None


def open_taking(office: Office, session: Session, evidence_id: str) -> Taking:
    """Return a package that this person may take now. Raises the problems `no_such_evidence` and `evidence_over`."""
    taking = office.evidence.takings.find(evidence_id)
    if taking is None or taking.person != session.person.name:
        raise ProblemError("no_such_evidence")
    if not taking.is_open(office.clock.wall_s()):
        raise ProblemError("evidence_over")
    return taking


async def begin(office: Office, session: Session, taking: Taking) -> Package:
    """Journal that a package is taken, and return it ready to be sent.

    Raises the problems `evidence_key_unusable`, `gate_down` and `journal_unavailable`, and `AccountsError`.
    """
    key = await _key(office)
    choice, found = await _found(office, taking.choice)
    await office.evidence.begin(taking)
    data: JsonObject = {
        "evidence_id": taking.evidence_id, "reason": taking.reason, "place": taking.place, **choice.asked(),
        "first_seq": choice.first_seq, "last_seq": choice.last_seq, "clips": taking.clips, "key": key.fingerprint,
    }  # fmt: skip
    fact = await journalled(office, Kind.EVIDENCE_TAKEN, data, session.by())
    site = office.settings.site
    header = Header(
        evidence_id=taking.evidence_id, site={"id": site.id, "name": site.name, "timezone": site.timezone},
        place=taking.place, reason=taking.reason, person=session.person.name, person_name=session.person.display_name,
        device="" if session.device == UNNAMED else session.device, selection=choice.asked(), taken=fact,
        fingerprint=key.fingerprint, program=version(),
    )  # fmt: skip
    return Package(header, choice, found, key, write_record)


def address(taking: Taking) -> str:
    """Return where a package can be had."""
    return f"{BASE}/evidence/{taking.evidence_id}.zip"


async def _choose(office: Office, asked: EvidenceRequest, now_s: float) -> Choice:
    since, until = as_kept(asked.since, "since"), as_kept(asked.until, "until")
    event_ids = [str(event_id) for event_id in asked.events or ()]

    def look(reader: JournalReader) -> Choice:
        return of_events(reader, event_ids) if since is None else of_span(reader, since, until or utc(now_s))

    return await office.evidence.room.ask(look)


async def _found(office: Office, choice: Choice) -> tuple[Choice, list[Source]]:
    def look(reader: JournalReader) -> tuple[Choice, list[Source]]:
        now, events = chosen(reader, choice)
        return now, sources(events, office.settings.media_dir)

    return await office.evidence.room.ask(look)


async def _hold(office: Office, session: Session, taking: Taking) -> None:
    """Hold what was chosen; where that can't be, give the package up."""
    if not taking.choice.event_ids:
        return
    data: JsonObject = {
        "event_ids": list(taking.choice.event_ids), "evidence_id": taking.evidence_id, "reason": taking.reason
    }  # fmt: skip
    try:
        await journalled(office, Kind.EVENT_HELD, data, session.by())
    except ProblemError:
        await office.evidence.give_up(taking)
        raise


async def _key(office: Office) -> SigningKey:
    return await office.evidence.room.work(lambda: _opened(office))


def _opened(office: Office) -> SigningKey:
    try:
        return open_key(office.settings.storage.state_dir)
    except EvidenceKeyError as error:
        raise ProblemError("evidence_key_unusable", str(error)) from None


def _size(source: Source) -> int | None:
    """Return how long a file is, None where it can't be packed."""
    try:
        return None if source.recording else source.path.stat().st_size
    except OSError:
        return None


def _plain(office: Office, session: Session, taking: Taking) -> JsonObject:
    choice = taking.choice
    may_take = taking.is_open(office.clock.wall_s()) and taking.person == session.person.name
    return {
        "evidence_id": taking.evidence_id, "at": utc(taking.at), "person": taking.person, "reason": taking.reason,
        "place": taking.place, "since": choice.since, "until": choice.until, "events": len(choice.event_ids),
        "clips": taking.clips, "status": _status(office, taking), "url": address(taking) if may_take else None,
        "expires_at": utc(taking.at + LASTS_S), **_contents(taking.sealed),
    }  # fmt: skip


def _contents(sealed: Sealed | None) -> JsonObject:
    if sealed is None:
        return dict.fromkeys(("manifest_sha256", "files", "bytes", "missing", "altered"))
    return {
        "manifest_sha256": sealed.manifest_sha256, "files": sealed.files, "bytes": sealed.bytes,
        "missing": len(sealed.missing), "altered": len(sealed.altered),
    }  # fmt: skip


def _status(office: Office, taking: Taking) -> str:
    if taking.evidence_id == office.evidence.room.current:
        return "taking"
    return "broken_off" if taking.status is Status.BEGUN else taking.status.value
