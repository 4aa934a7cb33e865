"""A slice of `make campaign`: the firing range, the forger who serves it, and the bad road of `make bench`."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from gate.model import Code, Command
from tests.mqtt_bridge.firing_range import fire
from tests.mqtt_bridge.road import Road
from tests.mqtt_bridge.shots import FAULTS, Forger, Target

ALONE = {
    "retained": Code.RETAINED, "large": Code.TOO_LARGE, "broken": Code.BAD_ENVELOPE, "stranger": Code.UNKNOWN_KEY,
    "over": Code.REVOKED_KEY, "forged": Code.BAD_SIGNATURE, "foreign_gate": Code.FOREIGN_GATE,
    "foreign_boot": Code.FOREIGN_BOOT, "late": Code.EXPIRED, "early": Code.TOO_FAR_AHEAD, "again": Code.DUPLICATE,
    "role": Code.NOT_PERMITTED, "sequence": Code.STALE_SEQUENCE,
}  # fmt: skip


def test_under_fire_only_commands_in_order_move_the_gate() -> None:
    """Issue 6: 0 move the gate, each is refused with the right code, valid ones mixed in are obeyed."""
    tally = fire(seed=1, shots=1000)
    assert set(tally.refused) >= set(ALONE.values())
    assert tally.obeyed > 100
    assert tally.energised > 20
    assert set(ALONE) == set(FAULTS)


@pytest.mark.parametrize(("fault", "code"), ALONE.items())
def test_each_fault_alone_has_its_code(fault: str, code: Code) -> None:
    """The forger really makes each of them: none hides behind another."""
    forger, target = Forger(3), Target(boot="b" * 32, now_ms=1e9)
    target.verdict(forger.in_order(target, Command.OPEN))  # something for another to repeat
    assert target.verdict(forger.shot(target, (fault,))) is code


@pytest.fixture
def echo() -> Iterator[int]:
    """Serve a port that says everything back."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            link, _ = server.accept()
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with link:
                while piece := link.recv(65536):
                    link.sendall(piece)

        threading.Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])


def test_a_bad_road_is_slow_both_ways_and_loses_and_reorders_nothing(echo: int) -> None:
    """The proxy that the bench measures through must be what it says."""
    said = random.Random(1).randbytes(200_000)
    with Road(echo, each_way_s=0.03, held_share=0.2, held_s=0.05) as road:
        with socket.create_connection(("127.0.0.1", road.port), timeout=5) as link:
            began_s = time.monotonic()
            link.sendall(said[:10])
            heard = link.recv(10)
            assert time.monotonic() - began_s >= 0.06
            threading.Thread(target=link.sendall, args=[said[10:]], daemon=True).start()
            while len(heard) < len(said):
                heard += link.recv(65536)
        assert heard == said
        assert road.held > 0
