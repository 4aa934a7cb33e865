"""Guessing at a password for days, in seconds: the limits of api/attempts.py on a true time that a test owns."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from api.accounts import Store
from api.attempts import DAY_S, Attempts, Try

HOUR_S = 3600.0
STOLEN_PHONES = 12


def stranger(number: int = 0, name: str = "lan") -> Try:
    return Try(name=name, source=f"198.51.100.{number}")


def known(number: int = 0, name: str = "lan") -> Try:
    return Try(name=name, source="10.0.0.7", phone=f"phone {number}")


@dataclass(kw_only=True)
class Siege:
    """The tries of a gate whose true time a test owns; its own clock starts again at each boot."""

    path: Path
    true_s: float = 1e6
    booted_s: float = 0.0
    wrong_at: list[float] = field(default_factory=list)
    store: Store = field(init=False)
    attempts: Attempts = field(init=False)

    def __post_init__(self) -> None:
        self._start()

    @property
    def mono_s(self) -> float:
        return self.true_s - self.booted_s

    def restart(self, off_s: float = 0.0, *, reboots: bool = False) -> None:
        """Start the process again, or the whole machine after `off_s` without power."""
        self.store.close()
        self.true_s += off_s
        if reboots:
            self.booted_s = self.true_s
        self._start()

    def _start(self) -> None:
        self.store = Store(self.path)
        self.attempts = Attempts(self.store)
        self.attempts.resume(self.mono_s)

    def wrong(self, who: Try) -> float:
        """Guess; return how long one must wait instead, 0 where it was compared."""
        begun = self.attempts.begin(who, self.mono_s)
        if not begun.wait_s > 0:
            self.wrong_at.append(self.true_s)
        return max(0.0, begun.wait_s)

    def right(self, who: Try) -> bool:
        """Give the right password; tell whether it was compared."""
        begun = self.attempts.begin(who, self.mono_s)
        if begun.number:
            self.attempts.uncount(begun.number)
        return begun.number > 0

    def most_in_a_day(self) -> int:
        """Return how many wrong tries the worst 24 hours of true time have seen."""
        return max(sum(at <= other < at + DAY_S for other in self.wrong_at) for at in self.wrong_at)

    def goes_on(self, days: float, chance: random.Random) -> None:
        """Guess without a pause, from everywhere, with stolen phones; the owner signs in and the gate restarts."""
        end_s, next_hour_s = self.true_s + days * DAY_S, 0.0
        while self.true_s < end_s:
            wait_s = self.wrong(stranger(chance.randrange(256)))
            if self.true_s >= next_hour_s:
                next_hour_s = self.true_s + HOUR_S
                for number in range(STOLEN_PHONES):
                    while not self.wrong(known(number)):
                        continue
                self.right(known(1000))
                self.right(stranger(1))
                self.restart(chance.choice((0.0, 5.0, 300.0)), reboots=chance.random() < 0.3)
            self.true_s += max(wait_s, 0.001)
