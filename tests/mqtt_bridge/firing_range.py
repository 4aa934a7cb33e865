"""Commands under fire, on a clock that nobody waits for: a real gate, its yard, and a hundred thousand messages.

The bridge's questions (`mqtt_bridge/admission.py`), the gate's own (`gate.controller`), the keeper's guard and the
yard are the real ones; broker and sockets are left out (test_under_fire.py has them). Beside each message stands the
judge of `shots.py`. After each one:

- its code is the judge's, and where the judge has nothing against it, the rules' own;
- a message that is refused changes nothing the gate does or is about to do, and its id never reaches the rules;
- a relay comes on only for a command that was obeyed (I14), and not for the first time after its deadline, the
  gate's own warning aside.

`python -m tests.mqtt_bridge.firing_range` fires 120,000 on all cores; a failure names the seed that tells it again.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from pathlib import Path

from gate.model import Code, Command, JsonObject, Mode, Refusal, Role, State
from gate.server import By, Wish
from mqtt_bridge.admission import Admission, Place
from mqtt_bridge.envelope import Envelope, Key
from mqtt_bridge.port import Incoming
from mqtt_bridge.seen import Seen
from tests.mqtt_bridge.shots import FIRST_DAY, GATE, ROLES, Forger, Shot, Target, last_day, public_of
from tests.mqtt_bridge.yard_gate import YardGate

SHOTS = 120_000
MAGAZINE = 2_000
BETWEEN_S = 0.06
PICK_UP_S = 0.05
TEN_YEARS = dt.timedelta(days=3652)
VALID_SHARE = 0.2
LIVES_MS = (60, 150, 300, 400, 500, 1000, 3000, 8000, 14_900)
KEPT_BACK = 30
USUAL = (Command.OPEN, Command.CLOSE, Command.STOP, Command.OPEN, Command.CLOSE, Command.LIGHT_ON, Command.LIGHT_OFF)
RARE = tuple(Command)
BACK = (Command.NORMAL, Command.RESET)
KEYS = {
    kid: Key(
        id=kid, public=base64.b64decode(public_of(kid)), roles=frozenset({Role(role)}), until=last_day(kid),
        revoked=kid == "stolen",
    )
    for kid, role in ROLES.items()
}  # fmt: skip


@dataclass(kw_only=True)
class Tally:
    """How many messages were fired, what became of them, and how many relays came on."""

    fired: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    obeyed: int = 0
    refused_by_the_rules: Counter[str] = field(default_factory=Counter)
    energised: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Take another's figures in."""
        self.fired += other.fired
        self.obeyed += other.obeyed
        self.energised += other.energised
        for mine, its in (
            (self.refused, other.refused), (self.refused_by_the_rules, other.refused_by_the_rules),
            (self.faults, other.faults),
        ):  # fmt: skip
            mine.update(its)

    def __str__(self) -> str:
        codes = ", ".join(f"{name} {count}" for name, count in sorted(self.refused.items()))
        return (
            f"{self.fired} messages: {self.refused.total()} refused, each with its code and without moving the gate"
            f" ({codes}); {self.obeyed} obeyed, {self.energised} relays on for them;"
            f" {self.refused_by_the_rules.total()} in order and refused by the gate's own rules"
        )


