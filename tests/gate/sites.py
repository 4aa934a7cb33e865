"""Sites that stories are told of, and words that several of them need."""

from __future__ import annotations

from dataclasses import replace

from gate.memory import Kept
from gate.model import Code, Command, Drive, Kind, Relay, State
from gate.site import Site, Timing
from gate.world import Yard
from tests.story import EVERY_SENSOR, Story

TIMING = Timing(max_travel_s=20.0)
SITE = Site(timing=TIMING, sensors=EVERY_SENSOR)


def story_of(site: Site = SITE, *, timing: Timing | None = None, kept: Kept | None = None, leaf: float = 0.0) -> Story:
    """Return a story of such a gate, settled, with two seconds of fresh samples behind it."""
    site = site if timing is None else replace(site, timing=timing)
    return Story(site=site, kept=kept, leaf=leaf).after(s=2.6)


def open_gate(site: Site = SITE, *, kept: Kept | None = None) -> Story:
    """Return a story of a gate that stands open."""
    return story_of(site, kept=kept, leaf=1.0)


def with_drive(drive: Drive, logic: str = "") -> Site:
    """Return the site with another drive."""
    return replace(SITE, drive=drive, logic=logic)


def refusal(story: Story) -> Code | None:
    """Return the newest refusal."""
    return story.refusals[-1].code if story.refusals else None


def energised(story: Story) -> list[Relay]:
    """Return the relays that were energised so far, in order."""
    return [Relay(str(fact.data["relay"])) for fact in story.facts if fact.kind is Kind.DRIVE_ENERGISED]


def causes(story: Story) -> list[str]:
    """Return why, in order."""
    return [str(fact.data["cause"]) for fact in story.facts if fact.kind is Kind.DRIVE_ENERGISED]


def whys(story: Story) -> list[str]:
    """Return why drives were released, in order."""
    return [str(fact.data["why"]) for fact in story.facts if fact.kind is Kind.DRIVE_RELEASED]


def reversed_closings(story: Story, times: int) -> Story:
    """Have an officer close, and a car in the way, this many times."""
    for _ in range(times):
        story.officer_says(Command.CLOSE).until(lambda s: s.closing_drive).after(s=2.0)
        story.car_breaks_the_beam().after(s=0.1).beam_clears().until_is(State.OPEN).after(s=0.6)
    return story


def yard_of(site: Site, seed: int | None = 0) -> Yard:
    """Return the yard that belongs to a site."""
    return Yard(drive=site.drive, logic=site.logic, seed=seed)
