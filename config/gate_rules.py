"""Rules between keys of the gate: wiring that could be unsafe, and wishes that the wiring can't fulfil.

They read plain tables (`rules.py` says how) and are told all at once, each with the key, its value and the remedy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from config.problem import Problem, Tables, at, number

RELAYS: dict[str, tuple[str, ...]] = {
    "held": ("open_relay", "close_relay"),
    "momentary": ("open_relay", "close_relay", "stop_relay"),
    "step": ("step_relay",),
}
"""Which relays each drive has: all of them, and no other."""

OUTPUTS = ("open_relay", "close_relay", "stop_relay", "step_relay", "lamp", "buzzer", "siren", "light", "beam_test")
CONSOLE_LINES = (14, 15)  # the serial console: 14 sends and idles high from the boot loader on, 15 is pulled high
GLITCH_FREE = ("lgpio", "mock")
"""Factories that claim an output at its inactive level in one call (gate/pins.py); others click an active-low board."""


def _pins(tables: Tables) -> Mapping[str, object]:
    pins = at(tables, "gate", "pins")
    return {str(name): pin for name, pin in pins.items() if pin is not None} if isinstance(pins, Mapping) else {}


def _line(pin: object) -> int | None:
    line = at(pin, "line")
    return line if isinstance(line, int) and not isinstance(line, bool) else None


def _one_signal_a_line(tables: Tables) -> Iterator[Problem]:
    used: defaultdict[int, list[str]] = defaultdict(list)
    for signal, pin in _pins(tables).items():
        line = _line(pin)
        if line is not None:
            used[line].append(signal)
    for line, signals in sorted(used.items()):
        if len(signals) > 1:
            why = " (one relay for both directions can't keep them apart)" if _both_ways(signals) else ""
            text = f"line {line} is used by {' and '.join(signals)}{why}; give every signal a line of its own"
            yield Problem(key="gate.pins", text=text)


def _both_ways(signals: list[str]) -> bool:
    return {"open_relay", "close_relay"} <= {*signals}


def _nothing_switches_at_power_on(tables: Tables) -> Iterator[Problem]:
    """Lines 0 to 8 are refused by their range; here is what a range can't say."""
    for signal, pin in _pins(tables).items():
        line = _line(pin)
        if signal in OUTPUTS and line in CONSOLE_LINES:
            yield Problem(
                key=f"gate.pins.{signal}.line",
                text=f"{line} belongs to the serial console, which holds it high while the board starts; "
                "take another one of 9 to 27",
            )


def _an_active_low_board_does_not_click(tables: Tables) -> Iterator[Problem]:
    factory = at(tables, "gate", "pin_factory")
    if not isinstance(factory, str) or factory in GLITCH_FREE:
        return
    for signal, pin in _pins(tables).items():
        if signal in OUTPUTS and at(pin, "active") == "low":
            yield Problem(
                key=f"gate.pins.{signal}.active",
                text="'low' needs pins that are claimed at their inactive level in one call, and only pin_factory "
                "'lgpio' does that; use it, or an active-high board",
            )


def _a_drive_has_its_relays(tables: Tables) -> Iterator[Problem]:
    drive, pins = at(tables, "gate", "drive"), _pins(tables)
    if not isinstance(drive, str) or drive not in RELAYS:
        return
    for relay in RELAYS[drive]:
        if relay not in pins:
            yield Problem(key=f"gate.pins.{relay}", text=f"is missing; gate.drive '{drive}' needs it")
    known = dict.fromkeys(relay for relays in RELAYS.values() for relay in relays)
    for relay in known:
        if relay in pins and relay not in RELAYS[drive]:
            fits = " or ".join(f"'{name}'" for name, relays in RELAYS.items() if relay in relays)
            yield Problem(
                key=f"gate.pins.{relay}",
                text=f"has no use with gate.drive '{drive}'; take it out, or set gate.drive to {fits}",
            )


def _a_step_drive_has_its_logic(tables: Tables) -> Iterator[Problem]:
    drive, logic = at(tables, "gate", "drive"), at(tables, "gate", "step_logic")
    if drive == "step" and logic is None:
        yield Problem(
            key="gate.step_logic",
            text="is missing; gate.drive 'step' must know what each press does (the table in docs/wiring.md)",
        )
    if drive in {"held", "momentary"} and logic is not None:
        text = f"has no use with gate.drive '{drive}'; take it out, or set gate.drive to 'step'"
        yield Problem(key="gate.step_logic", text=text)


def _nothing_closes_by_itself_without_a_beam(tables: Tables) -> Iterator[Problem]:
    if "beam" in _pins(tables):
        return
    for key in ("after_s", "after_pass_s"):
        value = at(tables, "gate", "auto_close", key)
        if value is not None:
            text = f"{value!s:.20} closes the gate by itself, and no beam is wired; wire gate.pins.beam, or take it out"
            yield Problem(key=f"gate.auto_close.{key}", text=text)


def _what_closes_by_itself_warns(tables: Tables) -> Iterator[Problem]:
    """I12: at least five seconds of lamp and buzzer, so both must be there."""
    absent = [signal for signal in ("lamp", "buzzer") if signal not in _pins(tables)]
    keys = [
        f"auto_close.{key}" for key in ("after_s", "after_pass_s") if at(tables, "gate", "auto_close", key) is not None
    ]
    periods = at(tables, "gate", "timetable")
    if any(at(period, "wants") == "closed" for period in (periods if isinstance(periods, list | tuple) else ())):
        keys.append("timetable")
    for key in keys if absent else ():
        yield Problem(
            key=f"gate.{key}",
            text="closes with nobody watching, which lamp and buzzer announce (I12); wire "
            f"{' and '.join(f'gate.pins.{signal}' for signal in absent)}, or take it out",
        )


def _a_wish_has_its_wire(tables: Tables) -> Iterator[Problem]:
    pins = _pins(tables)
    if "beam_test" in pins and "beam" not in pins:
        yield Problem(key="gate.pins.beam_test", text="tests a beam, and none is wired; wire gate.pins.beam as well")
    for button in ("open_button", "close_button"):
        if button in pins and "maintenance" not in pins:
            text = "runs the leaf in maintenance only, and no key switch is wired; wire gate.pins.maintenance as well"
            yield Problem(key=f"gate.pins.{button}", text=text)
    if at(tables, "gate", "open_and_stay") is True and "battery_low" not in pins:
        text = "true needs to know of a low battery; wire gate.pins.battery_low, or say false"
        yield Problem(key="gate.open_and_stay", text=text)
    wanted = at(tables, "alarms", "siren")
    if isinstance(wanted, list | tuple) and wanted and "siren" not in pins:
        text = "names alarms, and no siren is wired; wire gate.pins.siren, or leave it out"
        yield Problem(key="alarms.siren", text=text)


def _a_stuck_leaf_is_noticed_in_time(tables: Tables) -> Iterator[Problem]:
    leave, travel = (number(at(tables, "gate", "timing", key)) for key in ("leave_limit_s", "max_travel_s"))
    if leave is not None and travel is not None and leave >= travel:
        yield Problem(
            key="gate.timing.leave_limit_s",
            text=f"{leave:g} is not shorter than max_travel_s {travel:g}; a stuck leaf would never be noticed",
        )


RULES = (
    _one_signal_a_line,
    _nothing_switches_at_power_on,
    _an_active_low_board_does_not_click,
    _a_drive_has_its_relays,
    _a_step_drive_has_its_logic,
    _nothing_closes_by_itself_without_a_beam,
    _what_closes_by_itself_warns,
    _a_wish_has_its_wire,
    _a_stuck_leaf_is_noticed_in_time,
)
