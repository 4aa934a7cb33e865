"""Where evidence packages are made: one thread of its own, with its own view of the journal, one package at a time.

A package of gigabytes takes minutes, and pages are served meanwhile. Reading and hashing hold no interpreter lock. The
thread is as urgent as any other of this process: a `nice` one was measured and rejected (p99 of `GET /gate` 100 ms
instead of 30 ms on a busy machine), because it is put aside while it holds the lock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from api.problems import ProblemError
from gate.journal import JournalError, JournalReader

Found = TypeVar("Found")


class PackingRoom:
    """The thread, and which package is being made."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evidence")
        self.current = ""

    async def work(self, job: Callable[[], Found]) -> Found:
        """Return what `job` returns, run in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)

    async def ask(self, question: Callable[[JournalReader], Found]) -> Found:
        """Return what `question` finds in the journal. Raises the problem `journal_unavailable`."""
        try:
            return await self.work(lambda: self._ask(question))
        except JournalError as error:
            raise ProblemError("journal_unavailable", str(error)) from None

    def reader(self) -> JournalReader:
        """Open the journal; to be used, and closed, in the thread. Raises `JournalError`."""
        return JournalReader(self._journal)

    @contextlib.contextmanager
    def occupied(self, evidence_id: str) -> Iterator[None]:
        """Make this package while the block runs. Raises the problem `evidence_busy` while another is made."""
        if self.current:
            raise ProblemError("evidence_busy")
        self.current = evidence_id
        try:
            yield
        finally:
            self.current = ""

    def close(self) -> None:
        """End the thread; what it does at this moment is short."""
        self._thread.shutdown()

    def _ask(self, question: Callable[[JournalReader], Found]) -> Found:
        with contextlib.closing(self.reader()) as reader:
            return question(reader)
