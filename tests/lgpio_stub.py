"""A Raspberry Pi's GPIO chips as the module lgpio (0.2.2) shows them, on a machine that has none.

`raspberry_pi()` puts a `Pi` in the place of lgpio, under the real gpiozero. It records every call in order, and what
each line's wire shows: an output's level, the pull of an input, or None where nothing holds it. Lines keep what they
show when their chip is closed, as on Raspberry Pi OS (raspberrypi/linux #6117). `as_module_for` does the same for a
program in a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
import types
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PI_5 = 0xC04170
CALLS = "LGPIO_STUB_CALLS"
HELD = "LGPIO_STUB_HELD"
IS_KERNEL, IS_OUT = 1, 2
SET_PULL_UP, SET_PULL_DOWN, SET_PULL_NONE = 32, 64, 128
PULLED = {SET_PULL_UP: 1, SET_PULL_DOWN: 0}
CONSTANTS = {
    "BOTH_EDGES": 3,
    "FALLING_EDGE": 2,
    "RISING_EDGE": 1,
    "SET_PULL_DOWN": SET_PULL_DOWN,
    "SET_PULL_NONE": SET_PULL_NONE,
    "SET_PULL_UP": SET_PULL_UP,
}
Call = tuple[str | int, ...]


class LgpioError(Exception):
    """What lgpio raises for a negative status."""


@dataclass
class Line:
    """One line: its mode bits, and all that its wire has shown so far, newest last."""

    mode: int = 0
    shows: list[int | None] = field(default_factory=lambda: [None])

    def show(self, level: int | None) -> None:
        """Let the wire show that from now on."""
        if self.shows[-1] != level:
            self.shows.append(level)


@dataclass
class Pi:
    """The chips of one machine.

    `held`: lines of another process; `deaf`: outputs that do not follow a write; `broken`: outputs whose write fails;
    `mute`: no line can be read.
    """

    labels: tuple[str, ...] = ("raspberrypi-exp-gpio", "pinctrl-rp1")
    held: frozenset[int] = frozenset()
    deaf: set[int] = field(default_factory=set)
    broken: set[int] = field(default_factory=set)
    mute: bool = False
    calls: list[Call] = field(default_factory=list)
    lines: dict[int, Line] = field(default_factory=dict)
    file: Path | None = None

    def line(self, number: int) -> Line:
        """Return one line of the header."""
        return self.lines.setdefault(number, Line())

    def shown(self, number: int) -> list[int | None]:
        """Return all that a line's wire has shown since power-on, without the time before anybody held it."""
        return self.line(number).shows[1:]

    def told_of(self, number: int) -> list[Call]:
        """Return the calls that did something to a line, in order, without questions."""
        return [call for call in self.calls if call[0] not in ("gpio_read", "gpio_get_mode") and call[1] == number]

    def _note(self, *call: str | int) -> None:
        self.calls.append(call)
        if self.file:
            with self.file.open("a", encoding="ascii") as out:
                out.write(json.dumps(call) + "\n")

    # what lgpio offers, by its own names and arguments

    def gpiochip_open(self, gpiochip: int) -> int:
        if gpiochip >= len(self.labels):
            raise LgpioError("can not open gpiochip")
        self._note("gpiochip_open", gpiochip)
        return gpiochip

    def gpiochip_close(self, handle: int) -> int:
        self._note("gpiochip_close", handle)
        return 0

    def gpio_get_chip_info(self, handle: int) -> list[int | str]:
        return [0, 54, f"gpiochip{handle}", self.labels[handle]]

    def gpio_get_line_info(self, _handle: int, gpio: int) -> list[int | str]:
        return [0, gpio, self.line(gpio).mode, f"GPIO{gpio}", "lg" if gpio in self.held else ""]

    def gpio_get_mode(self, _handle: int, gpio: int) -> int:
        self._note("gpio_get_mode", gpio)
        return self.line(gpio).mode

    def gpio_claim_input(self, _handle: int, gpio: int, lFlags: int = 0) -> int:  # noqa: N803 - lgpio's own name
        self._note("gpio_claim_input", gpio, lFlags)
        self._refuse_held(gpio)
        self.line(gpio).mode = IS_KERNEL | lFlags
        self.line(gpio).show(PULLED.get(lFlags))
        return 0

    def gpio_claim_output(self, _handle: int, gpio: int, level: int = 0, lFlags: int = 0) -> int:  # noqa: N803 - as above
        self._note("gpio_claim_output", gpio, level)
        self._refuse_held(gpio)
        self.line(gpio).mode = IS_KERNEL | IS_OUT | lFlags
        if gpio not in self.deaf:
            self.line(gpio).show(int(bool(level)))
        return 0

    def gpio_free(self, _handle: int, gpio: int) -> int:
        self._note("gpio_free", gpio)
        self.line(gpio).mode = 0
        return 0

    def gpio_read(self, _handle: int, gpio: int) -> int:
        self._note("gpio_read", gpio)
        if self.mute:
            raise LgpioError("bad GPIO read")
        return self.line(gpio).shows[-1] or 0

    def gpio_write(self, _handle: int, gpio: int, level: int) -> int:
        self._note("gpio_write", gpio, int(level))
        if gpio in self.broken:
            raise LgpioError("bad GPIO write")
        if not self.line(gpio).mode & IS_OUT:
            raise LgpioError("GPIO is not an output")
        if gpio not in self.deaf:
            self.line(gpio).show(int(bool(level)))
        return 0

    def _refuse_held(self, gpio: int) -> None:
        if gpio in self.held:
            raise LgpioError("GPIO busy")

    def become_lgpio(self, module: MutableMapping[str, object]) -> None:
        """Put everything that gpiozero and `gate.pins` use of lgpio into a module's namespace."""
        module.update(CONSTANTS)
        module["error"] = LgpioError
        module.update({name: getattr(self, name) for name in dir(self) if name.startswith("gpio")})


