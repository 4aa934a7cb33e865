"""What a notification says, in the words of the page: short, calm, and nothing in it that is a secret.

What happened, at which gate, when; whether somebody has taken note. No names of people, no addresses, no codes. A phone
shows it as it comes: it may be read hours later, so it says what happened and when, never what is so now.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import zoneinfo
from dataclasses import dataclass, field
from pathlib import Path

from api.push_rules import RULES, Level, Occasion, Subject
from gate.model import JsonObject

WEB = Path(__file__).with_name("web")
LANGUAGES = ("vi", "en")
OPENS = "#nhat-ky/{at}"  # views/diary.js: the moment in the diary
TEST_OPENS = "#thong-bao"
TITLES: dict[Subject, str] = {
    Subject.SIREN: "push.siren",
    Subject.MAINS_LOST: "code.mains_lost",
    Subject.BATTERY_LOW: "code.battery_low",
    Subject.STORAGE_LOW: "fact.storage_low",
    Subject.TEST: "push.test",
}


@dataclass(kw_only=True)
class Speaker:
    """Says what happened at one site. Reads vi.json and en.json when they are first needed."""

    site: str
    zone: zoneinfo.ZoneInfo
    _words: dict[str, dict[str, str]] = field(default_factory=dict)

    def local(self, wall_s: float) -> dt.datetime:
        """Return a moment as the clock at the site shows it."""
        return dt.datetime.fromtimestamp(wall_s, self.zone)

    def of(self, occasion: Occasion, language: str) -> JsonObject:
        """Return what a phone shows for something that happened."""
        parts = [self._where_and_when(occasion.at, language)]
        if occasion.taken:
            parts = [self.site, self._say(language, "push.taken", time=self._moment(occasion.at))]
        elif occasion.reminders:
            parts.append(self._say(language, "fact.reminder", count=str(occasion.reminders)))
        if occasion.subject is Subject.CAMERA_BLIND and self._has(language, f"reason.{occasion.why}"):
            parts.insert(0, self._say(language, f"reason.{occasion.why}"))
        calm = occasion.taken or RULES[occasion.subject].level is Level.NOTICE
        return {
            "title": self._title(occasion, language), "body": " · ".join(parts), "tag": occasion.subject.value,
            "open": OPENS.format(at=occasion.at), "calm": calm, "lang": language,
        }  # fmt: skip

    def test(self, language: str, at: str, *, calm: bool, ends_s: float | None = None) -> JsonObject:
        """Return a test; `ends_s`: when the phone is signed out if nobody opens the page, where that is soon."""
        parts = [self._say(language, "push.works"), self._where_and_when(at, language)]
        if ends_s is not None:
            parts.insert(0, self._say(language, "push.ends", day=f"{self.local(ends_s):%d/%m}"))
        return {
            "title": self._say(language, "push.test"), "body": " · ".join(parts), "tag": Subject.TEST.value,
            "open": TEST_OPENS, "calm": calm and ends_s is None, "lang": language,
        }  # fmt: skip

    def _title(self, occasion: Occasion, language: str) -> str:
        if occasion.subject is Subject.FAULT and self._has(language, f"code.{occasion.why}"):
            return self._say(language, f"code.{occasion.why}")
        return self._say(language, TITLES.get(occasion.subject, f"alarm.{occasion.subject.value}"))

    def _where_and_when(self, at: str, language: str) -> str:
        return self._say(language, "push.where", site=self.site, time=self._moment(at))

    def _moment(self, at: str) -> str:
        return f"{dt.datetime.fromisoformat(at).astimezone(self.zone):%H:%M %d/%m}"

    def _has(self, language: str, key: str) -> bool:
        return key in self._of(language)

    def _say(self, language: str, key: str, **values: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], ""), self._of(language)[key])

    def _of(self, language: str) -> dict[str, str]:
        if language not in self._words:
            read: dict[str, str] = json.loads((WEB / f"{language}.json").read_text(encoding="utf-8"))
            self._words[language] = read
        return self._words[language]
