"""What is kept over a restart: whole or not at all, and never taken for a first start when it was lost."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.kept import LONGEST_MODE_S, LONGEST_TRAVEL_S, STANDING, KeptError, KeptFile, peek, read, save
from gate.memory import Kept, KeptTimetable
from gate.model import Alarm, Code, Json, JsonObject, Mode, Origin
from gate.plain import encode
from tests.fakes import wait_until

ROOT = Path(__file__).parents[2]
NIGHT = Kept(
    mode=Mode.LOCKDOWN,
    troubles=(Code.SOFT_LOCK, Code.SLOW),
    alarms=(Alarm.FORCED_OPEN, Alarm.FAULT),
    open_s=(11.5, 11.625),
    close_s=(12.25,),
    cycles=4711,
)
SET = KeptTimetable(
    revision=3,
    at="2026-11-22T04:05:14.123Z",
    by=Origin(type="person", id="lan", name="Lan", device="Máy của Lan"),
    reason="Tết",
    periods=({"dates": ["2027-02-05..2027-02-09"], "start": "00:00", "end": "24:00", "wants": "open"},),
)
SET_PLAIN = {"revision": SET.revision, "at": SET.at, "by": encode(SET.by), "reason": SET.reason, "periods": []}
LOST = Kept(troubles=(Code.STATE_LOST,))
TIMES = st.lists(
    st.floats(min_value=0.0, max_value=LONGEST_TRAVEL_S, exclude_min=True, allow_subnormal=False), max_size=5
)
ANY_KEPT = st.builds(
    Kept,
    mode=st.sampled_from(STANDING),
    mode_left_s=st.none() | st.floats(min_value=0.0, max_value=LONGEST_MODE_S),
    troubles=st.lists(st.sampled_from(Code), max_size=6).map(tuple),
    alarms=st.lists(st.sampled_from(Alarm), max_size=7).map(tuple),
    open_s=TIMES.map(tuple),
    close_s=TIMES.map(tuple),
    cycles=st.integers(min_value=0, max_value=2**60),
    timetable=st.sampled_from([None, SET]),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.fixture
def writer(path: Path) -> Iterator[KeptFile]:
    made = KeptFile(path)
    made.open()
    yield made
    made.close()


def written(body: Json, *, version: Json = 1) -> str:
    """Return a file with a check that is right, whatever it holds."""
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return json.dumps({"version": version, "kept": body, "check": hashlib.sha256(plain.encode()).hexdigest()})


def body_of(kept: Kept, path: Path) -> JsonObject:
    save(path, kept)
    body: JsonObject = json.loads(path.read_bytes())["kept"]
    return body


def test_a_gate_that_never_kept_anything_starts_fresh(path: Path) -> None:
    found = read(path)
    assert found.kept == Kept()
    assert not found.reason
    assert read(path.parent / "no folder" / "state.json").kept == Kept()


def test_what_was_kept_is_there_after_a_restart(path: Path) -> None:
    """I11: a lockdown or an emergency opening is not forgotten with the power."""
    save(path, NIGHT)
    assert read(path).kept == NIGHT


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=ANY_KEPT)
def test_whatever_is_kept_comes_back_as_it_was(path: Path, kept: Kept) -> None:
    save(path, kept)
    found = read(path)
    assert found.kept == kept
    assert not found.reason


def test_a_hold_that_ran_out_a_moment_ago_has_nothing_left(path: Path) -> None:
    save(path, Kept(mode=Mode.HOLD_OPEN, mode_left_s=-0.02))
    assert read(path).kept.mode_left_s == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        Kept(mode_left_s=math.nan),
        Kept(mode_left_s=math.inf),
        Kept(open_s=(math.nan,)),
        Kept(close_s=(0.0,)),
        Kept(close_s=(1.0,) * 6),
        Kept(cycles=-1),
        Kept(mode=Mode.RELEASED),
    ],
    ids=str,
)
def test_what_would_lock_the_gate_at_the_next_start_is_not_written(path: Path, wrong: Kept) -> None:
    save(path, NIGHT)
    with pytest.raises(KeptError):
        save(path, wrong)
    assert read(path).kept == NIGHT


def test_the_file_is_for_this_user_only_and_nothing_lies_beside_it(path: Path) -> None:
    save(path, NIGHT)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["state.json"]


def test_half_a_file_of_an_earlier_death_is_not_in_the_way(path: Path) -> None:
    path.with_name("state.json.new").write_text('{"version": 1, "ke')
    save(path, NIGHT)
    assert read(path).kept == NIGHT


@pytest.mark.parametrize("length", [0, 1, 40, 200])
def test_a_torn_file_locks_the_gate(path: Path, length: int) -> None:
    """A gate that stays still is better: what was lost may have been a lockdown."""
    save(path, NIGHT)
    path.write_bytes(path.read_bytes()[:length])
    found = read(path)
    assert found.kept == LOST
    assert "state.json can't be believed: it is not whole" in found.reason


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_one_flipped_bit_is_never_believed(path: Path, place: int, bit: int) -> None:
    """Flash forgets by the bit. White space alone may change."""
    save(path, NIGHT)
    raw = bytearray(path.read_bytes())
    raw[place % len(raw)] ^= 1 << bit
    path.unlink()
    path.write_bytes(raw)
    assert read(path).kept in {LOST, NIGHT}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=300))
def test_no_bytes_raise_or_pass_for_a_first_start(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    assert read(path).kept == LOST


WRONG_FIELDS: list[JsonObject] = [
    {"mode": "open"},
    {"mode": "released"},
    {"mode": None},
    {"mode_left_s": "60"},
    {"mode_left_s": -1.0},
    {"mode_left_s": "nan"},
    {"mode_left_s": "inf"},
    {"mode_left_s": 1e300},
    {"mode_left_s": True},
    {"troubles": "soft_lock"},
    {"troubles": ["no such code"]},
    {"troubles": {}},
    {"alarms": ["fire"]},
    {"open_s": [0.0]},
    {"open_s": [1e9]},
    {"open_s": ["nan"]},
    {"open_s": [1.0] * 6},
    {"close_s": [-1.0]},
    {"cycles": -1},
    {"cycles": 1.5},
    {"cycles": None},
    {"more": 1},
]


@pytest.mark.parametrize("fields", WRONG_FIELDS, ids=str)
def test_a_value_that_the_rules_cant_have_meant_locks_the_gate(path: Path, fields: JsonObject) -> None:
    path.write_text(written({**body_of(NIGHT, path), **fields}))
    found = read(path)
    assert found.kept == LOST
    assert found.reason


def test_a_gate_whose_timetable_nobody_touched_has_a_file_that_an_older_program_reads(path: Path) -> None:
    """To put the older program back must not lock it: version 1, and not one field more than ever."""
    save(path, NIGHT)
    whole = json.loads(path.read_bytes())
    assert whole["version"] == 1
    assert "timetable" not in whole["kept"]
    save(path, replace(NIGHT, timetable=SET))
    assert json.loads(path.read_bytes())["version"] == 2
    assert read(path).kept.timetable == SET
    assert peek(path) == SET


def test_to_look_at_what_is_kept_changes_nothing(path: Path) -> None:
    assert peek(path) is None
    path.write_text("torn")
    assert peek(path) is None
    assert [one.name for one in path.parent.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "fields", [{"timetable": None}, {"timetable": {}}, {"timetable": {**SET_PLAIN, "revision": 0}}], ids=str
)
def test_a_timetable_that_nobody_can_have_set_locks_the_gate(path: Path, fields: JsonObject) -> None:
    path.write_text(written({**body_of(NIGHT, path), **fields}, version=2))
    assert read(path).kept == LOST


def test_who_asks_is_told_what_is_on_the_disk(path: Path) -> None:
    """Also where it was there already; never before."""
    told: list[Kept] = []
    disk: list[str] = ["full"]

    def full_at_first(to: Path, kept: Kept) -> None:
        if disk:
            raise OSError(disk.pop())
        save(to, kept)

    writer = KeptFile(path, full_at_first, written=told.append)
    writer.open()
    writer.write(NIGHT)
    wait_until(lambda: bool(writer.trouble))
    assert told == []
    writer.close()
    assert told == [NIGHT]


@pytest.mark.parametrize("missing", ["mode", "troubles", "cycles"])
def test_a_file_without_one_of_its_fields_locks_the_gate(path: Path, missing: str) -> None:
    body = body_of(NIGHT, path)
    del body[missing]
    path.write_text(written(body))
    assert read(path).kept == LOST


@pytest.mark.parametrize("version", [0, 3, 99, "1", 1.0, True, None])
def test_a_file_of_another_version_locks_the_gate(path: Path, version: Json) -> None:
    path.write_text(written(body_of(NIGHT, path), version=version))
    found = read(path)
    assert found.kept == LOST
    assert "and this program knows 1" in found.reason


@pytest.mark.parametrize(
    "text",
    ["null", "[]", '{"version": 1}', '{"version": NaN}', "[" * 50_000, "9" * 5000, " " * 70_000, '{"a": 1e999}'],
    ids=lambda text: text[:20],
)
def test_json_that_is_no_state_locks_the_gate(path: Path, text: str) -> None:
    path.write_text(text)
    assert read(path).kept == LOST


def test_a_lost_state_is_kept_under_another_name_once_until_the_next_write(path: Path) -> None:
    """A second power cut before the next write must not make a first start of it."""
    path.write_text("torn")
    found = read(path)
    assert found.kept_as == path.with_name("state.json.broken-1")
    assert found.kept_as.read_text() == "torn"
    again = read(path)
    assert again.kept == LOST
    assert again.kept_as is None
    save(path, again.kept)
    assert read(path).kept == LOST
    assert found.kept_as.read_text() == "torn"
    path.write_text("torn again")
    assert read(path).kept_as == path.with_name("state.json.broken-2")


def test_a_folder_in_its_place_is_moved_out_of_the_way(path: Path) -> None:
    (path / "inside").mkdir(parents=True)
    found = read(path)
    assert found.kept == LOST
    assert found.kept_as is not None
    assert (found.kept_as / "inside").is_dir()
    save(path, NIGHT)
    assert read(path).kept == NIGHT


def test_a_pipe_in_its_place_is_never_opened(path: Path) -> None:
    os.mkfifo(path)
    assert read(path).kept == LOST


def test_the_newest_state_wins(path: Path) -> None:
    saved: list[int] = []
    gone_on: list[bool] = []

    def slow(to: Path, kept: Kept) -> None:
        wait_until(lambda: bool(gone_on))
        save(to, kept)
        saved.append(kept.cycles)

    writer = KeptFile(path, slow)
    writer.open()
    for cycles in range(1000):
        writer.write(Kept(cycles=cycles))
    gone_on.append(True)
    writer.close()
    assert saved[-1] == 999
    assert len(saved) <= 2
    assert read(path).kept.cycles == 999


def test_closing_writes_what_waits(path: Path) -> None:
    writer = KeptFile(path)
    writer.open()
    writer.write(NIGHT)
    writer.close()
    assert read(path).kept == NIGHT


def test_closing_a_writer_that_was_never_opened_does_nothing(path: Path) -> None:
    KeptFile(path).close()
    assert not path.exists()


def test_a_write_never_waits_for_the_disk(path: Path) -> None:
    hold = [True]

    def stalled(to: Path, kept: Kept) -> None:
        wait_until(lambda: not hold)
        save(to, kept)

    writer = KeptFile(path, stalled)
    writer.open()
    writer.write(Kept(cycles=1))
    began_s = time.monotonic()
    writer.write(Kept(cycles=2))
    assert time.monotonic() - began_s < 1.0
    hold.clear()
    writer.close()
    assert read(path).kept.cycles == 2


def test_the_same_state_is_written_once(path: Path) -> None:
    saved: list[Kept] = []
    writer = KeptFile(path, lambda _, kept: saved.append(kept))
    writer.open()
    writer.write(NIGHT)
    wait_until(lambda: saved == [NIGHT])
    writer.write(Kept(**{name: getattr(NIGHT, name) for name in NIGHT.__slots__}))
    writer.close()
    assert saved == [NIGHT]


def test_a_hold_that_runs_out_is_written_once_a_minute(path: Path) -> None:
    """The rules tell of each sample; the card is spared. Anything else is written at once."""
    clock, saved = [0.0], list[Kept]()
    writer = KeptFile(path, lambda _, kept: saved.append(kept), lambda: clock[0])
    writer.open()
    for tenths in range(1500):
        clock[0] = tenths / 10
        left_s = 3600.0 - clock[0] + (600.0 if tenths >= 1000 else 0.0)  # extended by ten minutes at 100 s
        writer.write(Kept(mode=Mode.HOLD_OPEN, mode_left_s=left_s, cycles=1 if tenths >= 300 else 0))
        count = len([at for at in (0, 300, 900, 1000) if at <= tenths])
        wait_until(lambda expected=count: len(saved) == expected)  # type: ignore[misc] # bound at once
    writer.close()
    assert [kept.mode_left_s for kept in saved] == [3600.0, 3570.0, 3510.0, 4100.0, 4050.1]
    assert [kept.cycles for kept in saved] == [0, 1, 1, 1, 1]


def test_a_disk_that_refuses_is_told_and_tried_again(path: Path, writer: KeptFile) -> None:
    away = path.parent / "away"
    away.write_text("a file where the folder should be")
    refused = KeptFile(away / "state.json")
    refused.open()
    refused.write(NIGHT)
    wait_until(lambda: "state.json not written" in refused.trouble)
    away.unlink()
    wait_until(lambda: not refused.trouble)
    refused.close()
    assert read(away / "state.json").kept == NIGHT


def test_what_changed_while_the_disk_refused_is_what_is_written(path: Path) -> None:
    full, saved = [True], list[Kept]()

    def disk(_: Path, kept: Kept) -> None:
        if full:
            raise OSError(28, "No space left on device")
        saved.append(kept)

    writer = KeptFile(path, disk)
    writer.open()
    writer.write(Kept(cycles=1))
    wait_until(lambda: "No space left on device" in writer.trouble)
    writer.write(Kept(cycles=2))
    full.clear()
    writer.close()
    assert saved == [Kept(cycles=2)]


def test_a_full_disk_leaves_the_old_file(path: Path) -> None:
    """The kernel itself refuses the bytes here: no file of this process may grow."""
    save(path, NIGHT)
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from gate.kept import save; from gate.memory import Kept\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try: save(Path(sys.argv[1]), Kept(cycles=5))\n"
        "except OSError as error: sys.stdout.write(type(error).__name__)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout == "OSError"
    assert read(path).kept == NIGHT
    assert [one.name for one in path.parent.iterdir()] == ["state.json"]


def test_a_writer_that_is_killed_at_any_moment_leaves_a_whole_file(path: Path) -> None:
    program = (
        "import itertools, sys; from pathlib import Path; from gate.kept import save; from gate.memory import Kept\n"
        "for cycles in itertools.count(int(sys.argv[2])):\n"
        "    save(Path(sys.argv[1]), Kept(cycles=cycles, open_s=(1.0,) * (cycles % 6)))"
    )
    for first in range(1_000_000, 6_000_000, 1_000_000):
        process = subprocess.Popen([sys.executable, "-c", program, str(path), str(first)], cwd=ROOT)
        try:
            wait_until(lambda at_least=first: read(path).kept.cycles >= at_least)  # type: ignore[misc] # bound at once
            time.sleep(first / 1e9)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        found = read(path)
        assert not found.reason
        assert found.kept.cycles >= first


def test_the_wall_clock_does_not_matter() -> None:
    """A clock that is ten years off after a power cut must not end or stretch a hold."""
    source = (ROOT / "gate" / "kept.py").read_text(encoding="utf-8")
    assert "time.time" not in source
    assert "datetime" not in source
