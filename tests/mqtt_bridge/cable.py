"""A TCP proxy between bridge and broker: a cable that can be pulled or cut."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from typing import Literal

End = Literal["near", "far"]
MOST_AT_ONCE = 4096


class Cable:
    """Forwards to `to_port`. Pulled, it forwards nothing and closes nothing; cut, it closes what there is.

    The near end is the gate's, the far end the broker's. A thin one carries `bytes_per_s` each way.
    """

    def __init__(self, to_port: int, *, bytes_per_s: float = math.inf) -> None:
        self._to_port = to_port
        self._bytes_per_s = bytes_per_s
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.pulled = False
        self._is_cut = False
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._left_open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, *, only: End | None = None) -> None:
        """End every connection and take no new one. With `only`, the other end believes that it still holds."""
        self._is_cut = True
        pairs, self._pairs = self._pairs, []
        if only:
            self._left_open |= {far if only == "near" else near for near, far in pairs}
        for each in (end for pair in pairs for end in pair if end not in self._left_open):
            _end(each)

    def mend(self) -> None:
        """Forward again."""
        self._is_cut = self.pulled = False

    def close(self) -> None:
        """Close everything."""
        self.cut()
        for each in self._left_open:
            _end(each)
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            if self._is_cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._to_port))
            self._pairs.append((near, far))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=[source, target], daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(MOST_AT_ONCE):
                if not self.pulled:
                    time.sleep(len(piece) / self._bytes_per_s)
                    target.sendall(piece)
            if target not in self._left_open:
                target.shutdown(socket.SHUT_WR)


def _end(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
