"""Notifications on phones (Web Push): what they are told of, read from the journal for as long as this runs.

- The journal is what happened; a cursor into it (`push_upto`) says what phones were told of. Nothing is lost while this
  process, the gate or the network is away: facts are read on, messages wait in accounts.db and are tried again.
- Messages and the cursor are written together before anything is sent. A disk that takes nothing more keeps no phone
  from being told: messages live in memory then.
- Without the internet everything else goes on; the health of this process says so where phones wait for something.

push_rules.py says what is news and to whom, push_words.py how it is said, push_sending.py how it gets there.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import zoneinfo
from dataclasses import dataclass, field
from functools import partial

from api.accounts import AccountsError, Store, Writer
from api.clock import Clock
from api.people import Session
from api.problems import ProblemError
from api.push_phones import Kept, Phone, Phones, alive
from api.push_post import HttpsPost
from api.push_rules import KINDS, RULES, Occasion, Subject, may_be_tested, occasions, wants
from api.push_sending import Sender
from api.push_words import Speaker
from api.records import Records
from api.reports import Reporter
from config.schema import Settings
from gate.journal import JournalReader, utc
from gate.model import Fact, JsonObject, Kind

log = logging.getLogger(__name__)

DAY_S = 86_400.0
LOOK_EVERY_S = 60.0
RETRY_S = 5.0
PAGE = 200
WARNED_BEFORE_S = 9 * DAY_S  # of being signed out: the week until the next test, and two days
NEWS_S = max(rule.lasts_s for rule in RULES.values())
SEEN = tuple(kind.value for kind in KINDS)
STARTS = (Kind.BOOT.value, Kind.HEALTH_CHANGED.value)


@dataclass(kw_only=True)
class Pusher:
    """Tells phones what happens."""

    records: Records
    sender: Sender
    speaker: Speaker
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _upto: int | None = None
    _newest: int | None = None
    _told_s: dict[tuple[Subject, str], float] = field(default_factory=dict)
    _shown: tuple[object, object] = (None, None)
    _said: str = ""

    def hear(self, topic: str, data: JsonObject) -> None:
        """Take what the gate pushes, and look into the journal where there may be news. Quick; never raises."""
        if topic == "fact" and data.get("kind") in SEEN:
            self._more.set()
        if topic == "state" and (shown := (data.get("alarms"), data.get("reasons"))) != self._shown:
            self._shown = shown  # a fact may have been missed while the gate was away
            self._more.set()

    async def test(self, session: Session) -> None:
        """Have a test sent to this phone now. Raises the problem `push_not_on`, and `AccountsError`."""
        phone = Phones(self.sender.store).find(session.id)
        if phone is None:
            raise ProblemError("push_not_on")
        await self._keep([self._test_of(phone, None)], None)

    def moved(self, session_id: str) -> None:
        """Have what waits for a phone sent to its new address at once."""
        self.sender.queue.hurry(session_id, self.sender.clock.mono_s())
        self._more.set()

    async def run(self) -> None:
        """Tell phones until it is cancelled. Lives through a journal, accounts or a key that can't be used for now."""
        recalled = False
        try:
            while True:
                self._more.clear()
                try:
                    recalled = recalled or self._recall()
                    pause_s = await self._work()
                except AccountsError as error:
                    self._put_off(error)
                    pause_s = RETRY_S
                except Exception:
                    log.exception("phones are not told of what happened just now")
                    self._upto = self._newest  # past what can't be read: a fault here must not end the page
                    pause_s = RETRY_S
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._more.wait(), pause_s)
        finally:
            await self.sender.close()

    async def _work(self) -> float:
        """Read on, test and send; return for how long nothing is due.

        Each by itself: a full disk, a journal or a key that can't be used for now holds up only what needs it.
        """
        well = True
        for work in (self._read_on, self._test_weekly, self._send):
            try:
                await work()
            except (AccountsError, ProblemError) as error:
                self._put_off(error)
                well = False
        if not well:
            return RETRY_S
        self._said = ""
        return max(0.0, min(LOOK_EVERY_S, self.sender.due_s() - self.sender.clock.mono_s()))

    async def _send(self) -> None:
        await self.sender.begin(self._more.set)

    def _put_off(self, error: Exception) -> None:
        if self._said != str(error):  # a full disk says it every few seconds
            self._said = str(error)
            log.warning("phones are told later: %s", error)

    def _recall(self) -> bool:
        """Take up what waited when the process ended. Raises `AccountsError`."""
        phones = Phones(self.sender.store)
        self._upto = phones.upto()
        for kept in phones.waiting():
            self.sender.put(kept)
        return True

    async def _read_on(self) -> None:
        """Read the facts since the last time, and keep what phones are to be told of them."""
        newest = self._newest = await self.records(lambda reader: reader.last_seq())
        if self._upto is None or newest < self._upto:  # the first time, or another journal: the past is no news
            await self._keep([], newest)
            self._upto = newest
        upto = self._upto
        while upto < newest:
            found, upto = await self.records(partial(_news, after=upto, upto=newest))
            told = [occasion for occasion in found if self._is_news(occasion)]
            if told:
                await self._keep([kept for occasion in told for kept in self._for_phones(occasion)], upto)
                now_s = self.sender.clock.mono_s()
                self._told_s.update({(one.subject, one.why): now_s for one in told if not one.taken})
            self._upto = upto

    def _is_news(self, occasion: Occasion) -> bool:
        """Tell whether phones are told: this process may have been away for days, and some things come and go."""
        clock = self.sender.clock
        if occasion.dated and occasion.at <= utc(clock.wall_s() - NEWS_S):
            return False
        told_s = self._told_s.get((occasion.subject, occasion.why))
        return occasion.taken or told_s is None or clock.mono_s() - told_s >= occasion.rule.quiet_s

    def _for_phones(self, occasion: Occasion) -> list[Kept]:
        """Return a message for each phone whose person wants to hear of it."""
        phones, now_s, level = Phones(self.sender.store), self.sender.clock.wall_s(), occasion.rule.level
        local = f"{self.speaker.local(now_s):%H:%M}"
        return [
            Kept(
                session=phone.session, subject=occasion.subject, level=level,
                words=self.speaker.of(occasion, phone.language), expires_at=now_s + occasion.rule.lasts_s,
            )
            for phone, session in alive(self.sender.store, now_s)
            if session.person.name != occasion.by and wants(phones.choice(session.person), level, local)
        ]  # fmt: skip

    async def _test_weekly(self) -> None:
        """Send each phone one message a week, so that a silent phone is noticed before it matters."""
        now_s, store = self.sender.clock.wall_s(), self.sender.store
        local = self.speaker.local(now_s)
        week, phones = week_of(local), Phones(store)
        due = [
            (phone, session)
            for phone, session in alive(store, now_s)
            if phone.tests != week and may_be_tested(phones.choice(session.person), f"{local:%H:%M}")
        ]
        if due:
            tests = [self._test_of(phone, session) for phone, session in due]
            await self._keep(tests, None, [(phone.session, week) for phone, _ in due])

    def _test_of(self, phone: Phone, session: Session | None) -> Kept:
        """Return a test: one that was asked for, or the weekly one, silent, which warns of the end of `session`."""
        now_s, rule = self.sender.clock.wall_s(), RULES[Subject.TEST]
        ends_s = session.expires_at if session and session.expires_at - now_s < WARNED_BEFORE_S else None
        words = self.speaker.test(phone.language, utc(now_s), calm=session is not None, ends_s=ends_s)
        expires_at = now_s + rule.lasts_s
        return Kept(session=phone.session, subject=Subject.TEST, level=rule.level, words=words, expires_at=expires_at)

    async def _keep(self, messages: list[Kept], upto: int | None, tested: list[tuple[str, str]] | None = None) -> None:
        """Keep messages, on the disk where it takes them, and have them sent."""
        try:
            await self.sender.write(lambda store: Phones(store).wait(messages, upto, tested or []))
        except AccountsError as error:
            if tested:
                raise  # a test can wait until the disk is well
            log.error("messages to phones are kept in memory alone: %s", error)  # noqa: TRY400 - the reason is enough
        for kept in messages:
            self.sender.put(kept)
        self._more.set()


