"""A whole simulated gate as a person starts it: real processes, real sockets, and a trace of its mock pins."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

from gate.client import GateUnavailableError, ask
from gate.journal import JournalReader
from gate.model import Fact, JsonObject
from tests.fakes import wait_until

ROOT = Path(__file__).resolve().parents[2]
LAST_TOLD = 15
"""Facts that a story tells when it fails."""
LINK = re.compile(r"(https?://\S+)/#pair=(\S+)")


class StarvedError(AssertionError):
    """The processor gave a simulated gate nothing for 100 ms, and its leaf stopped by rule: no verdict on the story."""


class Program:
    """`antt-gate simulate` in a folder of its own. Use as a context manager; `link` is the printed sign-in link."""

    def __init__(self, folder: Path, *arguments: str, overrides: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.trace = folder / "pins.jsonl"
        self.socket = folder / "gate.sock"
        self._overrides = [word for given in overrides for word in ("--set", given)]
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self.output: list[str] = []
        self.started_s = 0.0

    def __enter__(self) -> Program:  # noqa: PYI034 - the tests name the type
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        starved = error is not None and self.was_starved()
        self.stop()
        if starved:
            raise StarvedError(str(error)) from error

    def start(self) -> None:
        """Start it; returns when the page is up and its link is printed."""
        self.output = []
        self.started_s = time.monotonic()
        command = [sys.executable, "-m", "gate.cli", "simulate", "--port", "0", "--state-dir", str(self.folder)]
        self._process = subprocess.Popen(
            [*command, "--pin-trace", str(self.trace), *self._overrides, *self._arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        wait_until(lambda: self._link() is not None, 20, f"the sign-in link in {self.output}")

    def stop(self) -> int:
        """Stop it as Ctrl+C does; returns its exit code."""
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            code = process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        if process.stdout:
            process.stdout.close()
        self._process = None
        return code

    @property
    def pid(self) -> int:
        """The gate process."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """The page's address."""
        found = self._link()
        assert found is not None
        return found[0]

    @property
    def pairing_code(self) -> str:
        """The code of the printed one-time link."""
        found = self._link()
        assert found is not None
        return found[1]

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one `antt-gate` command against this gate."""
        where = [] if words[0] == "check" else ["--state-dir", str(self.folder)]
        command = [sys.executable, "-m", "gate.cli", words[0], *where, *words[1:]]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    def cli_simulate(self) -> subprocess.CompletedProcess[str]:
        """Start a second simulation in the same folder, which must give up."""
        command = [sys.executable, "-m", "gate.cli", "simulate", "--port", "0", "--state-dir", str(self.folder)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    def order(self, command: str, *words: str) -> str:
        """Give a command that must be accepted; returns its id."""
        done = self.cli(command, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[1]

    def yard(self, *words: str) -> JsonObject:
        """Order something in the yard."""
        return ask(self.socket, "yard", action=words[0], arguments=list(words[1:]))

    def status(self) -> JsonObject:
        """Return the snapshot, empty while nobody answers."""
        try:
            return ask(self.socket, "status")
        except GateUnavailableError:
            return {}

    def state_is(self, state: str, within_s: float = 20.0) -> None:
        """Wait until that state is published."""
        try:
            wait_until(lambda: self.status().get("state") == state, within_s, f"state {state}")
        except AssertionError as error:
            last = [(fact.kind, fact.data) for fact in self.facts()[-LAST_TOLD:]]
            raise AssertionError(f"{error}; it is {self.status()}; last in the journal {last}") from None

    def process(self, name: str) -> JsonObject:
        """Return what the gate knows of one process."""
        processes = self.status().get("processes")
        known = processes.get(name) if isinstance(processes, dict) else None
        return known if isinstance(known, dict) else {}

    def pid_of(self, name: str) -> int:
        """Return the newest process id of a folder, from the journal."""
        started = [fact for fact in self.facts("process_started") if fact.data.get("process") == name]
        return int(str(started[-1].data["pid"]))

    def was_starved(self) -> bool:
        """Tell whether the gate stood still for lack of samples: without real-time rights a busy machine gives none."""
        with contextlib.suppress(sqlite3.Error):  # no journal yet
            return any("sensor_stale" in str(fact.data["reasons"]) for fact in self.facts("health_changed"))
        return False

    def facts(self, *kinds: str) -> list[Fact]:
        """Read facts from the journal."""
        reader = JournalReader(self.folder / "journal.db")
        try:
            return reader.read(kinds=kinds, limit=100_000)
        finally:
            reader.close()

    def changes(self, name: str) -> list[tuple[float, int]]:
        """Return (monotonic seconds, level) of each change of one line."""
        rows = [json.loads(line) for line in self.trace.read_text().splitlines() if line.endswith("}")]
        return [(row["mono_ns"] / 1e9, row["level"]) for row in rows if row["name"] == name]

    def _link(self) -> tuple[str, str] | None:
        for line in self.output:
            if found := LINK.search(line):
                return found[1], found[2]
        assert self._process is None or self._process.poll() is None, "\n".join(self.output)
        return None

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self.output.append(line.rstrip())
