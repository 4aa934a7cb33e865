"""A timetable that comes from elsewhere than the file, read as the file is: the same schema, the same rules.

People change the timetable of a running gate. What they send is judged by the process that takes it in, to name what is
wrong by field, and once more by the gate process, where a timetable is in force. It is judged as if it stood in the
site's own file: what a rule there says of the timetable (a beam to close by, lamp and buzzer to warn with: I12) is said
here too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field, ValidationError

from config import rules
from config.load import tupled
from config.problem import Problem
from config.schema import Settings
from config.section import Section
from config.timetable import MOST_PERIODS, Period

MOST_TOLD = 20
"""More wrong fields than these are not explained: to look for what each could have meant takes time."""
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what a person can't see but a screen obeys: controls, directions, halves, line breaks."""
IN_THE_FILE, HERE = "gate.timetable", "periods"


class PeriodsError(Exception):
    """A timetable that can't be used; carries every problem found, each with its field such as `periods[0].start`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


class _Gate(Section):
    timetable: tuple[Period, ...] = Field(max_length=MOST_PERIODS)


class _Form(Section):
    gate: _Gate


def read(periods: object, settings: Settings) -> tuple[Period, ...]:
    """Return the periods that plain JSON data say. Raises `PeriodsError` with every problem at once."""
    found = [*_names_that_hide(periods), *_broken(periods, settings)]
    try:
        parsed = parse(periods)
    except PeriodsError as error:
        raise PeriodsError([*error.problems, *map(_outside, found)]) from None
    if found:
        raise PeriodsError([_outside(problem) for problem in found])
    return parsed


def parse(periods: object) -> tuple[Period, ...]:
    """Return periods that were right for their site when they were set, and may not be any more (`misfits`).

    Raises `PeriodsError` where this program does not understand them.
    """
    try:
        return _Form.model_validate(tupled({"gate": {"timetable": periods}})).gate.timetable
    except ValidationError as error:
        from config.explain import explain  # noqa: PLC0415 - only a wrong timetable pays for this import

        told = explain(error.errors(include_url=False)[:MOST_TOLD])
    raise PeriodsError([_outside(problem) for problem in told])


def misfits(periods: Sequence[Period], settings: Settings) -> tuple[Problem, ...]:
    """Return what does not fit the site any more of periods that were right when they were set."""
    return tuple(_outside(problem) for problem in _broken([written(period) for period in periods], settings))


def written(period: Period) -> dict[str, object]:
    """Return a period as JSON data, such as `read` takes; what is not given is left out."""
    return period.model_dump(mode="json", exclude_none=True)


def _broken(periods: object, settings: Settings) -> list[Problem]:
    """Return which rules between keys this timetable would break at this site."""
    tables = settings.model_dump()
    tables["gate"]["timetable"] = periods
    return [problem for problem in rules.broken(tables) if problem.key.startswith(IN_THE_FILE)]


def _names_that_hide(periods: object) -> Iterator[Problem]:
    """Refuse what would show a name other than it is. A name in the file was typed by whoever owns the gate."""
    listed = periods[:MOST_PERIODS] if isinstance(periods, list | tuple) else ()
    for number, period in enumerate(listed):
        name = period.get("name") if isinstance(period, Mapping) else None
        hidden = next((c for c in name if unicodedata.category(c) in UNSEEN), "") if isinstance(name, str) else ""
        if hidden:
            key = f"{IN_THE_FILE}[{number}].name"
            yield Problem(key=key, text=f"U+{ord(hidden):04X} can't be seen; leave it out")


def _outside(problem: Problem) -> Problem:
    """Name the field as whoever sent it knows it."""
    return Problem(key=problem.key.replace(IN_THE_FILE, HERE, 1), text=problem.text.replace(IN_THE_FILE, HERE))
