"""The camera process: builds it, starts it, waits, stops it in reverse order.

Three threads beside the event loop: the source with everything that follows from it (`pipeline`), and the recorder,
which owns the disk. The loop has the connection to gate, the viewers and this process's health.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2

from camera.live import LiveServer, Snapshot
from camera.motion import Area, Detector
from camera.pipeline import OwnLight, Pipeline
from camera.recorder import Limits, Recorder, Saved
from camera.reports import Reports
from camera.source import Source
from camera.store import Deleted, Store
from config.load import ConfigError, load, runtime_dir, socket_path
from config.schema import Settings
from gate.client import Client, new_id, parent_is_gone
from gate.logs import log_to_stderr
from gate.model import JsonObject, Kind, State

log = logging.getLogger(__name__)

FRAMES_PER_S = 5.0
STALE_S = 3.0
STUCK_S = 20.0
STOP_S = 1.5


class StuckError(Exception):
    """The source hangs and can't be mended from inside; the process ends and is started anew."""


def main(arguments: Sequence[str]) -> int:
    """Run the process until it is told to stop. Exit code 0; 1 after a failure; 2 for a configuration without use."""
    parser = argparse.ArgumentParser(prog="python -m camera", description="The camera process of antt-gate.")
    parser.add_argument("--config", type=Path, required=True, help="the gate's configuration file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one key")
    options = parser.parse_args(arguments)
    try:
        settings = load(options.config, options.set)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line speaks on stderr
        return 2
    with contextlib.closing(log_to_stderr("camera")):
        return run(settings)


def run(settings: Settings) -> int:
    """Serve; return the exit code."""
    cv2.setNumThreads(1)
    try:
        asyncio.run(serve(settings))
    except StuckError as error:
        log.error("%s", error)  # noqa: TRY400 - the sentence says it; a traceback helps nobody here
        return 1
    except OSError as error:
        log.error("%s; make the folders of [storage] writable for this user", error)  # noqa: TRY400 - as above
        return 1
    return 0


