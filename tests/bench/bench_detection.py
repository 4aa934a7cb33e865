"""What the detector costs: CPU ms a frame, one thread, beside a plain MOG2 and a running average on the same planes.

`measure()` is for `make bench`; run by itself it prints a table. The planes are drawn (the scene with a car, a person
and night), so that the figures need nothing outside the project; where the real clips are, their score is added.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.detect import ZonesFile, detect
from camera.events import Visits
from camera.motion import Detector
from camera.painter import Painter, Yard
from camera.source import plane_size, shrink
from camera.things import Thing

Plane = NDArray[np.uint8]
FRAMES = 240
STEP_S = 0.2
SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def planes() -> list[Plane]:
    """Draw 48 s of a day and a night with things that pass, with a sensor's noise, 320x180."""
    rng = np.random.default_rng(2)
    painter = Painter(640, 360, "Cổng thôn 3")
    made = []
    for number in range(FRAMES):
        along = -1.5 + (number % 60) / 20
        car = Thing(number=1, kind="car" if number % 120 < 60 else "person", along=along, direction=1)
        painter.paint(Yard(leaf=1.0, things=(car,), night=number >= FRAMES // 2), str(number // 5), number * STEP_S)
        grey = np.asarray(cv2.cvtColor(painter.picture, cv2.COLOR_BGR2GRAY), np.uint8)
        small = shrink(grey, plane_size(640, 360))
        noise = rng.normal(0, 2, small.shape)
        made.append(np.asarray(np.clip(small + noise, 0, 255).astype(np.uint8)))
    return made


def cpu_ms(look: Callable[[Plane, float], object], seen: list[Plane]) -> float:
    """Return CPU milliseconds a frame: the best of three rounds, since other programs only ever add to it."""
    rounds = []
    for _ in range(3):
        began_s = time.thread_time()
        for number, plane in enumerate(seen):
            look(plane, number * STEP_S)
        rounds.append((time.thread_time() - began_s) / len(seen) * 1000)
    return min(rounds)


def measure() -> dict[str, float]:
    """Return the figures: ms a frame of each method, the ratio to MOG2, and the score where the real clips are."""
    cv2.setNumThreads(1)
    seen = planes()
    detector, visits = Detector(), Visits()
    mixture = cv2.createBackgroundSubtractorMOG2()
    mean = seen[0].astype(np.float32)

    def ours(plane: Plane, at_s: float) -> None:
        visits.step(detector.look(plane, at_s), at_s)

    def average(plane: Plane, _: float) -> None:
        cv2.absdiff(plane, cv2.convertScaleAbs(mean))
        cv2.accumulateWeighted(plane, mean, 0.05)

    ours_ms = cpu_ms(ours, seen)
    mixture_ms = cpu_ms(lambda plane, _: mixture.apply(plane), seen)
    figures = {
        "detect_ms": round(ours_ms, 3),
        "mog2_ms": round(mixture_ms, 3),
        "running_average_ms": round(cpu_ms(average, seen), 3),
        "detect_to_mog2": round(ours_ms / mixture_ms, 2),
    }
    return figures | score()


def score() -> dict[str, float]:
    """Score the detector on the real, labelled clips; nothing where they are not here."""
    truth = SHARED / "data" / "truth.json"
    if not truth.is_file():
        return {}
    found = {}
    for name, label in json.loads(truth.read_text())["clips"].items():
        where = ZonesFile.model_validate({"zone": label["zone"], "masks": label["masks"]})
        visits = detect(truth.parent / "video" / name, where).events
        found[name] = [[visit.start_s, visit.end_s] for visit in visits]
    told = json.dumps(found)
    tool = SHARED / "tools" / "score_motion.py"
    command = [sys.executable, str(tool), "--truth", str(truth), "--events", "/dev/stdin", "--json"]
    said = subprocess.run(command, input=told, capture_output=True, check=True, text=True).stdout
    return {f"clips_{key}": float(value) for key, value in json.loads(said)["total"].items()}


if __name__ == "__main__":
    for key, value in measure().items():
        print(f"{key:24s} {value:10.3f}")
