"""What a view is known to look like, in each of the few lights it is seen in. Pure; no clock, no I/O.

`Seen` is one measured second. `Known` is the mean of many, in one light: lasting edges stay in it, passers-by wash out,
and it follows the light of the day within minutes. `Bank` holds a few of them: day, dusk, night, night with the lamp.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

import numpy as np

from camera.structure import Blocks, Edges, Grid, levelled, likeness, product
from gate.model import JsonObject

BLOCKS: Blocks = (8, 6)
COARSE: Blocks = (16, 9)
MOST = 4
STRUCTURED = 0.15
LEAST_BLOCKS = 5
LEARN_LOOKS = 120
SETTLED_LOOKS = 15
SAME = 0.7
SHINES_THROUGH = 0.35
"""Of all edges, how many agree at least where the view is still to be seen, in whatever light."""

NEVER_SHARP = 1.9
WORST_USUAL = 0.45
SOFTENS = 0.3
LARGEST = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One second of picture: its edges and their strength by blocks, the view from afar, the share that is white."""

    edges: Edges
    strength: Grid
    coarse: Grid
    white: float
    sharp: float | None

    @property
    def brightness(self) -> float:
        """Return the mean grey level."""
        return float(self.coarse.mean())

    @property
    def structured(self) -> bool:
        """Tell whether there is anything in it by which a view could be known again."""
        return bool(np.count_nonzero(self.strength >= STRUCTURED) >= LEAST_BLOCKS)


@dataclass(slots=True, eq=False)
class Known:
    """A view in one light. `looks` is how often it was seen, `usual` how well one look agrees with the mean of all.

    `unlit` tells that it was seen while the gate's own light was off.
    """

    edges: Edges
    coarse: Grid
    white: float
    sharp: float | None
    looks: int = 1
    usual: float = 0.8
    used_s: float = 0.0
    unlit: bool = False
    _strength: Grid = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._strength = product(self.edges, self.edges, BLOCKS)

    @classmethod
    def of(cls, seen: Seen, at_s: float) -> Known:
        """Begin with one look."""
        return cls(edges=seen.edges.copy(), coarse=seen.coarse.copy(), white=seen.white, sharp=seen.sharp, used_s=at_s)

    @property
    def structured(self) -> bool:
        """Tell whether enough lasting edges are in it to know the view again."""
        return bool(np.count_nonzero(self._strength >= STRUCTURED) >= LEAST_BLOCKS)

    @property
    def settled(self) -> bool:
        """Tell whether it rests on enough looks to judge others by it."""
        return self.looks >= SETTLED_LOOKS

    @property
    def soft(self) -> bool:
        """Tell whether nothing sharp was ever seen in it: it may be something that lay on the lens."""
        return self.sharp is None or self.sharp < NEVER_SHARP

    def agreement(self, seen: Seen) -> float:
        """Return the mean agreement over the blocks that have structure, 0 to 1."""
        return self._agreed(seen.edges, seen.strength)

    def shares(self, other: Known) -> float:
        """Return how much of its edges another light has in the same places, 0 to 1."""
        return self._agreed(other.edges, other._strength)

    def _agreed(self, edges: Edges, strength: Grid) -> float:
        chosen = self._strength >= STRUCTURED
        if not chosen.any():
            return 0.0
        both = product(edges, self.edges, BLOCKS)[chosen]
        return float((both / np.maximum(np.sqrt(strength[chosen] * self._strength[chosen]), 1e-3)).mean())

    def energy(self, seen: Seen) -> float:
        """Return how much structure there is now where it is known, as a share of the known."""
        chosen = self._strength >= STRUCTURED
        return float(seen.strength[chosen].sum()) / max(1e-3, float(self._strength[chosen].sum()))

    def likeness(self, seen: Seen) -> float:
        """Return how alike both look from afar, -1 to 1."""
        return likeness(seen.coarse, self.coarse)

    def contrast(self, seen: Seen) -> float:
        """Return the contrast seen from afar as a share of the known."""
        return float(levelled(seen.coarse).std()) / max(0.5, float(levelled(self.coarse).std()))

    def learn(self, seen: Seen, agreed: float, at_s: float) -> None:
        """Move towards what is seen: fully at first, within minutes later."""
        self.looks = min(LEARN_LOOKS, self.looks + 1)
        rate = 1.0 / self.looks
        self.edges += np.float32(rate) * (seen.edges - self.edges)
        self.coarse += np.float32(rate) * (seen.coarse - self.coarse)
        self.white += rate * (seen.white - self.white)
        if seen.sharp is not None:
            self.sharp = self.sharp or seen.sharp
            softer = SOFTENS if seen.sharp < self.sharp else 1.0  # a lens that slips must not become the norm
            self.sharp += softer * rate * (seen.sharp - self.sharp)
        self.usual = max(WORST_USUAL, self.usual + 2.0 / (self.looks + 1) * (agreed - self.usual))
        self.used_s = at_s
        self._strength = product(self.edges, self.edges, BLOCKS)

    def plain(self) -> JsonObject:
        """Return it as plain data for a file."""
        return {
            "edges": packed(self.edges), "coarse": packed(self.coarse), "white": round(self.white, 4),
            "sharp": None if self.sharp is None else round(self.sharp, 3), "looks": self.looks,
            "usual": round(self.usual, 3), "unlit": self.unlit,
        }  # fmt: skip

    @classmethod
    def from_plain(cls, data: JsonObject) -> Known:
        """Read what `plain` wrote. Raises `ValueError` for anything else."""
        edges, coarse = unpacked(data.get("edges"), 3), unpacked(data.get("coarse"), 2)
        white, usual, looks = figure(data.get("white")), figure(data.get("usual")), data.get("looks")
        sharp = None if data.get("sharp") is None else figure(data.get("sharp"))
        if not isinstance(looks, int):
            raise ValueError("a remembered view lacks its looks")  # noqa: TRY004 - the file is wrong, not a type of ours
        if edges.shape[2] != 2 or coarse.shape != COARSE[::-1] or looks < 1:  # noqa: PLR2004 - twice the angle: a vector
            raise ValueError("a remembered view has another shape")
        return cls(
            edges=edges, coarse=coarse, white=white, sharp=sharp, looks=min(LEARN_LOOKS, looks),
            usual=max(WORST_USUAL, usual), used_s=float("-inf"), unlit=data.get("unlit") is True,
        )  # fmt: skip


