"""No file and no override, however strange, ends in anything but `Settings` or `ConfigError`."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.load import SIMULATE_FILE, ConfigError, load
from config.reference import tables

SECTIONS = sorted({part for name in tables() for part in name.split(".") if part.isidentifier()})
KEYS = sorted({row.split("`")[1] for table in tables().values() for row in table.splitlines() if row.startswith("| `")})
NAMES = st.one_of(st.sampled_from([*SECTIONS, *KEYS]), st.text(min_size=1, max_size=6))
PLAIN = st.one_of(
    st.booleans(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.just(2**2000),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["mock", "video", "scene", "high", "up", "rtsp://[", "rtsp://a@b", "\0", "Asia"]),
    st.dates(),
    st.times(),
    st.datetimes(min_value=dt.datetime(1, 1, 1), max_value=dt.datetime(9999, 1, 1)),  # noqa: DTZ001 - TOML's local date-times have no zone
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


def written(value: object) -> str:
    """Write a value as TOML."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{json.dumps(key)} = {written(inner)}" for key, inner in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case float() if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN is what differs from itself
            return str(value)
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return json.dumps(value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.dictionaries(st.one_of(st.sampled_from(SECTIONS), NAMES), VALUES, max_size=6))
def test_no_table_raises_anything_but_config_error(tmp_path: Path, garbage: dict[str, object]) -> None:
    file = tmp_path / "garbage.toml"
    file.write_text("".join(f"{json.dumps(key)} = {written(value)}\n" for key, value in garbage.items()), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert caught.value.problems


@settings(max_examples=100, deadline=None)
@given(path=st.lists(NAMES, min_size=1, max_size=4), value=VALUES)
def test_no_value_anywhere_in_a_good_file_raises_anything_but_config_error(path: list[str], value: object) -> None:
    with contextlib.suppress(ConfigError):
        load(SIMULATE_FILE, [f"{'.'.join(path)}={written(value)}"])


@settings(max_examples=100, deadline=None)
@given(overrides=st.lists(st.text(max_size=30), max_size=4))
def test_no_override_raises_anything_but_config_error(overrides: list[str]) -> None:
    with contextlib.suppress(ConfigError):
        load(SIMULATE_FILE, overrides)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200))
def test_no_bytes_raise_anything_but_config_error(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "garbage.toml"
    file.write_bytes(raw)
    with pytest.raises(ConfigError):
        load(file)


def test_the_garbage_is_really_toml() -> None:
    value = {"a": [1, 2.5, {"b": "ổ"}], "c": dt.date(2026, 11, 21)}
    assert tomllib.loads(f"v = {written(value)}")["v"] == value
