"""Commands about kept minutes and about the rules themselves: incident, diagram. They need no daemon."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from gate import places
from gate.cli_words import Words, nearest
from gate.terminal import DONE, REFUSED, USAGE, CommandFailedError, Tone, has_colours, painted, say
from gate.wording import printable, shortened

if TYPE_CHECKING:
    from gate.incident_file import Recorded
    from gate.replay import Difference
    from gate.ring import Incident

MOST_DIFFERENCES = 200
NEWEST = "newest"


def declare(words: Words) -> None:
    """Add the commands of this room."""
    command = words.add("incident", list_all, "The minutes around alarms and faults: list, show, replay.", where=True)
    actions = command.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=type(command))
    listed = actions.add_parser("list", help="which there are, oldest first")
    listed.set_defaults(run=list_all, parser=listed)
    for name, run, text in (
        ("show", show, "what went in and what was decided, with ms around the reason"),
        ("replay", replay, "through the same rules again: exit 1 where they decide differently"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("file", metavar="FILE", help=f"a name from the list, a path, or '{NEWEST}'")
        action.set_defaults(run=run, parser=action)
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="as JSON")
        words.place(action)
    words.under("The rules")
    command = words.add("diagram", diagram, "Print the state tables as Mermaid.")
    command.add_argument("--into", type=Path, metavar="FILE", help="put them between the marks of this page instead")


def list_all(arguments: argparse.Namespace) -> int:
    """Print which minutes are kept; a file that can't be read is listed with its reason."""
    from gate.incident import every  # noqa: PLC0415 - other commands need no rules

    folder = _folder(arguments)
    rows = [
        {"file": path.name, "bytes": path.stat().st_size, "error": str(held)}
        if isinstance(held, Exception)
        else {"file": path.name, "bytes": path.stat().st_size, **_summary(held)}
        for path, held in every(folder)
    ]
    if arguments.json:
        say(json.dumps(rows, ensure_ascii=False, indent=2))
    elif not rows:
        say(f"no incident is kept in {folder}")
    else:
        say("\n".join(_listed(row) for row in rows))
    return DONE


def _summary(recorded: Recorded) -> dict[str, object]:
    about, incident = recorded.about, recorded.incident
    first_s, last_s = span_of(incident)
    return {
        "at": about.at,
        "at_trusted": about.at_trusted,
        "gate_id": about.gate_id,
        "program": about.program,
        "reasons": [reason.what for reason in incident.reasons],
        "length_s": round(last_s - first_s, 3),
    }


def _listed(row: dict[str, object]) -> str:
    size = f"{round(int(str(row['bytes'])) / 1000):>5} kB"
    if "error" in row:
        return printable(f"{'?':<25} {'':>8} {size}  {row['file']}  {row['error']}")
    doubt = "" if row["at_trusted"] else "?"
    reasons = row["reasons"]
    told = ", ".join(map(str, reasons)) if isinstance(reasons, list) else ""
    return printable(f"{row['at']}{doubt:<1} {row['length_s']:>7.1f} s {size}  {row['file']}  {told}")


def span_of(incident: Incident) -> tuple[float, float]:
    """Return when an incident begins and ends, in monotonic seconds."""
    from gate.replay import end_of  # noqa: PLC0415 - as above

    ends = [end_of(row) for segment in incident.segments for row in segment.rows]
    first_s = incident.segments[0].since_s
    return first_s, max(ends, default=first_s)


def show(arguments: argparse.Namespace) -> int:
    """Print one minute as a person reads it."""
    from gate.timeline import timeline  # noqa: PLC0415 - as above

    recorded = _read(arguments)
    zero_s = recorded.incident.reasons[0].at_s
    entries = list(timeline(recorded.incident))
    if arguments.json:
        rows = [{"ms": _ms(entry.at_s - zero_s), "what": entry.what, "text": entry.text} for entry in entries]
        say(json.dumps({**_summary(recorded), "timeline": rows}, ensure_ascii=False, indent=2))
        return DONE
    colours = has_colours()
    first_s, last_s = span_of(recorded.incident)
    about = recorded.about
    say(painted(printable(", ".join(reason.what for reason in recorded.incident.reasons)), Tone.BOLD, colours=colours))
    say(printable(f"{about.name} ({about.gate_id}), {about.at}{'' if about.at_trusted else ' (clock not believed)'}"))
    say(f"{zero_s - first_s:.1f} s before it and {last_s - zero_s:.1f} s after, written by antt-gate {about.program}\n")
    for entry in entries:
        line = printable(f"{_ms(entry.at_s - zero_s):>+8} ms  {entry.what:<19} {shortened(entry.text)}")
        say(painted(line, Tone.BAD, colours=colours) if entry.grave else line)
    return DONE


