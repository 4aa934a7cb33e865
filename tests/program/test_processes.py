"""Each process dies and returns without taking another along; a dead or hanging gate process leaves no relay on."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from gate.client import RequestRefusedError, ask, new_id
from gate.journal import verify
from tests.fakes import wait_until
from tests.program.program import Program

pytestmark = pytest.mark.slow

CHILDREN = ("camera", "mqtt_bridge", "api")
BACK_WITHIN_S = 5.0


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended (a zombie that nobody buried yet has ended)."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)[1].split()[0] == "Z"
    return True


def relay_off_after(program: Program, moment_s: float, relay: str = "open_relay") -> float:
    """Return how long after the moment the relay's pin went off."""
    wait_until(lambda: bool(program.changes(relay)) and program.changes(relay)[-1][1] == 0, 3, f"{relay} off")
    return program.changes(relay)[-1][0] - moment_s


def page_answers(program: Program) -> bool:
    with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
        return bool(urllib.request.urlopen(f"{program.url}/api/v1/healthz", timeout=1).status == 200)  # noqa: S310 - our own page
    return False


def is_back(program: Program, name: str, old_pid: int) -> bool:
    return program.process(name).get("alive") is True and program.pid_of(name) != old_pid


def await_return(program: Program, name: str, old_pid: int) -> None:
    """Wait until a killed process lives again, for as long as it may take."""
    wait_until(lambda: is_back(program, name, old_pid), BACK_WITHIN_S, f"{name} back")


def test_killed_children_are_back_in_five_seconds_and_the_move_completes(program: Program) -> None:
    """One at a time, then all at once, while the gate moves; nothing is lost from the journal."""
    program.state_is("closed")
    wait_until(lambda: all(program.process(name).get("health") for name in CHILDREN), 15, "all three to say they live")
    opened = program.order("open")
    program.state_is("opening")
    for name in CHILDREN:
        victim = program.pid_of(name)
        os.kill(victim, signal.SIGKILL)
        await_return(program, name, victim)
    program.state_is("open")
    closed = program.order("close", "--sighted")
    program.state_is("closing")
    victims = {name: program.pid_of(name) for name in CHILDREN}
    for victim in victims.values():
        os.kill(victim, signal.SIGKILL)
    for name, victim in victims.items():
        await_return(program, name, victim)
    wait_until(lambda: page_answers(program), BACK_WITHIN_S, "the page")
    program.state_is("closed")
    wait_until(lambda: len(program.facts("drive_released")) == 2, 5, "the journal")
    assert [fact.data["command_id"] for fact in program.facts("arrived")] == [opened, closed]
    assert program.facts("drive_released")[-1].data["why"] == "limit"
    assert len(program.facts("process_died")) == 6
    seqs = [fact.seq for fact in program.facts()]
    assert seqs == list(range(1, len(seqs) + 1))
    assert verify(program.folder / "journal.db").broken_seq == 0


def test_a_killed_gate_process_leaves_no_relay_on_and_no_process_behind(bare_program: Program) -> None:
    """I6, I7: off within 350 ms; after the restart nothing is resumed and the journal says interrupted.

    A timetable that was answered just before is in force.
    """
    program = bare_program
    program.state_is("closed")
    night = {"dates": ["2198-02-05"], "start": "22:00", "end": "05:00", "wants": "closed", "exit_opens": True}
    by = {"type": "person", "id": "lan", "name": "Lan"}
    assert ask(program.socket, "set_timetable", by=by, reason="Tết", revision=0, periods=[night])["kept"] is True
    program.order("open")
    program.state_is("opening")
    time.sleep(1.0)
    children = [program.pid_of("keeper"), program.pid_of("api")]
    killed_s = time.monotonic()
    os.kill(program.pid, signal.SIGKILL)
    assert relay_off_after(program, killed_s) <= 0.350
    wait_until(lambda: all(is_gone(pid) for pid in children), 3, "keeper and api gone")
    program.stop()
    edges = len(program.changes("open_relay"))
    program.start()
    program.state_is("unknown")
    in_force = ask(program.socket, "timetable")
    assert (in_force["revision"], in_force["periods"]) == (1, [night])
    released = program.facts("drive_released")[-1]
    assert released.data["why"] == "interrupted"
    time.sleep(1.0)
    assert len(program.changes("open_relay")) == edges
    program.order("open")
    program.state_is("open")


def test_a_hanging_gate_process_loses_its_lease_and_does_not_resume(bare_program: Program) -> None:
    """I6, I7: SIGSTOP, off within 500 ms; SIGCONT starts nothing.

    The leaf has left its limit before; one that had not would rightly be called closed afterwards.
    """
    program = bare_program
    program.state_is("closed")
    program.order("open")
    program.state_is("opening")
    wait_until(lambda: program.status()["inputs"]["limit_closed"] is False, 5, "the leaf off its limit")  # type: ignore[index, call-overload] # a snapshot's shape
    hung_s = time.monotonic()
    os.kill(program.pid, signal.SIGSTOP)
    try:
        assert relay_off_after(program, hung_s) <= 0.500
        time.sleep(1.0)
    finally:
        os.kill(program.pid, signal.SIGCONT)
    wait_until(lambda: program.status().get("state") in {"unknown", "stopped"}, 5, "the truth")
    time.sleep(1.0)
    assert program.changes("open_relay")[-1][1] == 0
    wait_until(lambda: program.status().get("health") == "ok", 5, "fresh samples for two seconds")
    program.order("open")
    program.state_is("open")


