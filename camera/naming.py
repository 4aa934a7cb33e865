"""What is wrong with one look at a view that is known. Pure; no clock, no I/O.

`fault` names everything, `sure_fault` and `sheet` only what is wrong in any light, `in_place` what is certainly right.
"""

from __future__ import annotations

from camera.known import BLOCKS, SAME, SHINES_THROUGH, Known, Seen
from camera.structure import Edges, agreement, places
from camera.symptoms import NO_NIGHT, Reason

# Shares of the picture that are white.
MOST_WHITE, GLARE = 0.35, 0.03

# How well a look agrees: as a share of the usual, then of all edges.
DOUBT = 0.85
OTHER_VIEW, STEADY = 0.33, 0.6

# How steep edges are, as a number and as a share of the usual.
BLURRED, BLURRED_SHARE = 1.9, 0.65
SOFT, SOFT_SHARE = 2.2, 0.8

# What is left of light and dark and of the strength of edges, as shares of the known.
ALIKE, CONTRAST_LEFT = 0.6, 0.35
GONE, THERE, NOTHING_ADDED = 0.2, 0.35, 1.3

ELSEWHERE = 3


def fault(seen: Seen, known: Known, match: float, before: Edges | None) -> Reason:
    """Name what is wrong with a look, "" where nothing is.

    `match` is how well it agrees as a share of the usual; `before` are the edges of the look before, None where
    another view must not be told from another light.
    """
    if seen.white - known.white > MOST_WHITE and match < SAME:
        return "blinded"
    if match >= SAME:
        if blurred(seen, known) and known.energy(seen) <= NOTHING_ADDED:
            return "defocused"
        return sure_fault(seen, known) if match < DOUBT else ""
    if seen.sharp is None or seen.sharp < min(SOFT, SOFT_SHARE * (known.sharp or 0.0)):
        return _lost(seen, known, match * known.usual)
    return _other(seen, known, match * known.usual, before)


def sure_fault(seen: Seen, known: Known) -> Reason:
    """Name what is wrong even in a light that may be new: known edges in other places."""
    return "moved" if places(seen.edges, known.edges).elsewhere >= ELSEWHERE else ""


def sheet(seen: Seen) -> Reason:
    """Name a bright sheet of nothing: no view and no night looks like that."""
    if seen.structured or seen.brightness < NO_NIGHT:
        return ""
    return "blinded" if seen.white > MOST_WHITE else "covered"


def blurred(seen: Seen, known: Known) -> bool:
    """Tell whether edges are far less steep than they were."""
    return seen.sharp is not None and seen.sharp < min(BLURRED, BLURRED_SHARE * (known.sharp or 0.0))


def in_place(seen: Seen, known: Known) -> bool:
    """Tell whether known edges are where they were, and none elsewhere, in whatever light."""
    found = places(seen.edges, known.edges)
    return found.here >= ELSEWHERE and not found.elsewhere


def _lost(seen: Seen, known: Known, agreed: float) -> Reason:
    """Name what takes the edges: what is out of focus keeps its light and dark, what is covered keeps nothing."""
    if agreed < SHINES_THROUGH and seen.white - known.white >= GLARE:
        return "blinded"
    alike = known.likeness(seen) >= ALIKE
    if alike and known.contrast(seen) >= CONTRAST_LEFT:
        return "defocused"
    if agreed >= SHINES_THROUGH:
        soft = seen.sharp is not None and seen.sharp < BLURRED
        return "defocused" if soft and known.energy(seen) <= NOTHING_ADDED else ""
    if alike:
        return ""
    return "blinded" if seen.white >= GLARE else "covered"


def _other(seen: Seen, known: Known, agreed: float, before: Edges | None) -> Reason:
    """Name what stands in a sharp picture that does not agree with the known one."""
    found = places(seen.edges, known.edges)
    if found.elsewhere >= ELSEWHERE:
        return "moved"
    energy = known.energy(seen)
    if agreed < SHINES_THROUGH and energy < GONE:
        return "blinded" if seen.white >= GLARE else "covered"
    # rain is new everywhere at each look, another view is not
    steady = before is not None and float(agreement(seen.edges, before, BLOCKS).mean()) >= STEADY
    return "moved" if agreed < OTHER_VIEW and energy >= THERE and steady and found.here <= 1 else ""
