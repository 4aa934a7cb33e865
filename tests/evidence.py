"""Evidence packages for tests and benches: made by the product's own packer, from a journal and files of their own."""

from __future__ import annotations

import contextlib
import hashlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from api.evidence_choice import chosen, of_span, sources
from api.evidence_key import SigningKey, open_key
from api.evidence_manifest import Header
from api.evidence_package import Package
from api.record import Record
from gate.client import new_id
from gate.journal import Journal, JournalReader, utc
from gate.model import Fact, JsonObject, Kind

SITE: JsonObject = {"id": "thon-ha", "name": "Cổng thôn Hạ", "timezone": "Asia/Ho_Chi_Minh"}
BEGINNING, END = "2000-01-01T00:00:00.000Z", "2100-01-01T00:00:00.000Z"


def pdf(record: Record) -> bytes:
    """Stand in for the record where its pages are not what a story is about."""
    return f"%PDF-1.4\n{record.evidence_id}\n".encode()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(kw_only=True)
class Village:
    """A journal and a media folder in which things happened, and the key of the gate."""

    folder: Path
    key: SigningKey
    noise: random.Random

    @property
    def media(self) -> Path:
        """Where the clips are."""
        return self.folder / "media"

    @contextlib.contextmanager
    def journal(self) -> Iterator[Journal]:
        """Write to the journal; everything is in it when the block ends."""
        journal = Journal(self.folder / "journal.db", lambda _: None)
        journal.open()
        yield journal
        journal.close()

    def motion(self, journal: Journal, clip: bytes | Path) -> str:
        """Let something move and be recorded: these bytes, or another name for a file that is there."""
        event_id = new_id()
        day = time.strftime("%Y-%m-%d")
        by: JsonObject = {"type": "process", "id": "camera", "name": ""}
        name, picture = f"{day}/{event_id}.mp4", f"{day}/{event_id}.jpg"
        (self.media / day).mkdir(parents=True, exist_ok=True)
        if isinstance(clip, Path):
            (self.media / name).hardlink_to(clip)
        else:
            (self.media / name).write_bytes(clip)
        (self.media / picture).write_bytes(b"\xff\xd8" + event_id.encode())
        journal.write(Kind.MOTION_STARTED, by, {"event_id": event_id, "source": "scene", "thumbnail": picture})
        journal.write(Kind.MOTION_ENDED, by, {"event_id": event_id, "duration_s": 4.5, "peak_area": 0.1})
        journal.write(Kind.CLIP_SAVED, by, {
            "event_id": event_id, "cause": "motion", "clip": name, "thumbnail": picture, "started_at": utc(time.time()),
            "pre_roll_s": 5.0, "bytes": (self.media / name).stat().st_size, "sha256": sha256(self.media / name),
            "thumbnail_sha256": sha256(self.media / picture),
        })  # fmt: skip
        return event_id

    def package(self) -> Package:
        """Have everything that happened packed, as it is taken now."""
        data: JsonObject = {"evidence_id": (evidence_id := new_id()), "reason": "Công văn 12"}
        person: JsonObject = {"type": "person", "id": "lan", "name": "Trần Thị Lan", "device": "Máy của Lan"}
        with self.journal() as journal:
            journal.write(Kind.EVIDENCE_TAKEN, person, data, trusted=True)
        with contextlib.closing(self.reader()) as reader:
            (taken,) = reader.read(kinds=(Kind.EVIDENCE_TAKEN.value,), limit=1, newest_first=True)
            choice, events = chosen(reader, of_span(reader, BEGINNING, END))
        return Package(self.header(evidence_id, taken), choice, sources(events, self.media), self.key, pdf)

    def header(self, evidence_id: str, taken: Fact) -> Header:
        """Return who took it, when, where and why."""
        return Header(
            evidence_id=evidence_id, site=SITE, place="Trụ sở Công an xã", reason="Công văn 12", person="lan",
            person_name="Trần Thị Lan", device="Máy của Lan", selection={"since": BEGINNING, "until": END},
            taken=taken, fingerprint=self.key.fingerprint, program="1.0",
        )  # fmt: skip

    def reader(self) -> JournalReader:
        """Open the journal to read."""
        return JournalReader(self.folder / "journal.db")

    def taken(self, package: Package | None = None) -> Path:
        """Have a package written to a file, as a phone gets it."""
        path = self.folder / "package.zip"
        with contextlib.closing(self.reader()) as reader:
            path.write_bytes(b"".join((package or self.package()).parts(reader)))
        return path


def village(folder: Path, *, clips: int = 3, clip_bytes: int = 2000, seed: int = 5) -> Village:
    """Return a village where `clips` things moved, with commands in between."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = random.Random(seed)
    found = Village(folder=folder, key=open_key(folder), noise=noise)
    with found.journal() as journal:
        for number in range(clips):
            order: JsonObject = {
                "command_id": new_id(),
                "command": "open",
                "reason": f"lượt {number}",
                "warning_s": 0.5,
            }
            journal.write(Kind.COMMAND_ACCEPTED, {"type": "person", "id": "an", "name": "Trần Văn An"}, order)
            found.motion(journal, noise.randbytes(clip_bytes))
    return found
