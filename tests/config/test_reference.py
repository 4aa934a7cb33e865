"""The reference and the example hold every key, as the schema has it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.load import EXAMPLE_FILE, load
from config.reference import tables

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "configuration.md"
OPTIONAL = re.compile(r"^# (?=[a-z_]+ = )", re.MULTILINE)


@pytest.mark.parametrize("section", tables())
def test_the_document_has_the_table_of(section: str) -> None:
    assert tables()[section] in DOCUMENT.read_text(encoding="utf-8"), (
        f"docs/configuration.md does not hold the table of [{section}] as the schema has it; "
        "run `python -m config.reference` and put its table there"
    )


def test_the_document_has_no_table_of_a_section_that_is_gone() -> None:
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    known = [line for table in tables().values() for line in table.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(known)


def test_the_reference_prints_what_the_document_needs() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "config.reference"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(table in printed.stdout for table in tables().values())


@pytest.mark.parametrize("section", tables())
def test_the_example_shows_every_key_of(section: str) -> None:
    text = EXAMPLE_FILE.read_text(encoding="utf-8")
    for key in re.findall(r"^\| `(\w+)`", tables()[section], re.MULTILINE):
        assert re.search(rf"\b{key} = |\[+{section}\.{key}\]", text), f"gate.example.toml does not show {section}.{key}"


def test_the_optional_keys_of_the_example_are_right_too(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(OPTIONAL.sub("", EXAMPLE_FILE.read_text(encoding="utf-8")), encoding="utf-8")
    settings = load(file, ["camera.source=video"])
    assert settings.gate.pins.siren
    assert settings.api.tls
    assert settings.mqtt.cert_file == tmp_path / "tls" / "gate-1.pem"


def test_a_configuration_is_read_without_the_tools_for_wrong_ones() -> None:
    """Five processes import it at start; a right file must not pay for the words of a wrong one."""
    program = (
        "import sys, config.load as c; c.load(c.SIMULATE_FILE);"
        "print({'config.explain', 'config.reference', 'difflib', 'asyncio'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "set()"
