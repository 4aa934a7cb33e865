"""One network camera, two streams: the large one is recorded and shown as it comes, the small one is searched.

Nothing of the large stream is decoded, which is what makes a 4K camera cheap. Each stream has a thread of its own, so
that one that stalls does not hold up the other; both put what they have into one box, and neither waits for its reader.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from camera.inbox import Inbox
from camera.source import AccessUnit, Frame, Health, Item, Source, Stream

WAIT_S = 0.1


class TwinSource:
    """A `Source` of two: `main` gives streams and access units, `second` gives frames."""

    def __init__(self, main: Source, second: Source) -> None:
        self._main, self._second = main, second
        self._inbox = Inbox()
        self._stopping = threading.Event()

    @property
    def health(self) -> Health:
        """The main stream's; where that is well, the second's."""
        health = self._main.health
        if not health.ok:
            return health
        searched = self._second.health
        if searched.ok or searched.reason == "starting":
            return searched
        detail = f"nothing is searched for motion: {searched.detail} (camera.detect_url)"
        return Health(ok=False, reason="detect_stream_lost", detail=detail)

    def stop(self) -> None:
        """Make `items` end at once; the threads follow when their reads give up (3 s) and hold nobody up."""
        self._stopping.set()
        self._main.stop()
        self._second.stop()

    def ask_key(self) -> None:
        """Ask the main stream, which can where it is encoded here."""
        self._main.ask_key()

    def need(self, *, units: bool) -> None:
        """Tell the main stream."""
        self._main.need(units=units)

    def items(self) -> Iterator[Item]:
        """Yield what both deliver; frames only once the main stream was announced."""
        for source, wanted in ((self._main, (Stream, AccessUnit)), (self._second, (Frame,))):
            threading.Thread(target=self._read, args=(source, wanted), name="stream", daemon=True).start()
        announced = False
        while not self._stopping.is_set():
            item = self._inbox.get(WAIT_S)
            announced = announced or isinstance(item, Stream)
            if item is not None and announced:
                yield item

    def _read(self, source: Source, wanted: tuple[type[Item], ...]) -> None:
        for item in source.items():
            if isinstance(item, wanted):
                self._inbox.put(item)
