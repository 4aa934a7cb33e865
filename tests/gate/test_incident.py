"""The last minute before an alarm: kept, written whole, read again, and decided again the same way."""

from __future__ import annotations

import json
import logging
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate import machine
from gate.incident import IncidentFiles, every, found, name_of, read, recorder
from gate.incident_file import About, IncidentError, Recorded, lines, pack, parse, unpack
from gate.memory import Decision, Gate, Happened, Plan, Wanted
from gate.model import Code, Command, Drive, Health, Inputs, Kind, Origin, Outputs, Relay, Sensor, State
from gate.refusals import refuse
from gate.replay import Difference, replay
from gate.ring import AFTERMATH_S, KEYFRAME_S, LENGTH_S, Incident, Ring, Samples, Silenced, why_kept
from gate.site import Site
from gate.timeline import timeline

OFFICER = Origin(type="person", id="u1", name="Trung úy Lan")
SITE = Site(sensors=frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED, Sensor.BEAM, Sensor.ESTOP}))
ABOUT = About(
    gate_id="sim", name="Cổng thôn 3", program="0.1.0", boot_id="b00t", at="2026-11-21T21:16:09.123Z",
    at_trusted=True, simulated=True,
)  # fmt: skip
STEP_S = 0.01
CLOSED = frozenset({Sensor.LIMIT_CLOSED})


class Tape:
    """Real rules fed with samples, a ring that listens, and what it kept."""

    def __init__(self, site: Site = SITE) -> None:
        self.site = site
        self.now_s = 1000.0
        self.kept: list[Incident] = []
        self.ring = Ring(self.kept.append)
        self.gate = machine.begin(self.now_s, site)
        self.relay: Relay | None = None
        self._orders = 0

    def shows(self, *active: Sensor, s: float) -> Tape:
        """Let time go by with these inputs; relays do what they are told."""
        end_s = self.now_s + s
        while self.now_s < end_s:
            self.now_s = round(self.now_s + STEP_S, 3)
            running = frozenset([self.relay] if self.relay else [])
            inputs = Inputs(at_s=self.now_s, active=frozenset(active), running=running)
            self._take(machine.step(self.gate, inputs, self.site), partial(self.ring.sample, inputs))
        return self

    def officer_says(self, command: Command, code: Code | None = None) -> Tape:
        """Give a command; with a code it is refused before the rules see it."""
        self._orders += 1
        wanted = Wanted(command=command, command_id=f"c{self._orders}", by=OFFICER, sighted=True)
        known = machine.command(self.gate, wanted, self.now_s, self.site)
        decision = Decision(gate=self.gate, refusal=refuse(code)) if code else known
        self._take(decision, lambda d: self.ring.command(wanted, self.now_s, d))
        return self

    def falls_silent(self, s: float) -> Tape:
        """No sample comes, until the rules notice."""
        self.now_s = round(self.now_s + s, 3)
        decision = machine.expire(self.gate, self.now_s, self.site)
        self._take(decision, lambda d: self.ring.silence(self.now_s, False, d))
        return self

    def timetable_says(self, plan: Plan) -> Tape:
        """Tell the rules what the timetable wants."""
        decision = machine.plan(self.gate, plan, self.now_s, self.site)
        self._take(decision, lambda d: self.ring.plan(plan, self.now_s, d))
        return self

    def camera_says(self, why: str) -> Tape:
        """Tell the rules whether the camera can be believed."""
        decision = machine.see(self.gate, why, self.now_s, self.site)
        self._take(decision, lambda d: self.ring.saw(why, self.now_s, d))
        return self

    def _take(self, decision: Decision, note: Callable[[Decision], None]) -> None:
        note(decision)
        self.gate = decision.gate
        outputs = machine.outputs(self.gate, self.site)
        self.relay = outputs.relay
        self.ring.switched(outputs, self.now_s)

    @property
    def only(self) -> Incident:
        """The one incident that was kept."""
        assert len(self.kept) == 1, [incident.reasons for incident in self.kept]
        return self.kept[0]


def forced(before_s: float = 5.0) -> Tape:
    """Let the leaf of a closed gate leave its limit by itself."""
    return Tape().shows(Sensor.LIMIT_CLOSED, s=before_s).shows(s=AFTERMATH_S + 1.0)


def written(incident: Incident, site: Site = SITE, about: About = ABOUT) -> str:
    return "".join(lines(about, site, incident))


