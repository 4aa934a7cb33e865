"""How far each command got: accepted → energised → confirmed, or failed with a code. Bounded memory, no clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from gate.memory import Decision, Ended, Gate
from gate.model import Code, Command, JsonObject

MOST_COMMANDS = 1000


@dataclass(kw_only=True, slots=True)
class Progress:
    """How far one command got."""

    command_id: str
    command: Command
    status: str
    code: Code | None
    accepted_s: float
    energised_s: float | None = None
    ended_s: float | None = None

    def plain(self) -> JsonObject:
        """Return it as JSON data, times as monotonic ms."""
        return {
            "command_id": self.command_id,
            "command": self.command,
            "status": self.status,
            "code": self.code,
            "accepted_mono_ms": ms(self.accepted_s),
            "energised_mono_ms": ms(self.energised_s),
            "ended_mono_ms": ms(self.ended_s),
        }


class Books:
    """The commands that were seen, also the refused ones: an id is used once."""

    def __init__(self) -> None:
        self._progress: OrderedDict[str, Progress] = OrderedDict()
        self._joined: dict[str, str] = {}
        self._newest = ""

    def knows(self, command_id: str) -> bool:
        """Tell whether a command with this id was seen before."""
        return command_id in self._progress or command_id in self._joined

    def status(self, command_id: str) -> JsonObject | None:
        """Return how far a command got; one that joined another tells that one's progress."""
        progress = self._progress.get(self._joined.get(command_id, command_id))
        return {**progress.plain(), "command_id": command_id} if progress else None

    def newest(self) -> JsonObject | None:
        """Return how far the newest command got that was not refused."""
        return self.status(self._newest) if self._newest else None

    def open(self, command_id: str, command: Command, decision: Decision, now_s: float) -> None:
        """Write down a command and what was decided about it."""
        if self.knows(command_id):
            return
        if decision.under_way:
            self._joined[command_id] = decision.under_way
            self._newest = command_id
            return
        progress = Progress(command_id=command_id, command=command, status="accepted", code=None, accepted_s=now_s)
        if decision.refusal:
            progress.status, progress.code, progress.ended_s = "failed", decision.refusal.code, now_s
        else:
            self._newest = command_id
            if _runs_for(decision.gate, command_id):
                progress.status, progress.energised_s = "energised", now_s  # it took over a drive that runs
        self._progress[command_id] = progress
        self._forget_the_oldest()

    def energised(self, command_id: str, now_s: float) -> None:
        """Write down that the relay went on for this command."""
        progress = self._progress.get(command_id)
        if progress and progress.status == "accepted":
            progress.status, progress.energised_s = "energised", now_s

    def close(self, ended: Iterable[Ended], now_s: float) -> None:
        """Write down how commands ended."""
        for end in ended:
            progress = self._progress.get(end.command_id)
            if progress and progress.ended_s is None:
                progress.status = "failed" if end.code else "confirmed"
                progress.code, progress.ended_s = end.code, now_s

    def _forget_the_oldest(self) -> None:
        """Keep memory bounded; what is under way is never forgotten."""
        if len(self._progress) <= MOST_COMMANDS:
            return
        oldest = next((name for name, known in self._progress.items() if known.ended_s is not None), None)
        if oldest is not None:
            del self._progress[oldest]
            self._joined = {joined: leader for joined, leader in self._joined.items() if leader != oldest}


def _runs_for(gate: Gate, command_id: str) -> bool:
    move = gate.motion.move
    return gate.motion.began_s is not None and gate.is_working and move is not None and move.command_id == command_id


def ms(seconds: float | None) -> int | None:
    """Return monotonic seconds as whole ms."""
    return None if seconds is None else round(seconds * 1000)
