"""From the configuration to a source that has everything it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from camera.choose import build_source
from camera.picamera import PicameraSource
from camera.scene import SceneSource
from camera.source import Frame
from camera.twin import TwinSource
from camera.video import VideoSource
from config.load import SIMULATE_FILE, load

PRIVACY = "camera.privacy=[[[0.0, 0.0], [0.5, 0.0], [0.5, 1.0]]]"


@pytest.mark.parametrize(
    ("overrides", "kind"),
    [
        ([], SceneSource),
        (["camera.source=picamera2", PRIVACY, "camera.turn=180"], PicameraSource),
        (["camera.source=video", "camera.url=/srv/gate.mp4"], VideoSource),
        (["camera.source=video", "camera.url=rtsp://10.0.0.2/1", "camera.detect_url=rtsp://10.0.0.2/2"], TwinSource),
    ],
)
def test_each_source_is_made_of_its_own_keys(tmp_path: Path, overrides: list[str], kind: type) -> None:
    source, push = build_source(load(SIMULATE_FILE, [f"storage.state_dir={tmp_path}", *overrides]))
    assert isinstance(source, kind)
    assert (push is not None) == (kind is SceneSource)
    source.stop()


def test_the_scene_keeps_what_is_private_to_itself(tmp_path: Path) -> None:
    """The same screen as on a real camera, so that it can be tried before one hangs there."""
    settings = load(SIMULATE_FILE, [f"storage.state_dir={tmp_path}", "camera.size=[640, 360]", PRIVACY])
    source, _ = build_source(settings)
    frame = next(item for item in source.items() if isinstance(item, Frame))
    source.stop()
    assert int(frame.luma[:60, 100:150].max()) < 24
    assert int(frame.picture[40:100, 210:300].max()) < 10
