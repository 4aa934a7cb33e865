"""Runs the encoder that picamera2 has for the Pi 5, as published, with our settings: `python -m … WHEEL`.

The class itself is real, and so is PyAV below it. What it imports and does not use here (libcamera, V4L2, JPEG, …) is
stood in for by names that do nothing. Prints what came out as JSON.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import itertools
import json
import sys
import time
from collections.abc import MutableSequence
from types import ModuleType, SimpleNamespace
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from camera import h264
from camera.pi_parts import Arrivals, letters_taken, tap
from camera.source import AccessUnit

FOREIGN = {"libcamera", "videodev2", "piexif", "simplejpeg", "pidng", "PIL", "prctl", "libarchive", "tqdm",
           "jsonschema", "OpenEXR"}  # fmt: skip
SIZE, STRIDE = (640, 360), 704


class Named(type):
    """A class of which every attribute is such a class again, always the same."""

    def __getattr__(cls, name: str) -> Named:
        if name.startswith("__"):
            raise AttributeError(name)
        made = Named(name, (), {"__init__": lambda _self, *_values, **_named: None})
        setattr(cls, name, made)
        return made


class Foreign(ModuleType):
    """A module that has every name."""

    __path__: MutableSequence[str] = []  # noqa: RUF012 - as every package has it, never changed

    def __getattr__(self, name: str) -> Named:
        if name.startswith("__"):
            raise AttributeError(name)
        made = cast("Named", getattr(Named("module", (), {}), name))
        setattr(self, name, made)
        return made


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that are stood in for."""

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] not in FOREIGN:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return Foreign(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it."""


class Sync:
    """A buffer, handed out for the time of a `with`."""

    def __init__(self, buffer: NDArray[np.uint8]) -> None:
        self._buffer = buffer

    def __enter__(self) -> NDArray[np.uint8]:
        return self._buffer

    def __exit__(self, *_: object) -> None:
        pass


class Encoder(Protocol):
    """What of the real class is used here."""

    firsttimestamp: int | None

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def encode(self, stream: str, request: object) -> None: ...

    def force_key_frame(self) -> None: ...


def request(number: int, sensor_stamp: object) -> object:
    """Return a capture with a padded buffer, as the real `MappedArray` takes it."""
    planar = np.full(SIZE[1] * 3 // 2 * STRIDE, 80 + number, np.uint8)
    config = {"format": "YUV420", "size": SIZE, "stride": STRIDE}
    camera = SimpleNamespace(
        allocator=SimpleNamespace(sync=lambda _allocator, buffer, _write: Sync(buffer)),
        helpers=SimpleNamespace(_make_array_shared=lambda flat, _: flat.reshape(SIZE[1] * 3 // 2, STRIDE)),
    )
    return SimpleNamespace(
        request=SimpleNamespace(buffers={"S": planar}, metadata={sensor_stamp: time.monotonic_ns()}),
        picam2=camera, stream_map={"main": "S"}, config={"main": config}, acquire=lambda: None, release=lambda: None,
    )  # fmt: skip


def main(wheel: str) -> None:
    """Encode two stretches of pictures and say what came."""
    sys.meta_path.insert(0, Finder())
    package = ModuleType("picamera2")
    package.__path__ = [f"{wheel}/picamera2"]  # without its __init__, which wants the real libcamera
    sys.path.insert(0, wheel)
    sys.modules["picamera2"] = package
    kind = importlib.import_module("picamera2.encoders.libav_h264_encoder").LibavH264Encoder
    output = importlib.import_module("picamera2.outputs.output").Output
    stamp = importlib.import_module("libcamera").controls.SensorTimestamp
    found: list[AccessUnit] = []
    made = kind(bitrate=2_000_000, repeat=True, iperiod=15, framerate=15)
    made.threads = 1
    encoder = cast("Encoder", made)
    made.output = tap(output, Arrivals(found.append, lambda: encoder.firsttimestamp))
    made.name, made.size, made.format, made.stride = "main", SIZE, "YUV420", STRIDE
    began_s = time.monotonic()
    held_back = 0
    for _ in range(2):  # it rests in between
        encoder.start()
        for number in range(20):
            before = len(found)
            encoder.encode("main", request(number, stamp))
            held_back += len(found) == before
        encoder.stop()
    encoder.start()
    encoder.force_key_frame()
    try:
        encoder.encode("main", request(0, stamp))
    except TypeError:
        forced = False
    else:
        forced = True
    ended_s = time.monotonic()
    print(json.dumps({
        "keys": [number for number, unit in enumerate(found[:40]) if unit.key],
        "complete": all({h264.SPS, h264.PPS} <= set(h264.nal_types(unit.data)) for unit in found if unit.key),
        "grows": all(later.at_s > earlier.at_s for earlier, later in itertools.pairwise(found)),
        "on_our_clock": began_s <= found[0].at_s <= found[-1].at_s <= ended_s + 0.01,
        "held_back": held_back, "forced": forced, "letters": letters_taken(),
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