def moments(incident: Incident) -> list[float]:
    rows = [row for segment in incident.segments for row in segment.rows]
    return [at_s for row in rows if isinstance(row, Samples) for at_s in row.at_s]


# what is kept


def test_the_minute_before_an_alarm_and_its_aftermath_are_kept() -> None:
    incident = forced(before_s=200.0).only
    raised_s = incident.reasons[0].at_s
    seen = moments(incident)
    assert incident.reasons[0].what == "forced_open"
    assert LENGTH_S <= raised_s - seen[0] <= LENGTH_S + KEYFRAME_S + 1.0
    assert seen[-1] == pytest.approx(raised_s + AFTERMATH_S, abs=STEP_S)
    assert len(seen) == round((seen[-1] - seen[0]) / STEP_S) + 1, "no sample is missing"


def test_several_alarms_in_one_window_make_one_file() -> None:
    tape = Tape().shows(Sensor.LIMIT_CLOSED, s=5.0).shows(s=3.0)
    tape.shows(Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED, s=AFTERMATH_S - 1.0)
    assert not tape.kept, "the second one has not seen its aftermath"
    reasons = [reason.what for reason in tape.shows(s=2.0).only.reasons]
    assert reasons[0] == "forced_open"
    assert f"{Health.HARD_LOCK} {Code.LIMIT_CONFLICT}" in reasons


def test_alarms_without_end_do_not_keep_a_file_waiting_without_end() -> None:
    tape = Tape().shows(Sensor.LIMIT_CLOSED, s=3.0)
    for number in range(40):
        raised = Happened(kind=Kind.ALARM_RAISED, by=OFFICER, data={"alarm": f"a{number}", "reminder": 0})
        tape.now_s += 3.0
        inputs = Inputs(at_s=tape.now_s, active=CLOSED)
        tape.ring.sample(inputs, Decision(gate=tape.gate, facts=(raised,)))
    assert len(tape.kept) == 1
    assert moments(tape.only)[-1] - tape.only.reasons[0].at_s <= 64.0


def test_the_next_alarm_has_its_own_minute_again() -> None:
    tape = forced()
    tape.shows(Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED, s=AFTERMATH_S + 1.0)
    first, second = tape.kept
    assert moments(second)[0] == moments(first)[0], "what is younger than a minute stands in both"
    assert moments(second)[-1] > moments(first)[-1]


def test_when_the_gate_stops_what_waits_is_handed_over() -> None:
    tape = Tape().shows(Sensor.LIMIT_CLOSED, s=5.0).shows(s=2.0)
    assert not tape.kept
    tape.ring.finish()
    tape.ring.finish()
    assert tape.only.reasons[0].what == "forced_open"


def test_nothing_is_kept_of_a_quiet_hour_and_memory_stays_bounded() -> None:
    tape = Tape().shows(Sensor.LIMIT_CLOSED, s=3.0)
    decision = Decision(gate=tape.gate)
    for number in range(3600 * 50):
        tape.ring.sample(Inputs(at_s=tape.now_s + number * 0.02, active=CLOSED), decision)
    segments = tape.ring._segments
    assert not tape.kept
    assert len(segments) <= LENGTH_S / KEYFRAME_S + 2
    assert all(len(segment.rows) == 1 for segment in segments), "equal samples share one entry"


def test_a_silence_that_was_declared_too_early_is_not_remembered_but_lets_time_go_by() -> None:
    tape = Tape().shows(Sensor.LIMIT_CLOSED, s=3.0).shows(s=3.0)
    for _ in range(10):
        tape.falls_silent(0.05)
    rows = [row for segment in tape.ring._segments for row in segment.rows]
    assert not any(isinstance(row, Silenced) for row in rows)
    for _ in range(5):
        tape.falls_silent(1.1)
    assert tape.only.reasons[0].what == "forced_open", "the keeper is dead: nothing but silences tells the time"
    assert list(replay(tape.only, SITE, machine)) == []


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        (Kind.ALARM_RAISED, {"alarm": "forced_open", "reminder": 0}, "forced_open"),
        (Kind.ALARM_RAISED, {"alarm": "forced_open", "reminder": 1}, ""),
        (Kind.ALARM_ACKNOWLEDGED, {"alarm": "forced_open"}, ""),
        (Kind.HEALTH_CHANGED, {"from": "ok", "to": "hard_lock", "reasons": ["edge", "slow"]}, "hard_lock edge"),
        (Kind.HEALTH_CHANGED, {"from": "ok", "to": "estop", "reasons": ["estop"]}, "estop"),
        (Kind.HEALTH_CHANGED, {"from": "ok", "to": "soft_lock", "reasons": ["soft_lock"]}, "soft_lock"),
        (Kind.HEALTH_CHANGED, {"from": "estop", "to": "hard_lock", "reasons": ["edge"]}, ""),
        (Kind.HEALTH_CHANGED, {"from": "ok", "to": "degraded", "reasons": ["mains_lost"]}, ""),
        (Kind.HEALTH_CHANGED, {"from": "hard_lock", "to": "ok", "reasons": []}, ""),
    ],
    ids=str,
)
def test_why_a_minute_is_kept(kind: Kind, data: dict[str, str | int | list[str]], why: str) -> None:
    assert why_kept(Happened(kind=kind, by=OFFICER, data=dict(data))) == why


