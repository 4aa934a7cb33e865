"""A month's facts drain while the bridge and the broker are killed: `make campaign`, and a slice of it in the tests.

The facts are written while nobody listens. Then the bridge's real process and a real mosquitto without persistence are
killed (SIGKILL) at random moments: while they start, while they connect, after so many facts. The receiver confirms on
`facts/ack`, as one does that must survive its broker. At the end every fact is there, in order, once those that came
again are dropped by `id`, and the chain of hashes holds.

`python -m tests.outages [--facts N] [--bridge-kills N] [--broker-kills N] [--puback] [--seed N]`
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from config.load import SIMULATE_FILE
from gate.journal import FIRST_PREV
from tests.broker import Broker, Receiver
from tests.fakes import wait_until
from tests.mqtt_bridge.conftest import ROOT, Writer, overrides_of

SIZES = (20, 80, 200, 2000)
PAGE = 1000
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of the facts: `came` counts those that came again, `moments` is how many arrived before each kill."""

    facts: int
    came: int
    bridge_kills: int
    broker_kills: int
    took_s: float
    moments: tuple[int, ...]

    def __str__(self) -> str:
        while_draining = sum(0 < moment < self.facts for moment in self.moments)
        return (
            f"{self.facts} facts, {self.bridge_kills} kills of the bridge and {self.broker_kills} of the broker "
            f"({while_draining} while draining): all delivered in order, {self.came - self.facts} came again, "
            f"{self.took_s:.0f} s"
        )


class BridgeProcess:
    """The bridge as the supervisor starts it, with the contract's own pace; what it says goes to a file."""

    def __init__(self, state_dir: Path, port: int, log: Path, *more: str) -> None:
        sets = overrides_of(state_dir, port, *more)
        self._program = [sys.executable, "-m", "mqtt_bridge", "--config", str(SIMULATE_FILE)]
        self._program += [part for override in sets for part in ("--set", override)]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._program, stdin=subprocess.PIPE, stderr=log, cwd=ROOT)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()

    def is_killed(self) -> None:
        """Take it away without a word, and start the next one."""
        self.__exit__()
        self.__enter__()


def run(folder: Path, *, facts: int, bridge_kills: int, broker_kills: int, seed: int, confirms: bool = True) -> Found:
    """Tell one campaign. Raises AssertionError where a fact is lost, out of order or changed."""
    chance = random.Random(seed)
    victims = ["bridge"] * bridge_kills + ["broker"] * broker_kills
    chance.shuffle(victims)
    ids = written(folder / "journal.db", facts, chance)
    more = ["mqtt.require_ack=true"] if confirms else []
    moments: list[int] = []
    began_s = time.monotonic()
    with (
        Broker(folder / "broker") as broker,
        Receiver(broker, "sim", confirms=confirms) as receiver,
        BridgeProcess(folder, broker.port, folder / "bridge.log", *more) as bridge,
    ):
        for left, victim in zip(range(len(victims), 0, -1), victims, strict=True):
            a_moment_passes(receiver, chance, facts, left)
            moments.append(receiver.rows)
            if victim == "bridge":
                bridge.is_killed()
            else:
                broker.kill()
                time.sleep(chance.choice((0.0, 0.0, 1.0)) * chance.random())
                broker.start()
        wait_until(lambda: receiver.rows >= facts, LONGEST_WAIT_S + facts / 500, "the rest of the facts")
        took_s = time.monotonic() - began_s
        came = judge(receiver, ids)
    said = (folder / "bridge.log").read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in said, said
    return Found(
        facts=facts, came=came, bridge_kills=bridge_kills, broker_kills=broker_kills, took_s=took_s,
        moments=tuple(moments),
    )  # fmt: skip


def written(path: Path, count: int, chance: random.Random) -> list[str]:
    """Write facts of all sizes while nobody listens; return their ids."""
    journal, ids = Writer(path), list[str]()
    while len(ids) < count:
        ids += journal.write(min(PAGE, count - len(ids)), size=chance.choice(SIZES))
    journal.close()
    return ids


def a_moment_passes(receiver: Receiver, chance: random.Random, facts: int, left: int) -> None:
    """Wait for so many more facts, or for part of a start; so that facts are left for the kills to come."""
    if chance.random() < 0.25:
        time.sleep(chance.uniform(0.0, 0.8))
        return
    most = 2 * (facts - receiver.rows) // (left + 1)
    wanted = receiver.rows + chance.randint(0, max(1, most))
    wait_until(lambda: receiver.rows >= min(wanted, facts), LONGEST_WAIT_S, f"{wanted} facts")


def judge(receiver: Receiver, ids: list[str]) -> int:
    """Compare what came with what was written; return how many came, repetitions too."""
    rows = {str(row["id"]): row for row in reversed(receiver.facts)}
    found = receiver.ids
    assert len(found) == len(set(ids)), f"{len(found)} of {len(ids)} facts"
    assert found == ids, "not in order"
    prev = FIRST_PREV
    for seq, fact_id in enumerate(found, 1):
        assert (rows[fact_id]["seq"], rows[fact_id]["prev"]) == (seq, prev), f"row {seq} is another one"
        prev = rows[fact_id]["hash"]
    return len(receiver.facts)


def main() -> int:
    """Tell a campaign as large as the promise."""
    parser = argparse.ArgumentParser(prog="tests.outages")
    parser.add_argument("--facts", type=int, default=100_000)
    parser.add_argument("--bridge-kills", type=int, default=210)
    parser.add_argument("--broker-kills", type=int, default=25)
    parser.add_argument("--puback", action="store_true", help="the receiver confirms nothing")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(json.dumps(vars(asked)), flush=True)
    with tempfile.TemporaryDirectory(prefix="antt-outages-") as name:
        found = run(
            Path(name), facts=asked.facts, bridge_kills=asked.bridge_kills, broker_kills=asked.broker_kills,
            seed=asked.seed, confirms=not asked.puback,
        )  # fmt: skip
    print(found)
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
