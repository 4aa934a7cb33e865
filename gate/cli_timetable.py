"""`antt-gate timetable`: what the timetable of a configuration says about a day. It needs no daemon."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from typing import TYPE_CHECKING

from gate import places
from gate.cli_words import Words
from gate.terminal import DONE, USAGE, CommandFailedError, Tone, has_colours, painted, say
from gate.wording import duration, printable

if TYPE_CHECKING:
    from config.schema import Settings
    from gate.schedule import Stretch, Wish

BELIEVABLE = range(2000, 2200)
WORDS = {"today": 0, "tomorrow": 1, "yesterday": -1}


def declare(words: Words) -> None:
    """Add the command of this room."""
    words.under("The gate")
    command = words.add(
        "timetable", timetable, "Say what the timetable wants through a day.", where=True, settings=True
    )
    command.add_argument("--date", metavar="D", help="2027-02-06, today, tomorrow (default: today, at the gate)")
    command.add_argument("--json", action="store_true", help="as one JSON object")


def timetable(arguments: argparse.Namespace) -> int:
    """Print one local day of the gate, and what is wanted now by this machine's clock."""
    from gate.rulebook import timetable_of  # noqa: PLC0415 - pydantic is not needed for other commands
    from gate.schedule import day, wants_at  # noqa: PLC0415 - as above

    settings = _settings(arguments)
    known = timetable_of(settings)
    now = dt.datetime.now(tz=dt.UTC)
    date = _date(arguments.date, now.astimezone(known.zone).date())
    stretches, wish = day(known, date), wants_at(known, now)
    if arguments.json:
        told = {
            "gate_id": settings.site.id,
            "timezone": settings.site.timezone,
            "date": date.isoformat(),
            "periods": [_plain(stretch) for stretch in stretches],
            "now": {"wants": wish.wants, "period": wish.period, "until": _text(wish.until)},
        }
        say(json.dumps(told, ensure_ascii=False, indent=2))
        return DONE
    say(printable(f"{settings.site.name} ({settings.site.id}), {date:%A} {date}, {settings.site.timezone}"))
    say("")
    if not known.periods:
        say("  no timetable: the gate is left to people ([[gate.timetable]] in the configuration)")
        return DONE
    for stretch in stretches:
        say(_line(stretch, now))
    say(f"\n  now  {_now(wish, now)}")
    return DONE


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
