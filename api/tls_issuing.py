"""What `antt-gate tls` does: begin, renew, look. Time and machine are arguments; files are where tls_files.py says.

- `begin` may be run again at any time: what is good stays. `renew` is for the daily timer: it acts only when due.
- A certificate that another authority made (a public one, by DNS-01) is never replaced.
- The page's process takes new files by itself (tls.py); nothing here talks to it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from api import tls_files, trust
from api.authority import (
    GATE_DAYS,
    Authority,
    AuthorityError,
    issue,
    make_authority,
    names_of,
    permits,
    read_authority,
    read_certificate,
    signed_by,
)
from api.links import base_url
from api.tls_files import SECRET, File, Places
from api.tls_names import Machine, names_for
from api.trust import Trust
from config.schema import Settings

RENEW_BEFORE = dt.timedelta(days=30)
ANEW = "make a new one with: antt-gate tls init --new-ca"


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What every deed works with."""

    settings: Settings
    places: Places
    machine: Machine
    now: dt.datetime
    names: tuple[str, ...] = ()
    days: int = GATE_DAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How the files of a gate are. `due` says why its certificate should be renewed; empty: it need not."""

    authority: x509.Certificate | None
    authority_key_here: bool
    certificate: x509.Certificate | None
    key_fits: bool
    ours: bool
    names: tuple[str, ...]
    due: str


def begin(desk: Desk, title: str, domains: tuple[str, ...], *, new_authority: bool) -> bool:
    """See to it that there is an authority, a certificate of it and the page for phones.

    A new authority may sign for these domains, for all that this gate asks for, and for its present addresses. Returns
    whether one was made. Raises `AuthorityError` and `OSError`.
    """
    before = look(desk)
    if before.certificate and not before.ours:
        text = "was made by another authority; move it away, or name other files in [api.tls], then run this again"
        raise AuthorityError(f"{desk.places.certificate} {text}")
    found = None if new_authority else _authority(desk.places)
    if found is None and before.authority is not None and not new_authority:
        if before.due:
            raise _away(desk.places, before.due)
        tls_files.write_together((*_key_set_right(desk.places), *_for_phones(desk, before.authority)))
        return False
    if found is None:
        names = names_for(desk.settings, desk.machine, desk.names)
        authority = make_authority(title, (*domains, *names.asked, *names.found), desk.now)
        issued = _issued(desk, authority, before)
        made = _of_authority(desk.places, authority)
        old = tls_files.kept_aside(made, f"{desk.now:%Y%m%dT%H%M%S}")
        tls_files.write_together((*old, *made, *issued, *_for_phones(desk, authority.certificate)))
        return True
    issued = _issued(desk, found, before) if before.due else _key_set_right(desk.places)
    tls_files.write_together((*issued, *_for_phones(desk, found.certificate)))
    return False


def renew(desk: Desk, *, force: bool) -> str:
    """Renew where it is due; return why it was done, empty where it was not. Raises `AuthorityError` and `OSError`."""
    before = look(desk)
    if before.certificate is None:
        raise AuthorityError(f"there is no certificate at {desk.places.certificate} yet; run antt-gate tls init")
    if not before.ours:
        return ""
    why = before.due or ("asked for" if force else "")
    if not why:
        return ""
    authority = _authority(desk.places)
    if authority is None:
        raise _away(desk.places, why)
    tls_files.write_together((*_issued(desk, authority, before), *_for_phones(desk, authority.certificate)))
    return why


def look(desk: Desk) -> Standing:
    """Return how the files are now. Raises `AuthorityError` and `OSError` where one can't be read."""
    places = desk.places
    pem = tls_files.read(places.authority) or tls_files.read(places.shown)
    authority = _certificate(places.authority, pem)
    certificate = _certificate(places.certificate, tls_files.read(places.certificate))
    fits = certificate is not None and _fits(certificate, tls_files.read(places.key))
    ours = certificate is not None and any(
        signed_by(certificate, one)
        for one in (authority, _certificate(places.shown, tls_files.read(places.shown)))
        if one
    )
    names = _names(desk, authority, certificate)
    due = _due(desk, certificate, authority, names) if fits else "its key does not belong to it"
    return Standing(
        authority=authority, authority_key_here=places.authority_key.exists(), certificate=certificate, key_fits=fits,
        ours=ours, names=names, due=due,
    )  # fmt: skip


def sheet(desk: Desk, authority: x509.Certificate) -> Trust:
    """Return what phones are told to trust."""
    site = desk.settings.site
    der = authority.public_bytes(serialization.Encoding.DER)
    return Trust(site=site.name, language=site.language, url=trust_url(desk.settings), der=der)


