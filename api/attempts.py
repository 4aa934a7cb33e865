"""How long somebody must wait before the next guess at a password.

- Failures are counted per name, not per address: a village's phones share one address of their carrier.
- The delay grows and ends; it is never a lock that an attacker could set for good. It survives a restart.
- Names, known or not, are counted in 65,536 buckets, so that guessing many names can't grow the file, and an unknown
  name behaves as a known one does.
- A try counts as failed before the password is compared, so that guesses at the same moment gain nothing.
"""

from __future__ import annotations

import hashlib

from api.accounts import Store

FREE_FAILURES = 5
LONGEST_WAIT_S = 360.0


def delay_s(failures: int) -> float:
    """Return the pause that follows so many failures in a row: none, then 1, 2, 4 … 360 seconds."""
    if failures < FREE_FAILURES:
        return 0.0
    return min(LONGEST_WAIT_S, 2.0 ** min(failures - FREE_FAILURES, 16))


def bucket_of(name: str) -> str:
    """Return where the failures of a name are counted."""
    return hashlib.sha256(name.encode()).hexdigest()[:4]


class Attempts:
    """The failures of each bucket. A view of a `Store`, cheap to make."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, name: str, now_s: float) -> float:
        """Count one try and return 0, or return how many seconds it comes too early and count nothing."""
        bucket = bucket_of(name)
        found = self._store.rows("SELECT failures, last_failed_at FROM attempt WHERE bucket = ?", bucket)
        failures, last = (int(str(found[0][0])), float(str(found[0][1]))) if found else (0, 0.0)
        wait_s = delay_s(failures) - max(0.0, now_s - last)
        if found and wait_s > 0:
            if now_s < last:  # the clock went back: wait from now, not until a time that may be far away
                self._count(bucket, failures, now_s)
            return wait_s
        self._count(bucket, failures + 1, now_s)
        return 0.0

    def succeeded(self, name: str) -> None:
        """Forget the failures of a name."""
        with self._store.changing(durable=False) as db:
            db.execute("DELETE FROM attempt WHERE bucket = ?", (bucket_of(name),))

    def _count(self, bucket: str, failures: int, now_s: float) -> None:
        with self._store.changing(durable=False) as db:
            db.execute(
                "INSERT INTO attempt VALUES (?, ?, ?) ON CONFLICT (bucket) DO UPDATE "
                "SET failures = excluded.failures, last_failed_at = excluded.last_failed_at",
                (bucket, failures, now_s),
            )
