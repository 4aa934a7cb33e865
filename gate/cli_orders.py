"""Commands that ask the daemon: status, the orders of a gate, the simulated yard.

Whoever may open the socket may give every order: that is the person at the cabinet. The journal gets their name.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from gate import places
from gate.cli_words import Words, number
from gate.model import Command, JsonObject
from gate.terminal import DONE, NO_DAEMON, REFUSED, CommandFailedError, has_colours, say
from gate.wording import printable

DEADLINE_MS = 2000
PATIENCE_S = 5.0
LONGEST_REASON = 500
LONGEST_HOLD_MIN = 720


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A word of the command line that is a command of the gate."""

    command: Command
    text: str


MOVES = {
    "open": Order(command=Command.OPEN, text="Open the gate."),
    "close": Order(command=Command.CLOSE, text="Close the gate."),
    "stop": Order(command=Command.STOP, text="Stop the gate; never refused."),
    "hold": Order(command=Command.HOLD_OPEN, text="Open, and stay open for a while; a close ends it."),
    "lockdown": Order(command=Command.LOCKDOWN, text="Close, and refuse to open until unlock."),
    "unlock": Order(command=Command.UNLOCK, text="End a lockdown; moves nothing at once."),
    "emergency": Order(
        command=Command.EMERGENCY_OPEN, text="Open and stay open until normal, whatever else is wanted."
    ),
    "normal": Order(command=Command.NORMAL, text="End a hold, a lockdown or an emergency; moves nothing at once."),
}
SWITCHES = {
    "ack": Order(command=Command.ACKNOWLEDGE, text="Take note of the alarms; their siren and reminders end."),
    "reset": Order(command=Command.RESET, text="Leave a lock once its cause is gone; moves nothing."),
    "light-on": Order(command=Command.LIGHT_ON, text="Switch the courtesy light on."),
    "light-off": Order(command=Command.LIGHT_OFF, text="Switch the courtesy light off."),
    "siren-on": Order(command=Command.SIREN_ON, text="Sound the siren (180 s at the most)."),
    "siren-off": Order(command=Command.SIREN_OFF, text="Silence the siren."),
}
ORDERS = {**MOVES, **SWITCHES}
CLOSING = frozenset({Command.CLOSE, Command.LOCKDOWN})


def declare(words: Words) -> None:
    """Add the commands of this room."""
    words.under("The gate")
    words.add("status", status, "Say how the gate is.", where=True).add_argument("--json", action="store_true")
    for name, known in ORDERS.items():
        command = words.add(name, order, known.text, where=True)
        command.add_argument("--reason", default="", metavar="TEXT", help="why, for the journal")
        if known.command in CLOSING:
            command.add_argument("--sighted", action="store_true", help="I see the gate now: no 10 s warning")
        if known.command is Command.HOLD_OPEN:
            minutes = number(1, LONGEST_HOLD_MIN)
            command.add_argument(
                "--minutes", type=minutes, metavar="N", help="how long (default: gate.timing.hold_minutes)"
            )
    words.under("The simulated yard")
    yard_words = words.add("yard", yard, "What happens in the simulated yard.", where=True)
    yard_words.epilog = YARD_HELP
    yard_words.add_argument("action", metavar="ORDER", help="what shall happen; show: what is true")
    yard_words.add_argument("words", nargs="*", default=[], metavar="WORD")
    yard_words.add_argument("--json", action="store_true", help="what is true, as one JSON object")


def status(arguments: argparse.Namespace) -> int:
    """Say how the gate is."""
    snapshot = ask(arguments, "status")
    if arguments.json:
        say(json.dumps(snapshot, ensure_ascii=False, indent=2))
        return DONE
    from gate.status import told  # noqa: PLC0415 - JSON needs none of it

    say(told(snapshot, colours=has_colours()))
    return DONE