def replay(arguments: argparse.Namespace) -> int:
    """Decide everything again and print where the answers differ; they must not."""
    from gate import machine  # noqa: PLC0415 - as above
    from gate.replay import replay as decide_again  # noqa: PLC0415 - as above

    recorded = _read(arguments)
    zero_s = recorded.incident.reasons[0].at_s
    differences = list(decide_again(recorded.incident, recorded.site, machine))
    if arguments.json:
        rows = [_plain(difference, zero_s) for difference in differences]
        say(json.dumps({**_summary(recorded), "differences": rows}, ensure_ascii=False, indent=2))
    else:
        _say_differences(differences, zero_s)
    if not differences:
        if not arguments.json:
            say(f"decided the same {_count(recorded.incident)} times")
        return DONE
    raise CommandFailedError(REFUSED, f"{len(differences)} differences{_of_another_version(recorded.about.program)}")


def _say_differences(differences: list[Difference], zero_s: float) -> None:
    for difference in differences[:MOST_DIFFERENCES]:
        say(printable(f"{_ms(difference.at_s - zero_s):>+8} ms  {difference.what}"))
        say(printable(f"{'':>13}recorded {json.dumps(difference.recorded, ensure_ascii=False)}"))
        say(printable(f"{'':>13}replayed {json.dumps(difference.replayed, ensure_ascii=False)}"))
    if len(differences) > MOST_DIFFERENCES:
        say(f"… and {len(differences) - MOST_DIFFERENCES} more (--json has all)")


def _of_another_version(program: str) -> str:
    from importlib.metadata import version  # noqa: PLC0415 - only where something differs

    ours = version("antt-gate")
    return (
        "" if program == ours else f"; it was recorded by antt-gate {program}, and this is {ours} with rules of its own"
    )


def _count(incident: Incident) -> int:
    from gate.ring import Samples  # noqa: PLC0415 - as above

    rows = [row for segment in incident.segments for row in segment.rows]
    return sum(len(row.at_s) if isinstance(row, Samples) else 1 for row in rows)


def _plain(difference: Difference, zero_s: float) -> dict[str, object]:
    told = {"recorded": difference.recorded, "replayed": difference.replayed}
    return {"ms": _ms(difference.at_s - zero_s), "what": difference.what, **told}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _folder(arguments: argparse.Namespace) -> Path:
    from gate.incident import FOLDER  # noqa: PLC0415 - as above

    return places.state_dir_of(arguments) / FOLDER


def _read(arguments: argparse.Namespace) -> Recorded:
    """Return the file that is meant. Raises `CommandFailedError` where there is none or it can't be read."""
    from gate.incident import read  # noqa: PLC0415 - as above
    from gate.incident_file import IncidentError  # noqa: PLC0415 - as above

    try:
        return read(_path(arguments))
    except IncidentError as error:
        raise CommandFailedError(USAGE, str(error)) from None


def _path(arguments: argparse.Namespace) -> Path:
    """Return the path of a name, of a path, or of the newest. Raises `UsageError`."""
    from gate.incident import found  # noqa: PLC0415 - as above

    given = Path(arguments.file)
    if given.is_absolute() or len(given.parts) > 1 or given.is_file():
        return given
    folder = _folder(arguments)
    names = [path.name for path in found(folder)]
    if given.name == NEWEST and names:
        return folder / names[-1]
    name = given.name if given.name.endswith(".json") else f"{given.name}.json"
    if name not in names:
        close = nearest(name, names) or "; antt-gate incident list names them"
        raise places.UsageError(f"no incident {given.name!r} is kept in {folder}{close}")
    return folder / name


def diagram(arguments: argparse.Namespace) -> int:
    """Print the state tables, or put them where a page has room for them."""
    from gate.diagram import drawn, placed  # noqa: PLC0415 - as above

    if arguments.into is None:
        say(drawn())
        return DONE
    try:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(placed(page), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise places.UsageError(f"{arguments.into}: {error}") from None
    return DONE
