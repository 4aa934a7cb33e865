"""How the gate was: looks that become samples, a file that never grows, plots over days."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from api.board import Board
from api.health_log import HealthLog
from api.health_schemas import HealthHistoryBody
from api.history import (
    FOLDS,
    MOST_DAYS,
    MOST_POINTS,
    SLOT_S,
    STEPS_S,
    Sample,
    fold,
    of_snapshot,
    series,
    slot_of,
    step_s,
)
from api.ring import PLACE, SLOTS, Ring
from gate.model import Json, JsonObject, Role
from tests.api.conftest import FakeClock, Served
from tests.fakes import FakeGate, wait_until

NOON_S = slot_of(1_795_000_000)
DAY_S = 86_400
HISTORY = "/api/v1/health/history"


def sample(at_s: int, **figures: float) -> Sample:
    return Sample(at_s=at_s, figures=figures)


def test_no_short_fault_is_lost_between_two_points() -> None:
    """The highest temperature, the least room, the share of the time that was well, the newest of what is learned."""
    looks = [
        {"temperature_c": 50.0, "media_free_bytes": 9e9, "camera_ok": 1.0, "open_s": 14.0},
        {"temperature_c": 71.5, "media_free_bytes": 2e9, "camera_ok": 0.0},
        {"temperature_c": 52.0, "media_free_bytes": 8e9, "camera_ok": 1.0, "open_s": 14.5},
    ]
    folded = fold(looks)
    assert (folded["temperature_c"], folded["media_free_bytes"], folded["open_s"]) == (71.5, 2e9, 14.5)
    assert math.isclose(folded["camera_ok"], 2 / 3)
    assert "broker_ok" not in folded


@pytest.mark.parametrize("days", range(1, MOST_DAYS + 1))
def test_a_plot_has_as_many_points_as_a_phone_can_show(days: int) -> None:
    step = step_s(days)
    assert days * DAY_S / step <= MOST_POINTS
    assert step == SLOT_S or days * DAY_S / STEPS_S[STEPS_S.index(step) - 1] > MOST_POINTS


def test_points_stand_at_their_time_and_gaps_stay_gaps() -> None:
    samples = [sample(NOON_S + 3600, load=0.4), sample(NOON_S, load=0.2), sample(NOON_S + SLOT_S, load=0.4),
               sample(NOON_S - 1, load=9.0), sample(NOON_S + 4 * 3600, load=9.0)]  # fmt: skip
    columns = series(samples, NOON_S, 3600, 4)
    assert columns["load"] == [pytest.approx(0.3), 0.4, None, None]
    assert columns.keys() == FOLDS.keys()
    assert columns["cycles"] == [None] * 4


def test_a_snapshot_says_which_parts_are_well() -> None:
    """What is off, or not wired, is not ill: it is not there."""
    told: JsonObject = {
        "clock_trusted": False, "inputs": {"beam": True}, "reasons": [], "alarms": [], "cycles": 12,
        "travel_s": {"open": 14.2, "close": None},
        "processes": {"gate": {"alive": True, "health": {"ok": True}},
                      "camera": {"alive": True, "health": {"ok": False, "reason": "covered"}},
                      "mqtt_bridge": {"alive": False, "off": True, "health": {}}},
    }  # fmt: skip
    found = of_snapshot(told)
    assert found == {"gate_ok": 1.0, "camera_ok": 0.0, "beam_ok": 1.0, "clock_ok": 0.0, "open_s": 14.2, "cycles": 12.0}
    assert of_snapshot({**told, "alarms": [{"alarm": "beam_tamper"}]})["beam_ok"] == 0.0
    assert of_snapshot({**told, "inputs": {"beam": None}})["beam_ok"] == 0.0
    assert "beam_ok" not in of_snapshot({**told, "inputs": {}})
    absurds: list[Json] = [math.nan, math.inf, 10**400, "12", []]
    for absurd in absurds:
        assert "cycles" not in of_snapshot({**told, "cycles": absurd})
    assert of_snapshot(None) == {"gate_ok": 0.0}


def test_what_was_written_is_read_and_the_oldest_gives_way(tmp_path: Path) -> None:
    """One place for each ten minutes of 31 days: the file never grows beyond them."""
    ring = Ring(tmp_path / "health.ring")
    assert ring.read(0, 2**40) == []
    first = sample(NOON_S, temperature_c=50.5, load=0.25)
    ring.write(first)
    assert ring.read(NOON_S, NOON_S + 1) == [first]
    assert ring.read(NOON_S + 1, 2**40) == []
    again = sample(NOON_S + SLOTS * SLOT_S, load=0.5)
    ring.write(again)
    assert ring.read(0, 2**40) == [again]
    for step in (1, SLOTS // 2, SLOTS - 1):
        ring.write(sample(NOON_S + step * SLOT_S, load=1.0))
    assert (tmp_path / "health.ring").stat().st_size <= SLOTS * PLACE < 310_000


def test_a_place_that_was_torn_is_a_gap(tmp_path: Path) -> None:
    """A power cut in the middle of a write, a file of something else: plots have a gap, nothing fails."""
    path = tmp_path / "health.ring"
    ring = Ring(path)
    samples = [sample(step * SLOT_S, load=1.0) for step in range(3)]
    for each in samples:
        ring.write(each)
    whole = path.read_bytes()
    for cut in (0, 1, PLACE - 1, PLACE, 3 * PLACE - 1):
        path.write_bytes(whole[:cut])
        assert ring.read(0, 2**40) == samples[: cut // PLACE]
    path.write_bytes(whole[:PLACE] + bytes([whole[PLACE] ^ 1]) + whole[PLACE + 1 :])
    assert ring.read(0, 2**40) == [samples[0], samples[2]]
    path.write_bytes(b"no ring at all" * 100)
    assert ring.read(0, 2**40) == []


def test_the_board_tells_what_its_kernel_tells_and_guesses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    board = Board(folders={"state": folder, "media": tmp_path / "not" / "yet"}, root=tmp_path)
    assert board.look().keys() == {"state_free_bytes", "state_bytes", "media_free_bytes", "media_bytes"}
    for name, content in {
        "sys/class/thermal/thermal_zone0/temp": "51234\n", "proc/loadavg": "0.50 0.2 0.1 1/2 3\n",
        "proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 400 kB\n", "proc/uptime": "12.5 3\n",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="ascii")
    look = board.look()
    assert (look["temperature_c"], look["memory_free_bytes"], look["memory_bytes"]) == (51.2, 409_600.0, 1_024_000.0)
    assert (look["uptime_s"], 0 < look["load"] <= 0.5) == (12.5, True)
    (tmp_path / "proc/loadavg").write_text("nothing", encoding="ascii")
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").write_text("", encoding="ascii")
    assert not {"load", "temperature_c"} & board.look().keys()


def a_log(folder: Path) -> HealthLog:
    return HealthLog(Ring(folder / "health.ring"), Board(folders={}, root=folder / "none"), FakeClock().clock())


def test_ten_minutes_become_a_sample_that_outlives_the_process(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    for later_s, cycles in ((0.0, 7), (300.0, 8), (599.0, 9), (600.0, 10)):
        log.take({"cycles": cycles, "processes": {}}, NOON_S + later_s)
    points = a_log(tmp_path).told(1, NOON_S + 700.0)["series"]
    assert isinstance(points, dict)
    assert isinstance(column := points["cycles"], list)
    assert column[-3:] == [None, 9, None]
    own = log.told(1, NOON_S + 700.0)
    assert isinstance(now := own["series"], dict)
    assert isinstance(column := now["cycles"], list)
    assert column[-3:] == [None, 9, 10]
    HealthHistoryBody.model_validate(own)


def test_a_clock_that_jumps_leaves_every_sample_at_its_own_time(tmp_path: Path) -> None:
    """A board without a battery begins in the past, and comes back: nothing is overwritten, nothing is shown twice."""
    log = a_log(tmp_path)
    for at_s, cycles in ((NOON_S, 1), (NOON_S - 40 * DAY_S, 2), (NOON_S + 3600, 3), (NOON_S + 5 * 365 * DAY_S, 4)):
        log.take({"cycles": cycles, "processes": {}}, at_s)
    log.keep()
    told = log.told(1, NOON_S + 7200.0)["series"]
    assert isinstance(told, dict)
    assert isinstance(column := told["cycles"], list)
    assert [value for value in column if value is not None] == [1, 3]


def test_a_gate_that_was_not_heard_yet_is_not_down(tmp_path: Path) -> None:
    """The page's process begins before it hears the gate: that is no fault of the gate's."""
    log = a_log(tmp_path)
    log.take(None, NOON_S)
    log.take({"processes": {"gate": {"alive": True}}}, NOON_S + 1.0)
    log.take(None, NOON_S + 2.0)
    told = log.told(1, NOON_S + 3.0)["series"]
    assert isinstance(told, dict)
    assert isinstance(column := told["gate_ok"], list)
    assert column[-1] == 0.5


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "health.ring").mkdir()
    log = a_log(tmp_path)
    for step in range(4):
        log.take({"cycles": 1, "processes": {}}, NOON_S + step * SLOT_S)
    assert sum("was not kept" in each.message for each in caplog.records) == 1
    assert log.told(30, NOON_S + 4.0 * SLOT_S)["step_s"] == 14_400


def test_who_may_look_sees_the_last_days(served: Served, gate: FakeGate) -> None:
    gate.say_state(cycles=41, travel_s={"open": 14.2, "close": None})
    viewer = served.person(Role.VIEWER, name="hoa")
    wait_until(lambda: (served.office.live.snapshot or {}).get("cycles") == 41, what="the state")
    served.office.health.take(served.office.live.snapshot, served.office.clock.wall_s())
    answer = viewer.get(HISTORY, params={"days": 7})
    told = HealthHistoryBody.model_validate(answer.json())
    assert answer.status_code == 200
    assert (told.series.cycles[-1], told.series.open_s[-1], told.series.close_s[-1]) == (41, 14.2, None)
    assert len(told.series.load) == 7 * DAY_S // told.step_s
    assert told.now.state_bytes
    assert told.now.state_free_bytes


def test_only_whole_days_within_a_month_are_told(served: Served) -> None:
    viewer = served.person(Role.VIEWER, name="hoa")
    for days in ("0", "31", "1.5", "x", ""):
        answer = viewer.get(HISTORY, params={"days": days})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), days
    assert served.anybody().get(HISTORY).status_code == 401


def test_every_figure_has_its_fold_its_column_and_its_place() -> None:
    columns = HealthHistoryBody.model_json_schema()["$defs"]["SeriesBody"]["properties"]
    assert [*columns] == [*FOLDS]
    assert [*STEPS_S] == sorted(STEPS_S)
