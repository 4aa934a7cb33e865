"""How a person reads a snapshot of the gate in a terminal: what is, what is wrong and what to do, what comes next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from gate.model import Alarm, Code, Json, JsonObject
from gate.refusals import SENTENCES
from gate.terminal import Tone, painted
from gate.wording import details, duration, printable

ALARMS: dict[Alarm, str] = {
    Alarm.FORCED_OPEN: "The leaf left its closed limit without an order. Go and look; it does not close by itself.",
    Alarm.BEAM_TAMPER: "The beam is broken while the gate is closed. Look for tape, dirt or a thing in its light.",
    Alarm.TAMPERED_DRIVE: "The leaf was ordered and did not move, or moved by itself. Look at motor, clutch and wires.",
    Alarm.CABINET_OPEN: "The cabinet's door is open, and nobody said maintenance. Look who is there.",
    Alarm.LOCKDOWN_FAILED: "A lockdown could not close the gate. Clear the gateway, then close or guard it.",
    Alarm.LEFT_OPEN: "Something kept the gate from closing again and again. Look what is in the way, then close it.",
    Alarm.CAMERA_BLIND: "The camera can't be believed: its process says why. Look at the lens, its view and its cable.",
    Alarm.FAULT: "The gate has a fault that needs somebody. See health.",
}
TROUBLES = {
    Code.EDGE: "The safety edge was pressed twice in a row. Free the leaf, look at it, then reset.",
    Code.LIMITS_SWAPPED: "The leaf ran to the limit of the other way. Exchange the limits or the relays, then reset.",
    Code.RELAY_CONFLICT: "A motor relay was on that nobody ordered. Find what drives its line, then reset.",
    Code.STATE_LOST: "What was kept over the restart is lost; it may have been a lockdown. Look, then reset.",
    Code.MAINS_LOST: "The mains are gone; the battery lasts for a while.",
    Code.SLOW: "The leaf takes longer than it used to. Look for what brakes it, then reset.",
    Code.MAINTENANCE_DUE: "The gate has closed often enough to be serviced. Have it serviced, then reset.",
}
"""What a trouble means where that is not what a refused command is told (`refusals.SENTENCES`)."""
CLOSING = {
    "auto_close": "it has been open for long enough",
    "after_pass": "something went through",
    "timetable": "the timetable wants it closed",
    "lockdown": "it is locked down",
    "hold_ended": "the hold ends",
}
HEALTHS = {"ok": Tone.GOOD, "degraded": Tone.WARN}
SURE = ("closed", "open")
WORD_WIDTH = 18
FEW = 7


class Sheet:
    """Lines of a name and what is said of it; a name stands once."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours
        self._lines: list[str] = []

    def paint(self, text: object, tone: Tone) -> str:
        """Return text that stands out; what could move a terminal's cursor is only text."""
        return painted(printable(str(text)), tone, colours=self._colours)

    def gap(self) -> None:
        """Leave a line free."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def head(self, text: str) -> None:
        """Write a line of its own."""
        self._lines.append(text)

    def row(self, name: str, word: str, more: str = "", *, tone: Tone | None = None) -> None:
        """Write one line; `word` in its own column where more is said, in that tone."""
        shown = printable(word)
        padding = " " * max(1, WORD_WIDTH - len(shown)) if more else ""
        shown = painted(shown, tone, colours=self._colours) if tone else shown
        tail = f"{padding} {self.paint(more, Tone.DIM)}" if more else ""
        self._lines.append(f"  {name:<12} {shown}{tail}")

    def note(self, text: str) -> None:
        """Write what belongs to the line above."""
        self._lines.append(f"  {'':<12} {printable(text)}")

    def text(self) -> str:
        """Return all that was written."""
        return "\n".join(self._lines)


def told(snapshot: JsonObject, *, colours: bool = False) -> str:
    """Return a snapshot as a person reads it."""
    sheet = Sheet(colours=colours)
    which = f"{snapshot.get('gate_id')}{'   simulated' if snapshot.get('simulated') else ''}"
    sheet.head(f"{sheet.paint(snapshot.get('name'), Tone.BOLD)}  {sheet.paint(which, Tone.DIM)}")
    sheet.gap()
    _where_it_is(sheet, snapshot)
    _what_is_asked(sheet, snapshot)
    _what_is_wrong(sheet, snapshot)
    sheet.gap()
    _lines(sheet, "inputs", snapshot.get("inputs"))
    _lines(sheet, "outputs", snapshot.get("outputs"))
    if snapshot.get("cycles") is not None:
        sheet.row("cycles", str(snapshot["cycles"]))
    if not snapshot.get("clock_trusted"):
        sheet.row("clock", "not believed", "the timetable rests; give it a network", tone=Tone.WARN)
    sheet.gap()
    for process, known in _items(snapshot.get("processes")):
        _process(sheet, process, _object(known))
    return sheet.text()


def _where_it_is(sheet: Sheet, snapshot: JsonObject) -> None:
    state, evidence = str(snapshot.get("state")), str(snapshot.get("evidence"))
    proof = "nothing proves it" if evidence == "none" else f"{evidence}, {snapshot.get('evidence_age_ms')} ms ago"
    sheet.row("state", state, proof, tone=Tone.BOLD if state in SURE else Tone.WARN)
    if snapshot.get("target"):
        warning_s = _seconds_to(snapshot, snapshot.get("warning_until_mono_ms"))
        more = f"starts in {warning_s:.0f} s, after the warning" if warning_s and warning_s > 0 else ""
        sheet.row("target", str(snapshot["target"]), more)


def _what_is_asked(sheet: Sheet, snapshot: JsonObject) -> None:
    mode = str(snapshot.get("mode"))
    more = []
    if snapshot.get("mode_until"):
        more.append(f"until {clock(snapshot['mode_until'])} (in {_left(snapshot, snapshot['mode_until'])})")
    by = _object(snapshot.get("mode_by"))
    if by:
        more.append(f"by {by.get('name') or by.get('id')}")
    sheet.row("mode", mode, ", ".join(more), tone=None if mode == "normal" else Tone.WARN)
    closing = _object(snapshot.get("closing"))
    if closing:
        seconds = _seconds_to(snapshot, closing.get("due_mono_ms"))
        when = "once the way is clear" if seconds is None else f"in {duration(seconds)}"
        why = str(closing.get("why"))
        sheet.row("next", f"closes {when}", CLOSING.get(why, why))
    timetable = _object(snapshot.get("timetable"))
    if timetable.get("paused"):
        sheet.row("timetable", "paused", str(timetable["paused"]), tone=Tone.WARN)
    elif timetable:
        until = f"until {clock(timetable['until'])}" if timetable.get("until") else ""
        sheet.row("timetable", f"wants {timetable.get('wants') or 'nothing'}", until)


def _what_is_wrong(sheet: Sheet, snapshot: JsonObject) -> None:
    health = str(snapshot.get("health"))
    sheet.row("health", health, tone=HEALTHS.get(health, Tone.BAD))
    for reason in _list(snapshot.get("reasons")):
        sheet.note(f"{reason}: {meaning(str(reason))}".rstrip(": "))
    for alarm in map(_object, _list(snapshot.get("alarms"))):
        sheet.gap()
        name = str(alarm.get("alarm"))
        reminders = alarm.get("reminders")
        times = f", reminded {reminders} times" if reminders else ""
        since = f"since {clock(alarm['since'])}{times}" if alarm.get("since") else ""
        sheet.row("alarm", name, f"{since}  {details(alarm.get('data'))}".strip(), tone=Tone.BAD)
        sheet.note(ALARMS[Alarm(name)] if name in set(Alarm) else "See docs/operations.md.")
    if snapshot.get("alarms"):
        sheet.note("Once somebody has looked: antt-gate ack")


def meaning(reason: str) -> str:
    """Return what a code means and what clears it, empty for one that has no sentence."""
    if reason not in set(Code):
        return ""
    code = Code(reason)
    return TROUBLES.get(code) or " ".join(SENTENCES.get(code, ()))


def _lines(sheet: Sheet, name: str, levels: Json) -> None:
    """Write which lines are on; those that nobody has seen yet carry a question mark."""
    on = [line if level else f"{line}?" for line, level in _items(levels) if level is not False]
    off = [line for line, level in _items(levels) if level is False]
    quiet = " ".join(off) if len(off) <= FEW else f"{len(off)} others"
    sheet.row(name, "  ".join(on) or ("none" if off else "unknown"), f"off: {quiet}" if off else "")


def _process(sheet: Sheet, name: str, known: JsonObject) -> None:
    if known.get("off"):
        sheet.row(name, "off", "by configuration")
        return
    health = _object(known.get("health"))
    alive = bool(known.get("alive"))
    restarts = known.get("restarts")
    again = "once" if restarts == 1 else f"{restarts} times"
    wrong = str(known.get("reason") or health.get("reason") or "")
    more = [f"restarted {again}" if restarts else "", wrong or _broker(health)]
    tone = None if alive and health.get("ok") is not False else Tone.BAD
    sheet.row(name, "alive" if alive else "dead", ", ".join(filter(None, more)), tone=tone)
    if health.get("ok") is False and health.get("detail"):
        sheet.note(str(health["detail"]))


def _broker(health: JsonObject) -> str:
    """Say which broker is connected, and what it does not have yet; nothing for who talks to none."""
    if not health.get("connected"):
        return ""
    waiting = health.get("waiting")
    return f"connected to {health.get('broker')}" + (f", facts waiting: {waiting}" if waiting else "")


def clock(utc: Json) -> str:
    """Return a UTC text as this machine's local time of day; with its date where that is not today."""
    try:
        moment = dt.datetime.fromisoformat(str(utc)).astimezone()
    except ValueError:
        return str(utc)
    today = dt.datetime.now().astimezone().date()
    return moment.strftime("%H:%M" if moment.date() == today else "%Y-%m-%d %H:%M")


def _left(snapshot: JsonObject, utc: Json) -> str:
    try:
        until, now = (dt.datetime.fromisoformat(str(text)) for text in (utc, snapshot.get("at")))
    except ValueError:
        return "?"
    return duration((until - now).total_seconds())


def _seconds_to(snapshot: JsonObject, mono_ms: Json) -> float | None:
    now_ms = snapshot.get("at_mono_ms")
    if isinstance(mono_ms, (int, float)) and isinstance(now_ms, (int, float)):
        return max(0.0, (mono_ms - now_ms) / 1000)
    return None


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _items(value: Json) -> Iterator[tuple[str, Json]]:
    yield from _object(value).items()


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
