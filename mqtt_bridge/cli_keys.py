"""`antt-gate key`: new where commands are signed; list and revoke where the gate is.

A key is granted by its lines in gate.toml, which a person puts there and a start of the gate reads. It is revoked by
one command, with effect on the next message.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.load import ConfigError, load
from gate.model import KEY_MAY, JsonObject, Role
from mqtt_bridge import key_file, revocations
from mqtt_bridge.cli_words import Commands, RefusedError, UsageError, complain, say
from mqtt_bridge.revocations import Revocation, RevocationsError

if TYPE_CHECKING:
    from config.schema import Settings

Run = Callable[[argparse.Namespace], int]
ROLES = [role.value for role in Role]
SUFFIX = ".signing-key"  # not .key: beside it may lie that of the certificate for the broker, of the same name
LASTS = dt.timedelta(days=365)
SOON = dt.timedelta(days=30)


def declare(commands: Commands) -> None:
    """Add `key` with what it can do."""
    text = "Keys that sign commands over MQTT: new, list, revoke."
    actions = commands.add_parser("key", description=text).add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=type(commands.choices["key"])
    )
    told = "make a key here; its private half stays in this folder, the lines for gate.toml are printed"
    new = actions.add_parser("new", help=told, description=told)
    new.add_argument("id", metavar="ID", help="what gates call it, such as district-room")
    new.add_argument("--role", action="append", required=True, choices=ROLES, help="what it may order; may be repeated")
    new.add_argument("--until", type=_day, metavar="DATE", help="its last day (default: a year from now)")
    new.add_argument("--file", type=Path, metavar="FILE", help="where its private half goes (default: ID.signing-key)")
    new.set_defaults(run=_new)
    told = "which keys this gate knows, and whether they are good"
    listed = actions.add_parser("list", help=told, description=told)
    listed.add_argument("--json", action="store_true", help="as JSON")
    listed.set_defaults(run=_plainly(_list))
    told = "refuse a key from the next command on, without a start"
    revoked = actions.add_parser("revoke", help=told, description=told)
    revoked.add_argument("id", metavar="ID", help="its id in [mqtt.keys], or its public half")
    revoked.set_defaults(run=_plainly(_revoke))
    for action in (listed, revoked):
        action.add_argument("--config", type=Path, metavar="FILE", required=True, help="the gate's configuration")
        action.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")


def _plainly(run: Run) -> Run:
    """Return the same command; what is wrong with the gate's files is then said as every wrong use is."""

    def told(arguments: argparse.Namespace) -> int:
        try:
            return run(arguments)
        except (ConfigError, RevocationsError) as error:
            raise UsageError(str(error)) from None

    return told


def _new(arguments: argparse.Namespace) -> int:
    """Make a key; the lines for the gate go to stdout, the rest to stderr, so that they can be appended to a file."""
    until: dt.date = arguments.until or _today() + LASTS
    if until < _today():
        raise RefusedError(f"--until {until} has passed; name a day to come, or none for a year from now")
    path: Path = arguments.file or Path(f"{arguments.id}{SUFFIX}")
    key = key_file.create(path, arguments.id)
    roles = sorted(set(arguments.role), key=ROLES.index)
    say(f'[mqtt.keys.{key.id}]\npublic = "{key.public}"\nroles = {json.dumps(roles)}\nuntil = "{until}"')
    may = sorted({command.value for role in roles for command in KEY_MAY[Role(role)]})
    complain(
        f"the private half is in {path}, readable for you alone; it is nowhere else, so keep it and give it to nobody"
    )
    complain("put the lines above into gate.toml of each gate that shall obey, and restart its service")
    complain(f"it may order: {', '.join(may)}")
    return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """A key of the configuration, and how it is today."""

    id: str
    public: str
    roles: tuple[str, ...]
    until: dt.date
    revoked: str

    def state(self, today: dt.date) -> str:
        """Say whether it is good."""
        if self.revoked:
            return f"revoked {self.revoked}"
        if today > self.until:
            return "past its end"
        left = self.until - today
        return f"ends in {left.days} days" if left <= SOON else "good"

    def plain(self, today: dt.date) -> JsonObject:
        """Return it as JSON data."""
        good = not self.revoked and today <= self.until
        return {
            "id": self.id, "public": self.public, "roles": [*self.roles], "until": self.until.isoformat(),
            "good": good, "state": self.state(today),
        }  # fmt: skip


def _list(arguments: argparse.Namespace) -> int:
    known, today = _known(load(arguments.config, arguments.overrides)), _today()
    if arguments.json:
        say(json.dumps([key.plain(today) for key in known], indent=2))
        return 0
    if not known:
        say(f"no key in {arguments.config}: a gate with that file takes no command over MQTT")
    width = max((len(key.id) for key in known), default=0)
    for key in known:
        roles = " ".join(key.roles)
        say(f"{key.id:<{width}}  until {key.until}  {roles:<20}  {key.public}  {key.state(today)}")
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config, arguments.overrides)
    wanted = arguments.id
    found = next((key for key in _known(settings) if wanted in {key.id, key.public}), None)
    if found is None:
        ids = ", ".join(settings.mqtt.keys) or "none"
        raise RefusedError(f"there is no key {wanted!a} in [mqtt.keys] of {arguments.config} (there is: {ids})")
    file = settings.storage.state_dir / revocations.FILE
    if any(one.public == found.public for one in revocations.read(file)):
        say(f"{found.id} is revoked already")
        return 0
    at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    revocations.add(file, Revocation(public=found.public, id=found.id, at=at))
    say(f"{found.id} is revoked: its next command is refused")
    complain(f"take [mqtt.keys.{found.id}] out of {arguments.config} when convenient; {file} has the record")
    return 0


def _known(settings: Settings) -> list[_Known]:
    revoked = {one.public: one.at for one in revocations.read(settings.storage.state_dir / revocations.FILE)}
    return [
        _Known(
            id=name, public=key.public, roles=tuple(key.roles), until=key.last_day,
            revoked=revoked.get(key.public, "in the configuration" if key.revoked else ""),
        )
        for name, key in settings.mqtt.keys.items()
    ]  # fmt: skip


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2027-12-31") from None


def _today() -> dt.date:
    return dt.datetime.now().astimezone().date()
