"""Which source the configuration asks for, made ready with everything that it needs. Imports no other source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from camera.screen import Screen, site_clock
from camera.source import Source
from config.schema import Settings
from gate.model import JsonObject

FRAMES_PER_S = 5.0

Push = Callable[[str, JsonObject], None]


def build_source(settings: Settings) -> tuple[Source, Push | None]:
    """Make the configured source, and what takes gate's pushes where it needs them. `OSError` for a lost secret."""
    camera = settings.camera
    frames_per_s = max(FRAMES_PER_S, camera.detect_fps)
    match camera.source:
        case "scene":
            from camera.scene import SceneSource  # noqa: PLC0415 - each source loads what it needs and no more

            scene = SceneSource(
                settings.site.name, settings.site.timezone, size=camera.size, fps=camera.fps, detect_fps=frames_per_s,
                screen=Screen(polygons=camera.privacy), stamp=camera.stamp, with_time=camera.timecode,
            )  # fmt: skip
            return scene, scene.push
        case "video":
            return build_video(settings, frames_per_s), None
        case "picamera2":
            from camera.exposure import Exposing  # noqa: PLC0415 - as above
            from camera.picamera import PicameraSource  # noqa: PLC0415 - as above

            exposing = Exposing(mode=camera.exposure, longest_ms=camera.longest_exposure_ms, ev=camera.ev)
            return PicameraSource(
                size=camera.size, fps=camera.fps, detect_fps=frames_per_s, exposing=exposing, turn=camera.turn,
                screen=build_screen(settings),
            ), None  # fmt: skip


def build_video(settings: Settings, frames_per_s: float) -> Source:
    """Make the source for a file, a device or a network camera with one stream or two."""
    from camera.reading import Wishes  # noqa: PLC0415 - each source loads what it needs and no more
    from camera.twin import TwinSource  # noqa: PLC0415 - as above
    from camera.video import VideoSource  # noqa: PLC0415 - as above

    camera = settings.camera
    secret = read_secret(camera.password_file)
    encoded_here = camera.reencode or (camera.url or "").startswith("/dev/")  # a USB camera has no clock of its own
    screen = build_screen(settings) if encoded_here else Screen()
    wishes = Wishes(
        detect_fps=frames_per_s, fps=camera.fps, size=camera.size, pace=camera.pace, loop=camera.loop,
        look=camera.detect_url is None, reencode=encoded_here,
    )  # fmt: skip
    main = VideoSource(camera.url or "", wishes, secret, screen=screen)
    if camera.detect_url is None:
        return main
    small = replace(wishes, record=False, look=True, reencode=False)
    return TwinSource(main, VideoSource(camera.detect_url, small, secret, screen=screen))


def build_screen(settings: Settings) -> Screen:
    """Make what is drawn over the picture: privacy, and name and clock where the site wants them."""
    camera = settings.camera
    clock = site_clock(settings.site.timezone) if camera.stamp else None
    return Screen(polygons=camera.privacy, name=settings.site.name, clock=clock)


def read_secret(path: Path | None) -> str | None:
    """Read a file of one line. Raises `OSError` where it can't be read."""
    return path.read_text(encoding="utf-8").strip() if path else None
