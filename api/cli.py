"""`antt-gate user …` and `antt-gate pair`: people, from the gate's own command line.

Works whether the page is served or not: it opens the same file. What it changes is journalled by the running process as
soon as it sees it.
"""

from __future__ import annotations

import argparse
import getpass
import json
import re
import sys
import time

from api.accounts import Store
from api.first_link import FirstLink
from api.links import base_url, pairing_link
from api.office import ACCOUNTS_FILE
from api.passwords import LONGEST, SHORTEST, hash_now
from api.people import PAIRING_LASTS_S, SIMULATED_PAIRING_LASTS_S, Accounts, Outcome, Person
from api.reports import Reports
from api.schemas import LONGEST_REASON, NAME_PATTERN, seen
from config.schema import Settings
from gate.journal import utc
from gate.model import Kind, Role

DONE, REFUSED, MISUSED = 0, 1, 2
BY = {"type": "cli", "id": "cli", "name": ""}
ROLES = [role.value for role in Role]


class RefusedError(Exception):
    """What was asked is not done; the message says why and what to do."""


def add_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Declare `user …` and `pair`."""
    why = argparse.ArgumentParser(add_help=False)
    why.add_argument("--reason", type=_reason, default="", help="why; stands in the journal")
    user = commands.add_parser("user", parents=[common], help="who may use the gate")
    deeds = user.add_subparsers(dest="deed", required=True, metavar="add|list|passwd|disable|enable|role")
    secret = argparse.ArgumentParser(add_help=False)
    secret.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    add = deeds.add_parser("add", parents=[common, secret, why], help="add a person")
    add.add_argument("name")
    add.add_argument("--display-name", help="the name that people read")
    add.add_argument("--role", action="append", choices=ROLES, help="may be given several times; default: viewer")
    listing = deeds.add_parser("list", parents=[common], help="list everybody")
    listing.add_argument("--json", action="store_true", help="as JSON")
    passwd = deeds.add_parser(
        "passwd", parents=[common, secret, why], help="set a password; ends that person's sessions"
    )
    passwd.add_argument("name")
    for deed, text in (("disable", "end all sessions and refuse to sign in"), ("enable", "allow to sign in again")):
        deeds.add_parser(deed, parents=[common, why], help=text).add_argument("name")
    role = deeds.add_parser("role", parents=[common, why], help="set the roles of a person")
    role.add_argument("name")
    role.add_argument("role", nargs="+", choices=ROLES)
    pair = commands.add_parser("pair", parents=[common, why], help="make a one-time sign-in link for a person's phone")
    pair.add_argument("name")


def _reason(text: str) -> str:
    """Return a reason that can be read in the journal. Raises what argparse tells."""
    if len(text) > LONGEST_REASON:
        raise argparse.ArgumentTypeError(f"has {len(text)} characters; write at most {LONGEST_REASON}")
    try:
        return seen(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do what was asked and return the exit code. Raises `AccountsError`."""
    store = Store(settings.storage.state_dir / ACCOUNTS_FILE)
    try:
        if arguments.what == "pair":
            _pair(store, settings, arguments)
        else:
            _change(store, arguments)
    except RefusedError as error:
        print(f"antt-gate: {error}", file=sys.stderr)  # noqa: T201 - for the person
        return REFUSED
    finally:
        store.close()
    return DONE


def _change(store: Store, arguments: argparse.Namespace) -> None:
    accounts = Accounts(store)
    match arguments.deed:
        case "list":
            _list(accounts, as_json=arguments.json)
        case "add":
            _add(store, arguments)
        case "passwd":
            password_hash = _password(arguments, required=True)
            _note(store, arguments, "password", accounts.change_person(arguments.name, password_hash=password_hash))
        case "disable" | "enable" as deed:
            outcome = accounts.change_person(arguments.name, disabled=deed == "disable")
            _note(store, arguments, f"{deed}d", outcome)
        case _:
            roles = frozenset(map(Role, arguments.role))
            outcome = accounts.change_person(arguments.name, roles=roles)
            _note(store, arguments, f"roles {' '.join(sorted(roles))}", outcome)


