"""Lines claimed without a glitch, on mock pins and on a recorder of what lgpio is told under the real gpiozero."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace

import pytest

from gate.pins import Board, Pin, PinsError, Trace, header_chip, mock_factory, real_factory, sweep
from tests.lgpio_stub import Pi, raspberry_pi

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
    board.close()
    assert seen == [], "claimed at the level that it had without us, and left at it"


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


@pytest.mark.parametrize("pin", [RELAY, RELAY_LOW])
def test_on_lgpio_an_output_is_claimed_once_with_its_level(pin: Pin) -> None:
    """Gpiozero itself would claim an input without pull, then an output at level 0, then write (gpiozero #1177)."""
    off = int(not pin.active_high)
    with raspberry_pi() as pi:
        board = Board(real_factory(), [LIMIT, pin])
        assert pi.told_of(pin.line) == [("gpio_claim_output", pin.line, off)]
        board.switch({pin.signal: True})
        board.close()
        assert pi.shown(pin.line) == [off, 1 - off, off]


def test_on_lgpio_outputs_are_claimed_before_anything_else() -> None:
    with raspberry_pi() as pi:
        Board(real_factory(), [LIMIT, RELAY])
        claims = [call for call in pi.calls if str(call[0]).startswith("gpio_claim")]
    assert claims[0] == ("gpio_claim_output", RELAY.line, 0)


@pytest.mark.parametrize("pin", [RELAY, RELAY_LOW])
def test_on_lgpio_a_closed_output_stays_driven_off(pin: Pin) -> None:
    """It may float otherwise (gpiozero #1146): it is never an input and never freed, and its chip is closed last."""
    with raspberry_pi() as pi:
        board = Board(real_factory(), [LIMIT, pin])
        board.close()
        del board
        gc.collect()
        assert pi.told_of(pin.line) == [("gpio_claim_output", pin.line, int(not pin.active_high))]
        assert pi.calls[-1] == ("gpiochip_close", 1)


def test_on_lgpio_inputs_have_their_pull_and_are_read_by_polarity() -> None:
    with raspberry_pi() as pi:
        board = Board(real_factory(), [LIMIT, BEAM_NC, FLOATING])
        assert board.read() == {"limit_open": False, "beam": True, "limit_closed": False}
        pi.line(BEAM_NC.line).show(0)
        assert board.read()["beam"] is False


def test_the_chip_is_opened_by_its_label_whatever_gpiozero_would_choose() -> None:
    """Gpiozero 2.0.1 opens number 4 on every Pi 5, whatever it is told; the kernel calls it 0 by now."""
    with raspberry_pi(Pi(labels=("pinctrl-rp1",))) as pi:
        assert real_factory().chip == 0
    assert pi.calls == [("gpiochip_open", 0), ("gpiochip_close", 0), ("gpiochip_open", 0)]


def test_a_line_that_somebody_else_holds_is_named_with_its_holder() -> None:
    with raspberry_pi(Pi(held=frozenset({17}))), pytest.raises(PinsError, match=r"line 17 \(open_relay\).*lg"):
        Board(real_factory(), [RELAY, RELAY_LOW])


def test_every_line_that_can_not_be_claimed_is_named_and_the_others_are_off_all_the_same() -> None:
    """A driver that died left a relay on; the next one must switch it off though another line is not to be had."""
    with raspberry_pi(Pi(held=frozenset({17, 5}))) as pi:
        pi.line(27).show(1)
        with pytest.raises(PinsError, match=r"line 17 .*; GPIO line 5 \(limit_open\)"):
            Board(real_factory(), [LIMIT, RELAY_LOW, RELAY])
        assert pi.shown(27) == [1, 0]


def test_a_line_that_fails_does_not_keep_the_others_on() -> None:
    with raspberry_pi() as pi:
        board = Board(real_factory(), [RELAY_LOW, RELAY])
        board.switch({"open_relay": True, "close_relay": True})
        pi.broken = {17}
        board.all_off()
        assert board.shown() == {"open_relay": True, "close_relay": False}
        pi.broken = set()
        board.all_off()
        assert board.shown() == {"open_relay": False, "close_relay": False}


def test_lines_that_can_not_be_read_are_an_error_that_says_so() -> None:
    with raspberry_pi() as pi:
        board = Board(real_factory(), [LIMIT])
        pi.mute = True
        with pytest.raises(PinsError, match="bad GPIO read"):
            board.read()


def test_a_sweep_switches_off_what_it_can_and_tells_the_rest() -> None:
    with raspberry_pi(Pi(held=frozenset({17}))) as pi:
        swept = sweep(real_factory(), [RELAY_LOW, RELAY])
        assert swept.off == ("close_relay",)
        assert len(swept.failed) == 1
        assert "open_relay" in swept.failed[0]
        assert pi.shown(27) == [0]


def test_a_sweep_says_which_line_stays_on() -> None:
    with raspberry_pi() as pi:
        pi.line(27).show(1)
        pi.deaf = {27}
        swept = sweep(real_factory(), [RELAY])
    assert swept.off == ()
    assert "stays at its active level" in swept.failed[0]


def test_a_sweep_after_a_dead_keeper_is_one_edge_and_a_second_one_is_none() -> None:
    """Raspberry Pi OS leaves an output driven when its process dies (raspberrypi/linux #6117)."""
    with raspberry_pi() as pi:
        pi.line(27).show(1)
        pi.line(17).show(0)
        assert sweep(real_factory(), [RELAY_LOW, RELAY]).failed == ()
        assert sweep(real_factory(), [RELAY_LOW, RELAY]).failed == ()
        assert (pi.shown(17), pi.shown(27)) == ([0, 1], [1, 0])


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
        real_factory()
