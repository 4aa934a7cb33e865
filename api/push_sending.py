"""From messages that wait to push services: sealed, sent, and what became of each noted.

Each phone is looked up again before it is sent anything: whoever was signed out a moment ago is told nothing more. Time
to live is counted by the monotonic clock; a wall clock that jumps loses no message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from api.accounts import AccountsError, Store, Writer
from api.clock import Clock
from api.people import Session
from api.problems import ProblemError
from api.push_phones import Kept, Phone, Phones, alive
from api.push_post import Answer, Fate, Post
from api.push_queue import Queue, Waiting
from api.push_rules import RULES, Level
from api.push_seal import PushKeyError, Sealer, open_sealer
from api.reports import Reporter
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

AT_ONCE = 8
UNREACHABLE, REFUSED, KEY_UNUSABLE = "push_unreachable", "push_refused", "push_key_unusable"
TROUBLES = {Fate.UNREACHABLE: UNREACHABLE, Fate.LATER: UNREACHABLE, Fate.REFUSED: REFUSED, Fate.NEVER: REFUSED}


@dataclass(kw_only=True)
class Sender:
    """Sends what is `put`. `state_dir` holds the key; `contact` is where a push service can write to."""

    state_dir: Path
    contact: str
    store: Store
    write: Writer
    reporter: Reporter
    clock: Clock
    post: Post
    queue: Queue = field(default_factory=Queue)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)
    _troubles: dict[str, str] = field(default_factory=dict)
    _sealer: Sealer | None = None
    _keyless: bool = False
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _thread: ThreadPoolExecutor = field(default_factory=partial(ThreadPoolExecutor, 1, "push"))

    async def sealer(self) -> Sealer:
        """Return the key, made if it is missing. Raises the problem `push_key_unusable`.

        Phones are bound to the key that was there before: with a new one they are in trouble, and ask anew.
        """
        async with self._opening:  # whoever asks meanwhile would find the new key, and not that it is new
            self._sealer = self._sealer or await self._opened()
        return self._sealer

    async def _opened(self) -> Sealer:
        opening = partial(open_sealer, self.state_dir, self.contact)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, opening)
        except PushKeyError as error:
            self._keyless = True
            raise ProblemError(KEY_UNUSABLE, str(error)) from None
        if found.is_new:
            with contextlib.suppress(AccountsError):  # they notice when they are told something
                await self.write(lambda store: Phones(store).failed(None, REFUSED))
        self._keyless = False
        return found

    def health(self) -> JsonObject:
        """Return how this is. It is ill where no phone at all gets what waits for it. Raises `AccountsError`."""
        phones = [phone.session for phone, _ in alive(self.store, self.clock.wall_s())]
        told: JsonObject = {"push": {"phones": len(phones), "waiting": len(self.queue)}}
        if phones and self._keyless:
            return {**told, "ok": False, "reason": KEY_UNUSABLE}
        if not phones or any(phone not in self._troubles for phone in phones):
            return told
        return {**told, "ok": False, "reason": self._troubles[phones[-1]]}

    def put(self, kept: Kept) -> None:
        """Have a message sent."""
        now_s = self.clock.mono_s()
        until_s = now_s + min(kept.expires_at - self.clock.wall_s(), RULES[kept.subject].lasts_s)
        self.queue.put(
            Waiting(
                phone=kept.session, subject=kept.subject, level=kept.level, words=kept.words, until_s=until_s,
                due_s=now_s,
            )
        )  # fmt: skip

    def forget(self, session_id: str) -> None:
        """Drop what waits for a phone that gets nothing any more."""
        self.queue.forget([session_id])
        self._troubles.pop(session_id, None)

    def due_s(self) -> float:
        """Return when `begin` has something to do, in monotonic seconds."""
        return self.queue.due_s(AT_ONCE)

    async def begin(self, ended: Callable[[], None]) -> None:
        """Begin to send what is due; `ended` is called after each. Raises `push_key_unusable` and `AccountsError`."""
        if not len(self.queue):
            return
        for message in self.queue.over(self.clock.mono_s()):
            await self.write(partial(_give_up, message))
        sealer = await self.sealer()
        for message in self.queue.begin(self.clock.mono_s(), AT_ONCE):
            task = asyncio.create_task(self._send(message, sealer), name="push")
            self._sending.add(task)
            task.add_done_callback(partial(self._ended, ended))

    async def close(self) -> None:
        """End what is under way; it is sent again after the next start."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        self._thread.shutdown(wait=False)

    def _ended(self, ended: Callable[[], None], task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a message to a phone failed", exc_info=error)
        ended()

    async def _send(self, message: Waiting, sealer: Sealer) -> None:
        """Send one message and note what became of it. Whose accounts can't be read for now is tried again."""
        try:
            known = Phones(self.store).find(message.phone)
            found = next((one for one in self._alive() if one[0].session == message.phone), None)
        except AccountsError:
            self.queue.again(message, self.clock.mono_s(), asked_s=0.0, chance=0.5)
            return
        try:
            if known is None:
                self.forget(message.phone)
                return
            if found is None:  # its session is over, or the wall clock is wrong for a while
                self.queue.again(message, self.clock.mono_s(), asked_s=0.0, chance=0.5)
                return
            answer = await self._deliver(message, found[0], sealer)
            await self._take_note(message, *found, answer, sealer)
        except AccountsError as error:
            log.warning("what became of a message to a phone is not noted: %s", error)
        finally:
            self.queue.end(message)  # unless it is to be tried again

    async def _deliver(self, message: Waiting, phone: Phone, sealer: Sealer) -> Answer:
        lasts_s = max(0, math.ceil(message.until_s - self.clock.mono_s()))

        def sealed() -> tuple[bytes, str]:
            body = sealer.seal(message.words, phone.p256dh, phone.auth)
            return body, sealer.authorization(phone.endpoint, self.clock.wall_s())

        body, authorization = await asyncio.get_running_loop().run_in_executor(self._thread, sealed)
        loud = "high" if message.level is Level.URGENT else "normal"
        headers = {
            "TTL": str(lasts_s), "Urgency": "low" if message.words.get("calm") else loud,
            "Topic": sealer.topic(message.subject.value), "Authorization": authorization,
            "Content-Type": "application/octet-stream", "Content-Encoding": "aes128gcm",
        }  # fmt: skip
        return await self.post(phone.endpoint, headers, body)

    async def _take_note(
        self, message: Waiting, phone: Phone, session: Session, answer: Answer, sealer: Sealer
    ) -> None:
        """Note what became of a message. Raises `AccountsError`."""
        if answer.fate is Fate.TAKEN:
            self._troubles.pop(phone.session, None)
            now_s = self.clock.wall_s()
            took = (phone.session, message.subject, message.words, now_s)
            await self.write(lambda store: Phones(store).took(*took))
            return
        log.warning("a push service did not take a message: %s", answer.said)
        if answer.fate is Fate.GONE:
            await self._prune(phone, session)
            return
        trouble = TROUBLES[answer.fate]
        if answer.fate is Fate.NEVER:
            await self.write(partial(_give_up, message))
        else:
            self._try_again(message, answer, sealer)
        if message.tries or answer.fate is Fate.NEVER:  # once may be chance
            self._troubles[phone.session] = trouble
        if phone.trouble != trouble:
            await self.write(lambda store: Phones(store).failed(phone.session, trouble))

    def _try_again(self, message: Waiting, answer: Answer, sealer: Sealer) -> None:
        if answer.fate is Fate.REFUSED:
            sealer.forget_tokens()  # made while the clock was wrong, perhaps
        chance = random.random()  # noqa: S311 - so that not all phones come at once; no secret
        self.queue.again(message, self.clock.mono_s(), asked_s=answer.asked_s, chance=chance)

    async def _prune(self, phone: Phone, session: Session) -> None:
        """Forget a phone that its push service does not know any more, unless it has asked anew meanwhile."""
        if await self.write(lambda store: Phones(store).remove(phone.session, phone.endpoint)):
            self.forget(phone.session)
            data: JsonObject = {"user": session.person.name, "change": "notifications ended", "device": session.device}
            await self.reporter.tell(Kind.USER_CHANGED, data, None)

    def _alive(self) -> list[tuple[Phone, Session]]:
        return alive(self.store, self.clock.wall_s())


def _give_up(message: Waiting, store: Store) -> None:
    Phones(store).give_up(message.phone, message.subject, message.words)
