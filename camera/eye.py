"""The simulated camera: what weather, lens, mast and exposure make of the yard before it is recorded.

`Eye.see` takes the yard's picture in planar YUV and returns the one that the camera delivers: the same planes where
nothing befalls it, its own copy (the only one of a whole picture) otherwise. In order:

1. geometry: plants in the wind, a trembling mast, a camera that was knocked and stays turned,
2. rain and insects, then the blur of a lens out of focus,
3. light: passing headlights, a torch into the lens, a hand over it, and the exposure that follows them.

The exposure is honest: what `exposure` says multiplies the light of the yard, so a step in it is a step in the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from camera import passing, weather
from camera.screen import Planes, planes
from camera.source import Exposure, Plane
from camera.view import Lens
from camera.yard import Yard

COARSE = 8
TREMBLE_PX = 1.2
TREMBLES = ((5.3, 0.0, 0.7, 0.35), (7.9, 1.3, 0.4, 0.65), (3.1, 2.2, 0.25, 0.3))
KNOCKED_DEG, KNOCKED_SHARE = 3.5, (0.07, -0.035)
BLUR_SHARE = 1 / 150
METERING_S = 0.35
METERING_BLACK = 12.0
LEAST_GAIN, MOST_GAIN = 0.35, 2.0
CLOSE_ENOUGH = 0.02

GRAIN = 0.55
GRAIN_ROOM = 32

Map = NDArray[np.float32]


class Canvas:
    """One whole picture in planar YUV (I420), and luma and chromas as views of it."""

    def __init__(self, width: int, height: int) -> None:
        self.planar: Plane = np.zeros((height * 3 // 2, width), np.uint8)
        self.planes: Planes = planes(self.planar, width, height)


@dataclass(slots=True)
class Metering:
    """An exposure that follows the light with a lag. `gain` 1.0 is what the yard's quiet picture needs."""

    gain: float = 1.0
    metered_s: float | None = None

    def follow(self, wanted: float, at_s: float) -> float:
        """Go towards the gain that is wanted now; return where it is."""
        passed_s = 0.0 if self.metered_s is None else max(0.0, at_s - self.metered_s)
        self.metered_s = at_s
        wanted = min(MOST_GAIN, max(LEAST_GAIN, wanted))
        self.gain += (wanted - self.gain) * (1.0 - math.exp(-passed_s / METERING_S))
        if abs(self.gain - wanted) < CLOSE_ENOUGH:
            self.gain = wanted
        return self.gain


def quiet_exposure(yard: Yard) -> Exposure:
    """Return what the camera settles at while nothing dazzles or covers it."""
    if yard.grey:
        return Exposure(exposure_us=33_000, gain=4.0)
    if yard.night:
        return Exposure(exposure_us=33_000, gain=2.5) if yard.lit else Exposure(exposure_us=60_000, gain=8.0)
    return Exposure(exposure_us=4_000 if yard.rain else 2_000, gain=1.0)


