"""What the camera process has learned of its view, kept over its restarts: one small JSON file each.

Nothing depends on it: a file that is missing, damaged or can't be written costs a learning time. A damaged one is put
aside, so that somebody can look at it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gate.model import JsonObject

log = logging.getLogger(__name__)

FOLDER = ".known"
MOST_BYTES = 8_000_000
Learner = TypeVar("Learner")


class Memories:
    """The folder of what was learned. One thread uses it at a time."""

    def __init__(self, media_dir: Path) -> None:
        self._folder = media_dir / FOLDER
        self._written: dict[str, str] = {}
        self._refused = False

    def build(self, name: str, make: Callable[[JsonObject | None], Learner]) -> Learner:
        """Return what `make` builds on what was kept under this name, or on nothing where that is no use."""
        path = self._folder / f"{name}.json"
        try:
            if path.exists() and (not path.is_file() or path.stat().st_size > MOST_BYTES):
                raise ValueError("it is no small file")  # noqa: TRY301 - damaged, like all below
            kept = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(kept, dict):
                raise ValueError("it is no JSON object")  # noqa: TRY004, TRY301 - damaged, like all below
            return make(kept)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s is no use (%s); it is put aside and learned anew", path.name, error)
            self._put_aside(path)
        return make(None)

    def write(self, name: str, learned: JsonObject) -> None:
        """Keep this under the name, whole and synced; nothing where it has not changed or the disk refuses."""
        text = json.dumps(learned)
        if self._written.get(name) == text:
            return
        draft = self._folder / f".{name}.tmp"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._folder / f"{name}.json")
        except OSError as error:
            if not self._refused:
                log.warning("what was learned of the view can't be kept (%s)", error)
            self._refused = True
            return
        self._written[name], self._refused = text, False

    @staticmethod
    def _put_aside(path: Path) -> None:
        try:
            path.replace(path.with_suffix(".damaged"))
        except OSError as error:
            log.warning("%s can't be put aside (%s)", path.name, error)
