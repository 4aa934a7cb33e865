"""What the camera has to tell gate: queued while gate is away, in order, and a saved clip never forgotten.

A `clip_saved` also lies in a small file until gate has taken it, so that it survives this process and a power cut too.
Everything else is bounded: of a thousand facts that nobody fetched, the oldest go. A `clip_deleted` among them is found
at the next start, when the journal is compared with what is there.
"""

from __future__ import annotations

import asyncio
import collections
import json
import logging
from pathlib import Path

from camera.disk import write_whole
from gate.client import Client, GateUnavailableError, RequestRefusedError
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

LONGEST_QUEUE = 1000
RETRY_S = 0.5
BY: JsonObject = {"type": "process", "id": "camera", "name": "camera"}
FOLDER = ".unreported"


class Reports:
    """The queue towards gate. `tell` may be called from any thread; `run` belongs to the event loop."""

    def __init__(self, client: Client, media_dir: Path) -> None:
        self._client = client
        self._folder = media_dir / FOLDER
        self._queue: collections.deque[tuple[Kind, JsonObject]] = collections.deque()
        self._more = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for path in sorted(self._folder.glob("*.json")):
            self._recall(path)

    def tell(self, kind: Kind, data: JsonObject) -> None:
        """Queue one fact. A saved clip is noted on the disk before this returns."""
        if kind is Kind.CLIP_SAVED:
            self._note(data)
        self._loop.call_soon_threadsafe(self._enqueue, kind, data)

    async def run(self) -> None:
        """Send what is queued, one after the other, for ever."""
        while True:
            while not self._queue:
                self._more.clear()
                await self._more.wait()
            await self._client.connected.wait()
            kind, data = self._queue[0]
            try:
                await self._client.report(kind.value, data, BY)
            except GateUnavailableError:
                await asyncio.sleep(RETRY_S)
                continue
            except RequestRefusedError as error:
                log.warning("gate refused a %s: %s", kind.value, error)
            if self._queue and self._queue[0] == (kind, data):
                self._queue.popleft()
            if kind is Kind.CLIP_SAVED:
                self._path(data).unlink(missing_ok=True)

    def _enqueue(self, kind: Kind, data: JsonObject) -> None:
        self._queue.append((kind, data))
        if len(self._queue) > LONGEST_QUEUE:
            droppable = next((item for item in self._queue if item[0] is not Kind.CLIP_SAVED), None)
            if droppable:
                self._queue.remove(droppable)
        self._more.set()

    def _path(self, data: JsonObject) -> Path:
        return self._folder / f"{data['event_id']}.json"

    def _note(self, data: JsonObject) -> None:
        try:
            write_whole(self._path(data), json.dumps(data).encode())
        except OSError as error:
            log.warning("a saved clip could not be noted (%s); it is told from memory", error)

    def _recall(self, path: Path) -> None:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(data, dict) and data.get("event_id") == path.stem:
                self._enqueue(Kind.CLIP_SAVED, data)
                return
        except (OSError, ValueError):
            pass
        log.warning("%s is no note of a saved clip; removed", path)
        path.unlink(missing_ok=True)