def trust_url(settings: Settings) -> str:
    """Return where the gate shows the steps, as it will once `[api.tls]` is in its configuration."""
    scheme, _, rest = base_url(settings, settings.api.port).partition("://")
    return f"{scheme if settings.api.public_url else 'https'}://{rest}/trust"


def fingerprint(certificate: x509.Certificate) -> str:
    """Return SHA-256 of a certificate as phones show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _authority(places: Places) -> Authority | None:
    """Return the authority with its key, None where there is neither of the two, or only what phones are shown."""
    pem, key = tls_files.read(places.authority), tls_files.read(places.authority_key)
    if pem is None and key is None:
        return None
    if pem is None or key is None:
        missing = places.authority if pem is None else places.authority_key
        text = f"half of the authority is missing: {missing}; put it back, say where with --ca-dir, or {ANEW}"
        raise AuthorityError(text)
    try:
        return read_authority(pem, key)
    except AuthorityError as error:
        text = f"the authority in {places.authority.parent} can't be used: {error}; put the right files back, or {ANEW}"
        raise AuthorityError(text) from None


def _away(places: Places, why: str) -> AuthorityError:
    text = f"its authority's key is not at {places.authority_key}; say where with --ca-dir, or {ANEW}"
    return AuthorityError(f"the certificate must be renewed ({why}), but {text}")


def _names(desk: Desk, authority: x509.Certificate | None, present: x509.Certificate | None) -> tuple[str, ...]:
    """Return the names that the certificate should have. Away from any network it keeps the addresses that it had."""
    names = names_for(desk.settings, desk.machine, desk.names)
    found = [name for name in names.found if authority is None or permits(authority, name)]
    kept = names_of(present) if present and not desk.machine.addresses else []
    return tuple(dict.fromkeys((*names.asked, *found, *kept)))


def _due(
    desk: Desk, certificate: x509.Certificate | None, authority: x509.Certificate | None, names: tuple[str, ...]
) -> str:
    if certificate is None:
        return "there is none"
    if authority and not signed_by(certificate, authority):
        return "another authority made it"
    if certificate.not_valid_before_utc > desk.now:
        return f"it is not good before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    if certificate.not_valid_after_utc - desk.now < RENEW_BEFORE and not _holds_as_long_as_any(
        certificate, authority, desk.now
    ):
        return f"it ends at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    if missing := set(names) - set(names_of(certificate)):
        return f"it does not name {', '.join(sorted(missing))}"
    return ""


def _holds_as_long_as_any(certificate: x509.Certificate, authority: x509.Certificate | None, now: dt.datetime) -> bool:
    """Tell whether a new one would end no later, because the authority itself ends."""
    ends = authority.not_valid_after_utc if authority else None
    return ends is not None and certificate.not_valid_after_utc >= ends > now


def _fits(certificate: x509.Certificate, key_pem: bytes | None) -> bool:
    if key_pem is None:
        return False
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError):
        return False
    return key.public_key() == certificate.public_key()


def _certificate(path: Path, pem: bytes | None) -> x509.Certificate | None:
    if pem is None:
        return None
    try:
        return read_certificate(pem)
    except AuthorityError as error:
        raise AuthorityError(f"{path}: {error}; move it away, then run this again") from None


def _issued(desk: Desk, authority: Authority, before: Standing) -> tuple[File, ...]:
    names = _names(desk, authority.certificate, before.certificate)
    issued = issue(authority, names, desk.now, desk.days)
    return (
        File(path=desk.places.key, content=issued.key_pem, mode=SECRET, owner=desk.places.owner),
        File(path=desk.places.certificate, content=issued.pem),
    )


def _of_authority(places: Places, authority: Authority) -> tuple[File, ...]:
    return (
        File(path=places.authority_key, content=authority.key_pem, mode=SECRET),
        File(path=places.authority, content=authority.pem),
    )


def _key_set_right(places: Places) -> tuple[File, ...]:
    """Return the gate's key again where others may read it, or the service may not: somebody copied it by hand."""
    content = tls_files.read(places.key)
    if content is None:
        return ()
    found = places.key.stat()
    is_right = not found.st_mode & 0o077 and places.owner in {None, (found.st_uid, found.st_gid)}
    return () if is_right else (File(path=places.key, content=content, mode=SECRET, owner=places.owner),)


def _for_phones(desk: Desk, authority: x509.Certificate) -> tuple[File, ...]:
    page = trust.printable(sheet(desk, authority)).encode()
    pem = authority.public_bytes(serialization.Encoding.PEM)
    return (File(path=desk.places.shown, content=pem), File(path=desk.places.page, content=page))
