"""Every word of the contract stands in the page that carries it."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from gate.model import Code, Command, Health, Kind, Mode, Role, State
from tests.docs.source import ROOT, files

COMMAND = re.compile(r"(?<!-u )(?<![\w/-])antt-gate ([a-z][a-z-]*)(?=[ `\n|])")
REQUIREMENT = re.compile(r"^[A-Za-z0-9_.-]+")


def missing(words: Iterable[str], *pages: str) -> list[str]:
    """Return the words that stand in none of these pages of docs/. A page that does not exist yet holds nothing."""
    files = [ROOT / "docs" / page for page in pages]
    text = "".join(file.read_text(encoding="utf-8") for file in files if file.exists())
    return [str(word) for word in words if not re.search(rf"(?<![\w-]){re.escape(str(word))}(?![\w-])", text)]


def test_every_fact_stands_in_the_contract_pages() -> None:
    absent = missing(Kind, "topics.md", "api.md")
    assert not absent, f"neither docs/topics.md nor docs/api.md names {', '.join(absent)}"


@pytest.mark.parametrize("words", [Code, Command, State, Mode, Health, Role], ids=lambda words: words.__name__)
def test_every_word_of_the_gate_stands_in_the_api_page(words: Iterable[str]) -> None:
    absent = missing(words, "api.md")
    assert not absent, f"docs/api.md does not name {', '.join(absent)}"


@pytest.mark.parametrize("words", [Code, Kind, Health, Role], ids=lambda words: words.__name__)
def test_every_word_is_explained_to_whoever_looks_after_a_gate(words: Iterable[str]) -> None:
    absent = missing(words, "operations.md")
    assert not absent, f"docs/operations.md does not say what these mean: {', '.join(absent)}"


@functools.cache
def antt_gate_help() -> str:
    return subprocess.run(
        [sys.executable, "-m", "gate.cli", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("page", [path for path in files() if path.suffix == ".md"], ids=str)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    unknown = [word for word in COMMAND.findall(code) if not re.search(rf"^ +{word}\b", antt_gate_help(), re.MULTILINE)]
    assert not unknown, f"{page} names antt-gate {', '.join(unknown)}"


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = {REQUIREMENT.match(line)[0] for names in lists for line in names}  # type: ignore[index] # each line has a name
    record = (ROOT / "docs" / "adr" / "0002-dependencies.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\*\*([A-Za-z0-9_.-]+)\*\*", record, re.MULTILINE))
    assert wanted - explained == set(), "docs/adr/0002-dependencies.md lacks a paragraph"
    assert explained - wanted == set(), "docs/adr/0002-dependencies.md explains what pyproject.toml does not have"