@contextmanager
def raspberry_pi(pi: Pi | None = None) -> Iterator[Pi]:
    """Let this process believe that it runs on a Raspberry Pi 5 with these chips."""
    import gpiozero.pins.local as local  # noqa: PLC0415, PLR0402 - a module whose name is looked up again below

    pi = pi or Pi()
    module = types.ModuleType("lgpio")
    pi.become_lgpio(module.__dict__)
    revision, sys.modules["lgpio"] = local.get_pi_revision, module
    local.get_pi_revision = lambda: PI_5
    try:
        yield pi
    finally:
        local.get_pi_revision = revision
        for name in ("lgpio", "gpiozero.pins.lgpio"):
            sys.modules.pop(name, None)
        local.LocalPiFactory.pins.clear()
        local.LocalPiFactory._reservations.clear()


def as_module_for(folder: Path, *, held: frozenset[int] = frozenset()) -> dict[str, str]:
    """Write a `lgpio.py` into a folder; return the environment in which a program finds it.

    As the real one does, it leaves a file where it is imported. The calls are in `folder`/calls.jsonl.
    """
    (folder / "lgpio.py").write_text("from tests.lgpio_stub import stand_in\nstand_in(globals())\n", encoding="ascii")
    return {
        **os.environ,
        "PYTHONPATH": f"{folder}:{ROOT}",
        CALLS: str(folder / "calls.jsonl"),
        HELD: ",".join(map(str, sorted(held))),
    }


def stand_in(module: MutableMapping[str, object]) -> None:
    """Be lgpio in a process of its own, as its environment says."""
    import gpiozero.pins.local as local  # noqa: PLC0415, PLR0402 - as above

    Path(".lgd-nfy0").touch()
    local.get_pi_revision = lambda: PI_5
    held = frozenset(int(line) for line in os.environ[HELD].split(",") if line)
    Pi(held=held, file=Path(os.environ[CALLS])).become_lgpio(module)
