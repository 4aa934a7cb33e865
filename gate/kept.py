"""`state.json`: what the rules keep over a restart, written whole and synced, or left as it was.

- A write makes a new file beside the old one, syncs it, puts it in the old one's place and syncs the folder. Whatever
  dies in between, a whole file is there: the old one or the new one.
- A file that is missing is a first start. One that can't be believed (torn, altered, of another version) yields
  `STATE_LOST`, a hard lock until an authorised reset: it may have held a lockdown, and a gate that stays still is
  better. It is kept under another name, and stays in its place too until the next write, so that a second power cut
  does not turn it into a first start.
- A disk that refuses stops nothing: `trouble` says so, and the newest state is tried again.
- A timetable that people set is kept too. A file that holds one is of version 2, and without one of version 1 as ever:
  an older program can still be put back on a gate whose timetable nobody touched.
- Times are seconds left, never times of day: the wall clock does not matter here. What is left of a hold-open shrinks
  all the time; that alone is written once a minute, to spare the card.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

from gate import priority
from gate.memory import Kept, KeptTimetable
from gate.model import Code, Mode
from gate.plain import PlainError, decode, encode

log = logging.getLogger(__name__)

PLAIN, WITH_TIMETABLE = 1, 2
LARGEST_FILE = 256 * 1024
RETRY_S = 1.0
LEFT_EVERY_S = 60.0
LEFT_TOLERANCE_S = 1.0
MOST_ASIDE = 99
MOST_LEARNED = 5
LONGEST_TRAVEL_S = 600.0
LONGEST_MODE_S = 7 * 24 * 3600.0
STANDING = (Mode.NORMAL, Mode.HOLD_OPEN, Mode.LOCKDOWN, Mode.EMERGENCY_OPEN)
"""The modes that people set; the others are true of the gate while a sensor says so, and are never kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was read. `reason` says why it could not be believed ("" where it could), `kept_as` where it lies now."""

    kept: Kept
    reason: str = ""
    kept_as: Path | None = None


class KeptError(Exception):
    """A file that can't be believed; the message says what is wrong with it."""


def read(path: Path) -> Found:
    """Return what was kept, nothing for a first start, or `STATE_LOST` with the reason. Never raises."""
    try:
        return Found(kept=_parsed(_bytes(path)))
    except FileNotFoundError:
        return Found(kept=Kept())
    except (KeptError, OSError) as error:
        reason = f"{path.name} can't be believed: {error}"
    return Found(kept=Kept(troubles=(Code.STATE_LOST,)), reason=reason, kept_as=_kept_aside(path))


def peek(path: Path) -> KeptTimetable | None:
    """Return the timetable that a file keeps, None where it keeps none or can't be believed. Changes nothing.

    Raises `OSError` where there is one that this user may not read.
    """
    try:
        return _parsed(_bytes(path)).timetable
    except (KeptError, FileNotFoundError, NotADirectoryError):
        return None


