"""A TCP proxy between bridge and broker that is as slow as a mobile network on a bad day.

Each piece waits `each_way_s`, and a share of them `held_s` longer, as if it were lost and sent again. Nothing
overtakes: what comes behind a held piece waits with it. The kernel needs no `netem` for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from typing import Self

PIECE_BYTES = 16 * 1024
MOST_ON_THE_WAY = 10_000


class Road:
    """Forwards a port of its own to `to_port`, slowly. A context manager; `held` counts the pieces held back."""

    def __init__(
        self, to_port: int, *, each_way_s: float = 0.15, held_share: float = 0.02, held_s: float = 0.4, seed: int = 0
    ) -> None:
        self._to_port = to_port
        self._each_way_s = each_way_s
        self._held_share = held_share
        self._held_s = held_s
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._travellers: set[asyncio.Task[None]] = set()
        self.port = 0
        self.pieces = 0
        self.held = 0

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        if self._server:
            self._server.close()
        for task in list(self._travellers):
            task.cancel()
        await asyncio.gather(*self._travellers, return_exceptions=True)
        await asyncio.sleep(0.02)  # transports close in the next turns of the loop

    async def _accept(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_connection("127.0.0.1", self._to_port)
        for out in (near_out, far_out):
            out.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, target in ((near_in, far_out), (far_in, near_out)):
            task = self._loop.create_task(self._carry(source, target))
            self._travellers.add(task)
            task.add_done_callback(self._travellers.discard)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Carry one direction to its end; an end travels as slowly as everything else."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MOST_ON_THE_WAY)
        arriving = self._loop.create_task(self._arrive(on_the_way, target))
        due_s = 0.0
        try:
            while True:
                with contextlib.suppress(OSError):
                    piece = b""
                    piece = await source.read(PIECE_BYTES)
                due_s = max(due_s, self._loop.time() + self._each_way_s + self._hold_s())
                await on_the_way.put((due_s, piece))
                if not piece:
                    await arriving
                    return
        finally:
            arriving.cancel()
            target.close()

    async def _arrive(self, on_the_way: asyncio.Queue[tuple[float, bytes]], target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                due_s, piece = await on_the_way.get()
                await asyncio.sleep(max(0.0, due_s - self._loop.time()))
                if not piece:
                    return
                target.write(piece)
                await target.drain()

    def _hold_s(self) -> float:
        self.pieces += 1
        if self._chance.random() >= self._held_share:
            return 0.0
        self.held += 1
        return self._held_s
