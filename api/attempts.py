"""How long somebody must wait before the next guess at a password.

- What counts is who tries. A *stranger* shares the tries at a name with all other strangers, from whatever address: a
  village's phones share one address of their carrier, and a botnet has thousands. A *known* phone (phones.py) has tries
  of its own, so that nobody who guesses elsewhere keeps its owner out. When those are used up it is a stranger.
- A wrong try counts for a day. A right one counts for nothing and forgives nothing: an owner who signs in gives a
  guesser no new tries. At one name no more than `A_DAY` tries are wrong in any 24 hours.
- The delay grows and ends; it is never a lock that an attacker could set for good, and a pairing link always works.
- Strangers together may be wrong `A_MINUTE` times in any minute. No address may have more of them than are left for
  others: one alone has half at most, and a newcomer finds room.
- Names and addresses, known or not, are counted in 65,536 buckets each: nothing that a stranger typed is kept, and an
  unknown name behaves as a known one does.
- A try counts as wrong before the password is compared, so that guesses at the same moment gain nothing; and it is on
  the disk by then, so that pulling the plug gains nothing either.
- Time is CLOCK_MONOTONIC, added up over restarts. It never runs faster than true time: all that a wall clock that was
  set, a reboot or hours without power can do is to make tries count for longer.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass

from api.accounts import Store

DAY_S = 86_400.0
MINUTE_S = 60.0
FREE_TRIES = 5
LONGEST_WAIT_S = 512.0
OF_A_PHONE = 10
OF_ALL_PHONES = 100
A_DAY = 300
A_MINUTE = 20
STRANGER = ""
OF_ONE_NETWORK = 64  # an IPv6 customer has a whole /64, or more


def delay_s(tries: int) -> float:
    """Return the pause after so many wrong tries within a day: none, then 1, 2, 4 … 512 seconds."""
    if tries < FREE_TRIES:
        return 0.0
    return min(LONGEST_WAIT_S, 2.0 ** min(tries - FREE_TRIES, 16))


def bucket_of(text: str) -> str:
    """Return where the tries at a name, or from an address, are counted."""
    return hashlib.sha256(text.encode()).hexdigest()[:4]


def network_of(host: str) -> str:
    """Return what counts as one address: an IPv4 address, or the network of an IPv6 one."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, OF_ONE_NETWORK), strict=False))


@dataclass(frozen=True, kw_only=True, slots=True)
class Try:
    """Somebody tries a password for `name` from the network address `source`.

    `phone` names the known phone, or the session, that it comes from; `STRANGER` where there is none.
    """

    name: str
    source: str
    phone: str = STRANGER

    @property
    def known(self) -> bool:
        """Tell whether it comes from a known phone."""
        return self.phone != STRANGER


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A try was counted under `number`; or came `wait_s` too early and was not counted (`number` 0)."""

    counted: Try
    number: int = 0
    wait_s: float = 0.0


class Attempts:
    """The wrong tries of the last day. A view of a `Store`, cheap to make. `mono_s` is CLOCK_MONOTONIC."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def look(self, who: Try, mono_s: float) -> Begun:
        """Tell how `begin` would count a try and how long it must wait; change nothing."""
        now_s = self._now_s(mono_s)
        if who.known:
            wait_s = self._wait_of_phone(who, now_s)
            if wait_s is not None:
                return Begun(counted=who, wait_s=wait_s)
            who = Try(name=who.name, source=who.source)
        return Begun(counted=who, wait_s=max(self._wait_at_name(who, now_s), self._wait_of_all(who, now_s)))

    def begin(self, who: Try, mono_s: float) -> Begun:
        """Count one try as wrong, durably, unless it comes too early."""
        begun = self.look(who, mono_s)
        if begun.wait_s > 0:
            return begun
        who, now_s = begun.counted, self._now_s(mono_s)
        with self._store.changing() as db:
            db.execute("INSERT OR REPLACE INTO guess_time VALUES (1, ?, ?)", (now_s, mono_s))
            db.execute("DELETE FROM attempt WHERE at <= ?", (now_s - DAY_S,))
            values = (bucket_of(who.name), who.phone, bucket_of(who.source), now_s)
            db.execute("INSERT INTO attempt (name, phone, source, at) VALUES (?, ?, ?, ?)", values)
            return Begun(counted=who, number=int(db.lastrowid or 0))

    def uncount(self, number: int) -> None:
        """Take one try back: its password was right, or was never compared."""
        with self._store.changing(durable=False) as db:
            db.execute("DELETE FROM attempt WHERE number = ?", (number,))

    def resume(self, mono_s: float) -> None:
        """Go on counting time at a start of the process, so that none since a reboot is counted twice."""
        now_s = self._now_s(mono_s)
        with self._store.changing(durable=False) as db:
            db.execute("INSERT OR REPLACE INTO guess_time VALUES (1, ?, ?)", (now_s, mono_s))

    def _now_s(self, mono_s: float) -> float:
        """Return the counted seconds. After a reboot CLOCK_MONOTONIC says how long this machine has run since."""
        found = self._store.rows("SELECT counted_s, mono_s FROM guess_time")
        if not found:
            return 0.0
        counted_s, then_s = (float(str(value)) for value in found[0])
        return counted_s + (mono_s - then_s if mono_s >= then_s else mono_s)

    def _wait_of_phone(self, who: Try, now_s: float) -> float | None:
        """Return how long a known phone waits; None where its tries of this day are used up."""
        of_all = "SELECT count(*) FROM attempt WHERE name = ? AND phone <> '' AND at > ?"
        of_this = "SELECT count(*), max(at) FROM attempt WHERE phone = ? AND at > ?"
        if _number(self._store.rows(of_all, bucket_of(who.name), now_s - DAY_S)[0][0]) >= OF_ALL_PHONES:
            return None
        count, last_s = map(_number, self._store.rows(of_this, who.phone, now_s - DAY_S)[0])
        return None if count >= OF_A_PHONE else delay_s(int(count)) - (now_s - last_s)

    def _wait_at_name(self, who: Try, now_s: float) -> float:
        """Return how long strangers wait before the next try at this name."""
        sql = "SELECT count(*), max(at) FROM attempt WHERE name = ? AND phone = '' AND at > ?"
        count, last_s = map(_number, self._store.rows(sql, bucket_of(who.name), now_s - DAY_S)[0])
        return delay_s(int(count)) - (now_s - last_s)

    def _wait_of_all(self, who: Try, now_s: float) -> float:
        """Return how long a stranger waits until this minute's tries leave room for this address."""
        sql = "SELECT source, at FROM attempt WHERE at > ? AND phone = '' ORDER BY at"
        recent = [(str(source), _number(at)) for source, at in self._store.rows(sql, now_s - MINUTE_S)]
        own, wait_s = bucket_of(who.source), 0.0
        while sum(source == own for source, _ in recent) >= A_MINUTE - len(recent):
            wait_s = recent.pop(0)[1] + MINUTE_S - now_s
        return wait_s


def _number(value: object) -> float:
    """Return a number of a row; 0 where there is none."""
    return float(str(value)) if value is not None else 0.0
