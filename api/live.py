"""What happens, as it happens, to every page that listens (server-sent events).

- `Live` hears the gate once and tells all listeners; each event is encoded once.
- Facts leave here in order of `seq`, each exactly once. Where the gate's socket left a gap, the journal fills it.
- A listener that asks from a `seq` on gets the rest from the journal first, then what is live. What it must not see
  twice is known by number, never by time.
- A gate process that hangs keeps its socket open, and its last state would pass for true: it is asked again and again,
  and is away until it answers.
- A listener holds at most `LONGEST_QUEUE` events and `LARGEST_QUEUE_BYTES`; one that does not read is ended, comes
  back and resumes from the journal.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator

from api.clock import Clock
from api.problems import ProblemError
from api.records import Records
from api.streams import Farewell
from gate.client import Client, GateUnavailableError
from gate.journal import utc
from gate.model import Json, JsonObject

BEAT_EVERY_S = 10.0
LOOK_EVERY_S = 0.25
ASK_EVERY_S = 2.0
ANSWER_WITHIN_S = 4.0
LONGEST_QUEUE = 512
LARGEST_QUEUE_BYTES = 8 * 1024 * 1024
PAGE = 200
WIDEST_GAP = 1000


def encode(event: str, data: JsonObject, number: int | None = None) -> bytes:
    """Return one event in the format of an event stream."""
    line = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    numbered = "" if number is None else f"id: {number}\n"
    return f"event: {event}\n{numbered}data: {line}\n\n".encode()


class Listener:
    """One page's share: what waits to be sent to it. Facts above `joined_at` come to its queue by themselves."""

    def __init__(self, told_upto: int, joined_at: int) -> None:
        self.told_upto = told_upto
        self.joined_at = joined_at
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._more = asyncio.Event()
        self._farewell: Farewell | None = None

    def put(self, event: bytes) -> None:
        """Add an event, or end the stream of a page that does not keep up."""
        if len(self._waiting) >= LONGEST_QUEUE or self._bytes > LARGEST_QUEUE_BYTES:
            self.end(Farewell.TOO_SLOW)
        elif self._farewell is None:
            self._waiting.append(event)
            self._bytes += len(event)
            self._more.set()

    def end(self, why: Farewell) -> None:
        """Send nothing more than a farewell."""
        if self._farewell is None:
            self._farewell = why
            self._waiting.clear()
            self._more.set()

    async def events(self) -> AsyncIterator[bytes]:
        """Yield what is put, until the end."""
        while self._farewell is None:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                event = self._waiting.popleft()
                self._bytes -= len(event)
                yield event
        yield encode("bye", {"code": self._farewell.value})

    @property
    def ended(self) -> bool:
        """Tell whether the farewell was said."""
        return self._farewell is not None


