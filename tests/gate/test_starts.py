"""A thousand starts and stops of the keeper, on both polarities, move nothing: no relay sees an edge (I7).

Each life is the keeper's own: lines claimed, some samples taken and answered, everything let go. On mock pins the
trace of the lines is the judge; on lgpio, what the wires show and the calls in their order, under the real gpiozero.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from gate.keeper import build
from gate.model import Json, JsonObject
from tests.lgpio_stub import raspberry_pi

LIVES = 1000
OUTPUTS = {
    "open_relay": 17, "close_relay": 27, "stop_relay": 16, "step_relay": 20, "lamp": 22, "buzzer": 23, "siren": 24,
    "light": 25, "beam_test": 26,
}  # fmt: skip
INPUTS = {"limit_open": 5, "limit_closed": 6, "beam": 13}
POLARITIES = pytest.mark.parametrize("active_high", [True, False], ids=["active high", "active low"])


def config(folder: Path, *, active_high: bool, simulated: bool) -> JsonObject:
    outputs: list[Json] = [{"signal": name, "line": line, "active_high": active_high} for name, line in OUTPUTS.items()]
    inputs: list[Json] = [
        {"signal": name, "line": line, "active_high": False, "pull": "up"} for name, line in INPUTS.items()
    ]
    return {
        "pins": [*inputs, *outputs],
        "simulated": simulated,
        "lease_s": 0.3,
        "dead_time_s": 0.5,
        "longest_s": dict.fromkeys(list(OUTPUTS)[:4], 21.0),
        "drive": "held",
        "logic": "",
        "yard_file": str(folder / "yard.json"),
        "trace": str(folder / "pins.jsonl") if simulated else None,
    }


def live(config: JsonObject) -> None:
    """Start a keeper, answer its first sample with nothing, and let it go as the gate process does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        keeper = build(theirs, config)
        keeper.sample(time.monotonic())
        ours.send(json.dumps({"t": "order", "for": 1, "relay": None, "on": [], "fast": False}).encode())
        keeper.listen(0.0)
        keeper.sample(time.monotonic())
        keeper.close()


@POLARITIES
def test_a_thousand_lives_on_mock_pins_show_no_edge_of_an_output(tmp_path: Path, active_high: bool) -> None:  # noqa: FBT001 - a level
    wiring = config(tmp_path, active_high=active_high, simulated=True)
    for _ in range(LIVES):
        live(wiring)
    lines = (tmp_path / "pins.jsonl").read_text(encoding="ascii").splitlines()
    assert {json.loads(line)["name"] for line in lines} <= set(INPUTS)


@POLARITIES
def test_a_thousand_lives_on_lgpio_show_one_level_of_each_output(tmp_path: Path, active_high: bool) -> None:  # noqa: FBT001 - a level
    wiring = config(tmp_path, active_high=active_high, simulated=False)
    off = int(not active_high)
    with raspberry_pi() as pi:
        for _ in range(LIVES):
            live(wiring)
        for line in OUTPUTS.values():
            assert pi.shown(line) == [off]
            assert pi.told_of(line) == [("gpio_claim_output", line, off)] * LIVES


@POLARITIES
def test_the_calls_of_one_life_in_their_order(tmp_path: Path, active_high: bool) -> None:  # noqa: FBT001 - a level
    """The chip is found, outputs are claimed before inputs, and at the end the chip is closed and nothing else done."""
    with raspberry_pi() as pi:
        live(config(tmp_path, active_high=active_high, simulated=False))
    done = [call for call in pi.calls if call[0] not in ("gpio_read", "gpio_get_mode")]
    found = [("gpiochip_open", 0), ("gpiochip_close", 0), ("gpiochip_open", 1), ("gpiochip_close", 1)]
    outputs = [("gpio_claim_output", line, int(not active_high)) for line in OUTPUTS.values()]
    assert done[: len(found) + 1 + len(outputs)] == [*found, ("gpiochip_open", 1), *outputs]
    assert {call[1] for call in done[len(found) + 1 + len(outputs) : -1]} == set(INPUTS.values())
    assert done[-1] == ("gpiochip_close", 1)


@POLARITIES
def test_a_stop_in_mid_move_is_one_edge_to_off_before_the_chip_is_closed(tmp_path: Path, active_high: bool) -> None:  # noqa: FBT001 - a level
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    on = int(active_high)
    with raspberry_pi() as pi, ours, theirs:
        keeper = build(theirs, config(tmp_path, active_high=active_high, simulated=False))
        keeper._guard.born_s -= 1.0
        keeper.sample(keeper._guard.born_s + 1.0)
        order = {"t": "order", "for": 1, "relay": "close_relay", "on": ["lamp"], "fast": True}
        ours.send(json.dumps(order).encode())
        keeper.listen(0.1)
        assert pi.shown(OUTPUTS["close_relay"]) == [1 - on, on]
        keeper.close()
    assert pi.shown(OUTPUTS["close_relay"]) == [1 - on, on, 1 - on]
    assert pi.shown(OUTPUTS["lamp"]) == [1 - on, on, 1 - on]
    assert pi.shown(OUTPUTS["open_relay"]) == [1 - on]
    assert pi.calls[-1] == ("gpiochip_close", 1)
