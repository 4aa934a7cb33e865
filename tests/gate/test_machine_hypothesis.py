"""The campaign's events in the hands of Hypothesis, which looks for the shortest story that breaks an invariant."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from gate.model import Command, Drive, Sensor, State
from gate.site import Site, Timing
from gate.steps import LOGICS
from tests.campaign import Scene, calm_down, happens
from tests.scenes import FAULTS, LIARS, RELAYS, REQUIRED, ROAD, SWITCHES, Event, Scenario

TRAVEL_S = 1.5
WAITS_S = st.sampled_from([0.005, 0.02, 0.1, 0.4, 1.2, 3.0, 6.0])
WHILE_S = st.sampled_from([0.02, 0.08, 0.2, 0.6, 1.5])
OPTIONAL = frozenset(Sensor) - REQUIRED


class Gate(RuleBasedStateMachine):
    """One gate; every rule is something that happens to it, and the oracle judges each sample."""

    story: Scene

    @initialize(
        drive=st.sampled_from(Drive),
        logic=st.sampled_from(sorted(LOGICS)),
        absent=st.frozensets(st.sampled_from(sorted(OPTIONAL))),
        leaf=st.sampled_from([0.0, 1.0, 0.5]),
        closes_itself=st.booleans(),
        dead_time_s=st.sampled_from([0.3, 0.5, 1.5]),
    )
    def begin(
        self,
        *,
        drive: Drive,
        logic: str,
        absent: frozenset[Sensor],
        leaf: float,
        closes_itself: bool,
        dead_time_s: float,
    ) -> None:
        """Build a site and a yard, and let the sensors settle."""
        sensors = frozenset(Sensor) - absent
        site = Site(
            timing=Timing(max_travel_s=6.0, dead_time_s=dead_time_s, lockdown_retry_s=8.0, hold_s=10.0, courtesy_s=0.0),
            drive=drive,
            logic=logic if drive is Drive.STEP else "",
            sensors=sensors,
            auto_close_s=1.0 if closes_itself and Sensor.BEAM in sensors else None,
        )
        told = Scenario(seed=0, site=site, travel_s=TRAVEL_S, leaf=leaf, kept=None, busy_s=0.01, rest_s=0.02,
                        jitter=False, began_s=1000.0, calm_s=0.0, events=())  # fmt: skip
        self.story = Scene(told)
        self.story.after(s=2.6)

    def _happens(self, verb: str, *words: str, for_s: float = 0.0) -> None:
        happens(self.story, Event(wait_s=0.0, verb=verb, words=words, for_s=for_s))

    @rule(for_s=WAITS_S)
    def time_goes_by(self, for_s: float) -> None:
        self.story.after(s=for_s)

    @rule(command=st.sampled_from(Command), sighted=st.booleans())
    def somebody_says(self, command: Command, *, sighted: bool) -> None:
        self.story.officer_says(command, sighted=sighted)

    @rule(what=st.sampled_from(FAULTS + ROAD), for_s=WHILE_S)
    def something_happens_in_the_yard(self, what: str, for_s: float) -> None:
        self._happens("fault" if what in FAULTS else "road", what, for_s=for_s)

    @rule(sensor=st.sampled_from(sorted(set(SWITCHES))), for_s=WHILE_S)
    def somebody_uses_an_input(self, sensor: Sensor, for_s: float) -> None:
        self._happens("switch", sensor.value, for_s=for_s)

    @rule(sensor=st.sampled_from(LIARS), active=st.booleans(), for_s=WHILE_S)
    def a_sensor_lies(self, sensor: Sensor, *, active: bool, for_s: float) -> None:
        self._happens("lie", sensor.value, "on" if active else "off", for_s=for_s)

    @rule(verb=st.sampled_from(["silent", "hang", "dead_pins", "restart", "keeper_dies"]), for_s=WHILE_S)
    def a_process_fails(self, verb: str, for_s: float) -> None:
        self._happens(verb, for_s=for_s)

    @rule(number=st.integers(0, 2), fault=st.sampled_from(["welded", "dead", "shorted"]), for_s=WHILE_S)
    def a_relay_fails(self, number: int, fault: str, for_s: float) -> None:
        relays = RELAYS[self.story.site.drive]
        relay = relays[number % len(relays)].value
        if fault == "shorted":
            self._happens("shorted", relay, for_s=for_s)
        else:
            self._happens("relay", relay.removesuffix("_relay"), fault, for_s=for_s)

    @rule(way=st.sampled_from(["open", "close"]), for_s=WHILE_S)
    def somebody_pushes_the_leaf(self, way: str, for_s: float) -> None:
        self._happens("push", way, for_s=for_s)

    @rule(wants=st.sampled_from([State.OPEN, State.CLOSED, None]), moves=st.booleans())
    def a_period_begins(self, wants: State | None, *, moves: bool) -> None:
        self.story.timetable_wants(wants, moves=moves)

    @rule(wants=st.sampled_from([State.OPEN, State.CLOSED, None]))
    def somebody_sets_another_timetable(self, wants: State | None) -> None:
        self.story.timetable_wants(wants, moves=False, renewed=True)

    @precondition(lambda self: bool(self.story.gate.troubles))
    @rule()
    def a_commander_puts_it_right(self) -> None:
        self._happens("put_right")

    def teardown(self) -> None:
        """When all is whole again everything ends."""
        if hasattr(self, "story"):
            calm_down(self.story)


TestGate = Gate.TestCase
TestGate.settings = settings(
    max_examples=200,
    stateful_step_count=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
