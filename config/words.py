"""What a key may hold, in plain words: for error messages and for the tables of docs/configuration.md.

Reads the schema's annotations, so that a range stands in one place. Nothing here knows a particular key.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def keys_of(section: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the keys of a table as they stand in the file, with what the schema says of each."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def section_of(annotation: object) -> type[BaseModel] | None:
    """Return the section that an annotation such as `Tls | None` or `tuple[Zone, ...]` holds, if it holds one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := section_of(part))), None)


def is_by_name(annotation: object) -> bool:
    """Tell whether an annotation is a table of tables, whose names are the person's own."""
    return typing.get_origin(annotation) is dict


def name_of_table(field: FieldInfo | None) -> str:
    """Say what the name of one table in a table of tables may be."""
    return allowed(typing.get_args(field.annotation)[0]) if field else "text in quotes"


def holds_path(annotation: object) -> bool:
    """Tell whether an annotation is `Path` or `Path | None`."""
    return annotation is Path or Path in typing.get_args(annotation)


def allowed(spot: FieldInfo | object) -> str:
    """Say what a key, or an annotation inside a list, may hold: "a whole number from 9 to 27", "'high' or 'low'"."""
    if isinstance(spot, FieldInfo):
        return spot.title or _allowed(spot.annotation, spot.metadata)
    return _allowed(spot, ())


def place(annotation: object, index: int) -> object:
    """Return the annotation of one place of a list, `object` where it has no such place."""
    _, parts = _unwrapped(annotation)
    if Ellipsis in parts:
        return parts[0]
    return parts[index] if index < len(parts) else object


def _unwrapped(annotation: object) -> tuple[object, tuple[object, ...]]:
    """Return an annotation's origin and arguments, without `| None`."""
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        rest = [part for part in typing.get_args(annotation) if part is not types.NoneType]
        return _unwrapped(rest[0])
    return typing.get_origin(annotation) or annotation, typing.get_args(annotation)


def _allowed(annotation: object, metadata: Iterable[object]) -> str:
    origin, parts = _unwrapped(annotation)
    if origin is typing.Annotated:
        extra = typing.cast("FieldInfo", parts[1])
        return extra.title or _allowed(parts[0], extra.metadata)
    if origin is typing.Literal:
        return " or ".join(", ".join(map(repr, parts)).rsplit(", ", 1))
    if origin is tuple:
        return _list(parts, metadata)
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return f"a table of {', '.join(keys_of(origin))}"
    return _single(origin, _span(metadata))


def _single(origin: object, span: str) -> str:
    if origin is str:
        return f"text in quotes, {span} characters" if span else "text in quotes"
    if origin is int or origin is float:
        return ("a whole number" if origin is int else "a number") + (f" from {span}" if span else "")
    return "true or false" if origin is bool else "a path in quotes"


def _list(parts: tuple[object, ...], metadata: Iterable[object]) -> str:
    if Ellipsis in parts:
        item = section_of(parts[0])
        entries = f"tables of {', '.join(keys_of(item))}" if item else f"entries, each {_allowed(parts[0], ())}"
        return f"a list of {_span(metadata)} {entries}"
    each = [_allowed(part, ()) for part in parts]
    alike = len(set(each)) == 1
    return f"a list of {len(parts)}: " + (f"each {each[0]}" if alike else "; ".join(each))


def _span(metadata: Iterable[object]) -> str:
    """Say the range of a number, of a text's length or of a list's length; "" where there is none."""
    limits = {
        name: value
        for limit in metadata
        for name in ("ge", "min_length", "le", "max_length", "multiple_of")
        if (value := getattr(limit, name, None)) is not None
    }
    low = limits.get("ge", limits.get("min_length"))
    high = limits.get("le", limits.get("max_length"))
    if high is None:
        return ""
    steps = f" in steps of {limits['multiple_of']}" if "multiple_of" in limits else ""
    return (f"at most {high:g}" if low is None else f"{low:g} to {high:g}") + steps
