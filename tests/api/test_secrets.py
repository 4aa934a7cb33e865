"""No secret leaves the request that carries it: not to a log, a problem, the journal, a crash report or a file.

Every secret is a marker here: passwords as they are typed, right and wrong, and what the answers hand out (cookies,
codes, challenges), collected as they pass. Then everything that was written anywhere is searched for each of them.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request

from api.auth import EXTENSION, GuardedRoute, Permission
from api.calls import BASE
from api.serve import configuration
from gate.model import Role
from tests.api.authenticator import Authenticator
from tests.api.conftest import Served, key, settings_in
from tests.fakes import FakeGate, wait_until

HANDED_OUT = {"code", "challenge", "link"}
SHORTEST_SECRET = 12
NOT_OURS = ("httpx", "httpcore", "uvicorn.access")


@dataclass(kw_only=True)
class Watch:
    """What was secret, and what was answered as a problem."""

    secrets: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def marker(self) -> str:
        """Return a new secret that a person types."""
        made = f"marker-{secrets.token_hex(8)}"
        self.secrets.add(made)
        return made

    def answered(self, answer: httpx.Response) -> None:
        """Note what an answer hands out, or what problem it tells."""
        if "text/event-stream" in answer.headers.get("content-type", ""):
            return
        answer.read()
        for cookie in answer.headers.get_list("set-cookie"):
            self._note(cookie.partition("=")[2].partition(";")[0])
        if answer.status_code >= 400:
            self.problems.append(answer.text + str(answer.headers))
        elif answer.headers.get("content-type") == "application/json":
            self._collect(answer.json())

    def _collect(self, told: object, name: str = "") -> None:
        if isinstance(told, Mapping):
            for inner, value in told.items():
                self._collect(value, inner)
        elif isinstance(told, Sequence) and not isinstance(told, str):
            for value in told:
                self._collect(value, name)
        elif name in HANDED_OUT and isinstance(told, str):
            self._note(told.rpartition("pair=")[2])

    def _note(self, secret: str) -> None:
        if len(secret.strip('"')) >= SHORTEST_SECRET:
            self.secrets.add(secret)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Served]:
    """Serve a page that has a name, and so passkeys, with files of its own for each story."""
    with FakeGate(tmp_path) as fake:
        page = Served(settings=settings_in(tmp_path, 'api.domain="localhost"'), gate=fake)
        page.start()
        yield page
        page.stop()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@dataclass(kw_only=True)
class Log:
    """What the program logged at its most talkative, tracebacks included."""

    caught: pytest.LogCaptureFixture

    def text(self) -> str:
        """Return it; without the test's own browser, and without uvicorn's list of requests: serve.py keeps it shut."""
        told = (record for record in self.caught.records if not record.name.startswith(NOT_OURS))
        return "\n".join(self.caught.handler.format(record) for record in told)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    """Log as much as can be logged, from every library."""
    for name in (None, *logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    return Log(caught=caplog)


def browser(served: Served, watch: Watch) -> httpx.Client:
    client = served.anybody()
    client.headers["Host"] = f"localhost:{client.base_url.port}"
    client.event_hooks["response"].append(watch.answered)
    return client


def officer(served: Served, watch: Watch, *roles: Role, name: str) -> httpx.Client:
    client = browser(served, watch)
    client.cookies = served.person(*roles, name=name).cookies
    watch.secrets.add(client.cookies["antt"])
    return client


def live(served: Served, watch: Watch) -> None:
    """Do everything that carries a secret: well, badly, and at the wrong place."""
    maintainer = officer(served, watch, Role.MAINTAINER, Role.COMMANDER, name="tho")
    right, newer, own = watch.marker(), watch.marker(), watch.marker()
    maintainer.post(f"{BASE}/users", json={"name": "lan", "roles": ["operator"], "password": right})
    phone = browser(served, watch)
    for name, password in (
        ("lan", watch.marker()),
        ("nobody", watch.marker()),
        (watch.marker(), right),
        ("lan", right),
    ):
        phone.post(f"{BASE}/session", json={"username": name, "password": password, "device_name": "Lan's"})
    assert phone.get(f"{BASE}/session").status_code == 200
    prove = f"{BASE}/session/proof"
    for proof in ({"password": watch.marker()}, {"pairing_code": watch.marker()}, {"password": right}):
        phone.post(prove, json=proof)
    phone.put(f"{BASE}/session/password", json={"password": own})
    maintainer.patch(f"{BASE}/users/lan", json={"password": newer, "reason": "forgot"})
    pairing = maintainer.post(f"{BASE}/users/lan/pairing", json={}).json()["code"]
    for code in (watch.marker(), pairing, pairing):
        browser(served, watch).post(f"{BASE}/session", json={"pairing_code": code})
    _use_passkeys(served, watch, maintainer)
    _say_it_badly(browser(served, watch), watch)
    _say_it_badly(maintainer, watch)
    phone.delete(f"{BASE}/session")


def _use_passkeys(served: Served, watch: Watch, client: httpx.Client) -> None:
    """Keep a passkey, sign in and prove with it, and again with answers that were given before."""
    chip = Authenticator(origin=served.base.replace("127.0.0.1", "localhost"), domain="localhost")
    options = client.get(f"{BASE}/passkeys/new/options").json()["publicKey"]
    for _ in range(2):
        client.post(f"{BASE}/passkeys", json={"name": "Vân tay", "credential": chip.create(options)})
    stranger = browser(served, watch)
    signing_in = chip.get(stranger.get(f"{BASE}/session/passkey").json()["publicKey"])
    for body in ({"passkey": signing_in}, {"passkey": signing_in}):
        assert stranger.post(f"{BASE}/session", json=body).status_code in {200, 401}
    proving = chip.get(client.get(f"{BASE}/session/proof/passkey").json()["publicKey"])
    for body in ({"passkey": proving}, {"passkey": proving}):
        assert client.post(f"{BASE}/session/proof", json=body).status_code in {200, 403}


def _say_it_badly(client: httpx.Client, watch: Watch) -> None:
    """Send secrets in what can't be understood: wrong types, broken JSON, wrong headers, wrong addresses."""
    paths = ("/session", "/session/proof", "/users", "/gate/commands")
    for path in paths:
        secret = watch.marker()
        for body in ({"password": [secret]}, {"password": {"is": secret}}, {"username": secret, "password": secret * 9},
                     {"pairing_code": secret * 9}, {"device_name": secret * 9, "password": None}, [secret], secret,
                     {"command": "open", "reason": "\x00" + secret}):  # fmt: skip
            client.post(BASE + path, json=body, headers=key())
        broken = f'{{"password": "{secret}"'.encode()
        json_headers = {**key(), "Content-Type": "application/json"}
        client.post(BASE + path, content=broken, headers=json_headers)
        client.post(BASE + path, content=b"\xff" + broken, headers=json_headers)
        client.post(BASE + path, content=broken, headers={**key(), "Content-Type": "text/plain"})
        client.post(f"{BASE}{path}?password={secret}", json={}, headers={**key(), "Authorization": f"Bearer {secret}"})
        client.get(f"{BASE}/gate", headers={"Cookie": f"antt={secret}; __Host-antt={secret}; antt-phone={secret}"})
        client.get(f"/%23pair={secret}")
        client.post(
            f"{BASE}/gate/commands", json={"command": "stop"}, headers={"Idempotency-Key": f"{secret} {secret}"}
        )


