"""The whole process, as the supervisor starts it: pictures, events, clips, live, kill and return."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from camera.live import CONFIG, HEADER, KEY
from gate.model import JsonObject, Kind
from tests.camera.conftest import decodes_cleanly, probe
from tests.fakes import FakeGate, wait_until

ROOT = Path(__file__).resolve().parents[2]
CLIPS = ("cars-from-above.mp4", "night-street-empty.mp4", "brightness-jump.avi")


class CameraProcess:
    """`python -m camera` beside a scripted gate."""

    def __init__(self, folder: Path, gate: FakeGate, *overrides: str) -> None:
        self.folder = folder
        self.gate = gate
        settings = [f"storage.state_dir={folder}", *overrides]
        command = [sys.executable, "-m", "camera", "--config", str(ROOT / "config" / "simulate.toml")]
        self.process = subprocess.Popen(
            [*command, *(part for setting in settings for part in ("--set", setting))],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True,
        )  # fmt: skip

    def told(self, kind: Kind) -> list[JsonObject]:
        """Return what was reported of one kind."""
        return [data for told, _, data in self.gate.reports if told is kind]

    def clips(self, cause: str) -> list[JsonObject]:
        """Return what was reported of clips that were made for one cause."""
        return [data for data in self.told(Kind.CLIP_SAVED) if data["cause"] == cause]

    @property
    def health(self) -> JsonObject:
        """What the newest beat said."""
        return self.gate.beats.get("camera", {})

    def end(self) -> None:
        """Kill what still runs and close its pipes."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate(timeout=5)
        for pipe in (self.process.stdin, self.process.stderr):
            if pipe:
                pipe.close()

    def stop(self) -> str:
        """Close the supervisor's end, as its death would; return what was logged."""
        if self.process.poll() is None:
            began_s = time.monotonic()
            _, logged = self.process.communicate(timeout=10)
            assert time.monotonic() - began_s < 4.0
            assert self.process.returncode == 0
        else:
            logged = self.process.stderr.read() if self.process.stderr else ""
        assert "Traceback" not in logged
        return logged


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., CameraProcess]]:
    """Return what starts a camera process; all of them are ended afterwards."""
    with contextlib.ExitStack() as stack:
        gate = stack.enter_context(FakeGate(tmp_path))

        def starting(*overrides: str) -> CameraProcess:
            camera = CameraProcess(tmp_path, gate, *overrides)
            stack.callback(camera.end)
            return camera

        yield starting


def gate_opens(camera: CameraProcess) -> None:
    """Let the leaf slide open in two seconds, the lamp flashing, as gate tells it; then rest."""
    camera.gate.say_state(state="opening", outputs={"lamp": True, "light": False})
    for step in range(40):
        camera.gate.push_yard({"leaf": step / 40, "lamp": True})
        time.sleep(0.05)
    camera.gate.push_yard({"leaf": 1.0})
    camera.gate.say_state(state="open", outputs={"lamp": False, "light": False})
    time.sleep(1.5)


def test_the_scene_is_seen_within_seconds_and_a_car_becomes_an_event_with_a_clip(
    start: Callable[..., CameraProcess], tmp_path: Path
) -> None:
    """From push to clip: snapshot, no event for the gate's own leaf and lamp, one for the car, thumbnail, MP4."""
    camera = start("recording.pre_roll_s=2.0", "recording.post_roll_s=1.0")
    wait_until((tmp_path / "snapshot.jpg").exists, 10, "a first snapshot")
    wait_until(lambda: camera.health.get("ok") is True, 10, "health")
    age_s = (time.monotonic_ns() - (tmp_path / "snapshot.jpg").stat().st_mtime_ns) / 1e9
    assert 0 <= age_s < 1.0
    gate_opens(camera)
    assert camera.told(Kind.MOTION_STARTED) == []
    began_s = time.monotonic()
    while (gone_s := time.monotonic() - began_s) < 3.6:
        car: JsonObject = {"id": 1, "kind": "car", "along": -1.1 + 0.45 * gone_s, "direction": 1, "length": 0.36}
        camera.gate.push_yard({"leaf": 1.0, "things": [car]})
        time.sleep(0.05)
    camera.gate.push_yard({"leaf": 1.0, "things": []})
    wait_until(lambda: bool(camera.clips("motion")), 15, "a clip")
    (saved, *_) = camera.clips("motion")
    (started, *_) = camera.told(Kind.MOTION_STARTED)
    assert saved["event_id"] == started["event_id"]
    assert started["source"] == "scene"
    assert started["zones"] == ["gateway"]
    assert cast("float", saved["pre_roll_s"]) >= 1.5
    clip = tmp_path / "media" / cast("str", saved["clip"])
    assert probe(clip)["duration"] == pytest.approx(saved["duration_s"], abs=0.5)
    assert decodes_cleanly(clip)
    assert (tmp_path / "media" / cast("str", saved["thumbnail"])).exists()
    camera.stop()


def test_the_live_socket_serves_a_picture_at_once(start: Callable[..., CameraProcess], tmp_path: Path) -> None:
    """Configuration, then a key access unit."""
    camera = start("camera.size=[640, 360]")
    wait_until((tmp_path / "snapshot.jpg").exists, 10, "a first snapshot")
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5)
        wait_until(lambda: camera.health.get("ok") is True, 10, "health")
        link.connect(str(tmp_path / "live.sock"))
        link.sendall(b'{"pages": 1}\n')
        with link.makefile("rb") as stream:
            flags, _, length = HEADER.unpack(stream.read(HEADER.size))
            assert flags == CONFIG
            assert json.loads(stream.read(length))["width"] == 640
            assert HEADER.unpack(stream.read(HEADER.size))[0] == KEY
    camera.stop()


