"""The process itself: start, the one line it prints, its end (interfaces: how a child process lives)."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api.__main__ import main
from api.accounts import Store
from api.links import base_url
from api.passwords import hash_now
from api.people import Accounts
from config.load import SIMULATE_FILE
from gate.model import Role
from tests.api.conftest import key, settings_in
from tests.fakes import FakeGate, wait_until

ROOT = Path(__file__).parents[2]
SESSION = "/api/v1/session"
LIMITED_FILES = ("sh", "-c", 'ulimit -n 256; exec "$@"', "sh")
FULL_DISK = ("sh", "-c", 'ulimit -S -f 0; exec "$@"', "sh")
"""Commands that run another one: with few files; where no file can grow, which to SQLite is a disk that is full."""


@dataclass(kw_only=True)
class Process:
    """`python -m api` as the supervisor starts it."""

    child: subprocess.Popen[str]
    state_dir: Path

    @property
    def line(self) -> str:
        """The line that it prints once it serves."""
        assert self.child.stdout
        return self.child.stdout.readline().strip()

    def ended(self, within_s: float = 3.0) -> int:
        """Wait for its end and return its exit code."""
        return self.child.wait(within_s)


def command(state_dir: Path, *more: str, config: Path = SIMULATE_FILE) -> list[str]:
    sets = [f"storage.state_dir={state_dir}", "api.port=0", *more]
    return [sys.executable, "-m", "api", "--config", str(config), *(f"--set={pair}" for pair in sets)]


@contextlib.contextmanager
def process(
    state_dir: Path, *more: str, config: Path = SIMULATE_FILE, before: tuple[str, ...] = ()
) -> Iterator[Process]:
    child = subprocess.Popen(
        [*before, *command(state_dir, *more, config=config)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        yield Process(child=child, state_dir=state_dir)
    finally:
        child.kill()
        child.wait(5)
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe:
                pipe.close()


def link_in(line: str) -> tuple[str, str]:
    """Return address and code of a printed link."""
    _, _, link = line.rpartition(" ")
    base, _, code = link.partition("/#pair=")
    return base, code


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[FakeGate]:
    """Start a gate process without rules, and nothing beside it."""
    with FakeGate(tmp_path) as fake:
        yield fake


def test_it_starts_fast_prints_a_link_and_stops_at_once_with_streams_open(tmp_path: Path, gate: FakeGate) -> None:
    """Healthy soon after the start; the link signs in a commander and maintainer; SIGTERM: exit 0 in < 2 s."""
    began = time.monotonic()
    with process(tmp_path) as running:
        base, code = link_in(running.line)
        assert httpx.get(f"{base}/healthz").status_code == 200
        assert time.monotonic() - began < 5.0, "1.2 s on a quiet machine; see make bench"
        with httpx.Client(base_url=base) as client:
            body = client.post(SESSION, json={"pairing_code": code, "device_name": "test"}).json()
            assert body["user"] == {
                "name": "chihuy", "display_name": "Chỉ huy mô phỏng", "roles": ["commander", "maintainer"],
            }  # fmt: skip
            assert body["simulated"] is True
            wait_until(lambda: gate.beats.get("api", {}).get("ok") is True, what="our health in the gate")
            assert gate.beats["api"]["url"] == base
            with client.stream("GET", "/api/v1/gate/events") as stream:
                assert next(stream.iter_lines()) == "retry: 1000"
                told = time.monotonic()
                running.child.send_signal(signal.SIGTERM)
                assert running.ended() == 0
                assert time.monotonic() - told < 2.0
        assert running.child.stderr
        assert "Traceback" not in running.child.stderr.read()


def test_each_start_in_simulation_prints_a_new_link_and_the_older_one_is_worthless(tmp_path: Path) -> None:
    """One line, one code, one start."""
    with process(tmp_path) as first:
        _, older = link_in(first.line)
        first.child.stdin.close()  # type: ignore[union-attr] # a pipe
        assert first.ended() == 0, "the supervisor's end is ours"
    with process(tmp_path) as second:
        base, newer = link_in(second.line)
        assert httpx.post(base + SESSION, json={"pairing_code": older}).json()["code"] == "pairing_invalid"
        assert httpx.post(base + SESSION, json={"pairing_code": newer}).status_code == 200


def real_gate(tmp_path: Path) -> Path:
    """Write the configuration of a real gate without a camera."""
    file = tmp_path / "gate.toml"
    text = SIMULATE_FILE.read_text(encoding="utf-8").replace('pin_factory = "mock"', 'pin_factory = "lgpio"')
    file.write_text(text.replace('source = "scene"', "enabled = false"), encoding="utf-8")
    return file


def test_the_first_start_of_a_real_gate_makes_one_maintainer_once(tmp_path: Path) -> None:
    """A link for a maintainer while nobody can get in; none once a maintainer has signed in. No default password."""
    config = real_gate(tmp_path)
    with process(tmp_path, config=config) as first:
        base, code = link_in(first.line)
        body = httpx.post(base + SESSION, json={"pairing_code": code, "device_name": "phone"}).json()
        assert (body["user"]["roles"], body["simulated"]) == (["maintainer"], False)
        first.child.terminate()
        assert first.ended() == 0
    with process(tmp_path, config=config) as second:
        wait_until(lambda: settings_note(tmp_path) != base, what="the second server's address")
        wait_until(lambda: serves(settings_note(tmp_path)), what="the second server")
        second.child.terminate()
        out, _ = second.child.communicate(timeout=3)
        assert out == ""


def signed_in_once(state_dir: Path, config: Path) -> dict[str, str]:
    """Let the process run once, a maintainer sign in, and the process stop; return the maintainer's cookie."""
    with process(state_dir, config=config) as first:
        base, code = link_in(first.line)
        cookies = dict(httpx.post(base + SESSION, json={"pairing_code": code, "device_name": "phone"}).cookies)
        first.child.terminate()
        assert first.ended() == 0
    return cookies


