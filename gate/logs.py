"""Logging that never makes a process wait.

A terminal that is stopped (Ctrl+S) or a pipe that nobody reads blocks whoever writes to it. Here a thread writes to
stderr and the process only queues; when the queue is full, lines are dropped and counted.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import queue
import threading

LONGEST_QUEUE = 1000
LAST_WORDS_S = 0.5
STDERR = 2
Entry = logging.LogRecord | None


class _Handler(logging.handlers.QueueHandler):
    """Queues if there is room."""

    def __init__(self, entries: queue.Queue[Entry]) -> None:
        super().__init__(entries)
        self._entries = entries
        self._dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue one line; after dropped ones, say how many there were."""
        try:
            if self._dropped:
                told = f"{self._dropped} lines of this log were dropped: nobody read them"
                self._entries.put_nowait(logging.LogRecord(record.name, logging.WARNING, __file__, 0, told, None, None))
                self._dropped = 0
            self._entries.put_nowait(record)
        except queue.Full:
            self._dropped += 1


class Log:
    """The log of this process while it lives; `close` gives the last lines half a second to get out."""

    def __init__(self, folder: str) -> None:
        self._entries: queue.Queue[Entry] = queue.Queue(LONGEST_QUEUE)
        self._format = logging.Formatter(f"%(asctime)s {folder} %(levelname)s %(message)s").format
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)

    def open(self) -> None:
        """Send all logging of this process here, from INFO on."""
        root = logging.getLogger()
        root.handlers = [_Handler(self._entries)]
        root.setLevel(logging.INFO)
        self._thread.start()

    def close(self) -> None:
        """Write what waits, but not for long."""
        try:
            self._entries.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(LAST_WORDS_S)

    def _write(self) -> None:
        """Write to the descriptor itself: a lock of sys.stderr, held by a write that hangs, would hang the exit too."""
        while (entry := self._entries.get()) is not None:
            with contextlib.suppress(OSError):
                os.write(STDERR, (self._format(entry) + "\n").encode(errors="backslashreplace"))


def log_to_stderr(folder: str) -> Log:
    """Begin to log; lines carry the name of the folder whose process this is."""
    log = Log(folder)
    log.open()
    return log
