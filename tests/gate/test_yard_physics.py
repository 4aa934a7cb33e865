"""What no yard may ever do, whatever happens in it: hypothesis looks for the story that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.model import Direction, Drive, Relay
from gate.steps import LOGICS
from gate.world import Yard
from gate.yard_leaf import BRAKE_N, EDGE_M, EDGE_N_M, FRICTION_N, LONGEST_STEP_S, MASS_KG, WALK_M_S, Leaf
from gate.yard_orders import KNOWN
from gate.yard_parts import HYSTERESIS_M, LIMIT_M
from tests.gate.yard import run

TRAVEL_S = 3.0
FASTEST_M_S = 1.6  # a free leaf that wind and slope drive from end to end
COASTS_S = 1.0
SHORT = settings(max_examples=60, deadline=None)
CONDITIONS = sorted(KNOWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """One thing that happens, and the time and coils that follow it."""

    what: Callable[[Yard], object]
    coils: frozenset[Relay]
    steps: int
    step_s: float


def pushes(way: Direction, force_n: float) -> Callable[[Yard], object]:
    return lambda yard: yard.push(way, force_n=force_n, for_s=1.0)


def becomes(subject: str, condition: str | None) -> Callable[[Yard], object]:
    return lambda yard: yard.become(subject, condition)


def enters(kind: str) -> Callable[[Yard], object]:
    return lambda yard: yard.obey(kind, [])


NOTHING = st.just(lambda _: None)
PUSHES = st.builds(pushes, st.sampled_from(Direction), st.floats(0.0, 2000.0))
BREAKS = st.sampled_from(CONDITIONS).map(lambda each: becomes(*each))
MENDS = st.sampled_from(CONDITIONS).map(lambda each: becomes(each[0], None))
THINGS = st.sampled_from(["car", "person", "dog"]).map(enters)


def stories(what: st.SearchStrategy[Callable[[Yard], object]]) -> st.SearchStrategy[list[Happening]]:
    return st.lists(
        st.builds(
            Happening,
            what=what,
            coils=st.sampled_from([frozenset[Relay](), *[frozenset([relay]) for relay in Relay]])
            | st.frozensets(st.sampled_from(Relay)),
            steps=st.integers(1, 150),
            step_s=st.sampled_from([0.001, 0.005, 0.02, 0.1]),
        ),
        max_size=8,
    )


def yards() -> st.SearchStrategy[Yard]:
    def build(drive: Drive, logic: str, leaf: float, slope: float, seed: int) -> Yard:
        yard = Yard(drive, logic, travel_s=TRAVEL_S, seed=seed)
        yard.leaf, yard.slope = leaf, slope
        return yard

    return st.builds(
        build,
        st.sampled_from(Drive),
        st.sampled_from([*LOGICS]),
        st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0.0, 1.0),
        st.floats(-0.05, 0.05),
        st.integers(0, 99),
    )


@SHORT
@given(yards(), stories(NOTHING | PUSHES | BREAKS | MENDS | THINGS))
def test_a_leaf_stays_between_its_ends_and_below_its_speed(yard: Yard, story: list[Happening]) -> None:
    for happening in story:
        happening.what(yard)
        for _ in range(happening.steps):
            yard.advance(happening.step_s, happening.coils)
            assert 0.0 <= yard.leaf <= 1.0
            assert abs(yard.speed) * yard._leaf.length_m <= FASTEST_M_S
            assert -EDGE_M - 1e-9 <= yard._leaf.at_m <= yard._leaf.length_m + EDGE_M + 1e-9
            assert yard.motor is None or yard.contacts or yard.operator.busy, "driven by nothing"


@SHORT
@given(yards(), stories(NOTHING | PUSHES | BREAKS | MENDS | THINGS))
def test_a_braked_leaf_that_nobody_drives_or_pushes_comes_to_rest_and_stays(yard: Yard, story: list[Happening]) -> None:
    for happening in story:
        happening.what(yard)
        for _ in range(happening.steps):
            yard.advance(happening.step_s, happening.coils)
    for subject in [*yard.conditions]:
        yard.become(subject, None)
    yard.push(Direction.OPEN, force_n=0.0, for_s=0.001)
    yard.obey("power", ["cut"])
    run(yard, s=COASTS_S)
    rests = yard.leaf
    for _ in range(200):
        yard.advance(0.02, [])
        assert yard.leaf == rests
        assert (yard.motor, yard.speed) == (None, 0.0)


@SHORT
@given(yards(), stories(NOTHING | PUSHES))
def test_a_good_limit_never_chatters(yard: Yard, story: list[Happening]) -> None:
    """Between two changes the leaf has gone through the whole hysteresis."""
    length_m = yard._leaf.length_m
    before = yard.sensors()
    for happening in story:
        happening.what(yard)
        for _ in range(happening.steps):
            yard.advance(happening.step_s, happening.coils)
            now = yard.sensors()
            gaps = {"limit_closed": yard._leaf.at_m, "limit_open": length_m - yard._leaf.at_m}
            for name, gap_m in gaps.items():
                if now[name] is not before[name]:
                    assert gap_m <= LIMIT_M if now[name] else gap_m > LIMIT_M + HYSTERESIS_M
            before = now


@SHORT
@given(yards(), stories(NOTHING | PUSHES | BREAKS | THINGS))
def test_a_yard_at_rest_that_costs_nothing_is_the_same_yard(yard: Yard, story: list[Happening]) -> None:
    """The short way through `advance` changes no story: a twin that never takes it ends alike."""
    twin = deepcopy(yard)
    for happening in story:
        for each in (yard, twin):
            happening.what(each)
            each.become("wind", None)  # whose gusts are drawn as time goes by
        for _ in range(happening.steps):
            yard.advance(happening.step_s, happening.coils)
            twin._is_quiet = False
            twin.advance(happening.step_s, happening.coils)
        assert yard.truth() == twin.truth()


@SHORT
@given(
    st.floats(0.0, 1.5),
    st.floats(-1.0, 1.0),
    st.booleans(),
    st.sampled_from([0.001, 0.005, LONGEST_STEP_S]),
)
def test_a_leaf_left_alone_only_ever_loses_energy(at: float, speed: float, free: bool, dt_s: float) -> None:  # noqa: FBT001 - hypothesis hands it over
    leaf = Leaf(TRAVEL_S)
    leaf.at_m, leaf.speed_m_s, leaf.free = at, speed, free

    def energy_j() -> float:
        squeezed_m = min(EDGE_M, max(0.0, -leaf.at_m, leaf.at_m - leaf.length_m))
        return MASS_KG * leaf.speed_m_s**2 / 2 + EDGE_N_M * squeezed_m**2 / 2

    had = energy_j()
    for _ in range(round(20.0 / dt_s)):
        leaf.step(dt_s, 0)
        assert energy_j() <= had + 0.5, "half a joule is what the arithmetic of a step may be off"
        had = min(had, energy_j())
    assert leaf.speed_m_s == 0.0


@SHORT
@given(st.floats(0.0, FRICTION_N + BRAKE_N - 1.0), st.sampled_from(Direction))
def test_what_the_brake_can_hold_it_holds(force_n: float, way: Direction) -> None:
    yard = Yard(travel_s=TRAVEL_S)
    yard.leaf = 0.5
    yard.push(way, force_n=force_n, for_s=5.0)
    assert run(yard, s=5.0).leaf == 0.5


@SHORT
@given(st.floats(FRICTION_N + BRAKE_N + 50.0, 5000.0))
def test_nobody_pushes_faster_than_they_walk(force_n: float) -> None:
    yard = Yard(travel_s=20.0)
    yard.push(Direction.OPEN, force_n=force_n, for_s=3.0)
    for _ in range(300):
        yard.advance(0.01, [])
        assert 0.0 <= yard.speed * yard._leaf.length_m <= WALK_M_S
    assert yard.leaf > 0.0
