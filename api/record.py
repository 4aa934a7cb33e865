"""The printable record of an evidence package: "Biên bản trích xuất dữ liệu", a Vietnamese PDF on A4.

- It is made from a `Record` alone: the same record gives the same bytes. No clock, no file of the gate's is read.
- It says what the package says, for people: who took what, from which phone, where, when and why, each file with its
  SHA-256, the ends of the journal's chain, the fingerprint of the key, and lines to sign on.
- `record_pages` says it and lays it out, `record_pdf` draws it. Its words are no page's: a record is Vietnamese in
  whatever language the page is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

What: TypeAlias = Literal["clip", "snapshot", "journal"]
Why: TypeAlias = Literal["deleted", "recording", "unreadable"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedFile:
    """One file of the package, in the package's order.

    `name` is its path within the ZIP, `sha256` hex. `begun_at` (UTC, the contract's text): when a clip or a picture
    begins, None where that is not known. `missing`: it was chosen and is not in the package, and `why`; then `bytes` is
    0 and `sha256` is what the journal says of it, or empty. `journal_sha256`: what the journal says of a file that is
    there, empty where it says nothing; where the two differ, the record says so.
    """

    name: str
    what: What
    bytes: int
    sha256: str
    begun_at: str | None = None
    missing: bool = False
    why: Why | None = None
    journal_sha256: str = ""

    @property
    def altered(self) -> bool:
        """Whether the file is not what the journal says was saved."""
        return not self.missing and self.journal_sha256 not in {"", self.sha256}


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedChain:
    """The journal's rows in the package: `rows` of them from `first_seq` to `last_seq`, without a gap.

    `prev` is the hash that the first row stands on, `last_hash` that of the last row; hex.
    """

    first_seq: int
    last_seq: int
    rows: int
    prev: str
    last_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What a record says. Times are UTC in the contract's text; they are printed in `timezone`, with its offset.

    `place`: where the data were taken, as the person said; the site's name where nothing was said. `device`: the name
    of the phone, empty where it has none. `since` and `until`: the span that was asked for, None where events were
    chosen; `event_ids`: the events in the package. `key_fingerprint`: of the gate's key, as it is shown everywhere.
    `version`: of the program. `clock_trusted`: whether the gate believed its clock when the data were taken.
    """

    evidence_id: str
    site_id: str
    site_name: str
    timezone: str
    place: str
    taken_at: str
    clock_trusted: bool
    person: str
    person_name: str
    device: str
    reason: str
    since: str | None
    until: str | None
    event_ids: tuple[str, ...]
    files: tuple[RecordedFile, ...]
    chain: RecordedChain
    key_fingerprint: str
    version: str


def write_record(record: Record) -> bytes:
    """Return the record as a PDF. Takes tenths of a second of CPU: not for the event loop."""
    from api.record_pdf import draw  # noqa: PLC0415 - reportlab costs 7 MB, and most days nobody takes evidence

    return draw(record)