class Live:
    """The one who hears the gate. `hear` is given to `gate.client.Client` as `pushed`.

    A gate that has not answered `answer_within_s` after it was asked is away.
    """

    def __init__(
        self, records: Records, clock: Clock, ask_every_s: float = ASK_EVERY_S, answer_within_s: float = ANSWER_WITHIN_S
    ) -> None:
        self._records = records
        self._clock = clock
        self._ask_every_s, self._answer_within_s = ask_every_s, answer_within_s
        self._listeners: set[Listener] = set()
        self._inbox: deque[JsonObject | None] = deque()
        self._more = asyncio.Event()
        self._snapshot: JsonObject | None = None
        self._known = False
        self.gate_up = False
        self.last_seq = 0

    @property
    def snapshot(self) -> JsonObject | None:
        """What the gate says of itself; None while it does not answer."""
        return self._snapshot if self.gate_up else None

    @property
    def camera_is_doubted(self) -> bool:
        """Whether the camera process itself says that its picture can't be believed (covered, frozen …)."""
        found: object = self._snapshot
        for name in ("processes", "camera", "health", "sight"):
            found = found.get(name) if isinstance(found, dict) else None
        return bool(found)

    def hear(self, topic: str, data: JsonObject) -> None:
        """Take what the gate pushes. A new state is told at once; facts wait for their turn."""
        if topic == "state":
            self._snapshot = data
            self._gate_is(up=True)
            self._tell(encode("state", data))
            self._inbox.append(None)  # look into the journal too: facts may have been missed while the gate was away
        elif topic == "fact":
            self._inbox.append(data)
        self._more.set()

    async def run(self, gate: Client) -> None:
        """Pass facts on, beat, and notice the gate going away, for as long as the process lives."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pass_on(), name="live-facts")
            tasks.create_task(self._beat(), name="live-beat")
            tasks.create_task(self._watch(gate), name="live-watch")
            tasks.create_task(self._ask(gate), name="live-ask")

    async def join(self, after: int | None) -> Listener:
        """Let a page listen from now on; it was told everything up to `after`."""
        if not self._known:
            await self._learn()
        listener = Listener(self.last_seq if after is None or after > self.last_seq else after, self.last_seq)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a page."""
        self._listeners.discard(listener)

    async def told_to(self, listener: Listener) -> AsyncIterator[bytes]:
        """Yield the present state, a beat, the facts that the page missed, then all that happens until it ends."""
        if self._snapshot is not None and self.gate_up:
            yield encode("state", self._snapshot)
        yield self._beat_event()
        after = listener.told_upto
        while after < listener.joined_at and not listener.ended:
            facts = await self._facts(after, listener.joined_at)
            if not facts:
                break
            for number, event in facts:
                yield event
                after = number
        async for event in listener.events():
            yield event

    # Inside.

    async def _learn(self) -> None:
        """Find out which fact is the newest, before anybody is told of a later one."""
        try:
            newest = await self._records(lambda reader: reader.last_seq())
        except ProblemError:
            newest = 0  # no journal yet: every fact that comes is a new one
        if not self._known:
            self._known, self.last_seq = True, newest

    async def _pass_on(self) -> None:
        await self._learn()
        while True:
            await self._more.wait()
            self._more.clear()
            while self._inbox:
                await self._take(self._inbox.popleft())

    async def _take(self, fact: JsonObject | None) -> None:
        """Tell the next fact; where some are missing before it, or `None` says to look, read them first."""
        seq = fact.get("seq") if fact else None
        if fact is not None and seq == self.last_seq + 1:
            self.last_seq += 1
            self._tell(encode("fact", fact, self.last_seq))
        elif fact is None or (isinstance(seq, int) and seq > self.last_seq):
            await self._catch_up()

    async def _catch_up(self) -> None:
        try:
            newest = await self._records(lambda reader: reader.last_seq())
            if newest < self.last_seq or newest > self.last_seq + WIDEST_GAP:
                self._start_over(newest)
            while self.last_seq < newest and (facts := await self._facts(self.last_seq, newest)):
                for number, event in facts:
                    self.last_seq = number
                    self._tell(event)
        except ProblemError:
            return  # the journal can't be read now; the next push looks again

    def _start_over(self, newest: int) -> None:
        """Let every page come back and ask from where it is: it is too much, or another journal."""
        self.last_seq = newest
        for listener in self._listeners:
            listener.end(Farewell.TOO_SLOW)

    async def _facts(self, after: int, upto: int) -> list[tuple[int, bytes]]:
        facts = await self._records(lambda reader: reader.read(after=after, before=upto + 1, limit=PAGE))
        return [(fact.seq, encode("fact", fact.plain(), fact.seq)) for fact in facts]

    def _tell(self, event: bytes) -> None:
        for listener in self._listeners:
            listener.put(event)

    def _beat_event(self) -> bytes:
        beat: dict[str, Json] = {
            "at": utc(self._clock.wall_s()), "mono_ms": self._clock.mono_ms(), "gate_up": self.gate_up,
            "seq": self.last_seq,
        }  # fmt: skip
        return encode("beat", beat)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY_S)
            self._tell(self._beat_event())

    def _gate_is(self, *, up: bool) -> None:
        if self.gate_up != up:
            self.gate_up = up
            self._tell(self._beat_event())

    async def _watch(self, gate: Client) -> None:
        connected = False
        while True:
            if (connected or self.gate_up) and not gate.connected.is_set():
                self._gate_is(up=False)
                await self._records.reopen()
            connected = gate.connected.is_set()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _ask(self, gate: Client) -> None:
        while True:
            await asyncio.sleep(self._ask_every_s)
            try:
                state = await gate.request("status", self._answer_within_s)
            except GateUnavailableError:
                self._gate_is(up=False)
            else:
                if not self.gate_up:
                    self.hear("state", state)
