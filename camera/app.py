"""The camera process: builds it, starts it, waits, stops it in reverse order.

Three kinds of thread beside the event loop: the source with everything that follows from it (`pipeline`), the recorder
with its finisher, which own the disk, and one that compares the folder with the journal at the start. The loop has the
connection to gate, the viewers, this process's health and what was learned of the view.
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
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import cv2

from camera.build import Tellers, build_eyes, build_recorder
from camera.choose import Push, build_source
from camera.chronicle import Chronicle
from camera.health import Parts, StuckError, Watch
from camera.holds import JournalHolds
from camera.inventory import Inventory
from camera.live import LiveServer, Snapshot
from camera.memories import Memories
from camera.messages import Begin
from camera.occasions import Occasions
from camera.pipeline import Pipeline
from camera.postcard import Postcard
from camera.published import read_published
from camera.recorder import Recorder
from camera.reports import FOLDER, Reports
from camera.store import Store
from config.load import ConfigError, load, runtime_dir, socket_path
from config.schema import Settings
from gate.client import Client, new_id, parent_is_gone
from gate.holds import KINDS as HOLD_KINDS
from gate.logs import log_to_stderr
from gate.model import JsonObject

log = logging.getLogger(__name__)

STOP_S = 1.5
KEEP_EVERY_S = 30.0
MARK_EVERY_S = 60.0
JOURNAL = "journal.db"


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
    recording = settings.recording
    source, scene = build_source(settings)
    journal = settings.storage.state_dir / JOURNAL
    store = Store(
        media, settings.site.timezone, recording.keep_days, recording.max_gb, asked=JournalHolds(journal)
    )  # fmt: skip
    inventory = Inventory(store, media / FOLDER, time.time())
    listener = Listener(scene)
    topics = ["state", "fact", "yard"] if scene else ["state", "fact"]
    client = Client(socket_path(settings), who="camera", topics=topics, pushed=listener.pushed)
    reports = Reports(client, media)
    live = LiveServer(
        runtime / "live.sock", ask_key=source.ask_key,
        watched=lambda watched: source.need(units=watched or recording.enabled),
    )  # fmt: skip
    tellers = Tellers(reports=reports, folder=media)
    recorder = build_recorder(settings, store, tellers)
    memories = Memories(media)
    postcard = Postcard(runtime / "postcard.jpg", settings.mqtt.snapshot_every_s) if settings.mqtt.snapshot else None
    pipeline = Pipeline(
        source=source, eyes=build_eyes(settings, memories), detect_fps=settings.camera.detect_fps,
        chronicle=Chronicle(settings.camera.source, recorder, store, reports.tell, new_id), recorder=recorder,
        live=live, snapshot=Snapshot(runtime / "snapshot.jpg", live, postcard), tell=reports.tell,
    )  # fmt: skip
    listener.connect(pipeline, recorder, store)
    parts = Parts(source=source, pipeline=pipeline, recorder=recorder, live=live, store=store)
    watch = Watch(parts, lambda health: say(client, health), reports.tell)
    async with contextlib.AsyncExitStack() as stack:
        await live.start()
        stack.push_async_callback(live.stop)
        await client.start()
        stack.push_async_callback(client.stop)
        background(stack, reports.run(), "reports")
        source.need(units=recording.enabled)
        recorder.start()
        stack.push_async_callback(asyncio.to_thread, recorder.close, STOP_S)
        background(stack, mark_holds(store, listener.holds_changed), "holds")
        in_background(lambda: inventory.check(journal, tellers.saved, tellers.deleted))
        stack.push_async_callback(asyncio.to_thread, keep, pipeline, memories)
        watching = start_thread(pipeline.run)
        stack.push_async_callback(asyncio.wait, [watching], timeout=STOP_S)
        stack.callback(source.stop)
        background(stack, keep_now_and_then(pipeline, memories), "memories")
        told = background(stack, watch.run(), "health")
        log.info("camera %s started", settings.camera.source)
        await until_stopped(watching, told)
        log.info("stopping")


class Listener:
    """Takes gate's pushes to everybody here whom they concern. Called in the event loop."""

    def __init__(self, scene: Push | None) -> None:
        self._scene = scene
        self._occasions = Occasions(new_id)
        self._connected: tuple[Pipeline, Recorder, Store] | None = None
        self.holds_changed = asyncio.Event()

    def connect(self, pipeline: Pipeline, recorder: Recorder, store: Store) -> None:
        """Say who is concerned; what came before is lost."""
        self._connected = pipeline, recorder, store

    def pushed(self, topic: str, data: JsonObject) -> None:
        """Take one push."""
        if self._scene:
            self._scene(topic, data)
        if topic == "fact" and data.get("kind") in HOLD_KINDS:
            self.holds_changed.set()
        if topic != "state" or self._connected is None:
            return
        pipeline, recorder, store = self._connected
        pipeline.published = read_published(data)
        recorder.clock_trusted = pipeline.published.clock_trusted
        for order in self._occasions.heard(data, time.monotonic(), time.time()):
            recorder.post(order)
            if isinstance(order, Begin):
                pipeline.stills.append(store.name(order.event_id, order.wall_s, ".jpg"))


def say(client: Client, health: JsonObject) -> None:
    """Have gate told how this process is with the next beat; of its sight at once."""
    changed = health["sight"] != client.health.get("sight")
    client.health = health
    if changed:
        client.beat_now()


def keep(pipeline: Pipeline, memories: Memories) -> None:
    """Write what was learned since the last time."""
    for name, learned in (pipeline.figures.learned or {}).items():
        memories.write(name, learned)


async def keep_now_and_then(pipeline: Pipeline, memories: Memories) -> None:
    """Write what was learned, for ever."""
    while True:
        await asyncio.sleep(KEEP_EVERY_S)
        await asyncio.to_thread(keep, pipeline, memories)


async def mark_holds(store: Store, changed: asyncio.Event) -> None:
    """Mark what people hold at the start, when the gate tells of a hold, and now and then what was missed; for ever."""
    while True:
        changed.clear()
        await asyncio.to_thread(store.mark)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), MARK_EVERY_S)


def background(stack: contextlib.AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Start a task that ends with the stack."""
    task = asyncio.create_task(work, name=name)
    stack.push_async_callback(cancelled, task)
    return task


def in_background(work: Callable[[], object]) -> None:
    """Run `work` in a thread that nobody waits for; what it raises is logged."""

    def run() -> None:
        try:
            work()
        except Exception:
            log.exception("the folder of clips could not be compared with the journal")

    threading.Thread(target=run, name="inventory", daemon=True).start()


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
