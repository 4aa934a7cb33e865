"""The live picture of the whole program: ten pages over the WebSocket, one of them at 100 kbit/s.

"Behind" is from the moment of capture, which the scene notes before it draws (CLOCK_MONOTONIC, in each unit's header),
to the last byte at the page: drawing, encoding, the camera's socket, the page's process and TCP on loopback; for one
page also until PyAV has decoded it. The slow page is behind a token bucket that reads through a small buffer; what is
bounded is what waiting adds to the seconds that one key picture takes through that line. What the system holds for it
is read from /proc/net/tcp.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import av
from av.video.codeccontext import VideoCodecContext
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.live_queue import DELTA, KEY
from api.media import TO_PAGE
from tests.bench.bench_processes import BROKEN
from tests.bench.bench_program import cpu_s
from tests.bench.page_server import sessions
from tests.fakes import wait_until
from tests.program.program import Program

LIVE = "/api/v1/camera/live"
SCENE = ("camera.size=[1280,720]", "mqtt.enabled=false", "recording.enabled=false")
WARM_UP_S = 45.0  # both processes have grown to their size by then
BOUND_MS = 500.0
SLOW_BYTES_PER_S = 100_000 / 8
SLOW_STEP_S = 0.1
SLOW_BUFFER = 4096
SLOW_WAIT_BOUND_S = 2.0
GAP_MS = 1500  # longer than any pause of the scene on a busy machine
DRIFT_BOUND_PERCENT = 2.0
Figures = dict[str, float | str]


@dataclass(kw_only=True)
class Watcher:
    """One page: how far behind each unit came, and what came after a gap."""

    decodes: bool = False
    behind_ms: list[float] = field(default_factory=list)
    waited_s: list[float] = field(default_factory=list)
    shown_ms: list[float] = field(default_factory=list)
    received: int = 0
    resumed_at_keys: int = 0
    resumed_elsewhere: int = 0
    undecodable: int = 0
    from_s: float = float("inf")
    _last_mono_ms: int = 0

    async def watch(self, page: ClientConnection) -> None:
        """Take what comes until cancelled."""
        decoder = av.CodecContext.create("h264", "r")
        assert isinstance(decoder, VideoCodecContext)
        with contextlib.suppress(ConnectionClosed):
            async for message in page:
                if isinstance(message, bytes):
                    mono_ms = self._take(message)
                    if self.decodes:
                        await asyncio.to_thread(self._decode, decoder, message[TO_PAGE.size :], mono_ms)

    def _take(self, message: bytes) -> int:
        kind, _, mono_ms = TO_PAGE.unpack_from(message)
        now_s = time.monotonic()
        if mono_ms >= self.from_s * 1000:  # what a page begins with has been, and is old by right
            self.behind_ms.append(now_s * 1000 - mono_ms)
            self.waited_s.append(now_s - mono_ms / 1000 - len(message) / SLOW_BYTES_PER_S)
            self.received += len(message)
        if self._last_mono_ms and mono_ms - self._last_mono_ms > GAP_MS:
            self.resumed_at_keys += kind == KEY
            self.resumed_elsewhere += kind != KEY
        assert kind in {KEY, DELTA}
        self._last_mono_ms = mono_ms
        return int(mono_ms)

    def _decode(self, decoder: VideoCodecContext, unit: bytes, mono_ms: int) -> None:
        try:
            frames = decoder.decode(av.Packet(unit))
        except av.FFmpegError:
            self.undecodable += 1
            return
        self.undecodable += any(frame.is_corrupt for frame in frames)
        now_s = time.monotonic()
        if frames and mono_ms >= self.from_s * 1000:
            self.shown_ms.append(now_s * 1000 - mono_ms)


class SlowLine:
    """A line of 100 kbit/s towards the page, in front of a server."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self.local_port = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Yield the address to connect to."""
        listening = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        async with listening:
            yield f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
            line.setblocking(False)
            await loop.sock_connect(line, self._server)
            self.local_port = int(line.getsockname()[1])

            async def back() -> None:
                while data := await reader.read(4096):
                    await loop.sock_sendall(line, data)

            returning = asyncio.create_task(back())
            began_s, carried = loop.time(), 0
            with contextlib.suppress(OSError, asyncio.CancelledError):  # asyncio's server cancels us at its end
                while data := await loop.sock_recv(line, round(SLOW_BYTES_PER_S * SLOW_STEP_S)):
                    writer.write(data)
                    began_s = max(began_s, loop.time() - carried / SLOW_BYTES_PER_S - SLOW_STEP_S)  # saves nothing up
                    carried += len(data)
                    await asyncio.sleep(max(0.0, began_s + carried / SLOW_BYTES_PER_S - loop.time()))
            returning.cancel()
            await asyncio.gather(returning, return_exceptions=True)
            writer.close()


def kernel_queue_bytes(to_port: int) -> int:
    """Return what the system holds for the connection to this local port: not sent, or not acknowledged."""
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, _, remote, _, queues, *_ = line.split()
        if int(remote.partition(":")[2], 16) == to_port:
            return int(queues.partition(":")[0], 16)
    return 0


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextlib.contextmanager
def programs(folder: Path) -> Iterator[Program]:
    """Run a whole gate until its camera shows something."""
    with Program(folder, overrides=SCENE) as program:
        wait_until((folder / "snapshot.jpg").exists, 30, "a first picture")
        yield program


