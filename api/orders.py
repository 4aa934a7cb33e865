"""One press of a button is one command, however often the phone sends it.

- A key of a person stands for one command id. While the gate is being asked, and for a day afterwards, the same key
  with the same body gets the same answer; with another body it is refused.
- The key is kept before the gate is asked. If this process or the gate dies in between, the next try asks with the
  same command id: the journal and the gate know whether it was done, and it is never done twice, nor ten seconds late.
- No answer waits for the disk, and a stop is not even kept before the gate is asked. A disk that can't be written, or
  hangs, holds no command for longer than `KEPT_WITHIN_S`: keys are then remembered in memory only. The gate's deadline
  counts from the press, so that nothing is done later than `DEADLINE_MS` after it.
- An order is carried out even if the phone hangs up in the meantime.
- A stop overtakes: a motion that was ordered before it and was not given to the gate yet, because its key is still on
  its way to the disk or because its first try got lost, is refused. Nothing that was pressed before a stop moves the
  gate after it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Protocol

from api.accounts import AccountsError, Store, Writer
from api.answers import Answers, Kept
from api.clock import Clock, moment_of
from api.pace import Pace
from api.problems import REFUSED, ProblemError, rate_limited, refusal_document
from api.records import Records
from gate.client import GateUnavailableError, RequestRefusedError, new_id
from gate.journal import utc
from gate.model import Code, Command, JsonObject, Kind, Refusal

log = logging.getLogger(__name__)

DEADLINE_MS = 2000
KEPT_WITHIN_S = 1.0
ACCEPTED = 202
MOST_RECENT = 1000
RETRY_WITHIN_S = 10.0
BURST = 30.0
PER_SECOND = 5.0

TOO_LATE = Refusal(
    code=Code.EXPIRED,
    title="This command came too late and was not done.",
    remedy="Look at the gate, then press again.",
)
OVERTAKEN = Refusal(
    code=Code.SUPERSEDED,
    title="Somebody stopped the gate after this was pressed; it was not done.",
    remedy="Look at the gate, then press again.",
)
STILL = frozenset({
    Command.STOP, Command.UNLOCK, Command.NORMAL, Command.ACKNOWLEDGE, Command.RESET, Command.LIGHT_ON,
    Command.LIGHT_OFF, Command.SIREN_ON, Command.SIREN_OFF,
})  # fmt: skip
"""The commands that move nothing; a stop leaves them as they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One command of one person, as it was understood.

    `sighted` is what the person says of the gate, None if nothing; `seen` is whether we delivered a fresh picture. Who
    says "I do not see it" is believed, whatever was delivered. `minutes`: how long to hold open, None as the site says.
    """

    person: str
    session_id: str
    key: str
    command: Command
    by: JsonObject
    reason: str
    sequence: int | None
    sighted: bool | None
    minutes: int | None
    seen: bool

    def body_hash(self) -> str:
        """Return what tells two bodies apart, however they were written."""
        body = [self.command.value, self.reason, self.sequence, self.sighted, self.minutes]
        return hashlib.sha256(json.dumps(body).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the phone is told. `replayed`: it was told before. `ours`: a refusal that the gate was not asked about."""

    status: int
    body: JsonObject
    replayed: bool = False
    ours: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """The moment of an order: how many stops had come by then, and until when (CLOCK_MONOTONIC) the gate may begin."""

    stops: int
    deadline_mono_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """An order that is being carried out, or was a short while ago."""

    body_hash: str
    answer: asyncio.Task[Answer]


class Asked(Protocol):
    """The gate, as `gate.client.Client` asks it."""

    async def request(self, op: str, timeout_s: float = ..., **arguments: object) -> JsonObject:
        """Return its answer. Raises `GateUnavailableError` and `RequestRefusedError`."""


