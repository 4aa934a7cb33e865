"""Reading the journal without holding the event loop: one thread with one read-only connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from api.problems import ProblemError
from gate.journal import JournalError, JournalReader

Found = TypeVar("Found")


class Records:
    """The journal, as long as it can be read; a spoilt row keeps nobody from the others."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._reader: JournalReader | None = None

    async def __call__(self, question: Callable[[JournalReader], Found]) -> Found:
        """Return what `question` finds. Raises the `journal_unavailable` problem."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, question)
        except JournalError as error:
            raise ProblemError("journal_unavailable", str(error)) from None

    async def reopen(self) -> None:
        """Forget the open file: gate was away and may have begun a new one."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)

    def close(self) -> None:
        """Close the file and end the thread."""
        self._thread.submit(self._close)
        self._thread.shutdown()

    def _run(self, question: Callable[[JournalReader], Found]) -> Found:
        if self._reader is None:
            self._reader = JournalReader(self._path, forgiving=True)
        try:
            return question(self._reader)
        except JournalError:
            self._close()
            raise

    def _close(self) -> None:
        if self._reader:
            self._reader.close()
            self._reader = None
