"""The port behind which every camera stands, and what comes through it.

A source is read by one thread: `items()` yields, until `stop()` or until the source has no more to give,

- `Stream` first, and again whenever the picture begins anew (another size, a reconnection, a file's next round): what
  came before has no connection to what follows, so the detector learns anew and open clips are closed,
- `AccessUnit`: one encoded H.264 picture, in decoding order,
- `Frame`: a picture to be searched for motion, a few a second.

All times are seconds of one monotonic clock. A file that is read as fast as it decodes runs ahead of that clock, but
never back. A source mends itself (reconnects, waits, tries again) and says so in `health`; it does not raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Plane: TypeAlias = NDArray[np.uint8]
"""(height, width) uint8, luma."""

Picture: TypeAlias = NDArray[np.uint8]
"""(height, width, 3) uint8, blue, green, red."""

PLANE_AREA = 320 * 180
WIDEST_PICTURE = 960


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """A picture begins: said before the first access unit and after every break. `codec` is RFC 6381's `avc1.…`."""

    codec: str
    width: int
    height: int
    fps: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessUnit:
    """One encoded picture, Annex B; a key unit carries its SPS and PPS and can be decoded by itself.

    `at_s` is when it is shown, `decode_s` its place in decoding order (strictly growing within a stream).
    """

    data: bytes
    at_s: float
    decode_s: float
    key: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposure:
    """What the sensor says about one frame: exposure in microseconds and total gain."""

    exposure_us: float
    gain: float


class Frame:
    """A picture to be searched: its luma at once, its colours only when somebody asks."""

    __slots__ = ("_draw", "_picture", "at_s", "exposure", "luma")

    def __init__(self, luma: Plane, at_s: float, draw: Callable[[], Picture], exposure: Exposure | None = None) -> None:
        self.luma = luma
        self.at_s = at_s
        self.exposure = exposure
        self._draw = draw
        self._picture: Picture | None = None

    @property
    def picture(self) -> Picture:
        """Return the frame in colour, at most 960 wide; drawn at the first call, while the frame is the newest."""
        if self._picture is None:
            self._picture = self._draw()
        return self._picture


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """How a source is: `reason` is a short stable code, `detail` a sentence for people with the remedy.

    `hopeless`: the source can't mend itself any more; the process must end, so that a new one begins.
    """

    ok: bool
    reason: str = ""
    detail: str = ""
    hopeless: bool = False


STARTING = Health(ok=False, reason="starting", detail="the camera has not delivered a picture yet")
HEALTHY = Health(ok=True)

Item: TypeAlias = Stream | AccessUnit | Frame


class Source(Protocol):
    """A camera. `items` is read by one thread; everything else may be used from any."""

    @property
    def health(self) -> Health:
        """How the source is now."""

    def items(self) -> Iterator[Item]:
        """Yield what the camera delivers, until `stop` or the end of a file. May be called once."""

    def stop(self) -> None:
        """Make `items` end within a second."""

    def ask_key(self) -> None:
        """Make the next access unit a key unit, where the source encodes; a copied stream keeps its own rhythm."""

    def need(self, *, units: bool) -> None:
        """Say whether anybody needs access units now. False: an encoder of ours rests after its first picture.

        It wakes with a key unit. Frames come all the same; a copied stream goes on, because it costs nothing.
        """


def plane_size(width: int, height: int) -> tuple[int, int]:
    """Return (width, height) of the detection plane for a picture of this shape: 320x180 pixels of area, no larger."""
    scale = min(1.0, (PLANE_AREA / (width * height)) ** 0.5)
    return max(16, round(width * scale)), max(16, round(height * scale))


def shrink(luma: Plane, size: tuple[int, int]) -> Plane:
    """Scale a plane down to (width, height), each pixel the mean of what it covers."""
    if (luma.shape[1], luma.shape[0]) == size:
        return np.ascontiguousarray(luma)
    smaller = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8)
