"""Commands under fire over a real broker, at a whole gate; many more, faster: `tests.mqtt_bridge.firing_range`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from gate.model import Code, Command
from tests.broker import mosquitto
from tests.mqtt_bridge.gunner import BACK_AFTER_S, Gunner
from tests.program.under_fire import Remote, Siege, gate_at_a_broker

pytestmark = [pytest.mark.slow, pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")]
EDGES = ("open_relay", "close_relay")


def test_only_what_is_signed_new_and_in_time_moves_the_gate(tmp_path: Path) -> None:
    """I7, issue 6: each is refused with its code, also over a broker and a bridge that are killed in between."""
    with gate_at_a_broker(tmp_path) as (program, broker), Gunner(broker.port) as gunner:
        gunner.sees_online()
        siege = Siege(program, gunner, seed=6)
        siege.fire(100)

        taken = siege.obeyed[-3:]
        broker.kill()
        for _ in range(5):
            siege.now()
            siege.send(siege.forger.in_order(siege.target, Command.OPEN, lives_ms=1000), Code.EXPIRED)
        broker.start()
        gunner.sees_online(BACK_AFTER_S + 10, after=1)
        siege.settle()

        online = len(gunner.states)
        os.kill(program.pid_of("mqtt_bridge"), signal.SIGKILL)
        gunner.sees_online(after=[state["s"] for state in gunner.states[:online]].count("online"))
        siege.now()
        for shot in taken:
            siege.send(shot, siege.target.verdict(shot))
        siege.fire(50)

        assert not siege.barrage.wrong, "\n".join(siege.barrage.wrong)
        assert siege.barrage.obeyed > 10
        assert [program.changes(relay) for relay in EDGES] == [[], []], "a relay came on"
        told = {str(fact.data["code"]) for fact in program.facts("command_refused")}
        assert told >= {Code.RETAINED, Code.BAD_SIGNATURE, Code.FOREIGN_BOOT, Code.NOT_PERMITTED}
        siege.close()

        remote = Remote(program, gunner)
        assert remote.relay_ms(Command.OPEN, "open_relay", 1) < 500
        remote.close()
