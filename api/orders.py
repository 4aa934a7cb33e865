"""One press of a button is one command, however often the phone sends it.

- A key of a person stands for one command id. While the gate is being asked, and for a day afterwards, the same key
  with the same body gets the same answer; with another body it is refused.
- The key is kept before the gate is asked. If this process or the gate dies in between, the next try asks with the
  same command id: the journal and the gate know whether it was done, and it is never done twice, nor ten seconds late.
- No answer waits for the disk, and a stop is not even kept before the gate is asked. A disk that can't be written holds
  no command for long: keys are then remembered in memory only.
- An order is carried out even if the phone hangs up in the meantime.
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
    """What the phone is told. `replayed`: it was told before."""

    status: int
    body: JsonObject
    replayed: bool = False


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

    def __init__(self, gate: Asked, records: Records, store: Store, write: Writer, clock: Clock) -> None:
        self._gate = gate
        self._records = records
        self._answers = Answers(store)
        self._write = write
        self._clock = clock
        self._recent: OrderedDict[tuple[str, str], Pending] = OrderedDict()
        self._keeping: set[asyncio.Task[None]] = set()
        self._pace = Pace(BURST, PER_SECOND)

    async def place(self, order: Order) -> Answer:
        """Have an order carried out, or return what was answered to the same one before.

        Raises the problems `idempotency_mismatch`, `rate_limited` and `gate_down`; after `gate_down` the same key may
        be sent again. A refusal of the gate is an answer.
        """
        slot = (order.person, order.key)
        pending = self._recent.get(slot)
        replayed = pending is not None
        if pending is None:
            kept = self._find(order)
            if kept is not None and kept.body_hash != order.body_hash():
                raise ProblemError("idempotency_mismatch")
            if kept is not None and kept.status is not None and kept.body is not None:
                return Answer(status=kept.status, body=json.loads(kept.body), replayed=True)
            self._limit_pace(order)
            task = asyncio.create_task(self._carry_out(order, kept), name="order")
            pending = Pending(body_hash=order.body_hash(), answer=task)
            self._recent[slot] = pending
            task.add_done_callback(lambda done: self._settle(slot, done))
        elif pending.body_hash != order.body_hash():
            raise ProblemError("idempotency_mismatch")
        answer = await asyncio.shield(pending.answer)
        return replace(answer, replayed=replayed)

    async def close(self) -> None:
        """Let the answers that were given get to the disk."""
        await asyncio.gather(*self._keeping)

    def _find(self, order: Order) -> Kept | None:
        try:
            return self._answers.find(order.person, order.key, self._clock.wall_s())
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

    async def _carry_out(self, order: Order, kept: Kept | None) -> Answer:
        if kept is not None:
            answer = await self._ask_again(order, kept.command_id)
        else:
            kept = Kept(body_hash=order.body_hash(), command_id=new_id(), status=None, body=None)
            if order.command is not Command.STOP:
                await self._keep(order, kept)
            answer = await self._ask(order, kept.command_id)
        answered = replace(kept, status=answer.status, body=json.dumps(answer.body, ensure_ascii=False))
        keeping = asyncio.create_task(self._keep(order, answered), name="keep-answer")
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)
        return answer

    async def _keep(self, order: Order, kept: Kept) -> None:
        now_s = self._clock.wall_s()
        try:
            await self._write(lambda store: Answers(store).keep(order.person, order.key, kept, now_s))
        except AccountsError as error:
            log.error("the key of %s is remembered in memory only: %s", kept.command_id, error)  # noqa: TRY400 - as above

    async def _ask(self, order: Order, command_id: str) -> Answer:
        try:
            accepted = await self._gate.request(
                "command", command_id=command_id, command=order.command.value, by=order.by, reason=order.reason,
                sequence=order.sequence, sighted=order.seen if order.sighted is None else order.sighted,
                minutes=order.minutes, deadline_mono_ms=self._clock.mono_ms() + DEADLINE_MS,
            )  # fmt: skip
        except RequestRefusedError as error:
            body = refusal_document(error.problem, order.command.value, command_id=command_id)
            return Answer(status=REFUSED, body=body)
        except GateUnavailableError as error:
            raise ProblemError("gate_down", str(error), command_id=command_id) from None
        return Answer(status=ACCEPTED, body=accepted)

    async def _ask_again(self, order: Order, command_id: str) -> Answer:
        """Answer for an order whose first answer got lost: taken, too late by now, or still to be done."""
        if await self._was_taken(command_id):
            return await self._as_it_was(order, command_id)
        if self._clock.wall_s() - moment_of(command_id) > RETRY_WITHIN_S:
            return Answer(
                status=REFUSED, body=refusal_document(TOO_LATE.plain(), order.command.value, command_id=command_id)
            )
        answer = await self._ask(order, command_id)
        taken = answer.body.get("code") == Code.DUPLICATE
        return await self._as_it_was(order, command_id) if taken else answer

    async def _was_taken(self, command_id: str) -> bool:
        since = utc(moment_of(command_id) - RETRY_WITHIN_S)
        kinds = (Kind.COMMAND_ACCEPTED.value,)
        facts = await self._records(lambda reader: reader.read(kinds=kinds, since=since, limit=MOST_RECENT))
        return any(fact.data.get("command_id") == command_id for fact in facts)

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
