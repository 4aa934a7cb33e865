"""Making an evidence package, piece by piece, with next to nothing of it in memory.

- Each file is read twice: once to learn its length, CRC-32 and SHA-256, which stand before it or in the manifest, and
  once to be sent. The second reading comes from the kernel's memory. What can't be read, or is gone, is found before
  its header is out: it is named as missing, in the manifest and in the record, and the package stays whole.
- An open file stays as it is though its name goes. What changes between the two readings all the same breaks the
  package off: a broken one must never look like a whole one.
- The order: clips, snapshots, the journal, the row of the taking, the record, the note on checking, the public key;
  then the manifest, which lists them, and its signature.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from api import evidence_manifest as names
from api.evidence_choice import Choice, Source
from api.evidence_key import SigningKey, shown
from api.evidence_manifest import Ends, Header, Missing, Packed, What, Why
from api.evidence_zip import Layout, stamp_of
from api.record import Record, RecordedChain, RecordedFile
from gate.journal import JournalReader, canonical
from gate.model import Fact

CHUNK = 256 * 1024
PAGE = 200
GONE = frozenset({errno.ENOENT, errno.ENOTDIR})
PAUSE = b""
"""Yielded while something is read that is not sent yet, so that whoever waits may stop."""


class BrokenOffError(Exception):
    """A package can't be finished; the message says why. What was sent of it is not whole and can't look so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """A package that was finished: what the manifest's SHA-256 is, and what is in it."""

    manifest_sha256: str
    files: int
    bytes: int
    missing: tuple[str, ...]
    altered: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Length, CRC-32 and SHA-256 of a content."""

    size: int
    crc: int
    sha256: str


@dataclass(kw_only=True, slots=True)
class Measuring:
    """The same while it is read."""

    size: int = 0
    crc: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def take(self, chunk: bytes) -> None:
        """Take the next piece."""
        self.size += len(chunk)
        self.crc = zlib.crc32(chunk, self.crc)
        self.digest.update(chunk)

    def done(self) -> Measured:
        """Return what it comes to."""
        return Measured(size=self.size, crc=self.crc, sha256=self.digest.hexdigest())


class Package:
    """One package on its way out. `sealed` is there once `parts` has come to its end."""

    def __init__(
        self, header: Header, choice: Choice, sources: Sequence[Source], key: SigningKey,
        write_record: Callable[[Record], bytes],
    ) -> None:  # fmt: skip
        self._header, self._choice, self._sources, self._key = header, choice, sources, key
        self._write_record = write_record
        self._layout = Layout(stamp=stamp_of(header.taken.at))
        self._files: list[Packed] = []
        self._missing: list[Missing] = []
        self.sealed: Sealed | None = None

    def parts(self, reader: JournalReader) -> Iterator[bytes]:
        """Yield its bytes in order, at most some hundred KB at once, and `PAUSE`.

        Raises `BrokenOffError`, and `JournalError` where the journal can't be read.
        """
        for source in self._sources:
            yield from self._source(source)
        ends = _ends(reader, self._choice)
        yield from self._lines(names.JOURNAL, lambda: _lines(reader, self._choice))
        yield from self._lines(names.TAKEN, lambda: [_line(self._header.taken)])
        yield from self._small(names.RECORD, "record", self._write_record(self._record(ends)))
        yield from self._small(names.GUIDE, "guide", names.guide())
        yield from self._small(names.PUBLIC_KEY, "key", self._key.pem)
        manifest = names.manifest(self._header, ends, self._files, self._missing)
        yield from self._small(names.MANIFEST, None, manifest)
        yield from self._small(names.SIGNATURE, None, self._key.sign(manifest))
        ending = self._layout.ending()
        yield ending
        self.sealed = Sealed(
            manifest_sha256=hashlib.sha256(manifest).hexdigest(), files=len(self._files) + 2,
            bytes=self._layout.offset + len(ending), missing=tuple(missing.name for missing in self._missing),
            altered=tuple(file.name for file in self._files if file.altered),
        )  # fmt: skip

    def _source(self, source: Source) -> Iterator[bytes]:
        """Pack one file, or note that it is missing."""
        if source.recording:
            self._miss(source, "recording")
            return
        try:
            file = _opened(source.path)
        except OSError as error:
            self._miss(source, "deleted" if error.errno in GONE else "unreadable")
            return
        with closing(file):
            measuring = Measuring()
            try:
                while chunk := file.read(CHUNK):
                    measuring.take(chunk)
                    yield PAUSE
            except OSError:
                self._miss(source, "unreadable")
                return
            measured = measuring.done()
            self._note(source.name, source.what, measured, source)
            yield self._layout.begin(source.name, measured.size, measured.crc)
            file.seek(0)
            yield from _same_again(source.name, measured, _chunks(file))

    def _lines(self, name: str, lines: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
        """Pack what is made of lines, which must come the same twice."""
        measuring = Measuring()
        for chunk in _gathered(lines()):
            measuring.take(chunk)
            yield PAUSE
        measured = measuring.done()
        self._note(name, "journal", measured)
        yield self._layout.begin(name, measured.size, measured.crc)
        yield from _same_again(name, measured, _gathered(lines()))

    def _small(self, name: str, what: What | None, content: bytes) -> Iterator[bytes]:
        """Pack what is in memory; `what` is None for what the manifest can't list."""
        measuring = Measuring()
        measuring.take(content)
        if what is not None:
            self._note(name, what, measuring.done())
        yield self._layout.begin(name, measuring.size, measuring.crc) + content

    def _note(self, name: str, what: What, measured: Measured, source: Source | None = None) -> None:
        packed = Packed(name=name, what=what, bytes=measured.size, sha256=measured.sha256)
        if source:
            packed = Packed(
                name=name, what=what, bytes=measured.size, sha256=measured.sha256, event_ids=source.event_ids,
                begun_at=source.begun_at, journal_sha256=source.journal_sha256,
            )  # fmt: skip
        self._files.append(packed)

    def _miss(self, source: Source, why: Why) -> None:
        self._missing.append(
            Missing(
                name=source.name, what=source.what, why=why, event_ids=source.event_ids, begun_at=source.begun_at,
                journal_sha256=source.journal_sha256,
            )
        )  # fmt: skip

    def _record(self, ends: Ends) -> Record:
        header, choice = self._header, self._choice
        chain = RecordedChain(first_seq=ends.first_seq, last_seq=ends.last_seq, rows=ends.rows, prev=ends.prev,
                              last_hash=ends.last_hash)  # fmt: skip
        return Record(
            evidence_id=header.evidence_id, site_id=str(header.site["id"]), site_name=str(header.site["name"]),
            timezone=str(header.site["timezone"]), place=header.place, taken_at=header.taken.at,
            clock_trusted=header.taken.at_trusted, person=header.person, person_name=header.person_name,
            device=header.device, reason=header.reason, since=choice.since, until=choice.until,
            event_ids=choice.event_ids, files=(*map(_recorded, self._files), *map(_unrecorded, self._missing)),
            chain=chain, key_fingerprint=shown(header.fingerprint), version=header.program,
        )  # fmt: skip