# the file


def eventful() -> Incident:
    """Record a minute with everything in it: commands, a silence, a plan, a move, an alarm."""
    tape = Tape().shows(Sensor.LIMIT_CLOSED, s=5.0).officer_says(Command.OPEN).shows(Sensor.LIMIT_CLOSED, s=0.2)
    tape.shows(s=6.0).officer_says(Command.STOP).officer_says(Command.CLOSE, Code.STALE_SEQUENCE).shows(s=1.0)
    tape.timetable_says(Plan(wants=State.CLOSED, exit_opens=False)).shows(s=1.0)
    tape.camera_says("covered").falls_silent(s=1.5).shows(s=3.0)
    return tape.shows(Sensor.ESTOP, s=AFTERMATH_S + 1.0).only


def test_a_file_gives_back_what_was_recorded() -> None:
    incident = eventful()
    recorded = parse(written(incident))
    assert recorded == Recorded(about=ABOUT, site=SITE, incident=incident)


def test_a_minute_at_full_speed_is_a_small_file_that_people_can_read() -> None:
    text = written(forced(before_s=70.0).only)
    assert len(text) < 250_000
    assert json.loads(text)["reasons"][0]["what"] == "forced_open"
    assert max(map(len, text.splitlines())) < 20_000


@settings(deadline=None)  # a busy machine is no error
@given(st.lists(st.one_of(st.floats(0.0, 1e7), st.integers(0, 10**16).map(lambda ns: ns / 1e9)), max_size=30))
def test_moments_are_packed_without_loss(at_s: list[float]) -> None:
    plain = json.loads(json.dumps(pack(at_s)))
    assert list(unpack(plain, "here")) == at_s


def test_moments_of_a_real_clock_are_short() -> None:
    at_s = [(5_000_123 * number + 12_345_678_901_234) / 1e9 for number in range(100)]
    assert all(isinstance(number, int) and number < 10_000_000 for number in pack(at_s)[1:])


