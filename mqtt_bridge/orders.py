"""The path of one command, from the broker to the gate and back.

    cmd ─► admission ─► ids written down ─► gate (its own rules, the deadline again) ─► accepted
               │                │                         │                                ├─► energised ─► confirmed
               └─► rejected     └─► rejected              └─► rejected                     └─► failed

- `admission.py` asks in the order of docs/topics.md, "Commands", and each question has its code.
- Commands reach the gate in the order in which they came, after their ids are written down. `stop` waits for no file:
  it overtakes what is not on its way to the gate yet, and that is then not done (`superseded`).
- The gate gets the deadline too, and refuses what is late there; the wait for its answer ends only after the deadline,
  so that an answer "not done" is never given of a command that may yet be obeyed.
- Whatever is refused here is told to the journal (`refused.py`); what the gate decides, the gate writes down itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from gate.client import GateUnavailableError, RequestRefusedError
from gate.model import Code, Command, Json, JsonObject, Kind, Refusal
from mqtt_bridge.admission import Admission, Place
from mqtt_bridge.answers import Answers, Reply, reply_to
from mqtt_bridge.bucket import Bucket
from mqtt_bridge.envelope import Claim, Envelope, Key, claimed, reject
from mqtt_bridge.port import Incoming
from mqtt_bridge.refused import Ration, by_of, data_of
from mqtt_bridge.reports import Sentences
from mqtt_bridge.seen import Seen, SeenError

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_UNDER_WAY = 32
MOST_AT_ONCE, PER_S = 60, 10.0  # of one key
LOOK_AGAIN_S = 1.0
REOPEN_AFTER_S = 1.0
GRACE_S = 1.0
STOP_PATIENCE_S = 5.0
LONGEST_S = 600.0
TOLD_WHEN_ACCEPTED = ("state", "target", "sequence", "warning_s")


class Gate(Protocol):
    """The gate process, as a client sees it. Both raise `GateUnavailableError` and `RequestRefusedError`."""

    @property
    def connected(self) -> asyncio.Event:
        """Return what is set while there is a connection."""

    async def request(self, op: str, timeout_s: float = 5.0, **arguments: object) -> JsonObject:
        """Ask and await the answer."""

    async def report(self, kind: str, data: JsonObject, by: JsonObject | None = None) -> JsonObject:
        """Have a fact written to the journal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """A command that was admitted, and where its answers go (None: nobody asked for any)."""

    envelope: Envelope
    reply: Reply | None


