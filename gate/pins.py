"""GPIO lines as named signals, claimed without a glitch.

A `Board` is built from plain pin descriptions and one pin factory of gpiozero: the real one on a Raspberry Pi, the
mock one in simulation. It knows levels and polarity and nothing of gates.

- gpiozero on lgpio claims an output at level 0 and writes the wanted level afterwards, which clicks an active-low relay
  board (gpiozero #1177). `_glitch_free` claims the line with its level in one call.
- A closed output may float (gpiozero #1146): ours stay driven at their inactive level until the process ends.
- The chip is found by label, never by number: the Pi 5's header has moved (gpiozero #1166).
- Levels are read, edges are not subscribed to: callbacks lose edges (gpiozero #697, #1039).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpiozero import GPIOZeroError, InputDevice, OutputDevice
from gpiozero.pins.mock import MockFactory, MockPin

HEADER_CHIPS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
MOST_CHIPS = 16
PULL_UP = {"up": True, "down": False, "none": None}


class PinsError(Exception):
    """The lines can't be claimed; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One signal: its name, its line (BCM number), the level that means active; `pull` only for inputs."""

    signal: str
    line: int
    active_high: bool
    pull: str | None = None


class Board:
    """The signals of one gate. Outputs are inactive from the first instant."""

    def __init__(self, factory: Any, pins: Iterable[Pin]) -> None:  # noqa: ANN401 - gpiozero ships no types
        self._factory = factory
        self._active_high: dict[str, bool] = {}
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}
        try:
            for pin in pins:
                self._claim(pin)
        except GPIOZeroError as error:
            raise PinsError(f"GPIO line {pin.line} ({pin.signal}) can't be claimed: {error}") from None

    def _claim(self, pin: Pin) -> None:
        self._active_high[pin.signal] = pin.active_high
        if pin.pull is None:
            device = OutputDevice(pin.line, active_high=pin.active_high, initial_value=False, pin_factory=self._factory)
            self._outputs[pin.signal] = device
            return
        pull_up = PULL_UP[pin.pull]
        given = {"active_state": pin.active_high} if pull_up is None else {}
        self._inputs[pin.signal] = InputDevice(pin.line, pull_up=pull_up, pin_factory=self._factory, **given)

    def read(self) -> dict[str, bool]:
        """Return whether each input is active now."""
        return {name: bool(device.pin.state) is self._active_high[name] for name, device in self._inputs.items()}

    def shown(self) -> dict[str, bool]:
        """Return whether each output pin really is at its active level now."""
        return {name: bool(device.pin.state) is self._active_high[name] for name, device in self._outputs.items()}

    def switch(self, wanted: Mapping[str, bool]) -> None:
        """Bring outputs to their levels, all that go off before any that goes on."""
        for name, on in sorted(wanted.items(), key=lambda item: item[1]):
            device = self._outputs.get(name)
            if device is not None and (bool(device.pin.state) is self._active_high[name]) is not on:
                device.on() if on else device.off()

    def all_off(self) -> None:
        """Switch every output off."""
        self.switch(dict.fromkeys(self._outputs, False))

    def drive_mock(self, levels: Mapping[str, bool]) -> None:
        """Make input pins show the given activity; only mock pins can."""
        for name, active in levels.items():
            device = self._inputs.get(name)
            if device is not None:
                high = active is self._active_high[name]
                device.pin.drive_high() if high else device.pin.drive_low()


def header_chip(lgpio: Any) -> int:  # noqa: ANN401 - lgpio ships no types
    """Return the number of the gpiochip that is the 40-pin header, found by its label. Raises `PinsError`."""
    seen = []
    for number in range(MOST_CHIPS):
        try:
            handle = lgpio.gpiochip_open(number)
        except lgpio.error:
            continue
        _, _, _, label = lgpio.gpio_get_chip_info(handle)
        lgpio.gpiochip_close(handle)
        if label in HEADER_CHIPS:
            return number
        seen.append(str(label))
    found = f"found only {', '.join(seen)}" if seen else "no /dev/gpiochip* can be opened"
    raise PinsError(f"this machine has no Raspberry Pi header ({found}); is the user in group gpio?")


def real_factory() -> Any:  # noqa: ANN401 - gpiozero ships no types
    """Return a gpiozero factory on lgpio whose outputs are claimed with their level. Raises `PinsError`."""
    try:
        import lgpio  # noqa: PLC0415 - only a Raspberry Pi has it
        from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin  # noqa: PLC0415 - as above
    except ImportError:
        raise PinsError("the Python package lgpio is missing; install antt-gate[pi] on the Raspberry Pi") from None
    factory = LGPIOFactory(chip=header_chip(lgpio))
    factory.pin_class = _glitch_free(LGPIOPin, lgpio.gpio_claim_output)
    return factory


def _glitch_free(base: Any, claim_output: Callable[[int, int, int], int]) -> Any:  # noqa: ANN401 - gpiozero ships no types
    """Return a pin class that claims outputs with their level in one call, and never lets one float."""

    class GlitchFreePin(base):  # type: ignore[misc] # gpiozero ships no types
        claimed_output = False

        def output_with_state(self, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
            claim_output(self.factory._handle, self._number, int(state))  # noqa: SLF001 - the only way to the handle
            self.claimed_output = True

        def close(self) -> None:
            if not self.claimed_output:
                super().close()

    return GlitchFreePin


def mock_factory(names: Mapping[int, str], changed: Callable[[int, str, bool], None] | None = None) -> MockFactory:
    """Return gpiozero's mock factory; `changed(line, name, level)` is called at each level change of each line."""

    class WatchedPin(MockPin):  # type: ignore[misc] # gpiozero ships no types
        def _change_state(self, value: bool) -> bool:  # noqa: FBT001 - gpiozero's signature
            done = bool(super()._change_state(value))
            del self.states[:-2]  # gpiozero keeps every change; we run for years
            line = self.info.name.removeprefix("GPIO")
            if done and changed is not None and line.isdigit():
                changed(int(line), names.get(int(line), ""), value)
            return done

    return MockFactory(pin_class=WatchedPin)


class Trace:
    """A `changed` for `mock_factory` that appends JSON lines `{"mono_ns","line","name","level"}` to a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1, encoding="ascii")

    def __call__(self, line: int, name: str, level: bool) -> None:  # noqa: FBT001 - a level is a bool
        """Write one change, at once: the file must be whole up to the moment of a kill."""
        row = {"mono_ns": time.monotonic_ns(), "line": line, "name": name, "level": int(level)}
        self._file.write(json.dumps(row) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
