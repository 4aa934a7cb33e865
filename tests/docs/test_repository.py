"""What may lie in the repository, and what may not stand in its files."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.docs.source import ROOT, files

FOLDERS = {"gate", "camera", "mqtt_bridge", "api", "config", "systemd", "tests", "docs", ".ci"}
FILES = {"Makefile", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md", "CONTRIBUTING.md",
         ".gitignore"}  # fmt: skip
LONGEST_CONTRIBUTING = 60
LONGEST_RECORD = 60
LARGEST_PICTURE = 150_000  # bytes: a README is read on a phone too
# Put together here so that this file does not find itself.
MACHINE = ["/" + name for name in ("work/", "farm/", "root/", "tmp/bash_jobs", "home/user")]
REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "pi" + "wheels.org", "registry." + "npmjs", "crates" + ".io",
              "proxy." + "golang", "--index" + "-url", "--extra-index" + "-url"]  # fmt: skip
EXCEPTION = re.compile(r"# (noqa|type: ignore)")
REASONED = re.compile(r"# (noqa: [A-Z]+\d+(, [A-Z]+\d+)*|type: ignore\[[a-z, -]+\]) *[-#] *\S.{2,}")
SECRETS = [r"-----BEGIN [A-Z ]*PRIVATE KEY-----", r"ghp_[A-Za-z0-9]{30}", r"AKIA[A-Z0-9]{16}", r"xox[bp]-\d"]


def text_of(path: Path) -> str | None:
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def test_top_level_folders_are_the_houses_own() -> None:
    folders = {path.parts[0] for path in files() if len(path.parts) > 1}
    assert folders - FOLDERS == set(), "docs/architecture.md names the top-level folders"
    assert folders - {".ci"} == FOLDERS - {".ci"}


def test_top_level_files_are_the_known_ones() -> None:
    found = {path.name for path in files() if len(path.parts) == 1}
    assert found - FILES == set()
    assert FILES - found == set()


@pytest.mark.parametrize("words", [MACHINE, REGISTRIES], ids=["paths of a machine", "hosts of a registry"])
def test_no_file_names(words: list[str]) -> None:
    found = [
        f"{path}:{number} has {word}"
        for path in files()
        for number, line in enumerate((text_of(path) or "").splitlines(), start=1)
        for word in words
        if word in line
    ]
    assert not found


def test_no_file_holds_a_secret() -> None:
    found = [
        f"{path} has {pattern}" for path in files() for pattern in SECRETS if re.search(pattern, text_of(path) or "")
    ]
    assert not found


@pytest.mark.parametrize("module", [path for path in files() if path.suffix == ".py"], ids=str)
def test_an_exception_to_a_check_names_its_code_and_its_reason(module: Path) -> None:
    comments = [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(text_of(module)).readline)
        if token.type == tokenize.COMMENT and EXCEPTION.match(token.string)
    ]
    bare = [f"{module}:{line} {comment}" for line, comment in comments if not REASONED.match(comment)]
    assert not bare, f"write the code and the reason behind it: {', '.join(bare)}"


def test_contributing_stays_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_CONTRIBUTING


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("record", [path for path in files() if path.parts[:2] == ("docs", "adr")], ids=str)
def test_a_decision_record_is_one_page_of_four_parts(record: Path) -> None:
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", record.name)
    text = (ROOT / record).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_RECORD or "dependencies" in record.name
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    wanted = ["Context", "Decision", "Consequences", "Rejected"]
    assert [heading for heading in headings if heading in wanted] == wanted


def test_decision_records_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in files() if path.parts[:2] == ("docs", "adr"))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("page", [path for path in files() if path.suffix == ".md"], ids=str)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (ROOT / page.parent / target).exists(), f"{page} links to {target}, which does not exist"


def test_the_pictures_of_the_documents_are_small_and_shown() -> None:
    """Issue 7: the README shows three of the phone; `python -m tests.web.pictures` takes them."""
    pictures = [path for path in files() if path.parts[:2] == ("docs", "images")]
    shown = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(pictures) > 2
    assert [path for path in pictures if (ROOT / path).stat().st_size > LARGEST_PICTURE or str(path) not in shown] == []