def open_pusher(  # noqa: PLR0913 - the wiring of office.py
    settings: Settings, clock: Clock, *, records: Records, store: Store, write: Writer, reporter: Reporter
) -> Pusher | None:
    """Wire it as the site says; None where the gate sends no notifications."""
    if not settings.push.enabled:
        return None
    sender = Sender(
        state_dir=settings.storage.state_dir, contact=contact_of(settings), store=store, write=write, reporter=reporter,
        clock=clock, post=HttpsPost(allow_private=settings.push.allow_private),
    )  # fmt: skip
    speaker = Speaker(site=settings.site.name, zone=zoneinfo.ZoneInfo(settings.site.timezone))
    return Pusher(records=records, sender=sender, speaker=speaker)


def contact_of(settings: Settings) -> str:
    """Return where a push service can write to: what the site says, else where its page is (RFC 8292, 2.1)."""
    public = settings.api.public_url or ""
    if settings.push.contact or public.startswith("https:"):
        return settings.push.contact or public
    return f"https://{settings.api.domain or f'{settings.site.id}.invalid'}"


def week_of(local: dt.datetime) -> str:
    """Return the week in which tests are counted, such as 2026-W47."""
    return f"{local:%G-W%V}"


def _news(reader: JournalReader, after: int, upto: int) -> tuple[list[Occasion], int]:
    """Return what phones are told of the next facts after `after`, and how far that goes. Raises `JournalError`."""
    facts = reader.read(kinds=SEEN, after=after, before=upto + 1, limit=PAGE)
    found = [occasion for fact in facts for occasion in occasions(fact, _standing(reader, fact))]
    return found, facts[-1].seq if len(facts) == PAGE else upto


def _standing(reader: JournalReader, fact: Fact) -> list[str]:
    """Return the troubles that stood before a change of health. A start begins with none. Raises `JournalError`."""
    if fact.kind != Kind.HEALTH_CHANGED:
        return []
    before = reader.read(kinds=STARTS, before=fact.seq, limit=1, newest_first=True)
    reasons = before[0].data.get("reasons") if before else None
    return [str(reason) for reason in reasons] if isinstance(reasons, list) else []
