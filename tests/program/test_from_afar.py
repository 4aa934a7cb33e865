"""A command from the other side of a broker, through the whole program, to the relay and back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker, mosquitto
from tests.fakes import wait_until
from tests.program.program import ROOT, Program

pytestmark = pytest.mark.slow


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Start a broker without persistence."""
    if mosquitto() is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    with Broker(tmp_path / "broker") as running:
        yield running


def granted(lines: str) -> str:
    """Turn the lines that `antt-gate key new` prints into an override."""
    head, *rows = lines.splitlines()
    return f"{head.strip('[]')}={{ {', '.join(rows)} }}"


def send(cache: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `antt-gate send` as on another machine: it knows the broker and its key, and no folder of the gate."""
    command = [sys.executable, "-m", "gate.cli", "send", *words]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False, env=environment
    )  # fmt: skip


def test_a_key_opens_the_gate_from_afar_and_once_revoked_opens_nothing(tmp_path: Path, broker: Broker) -> None:
    """Issue 6: key new → gate.toml → send --wait until the limit proves it; and each step stands in the journal."""
    folder, key = tmp_path / "gate", str(tmp_path / "room.key")
    with_keys = Program(folder).cli("key", "new", "room", "--role", "operator", "--file", key)
    overrides = ("camera.enabled=false", f"mqtt.port={broker.port}", granted(with_keys.stdout))
    afar = ("--gate", "sim", "--broker", f"127.0.0.1:{broker.port}", "--key", key)
    with Program(folder, overrides=overrides) as program:
        sent = send(tmp_path, "open", "--wait", "--reason", "xe cứu thương", *afar)
        assert (sent.returncode, sent.stderr) == (0, "")
        assert [line.split()[0] for line in sent.stdout.splitlines()] == ["accepted", "energised", "confirmed"]
        assert program.status()["state"] == "open"
        (accepted,) = program.facts("command_accepted")
        assert (accepted.by["type"], accepted.by["id"], accepted.data["reason"]) == ("key", "room", "xe cứu thương")
        wait_until(lambda: [level for _, level in program.changes("open_relay")] == [1, 0])
        for word in ("stop", "light-on"):  # the kept clock: neither waits for a beat
            done = send(tmp_path, word, "--wait", *afar)
            assert (done.returncode, done.stdout.split()[0]) == (0, "accepted"), done.stderr
        revoke = [word for given in overrides for word in ("--set", given)]
        assert program.cli("key", "revoke", "room", *revoke).returncode == 0
        refused = send(tmp_path, "close", "--sighted", *afar)
        assert refused.returncode == 1
        assert "refused (revoked_key)" in refused.stderr
        assert program.changes("close_relay") == []
        wait_until(lambda: [fact.data["code"] for fact in program.facts("command_refused")] == ["revoked_key"])