async def serve(settings: Settings) -> None:
    """Start from top to bottom, wait for the end, stop from bottom to top."""
    runtime, media = runtime_dir(settings), settings.media_dir
    runtime.mkdir(parents=True, exist_ok=True)
    media.mkdir(parents=True, exist_ok=True)
    source, scene = build_source(settings)
    pipeline: Pipeline | None = None

    def pushed(topic: str, data: JsonObject) -> None:
        if scene:
            scene(topic, data)
        if topic == "state" and pipeline:
            pipeline.own = read_own(data)

    store = Store(media, settings.site.timezone, settings.recording.keep_days, settings.recording.max_gb)
    client = Client(
        socket_path(settings), who="camera", topics=["state", "yard"] if scene else ["state"], pushed=pushed
    )
    reports = Reports(client, media)
    live = LiveServer(runtime / "live.sock")
    recorder = build_recorder(settings, store, reports)
    pipeline = Pipeline(
        source=source, name=settings.camera.source, detector=build_detector(settings),
        detect_fps=settings.camera.detect_fps, recorder=recorder, live=live,
        snapshot=Snapshot(runtime / "snapshot.jpg"), store=store, tell=reports.tell, new_id=new_id,
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        await live.start()
        stack.push_async_callback(live.stop)
        await client.start()
        stack.push_async_callback(client.stop)
        stack.push_async_callback(cancelled, asyncio.create_task(reports.run(), name="reports"))
        recorder.start()
        stack.push_async_callback(asyncio.to_thread, recorder.close, STOP_S)
        watching = start_thread(pipeline.run)
        stack.push_async_callback(asyncio.wait, [watching], timeout=STOP_S)
        stack.callback(source.stop)
        told = asyncio.create_task(tell_health(client, source, pipeline, recorder, live, store), name="health")
        stack.push_async_callback(cancelled, told)
        log.info("camera %s started", settings.camera.source)
        await until_stopped(watching, told)
        log.info("stopping")


def build_source(settings: Settings) -> tuple[Source, Callable[[str, JsonObject], None] | None]:
    """Make the configured source, and what takes gate's pushes where it needs them. Imports no other source."""
    camera = settings.camera
    frames_per_s = max(FRAMES_PER_S, camera.detect_fps)
    match camera.source:
        case "scene":
            from camera.scene import SceneSource  # noqa: PLC0415 - each source loads what it needs and no more

            scene = SceneSource(
                settings.site.name, settings.site.timezone, size=camera.size, fps=camera.fps, detect_fps=frames_per_s
            )
            return scene, scene.push
        case "video":
            from camera.video import VideoSource, Wishes  # noqa: PLC0415 - as above

            wishes = Wishes(
                detect_fps=frames_per_s, fps=camera.fps, size=camera.size, pace=camera.pace, loop=camera.loop
            )
            return VideoSource(camera.url or "", wishes, read_secret(camera.password_file)), None
        case "picamera2":
            from camera.picamera import PicameraSource  # noqa: PLC0415 - as above

            return PicameraSource(size=camera.size, fps=camera.fps, detect_fps=frames_per_s), None


def read_own(state: JsonObject) -> OwnLight:
    """Read from a published state what the gate itself does to the picture."""
    outputs = state.get("outputs")
    lit = outputs if isinstance(outputs, dict) else {}
    moves = state.get("state") in {State.OPENING, State.CLOSING} or lit.get("lamp") is True
    return OwnLight(gate_moves=moves, light=lit.get("light") is True)


def read_secret(path: Path | None) -> str | None:
    """Read a file of one line. Raises `OSError` where it can't be read."""
    return path.read_text(encoding="utf-8").strip() if path else None


def build_detector(settings: Settings) -> Detector:
    """Make the detector for the configured zones; the scene knows itself where its leaf is."""
    camera = settings.camera
    zones = [Area(name=zone.name, polygon=zone.polygon) for zone in camera.zones]
    own = camera.gate_parts
    if camera.source == "scene" and not own:
        from camera.village import own_parts  # noqa: PLC0415 - only the scene needs it

        own = own_parts(*camera.size)
    return Detector(zones, camera.masks, camera.min_area, own)


def build_recorder(settings: Settings, store: Store, reports: Reports) -> Recorder:
    """Make the recorder and say which facts follow from what it does."""
    recording = settings.recording

    def saved(clip: Saved) -> None:
        thumbnail = clip.name.removesuffix(".mp4") + ".jpg"
        reports.tell(Kind.CLIP_SAVED, {
            "event_id": clip.event_id, "clip": clip.name,
            "thumbnail": thumbnail if (store.folder / thumbnail).exists() else None,
            "duration_s": clip.clip.duration_s, "pre_roll_s": clip.pre_roll_s, "bytes": clip.clip.bytes,
            "width": clip.clip.width, "height": clip.clip.height, "codec": clip.clip.codec,
        })  # fmt: skip

    def deleted(gone: Deleted) -> None:
        reports.tell(Kind.CLIP_DELETED, {"event_id": gone.event_id, "reason": gone.reason, "bytes": gone.bytes})

    def low(free_bytes: int) -> None:
        reports.tell(Kind.STORAGE_LOW, {"free_bytes": free_bytes, "folder": str(store.folder)})

    limits = Limits(
        pre_roll_s=recording.pre_roll_s, post_roll_s=recording.post_roll_s, max_clip_s=recording.max_clip_s,
        enabled=recording.enabled,
    )  # fmt: skip
    return Recorder(store, limits, saved, deleted, low)


def start_thread(work: Callable[[], None]) -> asyncio.Future[None]:
    """Run `work` in a thread that never keeps the process alive; the future ends with it, or with its exception."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if done.done():
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except Exception as raised:  # noqa: BLE001 - carried to the future, where it ends the process
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop did not wait for us
            loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=run, name="pipeline", daemon=True).start()
    return done


async def until_stopped(watching: asyncio.Future[None], told: asyncio.Task[None]) -> None:
    """Wait for a signal, for the supervisor's end, or for a failure, which is raised. A file's end is none of them."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    told_to = [asyncio.create_task(wait()) for wait in (stop.wait, parent_is_gone)]
    waits: list[asyncio.Future[Any]] = [*told_to, told, watching]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    if watching.done() and watching.exception() is None:  # a file has ended; what it showed stays to be seen
        await asyncio.wait([*told_to, told], return_when=asyncio.FIRST_COMPLETED)
    for wait in told_to:
        wait.cancel()
    for failed in (watching, told):
        if failed.done():
            failed.result()


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task and see it end."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, StuckError):
        await task


async def tell_health(  # noqa: PLR0913, PLR0917 - each figure has an owner of its own
    client: Client, source: Source, pipeline: Pipeline, recorder: Recorder, live: LiveServer, store: Store
) -> None:
    """Keep `client.health` true, log what changes. Raises `StuckError` when a healthy source delivers nothing."""
    started_s = time.monotonic()
    last = (True, "")
    while True:
        health, figures = source.health, pipeline.figures
        silent_s = time.monotonic() - max(figures.seen_at_s, started_s)
        ok, reason, detail = health.ok, health.reason, health.detail
        if ok and silent_s > STALE_S:
            ok, reason, detail = False, "stalled", f"no picture for {silent_s:.0f} s"
        elif ok and (store.low or recorder.trouble):
            ok, reason = False, "storage_low" if store.low else "clip_failed"
            detail = recorder.trouble or f"the disk of {store.folder} is nearly full; make room"
        client.health = {
            "ok": ok, "reason": reason, "detail": detail, "frames": figures.frames, "events": figures.events,
            "frame_age_ms": round(silent_s * 1000), "detect_ms": round(figures.detect_ms, 2),
            "width": figures.size[0], "height": figures.size[1], "viewers": live.viewers,
            "dropped": recorder.dropped, "free_bytes": store.free_bytes,
        }  # fmt: skip
        if (ok, reason) != last and reason != "starting":
            (log.info if ok else log.warning)("%s", detail or "the picture is there")
            last = (ok, reason)
        if health.ok and silent_s > STUCK_S:
            raise StuckError(f"the source hangs: no picture for {silent_s:.0f} s; starting anew")
        await asyncio.sleep(0.5)
