"""Starts, watches and restarts the other folders.

- A child that dies or says nothing for `SILENCE_S` is started again after a pause that grows; a minute of good life
  makes the pause short again. One child's death is no other's concern.
- A child lives as long as its standard input is open (`gate.client.parent_is_gone`): when this process dies, however
  it dies, the children end by themselves.
- Children run behind everything else that the machine does, and in sessions of their own, so that Ctrl+C reaches
  this process alone and it can stop them in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gate.model import JsonObject, Kind
from gate.priority import lower

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.3
LONGEST_PAUSE_S = 60.0
STEADY_S = 60.0
SILENCE_S = 10.0
START_GRACE_S = 20.0
STOP_S = 2.0
CONFIGURATION = 2
Tell = Callable[[Kind, JsonObject], None]


@dataclass(kw_only=True)
class Child:
    """One folder's process, and what is known of it."""

    name: str
    command: Sequence[str]
    process: asyncio.subprocess.Process | None = None
    since: str | None = None
    born_s: float = 0.0
    beat_s: float = 0.0
    restarts: int = 0
    pause_s: float = FIRST_PAUSE_S
    reason: str = ""
    health: JsonObject = field(default_factory=dict)

    def plain(self) -> JsonObject:
        """Return what people see of it."""
        known: JsonObject = {
            "alive": self.process is not None,
            "since": self.since,
            "restarts": self.restarts,
            "health": self.health,
        }
        return {**known, "reason": self.reason} if self.reason else known


class Supervisor:
    """Keeps the children alive while it is open. `tell` writes a fact; `changed` says that something is different."""

    def __init__(
        self, commands: dict[str, Sequence[str]], tell: Tell, changed: Callable[[], None], utc: Callable[[], str]
    ) -> None:
        self._children = {name: Child(name=name, command=command) for name, command in commands.items()}
        self._tell = tell
        self._changed = changed
        self._utc = utc
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start every child; returns at once."""
        self._tasks = [asyncio.create_task(self._keep(child), name=child.name) for child in self._children.values()]

    async def close(self) -> None:
        """Stop every child: a polite word, then none."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._end(child) for child in self._children.values()))

    def beat(self, who: str, health: JsonObject) -> None:
        """Take note that a child is alive and how it says it is."""
        child = self._children.get(who)
        if child is None:
            return
        child.beat_s = time.monotonic()
        if health and health != child.health:
            told_before = _essence(child.health)
            child.health = health
            if _essence(health) != told_before:
                self._changed()

    def plain(self) -> JsonObject:
        """Return what people see of all children."""
        return {name: child.plain() for name, child in self._children.items()}

    def heard_s(self, name: str) -> float:
        """Return when a child last said how it is, or began (monotonic seconds)."""
        child = self._children.get(name)
        return child.beat_s if child else 0.0

    async def _keep(self, child: Child) -> None:
        while True:
            try:
                await self._start(child)
                reason = await self._watch(child)
            except OSError as error:
                reason = f"it can't be started: {error}"
            await self._bury(child, reason)
            await asyncio.sleep(child.pause_s)
            child.pause_s = min(LONGEST_PAUSE_S, child.pause_s * 2)
            child.restarts += 1

    async def _start(self, child: Child) -> None:
        child.process = await asyncio.create_subprocess_exec(
            *child.command, stdin=asyncio.subprocess.PIPE, start_new_session=True
        )
        lower(child.process.pid)
        child.born_s = child.beat_s = time.monotonic()
        child.since, child.reason, child.health = self._utc(), "", {}
        self._tell(Kind.PROCESS_STARTED, {"process": child.name, "pid": child.process.pid})
        self._changed()

    async def _watch(self, child: Child) -> str:
        """Wait for the child's end, or bring it about when it falls silent; return why it ended."""
        process = child.process
        if process is None:
            return "never started"
        while True:
            with contextlib.suppress(TimeoutError):
                code = await asyncio.wait_for(process.wait(), 1.0)
                return _why(code)
            now_s = time.monotonic()
            if now_s - child.born_s > STEADY_S:
                child.pause_s = FIRST_PAUSE_S
            patience_s = SILENCE_S if now_s - child.born_s > START_GRACE_S else START_GRACE_S
            if now_s - child.beat_s > patience_s:
                process.kill()
                await process.wait()
                return f"silent for {patience_s:.0f} s"

    async def _bury(self, child: Child, reason: str) -> None:
        _let_go(child)
        child.process, child.reason = None, reason
        log.warning("%s ended (%s); started again in %.1f s", child.name, reason, child.pause_s)
        self._tell(Kind.PROCESS_DIED, {"process": child.name, "reason": reason})
        self._changed()

    async def _end(self, child: Child) -> None:
        process, child.process = child.process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            log.warning("%s did not stop in %.0f s and was killed", child.name, STOP_S)
            process.kill()
            await process.wait()


def _let_go(child: Child) -> None:
    if child.process and child.process.stdin:
        child.process.stdin.close()


def _why(code: int) -> str:
    if code == CONFIGURATION:
        return "it could not start; its own message in the log says why"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _essence(health: JsonObject) -> tuple[object, object]:
    """Return what of a health is worth telling at once; figures can wait for the next state."""
    return health.get("ok"), health.get("reason")


def commands_of(config: str, overrides: Sequence[str], names: Sequence[str]) -> dict[str, Sequence[str]]:
    """Return how each folder is started: with the same file and the same overrides as we were."""
    settings = [word for override in overrides for word in ("--set", override)]
    return {name: [sys.executable, "-P", "-m", name, "--config", config, *settings] for name in names}