def order(arguments: argparse.Namespace) -> int:
    """Give one order, in the name of whoever is signed in on this machine."""
    known = ORDERS[arguments.command]
    given: dict[str, object] = {
        "command_id": _new_id(),
        "command": known.command.value,
        "by": {"type": "cli", "id": str(os.getuid()), "name": _name()},
        "reason": _reason(arguments.reason),
        "sighted": getattr(arguments, "sighted", False),
        "deadline_mono_ms": time.monotonic_ns() // 1_000_000 + DEADLINE_MS,
    }
    if getattr(arguments, "minutes", None) is not None:
        given["minutes"] = round(arguments.minutes)
    answer = ask(arguments, "command", given)
    say(f"accepted  {answer['command_id']}  state {answer['state']}, target {answer.get('target') or '-'}")
    if answer.get("warning_s"):
        unseen = known.command in CLOSING and not arguments.sighted
        why = ": nobody saw the gate (--sighted says that you do)" if unseen else ""
        say(f"warning   {float(str(answer['warning_s'])):.0f} s in all before it moves{why}")
    return DONE


def ask(arguments: argparse.Namespace, op: str, given: Mapping[str, object] | None = None) -> JsonObject:
    """Ask the daemon one question. Raises `CommandFailedError` where it refuses or does not answer."""
    from gate.client import GateUnavailableError, RequestRefusedError  # noqa: PLC0415 - the help needs no asyncio
    from gate.client import ask as ask_gate  # noqa: PLC0415 - as above

    try:
        return ask_gate(places.socket_of(arguments), op, PATIENCE_S, **(given or {}))
    except GateUnavailableError as error:
        remedy = "Start it with antt-gate run, or name its folder with --state-dir."
        raise CommandFailedError(NO_DAEMON, f"{error}. {remedy}") from None
    except RequestRefusedError as error:
        raise CommandFailedError(REFUSED, printable(f"refused ({error.problem.get('code')}): {error}")) from None


def _reason(text: str) -> str:
    """Return why an order is given, as the journal can take it. Raises `UsageError`."""
    if len(text) > LONGEST_REASON:
        raise places.UsageError(f"--reason has {len(text)} letters; {LONGEST_REASON} at the most")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise places.UsageError("--reason is no UTF-8 text; set the terminal to UTF-8") from None
    return text


def _new_id() -> str:
    from gate.client import new_id  # noqa: PLC0415 - as above

    return new_id()


def _name() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user id without an account
        return str(os.getuid())


def yard(arguments: argparse.Namespace) -> int:
    """Pass an order to the simulated yard, or print what is true in it."""
    truth = ask(arguments, "yard", {"action": arguments.action, "arguments": arguments.words})
    if arguments.json:
        say(json.dumps(truth, ensure_ascii=False))
    elif arguments.action != "show":
        say(f"done  {' '.join([arguments.action, *arguments.words])}")
    else:
        say("\n".join(f"{name:<12} {printable(_shown(value))}" for name, value in truth.items()))
    return DONE


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False) if value else "-"
    return "-" if value is None else str(value)


YARD_HELP = """\
what shall happen:
  show                                   what is true: leaf, speed, relays, every fault that is on
  car|motorbike|person|dog [in|out]      something comes along the road
  beam blocked|stuck|clear               something stands, or tape sticks, in the light of the beam
  limit open|closed stuck|missing|bouncing|swapped|ok
  edge press|ok                          somebody leans on the safety edge
  push open|close                        somebody pushes the leaf
  motor dead|ok
  relay open|close|stop|step welded|dead|ok
  power cut|back                         mains; battery on|off
  release on|off                         the manual release
  cabinet open|closed
  night|day|rain|insects|headlights|wind [on|off]
  infrared dead|ok                       the camera's own lamp at night
  crate [on|off]                         something is left in the gateway, under the beam and beside the rail
  hand|torch|shake|knocked|blur|freeze [on|off]
                                         the camera: covered, blinded, trembling, turned away, out of focus, hanging
  input NAME on|off                      a button, loop or sensor by the name of its pin
"""
