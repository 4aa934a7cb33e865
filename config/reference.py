"""The tables of docs/configuration.md, made from the schema: `python -m config.reference` prints them.

The document is written by hand around them; tests/config/test_reference.py compares.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config import words
from config.command_keys import CommandKey
from config.schema import InputPin, OutputPin, Settings

HEADER = "| key | may be | default | meaning |\n|---|---|---|---|\n"
NAMED: dict[type[BaseModel], str] = {
    OutputPin: "gate.pins.<output>",
    InputPin: "gate.pins.<input>",
    CommandKey: "mqtt.keys.<id>",
}


def tables() -> dict[str, str]:
    """Return one Markdown table a section, under the section's name in the file."""
    found: dict[str, str] = {}
    for name, section in _sections(Settings, ""):
        rows = [_row(key, field) for key, field in words.keys_of(section).items() if not _has_own_table(field)]
        if rows:
            found[name] = HEADER + "".join(rows)
    return found


def _sections(section: type[BaseModel], before: str) -> Iterator[tuple[str, type[BaseModel]]]:
    for key, field in words.keys_of(section).items():
        if inner := words.section_of(field.annotation):
            name = NAMED.get(inner, f"{before}{key}")
            yield name, inner
            yield from _sections(inner, f"{name}.")


def _has_own_table(field: FieldInfo) -> bool:
    """Tell a section's heading from a key: pins and lists of tables are keys that a row explains too."""
    inner = words.section_of(field.annotation)
    return inner is not None and inner not in NAMED and not field.description


def _row(key: str, field: FieldInfo) -> str:
    cells = [f"`{key}`", words.allowed(field), _default(field), field.description or ""]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default()
    if default is None:
        return "not set"
    return f"`{json.dumps(str(default) if isinstance(default, Path) else default, ensure_ascii=False)}`"


def main() -> None:
    """Print all tables."""
    for name, table in tables().items():
        sys.stdout.write(f"### `[{name}]`\n\n{table}\n")


if __name__ == "__main__":
    main()