def save(path: Path, kept: Kept) -> None:
    """Replace the file by one that holds this, and return once it is on the disk.

    Raises `OSError`, and `KeptError` for what `read` would not believe: then the old file stays.
    """
    text = _text(kept)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    try:
        with open(fresh, "xb", opener=_private) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class KeptFile:
    """The one writer of the file, in a thread of its own: `write` never blocks, and the newest state wins.

    `written` is called in that thread with each state that is on the disk now.
    """

    def __init__(
        self,
        path: Path,
        save_to: Callable[[Path, Kept], None] = save,
        clock: Callable[[], float] = time.monotonic,
        written: Callable[[Kept], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._save = save_to
        self._clock = clock
        self._tell = written
        self._news = threading.Condition()
        self._newest: Kept | None = None
        self._taken: tuple[float, Kept] | None = None
        self._waiting: Kept | None = None
        self._written: Kept | None = None
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="kept", daemon=True)
        self.trouble = ""

    def open(self) -> None:
        """Start the writer."""
        self._thread.start()

    def write(self, kept: Kept) -> None:
        """Have this kept instead of anything before. Returns at once; may be called for each sample."""
        with self._news:
            self._newest = kept
            if self._is_news(kept):
                self._taken = (self._clock(), kept)
                self._waiting = kept
                self._news.notify()

    def close(self, timeout_s: float = 3.0) -> None:
        """Write what waits, once more where the disk has refused, and end the writer."""
        with self._news:
            self._ending = True
            self._waiting = self._newest
            self._news.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _is_news(self, kept: Kept) -> bool:
        """Tell whether it says more than that time went by since the last one that was taken."""
        if self._taken is None:
            return True
        taken_s, taken = self._taken
        if kept.mode_left_s is None or taken.mode_left_s is None:
            return kept != taken
        elapsed_s = self._clock() - taken_s
        as_expected = abs(taken.mode_left_s - elapsed_s - kept.mode_left_s) <= LEFT_TOLERANCE_S
        return elapsed_s >= LEFT_EVERY_S or not as_expected or replace(kept, mode_left_s=taken.mode_left_s) != taken

    def _run(self) -> None:
        priority.raise_this_thread(priority.GATE)  # it holds the interpreter lock that the rules wait for
        ending = False
        while not ending:
            kept, ending = self._next()
            if kept is not None and not self._wrote(kept):
                self._put_back(kept)

    def _next(self) -> tuple[Kept | None, bool]:
        """Wait for something to write, or for the end; after a refusal, until it is time to try again."""
        with self._news:
            if self.trouble and not self._ending:
                self._news.wait_for(lambda: self._ending, RETRY_S)
            self._news.wait_for(lambda: self._ending or self._waiting is not None)
            kept, self._waiting = self._waiting, None
            return kept, self._ending

    def _put_back(self, kept: Kept) -> None:
        with self._news:
            self._waiting = self._waiting or kept

    def _wrote(self, kept: Kept) -> bool:
        if kept == self._written and not self.trouble:
            self._tell(kept)
            return True
        try:
            self._save(self._path, kept)
        except (OSError, KeptError) as error:
            trouble = f"{self._path.name} not written: {error}"
            if trouble != self.trouble:
                log.error("%s; it will be tried again", trouble)  # noqa: TRY400 - the reason is enough
            self.trouble = trouble
            return False
        if self.trouble:
            log.warning("%s is written again", self._path.name)
        self._written, self.trouble = kept, ""
        self._tell(kept)
        return True


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _text(kept: Kept) -> bytes:
    is_over = kept.mode_left_s is not None and kept.mode_left_s < 0.0  # by less than a sample
    body = encode(replace(kept, mode_left_s=0.0) if is_over else kept)
    version = PLAIN if kept.timetable is None else WITH_TIMETABLE
    if version == PLAIN and isinstance(body, dict):
        del body["timetable"]
    _checked(body, version)
    return (json.dumps({"version": version, "kept": body, "check": _check(body)}, indent=1) + "\n").encode("ascii")


def _check(body: object) -> str:
    """Return what tells an altered file from the one that was written."""
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode("ascii")).hexdigest()


def _bytes(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        raise KeptError("it is no file")
    with path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)


def _parsed(raw: bytes) -> Kept:
    if len(raw) > LARGEST_FILE:
        raise KeptError("it is far too large")
    try:
        whole = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise KeptError(f"it is not whole ({error})") from None
    if not isinstance(whole, dict) or whole.keys() != {"version", "kept", "check"}:
        raise KeptError("it is not what was written")
    version, body = whole["version"], whole["kept"]
    if type(version) is not int or version not in {PLAIN, WITH_TIMETABLE}:
        raise KeptError(f"it is of version {version!r:.20}, and this program knows {PLAIN} and {WITH_TIMETABLE}")
    if whole["check"] != _check(body):
        raise KeptError("it was altered")
    return _checked(body, version)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _checked(body: object, version: int) -> Kept:
    """Return it as `Kept`, or raise `KeptError` for what the rules can't have meant."""
    expected = {field.name for field in fields(Kept)} - ({"timetable"} if version == PLAIN else set())
    if not isinstance(body, dict) or body.keys() != expected:
        raise KeptError("it does not hold what is kept")
    try:
        kept = decode(Kept, body, "kept")
    except (PlainError, OverflowError) as error:
        raise KeptError(str(error)) from None
    left_s, learned = kept.mode_left_s, (kept.open_s, kept.close_s)
    if kept.mode not in STANDING:
        raise KeptError(f"mode {kept.mode} is never kept")
    if left_s is not None and not 0.0 <= left_s <= LONGEST_MODE_S:
        raise KeptError(f"mode_left_s is {left_s}")
    if any(len(times) > MOST_LEARNED for times in learned):
        raise KeptError(f"more than {MOST_LEARNED} travel times")
    if any(not 0.0 < time_s <= LONGEST_TRAVEL_S for times in learned for time_s in times):
        raise KeptError("a travel time that no gate has")
    if kept.cycles < 0:
        raise KeptError(f"cycles is {kept.cycles}")
    if version == WITH_TIMETABLE and (kept.timetable is None or kept.timetable.revision < 1):
        raise KeptError("a timetable that nobody set")
    return kept


def _kept_aside(path: Path) -> Path | None:
    """Give a file that can't be believed a second name; return it, or None where it has one or can't have one."""
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            return None
        names = (path.with_name(f"{path.name}.broken-{number}") for number in range(1, MOST_ASIDE + 1))
        aside = next(name for name in names if not os.path.lexists(name))
        if stat.S_ISREG(found.st_mode):
            os.link(path, aside)
        else:
            path.rename(aside)  # what is no file would be in the way of the next write
    except (OSError, StopIteration) as error:
        log.error("%s could not be kept under another name: %s", path, error)  # noqa: TRY400 - the reason is enough
        return None
    return aside
