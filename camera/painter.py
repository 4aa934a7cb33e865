"""The picture of the simulated yard, kept and brought up to date.

`Painter` owns one picture and redraws only the part in which something changed: far things, leaf, gateway, near things,
then the light on them and what shines by itself, then the burnt-in clock and name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from camera import lettering, lighting, things, village
from camera.source import Picture
from camera.things import Thing
from camera.view import NOWHERE, Brush, Lens, Rect
from gate.model import JsonObject

BLINK_S = 0.5
HEADLIGHT: tuple[int, int, int] = (235, 245, 255)
RAIN_STREAKS = 220
INSECTS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Yard:
    """What the scene shows of the yard. `leaf` is 0 closed to 1 open."""

    leaf: float = 0.0
    things: tuple[Thing, ...] = ()
    lamp: bool = False
    light: bool = False
    night: bool = False
    rain: bool = False
    insects: bool = False


def read_yard(data: JsonObject) -> Yard:
    """Read a `yard` push; what is missing or of a wrong type counts as absent."""
    listed = data.get("things")
    leaf = data.get("leaf")
    return Yard(
        leaf=min(1.0, max(0.0, float(leaf))) if isinstance(leaf, int | float) else 0.0,
        things=tuple(thing for entry in listed if (thing := _read_thing(entry))) if isinstance(listed, list) else (),
        lamp=data.get("lamp") is True, light=data.get("light") is True, night=data.get("night") is True,
        rain=data.get("rain") is True, insects=data.get("insects") is True,
    )  # fmt: skip


def _read_thing(entry: object) -> Thing | None:
    if not isinstance(entry, dict):
        return None
    number, kind, along = entry.get("id"), entry.get("kind"), entry.get("along")
    if not isinstance(kind, str) or not isinstance(along, int | float):
        return None
    # An id that is no number still gives the thing a colour of its own, the same in every run.
    tint = number if isinstance(number, int) else sum(str(number).encode())
    return Thing(number=tint, kind=kind, along=float(along), direction=-1 if entry.get("direction") == -1 else 1)


class Painter:
    """The picture of one yard. `paint` changes it in place and tells where."""

    def __init__(self, width: int, height: int, name: str) -> None:
        self._lens = Lens(width, height)
        self._layers = village.build(self._lens, name)
        self._name = name
        self._lights: dict[tuple[bool, bool], lighting.Lighting] = {}
        self._leaf_part = village.leaf_bounds(self._lens)
        self._beacon_part = lighting.glow_bounds(self._lens, village.BEACON, 1.5)
        self._touched = NOWHERE
        self._shown: tuple[object, ...] = ()
        self._clock = ""
        self._label_part = self._lens.whole & Rect(0, 0, round(width * 0.45), round(width * 0.065))
        self.picture: Picture = np.zeros((height, width, 3), np.uint8)

    def paint(self, yard: Yard, clock: str, at_s: float) -> Rect:
        """Bring the picture up to date; return the part drawn anew. `at_s` moves rain, insects and what blinks."""
        blink = yard.lamp and int(at_s / BLINK_S) % 2 == 0
        shown = (yard.night, yard.light and yard.night, yard.leaf, blink, yard.things)
        whole = self._shown[:2] != shown[:2] or yard.rain
        moving = self._moving(yard)
        insects = self._insects(at_s) if yard.insects and yard.night else []
        flying = NOWHERE
        for x, y, radius in insects:
            flying |= self._lens.whole & Rect(x - radius - 3, y - radius - 3, x + radius + 3, y + radius + 3)
        dirty = self._lens.whole if whole else self._touched | moving | flying
        if not whole and self._shown[2:3] != shown[2:3]:
            dirty |= self._leaf_part
        if not whole and self._shown[3:4] != shown[3:4]:
            dirty |= self._beacon_part
        if clock != self._clock:
            self._write_label(clock)
            dirty |= self._label_part
        still = not whole and shown == self._shown and clock == self._clock and not insects and self._touched == moving
        if still or dirty.empty:
            return NOWHERE
        labelled = not (dirty & self._label_part).empty
        if labelled:
            dirty |= self._label_part
        self._compose(yard, dirty, blink=blink)
        for x, y, radius in insects:
            self._insect(x, y, radius)
        if yard.rain:
            self._rain(at_s)
        self._touched = self._lens.whole if yard.rain else moving | flying
        self._shown, self._clock = shown, clock
        if labelled:
            self._put_label()
        return dirty

    def _moving(self, yard: Yard) -> Rect:
        part = NOWHERE
        for thing in yard.things:
            part |= things.bounds(thing, self._lens)
            if yard.night:
                for lamp in thing.lamps():
                    part |= lighting.beam_bounds(self._lens, lamp)
                for lamp in thing.tail_lamps():
                    part |= lighting.glow_bounds(self._lens, lamp, 0.6)
        return part

    def _light(self, *, night: bool, lamp_lit: bool) -> lighting.Lighting:
        key = (night, lamp_lit and night)
        if key not in self._lights:
            made = lighting.by_night(self._lens, self._layers.mask, lamp_lit=lamp_lit) if night else lighting.by_day()
            self._lights[key] = made
        return self._lights[key]

    def _compose(self, yard: Yard, part: Rect, *, blink: bool) -> None:
        """Draw one part of the picture from back to front, light it, and let shine what shines."""
        lens, layers, window = self._lens, self._layers, part.window
        image = layers.far[window].copy()
        brush = Brush(lens, image, part)
        ordered = sorted(yard.things, key=lambda thing: thing.along)
        for thing in ordered:
            if thing.outside:
                things.draw(brush, thing)
        if not (self._leaf_part & part).empty:
            village.draw_leaf(brush, yard.leaf)
        cv2.copyTo(layers.gate[window], layers.mask[window], image)
        for thing in ordered:
            if not thing.outside:
                things.draw(brush, thing)
        light = self._light(night=yard.night, lamp_lit=yard.light)
        if light.factors is not None and light.shine is not None:
            self._darken(brush, light.factors[window], light.shine[window], yard)
        if blink:
            lighting.add_glow(brush, village.BEACON, 1.5 if yard.night else 0.9, lighting.AMBER)
        self.picture[window] = image

    def _darken(self, brush: Brush, factors: Picture, shine: Picture, yard: Yard) -> None:
        image = brush.image
        lamps = [lamp for thing in yard.things for lamp in thing.lamps()]
        if lamps:
            factors = factors.copy()
            for lamp in lamps:
                lighting.add_beam(factors, self._lens, brush.rect, lamp)
        cv2.multiply(image, factors, dst=image, scale=1 / 255)
        cv2.add(image, shine, dst=image)
        for lamp in lamps:
            lighting.add_glow(brush, lamp, 1.4, HEADLIGHT)
        for thing in yard.things:
            for lamp in thing.tail_lamps():
                lighting.add_glow(brush, lamp, 0.6, (40, 40, 235))

    def _insects(self, at_s: float) -> list[tuple[int, int, int]]:
        """Return (x, y, radius) of the moths before the lens: out of focus and never long in one place."""
        width, height = self._lens.width, self._lens.height
        found = []
        for number in range(INSECTS):
            turn = at_s * (1.9 + number * 0.7) + number * 2.4
            x = width * (0.5 + 0.46 * math.sin(turn * 1.3) * math.cos(turn * 0.31))
            y = height * (0.5 + 0.46 * math.sin(turn * 1.7 + number))
            found.append((round(x), round(y), round(width * (0.008 + 0.007 * (1 + math.sin(turn * 2.2))))))
        return found

    def _insect(self, x: int, y: int, radius: int) -> None:
        part = self._lens.whole & Rect(x - radius, y - radius, x + radius, y + radius)
        if part.empty:
            return
        spot = cv2.resize(lighting.FALLOFF, (2 * radius, 2 * radius))
        cut = spot[part.y0 - y + radius : part.y1 - y + radius, part.x0 - x + radius : part.x1 - x + radius]
        light = np.clip(cut[..., None] * 150, 0, 170).astype(np.uint8)
        self.picture[part.window] = cv2.add(self.picture[part.window], np.repeat(light, 3, axis=2))

    def _rain(self, at_s: float) -> None:
        rng = np.random.default_rng(int(at_s * 1000))
        places = rng.random((RAIN_STREAKS, 3)) * (self._lens.width, self._lens.height, 1)
        for x, y, size in places:
            long = 8 + size * 22
            cv2.line(
                self.picture, (int(x), int(y)), (int(x - long * 0.18), int(y + long)), (150, 145, 140), 1, cv2.LINE_AA
            )

    def _write_label(self, clock: str) -> None:
        """Prepare the clock and the name, white on a dark rim, as cameras burn them in."""
        unit = self._lens.width / 1280
        light = np.zeros((self._label_part.y1, self._label_part.x1), np.uint8)
        for line, text, scale in ((32, clock, 0.78), (66, self._name, 0.7)):
            lettering.write(
                light, text, (round(20 * unit), round(line * unit)), lettering.Style(scale * unit, (255, 255, 255))
            )
        rim = cv2.GaussianBlur(cv2.dilate(light, np.ones((5, 5), np.uint8)), (0, 0), 1.2)
        self._label_light = np.asarray(cv2.cvtColor(light, cv2.COLOR_GRAY2BGR), np.uint8)
        self._label_shade = np.asarray(cv2.cvtColor(255 - cv2.max(light, rim), cv2.COLOR_GRAY2BGR), np.uint8)

    def _put_label(self) -> None:
        part = self.picture[self._label_part.window]
        cv2.multiply(part, self._label_shade, dst=part, scale=1 / 255)
        cv2.add(part, self._label_light, dst=part)