def test_a_killed_keeper_is_noticed_at_once_and_motion_is_refused(bare_program: Program) -> None:
    program = bare_program
    program.state_is("closed")
    program.order("open")
    program.state_is("opening")
    keeper = program.pid_of("keeper")
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: "keeper_down" in str(program.status().get("reasons")), 0.5, "keeper_down")
    refused = program.cli("open")
    assert refused.returncode in {0, 1}
    if refused.returncode:
        assert "keeper_down" in refused.stderr
    wait_until(lambda: is_back(program, "keeper", keeper), 5, "the keeper back")
    wait_until(lambda: program.status().get("health") == "ok", 6, "health")
    died = program.facts("process_died")[-1]
    assert died.data["process"] == "keeper"


def test_ctrl_c_stops_everything_in_order_within_three_seconds(program: Program) -> None:
    program.state_is("closed")
    pids = [program.pid_of(name) for name in ("keeper", *CHILDREN)]
    asked_s = time.monotonic()
    assert program.stop() == 0
    assert time.monotonic() - asked_s < 3.0
    assert all(is_gone(pid) for pid in pids)
    assert program.facts()[-1].kind == "shutdown"
    assert not any("Traceback" in line for line in program.output)


def test_starting_and_stopping_moves_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """I7: no relay edge in a whole life without a command."""
    folder = tmp_path_factory.mktemp("idle")
    with Program(folder, overrides=("camera.enabled=false", "mqtt.enabled=false")) as program:
        program.state_is("closed")
    names = ("open_relay", "close_relay", "siren")
    assert [program.changes(name) for name in names] == [[], [], []]


def test_a_command_given_twice_over_the_socket_moves_once(bare_program: Program) -> None:
    program = bare_program
    program.state_is("closed")
    name, by = new_id(), {"type": "cli", "id": "test"}
    assert ask(program.socket, "command", command_id=name, command="open", by=by)["accepted"] is True
    with pytest.raises(RequestRefusedError, match="already received"):
        ask(program.socket, "command", command_id=name, command="open", by=by)
    program.state_is("open")
    assert len(program.facts("drive_energised")) == 1


def test_a_second_gate_on_the_same_folder_touches_nothing(bare_program: Program) -> None:
    """Seen by an attack: the second one wrote a row, and the first one's journal stood still for ever."""
    program = bare_program
    program.state_is("closed")
    second = program.cli_simulate()
    assert second.returncode == 2
    assert "another gate process" in second.stderr
    name = program.order("open")
    program.state_is("open")
    wait_until(lambda: len(program.facts("drive_released")) == 1, 5, "the journal")
    assert program.facts("arrived")[0].data["command_id"] == name
    assert len(program.facts("boot")) == 1


def test_a_hanging_keeper_is_killed_and_its_successor_lets_go(bare_program: Program) -> None:
    """Seen by an attack: a stopped keeper kept its relay on, and a stop did nothing, for as long as it hung."""
    program = bare_program
    program.state_is("closed")
    program.order("open")
    program.state_is("opening")
    keeper = program.pid_of("keeper")
    hung_s = time.monotonic()
    os.kill(keeper, signal.SIGSTOP)
    wait_until(lambda: is_gone(keeper), 2, "the end of the hanging keeper")
    assert time.monotonic() - hung_s < 1.5
    await_return(program, "keeper", keeper)
    wait_until(lambda: program.status().get("health") == "ok", 6, "health")
    assert program.status()["outputs"]["open_relay"] is False  # type: ignore[index, call-overload] # a snapshot's shape
    assert "silent" in str(program.facts("process_died")[-1].data["reason"])


def test_a_keeper_that_can_not_be_started_now_is_tried_again(bare_program: Program) -> None:
    """Seen by an attack: with no file descriptor left it was tried once and never again."""
    program = bare_program
    program.state_is("closed")
    keeper = program.pid_of("keeper")
    _, hard = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (3, hard))
    os.kill(keeper, signal.SIGKILL)
    time.sleep(1.0)
    resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (1024, hard))
    await_return(program, "keeper", keeper)
    wait_until(lambda: program.status().get("health") == "ok", 10, "health")


def test_a_broken_row_in_the_journal_does_not_keep_the_gate_from_starting(tmp_path: Path) -> None:
    with Program(tmp_path, overrides=("camera.enabled=false", "mqtt.enabled=false")) as program:
        program.state_is("closed")
        program.order("open")
        program.state_is("open")
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("DROP TRIGGER fact_is_never_updated")
        db.execute("UPDATE fact SET data='oops' WHERE kind='drive_released'")
    db.close()
    with Program(tmp_path, overrides=("camera.enabled=false", "mqtt.enabled=false")) as program:
        program.state_is("open")
        assert program.cli("verify").returncode == 1


def test_what_somebody_wrote_as_a_reason_can_do_nothing_to_a_terminal(bare_program: Program) -> None:
    bare_program.order("stop", "--reason", "\x1b[2J\n      9  forged")
    log = bare_program.cli("log").stdout
    assert "\x1b" not in log
    assert "\n      9  forged" not in log


def test_a_stop_of_the_service_stops_the_leaf_before_anything_else(program: Program) -> None:
    """Seen by a new user: the leaf ran on for a second while children were sent home."""
    program.state_is("closed")
    program.order("open")
    program.state_is("opening")
    asked_s = time.monotonic()
    assert program.stop() == 0
    assert relay_off_after(program, asked_s) <= 0.250
    assert program.facts("drive_released")[-1].data["why"] == "stop"
    assert program.facts()[-1].kind == "shutdown"
