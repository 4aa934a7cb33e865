"""`antt-gate timetable`: what the timetable in force says about a day.

A gate that runs is asked. Of one that does not, what it keeps is read, and else its configuration. Who names a
configuration wants to know what that one says, whatever is in force: it needs no gate at all.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate import places
from gate.cli_words import Words
from gate.client import GateUnavailableError, RequestRefusedError, ask
from gate.model import Kind
from gate.terminal import DONE, REFUSED, USAGE, CommandFailedError, Tone, has_colours, painted, say
from gate.wording import duration, printable

if TYPE_CHECKING:
    from pathlib import Path

    from config.schema import Settings
    from config.timetable import Period
    from gate.memory import KeptTimetable
    from gate.model import JsonObject
    from gate.schedule import Stretch, Timetable, Wish

BELIEVABLE = range(2000, 2200)
WORDS = {"today": 0, "tomorrow": 1, "yesterday": -1}


@dataclass(frozen=True, kw_only=True)
class Known:
    """A timetable, whose it is, and a sentence on where it comes from. `revision` 0: the configuration's."""

    gate_id: str
    name: str
    timezone: str
    timetable: Timetable
    revision: int
    source: str


def declare(words: Words) -> None:
    """Add the command of this room."""
    words.under("The gate")
    command = words.add(
        "timetable", timetable, "Say what the timetable in force wants through a day.", where=True, settings=True
    )
    command.add_argument("--date", metavar="D", help="2027-02-06, today, tomorrow (default: today, at the gate)")
    command.add_argument("--json", action="store_true", help="as one JSON object")


def timetable(arguments: argparse.Namespace) -> int:
    """Print one local day of the gate, and what is wanted now by this machine's clock."""
    from gate.schedule import day, wants_at  # noqa: PLC0415 - pydantic is not needed for other commands

    known = _known(arguments)
    now = dt.datetime.now(tz=dt.UTC)
    date = _date(arguments.date, now.astimezone(known.timetable.zone).date())
    stretches, wish = day(known.timetable, date), wants_at(known.timetable, now)
    if arguments.json:
        told = {
            "gate_id": known.gate_id,
            "timezone": known.timezone,
            "revision": known.revision,
            "date": date.isoformat(),
            "periods": [_plain(stretch) for stretch in stretches],
            "now": {"wants": wish.wants, "period": wish.period, "until": _text(wish.until)},
        }
        say(json.dumps(told, ensure_ascii=False, indent=2))
        return DONE
    say(printable(f"{known.name} ({known.gate_id}), {date:%A} {date}, {known.timezone}"))
    say("")
    if known.timetable.periods:
        for stretch in stretches:
            say(_line(stretch, now))
        say(f"\n  now  {_now(wish, now)}")
    else:
        say("  no timetable: the gate is left to people")
    say("")
    say(printable(known.source))
    return DONE


def _known(arguments: argparse.Namespace) -> Known:
    if arguments.config or arguments.set:
        return _configured(_settings(arguments), "as this configuration says; what is in force may be another one")
    try:
        return _told_by_the_gate(arguments)
    except GateUnavailableError:
        return _kept(arguments)


def _told_by_the_gate(arguments: argparse.Namespace) -> Known:
    from gate.week import timetable_from  # noqa: PLC0415 - as above

    socket = places.socket_of(arguments)
    try:
        told, status = ask(socket, "timetable"), ask(socket, "status")
    except RequestRefusedError as error:  # an older program runs there
        raise CommandFailedError(REFUSED, str(error)) from None
    return Known(
        gate_id=str(status["gate_id"]),
        name=str(status["name"]),
        timezone=str(told["timezone"]),
        timetable=timetable_from(str(told["timezone"]), _understood(told["periods"]), rests=bool(told["misfits"])),
        revision=int(str(told["revision"])),
        source=_source(told),
    )


def _kept(arguments: argparse.Namespace) -> Known:
    """Return what a gate that does not run has in force at its next start."""
    from config.periods import misfits  # noqa: PLC0415 - as above
    from gate.week import timetable_from  # noqa: PLC0415 - as above

    settings = _settings(arguments)
    found = _last_set(places.state_dir_of(arguments))
    if found is None:
        return _configured(settings, "as configured ([[gate.timetable]]); no gate process answers")
    read = _understood([*found.periods])
    told: JsonObject = {
        "revision": found.revision,
        "set_at": found.at,
        "set_by": found.by.plain(),
        "reason": found.reason,
    }
    return Known(
        gate_id=settings.site.id,
        name=settings.site.name,
        timezone=settings.site.timezone,
        timetable=timetable_from(settings.site.timezone, read, rests=bool(misfits(read, settings))),
        revision=found.revision,
        source=f"{_source(told)}; no gate process answers, this is what it keeps",
    )