async def looked_at(program: Program, cookies: Sequence[str], for_s: float, warm_up_s: float) -> Figures:
    """Let all watch for a while, the last one through the slow line."""
    address = urlsplit(program.url)
    slow_line = SlowLine(str(address.hostname), int(address.port or 0))
    watchers = [Watcher(decodes=number in {0, len(cookies) - 1}) for number in range(len(cookies))]
    pids = {name: program.pid_of(name) for name in ("camera", "api")}
    async with slow_line.open() as slow, contextlib.AsyncExitStack() as stack:
        for number, (watcher, cookie) in enumerate(zip(watchers, cookies, strict=True)):
            where = slow if number == len(cookies) - 1 else address.netloc
            page = await stack.enter_async_context(connect(
                f"ws://{where}{LIVE}", additional_headers={"Cookie": cookie}, max_size=None,
                max_queue=None, ping_interval=None, close_timeout=0.2, open_timeout=20,
            ))  # fmt: skip
            stack.push_async_callback(_ended, asyncio.create_task(watcher.watch(page)))
        await asyncio.sleep(warm_up_s)
        before = {name: (rss_mb(pid), cpu_s(pid)) for name, pid in pids.items()}
        began_s = time.monotonic()
        for watcher in watchers:
            watcher.from_s = began_s
        held = 0
        while time.monotonic() - began_s < for_s:
            held = max(held, kernel_queue_bytes(slow_line.local_port))
            await asyncio.sleep(0.25)
        took_s = time.monotonic() - began_s
        figures = _of_processes(pids, before, took_s)
    return figures | _of_watchers(watchers, took_s) | {"slow_kernel_queue_max_kb": round(held / 1024, 1)}


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _of_processes(pids: dict[str, int], before: dict[str, tuple[float, float]], took_s: float) -> Figures:
    figures: Figures = {}
    for name, pid in pids.items():
        rss, cpu = before[name]
        figures[f"cpu_{name}_percent"] = round((cpu_s(pid) - cpu) / took_s * 100, 1)
        figures[f"rss_{name}_mb"] = round(rss, 1)
        figures[f"rss_{name}_drift_percent"] = round((rss_mb(pid) / rss - 1) * 100, 2)
    return figures


def _of_watchers(watchers: list[Watcher], took_s: float) -> Figures:
    *quick, slow = watchers
    behind = [ms for watcher in quick for ms in watcher.behind_ms]
    worst_p95 = max(percentile(watcher.behind_ms, 95) for watcher in quick)
    figures: Figures = {"pages": len(watchers), "units_per_page_per_s": round(len(behind) / len(quick) / took_s, 1)}
    figures |= spread("behind", behind) | spread("behind_decoded", quick[0].shown_ms)
    figures["behind_p95_of_the_worst_page_ms"] = round(worst_p95, 1)
    figures["behind_p95_bound"] = f"{BOUND_MS:g} ms: {'held' if worst_p95 <= BOUND_MS else BROKEN}"
    figures["kbit_per_page_per_s"] = round(sum(watcher.received for watcher in quick) / len(quick) / took_s / 125)
    waited_s, units = max(slow.waited_s, default=float("inf")), len(slow.behind_ms)
    figures |= {
        "slow_units": units, "slow_behind_max_s": round(max(slow.behind_ms, default=0.0) / 1000, 2),
        "slow_waited_max_s": round(waited_s, 2), "slow_kbytes_per_unit": round(slow.received / max(1, units) / 1024),
        "slow_wait_bound": f"{SLOW_WAIT_BOUND_S:g} s: {'held' if waited_s <= SLOW_WAIT_BOUND_S else BROKEN}",
        "slow_resumed_at_keys": slow.resumed_at_keys,
        "slow_resumed_elsewhere": f"{slow.resumed_elsewhere}{BROKEN if slow.resumed_elsewhere else ''}",
        "undecodable": sum(watcher.undecodable for watcher in watchers),
    }  # fmt: skip
    return figures


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile; infinity of nothing."""
    if len(values) < 2:
        return max(values, default=float("inf"))
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def spread(name: str, values: list[float]) -> Figures:
    """Return median, p95 and maximum in ms."""
    figures: Figures = {f"{name}_p{percent}_ms": round(percentile(values, percent), 1) for percent in (50, 95)}
    return figures | {f"{name}_max_ms": round(max(values, default=0.0), 1)}


def measure(for_s: float = 60.0, pages: int = 10, warm_up_s: float = WARM_UP_S) -> Figures:
    """Return all figures of the live picture."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name, programs(Path(name)) as program:
        figures = asyncio.run(looked_at(program, sessions(Path(name), pages), for_s, warm_up_s))
    drift = max(float(figures["rss_camera_drift_percent"]), float(figures["rss_api_drift_percent"]))
    held = "held" if drift <= DRIFT_BOUND_PERCENT else BROKEN
    return figures | {"rss_drift_bound": f"{DRIFT_BOUND_PERCENT:g} %: {held}"}


if __name__ == "__main__":
    for figure, value in measure().items():
        print(f"{figure:36} {value}")
