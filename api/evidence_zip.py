"""The container of an evidence package: a ZIP that can be written in one way only.

- Entries are stored, follow each other without a gap, and all carry one time. No comment, no flag, no extra field but
  ZIP64's where a number needs it. The directory follows the last entry, the end record ends the file.
- So whoever knows each entry's name, length and CRC-32 knows every byte that is not content: `evidence_check` writes
  the headers anew and compares. What could be hidden in an ordinary ZIP (between entries, in fields that readers skip,
  behind the end) has no place here.
- A header stands before its content and holds its length and CRC-32, so a reader need not see the end first. Lengths
  that follow the content instead (flag bit 3) were rejected: several readers refuse them in stored entries, and what
  can't be read to its end would already be half sent.

Fields: PKWARE APPNOTE.TXT 6.3.10, 4.3 to 4.5.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END_64, LOCATOR_64 = b"PK\x06\x06", b"PK\x06\x07"
LOCAL_FIXED = 30
LONGEST_NAME = 200
FULL = 0xFFFFFFFF
FULL_COUNT = 0xFFFF
PLAIN_VERSION, VERSION_64 = 20, 45
MADE_BY_UNIX = 3 << 8 | VERSION_64
READABLE_FILE = 0o100644 << 16
EXTRA_64 = 1
FIRST_YEAR, LAST_YEAR = 1980, 2107


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file within the package; `offset` is where its header begins."""

    name: str
    bytes: int
    crc: int
    offset: int


@dataclass(kw_only=True, slots=True)
class Layout:
    """Where everything of one package stands. `stamp` is of `stamp_of`; `full` is where ZIP64 begins, for tests."""

    stamp: bytes
    full: int = FULL
    entries: list[Entry] = field(default_factory=list)
    offset: int = 0

    def begin(self, name: str, size: int, crc: int) -> bytes:
        """Return the header of the next entry; its content of `size` bytes must follow."""
        entry = Entry(name=name, bytes=size, crc=crc, offset=self.offset)
        header = self.header(entry)
        self.entries.append(entry)
        self.offset += len(header) + size
        return header

    def header(self, entry: Entry) -> bytes:
        """Return what stands before the content of an entry."""
        extra = _extra([entry.bytes, entry.bytes] if entry.bytes >= self.full else [])
        size = FULL if extra else entry.bytes
        name = entry.name.encode("ascii")
        return LOCAL + struct.pack(
            "<HHH4sIIIHH", VERSION_64 if extra else PLAIN_VERSION, 0, 0, self.stamp, entry.crc, size, size, len(name),
            len(extra),
        ) + name + extra  # fmt: skip

    def ending(self) -> bytes:
        """Return the directory and the end record."""
        directory = b"".join(map(self._central, self.entries))
        return directory + _end(len(self.entries), len(directory), self.offset, self.full)

    def _central(self, entry: Entry) -> bytes:
        numbers = [number for number in (entry.bytes, entry.bytes, entry.offset) if number >= self.full]
        extra = _extra(numbers)
        size = FULL if entry.bytes >= self.full else entry.bytes
        offset = FULL if entry.offset >= self.full else entry.offset
        name = entry.name.encode("ascii")
        return CENTRAL + struct.pack(
            "<HHHH4sIIIHHHHHII", MADE_BY_UNIX, VERSION_64 if extra else PLAIN_VERSION, 0, 0, self.stamp, entry.crc,
            size, size, len(name), len(extra), 0, 0, 0, READABLE_FILE, offset,
        ) + name + extra  # fmt: skip


def _extra(numbers: Sequence[int]) -> bytes:
    """Return ZIP64's extra field for the numbers that have no room in the header; empty for none."""
    return struct.pack(f"<HH{len(numbers)}Q", EXTRA_64, 8 * len(numbers), *numbers) if numbers else b""


def _end(count: int, size: int, offset: int, full: int) -> bytes:
    large = count >= FULL_COUNT or size >= full or offset >= full
    end_64 = END_64 + struct.pack(
        "<QHHIIQQQQ", 44, MADE_BY_UNIX, VERSION_64, 0, 0, count, count, size, offset
    ) + LOCATOR_64 + struct.pack("<IQI", 0, offset + size, 1)  # fmt: skip
    number = FULL_COUNT if large else count
    last = END + struct.pack(
        "<HHHHIIH", 0, 0, number, number, FULL if large else size, FULL if large else offset, 0
    )  # fmt: skip
    return (end_64 if large else b"") + last


def stamp_of(at: str) -> bytes:
    """Return the contract's UTC text as a ZIP knows time: two seconds exact, from 1980 to 2107, without a zone."""
    moment = dt.datetime.fromisoformat(at)
    if moment.year < FIRST_YEAR:
        moment = dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC)
    elif moment.year > LAST_YEAR:
        moment = dt.datetime(LAST_YEAR, 12, 31, tzinfo=dt.UTC)
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    date = moment.year - FIRST_YEAR << 9 | moment.month << 5 | moment.day
    return struct.pack("<HH", time, date)


def named_in(header: bytes) -> tuple[int, int, int, int]:
    """Return what a fixed local header says: its content's length and CRC-32, the lengths of name and extra field."""
    crc, size, name, extra = struct.unpack_from("<I4xIHH", header, 14)
    return size, crc, name, extra


def size_in(extra: bytes) -> int:
    """Return the length that ZIP64's extra field gives; 0 where it gives none: it will not compare then."""
    return int(struct.unpack_from("<Q", extra, 4)[0]) if len(extra) >= len(_extra([0])) else 0
