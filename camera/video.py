"""The camera that is a stream: a file, an RTSP camera over TCP, a V4L2 device. All of it through PyAV.

What one opening delivers is `reading.py`'s matter; here it is opened, and opened again. A live camera that goes away is
sought again with growing, jittered pauses. A file that ended says `video_ended`; a file that can't be read says why and
is tried again slowly. Neither is a reason to die, and no message ever holds a password.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import av
import av.error
import av.logging

from camera.decoded import MOST_PIXELS
from camera.encode import Demand
from camera.reading import NothingDecodesError, Reading, TooLargeError, Wishes
from camera.screen import Screen
from camera.source import HEALTHY, STARTING, AccessUnit, Frame, Health, Item
from camera.timeline import Timeline

if TYPE_CHECKING:
    from av.container import InputContainer

__all__ = ["VideoSource", "Wishes", "with_credentials"]

av.logging.set_level(None)  # what libav would print says less than `health` and can carry an address with a password

READ_TIMEOUT_S = 3.0
OPENING = 1.6
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
FILE_RETRY_S = 10.0
RTSP = ("rtsp://", "rtsps://")


class VideoSource:
    """A `Source` on anything that PyAV opens. `credentials` is `user:password` for RTSP, kept out of every message.

    `pictures` counts what was decoded. Without `retry` the first failure is the end. A network that is silent for
    `patience_s` has failed.
    """

    def __init__(  # noqa: PLR0913 - an address, what is wished of it, and how to treat it
        self, address: str, wishes: Wishes, credentials: str | None = None, *, screen: Screen | None = None,
        retry: bool = True, patience_s: float = READ_TIMEOUT_S,
    ) -> None:  # fmt: skip
        self._address = address
        self._retry = retry
        self._patience_s = patience_s
        self.pictures = 0
        self._wishes = wishes
        self._credentials = credentials
        self._screen = screen or Screen()
        self._demand = Demand()
        self._live = address.startswith((*RTSP, "/dev/"))
        self._stopping = threading.Event()
        self._last_s = float("-inf")
        self._health = STARTING

    @property
    def health(self) -> Health:
        """How the stream is now."""
        return self._health

    def stop(self) -> None:
        """Make `items` end: at once, or when a network read gives up (3 s)."""
        self._stopping.set()

    def ask_key(self) -> None:
        """Make the next picture a key picture, where it is encoded here."""
        self._demand.ask_key()

    def need(self, *, units: bool) -> None:
        """Let the encoder rest while nobody needs it, where there is one."""
        self._demand.need(units=units)

    def items(self) -> Iterator[Item]:
        """Yield the stream, over and over until stopped; a file without `loop` once."""
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            before_s, trouble = self._last_s, None
            try:
                with self._open() as container:
                    yield from self._read(container)
            except (av.error.FFmpegError, OSError, ValueError, IndexError, MemoryError) as error:
                trouble = self._explain(error)
            if self._stopping.is_set():
                return
            delivered = self._last_s > before_s
            if delivered:
                pause_s = FIRST_PAUSE_S
            if not self._live and delivered and trouble is None:
                if self._wishes.loop:
                    continue
                self._health = Health(ok=False, reason="video_ended", detail=f"the file {self._address} has ended")
                return
            self._health = trouble or self._explain(OSError(0, "it ends the stream"))
            if not self._retry:
                return
            self._stopping.wait(pause_s * random.uniform(0.7, 1.3) if self._live else FILE_RETRY_S)  # noqa: S311 - jitter
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _read(self, container: InputContainer) -> Iterator[Item]:
        reading = Reading(container, self._wishes, self._timeline, self._stopping, self._screen, self._demand)
        for item in reading.items():
            if isinstance(item, Frame | AccessUnit):
                self._last_s = max(self._last_s, item.at_s)
            self.pictures += reading.taken_count()
            self._health = HEALTHY
            yield item
        self.pictures += reading.taken_count()

    def _timeline(self, step_s: float) -> Timeline:
        start_s = max(time.monotonic(), self._last_s + step_s)
        return Timeline(start_s, step_s, live=self._live)

    def _open(self) -> InputContainer:
        address, form = self._address, None
        options = {"max_pixels": str(MOST_PIXELS)}  # while it is probed too: 8K takes hundreds of megabytes
        if address.startswith(RTSP):
            options |= {"rtsp_transport": "tcp", "analyzeduration": "2000000"}
            address = with_credentials(address, self._credentials)
        elif address.startswith("/dev/"):
            form = "v4l2"
            options |= {"video_size": "{}x{}".format(*self._wishes.size), "framerate": f"{self._wishes.fps:g}"}
            with contextlib.suppress(av.error.FFmpegError):  # uncompressed, USB carries ten such pictures a second
                return self._opened(address, form, options | {"input_format": "mjpeg"})
        elif Path(address).is_file() and Path(address).stat().st_size == 0:
            raise ValueError("the file is empty")
        return self._opened(address, form, options)

    def _opened(self, address: str, form: str | None, options: dict[str, str]) -> InputContainer:
        timeout = (self._patience_s * OPENING, self._patience_s)
        return av.open(address, "r", format=form, options=options, metadata_errors="replace", timeout=timeout)

    def _explain(self, error: Exception) -> Health:
        """Turn what went wrong into a reason and a remedy, never quoting an address that holds a password."""
        what = f"the camera {self._address}" if self._live else str(Path(self._address))
        match error:
            case TooLargeError():
                detail = (
                    f"{what} sends {error}, too much for this machine; set a smaller picture in the camera, "
                    "or give its small second stream in camera.detect_url"
                )
                return Health(ok=False, reason="video_too_large", detail=detail)
            case NothingDecodesError():
                detail = f"{what} sends {error} that can't be decoded; set the camera to H.264"
                return Health(ok=False, reason="video_undecodable", detail=detail)
        if self._live:
            said = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            detail = f"{what} does not deliver ({said}); check its address, its cable and its password"
            return Health(ok=False, reason="video_unreachable", detail=detail)
        return self._explain_file(Path(self._address), error)

    def _explain_file(self, path: Path, error: Exception) -> Health:
        if not path.exists():
            detail = f"there is no file {path}; give an existing one in camera.url (or --video)"
            return Health(ok=False, reason="video_missing", detail=detail)
        if not path.is_file() or isinstance(error, PermissionError):
            detail = f"{path} can't be read; give a readable video file in camera.url (or --video)"
            return Health(ok=False, reason="video_unreadable", detail=detail)
        said = "it is empty" if path.stat().st_size == 0 else "it holds no video that can be decoded, or is cut off"
        detail = f"{path} can't be played: {said}; give a whole video file in camera.url (or --video)"
        return Health(ok=False, reason="video_corrupt", detail=detail)


def with_credentials(address: str, credentials: str | None) -> str:
    """Return the address with `user:password` in it, escaped; what the address holds already stays."""
    parts = urlsplit(address)
    if not credentials or "@" in parts.netloc:
        return address
    user, _, password = credentials.strip().partition(":")
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"))
