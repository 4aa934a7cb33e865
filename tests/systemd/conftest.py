"""Where the files are, and the programs of Debian that judge them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "systemd"
UNIT = FOLDER / "antt-gate.service"
PACKAGES = {"systemd-analyze": "systemd", "systemd-sysusers": "systemd", "systemd-tmpfiles": "systemd"}


def program(name: str) -> str:
    """Return a program's path; fail with the package to install where it is missing, never skip."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.fail(f"{name} is missing; install it with: sudo apt-get install {PACKAGES.get(name, name)}")
    return found


def values(section: str, key: str) -> list[str]:
    """Return every value of a key of the unit, in its order."""
    text = re.sub(r"\\\n", " ", UNIT.read_text(encoding="utf-8"))
    inside = text.partition(f"[{section}]\n")[2].partition("\n[")[0]
    return [line.partition("=")[2] for line in inside.splitlines() if line.partition("=")[0] == key]


def value(section: str, key: str) -> str:
    """Return the value of a key that stands once."""
    found = values(section, key)
    assert len(found) == 1, f"{key} stands {len(found)} times in [{section}]"
    return found[0]