def changed(text: str, **changes: object) -> str:
    return json.dumps({**json.loads(text), **changes})


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text[: len(text) // 2], "cut off or damaged"),
        (lambda _: "", "cut off or damaged"),
        (lambda _: "[" * 100_000, "cut off or damaged"),
        (lambda _: "[1]", "no incident file"),
        (lambda _: '{"format": "something else"}', "no incident file"),
        (lambda text: changed(text, version=2, program="9.0"), "has format 2, this antt-gate reads 1.*9.0"),
        (lambda text: changed(text, site={"wheels": 4}), "damaged: site has 'wheels'"),
        (lambda text: changed(text, segments=[]), "no reasons or no segments"),
        (lambda text: changed(text, segments=5), "no list 'segments'"),
        (lambda text: changed(text, segments=[{"since_s": 1.0, "gate": {}, "rows": []}]), "segments.0..gate has no"),
        (lambda text: changed(text, segments=[{"since_s": 1.0, "gate": {}, "rows": [{"x": 1}]}]), "no row"),
        (lambda text: changed(text, reasons=None), "reasons is None"),
        (lambda text: changed(text, name=4), "name is 4"),
        (lambda text: text.replace('"at": [1', '"at": ["1", 1', 1), "no moment"),
        (lambda text: text.replace('"at": [1', '"at": [1e308, 1', 1), "no moment"),
        (lambda text: changed(text, reasons=[{"at_s": "nan", "what": "fault"}]), "no moment"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_with_a_remedy(damage: Callable[[str], str], told: str) -> None:
    with pytest.raises(IncidentError, match=f"(?s){told}.*"):
        parse(damage(written(forced().only)))


# the folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "incidents"


def keep(files: IncidentFiles, incidents: Iterable[tuple[str, Incident]]) -> None:
    files.open()
    for at, incident in incidents:
        files.keep(replace(ABOUT, at=at), SITE, incident)
    files.close()


def test_a_file_is_named_by_its_time_and_its_reason_and_can_be_read(folder: Path) -> None:
    files = IncidentFiles(folder)
    ring = Ring(recorder(files, lambda _: ABOUT, SITE))
    files.open()
    for incident in [forced().only] * 2:
        ring._keep(incident)
    files.close()
    names = [path.name for path in found(folder)]
    assert names == ["20261121T211609Z-forced_open-2.json", "20261121T211609Z-forced_open.json"]
    assert read(folder / names[0]).about == ABOUT
    assert not list(folder.glob("*.new"))


def test_a_name_can_do_no_harm() -> None:
    incident = forced().only
    evil = replace(incident, reasons=(replace(incident.reasons[0], what="../../Etc pass\nwd"),))
    assert name_of(ABOUT, evil) == "20261121T211609Z-etc-pass-wd"


def test_the_oldest_go_first(folder: Path) -> None:
    incident = forced().only
    times = [f"2026-11-{day}T21:16:09.123Z" for day in (21, 22, 23, 24)]
    keep(IncidentFiles(folder, most_files=2), [(at, incident) for at in times])
    assert [path.name[:8] for path in found(folder)] == ["20261123", "20261124"]


def test_a_folder_that_grew_too_large_is_emptied_but_for_the_newest(folder: Path) -> None:
    incident = forced().only
    keep(IncidentFiles(folder, most_bytes=10), [("2026-11-21T21:16:09Z", incident), ("2026-11-22T21:16:09Z", incident)])
    assert [path.name[:8] for path in found(folder)] == ["20261122"]


def test_a_file_that_was_just_written_stays_whatever_the_clock_said(folder: Path) -> None:
    """After a power cut a clock without a battery stands at an old time."""
    incident = forced().only
    keep(IncidentFiles(folder, most_files=1), [("2026-11-21T21:16:09Z", incident), ("1970-01-01T00:00:09Z", incident)])
    assert [path.name[:4] for path in found(folder)] == ["1970"]


def test_a_draft_of_a_process_that_was_killed_is_cleared_away(folder: Path) -> None:
    folder.mkdir()
    (folder / "20261121T000000Z-fault.new").write_text("half", encoding="ascii")
    keep(IncidentFiles(folder), [(ABOUT.at, forced().only)])
    assert not list(folder.glob("*.new"))


def test_a_disk_that_refuses_loses_the_file_and_nothing_else(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.write_text("not a folder", encoding="ascii")
    with caplog.at_level(logging.ERROR):
        keep(IncidentFiles(folder), [(ABOUT.at, forced().only)] * 2)
    assert caplog.text.count("can't be kept") == 2


def test_a_disk_that_hangs_never_makes_the_rules_wait(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = IncidentFiles(folder)
    incident = forced().only
    for _ in range(10):
        files.keep(ABOUT, SITE, incident)  # its writer has not even begun
    assert "is lost" in caplog.text


def test_a_file_that_can_t_be_read_is_listed_with_its_reason(folder: Path) -> None:
    keep(IncidentFiles(folder), [(ABOUT.at, forced().only)])
    (folder / "20261120T000000Z-fault.json").write_bytes(b"\xff\xfe")
    (folder / "20261122T000000Z-fault.json").write_text("{}", encoding="ascii")
    told = [str(held) if isinstance(held, IncidentError) else held.about.at for _, held in every(folder)]
    assert ["no text" in told[0], told[1] == ABOUT.at, "no incident file" in told[2]] == [True, True, True]


def test_where_there_is_no_folder_there_are_no_files(folder: Path) -> None:
    assert found(folder) == []
    with pytest.raises(IncidentError, match="can't be read"):
        read(folder / "x.json")


# the replay


@pytest.mark.parametrize("incident", [forced().only, forced(200.0).only, eventful()], ids=["short", "long", "eventful"])
def test_the_same_rules_decide_the_same(incident: Incident) -> None:
    recorded = parse(written(incident))
    assert list(replay(recorded.incident, recorded.site, machine)) == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("drive", "logic"), [(Drive.HELD, ""), (Drive.MOMENTARY, ""), (Drive.STEP, "open_close")])
def test_whatever_happens_is_decided_the_same_again(drive: Drive, logic: str, seed: int) -> None:
    """A minute of anything: limits that lie, things in the beam, silences, commands, a timetable."""
    chance = random.Random(seed)
    wired = frozenset(Sensor) - {Sensor.MAINTENANCE}
    tape = Tape(replace(SITE, drive=drive, logic=logic, sensors=wired, auto_close_s=2.0, has_beam_test=True))
    for _ in range(50):
        tape.shows(*chance.sample(sorted(wired), chance.choice([0, 0, 1, 1, 2])), s=chance.choice([0.05, 0.3, 1.5]))
        act = chance.random()
        if act < 0.5:
            tape.officer_says(chance.choice(list(Command)))
        elif act < 0.6:
            tape.falls_silent(chance.choice([0.05, 1.2]))
        elif act < 0.7:
            wants = chance.choice([None, State.OPEN, State.CLOSED])
            tape.timetable_says(Plan(wants=wants, exit_opens=chance.random() < 0.5, moves=chance.random() < 0.5))
    tape.ring.finish()
    assert tape.kept, "something is always kept of such a minute"
    for incident in tape.kept:
        recorded = parse(written(incident, tape.site))
        assert recorded.incident == incident
        assert list(replay(recorded.incident, recorded.site, machine)) == []


class OtherRules:
    """The rules, but for one thing that a test puts there."""

    def __init__(self) -> None:
        self.outputs = machine.outputs
        self.plan = machine.plan
        self.expire = machine.expire
        self.command = machine.command
        self.step = machine.step
        self.see = machine.see


def differences(rules: OtherRules) -> list[Difference]:
    return list(replay(eventful(), SITE, rules))


def test_rules_that_say_nothing_are_noticed() -> None:
    rules = OtherRules()
    rules.step = lambda gate, inputs, site: replace(machine.step(gate, inputs, site), facts=())
    found_facts = [one for one in differences(rules) if one.what == "sample: facts"]
    assert found_facts
    assert found_facts[0].replayed == []


def test_rules_that_refuse_are_noticed_and_told_once() -> None:
    """After a difference the replay goes on from the recorded memory: the next segments are judged for themselves."""
    rules = OtherRules()
    rules.command = lambda gate, *_: Decision(gate=gate, refusal=refuse(Code.HARD_LOCK))
    told = differences(rules)
    assert told[0].what == "command open: facts"
    assert any(one.what.startswith("memory.") for one in told)
    assert not any(one.at_s > 1000.0 + 25.0 for one in told)


def test_rules_that_energise_something_else_are_noticed() -> None:
    rules = OtherRules()
    rules.outputs = lambda gate, site: replace(machine.outputs(gate, site), relay=None)
    assert [(one.what, one.recorded) for one in differences(rules)] == [("outputs.relay", "open_relay")]


def test_rules_that_remember_something_else_are_noticed() -> None:
    rules = OtherRules()

    def forgetful(gate: Gate, inputs: Inputs, site: Site) -> Decision:
        decision = machine.step(gate, inputs, site)
        return replace(decision, gate=replace(decision.gate, troubles=()))

    rules.step = forgetful
    assert "memory.troubles" in {one.what for one in differences(rules)}


def test_rules_that_fail_are_a_finding_and_no_crash() -> None:
    rules = OtherRules()

    def failing(gate: Gate, site: Site) -> Outputs:
        raise KeyError("phase")

    rules.outputs = failing
    assert {one.what for one in differences(rules)} == {"the rules failed"}


# how it reads


def test_the_timeline_tells_only_what_changed() -> None:
    told = [(entry.what, entry.text) for entry in timeline(eventful())]
    words = [what for what, _ in told]
    assert words[0] == "it begins"
    assert words.count("asked") == 3
    assert ("ordered on", "open_relay lamp light") in told
    assert ("pins", "open_relay on") in told
    assert ("inputs", "limit_closed off") in told
    assert ("silence", "no sample came in time") in told
    assert ("timetable", "wants closed, the exit loop does not open, and moves nothing for it") in told
    assert len(told) < 60


def test_the_timeline_names_gaps_and_what_is_grave() -> None:
    tape = Tape().shows(Sensor.LIMIT_CLOSED, s=3.0)
    tape.now_s = round(tape.now_s + 0.25, 3)
    tape.shows(Sensor.LIMIT_CLOSED, s=3.0).shows(s=AFTERMATH_S + 1.0)
    entries = list(timeline(tape.only))
    assert [entry.text for entry in entries if entry.what == "gap"] == ["no sample for 260 ms"]
    assert [entry.what for entry in entries if entry.grave] == [Kind.ALARM_RAISED]
    assert not math.isnan(entries[0].at_s)
