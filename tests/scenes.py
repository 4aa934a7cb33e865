"""What a random scenario is made of: a site, a yard, and what happens there. All of it follows from one number.

An `Event` waits, does one thing, and undoes it after a while where it lasts. Everything about it is drawn before the
story is told, so that a scenario without some of its events is the same scenario otherwise: that is how one that fails
is made shorter.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gate.memory import Kept
from gate.model import Alarm, Code, Command, Drive, Mode, Relay, Sensor, State
from gate.site import Site, Timing
from gate.steps import LOGICS

TRAVEL_S = 3.0
REQUIRED = frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED})
RELAYS = {
    Drive.HELD: (Relay.OPEN, Relay.CLOSE),
    Drive.MOMENTARY: (Relay.OPEN, Relay.CLOSE, Relay.STOP),
    Drive.STEP: (Relay.STEP,),
}
COMMON = (Command.OPEN, Command.CLOSE, Command.STOP)
ACTS = 0.6
WAITS_S = (0.0, 0.005, 0.02, 0.1, 0.3, 0.6, 1.0, 1.5, 2.5, 4.0)
BEFORE_S = (0.3, 1.0, 4.0, 5.0, 5.0, 6.0)
DURING_S = (0.0, 0.01, 0.05, 0.2, 0.5, 0.8, 1.0, 1.2, 1.6, 2.0, 2.5, 3.0)
FAULTS = (
    "beam blocked", "beam blocked", "beam blocked", "edge press",
    "limit closed stuck", "limit open stuck", "limit closed missing", "limit open missing", "limit closed bouncing",
    "limit open bouncing", "limit open swapped", "motor dead", "power cut", "release on", "edge press", "beam blocked",
    "beam stuck", "cabinet open", "wind on",
)  # fmt: skip
UNDONE = {
    "limit closed": "limit closed ok", "limit open": "limit open ok", "motor": "motor ok", "power": "power back",
    "release": "release off", "edge": "edge ok", "beam": "beam clear", "cabinet": "cabinet closed", "wind": "wind off",
}  # fmt: skip
SWITCHES = (
    Sensor.ESTOP, Sensor.EMERGENCY, Sensor.MAINTENANCE, Sensor.STOP_BUTTON, Sensor.EXIT_LOOP, Sensor.MAINS_LOST,
    Sensor.BATTERY_LOW, Sensor.EXIT_LOOP, Sensor.EMERGENCY,
)  # fmt: skip
LIARS = (Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED, Sensor.BEAM, Sensor.EDGE)
ROAD = ("car in", "car out", "motorbike in", "person out", "dog in")
WEIGHTS = {
    "order": 12, "put_right": 10, "fault": 5, "switch": 4, "sequence": 3, "road": 3, "burst": 2, "lie": 2, "restart": 2,
    "plan": 2, "silent": 1, "hang": 1, "dead_pins": 1, "shorted": 1, "relay": 1, "keeper_dies": 1, "push": 1,
    "at_the_cabinet": 1, "reset": 1, "obstinate": 1,
}  # fmt: skip
DISTURBS = {
    "fault": 12, "road": 4, "order": 5, "switch": 4, "lie": 4, "restart": 3, "silent": 2, "hang": 2, "keeper_dies": 2,
    "push": 2, "relay": 2, "sequence": 1, "burst": 1, "shorted": 1, "dead_pins": 1, "at_the_cabinet": 1, "plan": 1,
    "put_right": 1,
}  # fmt: skip
DISTURBANCES = tuple(verb for verb, weight in DISTURBS.items() for _ in range(weight))
VERBS = tuple(verb for verb, weight in WEIGHTS.items() for _ in range(weight))
SEQUENCES: tuple[tuple[Command, ...], ...] = (
    (Command.OPEN, Command.CLOSE), (Command.CLOSE, Command.OPEN), (Command.OPEN, Command.STOP, Command.CLOSE),
    (Command.CLOSE, Command.STOP, Command.OPEN), (Command.LOCKDOWN, Command.UNLOCK, Command.OPEN),
    (Command.EMERGENCY_OPEN, Command.NORMAL, Command.CLOSE), (Command.HOLD_OPEN, Command.CLOSE),
    (Command.LOCKDOWN, Command.EMERGENCY_OPEN), (Command.OPEN, Command.LOCKDOWN),
)  # fmt: skip
PLANS: tuple[State | None, ...] = (State.OPEN, State.CLOSED, None)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happens: after `wait_s`, `verb` with its words, for `for_s`."""

    wait_s: float
    verb: str
    words: tuple[str, ...] = ()
    for_s: float = 0.0

    def __str__(self) -> str:
        lasts = f" for {self.for_s:.3f} s" if self.for_s else ""
        return f"after {self.wait_s:.3f} s: {' '.join((self.verb, *self.words))}{lasts}"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A whole story before it is told.

    `rest_s` and `busy_s`: how far samples are apart; `jitter`: at random. `calm_s`: before the first event.
    """

    seed: int
    site: Site
    travel_s: float
    leaf: float
    kept: Kept | None
    busy_s: float
    rest_s: float
    jitter: bool
    began_s: float
    calm_s: float
    events: tuple[Event, ...]


def scenario(seed: int) -> Scenario:
    """Return the scenario of that number."""
    chance = random.Random(seed)
    site = _site(chance)
    busy_s, rest_s, jitter = chance.choices(
        [(0.005, 0.02, False), (0.01, 0.02, False), (0.02, 0.02, False), (0.02, 0.04, True)], [3, 3, 4, 1]
    )[0]
    leaf = chance.choice([0.0, 0.0, 1.0, 1.0, round(chance.random(), 3)])
    return Scenario(
        seed=seed,
        site=site,
        travel_s=chance.choice([1.5, TRAVEL_S, TRAVEL_S]),
        leaf=leaf,
        kept=_kept(chance),
        busy_s=busy_s,
        rest_s=rest_s,
        jitter=jitter,
        began_s=chance.choice([0.3, 1000.0, 4_294_960.0, 1e8]),
        calm_s=chance.choice([0.3, 2.6, 2.6, 2.6]),
        events=tuple(_events(chance, site, opens=leaf != 1.0)),
    )


def _site(chance: random.Random) -> Site:
    drive = chance.choices([*Drive], [3, 2, 2])[0]
    has_beam = chance.random() < 0.85
    optional = frozenset(each for each in Sensor if each not in REQUIRED and chance.random() < 0.7) - {Sensor.BEAM}
    sensors = REQUIRED | optional | (frozenset({Sensor.BEAM}) if has_beam else frozenset())
    closes_itself = has_beam and chance.random() < 0.4
    passes = has_beam and chance.random() < 0.25
    return Site(
        timing=_timing(chance),
        drive=drive,
        logic=chance.choice(sorted(LOGICS)) if drive is Drive.STEP else "",
        sensors=sensors,
        has_beam_test=has_beam and chance.random() < 0.2,
        auto_close_s=chance.choice([0.5, 3.0]) if closes_itself else None,
        after_pass_s=chance.choice([0.5, 2.0]) if passes else None,
        siren_for=frozenset({Alarm.FORCED_OPEN}),
        open_and_stay=Sensor.BATTERY_LOW in sensors and chance.random() < 0.3,
        service_cycles=chance.choice([0, 0, 2]),
    )


def _timing(chance: random.Random) -> Timing:
    """Return times as a site may have them; those that only make a story long are short."""
    return Timing(
        dead_time_s=chance.choice([0.3, 0.5, 1.5]),
        max_travel_s=chance.choice([6.0, 8.0]),
        unsighted_warning_s=chance.choice([6.0, 10.0]),
        emergency_warning_s=chance.choice([0.0, 1.0]),
        hold_s=10.0,
        siren_s=10.0,
        courtesy_s=chance.choice([0.0, 5.0]),
        remind_s=chance.choice([0.0, 15.0]),
        beam_tamper_s=8.0,
        clear_s=1.0,
        lockdown_retry_s=8.0,
        hold_reminder_s=5.0,
    )


def _kept(chance: random.Random) -> Kept | None:
    """Return what an earlier life may have left: usually nothing."""
    if chance.random() < 0.8:
        return None
    mode = chance.choice([Mode.NORMAL, Mode.NORMAL, Mode.EMERGENCY_OPEN, Mode.LOCKDOWN, Mode.HOLD_OPEN])
    learned = (3.1, 3.2, 3.3) if chance.random() < 0.5 else ()
    return Kept(
        mode=mode,
        mode_left_s=8.0 if mode is Mode.HOLD_OPEN else None,
        troubles=chance.choice([(), (), (), (Code.SOFT_LOCK,), (Code.LIMIT_CONFLICT,)]),
        open_s=learned,
        close_s=learned,
    )


def _events(chance: random.Random, site: Site, *, opens: bool) -> Iterator[Event]:
    """Yield what happens: acts of a move and what comes between it, and things that nobody connects."""
    for _ in range(chance.randint(2, 6)):
        if chance.random() < ACTS:
            command = Command.OPEN if opens else Command.CLOSE
            sighted = "sighted" if chance.random() < 0.85 else "unsighted"
            yield Event(wait_s=chance.choice(BEFORE_S), verb="order", words=(sighted, command.value))
            yield _event(chance, site, chance.choice(DURING_S), DISTURBANCES)
            opens = not opens
        else:
            yield _event(chance, site, chance.choice(WAITS_S), VERBS)


def _event(chance: random.Random, site: Site, wait_s: float, verbs: Sequence[str]) -> Event:
    for_s = chance.choice([0.02, 0.08, 0.12, 0.2, 0.5, 1.5, 4.0])
    verb = chance.choice(verbs)
    return Event(wait_s=wait_s, verb=verb, words=_words(verb, chance, site), for_s=for_s if verb in LASTING else 0.0)


def _words(verb: str, chance: random.Random, site: Site) -> tuple[str, ...]:
    """Return the words of an event; all of them are drawn, so that one more kind of event changes no other."""
    sighted = "sighted" if chance.random() < 0.8 else "unsighted"
    anything = chance.random() < 0.35
    wants = chance.choice(PLANS)
    words: dict[str, tuple[str, ...]] = {
        "order": (sighted, chance.choice([*Command] if anything else COMMON).value),
        "sequence": (sighted, *(command.value for command in chance.choice(SEQUENCES))),
        "burst": (sighted, *(command.value for command in chance.choices(COMMON, k=4))),
        "road": (chance.choice(ROAD),),
        "fault": (chance.choice(FAULTS),),
        "switch": (chance.choice(SWITCHES).value,),
        "lie": (chance.choice(LIARS).value, chance.choice(["on", "off"])),
        "shorted": (chance.choice(RELAYS[site.drive]).value,),
        "relay": (
            chance.choice(RELAYS[site.drive]).value.removesuffix("_relay"),
            chance.choice(["welded", "dead"]),
        ),
        "push": (chance.choice(["open", "close"]),),
        "plan": (wants.value if wants else "nothing", "moves" if chance.random() < 0.7 else "rests"),
        "at_the_cabinet": (chance.choice([Sensor.OPEN_BUTTON, Sensor.CLOSE_BUTTON]).value,),
    }
    return words.get(verb, ())


LASTING = frozenset({
    "road", "fault", "switch", "lie", "silent", "hang", "dead_pins", "shorted", "relay", "restart", "keeper_dies",
    "push", "at_the_cabinet", "sequence",
})  # fmt: skip
