"""From a TOML file to `Settings`, or to every error at once.

`load` is the only way in. A process that the supervisor starts gets the same file and the same `--set` overrides, so
all processes of one gate read the same configuration. Five processes import this at start: it stays light.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from config import rules
from config.problem import Problem
from config.schema import Settings
from config.words import holds_path, is_by_name, section_of

SIMULATE_FILE = Path(__file__).with_name("simulate.toml")
EXAMPLE_FILE = Path(__file__).with_name("gate.example.toml")
LARGEST_FILE = 1024 * 1024
Tables = dict[str, object]


class ConfigError(Exception):
    """A configuration that can't be used; carries every problem found, and its text lists them one a line."""

    def __init__(self, origin: str, problems: Sequence[Problem]) -> None:
        self.origin = origin
        self.problems = tuple(problems)
        lines = [f"{origin}: {len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"]
        super().__init__("\n".join([*lines, *(f"  {problem}" for problem in self.problems)]))


def load(path: Path, overrides: Iterable[str] = ()) -> Settings:
    """Read, override, check.

    `overrides` are `key.path=value` with a TOML value (`api.port=9000`); a value that is no TOML is taken as text.
    Relative paths inside the file are taken from the file's folder; relative paths in overrides from the working
    directory. Raises `ConfigError` with every problem at once.
    """
    tables = _read(path)
    _anchor(tables, Settings, path.resolve().parent)
    problems: list[Problem] = []
    for override in overrides:
        problem = _override(tables, override, Path.cwd())
        problems += [problem] if problem else []
    settings = None
    try:
        settings = Settings.model_validate(tupled(tables))
    except ValidationError as error:
        from config.explain import explain  # noqa: PLC0415 - only a wrong configuration pays for this import

        problems += explain(error.errors(include_url=False))
    if settings is None or problems:
        raise ConfigError(str(path), [*problems, *rules.broken(_filled(tables, Settings))])
    return settings


def runtime_dir(settings: Settings) -> Path:
    """Return where sockets and the newest picture live: `$RUNTIME_DIRECTORY`, else the state directory."""
    given = os.environ.get("RUNTIME_DIRECTORY")
    return Path(given.split(":", maxsplit=1)[0]) if given else settings.storage.state_dir


def socket_path(settings: Settings) -> Path:
    """Return where the gate process listens."""
    return runtime_dir(settings) / "gate.sock"


def _read(path: Path) -> Tables:
    def unreadable(text: str) -> ConfigError:
        return ConfigError(str(path), [Problem(key="", text=text)])

    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise unreadable(f"cannot be read ({reason}); name a readable file with --config") from None
    if len(raw) > LARGEST_FILE:
        raise unreadable("is larger than 1 MiB; this is no configuration of a gate")
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))  # Windows editors put a byte order mark first
    except UnicodeDecodeError as error:
        raise unreadable(f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except ValueError as error:  # TOMLDecodeError, or Python's own for a number of thousands of digits
        raise unreadable(f"is not valid TOML: {error}; correct that place") from None
    except RecursionError:
        raise unreadable("is nested too deeply; this is no configuration of a gate") from None


def _override(tables: Tables, override: str, folder: Path) -> Problem | None:
    """Put one override into the tables; return what is wrong with it, if anything. Paths are taken from `folder`."""
    dotted, sign, text = override.partition("=")
    keys = dotted.strip().split(".")
    if not sign or not all(keys):
        return Problem(key="--set", text=f"{override!r} is not key=value, such as api.port=9000")
    table = tables
    for key in keys[:-1]:
        inner = table.setdefault(key, {})
        if not isinstance(inner, dict):
            return Problem(key="--set", text=f"{override!r} reaches into {key}, which is no table; edit the file")
        table = inner
    table[keys[-1]] = _value(text)
    _anchor(tables, Settings, folder)
    return None


def _value(text: str) -> object:
    try:
        parsed = tomllib.loads(f"v = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["v"] if len(parsed) == 1 else text


def _anchor(tables: Tables, section: type[BaseModel], folder: Path) -> None:
    """Turn the text of every path key into an absolute `Path`, relative ones taken from `folder`."""
    for name, field in section.model_fields.items():
        value = tables.get(name)
        inner = section_of(field.annotation)
        if isinstance(value, dict) and inner:
            _anchor(value, inner, folder)
        elif isinstance(value, str) and value and "\0" not in value and holds_path(field.annotation):
            tables[name] = folder / value


def tupled(value: object) -> object:
    """Turn arrays into the tuples that the strict, immutable schema takes."""
    if isinstance(value, Mapping):
        return {key: tupled(inner) for key, inner in value.items()}
    return tuple(map(tupled, value)) if isinstance(value, list) else value


def _filled(tables: Mapping[str, object], section: type[BaseModel]) -> Tables:
    """Fill in the defaults of the keys that are not given, so that rules between keys see what would be in force."""
    filled: Tables = dict(tables)
    for name, field in section.model_fields.items():
        inner = None if is_by_name(field.annotation) else section_of(field.annotation)
        given = filled.get(name)
        if isinstance(given, dict) and inner:
            filled[name] = _filled(given, inner)
        elif name not in filled and not field.is_required():
            default = field.get_default()
            plain = default.model_dump() if isinstance(default, BaseModel) else default
            filled[name] = _filled(plain, inner) if isinstance(plain, dict) and inner else plain
    return filled