class Bank:
    """The lights in which one view is known; the least used goes when there are too many."""

    def __init__(self) -> None:
        self.lights: list[Known] = []
        self.current: Known | None = None

    @property
    def settled(self) -> bool:
        """Tell whether the present light rests on enough looks."""
        return self.current is not None and self.current.settled

    @property
    def soft(self) -> bool:
        """Tell whether nothing sharp was ever known."""
        return all(known.soft for known in self.lights)

    def shared(self, seen: Seen) -> float:
        """Return how much of the edges of the likest settled light this look has in the same places, 0 to 1."""
        able = [known.agreement(seen) for known in self.lights if known.structured and known.settled]
        return max(able, default=0.0)

    def drop_current(self) -> None:
        """Forget the present light; the next look chooses among the others."""
        self.lights = [known for known in self.lights if known is not self.current]
        self.current = None

    def clear(self) -> None:
        """Forget everything."""
        self.lights, self.current = [], None

    def keep_only(self, shape: tuple[int, int]) -> None:
        """Forget what was seen on grids of another shape (height, width)."""
        self.lights = [known for known in self.lights if known.edges.shape[:2] == shape]
        if all(known is not self.current for known in self.lights):
            self.current = None

    def add(self, seen: Seen, at_s: float) -> Known:
        """Begin another light with what is seen now, and judge by it from now on."""
        if len(self.lights) >= MOST:
            self.lights.remove(min(self.lights, key=lambda known: known.used_s))
        known = Known.of(seen, at_s)
        self.lights.append(known)
        self.current = known
        return known

    def fits(self, seen: Seen) -> tuple[Known | None, float]:
        """Return the light by which to judge this look, and how well both agree.

        The current one while it agrees, else the one that agrees best; an empty look changes nothing.
        """
        current = self.current
        agreed = current.agreement(seen) if current else 0.0
        if current and current.structured and agreed >= SAME * current.usual:
            return current, agreed
        able = [known for known in self.lights if known.structured]
        if not able or (not seen.structured and current):
            return current, agreed
        best = max(able, key=lambda known: known.agreement(seen) / known.usual)
        share = best.agreement(seen)
        if share >= SAME * best.usual or current is None or not current.structured:
            self.current = best
            return best, share
        return current, agreed

    def plain(self) -> JsonObject:
        """Return what is known as plain data."""
        return {"lights": [known.plain() for known in self.lights if known.structured and known.settled]}

    @classmethod
    def from_plain(cls, data: JsonObject) -> Bank:
        """Read what `plain` wrote. Raises `ValueError` for anything else."""
        listed = data.get("lights")
        if not isinstance(listed, list) or len(listed) > MOST or not all(isinstance(one, dict) for one in listed):
            raise ValueError("the remembered views are no list")
        bank = cls()
        bank.lights = [Known.from_plain(one) for one in listed]
        bank._leave_out_covers()
        return bank

    def _leave_out_covers(self) -> None:
        """Leave out what was never sharp and has no edges of a sharp light: an older release learned covers so."""
        sharp = [known for known in self.lights if not known.soft]
        self.lights = [
            known for known in self.lights
            if not (known.soft and sharp) or any(_fit(one, known) for one in sharp)
        ]  # fmt: skip


def _fit(one: Known, other: Known) -> bool:
    """Tell whether two lights may be of one view."""
    return one.edges.shape == other.edges.shape and one.shares(other) >= SHINES_THROUGH


def figure(value: object) -> float:
    """Return a remembered number of ordinary size. Raises `ValueError` for anything else; JSON knows NaN and 1e999."""
    if not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise ValueError("a remembered figure is missing or no ordinary number")
    return float(value)


def packed(values: Grid | Edges) -> JsonObject:
    """Return an array as plain data, rounded to a 127th of its largest value."""
    scale = max(1e-6, float(np.abs(values).max()))
    small = np.round(values / scale * 127).astype(np.int8)
    return {"shape": list(values.shape), "scale": round(scale, 6), "data": base64.b64encode(small.tobytes()).decode()}


def unpacked(data: object, dimensions: int) -> Grid:
    """Return the array that `packed` wrote. Raises `ValueError` for anything else."""
    if not isinstance(data, dict):
        raise ValueError("a remembered picture is missing")  # noqa: TRY004 - the file is wrong, not a type of ours
    shape, scale, text = data.get("shape"), figure(data.get("scale")), data.get("data")
    if not (isinstance(shape, list) and isinstance(text, str)):
        raise ValueError("a remembered picture lacks its shape or data")  # noqa: TRY004 - as above
    if len(shape) != dimensions or not all(isinstance(side, int) and 0 < side <= 512 for side in shape):  # noqa: PLR2004 - no grid of ours is larger
        raise ValueError("a remembered picture has another shape")
    try:
        small = np.frombuffer(base64.b64decode(text, validate=True), np.int8)
    except binascii.Error as error:
        raise ValueError("a remembered picture is damaged") from error
    if small.size != int(np.prod(shape)):
        raise ValueError("a remembered picture is cut short")
    return np.asarray(small.reshape(shape).astype(np.float32) * np.float32(scale / 127))
