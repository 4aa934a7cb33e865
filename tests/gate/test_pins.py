"""Lines claimed without a glitch, on mock pins and on a recorder of what lgpio would be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from gate import pins
from gate.pins import Board, Pin, PinsError, Trace, header_chip, mock_factory

RELAY_LOW = Pin(signal="open_relay", line=17, active_high=False)
RELAY = Pin(signal="close_relay", line=27, active_high=True)
LIMIT = Pin(signal="limit_open", line=5, active_high=False, pull="up")
BEAM_NC = Pin(signal="beam", line=6, active_high=True, pull="up")
FLOATING = Pin(signal="limit_closed", line=13, active_high=True, pull="none")


def test_an_active_low_output_is_never_seen_on_its_active_level() -> None:
    """A relay board must not click at start (gpiozero #1177)."""
    seen: list[tuple[str, bool]] = []
    factory = mock_factory({17: "open_relay", 27: "close_relay"}, lambda _, name, level: seen.append((name, level)))
    board = Board(factory, [RELAY_LOW, RELAY])
    assert board.shown() == {"open_relay": False, "close_relay": False}
    assert ("open_relay", False) not in seen
    assert ("close_relay", True) not in seen


def test_inputs_follow_their_polarity_and_pull() -> None:
    board = Board(mock_factory({}), [LIMIT, BEAM_NC, FLOATING])
    assert board.read() == {"limit_open": False, "beam": True, "limit_closed": False}
    board.drive_mock({"limit_open": True, "beam": False, "limit_closed": True})
    assert board.read() == {"limit_open": True, "beam": False, "limit_closed": True}


def test_what_goes_off_goes_off_before_anything_goes_on() -> None:
    seen: list[tuple[str, bool]] = []
    names = {17: "open_relay", 27: "close_relay"}
    board = Board(mock_factory(names, lambda _, name, level: seen.append((name, level))), [RELAY_LOW, RELAY])
    board.switch({"open_relay": True})
    seen.clear()
    board.switch({"close_relay": True, "open_relay": False})
    assert seen == [("open_relay", True), ("close_relay", True)], "active-low open goes high (off) first"


def test_a_trace_has_one_json_line_a_change(tmp_path: Path) -> None:
    path = tmp_path / "pins.jsonl"
    trace = Trace(path)
    board = Board(mock_factory({27: "close_relay"}, trace), [RELAY])
    board.switch({"close_relay": True})
    board.all_off()
    trace.close()
    assert [line.split('"level": ')[1] for line in path.read_text().splitlines()] == ["1}", "0}"]


def test_years_of_changes_do_not_pile_up_in_memory() -> None:
    factory = mock_factory({})
    board = Board(factory, [RELAY])
    for _ in range(100):
        board.switch({"close_relay": True})
        board.all_off()
    assert len(factory.pin("GPIO27").states) <= 2


@dataclass
class LgpioPin:
    """The part of gpiozero's LGPIOPin that ours builds on; it records what lgpio is told."""

    factory: SimpleNamespace
    _number: int
    told: list[tuple[object, ...]] = field(default_factory=list)

    def close(self) -> None:
        self.told.append(("claim_input", self._number))


@pytest.mark.parametrize("level", [False, True])
def test_on_lgpio_an_output_is_claimed_with_its_level_in_one_call(level: bool) -> None:  # noqa: FBT001 - a level
    told: list[tuple[int, int, int]] = []

    def claim_output(handle: int, line: int, claimed: int) -> int:
        told.append((handle, line, claimed))
        return 0

    glitch_free = pins._glitch_free(LgpioPin, claim_output)
    pin = glitch_free(SimpleNamespace(_handle=7), 17)
    pin.output_with_state(level)
    assert told == [(7, 17, int(level))]
    pin.close()
    assert pin.told == [], "a closed output may float (gpiozero #1146); it stays driven"


def lgpio_with(labels: list[str]) -> SimpleNamespace:
    class LgpioError(Exception):
        pass

    def gpiochip_open(number: int) -> int:
        if number >= len(labels):
            raise LgpioError
        return number

    return SimpleNamespace(
        error=LgpioError,
        gpiochip_open=gpiochip_open,
        gpiochip_close=lambda _: 0,
        gpio_get_chip_info=lambda handle: (0, 54, f"gpiochip{handle}", labels[handle]),
    )


def test_the_header_is_found_by_its_label() -> None:
    """The Pi 5's header moved between gpiochip4 and gpiochip0 (gpiozero #1166)."""
    assert header_chip(lgpio_with(["raspberrypi-exp-gpio", "pinctrl-rp1"])) == 1
    assert header_chip(lgpio_with(["pinctrl-bcm2711", "raspberrypi-exp-gpio"])) == 0


@pytest.mark.parametrize(("labels", "word"), [([], "no /dev/gpiochip"), (["pch-gpio"], "pch-gpio")])
def test_a_machine_without_the_header_says_so(labels: list[str], word: str) -> None:
    with pytest.raises(PinsError, match=word):
        header_chip(lgpio_with(labels))


def test_a_machine_without_lgpio_says_what_to_install() -> None:
    with pytest.raises(PinsError, match=r"antt-gate\[pi\]"):
        pins.real_factory()