class Orders:
    """Takes commands in the event loop, and follows each to its end."""

    def __init__(  # noqa: PLR0913 - the walls of the path: keys, memory, gate, answers, clock
        self, place: Place, *, keys: Callable[[], Mapping[str, Key]], seen: Seen, gate: Gate, answers: Answers,
        today: Callable[[], dt.date | None],
    ) -> None:  # fmt: skip
        self._place = place
        self._admission = Admission(place, keys, seen)
        self._seen = seen
        self._gate = gate
        self._answers = answers
        self._today = today
        self._files = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commands")
        self._waiting: deque[_Order] = deque()
        self._unwritten: list[tuple[str, int]] = []
        self._came = asyncio.Event()
        self._changed = asyncio.Event()
        self._noted = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._proven, self._strange = Ration(), Ration()
        self._paces: dict[str, Bucket] = {}
        self._sentences = Sentences()
        self.trouble = ""

    def take(self, message: Incoming) -> None:
        """Take a message of `cmd`. Returns at once and never raises."""
        verdict = self._admission.weigh(message, now_mono_ms=_now_ms(), today=self._today())
        claim = claimed(message.payload)
        reply = reply_to(message, self._place.gate_id, claim.kid, self._place.home)
        if verdict.rejection:
            self._refuse(verdict.envelope or claim, reply, verdict.rejection)
        elif verdict.envelope:
            self._put(_Order(envelope=verdict.envelope, reply=reply))

    def put(self, found: Envelope) -> Refusal | None:
        """Take a command that came another way than signed, under the same rules; return why it is not done.

        The caller vouches for who gives it: its `roles` and `kid` are believed. Nobody is answered.
        """
        wrong = self._admission.admit(found, now_mono_ms=_now_ms())
        if wrong:
            self._refuse(found, None, wrong)
        else:
            self._put(_Order(envelope=found, reply=None))
        return wrong

    def gate_changed(self) -> None:
        """Look how far every command got: the gate has published a state."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def open(self) -> None:
        """Learn which ids were taken before; without that nothing but a stop is taken. Never raises."""
        try:
            self._seen.recall(await self._in_files(partial(self._seen.open, now_mono_ms=_now_ms())))
            self.trouble = ""
        except SeenError as error:
            self.trouble = f"no command is taken: {error}"
            self._log(self.trouble)

    async def run(self) -> None:
        """Work until cancelled. Call `open` before."""
        try:
            async with asyncio.TaskGroup() as parts:
                parts.create_task(self._write_down())
                parts.create_task(self._tell())
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            self._files.submit(self._seen.close)
            self._files.shutdown(wait=False)

    # In, and on to the gate.

    def _put(self, order: _Order) -> None:
        """Pass a stop on at once; have everything else wait for the disk."""
        found = order.envelope
        if found.command is Command.STOP:
            while self._waiting:
                self._refuse_order(self._waiting.popleft(), reject(Code.SUPERSEDED))
            self._pass_on(order)
        elif not self._seen.is_open:
            self._refuse_order(order, reject(Code.NOT_REMEMBERED))
            return
        elif len(self._waiting) + len(self._under_way) >= MOST_UNDER_WAY or not self._keeps_pace(found.kid):
            self._refuse_order(order, reject(Code.RATE_LIMITED))  # and written down: its id is used
        else:
            self._waiting.append(order)
        self._unwritten.append((found.id, found.mono_deadline_ms))
        self._came.set()

    def _keeps_pace(self, kid: str) -> bool:
        """Tell whether this key may order one more now: each is a fact, and a wild script must not fill the disk."""
        bucket = self._paces.setdefault(kid, Bucket(most=MOST_AT_ONCE, per_s=PER_S))
        return bucket.take(now_s=time.monotonic())

    async def _write_down(self) -> None:
        """Write ids to the disk, and pass on the commands whose ids are there, in the order in which they came."""
        while True:
            if not self._seen.is_open:
                await asyncio.sleep(REOPEN_AFTER_S)
                self._unwritten = [(name, due_ms) for name, due_ms in self._unwritten if due_ms >= _now_ms()]
                await self.open()
                continue
            await self._came.wait()
            self._came.clear()
            written, batch = list(self._unwritten), list(self._waiting)
            self._unwritten.clear()
            try:
                await self._in_files(partial(self._seen.write, written, self._today(), now_mono_ms=_now_ms()))
            except SeenError as error:
                self.trouble = f"no command is taken: {error}"
                self._log(self.trouble)
                while self._waiting:
                    self._refuse_order(self._waiting.popleft(), reject(Code.NOT_REMEMBERED))
                continue
            while self._waiting and self._waiting[0] in batch:
                self._pass_on(self._waiting.popleft())

    def _pass_on(self, order: _Order) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(order), name=f"command-{order.envelope.id}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carry(self, order: _Order) -> None:
        """Give a command to the gate and tell who asked how it goes, to its end."""
        found = order.envelope
        if not self._gate.connected.is_set():
            self._refuse_order(order, reject(Code.GATE_DOWN))
            return
        patience_s = max(STOP_PATIENCE_S, (found.mono_deadline_ms - _now_ms()) / 1000 + GRACE_S)
        try:
            accepted = await self._gate.request(
                "command", patience_s, command_id=found.id, command=found.command.value, by=by_of(found),
                reason=found.reason, sequence=found.sequence, sighted=found.sighted, minutes=found.minutes,
                deadline_mono_ms=found.mono_deadline_ms,
            )  # fmt: skip
        except RequestRefusedError as error:
            self._answer(order, "rejected", **error.problem)
            return
        except GateUnavailableError:
            self._answer(order, "failed", **reject(Code.GATE_DOWN, "whether this was done is not known").plain())
            return
        log.info("%s by the key %s: accepted", found.command.value, found.kid)
        self._answer(order, "accepted", **{name: accepted.get(name) for name in TOLD_WHEN_ACCEPTED})
        await self._follow(order)

    async def _follow(self, order: _Order) -> None:
        """Tell when the relay went on, and how it ended."""
        give_up_s = time.monotonic() + LONGEST_S
        told_energised = False
        while time.monotonic() < give_up_s:
            changed = self._changed
            try:
                progress = await self._gate.request("command_status", command_id=order.envelope.id)
            except RequestRefusedError:  # the gate process began anew: nothing goes on
                break
            except GateUnavailableError:
                progress = {}
            status, energised_ms = progress.get("status"), progress.get("energised_mono_ms")
            if energised_ms is not None and not told_energised:
                told_energised = True
                self._answer(order, "energised", mono_ms=energised_ms)
            if status in {"confirmed", "failed"}:
                self._answer(order, str(status), code=progress.get("code"), mono_ms=progress.get("ended_mono_ms"))
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await changed.wait()
        self._answer(order, "failed", **reject(Code.GATE_DOWN, "how this ended is not known").plain())

    # Out.

    def _refuse_order(self, order: _Order, rejection: Refusal) -> None:
        self._refuse(order.envelope, order.reply, rejection)

    def _refuse(self, found: Envelope | Claim, reply: Reply | None, rejection: Refusal) -> None:
        """Answer, and have the journal told."""
        is_proven = isinstance(found, Envelope)
        is_urgent = is_proven and rejection.code is not Code.RATE_LIMITED  # a flood would push out what was obeyed
        self._say(reply, found.id, "rejected", rejection.plain(), urgent=is_urgent)
        ration = self._proven if is_proven else self._strange
        by = by_of(found) if isinstance(found, Envelope) else None
        ration.take(by, data_of(rejection, found), now_s=time.monotonic())
        self._noted.set()
        # What a stranger claims is not logged: each new claim would be a new line. The journal has it, rationed.
        which = f"{found.command.value} by the key {found.kid}" if isinstance(found, Envelope) else "a command"
        self._log(f"{which} was refused ({rejection.code.value}): {rejection.title} {rejection.remedy}")

    def _answer(self, order: _Order, status: str, **more: Json) -> None:
        self._say(order.reply, order.envelope.id, status, more, urgent=True)

    def _say(self, reply: Reply | None, command_id: str, status: str, more: JsonObject, *, urgent: bool) -> None:
        if reply:
            told: JsonObject = {"id": command_id, "gate": self._place.gate_id, "status": status, **more}
            self._answers.give(reply, told, urgent=urgent)

    async def _tell(self) -> None:
        """Have the journal told of what was refused here."""
        while True:
            await self._noted.wait()
            self._noted.clear()
            for ration in (self._proven, self._strange):
                while note := ration.next():
                    try:
                        await self._gate.report(Kind.COMMAND_REFUSED.value, note.data, note.by)
                    except GateUnavailableError:
                        await asyncio.sleep(LOOK_AGAIN_S)
                        continue
                    except RequestRefusedError as error:
                        self._log(f"the gate does not take the note of a refusal: {error}")
                    ration.told()

    def _log(self, sentence: str) -> None:
        if self._sentences.is_news(sentence, now_s=time.monotonic()):
            log.warning("%s", sentence)

    async def _in_files(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._files, work)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
