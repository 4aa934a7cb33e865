"""Reference moves, and a restart of the whole controller at any sample of them.

At each sample the yard is copied, the outputs go dark, and a new controller with a new keeper starts on the copy with
what the old one kept. Then nothing may move that does not have to (I7): only an emergency goes on opening (I11). Within
a second the published state is what the limits show, or `unknown`. `make bench` takes every sample of every move, and
tests/gate/test_restart.py a slice.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from gate import machine
from gate.model import Command, Drive, Mode, Relay, Sensor, State
from gate.site import Site, Timing
from gate.steps import LOGICS
from gate.world import Yard
from tests.story import OFF, Story

TRAVEL_S = 2.0
SETTLED_S = 1.0
STEADY_S = 0.1
DARK_S = (0.02, 0.3, 1.0)
WIRED = frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED, Sensor.BEAM, Sensor.EDGE, Sensor.EMERGENCY, Sensor.ESTOP})
DRIVES = ((Drive.HELD, ""), (Drive.MOMENTARY, ""), *((Drive.STEP, logic) for logic in sorted(LOGICS)))
SCRIPTS: dict[str, tuple[float, tuple[tuple[str, float], ...]]] = {
    "opening": (0.0, (("open", 3.5),)),
    "closing": (1.0, (("close", 3.5),)),
    "an opening that is stopped": (0.0, (("open", 1.2), ("stop", 1.5))),
    "a closing that is stopped": (1.0, (("close", 1.2), ("stop", 1.5))),
    "an opening that is reversed": (0.0, (("open", 1.2), ("close", 4.0))),
    "a closing that is reversed": (1.0, (("close", 1.2), ("open", 4.0))),
    "a car under the closing gate": (1.0, (("close", 1.2), ("beam blocked", 0.5), ("beam clear", 3.0))),
    "somebody at the edge of the closing gate": (1.0, (("close", 1.2), ("edge press", 0.3), ("edge ok", 2.5))),
    "an emergency opening": (0.0, (("emergency_open", 4.0),)),
    "an emergency while it closes": (1.0, (("close", 1.2), ("emergency_open", 4.5))),
    "a lockdown": (1.0, (("lockdown", 9.0),)),
    "a hold open": (0.0, (("hold_open", 3.5), ("close", 2.0))),
}
"""By name: where the leaf is, and what happens, each with the seconds that go by after it."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One reference move of one drive."""

    name: str
    site: Site
    leaf: float
    script: tuple[tuple[str, float], ...]


def references() -> list[Reference]:
    """Return all of them: each script with each drive."""
    timing = Timing(max_travel_s=6.0, courtesy_s=0.0)
    return [
        Reference(
            name=f"{name}, {drive} {logic}".strip(),
            site=Site(timing=timing, drive=drive, logic=logic, sensors=WIRED),
            leaf=leaf,
            script=script,
        )
        for (name, (leaf, script)), (drive, logic) in product(SCRIPTS.items(), DRIVES)
    ]


def begun(reference: Reference) -> Story:
    """Return the story of a move, settled, before anything happens."""
    site = reference.site
    yard = Yard(drive=site.drive, logic=site.logic, travel_s=TRAVEL_S)
    story = Story(site=site, yard=yard, leaf=reference.leaf)
    return story.gate_is(State.CLOSED if reference.leaf == 0.0 else State.OPEN)


def moments(reference: Reference) -> Iterator[Story]:
    """Tell a move and yield its story after every sample."""
    story = begun(reference)
    for what, for_s in reference.script:
        words = what.split()
        if len(words) == 1:
            story.officer_says(Command(what))
        else:
            story.something(*words)
        end_s = story.now_s + for_s
        while story.now_s < end_s:
            story.tick(story.pace())
            yield story


def restart(story: Story, dark_s: float) -> Story:
    """Return a new story on a copy of the yard: everything was dark for a while, and a new controller starts."""
    yard = copy.deepcopy(story.yard)
    kept = machine.kept(story.gate, story.now_s)
    yard.advance(dark_s, OFF)
    after = Story(site=story.site, yard=yard, leaf=None, kept=kept, began_s=story.now_s + dark_s)
    after.oracle.inherit(story.oracle, story.now_s)
    return after


def judge(story: Story, name: str) -> None:
    """Watch a controller that has just started: nothing moves but an emergency, and the state is soon right."""
    emergency = story.gate.mode is Mode.EMERGENCY_OPEN
    began_s = story.now_s
    steady_s, before = story.now_s, frozenset[Sensor]()
    while story.now_s < began_s + SETTLED_S or (story.now_s < steady_s + STEADY_S and not emergency):
        story.tick(0.02)
        if story.limits != before:
            before, steady_s = story.limits, story.now_s
        allowed = frozenset({Relay.OPEN, Relay.STEP, Relay.STOP}) if emergency else OFF
        assert story.pins <= allowed, f"I7: {sorted(story.pins)} after a restart in {name}"
    if story.pins:
        return
    right = {frozenset({Sensor.LIMIT_OPEN}): State.OPEN, frozenset({Sensor.LIMIT_CLOSED}): State.CLOSED}
    expected = {right.get(before, State.UNKNOWN)} | (
        {State.OPENING, State.STOPPED, State.UNKNOWN} if emergency else set()
    )
    assert story.state in expected, (
        f"{story.state} a second after a restart in {name}, the limits show {sorted(before)}"
    )


def judge_all(reference: Reference, every: int = 1, first: int = 0) -> int:
    """Restart at every n-th sample of a move; return how many restarts that were."""
    restarts = 0
    for number, story in enumerate(moments(reference)):
        if number % every != first % every:
            continue
        dark_s = DARK_S[restarts % len(DARK_S)]
        judge(restart(story, dark_s), f"{reference.name}, sample {number}, dark for {dark_s} s")
        restarts += 1
    return restarts


def short(reference: Reference) -> Reference:
    """Return a move with a shorter tail, for a slice."""
    *head, (what, for_s) = reference.script
    return replace(reference, script=(*head, (what, min(for_s, 2.0))))
