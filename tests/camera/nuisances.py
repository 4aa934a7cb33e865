"""What troubles a camera and is no visitor, added to footage of any kind. Seeded: the same seed, the same trouble.

A nuisance takes the planes of a clip, their times and a generator, and returns planes of the same shape. Figures follow
what cameras at gates deliver at five frames a second: insects near an infrared lens are large, blurred and white, and
hardly ever twice in one place; headlights multiply what walls show, and glare is added on top; rain is new in each
frame; a pole shakes in gusts; exposure hunts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Planes: TypeAlias = NDArray[np.uint8]
"""(number, height, width) uint8, luma."""

Times: TypeAlias = NDArray[np.float64]
"""(number,) seconds, growing."""

Field: TypeAlias = NDArray[np.float32]
"""(height, width) float32."""

Factors: TypeAlias = NDArray[np.float32]
"""(number,) float32: how many times as bright."""

Nuisance: TypeAlias = Callable[[Planes, Times, np.random.Generator], Planes]

EXPOSED_S = 0.05
"""How long the shutter is open at night: what flies past is a streak."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flight:
    """One insect: where it is at a moment between `begin_s` and `end_s`, how large and how bright it looks."""

    begin_s: float
    end_s: float
    points: NDArray[np.float64]
    size: float
    light: float

    def at(self, at_s: float) -> tuple[float, float]:
        """Return its place in fractions of the picture, on a smooth curve through its points."""
        share = min(1.0, max(0.0, (at_s - self.begin_s) / (self.end_s - self.begin_s))) * (len(self.points) - 1)
        leg = min(int(share), len(self.points) - 2)
        turn = (1 - np.cos(np.pi * (share - leg))) / 2
        x, y = self.points[leg] * (1 - turn) + self.points[leg + 1] * turn
        return float(x), float(y)


def insects(planes: Planes, at_s: Times, rng: np.random.Generator) -> Planes:
    """Insects that fly past the lens: white blurred streaks, one every 1.5 s, 0.3 to 1.6 s long."""
    flights = []
    for begin_s in _moments(at_s, rng, 1.5):
        angle, way = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.5)
        middle = rng.uniform(0.2, 0.8, 2)
        step = np.array([np.cos(angle), np.sin(angle)]) * way / 2
        points = np.array([middle - step, middle + rng.normal(0, 0.15, 2), middle + step])
        flights.append(_flight(begin_s, rng.uniform(0.3, 1.6), points, rng))
    return _flown(planes, at_s, flights)


def moth(planes: Planes, at_s: Times, rng: np.random.Generator) -> Planes:
    """Let a moth circle before the lens for 5 s out of 12."""
    flights = []
    for begin_s in _moments(at_s, rng, 12.0):
        points = np.clip(rng.normal(0.5, 0.25, (int(rng.uniform(8, 16)), 2)), -0.1, 1.1)
        flights.append(_flight(begin_s, 5.0, points, rng))
    return _flown(planes, at_s, flights)