def address(gate: FakeGate) -> str:
    """Wait until the process tells the gate where it serves."""
    wait_until(lambda: bool(gate.beats.get("api", {}).get("url")), 10, "the page's address")
    return str(gate.beats["api"]["url"])


def test_a_full_disk_at_the_start_locks_nobody_out(tmp_path: Path, gate: FakeGate) -> None:
    """Who was signed in stays so; what must be kept is refused with the reason; room again is noticed by itself."""
    config = real_gate(tmp_path)
    cookies, password = signed_in_once(tmp_path, config), "ba cây chụm lại"
    with contextlib.closing(Store(tmp_path / "accounts.db")) as store, store.changing() as db:
        db.execute("UPDATE person SET password = ?", (hash_now(password),))
    gate.beats.clear()
    with process(tmp_path, config=config, before=FULL_DISK) as running:
        with httpx.Client(base_url=address(gate), cookies=cookies) as client:
            assert client.get(SESSION).json()["user"]["name"] == "maintainer"
            assert client.get("/api/v1/gate").status_code == 200
            stop = client.post("/api/v1/gate/commands", json={"command": "stop"}, headers=key())
            assert stop.status_code == 202
            assert client.post(f"{SESSION}/proof", json={"password": password}).status_code == 200  # it was restarted
            refused = client.post("/api/v1/users", json={"name": "lan", "roles": ["viewer"]})
            assert (refused.status_code, refused.json()["code"]) == (503, "storage_failed")
            assert "free some space" in refused.json()["detail"]
            resource.prlimit(running.child.pid, resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE))
            added = client.post("/api/v1/users", json={"name": "lan", "roles": ["viewer"]})
            assert added.status_code == 201
        running.child.terminate()
        assert running.ended() == 0
        assert running.child.stderr
        told = running.child.stderr.read()
        assert "Traceback" not in told
        assert "free some space" in told


def test_a_full_disk_at_the_first_start_is_one_clear_line(tmp_path: Path) -> None:
    """Nobody could sign in: exit 2 with the real reason and what to do."""
    with process(tmp_path, before=FULL_DISK) as running:
        assert running.ended(10) == 2
        assert running.child.stderr
        (line,) = running.child.stderr.read().splitlines()
    assert "free some space" in line
    assert "rollback" not in line


def test_damaged_accounts_are_kept_aside_and_begun_anew(tmp_path: Path, gate: FakeGate) -> None:
    """Like a first start: a link for a maintainer. The old file stays beside, the journal names it."""
    config, noise = real_gate(tmp_path), b"no database " * 1000
    old = signed_in_once(tmp_path, config)
    (tmp_path / "accounts.db").write_bytes(noise)
    with process(tmp_path, config=config) as running:
        base, code = link_in(running.line)
        assert httpx.get(base + SESSION, cookies=old).status_code == 401
        assert httpx.post(base + SESSION, json={"pairing_code": code}).json()["user"]["name"] == "maintainer"
        (aside,) = tmp_path.glob("accounts.db.broken-*")
        assert aside.read_bytes() == noise
        wait_until(lambda: any(aside.name in str(what.get("change")) for _, _, what in gate.reports), what="the fact")


def test_accounts_that_break_while_served_are_begun_anew_by_a_new_start(tmp_path: Path) -> None:
    """The process ends by itself; its supervisor starts it again."""
    with process(tmp_path) as running:
        base, code = link_in(running.line)
        for name in ("accounts.db", "accounts.db-wal"):
            (tmp_path / name).write_bytes(b"no database " * 10_000)
        with contextlib.suppress(httpx.HTTPError):
            httpx.post(base + SESSION, json={"pairing_code": code})
        assert running.ended(10) == 1


def settings_note(state_dir: Path) -> str:
    store = Store(state_dir / "accounts.db")
    try:
        return store.note("base_url") or ""
    finally:
        store.close()


def serves(base: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{base}/healthz").status_code == 200
    return False


def failed_start(capsys: pytest.CaptureFixture[str], state_dir: Path, *more: str) -> str:
    """Start in this process what can't start; return what it says."""
    sets = [f"storage.state_dir={state_dir}", "api.port=0", *more]
    code = main(["--config", str(SIMULATE_FILE), *(f"--set={pair}" for pair in sets)])
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), "no link that leads nowhere"
    assert "Traceback" not in err
    return err


