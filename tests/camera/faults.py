"""What befalls a camera, laid over luma planes: faults that must be named, and nuisances that must not.

A change takes a plane and the time in seconds, and returns the plane as the camera would then deliver it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Plane: TypeAlias = NDArray[np.uint8]
Change: TypeAlias = Callable[[Plane, float], Plane]

LEAD_S = 25.0
"""When the lorry among the nuisances is on its way: it stands there from 1 s after this to 9 s after."""


def warped(plane: Plane, x: float = 0.0, y: float = 0.0, degrees: float = 0.0, zoom: float = 1.0) -> Plane:
    """Return the plane as a camera sees it that was pushed by fractions of the picture, turned, or zoomed."""
    height, width = plane.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, zoom)
    matrix[:, 2] += (x * width, y * height)
    return np.asarray(cv2.warpAffine(plane, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def blurred(plane: Plane, sigma: float) -> Plane:
    """Return the plane out of focus; `sigma` in pixels of a plane 320 wide."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.uint8)


@functools.cache
def _noise(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.random.default_rng(6).standard_normal((11, *shape), np.float32)


def noisy(values: NDArray[np.float32] | NDArray[np.float64], at_s: float, spread: float = 2.0) -> Plane:
    """Return grey levels with a sensor's noise as a plane."""
    noise = _noise(values.shape)[round(at_s * 100) % 11]
    return np.asarray(np.clip(values + noise * np.float32(spread), 0, 255).astype(np.uint8))


@functools.cache
def _far(shape: tuple[int, int], x: float, y: float, *, round_: bool) -> NDArray[np.float32]:
    """Return how far each pixel is from a place: in widths of the picture, or in its own proportions."""
    height, width = shape
    down, across = np.mgrid[0:height, 0:width]
    below = (down - height * y) / (width if round_ else height)
    return np.asarray(np.hypot((across - width * x) / width, below), np.float32)


def _sheet(plane: Plane, left: float, right: float) -> NDArray[np.float64]:
    """Return a plane that goes softly from one grey level to another."""
    return np.tile(np.linspace(left, right, plane.shape[1]), (plane.shape[0], 1))


def _torch(plane: Plane, share: float) -> NDArray[np.float64]:
    """Return what a strong lamp in the middle leaves after the exposure has gone down."""
    distance = _far((plane.shape[0], plane.shape[1]), 0.5, 0.5, round_=False)
    glow = np.clip(1.6 - distance / share, 0, 1) * 255
    return np.asarray(np.maximum(glow, plane * 0.04), np.float64)


@functools.cache
def _fingers(height: int, width: int) -> NDArray[np.float64]:
    gap = np.zeros((height, width))
    cv2.line(gap, (round(width * 0.6), 0), (round(width * 0.66), height // 2), 90.0, width // 16)
    return np.asarray(cv2.GaussianBlur(gap, (0, 0), width / 30), np.float64)


def _hand(plane: Plane, _: float) -> NDArray[np.float64]:
    """Return a hand that lies on the lens: dark, soft, with light between two fingers."""
    return np.asarray(_sheet(plane, 18, 55) + _fingers(plane.shape[0], plane.shape[1]), np.float64)


def _spray(plane: Plane, _: float) -> NDArray[np.float64]:
    """Return paint over nine tenths of the lens; the rest shows the view."""
    height, width = plane.shape
    mask = np.zeros(plane.shape, np.float32)
    cv2.ellipse(mask, (round(width * 0.52), round(height * 0.55)), (round(width * 0.62), round(height * 0.6)),
                0, 0, 360, 1.0, cv2.FILLED)  # fmt: skip
    share = cv2.GaussianBlur(mask, (0, 0), width / 40)
    return np.asarray(plane * (1 - share) + 70 * share, np.float64)


FAULTS: dict[str, tuple[str, Change]] = {
    "black tape": ("covered", lambda plane, at_s: noisy(np.full(plane.shape, 16.0), at_s, 1.0)),
    "grey bag": ("covered", lambda plane, at_s: noisy(_sheet(plane, 85, 120), at_s)),
    "hand": ("covered", lambda plane, at_s: noisy(_hand(plane, at_s), at_s)),
    "paint over 9/10": ("covered", lambda plane, at_s: noisy(_spray(plane, at_s), at_s)),
    "white-out": ("blinded", lambda plane, at_s: noisy(np.clip(plane * 3.0 + 150, 0, 255), at_s)),
    "torch": ("blinded", lambda plane, at_s: noisy(_torch(plane, 0.28), at_s)),
    "shift 5 %": ("moved", lambda plane, _: warped(plane, 0.05, 0.01)),
    "shift 10 %": ("moved", lambda plane, _: warped(plane, -0.1, 0.04)),
    "turn 5°": ("moved", lambda plane, _: warped(plane, degrees=5)),
    "turn 8°, nearer": ("moved", lambda plane, _: warped(plane, degrees=-8, zoom=1.08)),
    "another view": ("moved", lambda plane, _: np.ascontiguousarray(plane[::-1, ::-1])),
    "soft (2.5 px)": ("defocused", lambda plane, _: blurred(plane, 2.5)),
    "soft (5 px)": ("defocused", lambda plane, _: blurred(plane, 5)),
    "soft (12 px)": ("defocused", lambda plane, _: blurred(plane, 12)),
}


def _lamp_fails(plane: Plane, at_s: float) -> Plane:
    return noisy(plane * 0.15, at_s)


def _fog(plane: Plane, at_s: float) -> Plane:
    return noisy(plane * 0.3 + 120, at_s, 1.5)


def _rain(plane: Plane, at_s: float) -> Plane:
    rng = np.random.default_rng(round(at_s * 1000))
    wet = (plane * 0.8 + 20).astype(np.uint8)
    height, width = plane.shape
    for x, y, size in rng.random((250, 3)) * (width, height, 1):
        end = (int(x - size * 3), int(y + 4 + size * 14))
        cv2.line(wet, (int(x), int(y)), end, min(255, int(wet[int(y), int(x)]) + 60), 1)
    return noisy(wet.astype(np.float32), at_s)


def _lorry(plane: Plane, at_s: float) -> Plane:
    """Put a lorry's side over four fifths of the picture for 8 s of the 12."""
    height, width = plane.shape
    gone = at_s % 1000 - LEAD_S
    if not 1.0 <= gone <= 9.0:
        return plane
    shown = plane.copy()
    shown[round(height * 0.06) : round(height * 0.94), round(width * 0.05) : round(width * 0.97)] = 118
    shown[round(height * 0.5) : round(height * 0.53), round(width * 0.05) : round(width * 0.97)] = 60
    for column in np.linspace(0.08, 0.92, 9):
        shown[round(height * 0.08) : round(height * 0.5), round(width * column)] = 90
    return noisy(shown.astype(np.float32), at_s)


def _headlights(plane: Plane, at_s: float) -> Plane:
    """Let a car's two headlights stand in the picture."""
    shown = plane * 0.6
    for centre in (0.42, 0.58):
        far = _far((plane.shape[0], plane.shape[1]), centre, 0.6, round_=True)
        shown = shown + 400 * np.exp(-far / 0.035)
    return noisy(np.clip(shown, 0, 255), at_s)


def _shake(plane: Plane, at_s: float) -> Plane:
    rng = np.random.default_rng(round(at_s * 1000))
    return warped(plane, *(rng.uniform(-0.01, 0.01, 2)))


def _insect(plane: Plane, at_s: float) -> Plane:
    """Let a moth sit on the lens, large and soft, and walk a little."""
    height, width = plane.shape
    spot = np.zeros(plane.shape, np.float32)
    centre = (round(width * (0.35 + 0.05 * np.sin(at_s / 3))), round(height * 0.5))
    cv2.circle(spot, centre, width // 6, 1.0, cv2.FILLED)
    share = cv2.GaussianBlur(spot, (0, 0), width / 30)
    return np.asarray((plane * (1 - share) + 190 * share).astype(np.uint8))


def _lightning(plane: Plane, at_s: float) -> Plane:
    return np.asarray(np.clip(plane * 2.0 + 90, 0, 255).astype(np.uint8)) if round(at_s * 5) % 9 < 2 else plane


NUISANCES: dict[str, Change] = {
    "lamp fails": _lamp_fails, "fog": _fog, "rain": _rain, "lorry for 8 s": _lorry, "headlights": _headlights,
    "shake": _shake, "moth on the lens": _insect, "lightning": _lightning,
    "negative (infrared)": lambda plane, at_s: noisy(220.0 - plane * 0.8, at_s),
    "exposure steps": lambda plane, at_s: noisy(plane * (0.6 if int(at_s) % 4 < 2 else 1.3), at_s),
}  # fmt: skip
