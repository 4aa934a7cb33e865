"""What people hold, read out of the journal whenever the store is about to delete, and when the gate tells of a hold.

The journal is asked each time, so that a hold is heard of however it was missed: this process was down, or its
connection was. While the journal can't be read nobody knows what is held, and the answer is None.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from gate.holds import Holds
from gate.journal import JournalError, JournalReader

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The events that are to be kept, and those that were once and need not be any more."""

    held: frozenset[str] = frozenset()
    released: frozenset[str] = frozenset()


NOTHING_ASKED = Asked()


class JournalHolds:
    """What the journal at `path` says is held. Any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._holds = Holds()
        self._reading = threading.Lock()
        self._told = ""

    def __call__(self) -> Asked | None:
        """Read on and return what is asked now; None where the journal can't be read. Without a journal, nothing is."""
        with self._reading:
            if not self._path.exists():
                return NOTHING_ASKED
            try:
                with contextlib.closing(JournalReader(self._path)) as reader:
                    self._holds.read(reader)
            except JournalError as error:
                if str(error) != self._told:
                    log.warning("it is not known which events are held, so none is deleted: %s", error)
                self._told = str(error)
                return None
            self._told = ""
            return Asked(held=self._holds.held, released=self._holds.released)
