"""The keeper: what its guard allows, and what the real process does when the other end dies or hangs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from config.load import SIMULATE_FILE, load
from gate.keeper import LARGEST_PACKET, Guard
from gate.keeper_link import pins_of
from gate.model import Direction, JsonObject
from tests.fakes import wait_until

NONE: frozenset[str] = frozenset()


def guard() -> Guard:
    return Guard(lease_s=0.3, dead_time_s=0.5, born_s=0.0)


def test_a_drive_goes_on_for_a_fresh_order() -> None:
    kept = guard()
    kept.order(10.0, Direction.OPEN, frozenset({"lamp"}), 10.001)
    assert kept.settle(10.001) == (Direction.OPEN, frozenset({"lamp"}))


def test_everything_goes_off_when_the_lease_runs_out() -> None:
    """I6: counted from the sample that the order answered."""
    kept = guard()
    kept.order(10.0, Direction.OPEN, frozenset({"lamp", "siren"}), 10.001)
    kept.settle(10.001)
    assert kept.settle(10.299)[0] is Direction.OPEN
    assert kept.settle(10.3) == (None, NONE)


def test_a_drive_that_lost_its_lease_stays_off_until_it_was_let_go() -> None:
    """I7: a gate process that wakes up does not find its old wish obeyed."""
    kept = guard()
    kept.order(10.0, Direction.OPEN, NONE, 10.0)
    kept.settle(10.0)
    kept.settle(10.4)
    kept.order(10.5, Direction.OPEN, NONE, 10.5)
    assert kept.settle(10.5)[0] is None
    kept.order(10.6, None, NONE, 10.6)
    kept.settle(10.6)
    kept.order(10.7, Direction.OPEN, NONE, 10.7)
    assert kept.settle(10.7)[0] is Direction.OPEN


def test_an_order_that_answers_an_old_sample_changes_nothing() -> None:
    kept = guard()
    kept.order(10.0, Direction.OPEN, NONE, 10.31)
    assert kept.settle(10.31)[0] is None


def test_the_other_direction_waits_for_the_dead_time_whatever_is_ordered() -> None:
    """I2: the keeper's own measure, from the last release."""
    kept = guard()
    kept.order(10.0, Direction.OPEN, NONE, 10.0)
    kept.settle(10.0)
    first_s = None
    for step in range(120):
        now_s = 11.0 + step * 0.005
        kept.order(now_s, Direction.CLOSE, NONE, now_s)
        if kept.settle(now_s)[0] is Direction.CLOSE and first_s is None:
            first_s = now_s
    assert first_s == pytest.approx(11.5, abs=0.006)


def test_a_fresh_keeper_waits_as_if_something_had_just_run() -> None:
    """I2 over a restart: nobody knows what ran before."""
    kept = Guard(lease_s=0.3, dead_time_s=0.5, born_s=20.0)
    kept.order(20.1, Direction.OPEN, NONE, 20.1)
    assert kept.settle(20.1)[0] is None


class Link:
    """The gate's end of a real keeper process."""

    def __init__(self, folder: Path) -> None:
        settings = load(SIMULATE_FILE, [f'storage.state_dir="{folder}"'])
        self.trace = folder / "pins.jsonl"
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gate.keeper", str(theirs.fileno())], pass_fds=[theirs.fileno()]
            )
        config = {
            "pins": pins_of(settings),
            "simulated": True,
            "lease_s": 0.3,
            "dead_time_s": 0.5,
            "yard_file": str(folder / "yard.json"),
            "trace": str(self.trace),
        }
        self.ours.send(json.dumps(config).encode())
        self.ours.settimeout(5)
        assert self.next("ready")

    def next(self, kind: str) -> JsonObject:
        while True:
            packet: JsonObject = json.loads(self.ours.recv(LARGEST_PACKET))
            if packet["t"] == kind:
                return packet

    def drive(self, direction: str | None, for_s: float) -> None:
        """Answer every sample with the same order for a while."""
        end_s = time.monotonic() + for_s
        while time.monotonic() < end_s:
            sample = self.next("sample")
            order = {"t": "order", "for": sample["seq"], "drive": direction, "on": ["lamp"], "fast": True}
            self.ours.send(json.dumps(order).encode())

    def changes(self, name: str) -> list[tuple[float, int]]:
        rows = [json.loads(line) for line in self.trace.read_text().splitlines()]
        return [(row["mono_ns"] / 1e9, row["level"]) for row in rows if row["name"] == name]


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    made = Link(tmp_path)
    yield made
    made.ours.close()
    with suppress(subprocess.TimeoutExpired):
        made.process.wait(3)
    made.process.kill()
    made.process.wait()


@pytest.mark.slow
def test_the_process_switches_off_when_the_gate_process_dies(link: Link) -> None:
    """I6: at once, because the socket closes."""
    link.drive(None, 0.6)
    link.drive("open", 0.5)
    assert link.changes("open_relay")[-1][1] == 1
    died_s = time.monotonic()
    link.ours.close()
    assert link.process.wait(3) == 0
    off_s, level = link.changes("open_relay")[-1]
    assert level == 0
    assert off_s - died_s <= 0.35


@pytest.mark.slow
def test_the_process_switches_off_when_the_gate_process_hangs(link: Link) -> None:
    """I6: within the lease, with the socket open and nobody answering."""
    link.drive(None, 0.6)
    link.drive("open", 0.5)
    hung_s = time.monotonic()
    wait_until(lambda: link.changes("open_relay")[-1][1] == 0, 2)
    assert link.changes("open_relay")[-1][0] - hung_s <= 0.35
    assert link.changes("lamp")[-1][1] == 0


@pytest.mark.slow
def test_the_process_ignores_ctrl_c_and_obeys_sigterm(link: Link) -> None:
    link.drive(None, 0.6)
    link.drive("open", 0.2)
    os.kill(link.process.pid, signal.SIGINT)
    link.drive("open", 0.2)
    assert link.process.poll() is None
    os.kill(link.process.pid, signal.SIGTERM)
    assert link.process.wait(3) == 0
    assert link.changes("open_relay")[-1][1] == 0


@pytest.mark.slow
def test_starting_and_stopping_never_touches_a_relay(link: Link) -> None:
    """I7: claiming and letting go is no edge on any output line."""
    link.drive(None, 0.2)
    link.ours.close()
    link.process.wait(3)
    assert [link.changes(name) for name in ("open_relay", "close_relay", "siren")] == [[], [], []]
