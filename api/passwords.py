"""Passwords: argon2id, at most two at a time, in threads of their own.

One hash takes 19 MiB and about 25 ms. More than two at once, or the library's larger default, would let a stranger
exhaust a small Raspberry Pi. A name that does not exist costs the same as one that does. Who comes next stands in
waiting_room.py: a known phone waits for one hash at most.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from api.waiting_room import WaitingRoom

Found = TypeVar("Found")

AT_ONCE = 2
MOST_WAITING = 16
MEMORY_KIB = 19 * 1024
SHORTEST = 10
LONGEST = 128

NOBODY = f"$argon2id$v=19$m={MEMORY_KIB},t=2,p=1$bm9ib2R5IGlzIGhlcmUuLg$" + "A" * 43
"""A hash that no password has, to be compared with where there is no person; as long as a real one."""


def _hasher() -> argon2.PasswordHasher:
    return argon2.PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)


def hash_now(password: str) -> str:
    """Return the hash of a password, in this thread. For the command line."""
    return _hasher().hash(password)


class Passwords:
    """Hashes and compares. Raises the `rate_limited` problem when too many wait."""

    def __init__(self) -> None:
        self._hasher = _hasher()
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="argon2")
        self._room = WaitingRoom(AT_ONCE, MOST_WAITING)

    async def hash(self, password: str) -> str:
        """Return the hash to keep."""
        return await self._run("", lambda: self._hasher.hash(password), known=True)

    async def fits(self, password: str, kept: str | None, source: str = "", *, known: bool = True) -> bool:
        """Tell whether a password has the kept hash; takes the same time where there is none.

        `source` is what shares a turn in the waiting room; `known` ones go first.
        """
        return await self._run(source, lambda: self._compare(kept or NOBODY, password), known=known)

    def close(self) -> None:
        """End the threads; what was begun ends first."""
        self._threads.shutdown(cancel_futures=True)

    async def _run(self, source: str, work: Callable[[], Found], *, known: bool) -> Found:
        """Do the work when it is its turn. Its place is free when the thread is, however the request ended."""
        await self._room.enter(source, known=known)
        loop = asyncio.get_running_loop()

        def leave(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(self._room.leave)

        try:
            running = self._threads.submit(work)
        except RuntimeError:  # closed
            self._room.leave()
            raise
        running.add_done_callback(leave)
        return await asyncio.wrap_future(running)

    def _compare(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
