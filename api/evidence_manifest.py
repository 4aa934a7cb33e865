"""What a package says of itself: `manifest.json`, and the names of what goes along with it.

The manifest is canonical JSON (RFC 8785) and lists every file before it, in order, with length and SHA-256; the
signature beside it is over its bytes. It is enough to trust the manifest to trust all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gate.journal import canonical
from gate.model import Fact, JsonObject

FORMAT = "antt-gate-evidence"
VERSION = 1

CLIPS, SNAPSHOTS = "clips/", "snapshots/"
JOURNAL, TAKEN, RECORD, GUIDE = "journal.jsonl", "taken.jsonl", "record.pdf", "check.txt"
PUBLIC_KEY, MANIFEST, SIGNATURE = "gate-key.pem", "manifest.json", "manifest.sig"

What: TypeAlias = Literal["clip", "snapshot", "journal", "record", "guide", "key"]
Why: TypeAlias = Literal["deleted", "recording", "unreadable"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """One file in the package. `journal_sha256`: what the journal says of a clip or a picture, None where nothing."""

    name: str
    what: What
    bytes: int
    sha256: str
    event_ids: tuple[str, ...] = ()
    begun_at: str | None = None
    journal_sha256: str | None = None

    @property
    def altered(self) -> bool:
        """Whether the file is not what the journal says was saved."""
        return self.journal_sha256 not in {None, self.sha256}

    def plain(self) -> JsonObject:
        """Return it as the manifest says it."""
        said: JsonObject = {"name": self.name, "what": self.what, "bytes": self.bytes, "sha256": self.sha256}
        if self.what in {"clip", "snapshot"}:
            said |= {
                "event_ids": list(self.event_ids),
                "begun_at": self.begun_at,
                "journal_sha256": self.journal_sha256,
            }
        return said


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A file that was chosen and could not be packed. `journal_sha256` as above."""

    name: str
    what: What
    why: Why
    event_ids: tuple[str, ...]
    begun_at: str | None
    journal_sha256: str | None

    def plain(self) -> JsonObject:
        """Return it as the manifest says it."""
        return {
            "name": self.name, "what": self.what, "why": self.why, "event_ids": list(self.event_ids),
            "begun_at": self.begun_at, "journal_sha256": self.journal_sha256,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """The rows of the journal in the package: `rows` of them without a gap, from after `prev` to `last_hash`."""

    first_seq: int
    last_seq: int
    rows: int
    prev: str
    last_hash: str

    def plain(self) -> JsonObject:
        """Return it as the manifest says it."""
        return {name: getattr(self, name) for name in self.__slots__} | {"file": JOURNAL}


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What is known before the first file is read: who, from which phone, when, where, why, and what was asked for.

    `taken` is the fact `evidence_taken`, which is in the journal before a byte leaves.
    """

    evidence_id: str
    site: JsonObject
    place: str
    reason: str
    person: str
    person_name: str
    device: str
    selection: JsonObject
    taken: Fact
    fingerprint: str
    program: str


def manifest(header: Header, ends: Ends, files: Sequence[Packed], missing: Sequence[Missing]) -> bytes:
    """Return the manifest's bytes."""
    taken = header.taken
    return canonical({
        "format": FORMAT, "version": VERSION, "evidence_id": header.evidence_id, "site": header.site,
        "place": header.place, "reason": header.reason,
        "taken": {"at": taken.at, "at_trusted": taken.at_trusted, "person": header.person, "name": header.person_name,
                  "device": header.device, "seq": taken.seq, "hash": taken.hash, "file": TAKEN},
        "selection": header.selection, "journal": ends.plain(), "files": [file.plain() for file in files],
        "missing": [file.plain() for file in missing],
        "key": {"algorithm": "Ed25519", "fingerprint": header.fingerprint, "file": PUBLIC_KEY},
        "program": header.program,
    })  # fmt: skip


def guide() -> bytes:
    """Return the note that tells a stranger how to check a package, with our program and without it."""
    return GUIDE_TEXT.encode()


GUIDE_TEXT = """\
Cách kiểm tra gói chứng cứ này / How to check this evidence package

1. antt-gate verify FILE.zip --key FINGERPRINT
   Không cần mạng, không cần thiết bị cổng. / Needs no network and no gate.
   FINGERPRINT: dấu vân tay khóa ghi trong biên bản giấy đã ký / as it stands in the record signed on paper.

2. Không có chương trình trên / without that program (OpenSSL 3, jq, coreutils):

   openssl pkey -pubin -in gate-key.pem -outform DER | sha256sum
       phải trùng dấu vân tay khóa / must be the fingerprint
   openssl pkeyutl -verify -pubin -inkey gate-key.pem -rawin -in manifest.json -sigfile manifest.sig
       "Signature Verified Successfully"
   jq -r '.files[] | .sha256 + "  " + .name' manifest.json | sha256sum --check
       mỗi tệp: OK / each file: OK

   journal.jsonl: mỗi dòng là một hàng nhật ký; hash = SHA-256(prev + JSON chuẩn RFC 8785 của hàng bỏ trường hash).
   Each line is one row of the journal; hash = SHA-256(prev + RFC 8785 JSON of the row without hash).
"""
