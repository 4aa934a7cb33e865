"""Random changes to an evidence package, from one flipped bit to what somebody with time and tools would do.

Each takes the package apart or not, changes something, and returns other bytes. Those who rebuild the container do it
as the gate does, with right lengths and checksums, so that only what is inside can give them away.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.evidence_key import fingerprint_of, pem_of
from api.evidence_manifest import JOURNAL, MANIFEST, PUBLIC_KEY, SIGNATURE
from api.evidence_zip import Layout, stamp_of
from gate.journal import canonical, chain_hash
from gate.model import JsonObject

Files = list[tuple[str, bytes]]
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of Ed25519 (RFC 8032, 5.1): a signature whose second half grew by it was valid to careless checkers."""


@dataclass(kw_only=True)
class Forger:
    """Somebody with a package and a source of randomness."""

    whole: bytes
    noise: random.Random

    def change(self) -> tuple[str, bytes]:
        """Return the name of a random change, and what the package is after it; never what it was."""
        while True:
            deed = self.noise.choices(DEEDS, [weight for _, weight in WEIGHTS])[0]
            changed = deed(self)
            if changed != self.whole:
                return deed.__name__, changed

    # The bytes of the file.

    def flip_a_bit_anywhere(self) -> bytes:
        """As a bad cable or a bad card does."""
        return self._flipped(self.noise.randrange(len(self.whole)))

    def flip_a_bit_of_the_container(self) -> bytes:
        """In what is no file's content: headers, directory, end."""
        return self._flipped(self.noise.choice(self._container()))

    def flip_a_bit_of_some_file(self) -> bytes:
        """Each file as often as any other, however small it is."""
        name, content = self.noise.choice(self.files())
        return self._flipped(self.whole.index(content, self.whole.index(name.encode())) + self._at(content))

    def replace_a_byte(self) -> bytes:
        """With any other."""
        changed = bytearray(self.whole)
        changed[self._at(self.whole)] = self.noise.randrange(256)
        return bytes(changed)

    def insert_bytes(self) -> bytes:
        """Anywhere, the end too."""
        at = self.noise.randrange(len(self.whole) + 1)
        return self.whole[:at] + self.noise.randbytes(self.noise.randrange(1, 9)) + self.whole[at:]

    def cut_bytes_out(self) -> bytes:
        """Anywhere."""
        at = self._at(self.whole)
        return self.whole[:at] + self.whole[at + self.noise.randrange(1, 9) :]

    def cut_the_end_off(self) -> bytes:
        """As a download that broke off."""
        return self.whole[: self._at(self.whole)]

    def add_a_comment(self) -> bytes:
        """Where ordinary ZIP files may have one."""
        comment = self.noise.randbytes(5)
        return self.whole[:-2] + struct.pack("<H", len(comment)) + comment

    def pack_it_anew(self) -> bytes:
        """With an ordinary program."""
        made = io.BytesIO()
        method = self.noise.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
        with zipfile.ZipFile(made, "w", method) as package:
            for name, content in self.files():
                package.writestr(name, content)
        return made.getvalue()

    def set_the_times_of_the_files(self) -> bytes:
        """All of them alike."""
        return packed(self.files(), stamp_of(f"20{self.noise.randrange(27, 90)}-03-04T05:06:08.000Z"))

    # The journal.

    def remove_a_row(self) -> bytes:
        """Any one: the first and the last too."""
        return self._with_rows(lambda rows: rows.pop(self._at(rows)))

    def reorder_rows(self) -> bytes:
        """Two of them change places."""
        return self._with_rows(self._swap)

    def repeat_a_row(self) -> bytes:
        """Where it stands."""
        return self._with_rows(lambda rows: rows.insert((at := self._at(rows)), rows[at]))

    def change_a_row(self) -> bytes:
        """Let it say something else, and give it the hash that goes with it."""

        def forge(rows: list[bytes]) -> None:
            at = self._at(rows)
            row: JsonObject = json.loads(rows[at])
            name = self.noise.choice(("at", "kind", "boot_id"))
            row[name] = f"{row[name]}x"
            rows[at] = canonical({**row, "hash": chain_hash(row)})

        return self._with_rows(forge)

    def write_a_row_otherwise(self) -> bytes:
        """Keep what it says, and put blanks in."""

        def spread(rows: list[bytes]) -> None:
            at = self._at(rows)
            rows[at] = json.dumps(json.loads(rows[at])).encode()

        return self._with_rows(spread)

    # The files.

    def add_a_file(self) -> bytes:
        """Somewhere, with a name like the others'."""
        files = self.files()
        files.insert(self.noise.randrange(len(files) + 1), ("clips/2026-11-22/added.mp4", self.noise.randbytes(50)))
        return self._repacked(files)

    def remove_a_file(self) -> bytes:
        """Any one."""
        files = self.files()
        files.pop(self._at(files))
        return self._repacked(files)

    def reorder_files(self) -> bytes:
        """Two of them change places."""
        files = self.files()
        self._swap(files)
        return self._repacked(files)

    def exchange_contents(self) -> bytes:
        """Two files keep their places and names."""
        files = self.files()
        one, other = self.noise.sample(range(len(files)), 2)
        files[one], files[other] = (files[one][0], files[other][1]), (files[other][0], files[one][1])
        return self._repacked(files)

    def rename_a_file(self) -> bytes:
        """By one letter."""
        files = self.files()
        at = self._at(files)
        files[at] = ("x" + files[at][0][1:], files[at][1])
        return self._repacked(files)

    # The manifest and its signature.

    def change_the_manifest(self) -> bytes:
        """Who, why, where, which program."""
        said = json.loads(self._file(MANIFEST))
        said[self.noise.choice(("reason", "place", "program"))] = "khác"
        return self.with_(MANIFEST, canonical(said))

    def change_a_clip_and_the_manifest(self) -> bytes:
        """Consistently, but for the signature."""
        name, content = next(iter(self.files()))
        changed = self.noise.randbytes(len(content))
        said = json.loads(self._file(MANIFEST))
        said["files"][0]["sha256"] = hashlib.sha256(changed).hexdigest()
        return Forger(whole=self.with_(name, changed), noise=self.noise).with_(MANIFEST, canonical(said))

    def sign_it_with_another_key(self) -> bytes:
        """Consistently, with a key of one's own: only its fingerprint tells."""
        key = Ed25519PrivateKey.generate()
        said = json.loads(self._file(MANIFEST))
        pem = pem_of(key.public_key())
        said["reason"], said["key"]["fingerprint"] = "khác", fingerprint_of(key.public_key())
        for row in said["files"]:
            if row["name"] == PUBLIC_KEY:
                row |= {"sha256": hashlib.sha256(pem).hexdigest(), "bytes": len(pem)}
        manifest = canonical(said)
        new = {PUBLIC_KEY: pem, MANIFEST: manifest, SIGNATURE: key.sign(manifest)}
        return self._repacked([(name, new.get(name, content)) for name, content in self.files()])

    def stretch_the_signature(self) -> bytes:
        """Another signature that some libraries took for the same one."""
        signature = self._file(SIGNATURE)
        second = int.from_bytes(signature[32:], "little") + GROUP_ORDER
        return self.with_(SIGNATURE, signature[:32] + second.to_bytes(32, "little"))

    # Tools.

    def files(self) -> Files:
        """Return the package's files, in order."""
        with zipfile.ZipFile(io.BytesIO(self.whole)) as package:
            return [(info.filename, package.read(info)) for info in package.infolist()]

    def _file(self, name: str) -> bytes:
        return dict(self.files())[name]

    def with_(self, name: str, content: bytes) -> bytes:
        """Return the package with other content in one file."""
        return self._repacked([(its, content if its == name else held) for its, held in self.files()])

    def _with_rows(self, change: Callable[[list[bytes]], object]) -> bytes:
        """Change the journal; now and then its SHA-256 in the manifest too."""
        rows = self._file(JOURNAL).splitlines()
        change(rows)
        journal = b"".join(row + b"\n" for row in rows)
        changed = self.with_(JOURNAL, journal)
        if self.noise.random() < 0.5:
            return changed
        said = json.loads(self._file(MANIFEST))
        for row in said["files"]:
            if row["name"] == JOURNAL:
                row |= {"sha256": hashlib.sha256(journal).hexdigest(), "bytes": len(journal)}
        return Forger(whole=changed, noise=self.noise).with_(MANIFEST, canonical(said))

    def _repacked(self, files: Files) -> bytes:
        return packed(files, self.whole[10:14])

    def _swap(self, things: list[bytes] | Files) -> None:
        one, other = self.noise.sample(range(len(things)), 2)
        things[one], things[other] = things[other], things[one]  # type: ignore[assignment] # one kind of list

    def _flipped(self, at: int) -> bytes:
        changed = bytearray(self.whole)
        changed[at] ^= 1 << self.noise.randrange(8)
        return bytes(changed)

    def _at(self, things: bytes | list[bytes] | Files) -> int:
        return self.noise.randrange(len(things))

    def _container(self) -> list[int]:
        return container_of(self.whole)


