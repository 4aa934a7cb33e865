"""Commands that read the journal: log, verify. They need no daemon; an evidence package is checked in api/."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from gate import cli_others, places
from gate.cli_words import Words
from gate.model import JsonObject, Kind
from gate.terminal import DONE, REFUSED, CommandFailedError, say
from gate.wording import details, printable

PAUSE_S = 0.3


def declare(words: Words) -> None:
    """Add the commands of this room."""
    words.under("What happened")
    command = words.add("log", log, "Print the journal.", where=True)
    command.add_argument("--since", metavar="TIME", help="21:00, 2h, 30m, 2026-11-20 or a full time")
    command.add_argument(
        "--kind",
        action="append",
        default=[],
        choices=[kind.value for kind in Kind],
        metavar="KIND",
        help="only facts of this kind",
    )
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    command.add_argument("--follow", action="store_true", help="go on with what comes")
    command = words.add("verify", verify, "Check the journal's hash chain, or an evidence package.", where=True)
    command.add_argument("file", nargs="?", type=Path, metavar="FILE.zip", help="an evidence package; needs no gate")
    command.add_argument("--key", metavar="FINGERPRINT", help="the key that must have signed the package")
    command.add_argument("--json", action="store_true", help="what holds of the package, as JSON")


def log(arguments: argparse.Namespace) -> int:
    """Print what happened, oldest first."""
    from gate.journal import JournalError, JournalReader  # noqa: PLC0415 - sqlite is not needed for a status

    try:
        reader = JournalReader(places.journal_of(arguments))
        after = 0 if arguments.since or not arguments.follow else reader.last_seq()
        while True:
            facts = reader.read(after=after, kinds=arguments.kind, since=_moment(arguments.since), limit=500)
            for fact in facts:
                say(json.dumps(fact.plain(), ensure_ascii=False) if arguments.json else _line(fact.plain()))
                after = fact.seq
            if not facts and not arguments.follow:
                return DONE
            if not facts:
                time.sleep(PAUSE_S)
    except JournalError as error:
        raise CommandFailedError(REFUSED, str(error)) from None


def _line(fact: JsonObject) -> str:
    by = fact["by"] if isinstance(fact["by"], dict) else {}
    phone = f" ({by['device']})" if by.get("device") else ""
    who = f"{by.get('name') or by.get('id') or ''}{phone}"
    doubt = "" if fact["at_trusted"] else "?"
    return printable(f"{fact['seq']:>7}  {fact['at']}{doubt}  {fact['kind']:<18} {who:<14} {details(fact['data'])}")


def _moment(given: str | None) -> str | None:
    """Return '21:00', '2h', '30m', '2026-11-20' or a full time as the journal's UTC text. Raises `UsageError`."""
    import datetime as dt  # noqa: PLC0415 - only a filtered log needs it

    if given is None:
        return None
    now = dt.datetime.now().astimezone()
    units = {"m": 60, "h": 3600, "d": 86400}
    try:
        if given[-1] in units and given[:-1].isdigit():
            moment = now - dt.timedelta(seconds=int(given[:-1]) * units[given[-1]])
        elif len(given) <= len("21:00:00") and ":" in given:
            moment = dt.datetime.combine(now.date(), dt.time.fromisoformat(given), tzinfo=now.tzinfo)
        else:
            moment = dt.datetime.fromisoformat(given)
        moment = moment.astimezone(dt.UTC)
    except (ValueError, IndexError, OverflowError):
        raise places.UsageError(
            f"--since {given!r} is no time; write 21:00, 2h, 30m, 2026-11-20 or a full time"
        ) from None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def verify(arguments: argparse.Namespace) -> int:
    """Check every hash of the chain, or a package that somebody was given."""
    if arguments.file is not None:
        return cli_others.check_evidence(arguments)
    if arguments.key is not None or arguments.json:
        raise places.UsageError("--key and --json are for an evidence package; name its FILE.zip")
    from gate.journal import JournalError  # noqa: PLC0415 - as above
    from gate.journal import verify as walk  # noqa: PLC0415 - as above

    try:
        verdict = walk(places.journal_of(arguments))
    except JournalError as error:
        raise CommandFailedError(REFUSED, str(error)) from None
    if verdict.broken_seq:
        told = f"row {verdict.broken_seq} is broken: {verdict.reason}. {verdict.rows} rows before it hold."
        raise CommandFailedError(REFUSED, told)
    say(f"{verdict.rows} rows, every hash holds")
    return DONE
