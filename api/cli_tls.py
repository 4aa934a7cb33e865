"""`antt-gate tls init|renew|show`: the gate's own certificate authority, from its command line.

Works whether the page is served or not, and on a real gate as root: the authority's key is not for the service. What it
writes is taken by the running page within seconds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shlex
import sys
from pathlib import Path

from cryptography import x509

from api import tls_issuing
from api.authority import AuthorityError, may_sign_for, names_of
from api.tls import canonical
from api.tls_files import USUAL_CERTIFICATE, USUAL_KEY, alone, places
from api.tls_issuing import ANEW, RENEW_BEFORE, Desk, Standing
from api.tls_names import host_of, this_machine
from config.load import SIMULATE_FILE, ConfigError, load
from config.schema import Settings

DONE, REFUSED = 0, 1
HERE_ALONE = frozenset({"127.0.0.1", "localhost", "::1"})


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked and return the exit code. Raises `ConfigError`."""
    settings = _settings(arguments)
    desk = Desk(
        settings=settings, places=places(settings, arguments.config, arguments.ca_dir), machine=this_machine(),
        now=dt.datetime.now(dt.UTC), names=tuple(arguments.names), days=arguments.days,
    )  # fmt: skip
    try:
        match arguments.deed:
            case "init":
                return _init(desk, arguments)
            case "renew":
                return _renew(desk, force=arguments.force)
            case _:
                return _show(desk, as_json=arguments.json)
    except AuthorityError as error:
        return _refuse(str(error))
    except OSError as error:
        remedy = "run it with sudo" if isinstance(error, PermissionError) else "free space, or name another folder"
        return _refuse(f"{error.filename} can't be used ({error.strerror}); {remedy}")


def _settings(arguments: argparse.Namespace) -> Settings:
    """Read the configuration, also where all that it lacks is the certificate that this command makes."""
    config, overrides = arguments.config, getattr(arguments, "overrides", [])
    try:
        return load(config, overrides)
    except ConfigError as error:
        if {problem.key for problem in error.problems} != {"api.domain"} or _is_simulation(config):
            raise
    base = config.resolve().parent
    files = f'cert_file="{base / USUAL_CERTIFICATE}",key_file="{base / USUAL_KEY}"'
    return load(config, [*overrides, f"api.tls={{{files}}}"])


def _init(desk: Desk, arguments: argparse.Namespace) -> int:
    at = desk.places
    title = f"antt-gate CA {arguments.district or desk.settings.site.name}"
    with alone(at.authority.parent):
        fresh = tls_issuing.begin(desk, title, tuple(arguments.domains), new_authority=arguments.new_ca)
    now = tls_issuing.look(desk)
    where = at.authority if now.authority_key_here else "its key is not on this machine"
    _say(f"authority: {'made' if fresh else 'kept'}, {where}")
    if fresh:
        _say(f"  its key is {at.authority_key}: keep a copy in a safe place, and give it to nobody")
    _tell(now)
    if now.authority:
        _say(f"fingerprint of the authority, to be compared on each phone:\n  {tls_issuing.fingerprint(now.authority)}")
    _say(f"for phones: print {at.page}, or open {tls_issuing.trust_url(desk.settings)} on them")
    _say_what_is_next(desk, simulated=_is_simulation(arguments.config))
    return DONE


def _is_simulation(config: Path) -> bool:
    return config.resolve() == SIMULATE_FILE.resolve()


def _say_what_is_next(desk: Desk, *, simulated: bool) -> None:
    """Say what the configuration lacks. A simulation without one of its own takes it as words of its command."""
    settings, at, tls = desk.settings, desk.places, desk.settings.api.tls
    names = tuple(dict.fromkeys((*(tls.names if tls else ()), *desk.names)))
    if tls is None or tls.ca_file is None or names != tls.names:
        files = {"cert_file": at.certificate, "key_file": at.key, "ca_file": at.shown}
        base = None if simulated else at.base
        entries = [f"{key} = {_quoted(path, base)}" for key, path in files.items()]
        entries += [f"names = {json.dumps(names)}"] if names else []
        table = f"{{ {', '.join(entries)} }}"
        if simulated:
            _say("stop the simulation, and start antt-gate simulate as before with this behind it:")
            _say(f"  {shlex.join(['--set', f'api.tls={table}'])}")
        else:
            _say("put this into [api] of the configuration, and restart the service once:")
            _say(f"  tls = {table}")
    if settings.api.host in HERE_ALONE and not settings.api.public_url:
        words = """--set 'api.host="0.0.0.0"'"""
        remedy = f"give {words} here and to simulate" if simulated else 'set host = "0.0.0.0"'
        _say(f"no phone can reach the page: api.host is this machine alone; {remedy}")


