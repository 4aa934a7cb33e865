"""The detector's figures, each with its reason. Pure data.

Levels are grey levels of 0-255, times seconds, areas and shares fractions; pixels are those of the grid of about
160x90. A person of 1.7 m who is a tenth of the picture high is 9 pixels high and 3 wide on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """Figures of the detector.

    A pixel differs when it is further off than `noise_factor` times the picture's median change (within
    `lowest_floor`, one step of a compressed picture, and `highest_floor`, beyond which a dark coat at night would be
    lost) plus `spread_factor` times its own usual spread. It is dropped as noise where of the 9 pixels around no more
    than `lone` differ.

    Fine structure counts from `new_structure` times that floor, and where the plane is brighter, from `focus` times
    that: what is in focus has edges. A region needs it on `least_structure` of its pixels, and `smallest` pixels. It
    sways where fewer than `foreign` of its pixels show what the background shows nowhere near.

    The background follows in `learn_s`, slower than anyone crosses a picture; a new view is taken in `first_learn_s`.
    A pool of light covers more than `pool` of the picture. What is smaller than `crumb` of it, came up with a change of
    the light and stays as it was for `light_s` is the light's.

    A hole is learned after `hole_s`, a resting thing after `rest_s`: longer than people stand and wait. A pixel is
    still while it changes by less than `still_share` of what would make it differ. More than `most_changed` at once is
    the view. The gate's own parts are not searched for `settle_s` after it moved.

    Where more than `unsteady` of the picture differs, in more than `wide` of its rows and columns, the camera may have
    been shaken; then each pixel is compared with its neighbours too, for `steady_s`. After a jump of the light,
    `jump_share` of it may be left over: lenses and tone curves are not quite linear.
    """

    lowest_floor: float = 3.0
    highest_floor: float = 8.0
    noise_factor: float = 7.0
    spread_factor: float = 2.0
    new_structure: float = 0.55
    least_structure: float = 0.3
    focus: float = 0.1
    lone: int = 2
    smallest: int = 4
    learn_s: float = 8.0
    first_learn_s: float = 1.0
    hole_s: float = 4.0
    light_s: float = 1.0
    rest_s: float = 30.0
    still_share: float = 0.5
    most_changed: float = 0.6
    settle_s: float = 1.0
    unsteady: float = 0.015
    wide: float = 0.5
    steady_s: float = 2.0
    jump_share: float = 0.25
    foreign: float = 0.12
    pool: float = 0.02
    crumb: float = 0.01


TUNINGS: Mapping[Literal["day", "night"], Tuning] = {"day": Tuning(), "night": Tuning(focus=0.15)}
"""By night a moth in the camera's own infrared is the brightest thing of all."""
