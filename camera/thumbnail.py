"""The one picture that stands for an event: which frame, and which part of it. Pure but for OpenCV's arithmetic."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.motion import Rectangle
from camera.source import Picture

SIZE = (640, 360)
QUALITY = 80
SMALLEST_VIEW = 0.4
CONTEXT = 2.5
BOX_COLOUR = (60, 200, 255)
WHOLE: Rectangle = (0.0, 0.0, 1.0, 1.0)
LOOK = 160
NOISE_VARIANCE = 30.0
HALF_SHARP = 0.35


def sharpness(picture: NDArray[np.uint8], box: Rectangle) -> float:
    """Return how sharp what lies in `box` is: 0 a blur, about 1 as crisp as pixels get; a flat patch is 0.

    `picture`: (height, width) luma or (height, width, 3) colour, uint8; `box`: fractions of it. Light and contrast do
    not count, size hardly: the part is looked at with 160 pixels on its longer side, and never enlarged.
    """
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = box
    part = picture[
        round(y0 * height) : max(round(y0 * height) + 3, round(y1 * height)),
        round(x0 * width) : max(round(x0 * width) + 3, round(x1 * width)),
    ]
    grey = part if part.ndim == 2 else cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)  # noqa: PLR2004 - rows and columns only
    if min(grey.shape) < 3:  # noqa: PLR2004 - the smallest picture that has a neighbourhood
        return 0.0
    scale = min(1.0, LOOK / max(grey.shape))
    if scale < 1.0:
        small = (max(3, round(grey.shape[1] * scale)), max(3, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, small, interpolation=cv2.INTER_AREA)
    # What runs is smeared along its way only, so both directions must be crisp.
    across, down = (float(cv2.Sobel(grey, cv2.CV_32F, dx, 2 - dx, ksize=1).var()) for dx in (2, 0))
    share = math.sqrt(across * down) / (float(grey.var()) + NOISE_VARIANCE)
    return share / (share + HALF_SHARP)


def close_up(picture: Picture, box: Rectangle | None) -> Picture:
    """Cut out what a box holds with its surroundings, in the picture's shape, and mark the box; None: all of it."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = box or WHOLE
    share = min(1.0, max(SMALLEST_VIEW, CONTEXT * max(x1 - x0, y1 - y0)))
    left = min(max(0.0, (x0 + x1 - share) / 2), 1.0 - share)
    top = min(max(0.0, (y0 + y1 - share) / 2), 1.0 - share)
    part = picture[
        round(top * height) : max(round(top * height) + 1, round((top + share) * height)),
        round(left * width) : max(round(left * width) + 1, round((left + share) * width)),
    ]
    scale = min(SIZE[0] / part.shape[1], SIZE[1] / part.shape[0])
    view = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    if box:
        corners = [
            (round((x - left) / share * view.shape[1]), round((y - top) / share * view.shape[0]))
            for x, y in ((x0, y0), (x1, y1))
        ]
        cv2.rectangle(view, corners[0], corners[1], BOX_COLOUR, 2, cv2.LINE_AA)
    return view  # type: ignore[return-value] # cv2's own type is any numeric array; uint8 in, uint8 out


def jpeg(picture: Picture, box: Rectangle | None) -> bytes:
    """Return the close-up as a JPEG."""
    _, data = cv2.imencode(".jpg", close_up(picture, box), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return data.tobytes()
