"""The journal's rows in a package, checked as they stream by: each hash, the chain, the form."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TypeGuard

from api.evidence_zip import LONGEST_NAME
from gate.journal import canonical, chain_hash
from gate.model import Fact, JsonObject, Kind

LONGEST_ROW = 4 * 1024 * 1024
MOST_SAVED = 20_000
NAMES = frozenset(Fact.__slots__)
HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """What a row said of a clip or of a picture when it was saved."""

    seq: int
    sha256: str


@dataclass(kw_only=True, slots=True)
class Rows:
    """Rows, one canonical JSON object a line, fed piece by piece. After the first fault nothing more is looked at.

    `saved`: the file names of the newest `clip_saved` rows with what they say; a later row replaces an earlier one, and
    `disputed` has the file names of which two rows say different things, with the numbers of both.
    """

    count: int = 0
    first_seq: int = 0
    last_seq: int = 0
    first_prev: str = ""
    last_hash: str = ""
    last: JsonObject | None = None
    saved: dict[str, Saved] = field(default_factory=dict)
    disputed: dict[str, tuple[int, int]] = field(default_factory=dict)
    _fault: str = ""
    _begun: bytearray = field(default_factory=bytearray)

    def feed(self, chunk: bytes) -> None:
        """Take the next piece."""
        if self._fault:
            return
        self._begun += chunk
        *whole, rest = self._begun.split(b"\n")
        self._begun = bytearray(rest)
        for line in whole:
            self._fault = self._fault or self._take(bytes(line))
        if len(self._begun) > LONGEST_ROW:
            self._fault = f"line {self.count + 1} is too long for a row"

    def ended(self) -> str:
        """Return the first fault of all, empty where there is none. To be asked when everything was fed."""
        if not self._fault and self._begun:
            self._fault = f"line {self.count + 1} is cut off"
        if not self._fault and not self.count:
            self._fault = "there is no row"
        return self._fault

    def _take(self, line: bytes) -> str:
        """Take one row; return what is wrong with it."""
        at = f"line {self.count + 1}"
        row = _row(line)
        if row is None:
            return f"{at} is no row of a journal as the gate writes it"
        seq, prev, its_hash = int(str(row["seq"])), str(row["prev"]), str(row["hash"])
        if chain_hash(row) != its_hash:
            return f"row {seq} ({at}) does not match its hash"
        if self.count and (seq != self.last_seq + 1 or prev != self.last_hash):
            return (
                f"row {seq} ({at}) does not stand on row {self.last_seq}: rows are missing, added or in another order"
            )
        self._note(row, seq, prev, its_hash)
        return ""

    def _note(self, row: JsonObject, seq: int, prev: str, its_hash: str) -> None:
        if not self.count:
            self.first_seq, self.first_prev = seq, prev
        self.count += 1
        self.last_seq, self.last_hash, self.last = seq, its_hash, row
        data = row["data"]
        if row["kind"] == Kind.CLIP_SAVED.value and isinstance(data, dict) and len(self.saved) < MOST_SAVED:
            for name, sha256 in (("clip", "sha256"), ("thumbnail", "thumbnail_sha256")):
                file, digest = data.get(name), data.get(sha256)
                if _is_name(file) and _is_digest(digest):
                    before = self.saved.get(file)
                    if before and before.sha256 != digest:
                        self.disputed[file] = before.seq, seq
                    self.saved[file] = Saved(seq=seq, sha256=digest)


def _is_name(file: object) -> TypeGuard[str]:
    return isinstance(file, str) and len(file) <= LONGEST_NAME


def _is_digest(digest: object) -> TypeGuard[str]:
    return isinstance(digest, str) and HEX_SHA256.fullmatch(digest) is not None


def _row(line: bytes) -> JsonObject | None:
    """Return a row that is written to the letter as the gate writes it, None for anything else."""
    try:
        row = json.loads(line)
        known = isinstance(row, dict) and row.keys() == NAMES and type(row["seq"]) is int
        if known and HEX_SHA256.fullmatch(str(row["prev"])) and canonical(row) == line:
            return dict(row)
    except (ValueError, TypeError, RecursionError):
        pass
    return None
