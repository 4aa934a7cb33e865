"""Incident files: what the ring handed over, written by a thread of its own into `STATE_DIR/incidents/`.

- A file is written whole under another name and renamed, so that whoever lists the folder never meets half of one.
- The writer works in small pieces and rests between them: it shares an interpreter with the rules. It has their
  priority for the same reason as the journal's thread: who holds that lock must not be kept from going on.
- At most `MOST_FILES` and `MOST_BYTES` are kept, the oldest go first. A disk that refuses loses the file and is said in
  the log; the gate goes on.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gate import priority
from gate.incident_file import About, IncidentError, Recorded, lines, parse
from gate.ring import Incident
from gate.site import Site

log = logging.getLogger(__name__)

FOLDER = "incidents"
MOST_FILES = 50
MOST_BYTES = 50_000_000
MOST_WAITING = 4
LARGEST_READ = 64_000_000
REST_S = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """An incident on its way to the disk."""

    about: About
    site: Site
    incident: Incident


class IncidentFiles:
    """The one writer of the folder. `keep` never blocks and never fails."""

    def __init__(self, folder: Path, *, most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_files = most_files
        self._most_bytes = most_bytes
        self._queue: queue.Queue[Kept | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="incidents", daemon=True)

    def open(self) -> None:
        """Start the writer. A folder that can't be made is said in the log when there is something to write."""
        self._thread.start()

    def keep(self, about: About, site: Site, incident: Incident) -> None:
        """Have an incident written. Where too many wait already (the disk hangs), this one is lost and said."""
        try:
            self._queue.put_nowait(Kept(about=about, site=site, incident=incident))
        except queue.Full:
            log.error("the incident %s is lost: the disk has not taken those before it", about.at)  # noqa: TRY400 - as below

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what waits, then end."""
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=timeout_s)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        priority.raise_this_thread(priority.GATE)
        while (kept := self._queue.get()) is not None:
            try:
                path = self._write(kept)
                log.info("kept the last minute in %s (antt-gate incident show %s)", path, path.name)
                self._tidy(path)
            except OSError as error:
                log.error("the incident %s can't be kept (%s); the gate goes on", kept.about.at, error)  # noqa: TRY400 - no fault of ours

    def _write(self, kept: Kept) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        path = self._free_name(name_of(kept.about, kept.incident))
        draft = path.with_suffix(".new")
        try:
            with draft.open("w", encoding="utf-8", errors="replace") as file:
                for piece in lines(kept.about, kept.site, kept.incident):
                    file.write(piece)
                    time.sleep(REST_S)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise
        return path

    def _free_name(self, name: str) -> Path:
        path = self._folder / f"{name}.json"
        number = 2
        while path.exists():
            path = self._folder / f"{name}-{number}.json"
            number += 1
        return path

    def _tidy(self, newest: Path) -> None:
        """Delete the oldest files above the limits, never the one just written: its clock may have been wrong."""
        for draft in self._folder.glob("*.new"):
            draft.unlink(missing_ok=True)  # of a process that was killed; we are the only writer
        files = [path for path in found(self._folder) if path != newest]
        sizes = {path: path.stat().st_size for path in (*files, newest)}
        while files and (len(sizes) > self._most_files or sum(sizes.values()) > self._most_bytes):
            oldest = files.pop(0)
            oldest.unlink(missing_ok=True)
            del sizes[oldest]


def name_of(about: About, incident: Incident) -> str:
    """Return the name of a file, less its ending: its time in UTC and why it was kept, for sorting and for reading."""
    moment = re.sub(r"[-:]|\.\d+", "", about.at)
    return f"{moment}-{re.sub(r'[^a-z0-9_]+', '-', incident.reasons[0].what.lower()).strip('-')}"


def found(folder: Path) -> list[Path]:
    """Return the incident files of a folder, oldest first; none where there is no folder."""
    return sorted(path for path in folder.glob("*.json") if path.is_file())


def read(path: Path) -> Recorded:
    """Read a file. Raises `IncidentError`, whose message begins with its name."""
    try:
        with path.open(encoding="utf-8") as file:
            return parse(file.read(LARGEST_READ))
    except UnicodeDecodeError:
        raise IncidentError(f"{path} is no text; it is damaged, copy it again from the gate") from None
    except OSError as error:
        raise IncidentError(f"{path} can't be read: {error.strerror}") from None
    except IncidentError as error:
        raise IncidentError(f"{path} {error}") from None


def every(folder: Path) -> Iterator[tuple[Path, Recorded | IncidentError]]:
    """Yield each file of a folder with what it holds, or with why it can't be read."""
    for path in found(folder):
        try:
            yield path, read(path)
        except IncidentError as error:
            yield path, error


def recorder(files: IncidentFiles, about: Callable[[float], About], site: Site) -> Callable[[Incident], None]:
    """Return what a `Ring` calls to keep an incident; `about` says what is true of the gate at a monotonic moment."""
    return lambda incident: files.keep(about(incident.reasons[0].at_s), site, incident)
