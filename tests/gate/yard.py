"""Time in the simulated yard, for the tests of its parts."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gate.model import Relay
from gate.world import Yard

STEP_S = 0.005
AT_REST: tuple[Relay, ...] = ()


def run(yard: Yard, relays: Collection[Relay] = AT_REST, *, s: float, step_s: float = STEP_S) -> Yard:
    """Let time go by with these coils on."""
    for _ in range(round(s / step_s)):
        yard.advance(step_s, relays)
    return yard


def until(yard: Yard, relays: Collection[Relay], condition: Callable[[Yard], bool], *, within_s: float = 30.0) -> float:
    """Let time go by with these coils on until the condition holds; return how long it took, in seconds."""
    end_s = yard.at_s + within_s
    began_s = yard.at_s
    while not condition(yard):
        assert yard.at_s < end_s, f"not within {within_s} s: {yard.truth()}"
        yard.advance(STEP_S, relays)
    return yard.at_s - began_s


def pulse(yard: Yard, relay: Relay, *, s: float = 0.4, then_s: float = 0.05) -> Yard:
    """Press a button of an operator's board for a while, and let go."""
    run(yard, [relay], s=s)
    return run(yard, s=then_s)
