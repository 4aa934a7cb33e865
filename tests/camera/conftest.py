"""What the stories of camera/ need: small videos of any kind, real clips where they are, luma planes to look at."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from camera.encode import Encoder
from camera.source import AccessUnit
from gate.model import JsonObject

SHARED = Path(__file__).resolve().parents[2].parent / "shared"

Plane = NDArray[np.uint8]
MakeVideo = Callable[..., Path]


@pytest.fixture(scope="session")
def real_clips() -> Path:
    """Return the folder of the real, labelled clips; they are not part of the project."""
    folder = SHARED / "data" / "video"
    if not folder.is_dir():
        pytest.skip("the real clips of ../shared/data are not here")
    return folder


@pytest.fixture(scope="session")
def truth(real_clips: Path) -> dict[str, JsonObject]:
    """Return the hand labels of the real clips."""
    return cast("dict[str, JsonObject]", json.loads((real_clips.parent / "truth.json").read_text())["clips"])


def drawn(width: int, height: int, number: int) -> NDArray[np.uint8]:
    """Draw one (height, width, 3) frame: a textured wall with a white square that goes along from frame 0 on."""
    rng = np.random.default_rng(1)
    wall = np.kron(rng.integers(60, 140, (height // 8 + 1, width // 8 + 1, 1)), np.ones((8, 8, 3), int))
    image = np.asarray(wall[:height, :width].astype(np.uint8))
    side, left = height // 4, (number * 6) % (width - height // 4)
    if number >= 0:
        image[height // 2 : height // 2 + side, left : left + side] = 250
    return image


def make_video(
    path: Path, *, codec: str = "libx264", pixels: str = "yuv420p", size: tuple[int, int] = (320, 180), fps: int = 10,
    seconds: float = 3.0, still_s: float = 0.0, container: str | None = None, options: dict[str, str] | None = None,
) -> Path:  # fmt: skip
    """Write a small video of the moving square and return its path; the square shows up after `still_s`."""
    with av.open(str(path), "w", format=container) as target:
        stream = cast("VideoStream", target.add_stream(codec, rate=fps, options=options or {}))
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.gop_size = fps
        for number in range(round(seconds * fps)):
            frame = VideoFrame.from_ndarray(drawn(*size, number - round(still_s * fps)), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def plain_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an ordinary H.264 file of three seconds with B-frames."""
    return make_video(tmp_path_factory.mktemp("video") / "plain.mp4", fps=30, options={"bf": "2"})


def encoded(
    seconds: float, fps: int = 10, size: tuple[int, int] = (160, 96), start_s: float = 100.0
) -> Iterator[AccessUnit]:
    """Yield the access units of a short stream that begins at `start_s`, a key picture each second."""
    encoder = Encoder(*size, fps)
    for number in range(round(seconds * fps)):
        frame = VideoFrame.from_ndarray(drawn(*size, number), "rgb24").reformat(format="yuv420p")
        yield from encoder.encode(frame, start_s + number / fps)


def probe(path: Path) -> JsonObject:
    """Ask ffprobe what a file holds: `codec_name`, `width`, `height`, `duration`, `frames`."""
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_entries",
               "stream=codec_name,width,height,nb_read_packets:format=duration", "-of", "json", str(path)]  # fmt: skip
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    stream = said["streams"][0]
    return {
        "codec_name": stream["codec_name"], "width": stream["width"], "height": stream["height"],
        "duration": float(said["format"]["duration"]), "frames": int(stream["nb_read_packets"]),
    }  # fmt: skip


def decodes_cleanly(path: Path) -> bool:
    """Tell whether every picture of a file can be decoded without an error."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0)) > 0


class Yardlike:
    """A synthetic view for the detector: a textured ground with noise, on which things are put."""

    def __init__(self, seed: int = 4, size: tuple[int, int] = (320, 180)) -> None:
        self.rng = np.random.default_rng(seed)
        width, height = size
        coarse = self.rng.integers(70, 150, (height // 10 + 1, width // 10 + 1))
        self.ground = np.kron(coarse, np.ones((10, 10)))[:height, :width]
        self.size = size

    def plane(self, *things: tuple[float, float, float], light: float = 1.0, offset: float = 0.0) -> Plane:
        """Return a luma plane; a thing is (x, y, size) in fractions of the picture, dark with a bright edge."""
        width, height = self.size
        image = self.ground.copy()
        for x, y, share in things:
            left, top = int(x * width), int(y * height)
            right, bottom = int((x + share) * width), int((y + share) * height)
            if right > 0 and left < width:
                image[max(0, top) : bottom, max(0, left) : right] = 35
                image[max(0, top) : bottom : 6, max(0, left) : right] = 215
        image = image * light + offset + self.rng.normal(0, 1.5, image.shape)
        return np.asarray(np.clip(image, 0, 255).astype(np.uint8))
