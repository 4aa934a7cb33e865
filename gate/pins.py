"""GPIO lines as named signals, claimed without a glitch.

A `Board` is built from plain pin descriptions and one pin factory of gpiozero: the real one on a Raspberry Pi, the
mock one in simulation. It knows levels and polarity and nothing of gates.

- gpiozero on lgpio claims every line as an input without pull first, and an output at level 0 before its wanted level
  (gpiozero #1177): a relay board floats, then an active-low one clicks. Our pins are claimed once, with their level.
- A closed output may float (gpiozero #1146): ours stay driven at their inactive level, past the end of the process.
- The chip is found by label, never by number: the Pi 5's header has moved (gpiozero #1166). gpiozero 2.0.1 opens
  number 4 on a Pi 5 whatever it is told, so our factory opens the chip itself.
- Levels are read, edges are not subscribed to: callbacks lose edges (gpiozero #697, #1039).
- A line that fails does not keep the others from being switched off.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpiozero import GPIOZeroError, InputDevice, OutputDevice
from gpiozero.pins.mock import MockFactory, MockPin

HEADER_CHIPS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
MOST_CHIPS = 16
PULL_UP = {"up": True, "down": False, "none": None}


class PinsError(Exception):
    """The lines can't be claimed or read; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One signal: its name, its line (BCM number), the level that means active; `pull` only for inputs."""

    signal: str
    line: int
    active_high: bool
    pull: str | None = None


class Board:
    """The signals of one gate. Outputs are inactive from the first instant, and claimed before any input.

    Every line is tried, so that one that can't be claimed leaves no other one on; then `PinsError` names all of them.
    """

    def __init__(self, factory: Any, pins: Iterable[Pin]) -> None:  # noqa: ANN401 - gpiozero ships no types
        self._factory = factory
        self._errors = (GPIOZeroError, OSError, *getattr(factory, "errors", ()))
        self._active_high: dict[str, bool] = {}
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}
        complaints = []
        for pin in sorted(pins, key=lambda pin: pin.pull is not None):
            try:
                self._claim(pin)
            except self._errors as error:
                where = f"GPIO line {pin.line} ({pin.signal})"
                complaints.append(f"{where} can't be claimed: {error}{_holder(factory, pin.line)}")
        if complaints:
            raise PinsError("; ".join(complaints))

    def _claim(self, pin: Pin) -> None:
        self._active_high[pin.signal] = pin.active_high
        if pin.pull is None:
            device = OutputDevice(pin.line, active_high=pin.active_high, initial_value=False, pin_factory=self._factory)
            self._outputs[pin.signal] = device
            return
        pull_up = PULL_UP[pin.pull]
        given = {"active_state": pin.active_high} if pull_up is None else {}
        self._inputs[pin.signal] = InputDevice(pin.line, pull_up=pull_up, pin_factory=self._factory, **given)

    @property
    def outputs(self) -> frozenset[str]:
        """The names of all outputs."""
        return frozenset(self._outputs)

    def read(self) -> dict[str, bool]:
        """Return whether each input is active now. Raises `PinsError`."""
        return self._levels(self._inputs)

    def shown(self) -> dict[str, bool]:
        """Return whether each output pin really is at its active level now. Raises `PinsError`."""
        return self._levels(self._outputs)

    def _levels(self, devices: Mapping[str, Any]) -> dict[str, bool]:
        try:
            return {name: bool(device.pin.state) is self._active_high[name] for name, device in devices.items()}
        except self._errors as error:
            raise PinsError(f"the GPIO lines can't be read: {error}") from None

    def switch(self, wanted: Mapping[str, bool]) -> None:
        """Bring outputs to their levels, all that go off before any that goes on.

        A line that refuses is passed over: `shown` tells which do not follow, and the next call tries again.
        """
        for name, on in sorted(wanted.items(), key=lambda item: item[1]):
            device = self._outputs.get(name)
            if device is None:
                continue
            with contextlib.suppress(*self._errors):
                if (bool(device.pin.state) is self._active_high[name]) is not on:
                    device.on() if on else device.off()

    def all_off(self) -> None:
        """Switch every output off."""
        self.switch(dict.fromkeys(self._outputs, False))

    def close(self) -> None:
        """Switch every output off and let go of all lines; on lgpio the outputs stay driven at that level."""
        self.all_off()
        self._inputs.clear()
        self._outputs.clear()
        with contextlib.suppress(*self._errors):
            self._factory.close()

    def drive_mock(self, levels: Mapping[str, bool]) -> None:
        """Make input pins show the given activity; only mock pins can."""
        for name, active in levels.items():
            device = self._inputs.get(name)
            if device is not None:
                high = active is self._active_high[name]
                device.pin.drive_high() if high else device.pin.drive_low()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """What came of switching outputs off: the names that are off, and a sentence for each that is not."""

    off: tuple[str, ...]
    failed: tuple[str, ...]


