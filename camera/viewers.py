"""What waits for one connection to the live picture, and what that connection asks for. Pure: `now_s` comes in.

- Access units wait in order, at most `MOST_WAITING_BYTES`, and the oldest at most `MOST_WAITING_S` while a newer key
  picture waits behind it: then everything before that key picture is dropped. Where none waits behind it, `starved`
  says so, somebody asks the source for one, and what waits goes on meanwhile: it can still be decoded.
- A connection asks before it gets anything. It begins at the newest key picture if that is young, else at the next
  one; where none comes within `PATIENCE_S` (a copied stream can't be asked), at the newest after all.
- Of JPEGs only the newest waits, at most as many a second as were asked for.
- Messages are shared by all who wait for them, never copied.
"""

from __future__ import annotations

import collections
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass

from camera.timeline import Cadence

MOST_WAITING_BYTES = 2 * 1024**2
MOST_WAITING_S = 0.75
PATIENCE_S = 0.3
MOST_PAGES = 1000
SLOWEST_FPS, QUICKEST_FPS = 0.2, 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a connection asks for: `pages` who watch the stream through it, JPEGs a second, a key picture now."""

    pages: int = 0
    jpeg_fps: float = 0.0
    key: bool = False


def read_wish(line: bytes) -> Wish:
    """Read one line that a connection sent. Raises `ValueError` where it is no wish."""
    found = json.loads(line)
    if not isinstance(found, dict) or not found.keys() <= {"pages", "jpeg_fps", "key"}:
        raise ValueError("no wish")
    pages, jpeg_fps, key = found.get("pages", 0), found.get("jpeg_fps", 0), found.get("key", False)
    if type(pages) is not int or not 0 <= pages <= MOST_PAGES or not isinstance(key, bool):
        raise ValueError("no wish")
    if type(jpeg_fps) not in {int, float} or not (jpeg_fps == 0 or SLOWEST_FPS <= jpeg_fps <= QUICKEST_FPS):
        raise ValueError("no wish")
    return Wish(pages=pages, jpeg_fps=float(jpeg_fps), key=key)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message as it goes over the socket, and when it came to wait."""

    data: bytes
    key: bool
    came_s: float


class Viewer:
    """One connection. Where several threads use it, they hold the same lock."""

    def __init__(self) -> None:
        self.wish = Wish()
        self.bytes = 0
        self._waiting: collections.deque[Message] = collections.deque()
        self._config: bytes | None = None
        self._picture: bytes | None = None
        self._pictures: Cadence | None = None
        self._begun = False
        self._until_s = float("inf")

    def __len__(self) -> int:
        """Return how many access units wait."""
        return len(self._waiting)

    def ask(self, wish: Wish, now_s: float) -> bool:
        """Take another wish; tell whether the stream begins for this connection, which `start` may then help."""
        if wish.jpeg_fps != self.wish.jpeg_fps:
            self._pictures = Cadence(wish.jpeg_fps) if wish.jpeg_fps else None
        joins = self.wish.pages == 0 < wish.pages
        if joins or not wish.pages:
            self._drop(len(self._waiting))
            self._begun, self._until_s = False, now_s + PATIENCE_S
        self.wish = wish
        return joins

    def begin(self, config: bytes) -> None:
        """Begin anew: what waits is of no use any more; the next key picture opens the stream."""
        self._config = config
        self._drop(len(self._waiting))
        self._begun = False

    def start(self, group: Sequence[Message]) -> None:
        """Begin with a key picture and all that followed it."""
        for message in group:
            self._put(message)
        self._begun = bool(group)

    def offer(self, message: Message, group: Sequence[Message]) -> None:
        """Queue an access unit if this connection can use it; `group` is the newest key picture and what followed."""
        if not self.wish.pages:
            return
        if self.bytes + len(message.data) > MOST_WAITING_BYTES:
            self._drop(len(self._waiting))
            self._begun, self._until_s = False, float("inf")  # no group helps who can't take one
        if self._begun or message.key:
            self._begun = True
            self._put(message)
        elif message.came_s >= self._until_s:
            self.start(group)

    def wants_picture(self, now_s: float) -> bool:
        """Tell whether a JPEG is due; who says yes must get one."""
        return self._pictures is not None and self._pictures.wants(now_s)

    def show(self, picture: bytes) -> None:
        """Let the newest JPEG wait, instead of an older one."""
        self._picture = picture

    def starved(self, now_s: float) -> bool:
        """Tell whether a key picture would help: there is none to begin or to go on with."""
        if not self.wish.pages or not self._begun:
            return self.wish.pages > 0
        return self._late(now_s) and not any(message.key for message in itertools.islice(self._waiting, 1, None))

    def take(self, now_s: float) -> bytes | None:
        """Return what goes next; whoever has fallen behind goes on at the newest key picture. None: nothing waits."""
        if self._config is not None:
            config, self._config = self._config, None
            return config
        if self._late(now_s):
            self._drop(max((at for at, message in enumerate(self._waiting) if message.key), default=0))
        if self._waiting:
            message = self._waiting.popleft()
            self.bytes -= len(message.data)
            return message.data
        picture, self._picture = self._picture, None
        return picture

    def _late(self, now_s: float) -> bool:
        return bool(self._waiting) and now_s - self._waiting[0].came_s > MOST_WAITING_S

    def _put(self, message: Message) -> None:
        self._waiting.append(message)
        self.bytes += len(message.data)

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self.bytes -= len(self._waiting.popleft().data)
