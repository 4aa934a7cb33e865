"""Keys that were taken back: a small file beside the journal, written by `antt-gate key revoke`.

Granting a right needs the configuration and a start; taking it back must need neither. So the file is looked at for
each command, and the next one is refused.

- A line is a public key, a space, the id it had, a space, and when. What counts is the public key: neither another id
  nor a new start brings it back, and a new key may take over the id. Who deletes the line takes the revocation back.
- A file that can't be read says nothing about who may order, so then nobody may.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from config.command_keys import public_bytes
from mqtt_bridge.envelope import Key
from mqtt_bridge.reasons import remedy_of_a_file

log = logging.getLogger(__name__)

FILE = "revoked_keys"
LARGEST_BYTES = 1024 * 1024
HEADER = "# keys that sign nothing any more: public half, id, when; written by antt-gate key revoke\n"
Stamp = tuple[int, int, int]


class RevocationsError(Exception):
    """The file can't be read or written; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revocation:
    """One key that was taken back: `public` in base64, `at` as the wall clock had it."""

    public: str
    id: str
    at: str


def read(path: Path) -> list[Revocation]:
    """Return every revocation, oldest first; none where there is no file. Raises `RevocationsError`."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_BYTES + 1).decode("utf-8")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RevocationsError(f"{path} can't be read ({error.strerror}); make it readable for this user") from None
    except UnicodeDecodeError:
        raise RevocationsError(f"{path} is damaged; restore it, or delete it and revoke again") from None
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    wrong = any(len(words) != len(("public", "id", "at")) or public_bytes(words[0]) is None for words in lines)
    if len(text) > LARGEST_BYTES or wrong:
        raise RevocationsError(
            f"{path} is damaged; correct it (a line is: public key, id, time), or delete it and revoke again"
        )
    return [Revocation(public=public, id=name, at=at) for public, name, at in lines]


def add(path: Path, new: Revocation) -> None:
    """Write one more, so that it is there whole after a power cut. Raises `RevocationsError`."""
    kept = [*read(path), new]
    text = HEADER + "".join(f"{one.public} {one.id} {one.at}\n" for one in kept)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{FILE}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fchmod(descriptor, 0o644)  # nothing in it is secret, and root may write what the service reads
                os.fsync(descriptor)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        remedy = remedy_of_a_file(error, "run it as the gate's user")
        raise RevocationsError(f"{path} can't be written ({error.strerror}); {remedy}") from None


class Revocations:
    """The file as of now, for the bridge; read again only when it has changed.

    `untold` are those that came since the first look, for the journal; who tells takes them out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: Stamp | None = None
        self._revoked: frozenset[bytes | None] | None = frozenset()
        self._known: frozenset[str] | None = None
        self.trouble = ""
        self.untold: list[Revocation] = []

    def applied(self, keys: Mapping[str, Key]) -> dict[str, Key]:
        """Return the keys as they are now: revoked where the configuration or the file says so, or it can't be read."""
        self.look()
        revoked = self._revoked
        return {
            name: replace(key, revoked=True) if revoked is None or key.public in revoked else key
            for name, key in keys.items()
        }

    def look(self) -> None:
        """Read the file if it has changed; never raises."""
        stamp = _stamp(self._path)
        if stamp == self._stamp and self._known is not None and not self.trouble:
            return
        try:
            listed = read(self._path)
        except RevocationsError as error:
            if not self.trouble:
                log.warning("no command is taken: %s", error)
            self._revoked, self.trouble = None, f"no command is taken: {error}"
            return
        if self._known is not None:
            new = [one for one in listed if one.public not in self._known]
            self.untold += new
            for one in new:
                log.info("the key %s was revoked", one.id)
        self._known = frozenset(one.public for one in listed)
        self._revoked = frozenset(public_bytes(one.public) for one in listed)
        self._stamp, self.trouble = stamp, ""


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return -1, -1, -1  # like no other; reading will say what is wrong
    return found.st_ino, found.st_mtime_ns, found.st_size
