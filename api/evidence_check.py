"""Checking an evidence package offline: nothing but the file is read, and the first thing that does not match is named.

1. The container (evidence_zip.py): every header, the directory and the end are written anew and must be what is there.
2. The signature over the manifest, by the key in the package; by the demanded one where a fingerprint was given.
3. Every file, in the package's order: length and SHA-256 as the manifest says, no file more and none less.
4. The journal: each row's hash, each row standing on the one before it, the ends as the manifest says; and the row that
   says that the package was taken.
5. Clips and pictures against the rows that said they were saved.

So a changed byte is found wherever it is. What a check can't tell is whose key it is: compare the fingerprint with the
one on paper, or demand it. The file may be of a stranger: nothing in it is trusted, it can't take much memory, and what
is told of it can't look like a word of ours.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from api import evidence_zip as container
from api.evidence_key import fingerprint_of, is_signed, public_key, shown
from api.evidence_manifest import (
    CLIPS,
    FORMAT,
    JOURNAL,
    MANIFEST,
    PUBLIC_KEY,
    RECORD,
    SIGNATURE,
    SNAPSHOTS,
    TAKEN,
    VERSION,
)
from api.evidence_rows import Rows
from gate.model import JsonObject, Kind

CHUNK = 256 * 1024
LARGEST_KEPT = {MANIFEST: 16 * 1024 * 1024, SIGNATURE: 64, PUBLIC_KEY: 1024}
MOST_ENTRIES = 20_000
LONGEST_TOLD = 250


class FaultError(Exception):
    """A package does not hold; the message names the first thing that does not match."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a package that holds says of itself, and the fingerprint of the key that signed it.

    `disputed`: files of which two rows of the journal, by number, say different things; the later one was believed.
    """

    fingerprint: str
    manifest: JsonObject
    files: int
    bytes: int
    rows: int
    disputed: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Content:
    """What was read of one file of the package."""

    name: str
    bytes: int
    sha256: str


@dataclass(kw_only=True, slots=True)
class Unpacked:
    """All that was read: the files in order, and of the small ones and the journals what is in them."""

    files: list[Content] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=lambda: {JOURNAL: Rows(), TAKEN: Rows()})
    bad_crc: list[str] = field(default_factory=list)
    stamp: bytes = b""
    bytes: int = 0


def check(path: Path, demanded: str | None = None) -> Verdict:
    """Check a package, in the five ways above. `demanded`: the fingerprint that the key must have, 64 hex digits.

    Raises `FaultError` where it does not hold, `OSError` where the file can't be read.
    """
    with path.open("rb") as file:
        found = _unpack(file)
    manifest, fingerprint = _signed_manifest(found, demanded)
    _compare_files(found, manifest)
    _compare_journal(found, manifest)
    _compare_taken(found, manifest)
    _compare_saved(found)
    return Verdict(fingerprint=fingerprint, manifest=manifest, files=len(found.files), bytes=found.bytes,
                   rows=found.rows[JOURNAL].count, disputed=found.rows[JOURNAL].disputed)  # fmt: skip


# 1. The container.


def _unpack(file: BinaryIO) -> Unpacked:
    found, layout = Unpacked(), None
    head = file.read(container.LOCAL_FIXED)
    while head[:4] == container.LOCAL:
        layout = layout or container.Layout(stamp=head[10:14])
        head = _entry(file, head, layout, found)
    if layout is None:
        raise FaultError("it does not begin like an evidence package; it is another kind of file, or cut off")
    expected = layout.ending()
    rest = head + file.read(len(expected) + 1 - len(head))
    if rest != expected:
        raise FaultError(_where(rest, expected, layout))
    found.bytes, found.stamp = layout.offset + len(expected), layout.stamp
    return found


def _entry(file: BinaryIO, head: bytes, layout: container.Layout, found: Unpacked) -> bytes:
    """Take in one entry; return the beginning of what follows it."""
    number = len(layout.entries) + 1
    if len(head) < container.LOCAL_FIXED or number > MOST_ENTRIES:
        raise FaultError(f"the package is cut off in the header of file {number}, or has too many")
    size, crc, name_length, extra_length = container.named_in(head)
    if max(name_length, extra_length) > container.LONGEST_NAME:
        raise FaultError(f"the header of file {number} is not as the gate writes it")
    raw, extra = file.read(name_length), file.read(extra_length)
    size = container.size_in(extra) if extra else size
    name = raw.decode("ascii", "backslashreplace")
    if head + raw + extra != layout.begin(name, size, crc):
        raise FaultError(f"the header of file {number} is not as the gate writes it")
    content, its_crc = _content(file, name, size, found)
    if content.bytes != size:
        raise FaultError(f"the package is cut off within {name}")
    if its_crc != crc:
        found.bad_crc.append(name)  # its SHA-256 names better what was changed, if that differs too
    found.files.append(content)
    return file.read(container.LOCAL_FIXED)


def _content(file: BinaryIO, name: str, size: int, found: Unpacked) -> tuple[Content, int]:
    digest, crc, left = hashlib.sha256(), 0, size
    most = LARGEST_KEPT.get(name, 0)
    kept = bytearray()
    rows = found.rows.get(name)
    while left and (chunk := file.read(min(CHUNK, left))):
        digest.update(chunk)
        crc = zlib.crc32(chunk, crc)
        left -= len(chunk)
        kept += chunk[: most - len(kept)] if most else b""
        if rows:
            rows.feed(chunk)
    if most and size <= most:
        found.kept[name] = bytes(kept)
    return Content(name=name, bytes=size - left, sha256=digest.hexdigest()), crc


def _where(rest: bytes, expected: bytes, layout: container.Layout) -> str:
    """Name what is wrong behind the last file."""
    if rest[: len(expected)] == expected:
        return "something was added behind the end of the package"
    if expected.startswith(rest):
        return "the end of the package is cut off"
    if rest[:4] not in {container.CENTRAL, b""}:
        return f"behind {layout.entries[-1].name} there is something that the gate does not write"
    return "the directory at the end of the package is not as the gate writes it"


# 2. The signature.


def _signed_manifest(found: Unpacked, demanded: str | None) -> tuple[JsonObject, str]:
    for name in (PUBLIC_KEY, MANIFEST, SIGNATURE):
        if name not in found.kept:
            raise FaultError(f"{name} is missing, or too large to be the gate's")
    key = public_key(found.kept[PUBLIC_KEY])
    if key is None:
        raise FaultError(f"{PUBLIC_KEY} was changed: it is no key as the gate writes it")
    fingerprint = fingerprint_of(key)
    if demanded is not None and fingerprint != demanded:
        raise FaultError(f"{PUBLIC_KEY} is another key than demanded: its fingerprint is {shown(fingerprint)}")
    if not is_signed(key, found.kept[SIGNATURE], found.kept[MANIFEST]):
        raise FaultError(f"{MANIFEST} was changed, or {SIGNATURE} or {PUBLIC_KEY}: the signature does not fit it")
    manifest = _read(found.kept[MANIFEST])
    if _at(manifest, "key", "fingerprint") != fingerprint:
        raise FaultError(f"{MANIFEST} names another key than {PUBLIC_KEY}")
    return manifest, fingerprint


def _read(written: bytes) -> JsonObject:
    try:
        manifest = json.loads(written)
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise FaultError(f"{MANIFEST} is none of an evidence package")
    if manifest.get("version") != VERSION:
        raise FaultError(f"{MANIFEST} is of version {manifest.get('version')!r}; check it with a newer antt-gate")
    return manifest


# 3. The files.


def _compare_files(found: Unpacked, manifest: JsonObject) -> None:
    listed = manifest.get("files")
    rows = listed if isinstance(listed, list) else []
    expected = [(_at(row, "name"), _at(row, "bytes"), _at(row, "sha256")) for row in rows]
    there = [*found.files]
    tail = [content.name for content in there[-2:]]
    if tail != [MANIFEST, SIGNATURE]:
        raise FaultError(f"{MANIFEST} and {SIGNATURE} are not the last two files")
    for at, content in enumerate(there[:-2]):
        if at >= len(expected) or content.name != expected[at][0]:
            names = [name for name, _, _ in expected]
            wanted = f"; {names[at]} should be there" if at < len(names) else ""
            raise FaultError(f"{content.name} stands where the manifest does not have it{wanted}")
        if (content.bytes, content.sha256) != expected[at][1:]:
            row_fault = found.rows[content.name].ended() if content.name in found.rows else ""
            reason = row_fault or "its SHA-256 is not that of the manifest"
            raise FaultError(f"{content.name} was changed: {reason}")
    if len(there) - 2 < len(expected):
        raise FaultError(f"{expected[len(there) - 2][0]} is missing")
    if found.bad_crc:
        raise FaultError(f"the header of {found.bad_crc[0]} is not as the gate writes it: its CRC-32 is another")
    if RECORD not in {content.name for content in there}:
        raise FaultError(f"{RECORD} is missing")


# 4. The journal.


def _compare_journal(found: Unpacked, manifest: JsonObject) -> None:
    rows = found.rows[JOURNAL]
    if fault := rows.ended():
        raise FaultError(f"{JOURNAL}: {fault}")
    said = tuple(_at(manifest, "journal", name) for name in ("first_seq", "last_seq", "rows", "prev", "last_hash"))
    if said != (rows.first_seq, rows.last_seq, rows.count, rows.first_prev, rows.last_hash):
        raise FaultError(f"{JOURNAL}: its ends are not those of the manifest")


def _compare_taken(found: Unpacked, manifest: JsonObject) -> None:
    rows = found.rows[TAKEN]
    if fault := rows.ended():
        raise FaultError(f"{TAKEN}: {fault}")
    row = rows.last or {}
    told = (
        rows.count,
        row.get("kind"),
        _at(row, "data", "evidence_id"),
        row.get("seq"),
        row.get("hash"),
        row.get("at"),
    )
    expected = (1, Kind.EVIDENCE_TAKEN.value, manifest.get("evidence_id"), _at(manifest, "taken", "seq"),
                _at(manifest, "taken", "hash"), _at(manifest, "taken", "at"))  # fmt: skip
    if told != expected:
        raise FaultError(f"{TAKEN}: it is not the row that the manifest names")
    if found.stamp != _stamp(row["at"]):
        raise FaultError("the time in the headers of the package is not that of the manifest")


def _stamp(at: object) -> bytes:
    try:
        return container.stamp_of(str(at))
    except ValueError:
        return b""


# 5. Clips and pictures.


def _compare_saved(found: Unpacked) -> None:
    saved = found.rows[JOURNAL].saved
    for content in found.files:
        for folder in (CLIPS, SNAPSHOTS):
            name = content.name.removeprefix(folder)
            if content.name.startswith(folder) and name in saved and saved[name].sha256 != content.sha256:
                text = f"{content.name} is not what was saved: row {saved[name].seq} of the journal has another SHA-256"
                raise FaultError(text)


def _at(value: object, *names: str) -> object:
    """Return what stands at a path of names, None where nothing does."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def lines(verdict: Verdict, *, key_demanded: bool) -> Iterator[str]:
    """Yield what a person reads of a package that holds; each is one line, whatever the package says."""
    said = verdict.manifest
    holds = "everything holds" if key_demanded else "everything in it fits together"
    yield f"{holds}: {verdict.files} files, {verdict.rows} rows of the journal"
    taken, site = said.get("taken"), said.get("site")
    doubt = "" if _at(taken, "at_trusted") is True else " (clock not believed)"
    at, name, person = (_text(_at(taken, word)) for word in ("at", "name", "person"))
    yield f"taken at {at}{doubt} by {name} ({person}), phone {_text(_at(taken, 'device') or '?')}"
    place, reason = _text(said.get("place")), _text(said.get("reason"))
    name = _text(_at(site, "name"))
    elsewhere = f", {place}" if place != name else ""
    yield f"at {name} ({_text(_at(site, 'id'))}){elsewhere}: {reason}"
    missing = said.get("missing")
    for row in missing if isinstance(missing, list) else []:
        yield f"was missing already when it was made: {_text(_at(row, 'name'))} ({_text(_at(row, 'why'))})"
    for file, (first, second) in verdict.disputed.items():
        yield f"rows {first} and {second} of the journal say different SHA-256 of {_text(file)}"
    yield f"signed by the key {shown(verdict.fingerprint)}"


def _text(value: object) -> str:
    """Return a stranger's text on one line, and not so long that it pushes ours off the screen."""
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]}…"
