"""`[gate.pins]`: which line of the header each signal is wired to.

The names are those of `gate.model` (`Relay`, `Sensor`) and of its `Outputs`; a test compares them. Which of them a
drive needs, and which it must not have, is a rule between keys: `gate_rules.py`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config.section import Section

HIGHEST_LINE = 27  # GPIO lines on the 40-pin header of every Raspberry Pi
LOWEST_OUTPUT_LINE = 9  # 0 to 8 are pulled high from power-on until the keeper claims them: docs/wiring.md


class InputPin(Section):
    """One sensor line: where it is wired and which level means that the sensor is active."""

    line: int = Field(ge=0, le=HIGHEST_LINE, description="GPIO line (BCM number).")
    active: Literal["high", "low"] = Field(
        default="low", description="Level when the limit is reached, the beam is broken, the button is pressed."
    )
    pull: Literal["up", "down", "none"] = Field(
        default="up", description="Internal resistor; 'none' where the board has one of its own."
    )


class OutputPin(Section):
    """One relay or lamp line and the level that switches it on."""

    line: int = Field(
        ge=LOWEST_OUTPUT_LINE,
        le=HIGHEST_LINE,
        description="GPIO line (BCM number). Lines 0 to 8 are high at power-on and could switch a relay by themselves.",
    )
    active: Literal["high", "low"] = Field(
        default="high", description="Level that switches the output on; 'high' is the safer board (docs/wiring.md)."
    )


class Pins(Section):
    """Which line each signal is wired to. What a site does not have is left out."""

    open_relay: OutputPin | None = Field(
        default=None, description="Drives 'held' and 'momentary': runs the leaf open, or pulses the board's OPEN."
    )
    close_relay: OutputPin | None = Field(
        default=None, description="Drives 'held' and 'momentary': runs the leaf closed, or pulses the board's CLOSE."
    )
    stop_relay: OutputPin | None = Field(default=None, description="Drive 'momentary': pulses the board's STOP.")
    step_relay: OutputPin | None = Field(default=None, description="Drive 'step': presses the operator's one button.")
    lamp: OutputPin | None = Field(default=None, description="Warning lamp, on before and during every move.")
    buzzer: OutputPin | None = Field(default=None, description="Buzzer, on during the warning before a close.")
    siren: OutputPin | None = Field(default=None, description="Siren; which alarms sound it: [alarms].")
    light: OutputPin | None = Field(default=None, description="Courtesy light over the gateway.")
    beam_test: OutputPin | None = Field(
        default=None, description="Test input of the photocell: on, the beam must read broken. Tried before a close."
    )
    limit_open: InputPin = Field(description="Limit switch, active when the leaf is fully open.")
    limit_closed: InputPin = Field(description="Limit switch, active when the leaf is fully closed.")
    beam: InputPin | None = Field(default=None, description="Photocell across the gateway, active when broken.")
    edge: InputPin | None = Field(default=None, description="Safety edge of the leaf, active when pressed.")
    estop: InputPin | None = Field(default=None, description="Emergency stop, active when pressed.")
    emergency: InputPin | None = Field(
        default=None, description="Emergency opening (fire panel, key switch), active while it asks for the gate open."
    )
    release: InputPin | None = Field(default=None, description="Manual release of the leaf, active when pulled.")
    maintenance: InputPin | None = Field(
        default=None, description="Key switch in the cabinet, active in maintenance: hold-to-run at the cabinet only."
    )
    cabinet: InputPin | None = Field(default=None, description="Door contact of the cabinet, active when open.")
    open_button: InputPin | None = Field(
        default=None, description="Hold-to-run button in the cabinet, opens while pressed, in maintenance only."
    )
    close_button: InputPin | None = Field(
        default=None, description="Hold-to-run button in the cabinet, closes while pressed, in maintenance only."
    )
    stop_button: InputPin | None = Field(default=None, description="Stop button at the gate, active when pressed.")
    exit_loop: InputPin | None = Field(
        default=None, description="Loop or button inside that asks to be let out, active while somebody is there."
    )
    mains_lost: InputPin | None = Field(default=None, description="Supply monitor, active while the mains are gone.")
    battery_low: InputPin | None = Field(default=None, description="Battery monitor, active while it is low.")

    def by_line(self) -> list[tuple[str, int]]:
        """Return (signal, line) of every pin that is wired."""
        return [(name, pin.line) for name, pin in self.wired().items()]

    def wired(self) -> dict[str, InputPin | OutputPin]:
        """Return every pin that is wired, under its name."""
        pins = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: pin for name, pin in pins if pin is not None}
