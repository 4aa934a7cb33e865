"""What a maintainer may order in the simulated yard, in the words of `antt-gate yard`. Tables, and how to read them.

An order is one of three: something comes along the road, somebody pushes, or a subject gets a condition: a fault, a
switch, an input. `CONDITIONS` has every order of the last kind word for word; its value None takes a condition away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gate.model import Direction, Relay, Sensor
from gate.yard_road import BREEDS

WEATHER = ("night", "rain", "insects", "headlights")
LEFT = "crate"
EYE = ("hand", "torch", "shake", "knocked", "blur", "freeze")
SEEN = (*WEATHER, LEFT, *EYE)
"""What only the camera notices: light and weather, something left in the gateway, what befalls the camera itself."""
SWITCHES = (*SEEN, "wind")
SWAPPED = "limits"
BATTERY = "battery"
INPUTS = (
    Sensor.ESTOP, Sensor.EMERGENCY, Sensor.MAINTENANCE, Sensor.OPEN_BUTTON, Sensor.CLOSE_BUTTON, Sensor.STOP_BUTTON,
    Sensor.EXIT_LOOP, Sensor.MAINS_LOST, Sensor.BATTERY_LOW, Sensor.RELEASE, Sensor.CABINET,
)  # fmt: skip
YARD_WORDS = (
    f"show, {'|'.join(BREEDS)} [in|out], beam blocked|stuck|clear, "
    "limit open|closed stuck|missing|bouncing|swapped|ok, edge press|ok, push open|close, motor dead|ok, "
    "relay open|close|stop|step welded|dead|ok, power cut|back, battery on|off, release on|off, cabinet open|closed, "
    f"infrared dead|ok, day, {'|'.join(SWITCHES)} [on|off], input {'|'.join(INPUTS)} on|off"
)

Words: TypeAlias = tuple[str, ...]


class YardError(Exception):
    """An order that the yard does not know; the message names what it knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Enters:
    """One of `BREEDS` comes in (1) or out (-1)."""

    kind: str
    direction: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Pushes:
    """Somebody pushes the leaf, hard, for a while."""

    way: Direction


@dataclass(frozen=True, kw_only=True, slots=True)
class Becomes:
    """A subject gets a condition, or loses the one it has (None)."""

    subject: str
    condition: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shows:
    """Nothing is changed."""


Order: TypeAlias = Enters | Pushes | Becomes | Shows


def _conditions() -> dict[Words, Becomes]:
    table: dict[Words, tuple[str, str | None]] = {
        ("beam", "blocked"): ("beam", "blocked"),
        ("beam", "stuck"): ("beam", "stuck"),
        ("beam", "clear"): ("beam", None),
        ("edge", "press"): ("edge", "pressed"),
        ("edge", "ok"): ("edge", None),
        ("motor", "dead"): ("motor", "dead"),
        ("motor", "ok"): ("motor", None),
        ("power", "cut"): ("power", "cut"),
        ("power", "back"): ("power", None),
        ("infrared", "dead"): ("infrared", "dead"),
        ("infrared", "ok"): ("infrared", None),
        ("cabinet", "open"): (Sensor.CABINET, "on"),
        ("cabinet", "closed"): (Sensor.CABINET, None),
        ("day",): ("night", None),
        ("day", "on"): ("night", None),
        ("day", "off"): ("night", "on"),
    }
    for end in ("open", "closed"):
        for fault in ("stuck", "missing", "bouncing"):
            table["limit", end, fault] = (f"limit_{end}", fault)
        table["limit", end, "swapped"] = (SWAPPED, "swapped")
        table["limit", end, "ok"] = (f"limit_{end}", None)
    for relay in Relay:
        word = relay.value.removesuffix("_relay")
        table |= {("relay", word, fault): (relay.value, fault) for fault in ("welded", "dead")}
        table["relay", word, "ok"] = (relay.value, None)
    for switch in SWITCHES:
        table |= {(switch,): (switch, "on"), (switch, "on"): (switch, "on"), (switch, "off"): (switch, None)}
    for name in (BATTERY, Sensor.RELEASE.value):
        table |= {(name, "on"): (name, "on"), (name, "off"): (name, None)}
    for sensor in INPUTS:
        table |= {("input", sensor.value, "on"): (sensor.value, "on"), ("input", sensor.value, "off"): (sensor, None)}
    return {words: Becomes(subject=str(what), condition=condition) for words, (what, condition) in table.items()}


CONDITIONS = _conditions()
KNOWN = frozenset((order.subject, order.condition) for order in CONDITIONS.values() if order.condition is not None)
"""Every subject with every condition that it can be in."""


def read(action: str, arguments: list[str]) -> Order:
    """Return what is ordered. Raises `YardError` for anything that is not in the words of the yard."""
    words = (action, *arguments)
    if words == ("show",):
        return Shows()
    if words in CONDITIONS:
        return CONDITIONS[words]
    if action in BREEDS and arguments in ([], ["in"], ["out"]):
        return Enters(kind=action, direction=-1 if arguments == ["out"] else 1)
    if action == "push" and arguments in (["open"], ["close"]):
        return Pushes(way=Direction(arguments[0]))
    raise YardError(f"the yard does not know {' '.join(words)[:200]!r}; it knows: {YARD_WORDS}")


def spell(subject: str, condition: str) -> str:
    """Return the words that order this condition."""
    return " ".join(next(words for words, order in CONDITIONS.items()
                         if (order.subject, order.condition) == (subject, condition)))  # fmt: skip
