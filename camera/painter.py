"""The simulated yard as it is, kept as one picture and brought up to date.

`Painter` owns the picture and redraws only the part in which something changed: far things, leaf, gateway, near things,
then the light on them and what shines by itself. What lies between the yard and the recorded picture (rain, the lens,
the camera's mast and exposure) is the affair of `eye.py`.
"""

from __future__ import annotations

import cv2
import numpy as np

from camera import lighting, things, village
from camera.source import Picture
from camera.view import NOWHERE, Brush, Lens, Rect
from camera.yard import Yard

BLINK_S = 0.5
HEADLIGHT: lighting.Shade = (235, 245, 255)
TAIL_LIGHT: lighting.Shade = (40, 40, 235)
GREY_TAIL_LIGHT: lighting.Shade = (110, 110, 110)
INFRARED_SEES = np.array([[0.05, 0.7, 0.35]] * 3, np.float32)
"""What blue, green and red things send back of infrared light: leaves shine."""


class Painter:
    """The picture of one yard. `paint` changes it in place and tells where."""

    def __init__(self, width: int, height: int, name: str) -> None:
        self.lens = Lens(width, height)
        self._layers = village.build(self.lens, name)
        self._lights: dict[tuple[bool, bool], lighting.Lighting] = {}
        self._leaf_part = village.leaf_bounds(self.lens)
        self._crate_part = things.crate_bounds(self.lens)
        self._beacon_part = lighting.glow_bounds(self.lens, village.BEACON, 1.5)
        self._touched = NOWHERE
        self._shown: tuple[object, ...] = ()
        self.picture: Picture = np.zeros((height, width, 3), np.uint8)

    def paint(self, yard: Yard, at_s: float) -> Rect:
        """Bring the picture up to date; return the part drawn anew. `at_s` moves what blinks."""
        blink = yard.lamp and int(at_s / BLINK_S) % 2 == 0
        light = (yard.night, yard.lit, yard.grey, yard.sunny)
        shown = (light, yard.leaf, blink, yard.crate, yard.things)
        if shown == self._shown:
            return NOWHERE
        was = self._shown
        self._shown = shown
        dirty, moving = self._touched, self._moving(yard)
        self._touched = moving
        if was[:1] != shown[:1]:
            dirty = self.lens.whole
        for place, part in ((1, self._leaf_part), (2, self._beacon_part), (3, self._crate_part), (4, moving)):
            if was[place : place + 1] != shown[place : place + 1]:
                dirty |= part
        if not dirty.empty:
            self._compose(yard, dirty, blink=blink)
        return dirty

    def _moving(self, yard: Yard) -> Rect:
        part = NOWHERE
        for thing in yard.things:
            part |= things.bounds(thing, self.lens)
            if yard.night:
                for lamp in thing.lamps():
                    part |= lighting.beam_bounds(self.lens, lamp)
                for lamp in thing.tail_lamps():
                    part |= lighting.glow_bounds(self.lens, lamp, 0.6)
        return part

    def _light(self, yard: Yard) -> lighting.Lighting:
        key = (yard.lit, yard.grey)
        if key not in self._lights:
            self._lights.clear()  # one at a time: each is twice the size of the picture, and made in 20 ms
            self._lights[key] = self._make_light(yard)
        return self._lights[key]

    def _make_light(self, yard: Yard) -> lighting.Lighting:
        gate = self._layers.mask
        if yard.grey:
            return lighting.by_infrared(self.lens, gate)
        return lighting.by_night(self.lens, gate, lamp_lit=yard.lit)

    def _compose(self, yard: Yard, part: Rect, *, blink: bool) -> None:
        """Draw one part of the picture from back to front, light it, and let shine what shines."""
        layers, window = self._layers, part.window
        image = (layers.sunny if yard.sunny else layers.far)[window].copy()
        brush = Brush(self.lens, image, part)
        ordered = sorted(yard.things, key=lambda thing: thing.along)
        for thing in ordered:
            if thing.outside:
                things.draw(brush, thing, sunny=yard.sunny)
        if not (self._leaf_part & part).empty:
            village.draw_leaf(brush, yard.leaf, sunny=yard.sunny)
        cv2.copyTo(layers.gate[window], layers.mask[window], image)
        if yard.crate and not (self._crate_part & part).empty:
            things.draw_crate(brush, sunny=yard.sunny)
        for thing in ordered:
            if not thing.outside:
                things.draw(brush, thing, sunny=yard.sunny)
        if yard.night:
            if yard.grey:
                cv2.transform(image, INFRARED_SEES, dst=image)
            self._darken(brush, self._light(yard), yard)
        if blink:
            colour = HEADLIGHT if yard.grey else lighting.AMBER
            lighting.add_glow(brush, village.BEACON, 1.5 if yard.night else 0.9, colour)
        self.picture[window] = image

    def _darken(self, brush: Brush, light: lighting.Lighting, yard: Yard) -> None:
        image, window = brush.image, brush.rect.window
        factors = light.factors[window]
        lamps = [lamp for thing in yard.things for lamp in thing.lamps()]
        if lamps:
            factors = factors.copy()
            for lamp in lamps:
                lighting.add_beam(factors, self.lens, brush.rect, lamp)
        cv2.multiply(image, factors, dst=image, scale=1 / 255)
        cv2.add(image, light.shine[window], dst=image)
        for lamp in lamps:
            lighting.add_glow(brush, lamp, 1.4, HEADLIGHT)
        for thing in yard.things:
            for lamp in thing.tail_lamps():
                lighting.add_glow(brush, lamp, 0.6, GREY_TAIL_LIGHT if yard.grey else TAIL_LIGHT)
