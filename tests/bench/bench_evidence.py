"""Evidence: no change to a package is missed; a package of 200 clips streams without growing memory.

The changes are those of tests/evidence_changes.py, a thousand of them, and then each bit that is no file's content, one
by one. The stream is taken from the api process as its supervisor starts it, over HTTP, first 20 clips, then 200, by a
phone that stops reading for a while in the middle; the process's memory is looked at all the time.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

from api.evidence_check import FaultError, check
from gate.model import Role
from tests.bench.bench_processes import BROKEN, promised
from tests.bench.bench_program import pss_mb
from tests.bench.figures import quantiles
from tests.bench.page_server import served, sessions
from tests.evidence import village
from tests.evidence_changes import Forger, container_of
from tests.fakes import FakeGate

CHANGES = 1000
FEW, MANY = 20, 200
CLIP_BYTES = 4_000_000
GROWTH_MB = 4.0
PSS_BOUND_MB = 90.0
PAUSE_S = 1.0
API = "/api/v1"
Table = dict[str, float | str]


def measure(changes: int = CHANGES, many: int = MANY) -> Table:
    """Return all figures."""
    return {**measure_changes(changes), **measure_stream(many)}


def measure_changes(count: int) -> Table:
    """Return how many changes to a package were found, and of whom the others were."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        here = village(Path(name))
        whole, changed = here.taken().read_bytes(), Path(name) / "changed.zip"
        check(here.folder / "package.zip", here.key.fingerprint)
        forger = Forger(whole=whole, noise=random.Random(7))
        missed, began = [], time.monotonic()
        for _ in range(count):
            deed, other = forger.change()
            missed += [deed] if _holds(changed, other, here.key.fingerprint) else []
        took_s = time.monotonic() - began
        flips = [(at, bit) for at in container_of(whole) for bit in range(8)][:: max(1, CHANGES // count)]
        unseen = [at for at, bit in flips if _holds(changed, _flipped(whole, at, bit))]
    return {
        "evidence_random_changes_found": f"{count - len(missed)} of {count}"
        + (f" {BROKEN}: {missed}" if missed else ""),
        "evidence_bits_of_the_container_found": f"{len(flips) - len(unseen)} of {len(flips)}"
        + (f" {BROKEN}: {unseen[:9]}" if unseen else ""),
        "evidence_verify_small_ms": round(took_s * 1000 / count, 2),
    }


def _flipped(whole: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(whole)
    changed[at] ^= 1 << bit
    return bytes(changed)


def _holds(path: Path, content: bytes, demanded: str | None = None) -> bool:
    path.write_bytes(content)
    try:
        check(path, demanded)
    except FaultError:
        return False
    return True


def measure_stream(many: int) -> Table:
    """Return the api process's memory while packages of 20 and of `many` clips are taken, and how fast they come."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        folder = Path(name)
        here = village(folder, clips=0)
        film = folder / "film"
        film.write_bytes(here.noise.randbytes(CLIP_BYTES))
        with here.journal() as journal:
            event_ids = [here.motion(journal, film) for _ in range(many)]
        with FakeGate(folder), served(folder) as running:
            cookie = sessions(folder, 1, Role.COMMANDER)[0]
            with httpx.Client(base_url=running.base, headers={"Cookie": cookie}, timeout=60) as client:
                package = folder / "package.zip"
                taken(client, running.child.pid, event_ids[:FEW], package)
                with looking_on(client, running.child.pid) as (_, before_ms):
                    time.sleep(2.0)
                few_mb, _, _ = taken(client, running.child.pid, event_ids[:FEW], package)
                many_mb, took_s, answered_ms = taken(client, running.child.pid, event_ids, package)
        size_mb, began = package.stat().st_size / 1e6, time.monotonic()
        check(package, here.key.fingerprint)
        checked_s = time.monotonic() - began
    growth_mb = round(many_mb - few_mb, 2)
    return {
        "evidence_package_mb": round(size_mb), "evidence_package_mb_per_s": round(size_mb / took_s),
        "evidence_verify_mb_per_s": round(size_mb / checked_s), "evidence_api_pss_mb": round(many_mb, 1),
        **promised("evidence_api_pss", many_mb, PSS_BOUND_MB, "MB"),
        f"evidence_growth_from_{FEW}_to_{many}_clips_mb": growth_mb,
        **promised("evidence_growth", growth_mb, GROWTH_MB, "MB"),
        **quantiles("evidence_before_get_gate", before_ms), **quantiles("evidence_meanwhile_get_gate", answered_ms),
    }  # fmt: skip


def taken(client: httpx.Client, pid: int, event_ids: list[str], path: Path) -> tuple[float, float, list[float]]:
    """Take a package of these events; return the highest PSS in MB, the seconds, and the ms of each `GET /gate`."""
    asked = client.post(f"{API}/evidence", json={"events": event_ids, "reason": "bench"})
    assert asked.status_code == httpx.codes.CREATED, asked.text
    began = time.monotonic()
    with looking_on(client, pid) as (seen_mb, answered_ms):
        with client.stream("GET", asked.json()["url"]) as answer, path.open("wb") as file:
            assert answer.status_code == httpx.codes.OK
            _read(answer, file)
        took_s = time.monotonic() - began - PAUSE_S
    return max(seen_mb), took_s, answered_ms


def _read(answer: httpx.Response, file: IO[bytes]) -> None:
    """Read as a phone does whose network stops for a while."""
    pieces = answer.iter_raw()
    for number, piece in enumerate(pieces):
        file.write(piece)
        if number == 100:
            time.sleep(PAUSE_S)


@contextmanager
def looking_on(client: httpx.Client, pid: int) -> Iterator[tuple[list[float], list[float]]]:
    """Note memory and answers of the process while the block runs."""
    seen_mb, answered_ms, over = [pss_mb(pid)], list[float](), threading.Event()

    def look() -> None:
        with httpx.Client(base_url=client.base_url, headers=client.headers, timeout=10) as other:
            while not over.wait(0.02):
                began = time.monotonic()
                assert other.get(f"{API}/gate").status_code == httpx.codes.OK
                answered_ms.append((time.monotonic() - began) * 1000)
                seen_mb.append(pss_mb(pid))

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield seen_mb, answered_ms
    finally:
        over.set()
        looker.join()


if __name__ == "__main__":
    for figure, value in measure().items():
        print(f"{figure:48} {value}")