class Eye:
    """The camera of one picture size. One thread calls `see`; time may only grow."""

    def __init__(self, width: int, height: int) -> None:
        self._lens = Lens(width, height)
        self._coarse = Lens(max(2, width // COARSE), max(2, height // COARSE))
        self._rain: dict[bool, weather.Rain] = {}
        self._plants = weather.plants(self._lens)
        self._noise: Map | None = None
        self._seen = Canvas(width, height)
        self._metering = Metering()
        self._quiet: Exposure | None = None
        self.exposure = quiet_exposure(Yard())

    def see(self, world: Canvas, yard: Yard, at_s: float) -> Canvas:
        """Return what the camera makes of the yard's picture: `world` itself, or one that the next call changes."""
        dazzle = self._dazzle(yard, at_s)
        gain = self._expose(world.planes[0], yard, dazzle, at_s)
        insects = yard.insects and yard.night
        turned = yard.shake or yard.knocked
        lit = dazzle is not None or gain != 1.0
        if not (lit or turned or insects or yard.wind or yard.rain or yard.blur):
            return world
        if turned:
            self._turn(world.planes, yard, at_s)
        else:
            np.copyto(self._seen.planar, world.planar)
        if yard.wind and not yard.knocked:
            weather.sway(self._seen.planes, self._plants, at_s)
        luma = self._seen.planes[0]
        if yard.rain:
            if yard.night not in self._rain:
                self._rain = {yard.night: weather.Rain(self._lens.width, self._lens.height, by_day=not yard.night)}
            self._rain[yard.night].fall(luma, yard, at_s)
        if insects:
            weather.let_fly(luma, self._lens, yard, at_s)
        if yard.blur:
            for plane in self._seen.planes:
                _blur(plane)
        if lit:
            self._light(dazzle, gain, yard)
        return self._seen

    def grain(self, luma: Plane, at_s: float) -> Plane:
        """Return a plane with the sensor's noise, which grows with its gain: no two pictures of a camera are equal.

        Only what is searched for motion has it; in the recorded picture it would cost bits and be smoothed away.
        """
        rows, columns = luma.shape
        if self._noise is None or self._noise.shape != (rows + GRAIN_ROOM, columns + GRAIN_ROOM):
            room = (rows + GRAIN_ROOM, columns + GRAIN_ROOM)
            self._noise = np.random.default_rng(8).standard_normal(room, np.float32)
        top, left = np.random.default_rng(int(at_s * 1000)).integers(0, GRAIN_ROOM, 2)
        noise = self._noise[top : top + rows, left : left + columns]
        return np.asarray(cv2.scaleAdd(noise, GRAIN * self.exposure.gain**0.5, luma.astype(np.float32)).round()
                          .clip(0, 255).astype(np.uint8))  # fmt: skip

    def _dazzle(self, yard: Yard, at_s: float) -> passing.Light | None:
        """Return what light or darkness comes over the picture, None for the yard as it is."""
        if yard.hand:
            return _hand(self._coarse, yard, at_s)
        found = passing.light(self._coarse, at_s) if yard.headlights and yard.night else None
        if yard.torch:
            torch = _torch(self._coarse, at_s)
            return torch if found is None else passing.Light(found.more + torch.more, found.veil + torch.veil)
        return found

    def _expose(self, luma: Plane, yard: Yard, dazzle: passing.Light | None, at_s: float) -> float:
        """Let the exposure follow the light; return the gain over the quiet picture."""
        quiet = quiet_exposure(yard)
        if self._quiet not in {None, quiet}:  # it walks from one light to the next
            was = self.exposure.exposure_us * self.exposure.gain
            self._metering.gain = min(MOST_GAIN, max(LEAST_GAIN, was / (quiet.exposure_us * quiet.gain)))
        self._quiet = quiet
        wanted = 1.0
        if dazzle is not None:
            coarse = cv2.resize(luma, (self._coarse.width, self._coarse.height), interpolation=cv2.INTER_NEAREST)
            lit = np.minimum(coarse * (1.0 + dazzle.more) + dazzle.veil, 400.0)
            wanted = (float(coarse.mean()) + METERING_BLACK) / (float(lit.mean()) + METERING_BLACK)
        gain = self._metering.follow(wanted, at_s)
        total = quiet.gain * gain  # a camera lowers its gain first, then its time
        self.exposure = Exposure(exposure_us=quiet.exposure_us * min(1.0, total), gain=max(1.0, total))
        return gain

    def _turn(self, world: Planes, yard: Yard, at_s: float) -> None:
        height, width = world[0].shape
        angle, right, down = 0.0, 0.0, 0.0
        if yard.knocked:
            angle, right, down = KNOCKED_DEG, KNOCKED_SHARE[0] * width, KNOCKED_SHARE[1] * height
        if yard.shake:
            for hertz, phase, across, up in TREMBLES:
                swing = TREMBLE_PX * width / 1280 * math.sin(math.tau * hertz * at_s + phase)
                right, down = right + across * swing * 2, down + up * swing * 2
        for number, (seen, plane) in enumerate(zip(self._seen.planes, world, strict=True)):
            scale = 0.5 if number else 1.0
            move = cv2.getRotationMatrix2D((width * scale / 2, height * scale / 2), angle, 1.0)
            move[:, 2] = move[:, 2] + np.array((right, down)) * scale
            cv2.warpAffine(plane, move, (plane.shape[1], plane.shape[0]), dst=seen, flags=cv2.INTER_LINEAR,
                           borderMode=cv2.BORDER_REFLECT_101)  # fmt: skip

    def _light(self, dazzle: passing.Light | None, gain: float, yard: Yard) -> None:
        """Multiply and add light, in one pass over luma; what is washed out or dark loses its colour."""
        luma, *chromas = self._seen.planes
        if dazzle is None:
            cv2.convertScaleAbs(luma, dst=luma, alpha=gain)
        else:
            size = (luma.shape[1], luma.shape[0])
            times = np.clip((1.0 + dazzle.more) * (gain * 64), 0, 255).astype(np.uint8)
            veil = np.clip(dazzle.veil * gain, 0, 255).astype(np.uint8)
            cv2.multiply(luma, cv2.resize(times, size, interpolation=cv2.INTER_LINEAR), dst=luma, scale=1 / 64)
            cv2.add(luma, cv2.resize(veil, size, interpolation=cv2.INTER_LINEAR), dst=luma)
        if not yard.grey:
            left = 0.0 if yard.hand else min(1.0, gain) * (0.15 if yard.torch else 1.0)
            for chroma in chromas:
                cv2.convertScaleAbs(chroma, dst=chroma, alpha=left, beta=128 * (1 - left))


def _blur(plane: Plane) -> None:
    """Put a plane out of focus, on a quarter of its pixels."""
    height, width = plane.shape
    coarse = cv2.resize(plane, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), max(1.0, width * BLUR_SHARE / 4))
    cv2.resize(coarse, (width, height), dst=plane, interpolation=cv2.INTER_LINEAR)


def _hand(lens: Lens, yard: Yard, at_s: float) -> passing.Light:
    """Cover the lens: fingers too near to be sharp, dark by day, bright in the camera's own light."""
    across = np.linspace(0, 1, lens.width, dtype=np.float32)[None, :]
    down = np.linspace(0, 1, lens.height, dtype=np.float32)[:, None]
    drift = 0.02 * math.sin(at_s * 1.9)
    fingers = 0.5 + 0.5 * np.cos((across * 3.6 + down * 0.5 + drift) * math.tau)
    level = 90.0 if yard.grey else 5.0 if yard.night else 24.0
    veil = level * (0.45 + 0.3 * fingers + 0.25 * (1 - down))
    return passing.Light(more=np.full_like(veil, -1.0), veil=np.asarray(veil, np.float32))


def _torch(lens: Lens, at_s: float) -> passing.Light:
    """Shine into the lens: a burnt-out middle, and a veil over everything."""
    rows, columns = np.mgrid[0 : lens.height, 0 : lens.width].astype(np.float32)
    x, y = 0.54 + 0.01 * math.sin(at_s * 2.1), 0.5 + 0.012 * math.sin(at_s * 1.3)
    away = np.hypot(columns / lens.width - x, (rows / lens.height - y) * lens.height / lens.width)
    veil = 1600 * np.exp(-((away / 0.1) ** 2)) + 1200 * np.exp(-away / 0.3) + 130
    return passing.Light(more=np.zeros_like(veil), veil=np.asarray(veil, np.float32))