def rain(planes: Planes, at_s: Times, rng: np.random.Generator) -> Planes:
    """Streaks of rain, 80 to 160 in each frame, and now and then a large drop close to the lens."""
    height, width = planes.shape[1:]
    wet = np.empty_like(planes)
    for number, plane in enumerate(planes):
        streaks = np.zeros((height, width), np.float32)
        for _ in range(int(rng.integers(80, 160))):
            x, y = rng.uniform(0, width), rng.uniform(-10, height)
            long = rng.uniform(0.04, 0.14) * height
            _line(streaks, (x, y), (x - 0.18 * long, y + long), rng.uniform(8, 35), 1)
        if rng.random() < 0.1:
            x, y, long = rng.uniform(0, width), rng.uniform(0, height), 0.4 * height
            _line(streaks, (x, y), (x - 0.1 * long, y + long), rng.uniform(20, 60), max(2, width // 50))
        wet[number] = _clipped(plane + cv2.GaussianBlur(streaks, (0, 0), 0.7))
    return wet


def sweep(planes: Planes, at_s: Times, rng: np.random.Generator) -> Planes:
    """Headlights of a car outside: a cone goes over walls and ground in 1.5 to 3 s, every 7 s; glare on top."""
    lit = planes.copy()
    for begin_s in _moments(at_s, rng, 7.0):
        long_s, strength, glare = rng.uniform(1.5, 3.0), rng.uniform(0.8, 2.5), rng.uniform(4, 20)
        forth, high, tilt = rng.random() < 0.5, rng.uniform(0.3, 0.7), rng.uniform(-25, 25)
        for number in _during(at_s, begin_s, long_s):
            share = (at_s[number] - begin_s) / long_s
            x = -0.3 + 1.6 * (share if forth else 1 - share)
            cone = _glow(planes.shape[1:], (x, high), (0.22, 0.35), tilt)
            core = _glow(planes.shape[1:], (x, high), (0.06, 0.08), tilt)
            lit[number] = _clipped(lit[number] * (1 + strength * (cone + core)) + glare * cone)
    return lit


def shake(planes: Planes, at_s: Times, rng: np.random.Generator) -> Planes:
    """Gusts of 2 s, every 5 s, that shake the pole by 1, 2, 3 and 4 pixels of the detection plane."""
    height, width = planes.shape[1:]
    shaken = planes.copy()
    for reach, begin_s in zip(itertools.cycle((1, 2, 3, 4)), _moments(at_s, rng, 5.0), strict=False):
        for number in _during(at_s, begin_s, 2.0):
            across, down = rng.uniform(-1, 1) * reach, rng.uniform(-1, 1) * reach
            shift = np.array([[1, 0, across], [0, 1, down]], np.float32)
            shaken[number] = cv2.warpAffine(planes[number], shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return shaken


def gain(planes: Planes, at_s: Times, rng: np.random.Generator) -> Planes:
    """Exposure that steps, as `gain_steps` has it."""
    return _scaled(planes, gain_steps(at_s, rng))


def gain_steps(at_s: Times, rng: np.random.Generator) -> Factors:
    """Return how bright each picture is: every 5 s 1.2 to 1.7 times brighter or darker, at once, or as it was."""
    factors = np.ones(len(at_s), np.float32)
    changed = False
    for begin_s in _moments(at_s, rng, 5.0):
        step = rng.uniform(1.2, 1.7) ** rng.choice((-1, 1))
        changed = not changed
        factors[at_s >= begin_s] = step if changed else 1.0
    return factors


def hunting(planes: Planes, at_s: Times, rng: np.random.Generator) -> Planes:
    """Exposure that hunts for 6 s out of 10: up and down by 20 percent in 1 to 2.5 s."""
    factors = np.ones(len(at_s), np.float32)
    for begin_s in _moments(at_s, rng, 10.0):
        period_s = rng.uniform(1.0, 2.5)
        for number in _during(at_s, begin_s, 6.0):
            factors[number] = 1 + 0.2 * np.sin(2 * np.pi * (at_s[number] - begin_s) / period_s)
    return _scaled(planes, factors)


def cloud(planes: Planes, at_s: Times, rng: np.random.Generator) -> Planes:
    """Let the soft edge of a cloud's shadow come over the picture in 3 to 6 s, stay and go; every 15 s."""
    height, width = planes.shape[1:]
    across = (
        np.linspace(0, 1, width, dtype=np.float32)[None, :] + np.linspace(0, 0.4, height, dtype=np.float32)[:, None]
    )
    shaded = planes.copy()
    for begin_s in _moments(at_s, rng, 15.0):
        over_s, dark, soft = rng.uniform(3, 6), rng.uniform(0.5, 0.75), rng.uniform(0.05, 0.2)
        for number in _during(at_s, begin_s, 2 * over_s + 2):
            gone_s = at_s[number] - begin_s
            front = -0.2 + 1.8 * (gone_s / over_s if gone_s < over_s + 1 else (2 * over_s + 2 - gone_s) / over_s)
            shade = 1 - (1 - dark) / (1 + np.exp((across - front) / (soft / 4)))
            shaded[number] = _clipped(shaded[number] * shade)
    return shaded


def flicker(planes: Planes, at_s: Times, rng: np.random.Generator) -> Planes:
    """Failing lamps: a part of the picture flickers at random for 4 s out of 8, by up to 50 percent."""
    lit = planes.copy()
    for begin_s in _moments(at_s, rng, 8.0):
        cone = _glow(planes.shape[1:], (rng.uniform(0.2, 0.8), rng.uniform(0.1, 0.6)), (0.2, 0.3), 0)
        for number in _during(at_s, begin_s, 4.0):
            lit[number] = _clipped(lit[number] * (1 + cone * rng.uniform(0, 0.5)))
    return lit


def lamp(planes: Planes, at_s: Times, rng: np.random.Generator) -> Planes:
    """Somebody's lamp goes on for 6 s every 14 s and lights a part of the picture 1.5 to 2.2 times as bright."""
    lit = planes.copy()
    for begin_s in _moments(at_s, rng, 14.0):
        cone = _glow(planes.shape[1:], (rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8)), (0.18, 0.3), 0)
        brighter = 1 + cone * rng.uniform(0.5, 1.2)
        for number in _during(at_s, begin_s, 6.0):
            lit[number] = _clipped(lit[number] * brighter)
    return lit


NUISANCES: dict[str, Nuisance] = {
    "insects": insects, "moth": moth, "rain": rain, "sweep": sweep, "shake": shake, "gain": gain, "hunting": hunting,
    "cloud": cloud, "flicker": flicker, "lamp": lamp,
}  # fmt: skip


def _moments(at_s: Times, rng: np.random.Generator, every_s: float) -> Iterator[float]:
    """Yield when something begins: about every so often, first when a detector had 2 s to learn the view."""
    moment_s = float(at_s[0]) + 2.0 + rng.uniform(0, every_s / 3)
    while moment_s < at_s[-1]:
        yield moment_s
        moment_s += every_s * rng.uniform(0.7, 1.3)


def _during(at_s: Times, begin_s: float, long_s: float) -> NDArray[np.intp]:
    return np.flatnonzero((at_s >= begin_s) & (at_s < begin_s + long_s))


def _flight(begin_s: float, long_s: float, points: NDArray[np.float64], rng: np.random.Generator) -> Flight:
    return Flight(
        begin_s=begin_s, end_s=begin_s + long_s, points=points, size=rng.uniform(0.02, 0.09),
        light=rng.uniform(50, 170),
    )  # fmt: skip


def _flown(planes: Planes, at_s: Times, flights: list[Flight]) -> Planes:
    height, width = planes.shape[1:]
    seen = planes.copy()
    for flight in flights:
        for number in _during(at_s, flight.begin_s, flight.end_s - flight.begin_s):
            here, there = flight.at(at_s[number]), flight.at(at_s[number] + EXPOSED_S)
            spot = np.zeros((height, width), np.float32)
            thick = max(1, round(flight.size * width))
            _line(spot, (here[0] * width, here[1] * height), (there[0] * width, there[1] * height), 1.0, thick)
            cv2.GaussianBlur(spot, (0, 0), 0.5 + thick / 3, dst=spot)
            # The same light over a longer way is fainter.
            way = np.hypot((there[0] - here[0]) * width, (there[1] - here[1]) * height)
            seen[number] = _clipped(seen[number] + spot * np.float32(flight.light * (thick / (thick + way)) ** 0.5))
    return seen


def _line(image: Field, start: tuple[float, float], end: tuple[float, float], light: float, thick: int) -> None:
    """Draw a line with parts of pixels."""
    points = [(round(x * 8), round(y * 8)) for x, y in (start, end)]
    cv2.line(image, points[0], points[1], light, thick, cv2.LINE_8, 3)


def _glow(shape: tuple[int, ...], middle: tuple[float, float], reach: tuple[float, float], tilt_deg: float) -> Field:
    """Return light that falls off from a middle, 1 to 0; places and reaches are fractions of the picture."""
    height, width = shape
    turn = np.deg2rad(tilt_deg)
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :] - np.float32(middle[0])
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None] - np.float32(middle[1])
    along = (x * np.cos(turn) + y * np.sin(turn)) / reach[0]
    across = (y * np.cos(turn) - x * np.sin(turn)) / reach[1]
    return np.asarray(np.exp(-(along**2 + across**2)), np.float32)


def _scaled(planes: Planes, factors: Factors) -> Planes:
    bright = np.empty_like(planes)
    for number, plane in enumerate(planes):
        bright[number] = _clipped(plane * factors[number])
    return bright


def _clipped(planes: Field) -> Planes:
    return np.asarray(np.clip(planes, 0, 255), np.uint8)
