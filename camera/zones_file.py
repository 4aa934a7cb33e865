"""The zones file of `antt-gate detect`: where to look in a recorded picture.

    {"zone": [[x, y], …], "masks": [[x0, y0, x1, y1], …],
     "zones": [{"name": "cong", "polygon": [[x, y], …], "kind": "alert", "min_area": 0.002}],
     "lines": [{"name": "cong", "from": [x, y], "to": [x, y]}]}

All of it in fractions of the picture, all of it may be left out: then the whole picture is looked at. A file of labels,
`{"clips": {"name.mp4": {…}}}`, gives what stands there for the video's own name. What else stands in it is not for us,
but a key that is nearly one of these is taken for a slip.
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from camera.crossing import Line
from camera.motion import Area
from config.schema import Point, Rectangle, encloses_something

EXPECTED = '{"zone": [[x, y], …], "masks": [[x0, y0, x1, y1], …]} in fractions of the picture'
ALIKE = 0.7
Polygon = Annotated[tuple[Point, ...], Field(min_length=3), AfterValidator(encloses_something)]
Name = Annotated[str, Field(min_length=1, max_length=80)]


class UnusableZonesError(Exception):
    """The zones file can't be used; the message says why and what to do."""


class NamedZone(BaseModel):
    """One of several zones, as in the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    polygon: Polygon
    kind: Literal["alert", "record", "ignore"] = "alert"
    min_area: float | None = Field(default=None, gt=0.0, le=1.0)


class NamedLine(BaseModel):
    """An arrow that is crossed, as in the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    start: Point = Field(alias="from")
    end: Point = Field(alias="to")

    @field_validator("end")
    @classmethod
    def _has_length(cls, end: Point, values: object) -> Point:
        if getattr(values, "data", {}).get("start") == end:
            raise ValueError("the line ends where it starts; give two different points")
        return end


class ZonesFile(BaseModel):
    """Where to look in the file's picture."""

    model_config = ConfigDict(extra="allow", frozen=True)

    zone: Polygon | None = None
    masks: tuple[Rectangle, ...] = ()
    zones: tuple[NamedZone, ...] = ()
    lines: tuple[NamedLine, ...] = ()

    @field_validator("masks")
    @classmethod
    def _have_area(cls, masks: tuple[Rectangle, ...]) -> tuple[Rectangle, ...]:
        if any(x0 >= x1 or y0 >= y1 for x0, y0, x1, y1 in masks):
            raise ValueError("a mask encloses nothing; give left, top, right, bottom")
        return masks

    def areas(self) -> tuple[Area, ...]:
        """Return the zones as the detector takes them; none is the whole picture."""
        single = (Area(name="zone", polygon=self.zone),) if self.zone else ()
        return single + tuple(
            Area(name=zone.name, polygon=zone.polygon, kind=zone.kind, min_area=zone.min_area) for zone in self.zones
        )

    def arrows(self) -> tuple[Line, ...]:
        """Return the lines as the visits take them."""
        return tuple(Line(name=line.name, start=line.start, end=line.end) for line in self.lines)


def read_zones(path: Path | None, video: str = "") -> ZonesFile:
    """Read a zones file for the video of this name; no file means the whole picture. Raises `UnusableZonesError`."""
    if path is None:
        return ZonesFile()
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise UnusableZonesError(f"{path} can't be read ({error.strerror}); give an existing zones file") from None
    except ValueError as error:
        raise UnusableZonesError(f"{path}: no JSON ({str(error).splitlines()[0]}); expected {EXPECTED}") from None
    if isinstance(data, dict) and isinstance(data.get("clips"), dict):
        data = data["clips"].get(video)
        if data is None:
            raise UnusableZonesError(f"{path}: clips: nothing is said of {video}; expected {EXPECTED}")
    try:
        where = ZonesFile.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UnusableZonesError(f"{path}: {at}: {first['msg'].lower()}; expected {EXPECTED}") from None
    for unknown in where.model_extra or ():
        meant = difflib.get_close_matches(unknown, ZonesFile.model_fields, n=1, cutoff=ALIKE)
        if meant:
            raise UnusableZonesError(f"{path}: {unknown}: no such key, did you mean {meant[0]}?")
    return where
