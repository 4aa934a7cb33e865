"""The page's certificate while it is in use: taken at the start, and again when its files change. No restart.

- Who connects gets the newest good certificate; connections that are open go on with theirs.
- New files are tried in a handshake with themselves before anybody gets them. What can't be used is refused: the one in
  use stays, the log and our health say why.
- Files are read once they have been still from one look to the next: two files can't be written in one instant.
- It must be renewed `SOON_S` before its end; the timer (antt-gate-tls.timer) renews earlier, at 30 days. An end in the
  past is told too, and the page is served all the same: a warning in a browser is better than no gate.

How certificates are made stands in authority.py; this file only serves them and needs no library beside `ssl`.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import logging
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from api.links import ListenError
from api.trust import first_certificate
from config.schema import Tls
from gate.journal import utc
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

SOON_S = 21 * 86_400.0
LOOK_EVERY_S = 2.0
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h): an expired one is told of, not refused
Tell = Callable[[Kind, JsonObject, JsonObject | None], Awaitable[None]]
Stamp = tuple[tuple[int, int, int] | None, ...]


class RefusedError(Exception):
    """Files that hold no certificate to serve with; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A certificate that was tried. `names` are host names and addresses, `fingerprint` SHA-256 in hexadecimal."""

    context: ssl.SSLContext
    ends_s: float
    names: frozenset[str]
    fingerprint: str


class Certificate:
    """The certificate of `[api.tls]`. `context` is what a server listens with, for as long as it runs.

    Raises `ListenError` where the files can't be used at the start.
    """

    def __init__(self, tls: Tls, wall_s: Callable[[], float] = time.time) -> None:
        self._tls = tls
        self._wall_s = wall_s
        self._judged = self._seen = _stamp(tls)
        self.refused = ""
        try:
            self._taken = take(tls)
        except RefusedError as error:
            text = f"[api.tls] can't be used ({error}); name a PEM certificate and its key, or run antt-gate tls init"
            raise ListenError(text) from None
        self.context = self._taken.context
        self.context.sni_callback = self._give_newest

    @property
    def ends_s(self) -> float:
        """When the one in use ends, in wall seconds."""
        return self._taken.ends_s

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the one in use."""
        return self._taken.fingerprint

    async def watch(self, tell: Tell) -> None:
        """Look for new files for as long as the process runs; have each that is taken journalled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look_and_tell(tell)

    async def look_and_tell(self, tell: Tell) -> None:
        """Look once; have it journalled where new files are taken."""
        if self.look():
            data: JsonObject = {"what": "certificate", "ends_at": utc(self.ends_s), "fingerprint": self.fingerprint}
            await tell(Kind.CONFIG_CHANGED, data, None)

    def look(self) -> bool:
        """Take new files, if they have been still since the last look; refuse what can't be used, once.

        Returns whether new ones were taken.
        """
        stamp = _stamp(self._tls)
        still, self._seen = stamp == self._seen, stamp
        if stamp == self._judged or not still:
            return False
        self._judged = stamp
        try:
            self._taken = self._better(take(self._tls))
        except RefusedError as error:
            self.refused = str(error)
            log.error("the new certificate is refused, the old one stays: %s", error)  # noqa: TRY400 - it says enough
            return False
        self.refused = ""
        log.info("a new certificate is served, good until %s", utc(self.ends_s))
        return True

    def health(self, now_s: float, host: str) -> JsonObject:
        """Return what our health says of it: nothing but its end on a good day.

        `host` is what phones reach us by; where the certificate is of our own authority, it must name it.
        """
        told: JsonObject = {"certificate_ends_at": utc(self.ends_s)}
        left_s = self.ends_s - now_s
        if self.refused:
            return _ill(told, "certificate_refused", f"the new files of [api.tls] are refused: {self.refused}")
        if left_s <= 0:
            return _ill(told, "certificate_expired", f"[api.tls] ended at {utc(self.ends_s)}; run antt-gate tls renew")
        if left_s < SOON_S:
            days = int(left_s // 86_400)
            return _ill(told, "certificate_expires", f"[api.tls] ends in {days} days; run antt-gate tls renew")
        if self._tls.ca_file and canonical(host) not in self._taken.names:
            return _ill(told, "certificate_other_name", f"[api.tls] does not name {host}; run antt-gate tls renew")
        return told

    def _better(self, new: Taken) -> Taken:
        """Return new ones, but not those that have ended where the one in use has not: a backup that was put back."""
        if new.ends_s <= self._wall_s() < self.ends_s:
            raise RefusedError(f"{self._tls.cert_file} ended at {utc(new.ends_s)}")
        return new

    def _give_newest(self, link: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Let a handshake that begins use the newest certificate; OpenSSL asks whether a name was sent or not."""
        link.context = self._taken.context


def _ill(told: JsonObject, reason: str, detail: str) -> JsonObject:
    return {**told, "ok": False, "reason": reason, "detail": detail}


def server_context() -> ssl.SSLContext:
    """Return what a server of ours speaks: TLS 1.2 and 1.3 with the system's ciphers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def take(tls: Tls) -> Taken:
    """Read the files and try them. Raises `RefusedError`."""
    context = server_context()
    try:
        pem = tls.cert_file.read_text(encoding="ascii", errors="replace")
        context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
    except ssl.SSLError as error:
        raise RefusedError(_in_words(error, tls)) from None
    except OSError as error:
        raise RefusedError(f"{error.filename or tls.key_file}: {error.strerror}") from None
    except ValueError as error:
        raise RefusedError(str(error)) from None
    der = first_certificate(pem)
    if der is None:
        raise RefusedError(f"{tls.cert_file} does not begin with a certificate")
    try:
        ends_s, names = _rehearse(context, der)
    except ssl.SSLError as error:
        raise RefusedError(f"no phone would take {tls.cert_file}: {error.reason or error}") from None
    except ValueError as error:  # OpenSSL shakes hands with a certificate whose end or names nobody can read
        raise RefusedError(f"{tls.cert_file} is damaged: {error}") from None
    return Taken(context=context, ends_s=ends_s, names=names, fingerprint=hashlib.sha256(der).hexdigest())


def _no_password() -> str:
    raise ValueError("the key is locked with a password; nobody is there to type it, so write it without one")


def _in_words(error: ssl.SSLError, tls: Tls) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{tls.key_file} is not the key of {tls.cert_file}"
    if error.reason:
        return f"{tls.cert_file} with {tls.key_file}: {error.reason}"
    return f"{tls.cert_file} or {tls.key_file} is no PEM file"


def _rehearse(context: ssl.SSLContext, der: bytes) -> tuple[float, frozenset[str]]:
    """Shake hands with ourselves in memory; return end and names as the client saw them. Raises `ssl.SSLError`.

    The client trusts just this certificate and does not mind the hour. OpenSSL reads the certificate for us this way:
    a library for it would cost this process 8 MB.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    client.load_verify_locations(cadata=der)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server),
        context.wrap_bio(to_server, to_client, server_side=True),
    ]
    for end in (*ends, *ends):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    seen = ends[0].getpeercert() or {}
    names = frozenset(canonical(str(entry[1])) for entry in seen.get("subjectAltName", ()))
    return float(ssl.cert_time_to_seconds(str(seen["notAfter"]))), names


def canonical(name: str) -> str:
    """Return a host name or an address in the one form that compares: lower case, IPv6 without brackets and short."""
    bare = name.strip("[]").lower()
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def _stamp(tls: Tls) -> Stamp:
    return tuple(map(_stamp_of, (tls.cert_file, tls.key_file)))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - of what a link leads to, as certbot and lego use them
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
