"""A thousand reconnects with the link cut at random moments: `make campaign`, and a slice of it in the tests.

Between bridge and broker lies a cable (`tests/mqtt_bridge/cable.py`). It is cut while nothing goes over it, while
facts do, while a connection is being made; at both ends, or so that one end believes that it still holds; for a moment,
or for about as long as the broker waits with the last will. Meanwhile a second client reads `$state` as everybody
would. A `lost` is false while the gate is connected; the gate heals it, and it never lasts.

`python -m tests.cuts [--reconnects N] [--seed N]`
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from tests.broker import Broker, Receiver
from tests.fakes import wait_until
from tests.mqtt_bridge.cable import Cable
from tests.mqtt_bridge.conftest import QUICK, Running, Writer, settings_of

WILL_DELAY_S = 1
KEEPALIVE_S = 5
BUSY_S = 0.5
FAR_END_ONLY = 0.01
LONG_CUTS = 0.12
HEAL_S = 2.0
LONGEST_FALSE_S = HEAL_S + 1.0
LOOK_EVERY_S = 0.003
PACE = replace(QUICK, will_delay_s=WILL_DELAY_S, heal_every_s=HEAL_S, reconnect_s=(0.02, 0.1))


@dataclass(frozen=True, kw_only=True)
class Found:
    """What `$state` said: how often it was lost, and for how long while the gate was connected."""

    reconnects: int
    cuts: int
    lost: int
    falsely_lost_s: tuple[float, ...]
    noticed_s: tuple[float, ...]
    facts: int
    took_s: float

    def __str__(self) -> str:
        longest_s, noticed_s = max(self.falsely_lost_s, default=0.0), max(self.noticed_s, default=0.0)
        return (
            f"{self.reconnects} reconnects after {self.cuts} cuts, $state was lost {self.lost} times, "
            f"{len(self.falsely_lost_s)} of them while the gate was connected, for {longest_s:.2f} s at most; "
            f"{len(self.noticed_s)} links died in silence, noticed after {noticed_s:.2f} s at most (keepalive "
            f"{KEEPALIVE_S} s); "
            f"{self.facts} facts delivered in order; {self.took_s:.0f} s"
        )


class Watch:
    """Looks all the time at what `$state` says and whether the gate is connected."""

    def __init__(self, bridge: Running, receiver: Receiver) -> None:
        self._bridge, self._receiver = bridge, receiver
        self._over = threading.Event()
        self.gate_is_deaf = False
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.connections = 0
        self.falsely_lost_s: list[float] = []
        self.noticed_s: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        was_connected, since_s = False, 0.0
        while not self._over.wait(LOOK_EVERY_S):
            connected = bool(self._bridge.health["connected"])
            self.connections += connected and not was_connected
            was_connected = connected
            states, now_s = self._receiver.states, time.monotonic()
            if connected and not self.gate_is_deaf and states and states[-1]["s"] == "lost":
                since_s = since_s or now_s
            elif since_s:
                self.falsely_lost_s.append(now_s - since_s)
                since_s = 0.0


def run(folder: Path, *, reconnects: int, seed: int) -> Found:
    """Tell one campaign. Raises AssertionError where a false `lost` lasts, or a fact is lost."""
    chance, began_s, cuts = random.Random(seed), time.monotonic(), 0
    journal = Writer(folder / "journal.db")
    ids = journal.write(40 * reconnects)
    with Broker(folder / "broker") as broker, contextlib.closing(Cable(broker.port)) as cable:
        more = ("mqtt.require_ack=true", "mqtt.history_per_s=1000", f"mqtt.keepalive_s={KEEPALIVE_S}")
        settings = settings_of(folder, cable.port, *more)
        with (
            Receiver(broker, "sim", confirms=True) as receiver,
            Running(settings, PACE) as bridge,
            Watch(bridge, receiver) as watch,
        ):
            while watch.connections <= reconnects:
                a_cut(cable, bridge, watch, chance)
                cuts += 1
            bridge.waits_for(connected=True)
            wait_until(lambda: receiver.states[-1]["s"] == "online", LONGEST_FALSE_S, "online at the end")
            wait_until(lambda: receiver.rows >= len(ids), 60 + len(ids) / 500, "all facts")
            assert receiver.ids == ids
            time.sleep(WILL_DELAY_S + 0.2)
            assert receiver.states[-1]["s"] == "online", "a will came after all"
    journal.close()
    longest_s = max(watch.falsely_lost_s, default=0.0)
    assert longest_s < LONGEST_FALSE_S, f"$state said lost for {longest_s:.1f} s of a connected gate"
    return Found(
        reconnects=watch.connections - 1, cuts=cuts, lost=sum(state["s"] == "lost" for state in receiver.states),
        falsely_lost_s=tuple(watch.falsely_lost_s), noticed_s=tuple(watch.noticed_s), facts=len(ids),
        took_s=time.monotonic() - began_s,
    )  # fmt: skip


def a_cut(cable: Cable, bridge: Running, watch: Watch, chance: random.Random) -> None:
    """Cut the link at some moment, in some way, for some time; mostly the gate is connected then."""
    if chance.random() < 0.7:
        with contextlib.suppress(AssertionError):
            wait_until(lambda: bool(bridge.health["connected"]), 5)
    time.sleep(chance.choice((0.0, 0.01, 0.05, 0.1)) * chance.random())
    if chance.random() < FAR_END_ONLY:
        the_broker_alone_knows(cable, bridge, watch)
    else:
        cable.cut(only=chance.choice((None, "near")))
    if chance.random() < LONG_CUTS:
        time.sleep(WILL_DELAY_S + chance.uniform(-0.3, 1.3))
    else:
        time.sleep(chance.choice((0.0, 0.02)) * chance.random())
    cable.mend()


def the_broker_alone_knows(cable: Cable, bridge: Running, watch: Watch) -> None:
    """Cut it so that the gate hears nothing more and believes that it is connected: then `lost` is the truth."""
    watch.gate_is_deaf, began_s = True, time.monotonic()
    cable.cut(only="far")
    wait_until(lambda: not bridge.health["connected"], 1.5 * KEEPALIVE_S + BUSY_S, "the dead link to be noticed")
    watch.gate_is_deaf = False
    watch.noticed_s.append(time.monotonic() - began_s)


def main() -> int:
    """Tell a campaign as large as the promise."""
    parser = argparse.ArgumentParser(prog="tests.cuts")
    parser.add_argument("--reconnects", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    logging.getLogger().addHandler(logging.NullHandler())
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="antt-cuts-") as name:
        print(run(Path(name), reconnects=asked.reconnects, seed=asked.seed))
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
