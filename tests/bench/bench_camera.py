"""The whole camera process beside a scripted gate: CPU, memory, and a day of frames.

- `process()`: `python -m camera` on a 1280x720 stream of 15 frames/s that is copied, searched at 5 frames/s, in real
  time: share of one core (all threads, decoding included; decoding of the same stream apart) and PSS.
- `soak(hours)`: so many hours of analysed frames as fast as possible through detector, visits and trust, in a process
  of its own: growth of its memory. 24 hours take about ten minutes.
- `hurried(seconds)`: the whole process again, its file looped as fast as it decodes, events recorded: growth.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from camera.crossing import Line
from camera.events import Visits
from camera.motion import Area, Detector
from camera.trust import Trust
from tests.bench.bench_detection import planes
from tests.bench.bench_processes import BROKEN
from tests.fakes import FakeGate, wait_until

Luma = NDArray[np.int16]

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT, FPS = 1280, 720, 15
CLIP_S = 40
NOISE = 1.5
MEASURED_S = 30.0
WARM_S = 8.0
HURRIED_S = 60.0
SOAK_HOURS = 24.0
ANALYSED_PER_S = 5.0
MOST_CPU = 15.0
MOST_PSS_MB = 110.0
MOST_DRIFT = 2.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def measure() -> Mapping[str, object]:
    """Return all figures; a day of frames at the end."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        stream = Path(name) / "stream.mp4"
        draw(stream)
        return {**process(stream), **hurried(stream), **soak(SOAK_HOURS)}