def packed(files: Files, stamp: bytes) -> bytes:
    """Pack files as the gate does."""
    layout = Layout(stamp=stamp)
    parts = [layout.begin(name, len(content), zlib.crc32(content)) + content for name, content in files]
    return b"".join(parts) + layout.ending()


def container_of(whole: bytes) -> list[int]:
    """Return where the bytes stand that are no file's content."""
    with zipfile.ZipFile(io.BytesIO(whole)) as package:
        contents = [
            (start := info.header_offset + 30 + len(info.filename), start + info.file_size)
            for info in package.infolist()
        ]
    return sorted(set(range(len(whole))).difference(*(range(*content) for content in contents)))


WEIGHTS = (
    (Forger.flip_a_bit_anywhere, 20), (Forger.flip_a_bit_of_the_container, 20), (Forger.flip_a_bit_of_some_file, 20),
    (Forger.replace_a_byte, 6), (Forger.insert_bytes, 5), (Forger.cut_bytes_out, 5), (Forger.cut_the_end_off, 3),
    (Forger.add_a_comment, 1), (Forger.pack_it_anew, 1), (Forger.set_the_times_of_the_files, 1),
    (Forger.remove_a_row, 10), (Forger.reorder_rows, 10), (Forger.repeat_a_row, 4), (Forger.change_a_row, 6),
    (Forger.write_a_row_otherwise, 2), (Forger.add_a_file, 4), (Forger.remove_a_file, 4), (Forger.reorder_files, 4),
    (Forger.exchange_contents, 3), (Forger.rename_a_file, 2), (Forger.change_the_manifest, 3),
    (Forger.change_a_clip_and_the_manifest, 2), (Forger.sign_it_with_another_key, 2),
    (Forger.stretch_the_signature, 1),
)  # fmt: skip
DEEDS = tuple(deed for deed, _ in WEIGHTS)