def _recorded(file: Packed) -> RecordedFile:
    what = file.what if file.what in {"clip", "snapshot"} else "journal"
    return RecordedFile(name=file.name, what=what, bytes=file.bytes, sha256=file.sha256, begun_at=file.begun_at,
                        journal_sha256=file.journal_sha256 or "")  # fmt: skip


def _unrecorded(file: Missing) -> RecordedFile:
    what = file.what if file.what in {"clip", "snapshot"} else "journal"
    return RecordedFile(name=file.name, what=what, bytes=0, sha256=file.journal_sha256 or "", begun_at=file.begun_at,
                        missing=True, why=file.why)  # fmt: skip


def _opened(path: Path) -> BinaryIO:
    """Open a file for reading, no link and nothing else. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _same_again(name: str, measured: Measured, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a content that was measured. Raises `BrokenOffError` where it is another now."""
    again = Measuring()
    try:
        for chunk in chunks:
            again.take(chunk)
            if again.size > measured.size:
                break
            yield chunk
    except OSError as error:
        raise BrokenOffError(f"{name} can't be read any more ({error.strerror})") from None
    if again.done() != measured:
        raise BrokenOffError(f"{name} changed while it was packed")


def _ends(reader: JournalReader, choice: Choice) -> Ends:
    first = reader.read(after=choice.first_seq - 1, limit=1)
    last = reader.read(after=choice.last_seq - 1, limit=1)
    if not first or not last or (first[0].seq, last[0].seq) != (choice.first_seq, choice.last_seq):
        raise BrokenOffError("the rows that were chosen are not in the journal any more")
    rows = choice.last_seq - choice.first_seq + 1
    return Ends(first_seq=choice.first_seq, last_seq=choice.last_seq, rows=rows, prev=first[0].prev,
                last_hash=last[0].hash)  # fmt: skip


def _lines(reader: JournalReader, choice: Choice) -> Iterator[bytes]:
    after = choice.first_seq - 1
    while page := reader.read(after=after, before=choice.last_seq + 1, limit=PAGE):
        yield from map(_line, page)
        after = page[-1].seq


def _line(fact: Fact) -> bytes:
    return canonical(fact.plain()) + b"\n"


def _gathered(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines in pieces of some size."""
    held: list[bytes] = []
    for line in lines:
        held.append(line)
        if len(held) == PAGE:
            yield b"".join(held)
            held.clear()
    if held:
        yield b"".join(held)
