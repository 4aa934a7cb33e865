"""Connections: none may wait for ever, and no crowd of them may keep an officer out.

- Headers must be complete `PATIENCE_S` after the connection was made, or after the first byte of a further request; an
  idle connection is closed after the same time (uvicorn's own keep-alive timer).
- Who takes nothing of an answer for `UNTAKEN_S` is given up.
- At most `most` at once. A new one beyond that takes the place of the one that is owed least: the oldest that asks for
  nothing, else the oldest whose request nobody signed in has sent. Connections of people who are signed in never give
  way, nor does a known phone that signs in (phones.py). Nothing is counted by address: a village's phones share one
  address of their carrier.
- The protocol is uvicorn's, given to it in serve.py; what a WebSocket is stands in live_socket.py.
"""

from __future__ import annotations

import asyncio
import resource
from enum import IntEnum
from http import HTTPStatus

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from api.handshakes import MOST_AT_ONCE as HANDSHAKES
from api.people import Session
from api.problems import ProblemError
from api.shield import LARGEST_HEADERS, SAFE_HEADERS

PATIENCE_S = 10
UNTAKEN_S = 60.0
MOST_CONNECTIONS = 512
FEWEST_CONNECTIONS = 16
AT_ONCE = 16  # taken from the queue of the system in one round of the loop
OWN_FILES = 64  # databases, the gate's socket, threads' pipes
FILES_OF_ONE = 2  # a connection, and the camera's socket or the clip that is sent through it


def room() -> int:
    """Raise this process's limit of open files as far as it may be, and return how many connections fit below."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    under_way = 4 * AT_ONCE + HANDSHAKES  # taken from the queue, or closed, and not known here yet
    return min(MOST_CONNECTIONS, max(FEWEST_CONNECTIONS, (hard - OWN_FILES - under_way) // FILES_OF_ONE))


class Owed(IntEnum):
    """What a connection is owed."""

    NOTHING = 0  # it asks for nothing, or not yet
    ANSWER = 1  # a request of nobody in particular is under way
    PLACE = 2  # a request or a stream of somebody who is signed in, or the sign-in of a known phone


class OneWrite(h11.Connection):
    """Gives the head of an answer together with the first of its body: one call of the system, not two."""

    def __init__(self, longest_head: int) -> None:
        super().__init__(h11.SERVER, longest_head)
        self._head: list[bytes] = []

    def send_with_data_passthrough(self, event: h11.Event) -> list[bytes] | None:
        """Return what is to be written now: nothing for a head, whose body or end follows at once."""
        parts = super().send_with_data_passthrough(event)
        if isinstance(event, h11.Response):
            self._head = parts or []
            return []
        head, self._head = self._head, []
        return parts if parts is None else head + parts


class Connection(H11Protocol):
    """One HTTP connection."""

    def __init__(self, most: int, config: uvicorn.Config, server_state: ServerState, state: dict[str, object]) -> None:
        super().__init__(config, server_state, state)
        self.conn = OneWrite(LARGEST_HEADERS)
        self._most = most
        self._waits: asyncio.TimerHandle | None = None
        self._untaken: asyncio.TimerHandle | None = None
        self.made_at_s = self.loop.time()

    @property
    def owed(self) -> Owed:
        """What this connection is owed now."""
        if self.conn.their_state is h11.IDLE or self.transport.is_closing():
            return Owed.NOTHING
        state = self.scope["state"]
        has_place = isinstance(state.get("session"), Session) or state.get("known_phone") is True
        return Owed.PLACE if has_place else Owed.ANSWER

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Begin; somebody who is owed less gives way where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            self._make_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._forget_timers()

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        super().data_received(data)
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave the connection to the other protocol."""
        self._forget_timers()
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        """Begin to count the time in which nothing is taken."""
        super().pause_writing()
        self._untaken = self.loop.call_later(UNTAKEN_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Something was taken."""
        super().resume_writing()
        if self._untaken:
            self._untaken.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """Close what has been idle; at once, because what it did not take until now it never will."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence; ours stands in the problem
        """Answer what is no request of HTTP with a problem, and hang up."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()
            return
        too_large = len(self.conn.trailing_data[0]) > LARGEST_HEADERS
        headers = {**SAFE_HEADERS, "Cache-Control": "no-store", "Connection": "close"}
        problem = ProblemError("headers_too_large" if too_large else "bad_request", headers=headers)
        answer = problem.response()
        reason = HTTPStatus(answer.status_code).phrase.encode()
        for event in (
            h11.Response(status_code=answer.status_code, headers=answer.raw_headers, reason=reason),
            h11.Data(data=bytes(answer.body)), h11.EndOfMessage(),
        ):  # fmt: skip
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch(self) -> None:
        """See to it that headers that have begun are complete in time. Idleness between requests is uvicorn's timer."""
        if self.conn.their_state is not h11.IDLE:
            if self._waits:
                self._waits.cancel()
            self._waits = None
        elif self._waits is None and self.timeout_keep_alive_task is None:
            self._waits = self.loop.call_later(self.timeout_keep_alive, self.transport.abort)

    def _make_room(self) -> None:
        others = [other for other in self.connections if isinstance(other, Connection) and other is not self]
        least = min(others, key=lambda other: (other.owed, other.made_at_s), default=self)
        leaves = self if least.owed is Owed.PLACE else least
        self.connections.discard(leaves)
        leaves.transport.abort()

    def _forget_timers(self) -> None:
        for timer in (self._waits, self._untaken):
            if timer:
                timer.cancel()
        self._waits = self._untaken = None