def test_a_port_in_use_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2; host, port and what to do; no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (line,) = failed_start(capsys, tmp_path, f"api.port={port}").strip().splitlines()
    assert f"127.0.0.1 port {port}" in line
    assert "api.port" in line


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("api.host=no-such-host.invalid", "api.host 'no-such-host.invalid'"),
        ("api.prot=1", "did you mean port"),
        ("storage.state_dir=/proc/nowhere", "make the folder writable"),
        ('api.tls={cert_file="/nowhere.pem",key_file="/nowhere.key"}', "[api.tls]"),
    ],
)
def test_what_can_not_be_served_is_a_clear_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, words: str
) -> None:
    """Exit 2 and what to do; never a traceback on a user's screen."""
    assert words in failed_start(capsys, tmp_path, more)


def test_without_a_configuration_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2."""
    assert main([]) == 2
    assert capsys.readouterr().err == "python -m api: --config FILE is needed\n"


def test_it_survives_the_gate_and_the_gate_survives_it(tmp_path: Path) -> None:
    """The gate process comes and goes while the page is served."""
    with process(tmp_path) as running:
        base, code = link_in(running.line)
        with httpx.Client(base_url=base) as client:
            client.post(SESSION, json={"pairing_code": code})
            for _ in range(2):
                assert client.get("/api/v1/gate").status_code == 503
                with FakeGate(tmp_path):
                    wait_until(lambda: client.get("/api/v1/gate").status_code == 200, what="the gate")
                wait_until(lambda: client.get("/api/v1/gate").status_code == 503, what="the gate's end")
        assert running.child.poll() is None


def test_nobody_at_the_terminal_is_no_reason_not_to_serve(tmp_path: Path) -> None:
    """`make run | head -1`: what read the output is gone, the page is still served."""
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        command(tmp_path), cwd=ROOT, stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as child:  # fmt: skip
        os.close(writing)
        wait_until(lambda: serves(settings_note(tmp_path)), what="the page")
        child.terminate()
        assert child.wait(5) == 0


def test_the_address_in_a_link_can_be_reached(tmp_path: Path) -> None:
    """A server that listens everywhere is named by an address of its own, never as 0.0.0.0."""
    everywhere = base_url(settings_in(tmp_path, "api.host=0.0.0.0"), 8080)
    assert everywhere.startswith("http://")
    assert "0.0.0.0" not in everywhere
    assert base_url(settings_in(tmp_path, "api.host=::1"), 80) == "http://[::1]:80"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate of this test")
def test_on_tls_the_cookie_can_not_be_had_in_the_clear(tmp_path: Path) -> None:
    """Https in the link; __Host- prefix and Secure on the cookie; browsers are told to stay on TLS."""
    cert, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-out", cert, "-keyout", private],
        check=True, capture_output=True,
    )  # fmt: skip
    with process(tmp_path, f'api.tls={{cert_file="{cert}",key_file="{private}"}}') as running:
        base, code = link_in(running.line)
        assert base.startswith("https://127.0.0.1:")
        with httpx.Client(base_url=base, verify=ssl.create_default_context(cafile=str(cert))) as client:
            answer = client.post(SESSION, json={"pairing_code": code})
            assert answer.headers["Set-Cookie"].startswith("__Host-antt=")
            assert "Secure" in answer.headers["Set-Cookie"].split("; ")
            assert answer.headers["Strict-Transport-Security"]
            assert client.get(SESSION).status_code == 200


def test_a_full_disk_keeps_no_commander_from_an_emergency(tmp_path: Path, gate: FakeGate) -> None:
    """Step-up needs no room: a password proves, a wrong one is counted all the same, and the gate is asked."""
    password, now_s = "ba cây chụm lại", time.time()
    with contextlib.closing(Store(tmp_path / "accounts.db")) as store:
        accounts = Accounts(store)
        accounts.add_person("an", "Anh An", frozenset({Role.COMMANDER, Role.MAINTAINER}), hash_now(password), now_s)
        token, _ = accounts.open_session("an", "phone", now_s - 1000.0)
    with (
        process(tmp_path, config=real_gate(tmp_path), before=FULL_DISK) as running,
        httpx.Client(base_url=address(gate), cookies={"antt": token}, timeout=20) as client,
    ):
        emergency, proof = {"command": "emergency_open"}, f"{SESSION}/proof"
        refused = client.post("/api/v1/gate/commands", json=emergency, headers=key())
        assert refused.json()["code"] == "step_up_required"
        assert client.post(proof, json={"password": "not this one"}).json()["code"] == "proof_failed"
        assert client.post(proof, json={"password": password}).status_code == 200
        assert client.post("/api/v1/gate/commands", json=emergency, headers=key()).status_code == 202
        codes = [client.post(proof, json={"password": "not this one"}).json()["code"] for _ in range(4)]
        assert codes == ["proof_failed"] * 3 + ["rate_limited"]
        assert running.child.poll() is None