def draw(path: Path, seconds: int = CLIP_S) -> None:
    """Write a camera's stream: a still, textured view with a sensor's noise, through which something goes twice."""
    rng = np.random.default_rng(11)
    coarse = np.kron(rng.integers(60, 180, (HEIGHT // 24, WIDTH // 20)), np.ones((24, 20)))
    ground = (coarse + rng.integers(0, 25, (HEIGHT, WIDTH))).astype(np.int16)
    noises = [rng.normal(0, NOISE, (HEIGHT, WIDTH)).astype(np.int16) for _ in range(7)]
    planar = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "23", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = 2 * FPS
        for number in range(seconds * FPS):
            luma = _with_thing(ground, (number / FPS) % (CLIP_S / 2))
            planar[:HEIGHT] = np.clip(luma + noises[number % len(noises)], 0, 255)
            frame = VideoFrame.from_ndarray(planar, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())


def _with_thing(ground: Luma, at_s: float) -> Luma:
    """Return the view with a striped thing that takes five seconds, from the fifth, to go through it."""
    luma = ground.copy()
    left = round((at_s - 5.0) / 5.0 * WIDTH)
    if 0 <= left < WIDTH:
        luma[260:560, left : left + 150] = 45
        luma[260:560:20, left : left + 150] = 220
    return luma


@contextmanager
def camera(stream: Path, *overrides: str) -> Iterator[tuple[FakeGate, int]]:
    """Run the camera process on a looped stream; yield its gate and its id."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name, FakeGate(Path(name)) as gate:
        settings = [
            f"storage.state_dir={name}", "camera.source=video", f"camera.url={stream}", "camera.loop=true",
            "camera.zones=[]", *overrides,
        ]  # fmt: skip
        command = [sys.executable, "-m", "camera", "--config", str(ROOT / "config" / "simulate.toml")]
        command += [part for setting in settings for part in ("--set", setting)]
        log = Path(name) / "camera.log"
        with log.open("wb") as said:
            running = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said, cwd=ROOT)
        try:
            wait_until(
                lambda: running.poll() is not None or gate.beats.get("camera", {}).get("ok") is True, 20, "its health"
            )
            assert running.poll() is None, log.read_text(encoding="utf-8")
            yield gate, running.pid
        finally:
            running.communicate(timeout=10)


def process(stream: Path, seconds: float = MEASURED_S) -> Mapping[str, object]:
    """Return what the process costs in real time."""
    with camera(stream) as (gate, pid):
        time.sleep(WARM_S)
        frames, cpu_s, began_s = _frames(gate), _cpu_s(pid), time.monotonic()
        pss_mb = max(_watched(pid, "Pss", seconds))
        took_s = time.monotonic() - began_s
        cpu = (_cpu_s(pid) - cpu_s) / took_s * 100
        seen = (_frames(gate) - frames) / took_s
        health = gate.beats["camera"]
        events = len(gate.reports)
    decode_ms = decoding_ms(stream)
    return {
        "stream": f"{WIDTH}x{HEIGHT}, {FPS} frames/s, {stream.stat().st_size * 8 / CLIP_S / 1e6:.1f} Mbit/s, copied",
        "process_cpu_percent": round(cpu, 1),
        "of_it_decoding_percent": round(decode_ms * FPS / 10, 1),
        "of_it_detecting_percent": round(cast("float", health["detect_ms"]) * ANALYSED_PER_S / 10, 1),
        "decode_ms_a_frame": round(decode_ms, 2),
        "detect_ms_a_frame": health["detect_ms"],
        "frames_for_detection_per_s": round(seen, 2),
        "units_dropped": health["dropped"],
        "facts_told": events,
        "process_pss_at_most_mb": round(pss_mb, 1),
        "process_cpu_bound": _held(cpu, MOST_CPU, "%"),
        "process_pss_bound": _held(pss_mb, MOST_PSS_MB, "MB"),
    }


def hurried(stream: Path, seconds: float = HURRIED_S) -> Mapping[str, object]:
    """Return how the memory of the process grows while its file is looped as fast as it decodes.

    An open clip and its thumbnail come and go, so the least of the second half is held against that of the first.
    """
    with camera(stream, "camera.pace=fast", "recording.max_gb=0.5") as (gate, pid):
        time.sleep(WARM_S)
        frames, began_s = _frames(gate), time.monotonic()
        first_mb = min(_watched(pid, "Rss", seconds / 2))
        drift = (min(_watched(pid, "Rss", seconds / 2)) / first_mb - 1) * 100
        told_s = (_frames(gate) - frames) / ANALYSED_PER_S
        took_s = time.monotonic() - began_s
        facts = len(gate.reports)
    return {
        "hurried": f"{told_s / 3600:.2f} h of its stream in {took_s:.0f} s, {facts} facts told",
        "hurried_rss_mb": round(first_mb, 1),
        "hurried_rss_drift_percent": round(drift, 2),
        "hurried_rss_bound": _held(drift, MOST_DRIFT, "%"),
    }


def decoding_ms(path: Path) -> float:
    """Return CPU milliseconds that decoding one picture takes, one thread, nothing else done."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        began_s = time.thread_time()
        count = sum(1 for _ in container.decode(stream))
        return (time.thread_time() - began_s) / count * 1000


def soak(hours: float) -> Mapping[str, object]:
    """Return how memory grows over so many hours of frames, looked at as fast as possible by a fresh process."""
    began_s = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        told = pool.apply(_look_for, (hours,))
    drift = (told[-1] / told[0] - 1) * 100
    return {
        "soak": f"{hours:g} h of frames in {(time.monotonic() - began_s) / 60:.1f} min",
        "soak_rss_mb": f"{told[0]:.1f} to {told[-1]:.1f}, at most {max(told):.1f}",
        "soak_rss_drift_percent": round(drift, 2),
        "soak_rss_bound": _held(drift, MOST_DRIFT, "%"),
    }


def _look_for(hours: float) -> list[float]:
    """Look at so many hours of frames; return the memory in MB after the first twentieth and each that follows."""
    cv2.setNumThreads(1)
    seen = planes()
    zones = [Area(name="gate", polygon=((0.0, 0.3), (1.0, 0.3), (1.0, 1.0), (0.0, 1.0)))]
    lines = [Line(name="gate", start=(0.0, 0.7), end=(1.0, 0.7))]
    detector, visits, trust = Detector(zones), Visits(lines=lines), Trust()
    frames = round(hours * 3600 * ANALYSED_PER_S)
    told = []
    for number in range(frames):
        at_s = number / ANALYSED_PER_S
        plane = seen[number % len(seen)]
        visits.step(detector.look(plane, at_s), at_s)
        trust.look(plane, at_s)
        if number % (frames // 20) == frames // 20 - 1:
            told.append(_smaps_mb(os.getpid(), "Rss"))
    return told


def _frames(gate: FakeGate) -> int:
    return cast("int", gate.beats["camera"]["frames"])


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _smaps_mb(pid: int, key: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024


def _watched(pid: int, key: str, seconds: float) -> list[float]:
    """Read one figure of a process once a second for a while; MB."""
    ends_s = time.monotonic() + seconds
    told = []
    while time.monotonic() < ends_s:
        time.sleep(1.0)
        told.append(_smaps_mb(pid, key))
    return told


def _held(value: float, bound: float, unit: str) -> str:
    return f"{bound:g} {unit}: {'held' if value <= bound else BROKEN}"


if __name__ == "__main__":
    for key, value in measure().items():
        print(f"{key:32s} {value}")
