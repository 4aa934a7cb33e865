"""Passwords: argon2id, at most two at a time, in threads of their own.

One hash takes 19 MiB and about 25 ms. More than two at once, or the library's larger default, would let a stranger
exhaust a small Raspberry Pi. A name that does not exist costs the same as one that does.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import argon2

from api.problems import rate_limited

AT_ONCE = 2
MOST_WAITING = 32
MEMORY_KIB = 19 * 1024
SHORTEST = 10
LONGEST = 128

NOBODY = f"$argon2id$v=19$m={MEMORY_KIB},t=2,p=1$bm9ib2R5IGlzIGhlcmU$" + "A" * 43
"""A hash that no password has, to be compared with where there is no person."""


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
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return the hash to keep."""
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)
        finally:
            self._waiting -= 1

    async def fits(self, password: str, kept: str | None) -> bool:
        """Tell whether a password has the kept hash; takes the same time where there is none."""
        if self._waiting >= MOST_WAITING:
            raise rate_limited(1.0, "Too many people sign in at this moment.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._compare, kept or NOBODY, password)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads; what was begun ends first."""
        self._threads.shutdown(cancel_futures=True)

    def _compare(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