def thumbnail_shows_the_thing(picture: Path) -> bool:
    """Tell whether there is something inside the drawn box: more than plain ground."""
    shown = cv2.imread(str(picture))
    assert shown is not None
    yellow = (shown[..., 2] > 220) & (shown[..., 1] > 150) & (shown[..., 1] < 230) & (shown[..., 0] < 120)
    rows, columns = np.nonzero(yellow)
    inside = shown[rows.min() + 4 : rows.max() - 3, columns.min() + 4 : columns.max() - 3]
    return bool(inside.size > 3000 and inside.std() > 18)


@pytest.mark.parametrize("name", CLIPS)
def test_real_clips_become_the_labelled_events_with_clips_that_play(
    start: Callable[..., CameraProcess], tmp_path: Path, real_clips: Path, truth: dict[str, JsonObject], name: str
) -> None:
    """Real input: every labelled visit is one event, its clip plays, its thumbnail shows it; empty clips stay empty."""
    label = truth[name]
    masks = [tuple(mask) for mask in cast("list[list[float]]", label["masks"])]
    zone = json.dumps([[float(x), float(y)] for x, y in cast("list[list[float]]", label["zone"])])
    camera = start(
        "camera.source=video", f"camera.url={real_clips / name}", "camera.pace=fast", "camera.min_area=0.002",
        f"camera.masks={json.dumps(masks)}", f'camera.zones=[{{ name = "gate", polygon = {zone} }}]',
        "recording.pre_roll_s=5.0", "recording.post_roll_s=2.0",
    )  # fmt: skip
    wait_until(lambda: camera.health.get("reason") == "video_ended", 60, "the end of the file")
    wanted = len(cast("list[JsonObject]", label["events"]))
    wait_until(lambda: len(camera.told(Kind.CLIP_SAVED)) >= len(camera.told(Kind.MOTION_STARTED)), 20, "all clips")
    assert len(camera.told(Kind.MOTION_STARTED)) == wanted
    ended = {data["event_id"]: data for data in camera.told(Kind.MOTION_ENDED)}
    for saved in camera.told(Kind.CLIP_SAVED):
        clip = tmp_path / "media" / cast("str", saved["clip"])
        seen = probe(clip)
        assert seen["codec_name"] == "h264"
        assert seen["duration"] == pytest.approx(saved["duration_s"], abs=0.5)
        length = cast("float", ended[saved["event_id"]]["duration_s"]) + cast("float", saved["pre_roll_s"])
        assert cast("float", saved["duration_s"]) >= length
        assert cast("float", saved["pre_roll_s"]) >= 4.0  # the first car comes 4.4 s after its file's beginning
        assert decodes_cleanly(clip)
        assert thumbnail_shows_the_thing(tmp_path / "media" / cast("str", saved["thumbnail"]))
    camera.stop()


def test_a_process_that_was_killed_while_it_recorded_leaves_nothing_behind(
    start: Callable[..., CameraProcess], tmp_path: Path, real_clips: Path
) -> None:
    """SIGKILL in the middle of a clip: the next start finishes it, and it is told of."""
    overrides = (
        "camera.source=video", f"camera.url={real_clips / 'cars-from-above.mp4'}", "camera.zones=[]",
        "recording.pre_roll_s=3.0",
    )  # fmt: skip
    camera = start(*overrides)
    wait_until(lambda: any((tmp_path / "media").rglob("*.part")), 20, "a clip under way")
    wait_until(lambda: max(p.stat().st_size for p in (tmp_path / "media").rglob("*.part")) > 200_000, 10, "some of it")
    wait_until(lambda: bool(camera.told(Kind.MOTION_STARTED)), 10, "the news of it")
    camera.process.send_signal(signal.SIGKILL)
    camera.process.wait(5)
    again = start(*overrides)
    wait_until(lambda: bool(again.told(Kind.CLIP_SAVED)), 10, "the finished clip")
    saved = again.told(Kind.CLIP_SAVED)[0]
    assert saved["event_id"] == camera.told(Kind.MOTION_STARTED)[0]["event_id"]
    assert cast("float", saved["duration_s"]) >= 1.5
    assert decodes_cleanly(tmp_path / "media" / cast("str", saved["clip"]))
    again.stop()


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "video_missing"), (b"", "video_corrupt"), (b"no film" * 99, "video_corrupt")]
)
def test_a_file_that_is_no_video_is_told_and_the_process_lives(
    start: Callable[..., CameraProcess], tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """No crash loop and no traceback: a health reason, a sentence with the remedy, a clean stop."""
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)
    camera = start("camera.source=video", f"camera.url={path}")
    wait_until(lambda: camera.health.get("reason") == reason, 10, reason)
    assert camera.process.poll() is None
    assert "camera.url" in camera.stop()


def test_a_configuration_without_use_ends_with_two(tmp_path: Path) -> None:
    """One line for each problem, no traceback."""
    config = str(ROOT / "config" / "simulate.toml")
    ended = subprocess.run(
        [sys.executable, "-m", "camera", "--config", config, "--set", "camera.souce=scene"],
        capture_output=True, cwd=ROOT, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "camera.souce" in ended.stderr
    assert "Traceback" not in ended.stderr