def sweep(factory: Any, outputs: Iterable[Pin]) -> Sweep:  # noqa: ANN401 - gpiozero ships no types
    """Claim each output at its inactive level and let go of it, whatever happens to the others."""
    complaints = {pin.signal: _switched_off(factory, pin) for pin in outputs}
    factory.close()
    return Sweep(
        off=tuple(signal for signal, complaint in complaints.items() if not complaint),
        failed=tuple(complaint for complaint in complaints.values() if complaint),
    )


def _switched_off(factory: Any, pin: Pin) -> str:  # noqa: ANN401 - gpiozero ships no types
    """Return what is wrong with an output after it was claimed at its inactive level; empty where nothing is."""
    try:
        shown = Board(factory, [pin]).shown()
    except PinsError as error:
        return str(error)
    return f"GPIO line {pin.line} ({pin.signal}) stays at its active level; is it shorted?" if shown[pin.signal] else ""


def _holder(factory: Any, line: int) -> str:  # noqa: ANN401 - gpiozero ships no types
    """Return who else holds a line, as the end of a sentence; empty where nobody does or nobody can tell."""
    ask: Callable[[int], str] | None = getattr(factory, "holder", None)
    holder = ask(line) if ask else ""
    return f"; it is held by another process ({holder})" if holder else ""


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


@contextlib.contextmanager
def _writable_folder() -> Iterator[None]:
    """Stand in a folder that lgpio may write to: it makes a pipe where it is imported (gpiozero #1106, #1130)."""
    if os.access(os.environ.get("LG_WD", ""), os.W_OK):
        yield
        return
    os.environ.pop("LG_WD", None)
    with tempfile.TemporaryDirectory(prefix="antt-lgpio-") as folder, contextlib.chdir(folder):
        yield


def real_factory() -> Any:  # noqa: ANN401 - gpiozero ships no types
    """Return a gpiozero factory on lgpio whose outputs are claimed with their level. Raises `PinsError`."""
    try:
        with _writable_folder():
            import lgpio  # noqa: PLC0415 - only a Raspberry Pi has it
        from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin  # noqa: PLC0415 - as above
    except ImportError:
        raise PinsError("the Python package lgpio is missing; install antt-gate[pi] on the Raspberry Pi") from None
    except OSError as error:
        raise PinsError(f"lgpio finds no folder to write to ({error}); name one in LG_WD") from None
    pin_class = _glitch_free(LGPIOPin, lgpio)

    class HeaderFactory(LGPIOFactory):  # type: ignore[misc] # gpiozero ships no types
        errors = (lgpio.error,)

        def __init__(self, chip: int) -> None:
            super(LGPIOFactory, self).__init__()  # not LGPIOFactory's own: some versions choose another chip
            self._handle = lgpio.gpiochip_open(chip)
            self._chip = chip
            self.pin_class = pin_class

        def holder(self, line: int) -> str:
            """Return the name under which the kernel knows who holds a line; empty for nobody."""
            with contextlib.suppress(lgpio.error):
                return str(lgpio.gpio_get_line_info(self._handle, line)[4])
            return ""

    try:
        return HeaderFactory(header_chip(lgpio))
    except lgpio.error as error:
        raise PinsError(f"the GPIO chip can't be opened: {error}; is the user in group gpio?") from None


def _glitch_free(base: Any, lgpio: Any) -> Any:  # noqa: ANN401 - neither ships types
    """Return a pin class that claims a line once, for what it is, and never lets an output float."""

    class GlitchFreePin(base):  # type: ignore[misc] # gpiozero ships no types
        def __init__(self, factory: Any, info: Any) -> None:  # noqa: ANN401 - gpiozero's own
            super(base, self).__init__(factory, info)  # not LGPIOPin's own: it claims an input without pull
            self._pwm = self._bounce = self._callback = None
            self._edges = lgpio.BOTH_EDGES

        def output_with_state(self, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
            lgpio.gpio_claim_output(self.factory._handle, self._number, int(state))  # noqa: SLF001 - the only way to it

        def close(self) -> None:
            """Leave the line as it is until the chip is closed."""

    return GlitchFreePin


def mock_factory(names: Mapping[int, str], changed: Callable[[int, str, bool], None] | None = None) -> MockFactory:
    """Return gpiozero's mock factory; `changed(line, name, level)` is called at each level change of each line."""

    class WatchedPin(MockPin):  # type: ignore[misc] # gpiozero ships no types
        def output_with_state(self, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
            self._state = bool(state)  # claimed with its level, as on lgpio: no change that anybody could see
            self.function = "output"

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
