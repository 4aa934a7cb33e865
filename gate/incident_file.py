"""The form of an incident file: one JSON object, a row a line, so that a person can read it and a program replay it.

`lines` makes one, `parse` reads one. Nothing is rounded: a moment stands as nanoseconds since the one before where that
gives the same number back, else as the number itself. Pure, no I/O.

    {"format": "antt-gate incident", "version": 1, "gate_id": …, "reasons": […], "site": {…},
    "segments": [
    {"since_s": …, "outputs": {…}, "gate": {…}, "rows": [
    {"samples": {"active": […], "running": [], "at": [41.2, 5000113, …]}, "decided": {…}},
    {"command": {…}, "at_s": …, "decided": {…}}]}],
    "gate": {…}}
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never

from gate.memory import Gate, Plan, Wanted
from gate.model import Json, JsonObject, Outputs, Relay, Sensor
from gate.plain import PlainError, decode, encode
from gate.ring import (
    QUIET,
    Commanded,
    Decided,
    Incident,
    Planned,
    Reason,
    Row,
    Samples,
    Saw,
    Segment,
    Silenced,
    Switched,
)
from gate.site import Site

FORMAT = "antt-gate incident"
VERSION = 1
NS = 1_000_000_000
LATEST_S = 1e10


class IncidentError(Exception):
    """A file that can't be read as an incident; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What a file says of itself before its rows. `at`: the first reason's wall time in UTC, believed or not."""

    gate_id: str
    name: str
    program: str
    boot_id: str
    at: str
    at_trusted: bool
    simulated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """One whole file."""

    about: About
    site: Site
    incident: Incident


def lines(about: About, site: Site, incident: Incident) -> Iterator[str]:
    """Yield the file piece by piece, each quickly made: the rules wait for nobody's JSON."""
    reasons = encode(incident.reasons)
    head: JsonObject = {"format": FORMAT, "version": VERSION, **_object(encode(about)), "reasons": reasons}
    yield _text({**head, "site": encode(site)})[:-1] + ',\n"segments": [\n'
    for number, segment in enumerate(incident.segments):
        outputs = encode(segment.outputs)
        opening: JsonObject = {"since_s": segment.since_s, "outputs": outputs, "gate": encode(segment.gate)}
        yield (",\n" if number else "") + _text(opening)[:-1] + ', "rows": ['
        for index, row in enumerate(segment.rows):
            yield (",\n" if index else "\n") + _text(_plain_row(row))
        yield "]}"
    yield '],\n"gate": ' + _text(encode(incident.gate)) + "}\n"