def _last_set(state_dir: Path) -> KeptTimetable | None:
    """Return what people set last, as the gate will find it: after a power cut the journal may be ahead of the file."""
    from gate.journal import JournalError, JournalReader  # noqa: PLC0415 - as above
    from gate.kept import peek  # noqa: PLC0415 - as above
    from gate.timetables import last_set  # noqa: PLC0415 - as above

    try:
        kept = peek(state_dir / "state.json")
    except OSError as error:
        raise CommandFailedError(REFUSED, f"{error.filename} can't be read ({error.strerror}); use sudo") from None
    try:
        with contextlib.closing(JournalReader(state_dir / "journal.db")) as reader:
            rows = reader.read(kinds=(Kind.TIMETABLE_CHANGED,), newest_first=True, limit=1)
    except JournalError:  # there is none, or none that can be read: what the file says is known all the same
        rows = []
    return last_set(kept, rows[0] if rows else None)


def _understood(periods: object) -> tuple[Period, ...]:
    from config.periods import PeriodsError, parse  # noqa: PLC0415 - as above

    try:
        return parse(periods)
    except PeriodsError as error:
        text = f"the timetable in force is of another program and not understood here ({error})"
        raise CommandFailedError(REFUSED, text) from None


def _configured(settings: Settings, source: str) -> Known:
    from gate.rulebook import timetable_of  # noqa: PLC0415 - as above

    return Known(
        gate_id=settings.site.id,
        name=settings.site.name,
        timezone=settings.site.timezone,
        timetable=timetable_of(settings),
        revision=0,
        source=source,
    )


def _source(told: JsonObject) -> str:
    by = told.get("set_by")
    if not isinstance(by, dict):
        return "as configured ([[gate.timetable]]); nobody has set another one"
    who = f"set by {by.get('name') or by.get('id')} at {told['set_at']}: {told['reason']}"
    rests = "; it does not fit the site any more and rests: see antt-gate status" if told.get("misfits") else ""
    return f"revision {told['revision']}, {who}{rests}"


def _settings(arguments: argparse.Namespace) -> Settings:
    from config.load import SIMULATE_FILE, ConfigError, load  # noqa: PLC0415 - as above

    try:
        return load(places.config_of(arguments) or SIMULATE_FILE, arguments.set)
    except ConfigError as error:
        raise CommandFailedError(USAGE, str(error)) from None


def _date(given: str | None, today: dt.date) -> dt.date:
    try:
        if given is None or given in WORDS:
            return today + dt.timedelta(days=WORDS[given or "today"])
        date = dt.date.fromisoformat(given)
    except ValueError:
        raise places.UsageError(f"--date {given!r} is no day; write 2027-02-06, today or tomorrow") from None
    if date.year not in BELIEVABLE:
        raise places.UsageError(
            f"--date {given} is too far away; a timetable knows {BELIEVABLE[0]} to {BELIEVABLE[-1]}"
        )
    return date


def _line(stretch: Stretch, now: dt.datetime) -> str:
    start, end = stretch.start, stretch.end
    closing = "24:00" if end.date() > start.date() and (end.hour, end.minute) == (0, 0) else f"{end:%H:%M}"
    loop = "" if stretch.wish.exit_opens else "exit loop does not open"
    more = "   ".join(filter(None, [stretch.wish.period, loop]))
    line = printable(f"  {start:%H:%M} - {closing}   {stretch.wish.wants or '-':<8} {more}".rstrip())
    return painted(line, Tone.BOLD, colours=has_colours()) if start <= now < end else line


def _now(wish: Wish, now: dt.datetime) -> str:
    wants = f"wants {wish.wants}" if wish.wants else "wants nothing"
    if wish.until is None:
        return f"{wants}, for more than a week"
    return f"{wants}, for {duration((wish.until - now).total_seconds())} more"


def _plain(stretch: Stretch) -> dict[str, object]:
    return {
        "start": _text(stretch.start),
        "end": _text(stretch.end),
        "wants": stretch.wish.wants,
        "exit_opens": stretch.wish.exit_opens,
        "period": stretch.wish.period,
    }


def _text(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
