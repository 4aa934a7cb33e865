"""docs/api.md, "Ten things with curl": each of them does against a whole simulated gate what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.fakes import wait_until
from tests.program.program import ROOT, Program

DOCUMENT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SECTION = DOCUMENT.split("## Ten things with curl\n")[1].split("\n## ")[0]
BLOCKS = re.findall(r"^```sh\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
PASSWORD = "correct horse battery"
(SIGN_IN, LOOK, OPEN, STOP, LISTEN, JOURNAL, SNAPSHOT, EVENTS, LOCKDOWN, EVIDENCE) = range(10)


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Start a whole gate with its drawn camera, through whose picture a motorbike has passed."""
    with Program(tmp_path_factory.mktemp("gate"), overrides=("mqtt.enabled=false",)) as made:
        wait_until(lambda: health(made).get("frames", 0) > 20, 20, "pictures")
        made.yard("motorbike", "in")
        yield made


def health(program: Program) -> dict[str, int]:
    found = program.process("camera").get("health")
    return found if isinstance(found, dict) else {}


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which somebody types; `antt-gate` is on the path."""
    folder = tmp_path_factory.mktemp("desk")
    command = folder / "bin" / "antt-gate"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\ncd "$PWD" && PYTHONPATH={ROOT} exec {sys.executable} -m gate.cli "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.fixture
def typed(program: Program, desk: Path) -> Typed:
    return Typed(program, desk)


class Typed:
    """Types a block of the document into a shell, as it stands there."""

    def __init__(self, program: Program, desk: Path) -> None:
        self._program = program
        self._desk = desk

    def __call__(self, block: int, **variables: str) -> str:
        """Return what was printed. The block must succeed."""
        words = ["bash", "-euo", "pipefail", "-c", BLOCKS[block]]
        path = f"{self._desk / 'bin'}:{os.environ['PATH']}"
        environment: Mapping[str, str] = {**os.environ, "PATH": path, "GATE": self._program.url, **variables}
        done = subprocess.run(
            words, cwd=self._desk, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def file(self, name: str) -> bytes:
        """Return a file that a block left."""
        return (self._desk / name).read_bytes()

    def browser(self) -> httpx.Client:
        """Return a program with the session that `SIGN_IN` kept."""
        cookie = self.file("session.jar").decode().split()[-1]
        return httpx.Client(base_url=f"{self._program.url}/api/v1", cookies={"antt": cookie})


def test_there_are_ten() -> None:
    assert len(BLOCKS) == 10


@pytest.mark.slow
def test_ten_things_with_curl(program: Program, typed: Typed) -> None:
    """In the order of the document; the gate really moves, stands, and is locked."""
    assert '"permissions"' in typed(SIGN_IN, CODE=program.pairing_code)
    assert '"gate_id"' in typed(LOOK)
    assert '"accepted":true' in typed(OPEN).replace(" ", "")
    wait_until(lambda: 0.1 < float(str(program.yard("show")["leaf"])) < 0.9, 20, "the leaf half-way")
    assert '"accepted":true' in typed(STOP).replace(" ", "")
    program.state_is("stopped")
    assert "event: state" in typed(LISTEN)
    assert '"command_accepted"' in typed(JOURNAL)
    assert "school bus" in typed(JOURNAL)
    typed(SNAPSHOT)
    assert typed.file("now.jpg").startswith(b"\xff\xd8")

    event = recorded(program)
    assert event in typed(EVENTS, EVENT=event)
    assert b"ftyp" in typed.file(f"{event}.mp4")[:12]
    with typed.browser() as browser:
        browser.put("/session/password", json={"password": PASSWORD}).raise_for_status()
    assert '"accepted":true' in typed(LOCKDOWN, PASSWORD=PASSWORD).replace(" ", "")
    assert program.status()["mode"] == "lockdown"
    assert "compare this key" in typed(EVIDENCE, EVENT=event)


def recorded(program: Program) -> str:
    """Return the id of the first event whose clip is there."""
    wait_until(lambda: bool(program.facts("clip_saved")), 40, "a clip")
    return str(program.facts("clip_saved")[0].data["event_id"])
