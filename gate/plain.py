"""Values of the rules as plain JSON data, and back.

Written and read by the types alone, so that a new field of the rules' memory needs no line here: frozen dataclasses,
enums, numbers, text, tuples, frozensets, optional values, and JSON data as it is. Reading is strict: a key that is
missing, unknown or of the wrong type is refused and named. Pydantic was measured and rejected: it can't build a type
that holds the recursive `JsonObject`, and a validator for `Site` alone costs 0.1 s at the start of a command.
"""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from gate.model import Json

Value = TypeVar("Value")
ENDLESS = ("inf", "-inf", "nan")  # JSON has no such numbers; they stand as text


class PlainError(ValueError):
    """Plain data that is not what it should be; the message names the place and what is expected there."""


def encode(value: object) -> Json:  # noqa: PLR0911 - a table of types
    """Return a value as JSON data. Sets are sorted, so that equal values look alike. Raises `TypeError` for others."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(name): encode(held) for name, held in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(map(encode, value), key=str)
    if isinstance(value, (tuple, list)):
        return [encode(held) for held in value]
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no plain form")


def decode(kind: type[Value], value: object, where: str = "") -> Value:
    """Return plain data as a value of that type. Raises `PlainError`; `where` is named in it."""
    return _read(kind, value, where or kind.__name__)  # type: ignore[return-value] # _read answers with what `kind` says


def _read(kind: object, value: object, where: str) -> object:
    """Return plain data as what a type hint says."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return _read_either(arguments, value, where)
    if origin is Literal:
        return _expect(value in arguments, value, where, f"one of {', '.join(map(str, arguments))}")
    if origin is tuple:
        return _read_tuple(arguments, value, where)
    if origin is frozenset:
        return frozenset(_read_list(arguments[0], value, where))
    if origin is dict or kind is dict:
        return _expect(isinstance(value, dict), value, where, "an object")
    if isinstance(kind, type):
        return _read_class(kind, value, where)
    raise TypeError(f"{where}: {kind} can't be read from plain data")


def _read_class(kind: type, value: object, where: str) -> object:
    if is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    if issubclass(kind, Enum):
        known = [str(member.value) for member in kind]
        _expect(isinstance(value, str) and value in known, value, where, f"one of {', '.join(known)}")
        return kind(value)
    if kind is float:
        number = value in ENDLESS or (isinstance(value, (int, float)) and not isinstance(value, bool))
        return float(str(_expect(number, value, where, "a number")))
    if kind is int:
        return _expect(isinstance(value, int) and not isinstance(value, bool), value, where, "a whole number")
    if kind is type(None):
        return _expect(value is None, value, where, "null")
    return _expect(isinstance(value, kind), value, where, kind.__name__)


def _read_dataclass(kind: type, value: object, where: str) -> object:
    _expect(isinstance(value, dict), value, where, "an object")
    given = value if isinstance(value, dict) else {}
    hints = _hints(kind)
    unknown = [name for name in given if name not in hints]
    if unknown:
        raise PlainError(f"{where} has {unknown[0]!r}, which is not known here")
    for field in fields(kind):
        if field.name not in given and field.default is MISSING and field.default_factory is MISSING:
            raise PlainError(f"{where} has no {field.name!r}")
    made: object = kind(**{name: _read(hints[name], held, f"{where}.{name}") for name, held in given.items()})
    return made


def _read_either(kinds: tuple[object, ...], value: object, where: str) -> object:
    """Return the value as the first of these types that fits; the error is the last one's."""
    if value is None and type(None) in kinds:
        return None
    problem = PlainError(f"{where} is nothing that is known")
    for kind in kinds:
        if kind is not type(None):
            try:
                return _read(kind, value, where)
            except PlainError as error:
                problem = error
    raise problem


def _read_tuple(kinds: tuple[object, ...], value: object, where: str) -> tuple[object, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...] has two arguments
        return tuple(_read_list(kinds[0], value, where))
    _expect(isinstance(value, list) and len(value) == len(kinds), value, where, f"a list of {len(kinds)}")
    held = value if isinstance(value, list) else []
    return tuple(_read(kind, one, f"{where}[{at}]") for at, (kind, one) in enumerate(zip(kinds, held, strict=True)))


def _read_list(kind: object, value: object, where: str) -> list[object]:
    _expect(isinstance(value, list), value, where, "a list")
    return [_read(kind, one, f"{where}[{at}]") for at, one in enumerate(value if isinstance(value, list) else [])]


def _expect(holds: bool, value: object, where: str, what: str) -> object:  # noqa: FBT001 - the condition of a check
    if not holds:
        told = repr(value)
        raise PlainError(f"{where} is {told if len(told) < 60 else told[:57] + '…'}, not {what}")  # noqa: PLR2004 - a line
    return value


@functools.cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind, localns={"JsonObject": dict})  # recursive: its own form can't be evaluated elsewhere
