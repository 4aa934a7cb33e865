"""How the Pi's sensor is exposed by day and by night: libcamera's controls as values. Pure.

The automatic exposure stays libcamera's own. What is chosen here is how far it may go: by day a frame is no longer than
the frame rate asks for; in the dark a longer one gives less noise, which the detector, the bit rate and the eye all
prefer to gain. Night begins and ends by the sensor's own estimate of the light (`Lux`) with a wide gap and a long
patience between, because a switch is itself seen as a change of light.

Lamps on the mains flicker at twice its frequency: exposures are kept to multiples of 10 ms (50 Hz, Vietnam).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Controls: TypeAlias = dict[str, object]
Mode: TypeAlias = Literal["auto", "day", "night"]

# libcamera's enumerations; they are numbers for picamera2 too.
NORMAL_EXPOSURE, LONG_EXPOSURE = 0, 2
FAST_DENOISE, CAREFUL_DENOISE = 1, 2
MANUAL_FLICKER = 1
FLICKER_PERIOD_US = 10_000

DARK_LUX, BRIGHT_LUX = 8.0, 40.0
PATIENCE_S = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposing:
    """What the configuration asks: the mode, the longest exposure by night, compensation in stops."""

    mode: Mode = "auto"
    longest_ms: float = 100.0
    ev: float = 0.0


def controls(asked: Exposing, fps: float, *, night: bool, offered: Mapping[str, object]) -> Controls:
    """Return the controls for day or night, of those that this camera offers (picamera2 refuses all others)."""
    frame_us = round(1_000_000 / fps)
    longest_us = max(frame_us, round(asked.longest_ms * 1000)) if night else frame_us
    wanted: Controls = {
        "AeEnable": True,
        "AeExposureMode": LONG_EXPOSURE if night else NORMAL_EXPOSURE,
        "AeFlickerMode": MANUAL_FLICKER,
        "AeFlickerPeriod": FLICKER_PERIOD_US,
        "ExposureValue": float(asked.ev),
        "FrameDurationLimits": (frame_us, longest_us),
        "NoiseReductionMode": CAREFUL_DENOISE if night else FAST_DENOISE,
    }
    return {name: value for name, value in wanted.items() if name in offered}


class Dusk:
    """Tells day from night. Feed it each frame's `Lux`, in order of time."""

    def __init__(self, mode: Mode) -> None:
        self.night = mode == "night"
        self._fixed = mode != "auto"
        self._since_s: float | None = None

    def look(self, lux: float | None, at_s: float) -> bool:
        """Take one frame's light; tell whether night has just begun or ended."""
        if self._fixed or lux is None:
            return False
        against = lux > BRIGHT_LUX if self.night else lux < DARK_LUX
        if not against:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = at_s
        elif at_s - self._since_s >= PATIENCE_S:
            self.night, self._since_s = not self.night, None
            return True
        return False
