"""A gate with a broker beside it, and the bridge between them: in a thread, or as the real process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from config.load import SIMULATE_FILE, load
from config.schema import Settings
from gate.journal import Journal
from gate.model import JsonObject, Kind
from mqtt_bridge.app import Bridge, Pace
from mqtt_bridge.home import Rhythm
from tests.broker import Broker, Receiver, mosquitto
from tests.fakes import FakeGate, wait_until
from tests.mqtt_bridge.cable import Cable

ROOT = Path(__file__).parents[2]
BY: JsonObject = {"type": "person", "id": "0193-someone", "name": "Nguyễn Văn An"}
QUICK = Pace(will_delay_s=1, status_every_s=0.05, health_every_s=0.05, heal_every_s=0.2, reconnect_s=(0.1, 0.5))
QUICK = replace(QUICK, home=Rhythm(state_every_s=0.02, look_every_s=0.1, birth_s=(0.1, 0.3), silent_s=0.5))
QUICK = replace(QUICK, delivery=replace(QUICK.delivery, poll_s=0.2, subscriber_grace_s=1.0, subscriber_pause_s=0.1))


def settings_of(state_dir: Path, port: int, *more: str) -> Settings:
    """Load the simulated gate's configuration for a test's folder and broker."""
    return load(SIMULATE_FILE, overrides_of(state_dir, port, *more))


def overrides_of(state_dir: Path, port: int, *more: str) -> list[str]:
    """Return what a supervisor would pass with --set."""
    return [f'storage.state_dir="{state_dir}"', f"mqtt.port={port}", *more]


class Running:
    """A bridge in a thread with its own event loop. Leaving it stops it cleanly; `abandon` does not."""

    def __init__(self, settings: Settings, pace: Pace = QUICK) -> None:
        self._settings = settings
        self._pace = pace
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self.failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)
        assert not self._thread.is_alive(), "the bridge did not stop"
        if self.failure:
            raise self.failure

    @property
    def health(self) -> JsonObject:
        """Return what it tells gate of itself."""
        return self._bridge.health()

    def waits_for(self, **wanted: object) -> None:
        """Wait until its health says so."""
        wait_until(lambda: wanted.items() <= self.health.items(), 15, f"{wanted} in {self.health}")

    def stands_still(self, for_s: float) -> None:
        """Do nothing for so long, as a process does that is swapped out; returns when that has begun."""
        begun = threading.Event()

        def still() -> None:
            begun.set()
            time.sleep(for_s)

        self._loop.call_soon_threadsafe(still)
        assert begun.wait(5)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._bridge = Bridge(self._settings, self._pace)
        self._ready.set()
        try:
            await self._bridge.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - shown by the test's thread
            self.failure = error


class Process:
    """The bridge as the supervisor starts it: a process with its standard input as a lifeline."""

    def __init__(self, state_dir: Path, port: int, *more: str, will_delay_s: int = 1) -> None:
        sets = [part for override in overrides_of(state_dir, port, *more) for part in ("--set", override)]
        program = [sys.executable, "-m", "tests.mqtt_bridge.program", str(will_delay_s), "--config", str(SIMULATE_FILE)]
        self.process = subprocess.Popen(
            [*program, *sets], stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Take it away without a word (SIGKILL)."""
        self.process.kill()
        self._ended()

    def close_lifeline(self) -> tuple[int, str]:
        """End its standard input, as a dying supervisor does; return its exit code and what it logged."""
        return self._ended()

    def _ended(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


class Writer:
    """Gate's journal without a gate: facts get into the file, and nobody pushes them."""

    def __init__(self, path: Path) -> None:
        self._safe = threading.Semaphore(0)
        self._journal = Journal(path, lambda _fact: self._safe.release())
        self._journal.open()

    def write(self, count: int, *, size: int = 20, kind: Kind = Kind.CLOCK_CHANGED) -> list[str]:
        """Write facts, wait until they are in the file, return their ids."""
        ids = [self._journal.write(kind, BY, {"n": n, "text": "x" * size}, trusted=True) for n in range(count)]
        for _ in ids:
            assert self._safe.acquire(timeout=10), "the journal was not written"
        return ids

    def close(self) -> None:
        """Close the file."""
        self._journal.close()


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """Return where the gate of this test keeps its files."""
    return tmp_path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Start a broker without persistence."""
    if mosquitto() is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    with Broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def receiver(broker: Broker) -> Iterator[Receiver]:
    """Listen as a district's receiver of the simulated gate."""
    with Receiver(broker, "sim") as listening:
        yield listening


@pytest.fixture
def journal(state_dir: Path) -> Iterator[Writer]:
    """Open a journal that nobody pushes from."""
    writer = Writer(state_dir / "journal.db")
    yield writer
    writer.close()


@pytest.fixture
def gate(state_dir: Path) -> Iterator[FakeGate]:
    """Start a gate process without rules: the real socket and the real journal."""
    with FakeGate(state_dir) as running:
        yield running


@pytest.fixture
def cable(broker: Broker) -> Iterator[Cable]:
    """Lay a cable to the broker that can be pulled or cut."""
    laid = Cable(broker.port)
    yield laid
    laid.close()