def _renew(desk: Desk, *, force: bool) -> int:
    with alone(desk.places.authority.parent):
        why = tls_issuing.renew(desk, force=force)
    now = tls_issuing.look(desk)
    if not now.ours:
        _say(f"{desk.places.certificate} was made by another authority, which renews it; nothing was done")
        return DONE
    _say(f"renewed, because: {why}; the page takes it within seconds" if why else "nothing is due")
    _tell(now)
    for text in _wrong(desk, now):
        _say(f"wrong: {text}")
    return DONE


def _show(desk: Desk, *, as_json: bool) -> int:
    now = tls_issuing.look(desk)
    wrong = _wrong(desk, now)
    if as_json:
        plain = {
            "certificate": _plain(now.certificate), "authority": _plain(now.authority), "ours": now.ours,
            "cert_file": str(desk.places.certificate), "key_file": str(desk.places.key), "wrong": wrong,
        }  # fmt: skip
        _say(json.dumps(plain, ensure_ascii=False))
        return REFUSED if wrong else DONE
    _tell(now)
    if now.authority:
        domains = "".join(f", {domain}" for domain in may_sign_for(now.authority))
        _say(f"authority: until {now.authority.not_valid_after_utc:%Y-%m-%d}, for private networks{domains}")
        _say(f"  key: {desk.places.authority_key if now.authority_key_here else 'not on this machine'}")
        _say(f"  {tls_issuing.fingerprint(now.authority)}")
    for text in wrong:
        _say(f"wrong: {text}")
    return REFUSED if wrong else DONE


def _wrong(desk: Desk, now: Standing) -> list[str]:
    """Return what somebody should mend, with what to do."""
    at = desk.places
    if now.certificate is None:
        return [f"there is no certificate at {at.certificate}; run antt-gate tls init"]
    wrong: list[str] = []
    if not now.key_fits:
        wrong.append(f"{at.key} is not its key; run antt-gate tls renew, or put the right one there")
    if now.ours and now.due:
        wrong.append(f"it should be renewed: {now.due}; run antt-gate tls renew")
    if not now.ours and now.certificate.not_valid_after_utc <= desk.now:
        wrong.append("it has ended; whoever made it must renew it")
    if now.ours and now.authority and now.authority.not_valid_after_utc - desk.now < RENEW_BEFORE:
        ends = f"its authority ends at {now.authority.not_valid_after_utc:%Y-%m-%d}"
        wrong.append(f"{ends}, and nothing that it signs holds longer; {ANEW}, and have every phone trust that one")
    host = host_of(tls_issuing.trust_url(desk.settings))
    if canonical(host) not in map(canonical, names_of(now.certificate)):
        remedy = "add it to names in [api.tls] and renew; if the authority may not sign for it: tls init --new-ca"
        wrong.append(f"phones reach the page by {host}, which it does not name; {remedy}")
    if at.key.exists() and at.key.stat().st_mode & 0o077:
        wrong.append(f"others may read {at.key}; chmod 600 it")
    return wrong


def _tell(now: Standing) -> None:
    if now.certificate:
        whose = "" if now.ours else ", made by another authority"
        _say(f"certificate: until {now.certificate.not_valid_after_utc:%Y-%m-%d}{whose}")
        _say(f"  for {', '.join(names_of(now.certificate))}")


def _plain(certificate: x509.Certificate | None) -> dict[str, object] | None:
    if certificate is None:
        return None
    return {
        "ends_at": certificate.not_valid_after_utc.isoformat(), "names": names_of(certificate),
        "fingerprint": tls_issuing.fingerprint(certificate),
    }  # fmt: skip


def _quoted(path: Path, base: Path | None) -> str:
    shown = path.relative_to(base) if base and path.is_relative_to(base) else path.absolute()
    return json.dumps(str(shown), ensure_ascii=False)


def _say(line: str) -> None:
    print(line)  # noqa: T201 - for the person


def _refuse(text: str) -> int:
    print(f"antt-gate: {text}", file=sys.stderr)  # noqa: T201 - for the person
    return REFUSED
