"""Headlights of strangers at night, as light on the picture: nobody is in the yard, yet it grows bright.

Two of them take turns. One drives behind the camera's back and turns off: its light sweeps over walls and leaf, with a
sharp upper edge, and nothing else is seen. The other comes down the road towards the gate, dazzles the camera, throws
light through the gateway onto the yard and turns away. `light` follows from the time alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.things import GATE_Z_M
from camera.view import Lens
from camera.village import BEAM_LOW_M, HALF_GATE_M

ROUND_S = 12.0
SWEEP_S = (0.5, 3.7)
COMES_S = (5.0, 9.0)
TURNS_S = 1.6
FARTHEST_M, NEAREST_M = 50.0, 25.0
COMES_UP_S = 0.8
LAMP_M = 0.7
CUT_OFF = 0.46

Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Light:
    """What a light does to luma: times (1 + `more`), plus `veil` (grey levels). Both (rows, columns) float32."""

    more: Map
    veil: Map


def light(lens: Lens, at_s: float) -> Light | None:
    """Return what passing headlights do to a picture of `lens`' size at a time, None between two of them."""
    into_s = at_s % ROUND_S
    if SWEEP_S[0] <= into_s < SWEEP_S[1]:
        return _sweep(lens, (into_s - SWEEP_S[0]) / (SWEEP_S[1] - SWEEP_S[0]))
    if COMES_S[0] <= into_s < COMES_S[1] + TURNS_S:
        return _come(lens, into_s - COMES_S[0])
    return None


def _grid(lens: Lens) -> tuple[Map, Map]:
    rows, columns = np.mgrid[0 : lens.height, 0 : lens.width].astype(np.float32)
    return columns / lens.width, rows / lens.height


def _sweep(lens: Lens, part: float) -> Light:
    """Let two cones of light cross the picture from the left, below a sharp edge."""
    across, down = _grid(lens)
    middle = -0.35 + 1.7 * part**1.4
    cones = sum(np.exp(-(((across - middle - side) / 0.13) ** 2)) for side in (-0.05, 0.05))
    below = down - CUT_OFF
    level = np.where(below < 0, np.exp(-((below / 0.05) ** 2)), np.exp(-((below / 0.3) ** 2)))
    return Light(more=np.asarray(1.7 * cones * level, np.float32), veil=np.zeros_like(across))


def _come(lens: Lens, into_s: float) -> Light:
    """Let a vehicle come towards the gate and turn to the right before it."""
    coming_s = COMES_S[1] - COMES_S[0]
    way = min(1.0, into_s / coming_s)
    z = FARTHEST_M - (FARTHEST_M - NEAREST_M) * way
    turned = max(0.0, into_s - coming_s) / TURNS_S
    x = 0.9 + 3.2 * turned**2
    facing = math.cos(turned * math.pi / 2) ** 3 * min(1.0, into_s / COMES_UP_S)
    across, down = _grid(lens)
    veil = np.zeros_like(across)
    for side in (-0.62, 0.62):
        at = lens.project([(x + side, LAMP_M, z)])[0]
        away = np.hypot(across * lens.width - at[0], down * lens.height - at[1]) / lens.width
        veil += 420 * np.exp(-((away / (0.006 + 0.25 / z)) ** 2)) + 70 * (NEAREST_M / z) * np.exp(-away / 0.12)
    return Light(more=_through(lens, x, z) * facing, veil=np.asarray(veil * facing, np.float32))


def _through(lens: Lens, x: float, z: float) -> Map:
    """Return what of the light of lamps at (x, z) falls through the gateway: on the yard, and on what stands in it."""
    edges = [(-HALF_GATE_M, BEAM_LOW_M), (HALF_GATE_M, BEAM_LOW_M)]
    near = [x + (edge - x) * (z - 2.5) / (z - GATE_Z_M) for edge, _ in edges]
    floor = [(near[0], 0.0, 2.5), (edges[0][0], 0.0, GATE_Z_M), (edges[1][0], 0.0, GATE_Z_M), (near[1], 0.0, 2.5)]
    lit = np.zeros((lens.height, lens.width), np.uint8)
    points = np.round(np.clip(lens.project(floor), -4000, 4000) * 16).astype(np.int32)
    cv2.fillPoly(lit, [points], (255,), cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(lit, (0, 0), lens.width / 90)
    return np.asarray(soft.astype(np.float32) * (1.3 * NEAREST_M / z / 255))