class FiringRange:
    """One gate, one bridge's memory, one forger, one judge. Raises AssertionError where something is not as it must."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._chance = random.Random(seed)
        self._forger = Forger(seed)
        self._path = folder / f"{seed}.db"
        self._gate = YardGate(1e6 + seed)
        self._target = Target(boot=self._new_boot(), now_ms=0)
        self._remembered: list[tuple[str, int]] = []
        self._bridge_starts()
        self._kept_back: deque[Shot] = deque()
        self._obeyed: set[str] = set()
        self._due_s: dict[str, float] = {}
        self.tally = Tally()
        self._gate.after(3.0)

    def run(self, shots: int) -> Tally:
        """Fire so many."""
        for _ in range(shots):
            self._gate.after(self._chance.expovariate(1 / BETWEEN_S))
            self._something_happens()
            self._look()
            shot = self._next()
            if not self._target.is_unclear(shot):
                self._fire(shot)
        self.tally.energised = len(self._gate.energised)
        self._audit()
        return self.tally

    def _audit(self) -> None:
        """Compare what came on with what was obeyed."""
        first_s: dict[str, float] = {}
        for name, at_s in self._gate.energised:
            assert name in self._obeyed, f"I14: a relay came on for {name}, which was not obeyed"
            first_s.setdefault(name, at_s)
        late = {name: at_s - self._due_s[name] for name, at_s in first_s.items() if at_s > self._due_s.get(name, at_s)}
        assert not late, f"I7: a relay came on so many seconds after its deadline: {late}"

    def _look(self) -> None:
        self._target.now_ms = self._gate.now_s * 1000
        self._target.sequence = self._gate.sequence

    def _next(self) -> Shot:
        """Take a new message, one that waited in a queue, or one that was sent before."""
        chance = self._chance.random()
        if self._kept_back and chance < 0.15:
            shot = self._chance.choice(self._kept_back)
            return replace(shot, faults=(*shot.faults, "sent again, or late, or out of order"))
        if chance < 0.15 + VALID_SHARE:
            shot = self._forger.in_order(self._target, self._wished(), lives_ms=self._chance.choice(LIVES_MS))
        else:
            shot = self._forger.shot(self._target)
        self._kept_back.append(shot)
        if len(self._kept_back) > KEPT_BACK:
            self._kept_back.popleft()
        if chance > 0.97:  # it stays in its sender's queue for now
            return self._next()
        return shot

    def _wished(self) -> Command:
        gate = self._gate.controller._gate
        if gate.mode is not Mode.NORMAL or gate.troubles:
            return self._chance.choice((*BACK, *USUAL))
        if self._chance.random() < 0.05:
            return self._chance.choice(RARE)
        if gate.move is None and self._chance.random() < 0.6:
            return Command.CLOSE if gate.state is State.OPEN else Command.OPEN
        return self._chance.choice(USUAL)

    def _fire(self, shot: Shot) -> None:
        """Send a message all the way, and judge."""
        self.tally.fired += 1
        self.tally.faults.update(shot.faults or ("none",))
        verdict, target = self._target.verdict(shot), self._target
        message = Incoming(topic=f"antt/1/{GATE}/cmd", payload=shot.payload, retained=shot.retained)
        before, of_the_rules = self._gate.doing, None
        weighed = self._door.weigh(message, now_mono_ms=target.now_ms, today=target.today)
        found, code = weighed.envelope, weighed.rejection.code if weighed.rejection else None
        if found is not None and code is None:
            self._remembered.append((found.id, found.mono_deadline_ms))
            self._is_late_on_its_way()
            before, wish = self._gate.doing, _wish(found)
            verdict = verdict if verdict not in {None, Code.STALE_SEQUENCE} else target.again(shot)
            of_the_rules = None if verdict else self._gate.rules_would_say(wish)
            answer = self._gate.controller.request(wish, self._gate.now_s)
            code = answer.code if isinstance(answer, Refusal) else None
            self._note_due(wish, answer)
            self.tally.refused_by_the_rules.update([of_the_rules.value] if of_the_rules else [])
        self.tally.refused.update([verdict.value] if verdict else [])
        verdict = verdict or of_the_rules
        assert code is verdict, f"{verdict} and not {code} was right for {shot.faults}: {shot.payload[:1000]!r}"
        if code is None:
            self.tally.obeyed += 1
            self._obeyed.add(shot.id)
        else:
            assert self._gate.doing == before, f"{code}, and yet it changed what the gate does: {shot.payload[:1000]!r}"

    def _note_due(self, wish: Wish, answer: JsonObject | Refusal) -> None:
        """Write down until when the relay may come on for a move; modes try again by themselves."""
        if wish.command in {Command.OPEN, Command.CLOSE} and not isinstance(answer, Refusal):
            warning_s = float(str(answer["warning_s"]))
            self._due_s[wish.command_id] = (wish.deadline_mono_ms or 0) / 1000 + warning_s + PICK_UP_S

    def _is_late_on_its_way(self) -> None:
        """Let some time go by between bridge and gate, now and then."""
        if self._chance.random() < 0.05:
            self._gate.after(self._chance.choice((0.01, 0.5, 5.0)))
            self._look()

    def _something_happens(self) -> None:
        """Now and then: the wall clock jumps, the bridge or the gate process or the whole gate starts anew."""
        chance = self._chance.random()
        if chance < 0.02:
            self._target.today = self._chance.choice((None, FIRST_DAY + TEN_YEARS, FIRST_DAY - TEN_YEARS))
        elif chance < 0.12:
            self._target.today = FIRST_DAY
        elif chance < 0.122:
            self._bridge_restarts()
        elif chance < 0.123:
            self._gate_process_restarts()
        elif chance < 0.124:
            self._gate_process_restarts()
            self._target.boot = self._new_boot()
            self._target.seen.clear()
            self._remembered.clear()
            self._bridge_starts()

    def _bridge_starts(self) -> None:
        """Begin with what the file knows of this boot."""
        self._seen = Seen(self._path, boot=self._target.boot)
        self._seen.recall(self._seen.open(now_mono_ms=int(self._gate.now_s * 1000)))
        self._door = Admission(Place(gate_id=GATE, boot=self._target.boot), lambda: KEYS, self._seen)

    def _bridge_restarts(self) -> None:
        self._seen.write(self._remembered, FIRST_DAY, now_mono_ms=int(self._gate.now_s * 1000))
        self._seen.close()
        written = {
            name for name, _ in self._remembered
        }  # what was not permitted is not, and will not be permitted again
        self._target.seen = {name: due for name, due in self._target.seen.items() if name in written}
        self._bridge_starts()

    def _gate_process_restarts(self) -> None:
        former = self._gate
        self._gate = YardGate(former.now_s, former.yard)
        self._gate.energised = former.energised
        self._gate.after(3.0)

    def _new_boot(self) -> str:
        return f"{self._chance.getrandbits(128):032x}"


def _wish(found: Envelope) -> Wish:
    """Return what the bridge asks the gate for."""
    return Wish(
        command_id=found.id, command=found.command, by=By(type="key", id=found.kid, name=found.by_name),
        reason=found.reason, sequence=found.sequence, sighted=found.sighted, minutes=found.minutes,
        deadline_mono_ms=found.mono_deadline_ms,
    )  # fmt: skip


def fire(seed: int, shots: int = MAGAZINE) -> Tally:
    """Fire one magazine; the same seed tells the same again."""
    with tempfile.TemporaryDirectory(prefix="antt-range-") as name:
        return FiringRange(seed, Path(name)).run(shots)


def _told(seed: int) -> Tally | str:
    try:
        return fire(seed)
    except AssertionError as error:
        return f"seed {seed}: {error}"


def fire_many(shots: int, processes: int, first: int = 0) -> tuple[Tally, list[str]]:
    """Fire many magazines; returns the figures and what went wrong."""
    tally, wrong = Tally(), list[str]()
    seeds = range(first, first + -(-shots // MAGAZINE))
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for told in pool.imap_unordered(_told, seeds):
            if isinstance(told, Tally):
                tally.add(told)
            else:
                wrong.append(told)
    return tally, wrong


def main() -> int:
    """Fire, and print what became of it; 1 where anything was not as it must be."""
    parser = argparse.ArgumentParser(description="Commands under fire, on a virtual clock.")
    parser.add_argument("--shots", type=int, default=SHOTS)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--seed", type=int, help="tell this one only")
    arguments = parser.parse_args()
    began_s = time.monotonic()
    if arguments.seed is not None:
        print(fire(arguments.seed))
        return 0
    tally, wrong = fire_many(arguments.shots, arguments.processes, arguments.first)
    print(*wrong, sep="\n")
    print(f"{tally} [{time.monotonic() - began_s:.0f} s]")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