def test_no_secret_is_written_anywhere(
    served: Served, watch: Watch, log: Log, capfd: pytest.CaptureFixture[str]
) -> None:
    """Logs at their most talkative, both outputs, problems, and every byte of every file of the state directory."""
    live(served, watch)
    assert served.gate
    wait_until(lambda: served.office.live.last_seq >= len(served.gate.reports) if served.gate else False)
    assert len(watch.secrets) > 20
    assert len(watch.problems) > 50
    state_dir = served.settings.storage.state_dir
    files = {str(path): path.read_bytes() for path in state_dir.rglob("*") if path.is_file()}
    assert {"accounts.db", "journal.db"} <= {Path(path).name for path in files}
    written = capfd.readouterr()
    facts = repr(served.gate.reports)
    places = {"log": log.text(), "stdout": written.out, "stderr": written.err, "facts": facts}
    for secret in watch.secrets:
        found = [name for name, text in places.items() if secret in text]
        found += [name for name, data in files.items() if secret.encode() in data]
        found += [f"problem {problem}" for problem in watch.problems if secret in problem]
        assert found == [], secret


def test_requests_are_not_listed_in_the_log(served: Served) -> None:
    """An address may hold what somebody put there by mistake; uvicorn's list of requests is shut."""
    assert configuration(served.app).access_log is False
    assert not logging.getLogger("uvicorn.access").propagate


def test_a_crash_tells_no_secret(served: Served, watch: Watch, log: Log) -> None:
    """A fault of ours while a password is being handled: the log tells where, without what was in the request."""
    secret = watch.marker()

    async def stumble(request: Request) -> None:
        password = (await request.json())["password"]
        raise LookupError(len(password))

    extra = {EXTENSION: Permission.SELF.value}
    served.app.router.routes.insert(0, GuardedRoute("/stumble", stumble, methods=["POST"], openapi_extra=extra))
    client = officer(served, watch, Role.OPERATOR, name="lan")
    headers = {"Authorization": f"Bearer {secret}"}
    answer = client.post(f"/stumble?code={secret}", json={"password": secret}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "LookupError" in log.text()
    for one in watch.secrets:
        assert one not in log.text() + answer.text
