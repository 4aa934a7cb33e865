"""The drawn yard as luma planes with a sensor's noise, for the stories of trust and gateway. Drawn once each."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.painter import Painter
from camera.source import shrink
from camera.things import Thing
from camera.yard import Yard

Plane = NDArray[np.uint8]
Levels = NDArray[np.float32]
SIZE = (640, 360)
NOISE = 1.5

DAY = Yard()
OVERCAST = Yard(rain=True)
INFRARED = Yard(night=True)
LIT = Yard(night=True, light=True)


def passing(kind: str, along: float, direction: int = 1) -> tuple[Thing, ...]:
    """Return one thing on the road; `along` is 0 in the gateway, negative outside."""
    return (Thing(number=1, kind=kind, along=along, direction=direction),)


class Drawn:
    """A painter whose pictures are kept."""

    def __init__(self) -> None:
        self._painter = Painter(*SIZE, "Cổng thôn 3")
        self._known: dict[Yard, Levels] = {}
        rng = np.random.default_rng(3)
        self._noise = itertools.cycle([rng.normal(0, NOISE, (180, 320)).astype(np.float32) for _ in range(7)])

    def levels(self, yard: Yard) -> Levels:
        """Return the (180, 320) grey levels of a yard without noise."""
        if yard not in self._known:
            self._painter.paint(yard, 100.0)
            grey = np.asarray(cv2.cvtColor(self._painter.picture, cv2.COLOR_BGR2GRAY), np.uint8)
            self._known[yard] = shrink(grey, (320, 180)).astype(np.float32)
        return self._known[yard]

    def noisy(self, levels: Levels) -> Plane:
        """Return grey levels as a sensor delivers them."""
        return np.asarray(np.clip(levels + next(self._noise), 0, 255).astype(np.uint8))
