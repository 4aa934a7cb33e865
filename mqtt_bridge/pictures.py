"""The newest picture at the broker, where the site wants it there.

The camera leaves a small JPEG of what its privacy screen lets through (`postcard.jpg`, at most 100 KB); its
modification time is CLOCK_MONOTONIC of the capture. A picture older than `OLDEST_S` is not sent: the broker forgets the
last one after a minute, and then there is none, instead of one that looks like now.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from pathlib import Path

from config.load import runtime_dir
from config.schema import Settings
from mqtt_bridge import topics
from mqtt_bridge.port import Publisher, Receipt
from mqtt_bridge.reports import Sentences
from mqtt_bridge.topics import Message

log = logging.getLogger(__name__)

POSTCARD = "postcard.jpg"
LARGEST_BYTES = 100_000
OLDEST_S = 15.0


class Pictures:
    """Publishes `snapshot` whenever the camera left a new picture; does nothing where the configuration says so."""

    def __init__(self, settings: Settings, publisher: Publisher, *, kept_s: float, look_every_s: float = 1.0) -> None:
        self._path = runtime_dir(settings) / POSTCARD
        self._publisher = publisher
        self._gate_id = settings.site.id
        self._kept_s, self._look_every_s = kept_s, look_every_s
        self._wanted = settings.mqtt.snapshot
        self._sentences = Sentences()
        self._sent_ns = 0

    @property
    def is_fresh(self) -> bool:
        """Tell whether the newest picture that was sent is not older than the broker keeps one."""
        return self._sent_ns > 0 and time.monotonic_ns() - self._sent_ns <= self._kept_s * 1e9

    async def run(self) -> None:
        """Publish until cancelled. QoS 0: a picture that gets lost is followed by the next."""
        if not self._wanted:
            await asyncio.get_running_loop().create_future()
        while True:
            if self._publisher.connected:
                taken_ns, jpeg = await asyncio.to_thread(newest, self._path, time.monotonic_ns())
                if jpeg and taken_ns != self._sent_ns and (receipt := self._publisher.publish(self._message(jpeg))):
                    self._sent_ns = taken_ns
                    receipt.add_done_callback(self._noted)
            await asyncio.sleep(self._look_every_s)

    def _noted(self, receipt: asyncio.Future[Receipt]) -> None:
        refusal = "" if receipt.cancelled() else receipt.result().refusal
        if refusal and self._sentences.is_news(refusal, now_s=time.monotonic()):
            log.warning("%s", refusal)

    def _message(self, jpeg: bytes) -> Message:
        return topics.message(self._gate_id, topics.SNAPSHOT, jpeg)


def newest(path: Path, now_ns: int) -> tuple[int, bytes]:
    """Return when the newest picture was taken (CLOCK_MONOTONIC ns), and the picture; (0, b"") where none is fresh."""
    try:
        with path.open("rb") as file:
            taken_ns = os.fstat(file.fileno()).st_mtime_ns
            jpeg = file.read(LARGEST_BYTES + 1)
    except OSError:
        return 0, b""
    is_fresh = 0 <= now_ns - taken_ns <= OLDEST_S * 1e9
    return (taken_ns, jpeg) if is_fresh and 0 < len(jpeg) <= LARGEST_BYTES else (0, b"")
