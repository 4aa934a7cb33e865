"""Plain words for what pydantic found wrong: which key, what it may hold, what it holds.

Imported only for a configuration that is wrong, so that a right one starts without it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from config import words
from config.problem import Problem
from config.schema import BETWEEN_KEYS, Settings

Path = Sequence[int | str]
REFERENCE = "docs/configuration.md"
LONGEST_VALUE = 60
LONGEST_NUMBER_BITS = 10_000  # Python refuses to write longer ones
CLOSE_ENOUGH = 0.6
NAME_OF_TABLE = "[key]"  # how pydantic calls the place of a name in a table of tables


def explain(details: Sequence[ErrorDetails]) -> list[Problem]:
    """Turn pydantic's findings into problems, each told once.

    What `rules.py` found is left out here, because `load` asks it itself. A missing key is left out where an unknown
    one beside it is its misspelling.
    """
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]
    inside = {detail["loc"][:-1] for detail in details}  # a list with a wrong entry is no list that is too short
    meant = {(*path[:-1], near) for path in unknown if (near := _nearest(path))}
    return [
        _problem(detail)
        for detail in details
        if detail["type"] != BETWEEN_KEYS
        and not (detail["type"] == "missing" and detail["loc"] in meant)
        and not (detail["type"] == "too_short" and detail["loc"] in inside)
    ]


def dotted(path: Path) -> str:
    """Write a key as a person would: camera.zones[0].name. A key that is no bare TOML key is quoted."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            bare = key if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", key) else _short(key)
            text += f".{bare}" if text else bare
    return text


def _problem(detail: ErrorDetails) -> Problem:
    path, value = detail["loc"], detail["input"]
    if path[-1:] == (NAME_OF_TABLE,):
        _, field = _spot(path[:-2])
        return Problem(key=dotted(path[:-2]), text=f"has {_short(value)}; the name is {words.name_of_table(field)}")
    if detail["type"] == "extra_forbidden":
        return Problem(key=dotted(path), text=f"unknown key; {_suggestion(path)} ({REFERENCE})")
    spot, field = _spot(path)
    meaning = f". {field.description}" if field and field.description else ""
    if detail["type"] == "missing" and isinstance(spot, FieldInfo):
        return Problem(key=dotted(path), text=f"is missing; give {words.allowed(spot)}{meaning}")
    if detail["type"] == "value_error":
        message = detail["msg"].removeprefix("Value error, ")
        return Problem(key=dotted(path), text=f"{_short(value)} {message}")
    return Problem(key=dotted(path), text=f"must be {words.allowed(spot)}, not {_short(value)}{meaning}")


def _short(value: object) -> str:
    """Write a value as it would stand in the file, on one line, cut where it is long."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER_BITS:
        return "a number of thousands of digits"
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _section_at(path: Path) -> type[BaseModel] | None:
    section: type[BaseModel] | None = Settings
    named = False  # the next key is a name that the person chose
    for key in path:
        if named:
            named = False
        elif isinstance(key, str):
            field = words.keys_of(section).get(key) if section else None
            section = words.section_of(field.annotation) if field else None
            named = field is not None and words.is_by_name(field.annotation)
    return section


def _spot(path: Path) -> tuple[object, FieldInfo | None]:
    """Return what the schema says of a place (a field, or an annotation inside a list), and the field it belongs to."""
    places = len(path)
    while places and isinstance(path[places - 1], int):
        places -= 1
    section = _section_at(path[: places - 1]) if places else None
    field = words.keys_of(section).get(str(path[places - 1])) if section else None
    spot: object = field or object
    for index in path[places:]:
        annotation = spot.annotation if isinstance(spot, FieldInfo) else spot
        spot = words.place(annotation, int(index))
    return spot, field


def _nearest(path: Path) -> str | None:
    section = _section_at(path[:-1])
    near = difflib.get_close_matches(str(path[-1]), words.keys_of(section) if section else (), n=1, cutoff=CLOSE_ENOUGH)
    return near[0] if near else None


def _suggestion(path: Path) -> str:
    if near := _nearest(path):
        return f"did you mean {near}?"
    elsewhere = [known for known in _keys(Settings, "") if known.rpartition(".")[2] == path[-1]]
    if elsewhere:
        return f"did you mean {' or '.join(elsewhere[:3])}?"
    section = _section_at(path[:-1])
    return f"known here: {', '.join(words.keys_of(section) if section else ())}"


def _keys(section: type[BaseModel], before: str) -> Iterator[str]:
    for name, field in words.keys_of(section).items():
        yield f"{before}{name}"
        if inner := words.section_of(field.annotation):
            yield from _keys(inner, f"{before}{name}.")
