"""A slice of `make campaign` (tests/campaign.py): 2,000 random fault scenarios, no invariant broken.

What the oracle says is only worth something if it sees what it should: the last stories break the gate on purpose.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest

from gate import machine
from gate.memory import Decision, Gate
from gate.model import Drive, Inputs, Kind, Relay, State
from tests import campaign
from tests.campaign import Progress, Scene
from tests.scenes import Scenario, scenario
from tests.story import Story

SLICE = 2000
FIRST = 0
PROCESSES = 2


def test_two_thousand_scenarios_break_no_invariant(tmp_path: Path) -> None:
    """I1-I15. A failure names the command that tells it again."""
    progress = campaign.tell_many(Progress(next_seed=FIRST), SLICE, PROCESSES, lambda _: None)
    assert not progress.failed, "\n".join(campaign.explain(seed) for seed in progress.failed)
    assert progress.scenarios == SLICE
    assert progress.moves > SLICE, "a campaign in which nothing moves would prove nothing"


def test_the_scenarios_reach_every_drive_and_every_kind_of_event() -> None:
    told = [scenario(seed) for seed in range(300)]
    assert {each.site.drive for each in told} == {*Drive}
    verbs = Counter(event.verb for each in told for event in each.events)
    assert len(verbs) > 15
    assert any(each.site.has_beam_test for each in told)
    assert any(each.kept for each in told)


def test_one_number_tells_the_whole_scenario() -> None:
    once, again = campaign.run(77), campaign.run(77)
    assert scenario(77) == scenario(77)
    assert once.facts == again.facts
    assert once.now_s == again.now_s


def test_a_long_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state = tmp_path / "run" / "campaign.json"
    progress = campaign.tell_many(Progress(next_seed=100), 100, 1, lambda told: campaign.save(state, told))
    again = campaign.load(state, 0)
    assert (again.next_seed, again.scenarios) == (200, 100)
    assert again == progress
    state.write_text(json.dumps({"next": "nonsense"}))
    assert campaign.load(state, 7) == Progress(next_seed=7)


def test_a_failure_loses_the_events_that_it_does_not_need() -> None:
    seed = next(seed for seed in range(100) if len(scenario(seed).events) >= 6)
    assert campaign.shrink(seed, lambda only: {1, 4} <= {*only}) == [1, 4]


class Doubting(Scene):
    """Takes every sample the slow way too: what is skipped must not matter."""

    skipped = 0

    def decide(self, sample: Inputs) -> Decision:
        quick = super().decide(sample)
        slow = machine.step(dataclasses.replace(self.gate, due_s=float("-inf")), sample, self.site)
        self.skipped += quick.gate.motion is self.gate.motion and not quick.facts
        assert _but_for_due(quick.gate) == _but_for_due(slow.gate)
        assert (quick.facts, quick.ended) == (slow.facts, slow.ended)
        return quick


def _but_for_due(gate: Gate) -> Gate:
    return dataclasses.replace(gate, due_s=0.0)


@pytest.mark.parametrize("first", range(50_000, 50_120, 20))
def test_the_fast_path_never_differs_from_the_slow_one(first: int) -> None:
    """A sample that says nothing new before `due_s` changes nothing: each is judged both ways."""
    stories = [campaign.run(seed, Doubting) for seed in range(first, first + 20)]
    assert sum(story.skipped for story in stories if isinstance(story, Doubting)) > 1000


class Blind(Scene):
    """Never hears of the beam."""

    def decide(self, sample: Inputs) -> Decision:
        seen = dataclasses.replace(sample, active=sample.active - {"beam"})
        return super().decide(seen)


class Deaf(Scene):
    """Forgets the dead time."""

    def __init__(self, told: Scenario) -> None:
        site = dataclasses.replace(told.site, timing=dataclasses.replace(told.site.timing, dead_time_s=0.0))
        super().__init__(dataclasses.replace(told, site=site))
        self.oracle.site = told.site


class Dreamer(Scene):
    """Says open as soon as it opens."""

    def take(self, decision: Decision) -> None:
        shown = decision.gate.shown
        if shown.state is State.OPENING:
            shown = dataclasses.replace(shown, state=State.OPEN)
        super().take(dataclasses.replace(decision, gate=dataclasses.replace(decision.gate, shown=shown)))


class Silent(Scene):
    """Never tells that a drive was energised."""

    def take(self, decision: Decision) -> None:
        facts = tuple(fact for fact in decision.facts if fact.kind is not Kind.DRIVE_ENERGISED)
        super().take(dataclasses.replace(decision, facts=facts))


class Hasty(Scene):
    """Never warns."""

    def __init__(self, told: Scenario) -> None:
        timing = dataclasses.replace(told.site.timing, warning_s=0.0, unsighted_warning_s=0.0)
        super().__init__(dataclasses.replace(told, site=dataclasses.replace(told.site, timing=timing)))
        self.oracle.ledger.site = told.site


@pytest.mark.parametrize(
    ("broken", "number"), [(Blind, "I5"), (Deaf, "I2"), (Dreamer, "I8"), (Silent, "I14"), (Hasty, "I12")]
)
def test_the_oracle_sees_a_gate_that_breaks_a_rule(broken: type[Scene], number: str) -> None:
    """An oracle that never finds anything may be asleep."""
    found = set()
    for seed in range(200):
        try:
            campaign.run(seed, broken)
        except AssertionError as error:
            found.add(str(error).partition(":")[0])
        if number in found:
            return
    raise AssertionError(f"{broken.__name__} was never caught breaking {number}; seen: {sorted(found)}")


def test_the_oracle_sees_a_relay_that_goes_on_by_itself() -> None:
    """I14: a pin goes on for which nobody has a cause, and nobody is told."""

    class Haunted(Story):
        def decide(self, sample: Inputs) -> Decision:
            self.guard.order(self.now_s, Relay.OPEN, frozenset(), self.now_s)
            return Decision(gate=self.gate.heard(sample.at_s))

        def _order(self, now_s: float) -> None:
            pass

    with pytest.raises(AssertionError, match="I14"):
        Haunted().after(s=2.0)
