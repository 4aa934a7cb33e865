"""Randomised fault scenarios on a virtual clock: `make campaign`, and a short slice of it in `make test`.

Each scenario is a seed: random commands, things in the beam, lying and silent sensors, a hanging controller, dead
relays, somebody pushing the leaf. `tests.story.Story` judges each 5 ms by what the plant does (I1-I4, I8, I9); here
the end is judged: once the faults are over nothing runs, and every accepted command ended exactly once (I15).

A failure prints its seed: `python -m tests.campaign --first SEED --runs 1` tells the same story again.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from gate.model import Command, Kind, State
from tests.story import Story

COMMANDS = [Command.OPEN, Command.CLOSE, Command.STOP, Command.RESET]
LIARS = ["limit_open", "limit_closed", "beam"]
EVENTS = 16
CALM_S = 36.0


def run(seed: int, kind: type[Story] = Story) -> Story:
    """Tell one scenario; raises AssertionError where an invariant breaks."""
    chance = random.Random(seed)
    story = kind(has_beam=chance.random() < 0.9, leaf=chance.choice([0.0, 0.0, 1.0, 1.0, chance.random()]))
    story.after(s=chance.choice([0.1, 1.0, 3.0]))
    for _ in range(EVENTS):
        _event(story, chance)
        story.after(s=chance.choice([0.005, 0.02, 0.1, 0.3, 0.6, 1.5, 4.0]))
    story.after(s=CALM_S)
    assert not story.relays, "something still runs when all is calm"
    _judge_commands(story)
    return story


def _event(story: Story, chance: random.Random) -> None:
    while_s = chance.choice([0.02, 0.08, 0.2, 0.5, 1.5, 4.0])
    match chance.choice(["order"] * 6 + ["car"] * 2 + ["lie", "silence", "hang", "dead", "push"]):
        case "order":
            story.officer_says(chance.choice(COMMANDS), sighted=chance.random() < 0.7)
        case "car":
            story.car_breaks_the_beam().after(s=while_s).beam_clears()
        case "lie":
            story.sensor_says(**{chance.choice(LIARS): chance.random() < 0.5}).after(s=while_s)
            story.lies.clear()
        case "silence":
            story.keeper_falls_silent().after(s=while_s).keeper_speaks_again()
        case "hang":
            story.controller_runs = False
            story.after(s=while_s).controller_runs = True
        case "dead":
            story.dead_relays = True
            story.after(s=while_s).dead_relays = False
        case "push":
            story.yard.leaf = chance.random()


def _judge_commands(story: Story) -> None:
    moves = {Command.OPEN, Command.CLOSE, Command.STOP}
    accepted = [f for f in story.facts if f.kind is Kind.COMMAND_ACCEPTED and f.data["command"] in moves]
    ended = [end.command_id for end in story.ended]
    assert len(set(ended)) == len(ended), "I15: a command ended twice"
    known = set(ended)
    for fact in accepted:
        joined = fact.data["command_id"] not in known
        assert not joined or fact.data["command"] != Command.STOP, "I15: a stop did not end"
    energised = [f for f in story.facts if f.kind is Kind.DRIVE_ENERGISED]
    assert all(f.data["command_id"] and f.data["cause"] for f in energised), "I14: energised without a cause"
    assert story.state is not State.OPENING
    assert story.state is not State.CLOSING


def main() -> int:
    """Run many scenarios and print how far it came."""
    parser = argparse.ArgumentParser(description="Randomised fault scenarios on a virtual clock.")
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    arguments = parser.parse_args()
    began_s, energised, refused = time.monotonic(), 0, 0
    for number in range(arguments.runs):
        seed = arguments.first + number
        try:
            story = run(seed)
        except AssertionError as error:
            print(f"seed {seed}: {error}")
            return 1
        energised += story.kinds().count(Kind.DRIVE_ENERGISED)
        refused += len(story.refusals)
        if number % 500 == 499:
            rate = (number + 1) / (time.monotonic() - began_s)
            print(f"{number + 1} scenarios, {energised} moves, {refused} refusals, {rate:.0f} scenarios/s", flush=True)
    print(f"{arguments.runs} scenarios from seed {arguments.first}: no invariant broken, {energised} moves")
    return 0


if __name__ == "__main__":
    sys.exit(main())