class Orders:
    """Carries orders to the gate."""

    def __init__(  # noqa: PLR0913 - the wiring of office.py
        self, gate: Asked, records: Records, store: Store, write: Writer, clock: Clock, *,
        kept_within_s: float = KEPT_WITHIN_S,
    ) -> None:  # fmt: skip
        self._gate = gate
        self._records = records
        self._answers = Answers(store)
        self._write = write
        self._clock = clock
        self._kept_within_s = kept_within_s
        self._recent: OrderedDict[tuple[str, str], Pending] = OrderedDict()
        self._keeping: set[asyncio.Task[None]] = set()
        self._pace = Pace(BURST, PER_SECOND)
        self._stops = 0
        self._stopped_at_s = 0.0

    async def place(self, order: Order) -> Answer:
        """Have an order carried out, or return what was answered to the same one before.

        Raises the problems `idempotency_mismatch`, `rate_limited` and `gate_down`; after `gate_down` the same key may
        be sent again. A refusal of the gate is an answer.
        """
        slot = (order.person, order.key)
        pending = self._recent.get(slot)
        replayed = pending is not None
        if pending is None:
            kept = self._find(order.person, order.key)
            if kept is not None and kept.body_hash != order.body_hash():
                raise ProblemError("idempotency_mismatch")
            if kept is not None and kept.status is not None and kept.body is not None:
                return Answer(status=kept.status, body=json.loads(kept.body), replayed=True)
            self._limit_pace(order)
            if order.command is Command.STOP:
                self._stops, self._stopped_at_s = self._stops + 1, self._clock.wall_s()
            placed = Placed(stops=self._stops, deadline_mono_ms=self._clock.mono_ms() + DEADLINE_MS)
            task = asyncio.create_task(self._carry_out(order, kept, placed), name="order")
            pending = Pending(body_hash=order.body_hash(), answer=task)
            self._recent[slot] = pending
            task.add_done_callback(lambda done: self._settle(slot, done))
        elif pending.body_hash != order.body_hash():
            raise ProblemError("idempotency_mismatch")
        answer = await asyncio.shield(pending.answer)
        return replace(answer, replayed=replayed)

    def remembers(self, person: str, key: str) -> bool:
        """Tell whether an order with this key was given before: it had every right then, and is never done twice."""
        return (person, key) in self._recent or self._find(person, key) is not None

    async def close(self) -> None:
        """Let the answers that were given get to the disk."""
        await asyncio.gather(*self._keeping)

    def _find(self, person: str, key: str) -> Kept | None:
        try:
            return self._answers.find(person, key, self._clock.wall_s())
        except AccountsError as error:
            log.error("keys of commands are remembered in memory only: %s", error)  # noqa: TRY400 - the reason is enough
            return None

    def _settle(self, slot: tuple[str, str], task: asyncio.Task[Answer]) -> None:
        """Forget an order that got no answer, so that it can be tried again; bound what is remembered."""
        if task.cancelled() or task.exception() is not None:
            self._recent.pop(slot, None)
        while len(self._recent) > MOST_RECENT and next(iter(self._recent.values())).answer.done():
            self._recent.popitem(last=False)

    def _limit_pace(self, order: Order) -> None:
        """Refuse a session that sends commands faster than a person. Never a stop."""
        if order.command is Command.STOP:
            return
        wait_s = self._pace.wait_s(order.session_id, self._clock.mono_ns() / 1e9)
        if wait_s > 0:
            raise rate_limited(wait_s, "Too many commands from this phone.")

    async def _carry_out(self, order: Order, kept: Kept | None, placed: Placed) -> Answer:
        if kept is not None:
            answer = await self._ask_again(order, kept.command_id, placed)
        else:
            kept = Kept(body_hash=order.body_hash(), command_id=new_id(), status=None, body=None)
            if order.command is not Command.STOP:
                await asyncio.wait([self._begin_to_keep(order, kept)], timeout=self._kept_within_s)
            answer = await self._ask_unless_overtaken(order, kept.command_id, placed)
        answered = replace(kept, status=answer.status, body=json.dumps(answer.body, ensure_ascii=False))
        self._begin_to_keep(order, answered)
        return answer

    def _begin_to_keep(self, order: Order, kept: Kept) -> asyncio.Task[None]:
        name = "keep-key" if kept.status is None else "keep-answer"
        keeping = asyncio.create_task(self._keep(order, kept), name=name)
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)
        return keeping

    async def _keep(self, order: Order, kept: Kept) -> None:
        now_s = self._clock.wall_s()
        try:
            await self._write(lambda store: Answers(store).keep(order.person, order.key, kept, now_s))
        except AccountsError as error:
            log.error("the key of %s is remembered in memory only: %s", kept.command_id, error)  # noqa: TRY400 - as above

    async def _ask_unless_overtaken(self, order: Order, command_id: str, placed: Placed) -> Answer:
        if self._stops != placed.stops and order.command not in STILL:
            return _refused(OVERTAKEN, order, command_id)
        return await self._ask(order, command_id, placed)  # reaches the gate's socket before anything else is looked at

    async def _ask(self, order: Order, command_id: str, placed: Placed) -> Answer:
        try:
            accepted = await self._gate.request(
                "command", command_id=command_id, command=order.command.value, by=order.by, reason=order.reason,
                sequence=order.sequence, sighted=order.seen if order.sighted is None else order.sighted,
                minutes=order.minutes, deadline_mono_ms=placed.deadline_mono_ms,
            )  # fmt: skip
        except RequestRefusedError as error:
            body = refusal_document(error.problem, order.command.value, command_id=command_id)
            return Answer(status=REFUSED, body=body)
        except GateUnavailableError as error:
            raise ProblemError("gate_down", str(error), command_id=command_id) from None
        return Answer(status=ACCEPTED, body=accepted)

    async def _ask_again(self, order: Order, command_id: str, placed: Placed) -> Answer:
        """Answer for an order whose first answer got lost: taken, stopped or too late by now, or still to be done."""
        since_s, moment_s = moment_of(command_id) - RETRY_WITHIN_S, moment_of(command_id)
        kinds = (Kind.COMMAND_ACCEPTED.value,)
        facts = await self._records(lambda reader: reader.read(kinds=kinds, since=utc(since_s), limit=MOST_RECENT))
        if any(fact.data.get("command_id") == command_id for fact in facts):
            return await self._as_it_was(order, command_id)
        if self._clock.wall_s() - moment_s > RETRY_WITHIN_S:
            return _refused(TOO_LATE, order, command_id)
        stopped = any(fact.data.get("command") == Command.STOP and fact.at >= utc(moment_s) for fact in facts)
        if (stopped or self._stopped_at_s >= moment_s) and order.command not in STILL:
            return _refused(OVERTAKEN, order, command_id)
        answer = await self._ask_unless_overtaken(order, command_id, placed)
        taken = answer.body.get("code") == Code.DUPLICATE
        return await self._as_it_was(order, command_id) if taken else answer

    async def _as_it_was(self, order: Order, command_id: str) -> Answer:
        try:
            snapshot = await self._gate.request("status")
        except (GateUnavailableError, RequestRefusedError) as error:
            raise ProblemError("gate_down", str(error), command_id=command_id) from None
        log.info("%s %s was taken before; its answer had been lost", order.command.value, command_id)
        body: JsonObject = {"command_id": command_id, "accepted": True, "warning_s": 0.0}
        return Answer(
            status=ACCEPTED, body={**body, **{name: snapshot[name] for name in ("state", "target", "sequence")}}
        )


def _refused(refusal: Refusal, order: Order, command_id: str) -> Answer:
    """Return our own refusal of an order that the gate was not asked about."""
    body = refusal_document(refusal.plain(), order.command.value, command_id=command_id)
    return Answer(status=REFUSED, body=body, ours=True)