def _add(store: Store, arguments: argparse.Namespace) -> None:
    name = arguments.name
    if not re.fullmatch(NAME_PATTERN, name):
        raise RefusedError(f"{name!r} is no usable name; take 2 to 32 of a-z, 0-9, '.', '-', '_', such as 'lan'")
    if Accounts(store).person(name):
        raise RefusedError(f"{name} exists already; change it with user passwd, role, disable or enable")
    shown = arguments.display_name or name
    try:
        seen(shown)
    except ValueError as error:
        raise RefusedError(f"--display-name {shown!r}: {error}") from None
    roles = frozenset(map(Role, arguments.role or [Role.VIEWER]))
    password_hash = _password(arguments, required=False)
    outcome = Accounts(store).add_person(name, shown, roles, password_hash, time.time())
    _note(store, arguments, f"added as {' '.join(sorted(roles))}", outcome)
    if password_hash is None:
        print(f"{name} has no password; make a sign-in link with: antt-gate pair {name}")  # noqa: T201 - for the person


def _list(accounts: Accounts, *, as_json: bool) -> None:
    now_s = time.time()
    for person in accounts.people():
        sessions = len(accounts.sessions_of(person.name, now_s))
        print(_as_json(person, sessions) if as_json else _as_line(person, sessions))  # noqa: T201 - for the person


def _as_json(person: Person, sessions: int) -> str:
    plain = {
        "name": person.name, "display_name": person.display_name, "roles": sorted(person.roles),
        "disabled": person.disabled, "has_password": person.has_password, "created_at": utc(person.created_at),
        "sessions": sessions,
    }  # fmt: skip
    return json.dumps(plain, ensure_ascii=False)


def _as_line(person: Person, sessions: int) -> str:
    state = "disabled" if person.disabled else f"{sessions} signed in"
    way = "password" if person.has_password else "link only"
    return f"{person.name:<16} {','.join(sorted(person.roles)):<24} {way:<10} {state:<14} {person.display_name}"


def _pair(store: Store, settings: Settings, arguments: argparse.Namespace) -> None:
    name = arguments.name
    person = Accounts(store).person(name)
    if person is None or person.disabled:
        raise RefusedError(f"{name} can't sign in: no such person, or disabled; see antt-gate user list")
    lasts_s = SIMULATED_PAIRING_LASTS_S if settings.simulated else PAIRING_LASTS_S
    code = Accounts(store).make_pairing(name, lasts_s, time.time())
    _tell(store, arguments, "pairing link made")
    link = pairing_link(store.note("base_url") or base_url(settings, settings.api.port), code)
    print(FirstLink(code=code, person=person, lasts_s=lasts_s).line(link))  # noqa: T201 - for the person
    import segno  # noqa: PLC0415 - serving does not need it

    segno.make(link, error="l").terminal(compact=True)


def _tell(store: Store, arguments: argparse.Namespace, change: str) -> None:
    why = {"reason": arguments.reason} if arguments.reason else {}
    Reports(store).add(Kind.USER_CHANGED, {"user": arguments.name, "change": change, **why}, dict(BY))


def _note(store: Store, arguments: argparse.Namespace, change: str, outcome: Outcome) -> None:
    name = arguments.name
    match outcome:
        case Outcome.DONE:
            _tell(store, arguments, change)
        case Outcome.UNKNOWN:
            raise RefusedError(f"there is no person {name!r}; see antt-gate user list")
        case Outcome.EXISTS:
            raise RefusedError(f"{name} exists already")
        case Outcome.LAST_MAINTAINER:
            raise RefusedError(f"{name} is the last maintainer; make somebody else one first")


def _password(arguments: argparse.Namespace, *, required: bool) -> str | None:
    if arguments.password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    elif sys.stdin.isatty():
        password = getpass.getpass("Password: " if required else "Password (empty: sign in by link only): ")
        if password and getpass.getpass("Again: ") != password:
            raise RefusedError("the two passwords differ; nothing was changed")
    elif required:
        raise RefusedError("no password given; use --password-stdin")
    else:
        return None
    if not password and not required:
        return None
    if not SHORTEST <= len(password) <= LONGEST:
        raise RefusedError(f"a password has {SHORTEST} to {LONGEST} characters; nothing was changed")
    return hash_now(password)
