"""The page's server as its supervisor starts it, the bare one beside it, and people who are signed in."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.accounts import Store
from api.office import ACCOUNTS_FILE
from api.people import Accounts
from config.load import SIMULATE_FILE
from gate.model import Role
from tests.bench.bench_program import cpu_s

ROOT = Path(__file__).parents[2]
HERE = {**os.environ, "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, kw_only=True)
class Running:
    """A served page: where, the process, how long it took to come up, and a code that signs in."""

    base: str
    child: subprocess.Popen[str]
    up_s: float
    code: str


@contextmanager
def served(state_dir: Path) -> Iterator[Running]:
    """Start `python -m api` on a free port as the supervisor does."""
    words = [sys.executable, "-m", "api", "--config", str(SIMULATE_FILE), "--set", f"storage.state_dir={state_dir}"]
    began = time.monotonic()
    with _started([*words, "--set", "api.port=0"]) as (child, line):
        _, _, link = line.rpartition(" ")
        base, _, code = link.partition("/#pair=")
        assert httpx.get(f"{base}/healthz").status_code == httpx.codes.OK
        yield Running(base=base, child=child, up_s=time.monotonic() - began, code=code)


@contextmanager
def bare() -> Iterator[Running]:
    """Start one bare FastAPI route."""
    began = time.monotonic()
    with _started([sys.executable, "-m", "tests.bench.bare"]) as (child, base):
        yield Running(base=base, child=child, up_s=time.monotonic() - began, code="")


@contextmanager
def _started(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server; yield it and the line that it prints once it serves."""
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=HERE)
    with child:
        try:
            assert child.stdout
            yield child, child.stdout.readline().strip()
        finally:
            child.kill()


def sessions(folder: Path, count: int, role: Role = Role.VIEWER) -> list[str]:
    """Sign in that many people; return their cookies."""
    with contextlib.closing(Store(folder / ACCOUNTS_FILE)) as store:
        accounts, now_s = Accounts(store), time.time()
        names = [f"{role.value}{number}" for number in range(count)]
        for name in names:
            accounts.add_person(name, name.title(), frozenset({role}), None, now_s)
        return [f"antt={accounts.open_session(name, 'bench', now_s)[0]}" for name in names]


@dataclass(frozen=True, kw_only=True)
class Rush:
    """What a server did while it was asked as fast as it answered: its own processor time for each answer."""

    answered_per_s: float
    cpu_ms: float


def rushed(base: str, pid: int, cookie: str, for_s: float) -> Rush:
    """Ask for `GET /gate` over four connections, from a process of its own, as fast as answers come."""
    command = [sys.executable, "-m", "tests.bench.load", base, cookie, "100000"]
    load = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with load:
        began_s, before_s = time.monotonic(), cpu_s(pid)
        time.sleep(for_s)
        said, _ = load.communicate("")
        took_s, used_s = time.monotonic() - began_s, cpu_s(pid) - before_s
    per_s, refused = map(float, said.split())
    assert refused == 0, f"{refused} were refused"
    return Rush(answered_per_s=per_s, cpu_ms=used_s * 1000 / (per_s * took_s))
