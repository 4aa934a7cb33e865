"""The supervisor: what dies or falls silent comes back, and takes nothing along."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

import pytest

from gate import supervisor
from gate.model import JsonObject, Kind
from gate.supervisor import Supervisor

LIVES = "import sys; sys.stdin.read()"
DIES = "import sys; sys.exit(7)"


class Watched:
    """A supervisor over small Python programs, and what it told."""

    def __init__(self, **programs: str) -> None:
        self.told: list[tuple[Kind, JsonObject]] = []
        commands: dict[str, Sequence[str]] = {name: [sys.executable, "-c", text] for name, text in programs.items()}
        self.supervisor = Supervisor(commands, lambda kind, data: self.told.append((kind, data)), lambda: None, str)

    def pid(self, name: str) -> int:
        return [int(str(d["pid"])) for k, d in self.told if k is Kind.PROCESS_STARTED and d["process"] == name][-1]

    def deaths(self, name: str) -> list[str]:
        return [str(d["reason"]) for k, d in self.told if k is Kind.PROCESS_DIED and d["process"] == name]

    def known(self, name: str) -> JsonObject:
        known = self.supervisor.plain()[name]
        assert isinstance(known, dict)
        return known

    async def until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end_s, self.told
            await asyncio.sleep(0.01)


@pytest.mark.slow
def test_a_killed_child_is_back_and_its_sister_lives_on() -> None:
    async def story() -> None:
        watched = Watched(camera=LIVES, api=LIVES)
        await watched.supervisor.open()
        await watched.until(lambda: len(watched.told) == 2)
        sister = watched.pid("api")
        os.kill(watched.pid("camera"), signal.SIGKILL)
        await watched.until(lambda: watched.known("camera")["restarts"] == 1)
        await watched.until(lambda: watched.known("camera")["alive"] is True)
        assert watched.deaths("camera") == ["killed by SIGKILL"]
        assert watched.pid("api") == sister
        await watched.supervisor.close()

    asyncio.run(story())


@pytest.mark.slow
def test_a_child_that_dies_at_once_is_tried_with_growing_pauses() -> None:
    async def story() -> None:
        watched = Watched(api=DIES)
        await watched.supervisor.open()
        await watched.until(lambda: len(watched.deaths("api")) == 3)
        assert watched.deaths("api")[0] == "exit code 7"
        assert watched.supervisor._children["api"].pause_s >= 4 * supervisor.FIRST_PAUSE_S
        await watched.supervisor.close()

    asyncio.run(story())


@pytest.mark.slow
def test_closing_ends_even_a_child_that_will_not_hear() -> None:
    async def story() -> None:
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(); time.sleep(60)"
        watched = Watched(camera=deaf, api=LIVES)
        await watched.supervisor.open()
        await watched.until(lambda: len(watched.told) == 2)
        await asyncio.sleep(0.2)
        pids = [watched.pid("camera"), watched.pid("api")]
        await watched.supervisor.close()
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

    asyncio.run(story())


def test_health_is_published_when_its_meaning_changes() -> None:
    changes: list[int] = []
    watched = Supervisor({"camera": []}, lambda *_: None, lambda: changes.append(1), str)
    watched.beat("camera", {"ok": True, "reason": "", "fps": 5})
    watched.beat("camera", {"ok": True, "reason": "", "fps": 6})
    watched.beat("camera", {"ok": False, "reason": "video_ended", "fps": 0})
    watched.beat("stranger", {"ok": False})
    assert len(changes) == 2