def parse(text: str) -> Recorded:
    """Return what a file holds. Raises `IncidentError` for one that is cut off, damaged, foreign or newer."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise IncidentError(f"is cut off or damaged ({error}); copy it again from the gate") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise IncidentError("is no incident file; antt-gate incident list names those of this gate")
    version = whole.get("version")
    if version != VERSION:
        raise IncidentError(
            f"has format {version!r}, this antt-gate reads {VERSION}; read it with the version that wrote it"
            f" ({whole.get('program')})"
        )
    try:
        return _recorded(whole)
    except PlainError as error:
        remedy = "copy it again from the gate, or read it with the version that wrote it"
        raise IncidentError(f"is damaged: {error}; {remedy} ({whole.get('program')})") from None


def _recorded(whole: JsonObject) -> Recorded:
    names = About.__dataclass_fields__
    segments = tuple(_segment(held, f"segments[{at}]") for at, held in enumerate(_list(whole, "segments", "the file")))
    reasons = decode(tuple[Reason, ...], whole.get("reasons"), "reasons")
    if not segments or not reasons:
        raise PlainError("it has no reasons or no segments")
    for reason in reasons:
        _moment(reason.at_s, "reasons")
    return Recorded(
        about=decode(About, {name: value for name, value in whole.items() if name in names}, "the file"),
        site=decode(Site, whole.get("site"), "site"),
        incident=Incident(reasons=reasons, segments=segments, gate=decode(Gate, whole.get("gate"), "gate")),
    )


def pack(moments: Iterable[float]) -> list[float]:
    """Return moments as short numbers: whole ones are nanoseconds since the one before, others are as they are."""
    packed: list[float] = []
    before_ns: int | None = None
    for moment in moments:
        at_ns = round(moment * NS)
        packed.append(moment if before_ns is None or at_ns / NS != moment else at_ns - before_ns)
        before_ns = at_ns
    return packed


def unpack(packed: Iterable[object], where: str) -> array[float]:
    """Return the moments that were packed. Raises `PlainError`."""
    moments = array("d")
    before_ns = 0
    for number in packed:
        if isinstance(number, float):
            before_ns = round(_moment(number, where) * NS)
            moments.append(number)
        elif isinstance(number, int) and not isinstance(number, bool) and moments:
            before_ns += number
            moments.append(_moment(before_ns / NS, where))
        else:
            raise PlainError(f"{where} has {number!r}, which is no moment")
    return moments


def _moment(at_s: float, where: str) -> float:
    """Return monotonic seconds that a machine may have counted. Raises `PlainError`."""
    if not 0.0 <= at_s <= LATEST_S:
        raise PlainError(f"{where} has {at_s!r}, which is no moment")
    return at_s


def _plain_row(row: Row) -> JsonObject:
    match row:
        case Samples():
            at: list[Json] = list(pack(row.at_s))
            told: JsonObject = {"active": encode(row.active), "running": encode(row.running), "at": at}
            return {"samples": told, **_plain_decided(row.decided)}
        case Commanded():
            return {"command": encode(row.wanted), "at_s": row.at_s, **_plain_decided(row.decided)}
        case Silenced():
            gone: JsonObject = {"keeper_is_gone": row.keeper_is_gone}
            return {"silence": gone, "at_s": row.at_s, **_plain_decided(row.decided)}
        case Planned():
            return {"plan": encode(row.plan), "at_s": row.at_s, **_plain_decided(row.decided)}
        case Saw():
            return {"saw": row.why, "at_s": row.at_s, **_plain_decided(row.decided)}
        case Switched():
            return {"switched": encode(row.outputs), "at_s": row.at_s}
        case _:
            assert_never(row)


def _plain_decided(decided: Decided) -> JsonObject:
    return {} if decided == QUIET else {"decided": encode(decided)}


def _segment(held: object, where: str) -> Segment:
    given = _object(held, where)
    rows = [_row(row, f"{where}.rows[{at}]") for at, row in enumerate(_list(given, "rows", where))]
    outputs = given.get("outputs")
    return Segment(
        since_s=_moment(decode(float, given.get("since_s"), f"{where}.since_s"), where),
        gate=decode(Gate, given.get("gate"), f"{where}.gate"),
        outputs=None if outputs is None else decode(Outputs, outputs, f"{where}.outputs"),
        rows=rows,
    )


def _row(held: object, where: str) -> Row:
    given = _object(held, where)
    decided = decode(Decided, given.get("decided", {}), f"{where}.decided")
    if isinstance(at_s := given.get("at_s"), float):
        _moment(at_s, where)
    match given:
        case {"samples": samples}:
            return _samples(_object(samples, where), decided, where)
        case {"command": wanted, "at_s": float(at_s)}:
            return Commanded(at_s=at_s, wanted=decode(Wanted, wanted, f"{where}.command"), decided=decided)
        case {"silence": {"keeper_is_gone": bool(gone)}, "at_s": float(at_s)}:
            return Silenced(at_s=at_s, keeper_is_gone=gone, decided=decided)
        case {"plan": plan, "at_s": float(at_s)}:
            return Planned(at_s=at_s, plan=decode(Plan, plan, f"{where}.plan"), decided=decided)
        case {"saw": str(why), "at_s": float(at_s)}:
            return Saw(at_s=at_s, why=why, decided=decided)
        case {"switched": outputs, "at_s": float(at_s)}:
            return Switched(at_s=at_s, outputs=decode(Outputs, outputs, f"{where}.switched"))
    raise PlainError(f"{where} is no row that is known")


def _samples(given: JsonObject, decided: Decided, where: str) -> Samples:
    at_s = unpack(_list(given, "at", where), f"{where}.at")
    if not at_s:
        raise PlainError(f"{where}.at is empty")
    return Samples(
        active=decode(frozenset[Sensor], given.get("active"), f"{where}.active"),
        running=decode(frozenset[Relay], given.get("running"), f"{where}.running"),
        at_s=at_s,
        decided=decided,
    )


def _object(held: object, where: str = "") -> JsonObject:
    if not isinstance(held, dict):
        raise PlainError(f"{where} is not an object")
    return held


def _list(given: JsonObject, name: str, where: str) -> list[object]:
    held = given.get(name)
    if not isinstance(held, list):
        raise PlainError(f"{where} has no list {name!r}")
    return held


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
