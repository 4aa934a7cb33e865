"""What phones are told of, how grave it is, and who wants to hear it. Pure: facts and times come in.

- `RULES` is the whole list of subjects: level, and how long one is worth delivering. docs/api.md shows it.
- `occasions` reads a fact. A subject that already stands is not news: a trouble counts when it was not there before.
- `wants` is a person's choice: the least level, the hours, and whether what is urgent comes at any hour.
- What was acknowledged replaces what was told of it, in the queue and on the phone: both have the same subject.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gate.model import Alarm, Code, Command, Fact, Kind

HOUR_S = 3600.0
TESTED = ("09:00", "20:00")  # by day
KINDS = (Kind.ALARM_RAISED, Kind.ALARM_ACKNOWLEDGED, Kind.HEALTH_CHANGED, Kind.STORAGE_LOW, Kind.COMMAND_ACCEPTED)


class Level(StrEnum):
    """How grave something is, worst first."""

    URGENT = "urgent"
    WARNING = "warning"
    NOTICE = "notice"


class Subject(StrEnum):
    """What a phone may be told of. Alarms and troubles have the gate's own names."""

    FORCED_OPEN = "forced_open"
    BEAM_TAMPER = "beam_tamper"
    TAMPERED_DRIVE = "tampered_drive"
    CABINET_OPEN = "cabinet_open"
    LOCKDOWN_FAILED = "lockdown_failed"
    SIREN = "siren"
    FAULT = "fault"
    LEFT_OPEN = "left_open"
    CAMERA_BLIND = "camera_blind"
    MAINS_LOST = "mains_lost"
    BATTERY_LOW = "battery_low"
    STORAGE_LOW = "storage_low"
    TEST = "test"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How one subject is told: how grave it is, and how long it is worth delivering.

    `quiet_s`: so long after one it is not told again: power that comes and goes is one piece of news. An urgent alarm
    needs none, since it is raised anew only after somebody took note of it.
    """

    level: Level
    lasts_s: float
    quiet_s: float = 0.0


_URGENT = Rule(level=Level.URGENT, lasts_s=24 * HOUR_S)
_WARNING = Rule(level=Level.WARNING, lasts_s=12 * HOUR_S, quiet_s=600.0)

RULES: dict[Subject, Rule] = {
    Subject.FORCED_OPEN: _URGENT,
    Subject.BEAM_TAMPER: _URGENT,
    Subject.TAMPERED_DRIVE: _URGENT,
    Subject.CABINET_OPEN: _URGENT,
    Subject.LOCKDOWN_FAILED: _URGENT,
    Subject.SIREN: Rule(level=Level.URGENT, lasts_s=HOUR_S, quiet_s=60.0),
    Subject.FAULT: _WARNING,
    Subject.LEFT_OPEN: _WARNING,
    Subject.CAMERA_BLIND: _WARNING,
    Subject.MAINS_LOST: _WARNING,
    Subject.BATTERY_LOW: _WARNING,
    Subject.STORAGE_LOW: Rule(level=Level.NOTICE, lasts_s=24 * HOUR_S, quiet_s=6 * HOUR_S),
    Subject.TEST: Rule(level=Level.NOTICE, lasts_s=24 * HOUR_S),
}
TROUBLES = {Code.MAINS_LOST: Subject.MAINS_LOST, Code.BATTERY_LOW: Subject.BATTERY_LOW}
GRAVITY = tuple(Level)


@dataclass(frozen=True, kw_only=True, slots=True)
class Occasion:
    """Something that phones are told of.

    `seq` and `at` are the fact's own; `why` is a code that says more, or empty; `by` is the person whose own deed it
    is, who needs no telling; `reminders` counts how often nobody has taken note; `taken`: somebody has. `dated`: the
    clock could be believed at `at`.
    """

    subject: Subject
    seq: int
    at: str
    why: str = ""
    by: str = ""
    reminders: int = 0
    taken: bool = False
    dated: bool = True

    @property
    def rule(self) -> Rule:
        """How it is told."""
        return RULES[self.subject]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a person wants to hear: nothing milder than `least`, from `start` to `end`, HH:MM at the site.

    None for both: at any hour. `urgent_always`: what is urgent comes at any hour.
    """

    least: Level = Level.WARNING
    start: str | None = None
    end: str | None = None
    urgent_always: bool = True


def wants(choice: Choice, level: Level, local: str) -> bool:
    """Tell whether a person wants to hear of `level` at `local` (HH:MM at the site)."""
    if GRAVITY.index(level) > GRAVITY.index(choice.least):
        return False
    return (level is Level.URGENT and choice.urgent_always) or in_hours(choice, local)


def in_hours(choice: Choice, local: str) -> bool:
    """Tell whether `local` (HH:MM) is within a person's hours; they may run over midnight."""
    start, end = choice.start, choice.end
    if start is None or end is None or start == end:
        return True
    return start <= local < end if start < end else local >= start or local < end


def may_be_tested(choice: Choice, local: str) -> bool:
    """Tell whether `local` (HH:MM) suits a weekly test: by day, within the hours; where these are at night, then."""
    begins, ends = TESTED
    some_by_day = in_hours(choice, begins) or begins <= (choice.start or begins) < ends
    return in_hours(choice, local) and (not some_by_day or begins <= local < ends)


def occasions(fact: Fact, standing: Sequence[str]) -> Iterator[Occasion]:
    """Yield what phones are told because of a fact. `standing`: the troubles that stood before it."""
    match fact.kind:
        case Kind.ALARM_RAISED | Kind.ALARM_ACKNOWLEDGED:
            yield from _of_an_alarm(fact)
        case Kind.HEALTH_CHANGED:
            reasons = fact.data.get("reasons")
            named = reasons if isinstance(reasons, list) else []
            for code, subject in TROUBLES.items():
                if code in named and code not in standing:
                    yield Occasion(subject=subject, seq=fact.seq, at=fact.at, dated=fact.at_trusted)
        case Kind.STORAGE_LOW:
            yield Occasion(subject=Subject.STORAGE_LOW, seq=fact.seq, at=fact.at, dated=fact.at_trusted)
        case Kind.COMMAND_ACCEPTED if fact.data.get("command") == Command.SIREN_ON:
            yield Occasion(subject=Subject.SIREN, seq=fact.seq, at=fact.at, by=_person(fact), dated=fact.at_trusted)


def _of_an_alarm(fact: Fact) -> Iterator[Occasion]:
    """Yield a known alarm. A reminder counts where it is grave, and ever more seldom: the 1st, 2nd, 4th, 8th."""
    name, given = str(fact.data.get("alarm")), fact.data.get("reminder")
    if name not in set(Alarm):
        return
    subject, taken = Subject(name), fact.kind == Kind.ALARM_ACKNOWLEDGED
    reminders = given if isinstance(given, int) and not taken else 0
    if reminders and (RULES[subject].level is not Level.URGENT or reminders & (reminders - 1)):
        return
    why, by = str(fact.data.get("why") or ""), _person(fact) if taken else ""
    yield Occasion(
        subject=subject, seq=fact.seq, at=fact.at, why=why, by=by, reminders=reminders, taken=taken,
        dated=fact.at_trusted,
    )  # fmt: skip


def _person(fact: Fact) -> str:
    """Return the name of the person behind a fact, empty where it is none."""
    return str(fact.by.get("id")) if fact.by.get("type") == "person" else ""
