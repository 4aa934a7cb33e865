"""A sign-in under attack: how many guesses a day, what a wrong name's time gives away, how soon a known phone is in."""

from __future__ import annotations

import contextlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from api.accounts import Store
from api.attempts import A_DAY, LONGEST_WAIT_S
from api.office import ACCOUNTS_FILE
from api.passwords import hash_now
from api.people import Accounts
from gate.model import Role
from tests.api.conftest import Served, settings_in
from tests.bench.bench_processes import BROKEN
from tests.bench.figures import quantiles
from tests.bench.page_server import served as running
from tests.siege import Siege

SESSION = "/api/v1/session"
PASSWORD = "chín con rồng xanh"
SIEGES = 10
DAYS = 2.0
TRIES = 200
ROUNDS = 3
GUESSERS = 400
ATTACK_S = 12.0
SIGN_INS = 100
CALM = 20
SOON_MS = 1000.0
SAME_MS = 1.0


def measure_guesses() -> dict[str, object]:
    """Return the wrong tries of the worst 24 hours among `SIEGES` of `DAYS` without a pause, on a simulated clock."""
    worst = 0
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        for seed in range(SIEGES):
            siege = Siege(path=Path(name) / f"{seed}.db")
            siege.goes_on(DAYS, random.Random(seed))
            worst = max(worst, siege.most_in_a_day())
            siege.store.close()
    return {"sign_in_wrong_tries_in_worst_day": worst if worst <= A_DAY else f"{worst} {BROKEN}"}


@contextlib.contextmanager
def served() -> Iterator[Served]:
    """Serve the page, with somebody who has a password."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        page = Served(settings=settings_in(Path(name)))
        page.start()
        with page.accounts() as accounts:
            accounts.add_person("lan", "Lan", frozenset({Role.OPERATOR}), hash_now(PASSWORD), time.time())
        yield page
        page.stop()


def try_it(client: httpx.Client, name: str, password: str) -> tuple[int, float]:
    """Try to sign in; return the status and the ms that it took."""
    began = time.monotonic()
    answer = client.post(SESSION, json={"username": name, "password": password})
    return answer.status_code, (time.monotonic() - began) * 1000


def measure_names(rounds: int = ROUNDS) -> dict[str, object]:
    """Return how long a wrong password takes for a known and an unknown name.

    Their means differ by less than a millisecond or their standard error. A busy machine gets `rounds` tries at that:
    noise makes a difference now and then, it hides none.
    """
    known, unknown, difference, error = 0.0, 0.0, 0.0, 0.0
    for _ in range(rounds):
        known, unknown, difference, error = compare_names(TRIES)
        if difference < max(SAME_MS, error):
            break
    said = round(difference, 3)
    return {
        "sign_in_known_name_mean_ms": round(known, 2),
        "sign_in_unknown_name_mean_ms": round(unknown, 2),
        "sign_in_names_differ_ms": said if difference < max(SAME_MS, error) else f"{said} {BROKEN}",
        "sign_in_names_standard_error_ms": round(error, 3),
    }


def compare_names(count: int) -> tuple[float, float, float, float]:
    """Try both in turn; return the mean ms of the known and the unknown name, their difference and its error."""
    took_ms: dict[str, list[float]] = {"lan": [], "nam": []}
    with served() as page, httpx.Client(base_url=page.base, timeout=10) as client:
        for number in range(2 * (count + 5)):
            page.clock.ahead_s += LONGEST_WAIT_S  # nobody has to wait: the whole answer is compared
            name = ("lan", "nam")[(number + number // 2) % 2]
            status, ms = try_it(client, name, "not this one")
            assert status == httpx.codes.UNAUTHORIZED, status
            if number >= 10:
                took_ms[name].append(ms)
    known, unknown = took_ms["lan"], took_ms["nam"]
    error = (statistics.variance(known) / len(known) + statistics.variance(unknown) / len(unknown)) ** 0.5
    means = statistics.fmean(known), statistics.fmean(unknown)
    return *means, abs(means[0] - means[1]), error


def measure_attack(count: int = SIGN_INS) -> dict[str, object]:
    """Return how long a known phone's sign-in takes while `GUESSERS` connections guess without a pause."""
    took_ms: list[float] = []
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name, running(Path(name)) as program:
        with contextlib.closing(Store(Path(name) / ACCOUNTS_FILE)) as store:
            Accounts(store).add_person("lan", "Lan", frozenset({Role.OPERATOR}), hash_now(PASSWORD), time.time())
        with httpx.Client(base_url=program.base, timeout=10) as phone:
            calm_ms = [sign_in_and_out(phone) for _ in range(CALM)]
            with guessing(program.base) as guessers:
                time.sleep(1.0)  # they have come
                while guessers.poll() is None and len(took_ms) < count:
                    took_ms.append(sign_in_and_out(phone))
                said = json.loads(guessers.communicate()[0])
    figures = {**quantiles("sign_in_known_phone_calm", calm_ms), **quantiles("sign_in_known_phone_attacked", took_ms)}
    slow = f" {BROKEN}" if max(took_ms) >= SOON_MS or said["others"] else ""
    return {**figures, "sign_in_guesses_answered_per_s": f"{round(said['answers'] / ATTACK_S)}{slow}"}


def sign_in_and_out(phone: httpx.Client) -> float:
    """Sign in and out; return the ms that signing in took."""
    status, ms = try_it(phone, "lan", PASSWORD)
    assert status == httpx.codes.OK, status
    phone.delete(SESSION)
    return ms


@contextlib.contextmanager
def guessing(base: str) -> Iterator[subprocess.Popen[str]]:
    """Let `GUESSERS` connections guess for `ATTACK_S`."""
    words = [sys.executable, "-m", "tests.bench.guessers", base.rpartition(":")[2], str(GUESSERS), str(ATTACK_S)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def measure() -> dict[str, object]:
    """Return all figures."""
    return {**measure_guesses(), **measure_names(), **measure_attack()}


if __name__ == "__main__":
    for figure, value in measure().items():
        print(f"{figure:40} {value}")
