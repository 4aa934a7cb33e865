"""What the detector says of one plane when somebody asks why: filled anew by each `look`, absent where nobody asks.

The detector holds `notes: Notes | None`; None, as always but in `detect --explain`, costs one test a verdict. A reason
is a short English word or two that stands over the box in the picture: `small`, `light`, `hole`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from camera.compare import Light, Mask

Rectangle = tuple[float, float, float, float]

COUNTS = "counts"
"""The reason of what is handed on as a region; every other one but `FAINT` is why something is not."""

FAINT = "faint"
"""Handed on too, but smaller than its zones ask for: followed, not believed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One connected part of what differs: its box and area in fractions of the picture, and what became of it."""

    box: Rectangle
    area: float
    why: str


@dataclass(slots=True)
class Notes:
    """One plane's reasons.

    `differs` are the pixels that are further off than noise explains, 0 or not, of the grid that is compared. `word`
    says what happened to the whole plane ("learning", "everything changed"); then nothing in it was judged. `light` is
    what was taken out everywhere.
    """

    word: str = ""
    light: Light | None = None
    floor: float = 0.0
    differs: Mask | None = None
    verdicts: list[Verdict] = field(default_factory=list)

    def begin(self, word: str = "") -> None:
        """Start a new plane."""
        self.word, self.light, self.floor, self.differs = word, None, 0.0, None
        self.verdicts.clear()

    def judge(self, why: str, box: Rectangle, area: float) -> None:
        """Say what became of one part of what differs."""
        self.verdicts.append(Verdict(box=box, area=area, why=why))
