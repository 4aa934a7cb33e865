"""Passkeys where the page has a domain name (issue 5, 3; WebAuthn 3)."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright
from starlette.requests import HTTPConnection

from api.passkeys import CHALLENGE_LASTS_MS, MOST_PASSKEYS, Challenges, WrongAnswerError, place_of
from api.proof import FRESH_S
from gate.model import JsonObject, Role
from tests.api.authenticator import Authenticator, text
from tests.api.conftest import FakeClock, Served, key, settings_in
from tests.fakes import FakeGate
from tests.web.conftest import CHROMIUM
from tests.web.officer import FLAGS

SESSION = "/api/v1/session"
PASSKEYS = "/api/v1/passkeys"
LONG_AGO_S = FRESH_S + 1.0
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a page that has a name; a browser counts http://localhost as secure."""
    folder = tmp_path_factory.mktemp("named")
    with FakeGate(folder) as fake:
        page = Served(settings=settings_in(folder, 'api.domain="localhost"'), gate=fake)
        page.start()
        yield page
        page.stop()


def named(client: httpx.Client) -> httpx.Client:
    """Return the browser, looking at the page by its name."""
    client.headers["Host"] = f"localhost:{client.base_url.port}"
    return client


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def asked(client: httpx.Client, path: str) -> JsonObject:
    """Return what the page gives to `navigator.credentials`."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    options: JsonObject = answer.json()["publicKey"]
    return options


@pytest.fixture
def lan(served: Served) -> httpx.Client:
    """Return a commander's browser on the named page."""
    return named(served.person(Role.COMMANDER, name="lan"))


@pytest.fixture
def phone(served: Served) -> Authenticator:
    """Return a phone's own authenticator."""
    return Authenticator(origin=served.base.replace("127.0.0.1", "localhost"), domain="localhost")


def keep(client: httpx.Client, phone: Authenticator, name: str = "Vân tay") -> httpx.Response:
    credential = phone.create(asked(client, f"{PASSKEYS}/new/options"))
    return client.post(PASSKEYS, json={"name": name, "credential": credential})


def sign_in(served: Served, credential: JsonObject) -> httpx.Response:
    return named(served.anybody()).post(SESSION, json={"passkey": credential, "device_name": "Oppo A17"})


def test_a_passkey_is_kept_signs_in_and_is_forgotten(served: Served, lan: httpx.Client, phone: Authenticator) -> None:
    """201 and in the list; it signs in without a name; once removed it opens nothing. All of it is journalled."""
    kept = keep(lan, phone)
    assert (kept.status_code, kept.json()["name"], kept.json()["id"]) == (201, "Vân tay", text(phone.id))
    assert lan.get(PASSKEYS).json() == {"items": [kept.json()]}
    served.report("user_changed", "lan", change="passkey Vân tay added")
    client = named(served.anybody())
    answer = client.post(SESSION, json={"passkey": phone.get(asked(client, f"{SESSION}/passkey"))})
    assert (answer.status_code, answer.json()["user"]["name"]) == (200, "lan")
    assert answer.json()["ways"] == ["passkey", "pairing"]
    served.report("user_signed_in", "lan")
    assert lan.delete(f"{PASSKEYS}/{text(phone.id)}").status_code == 204
    assert told(lan.delete(f"{PASSKEYS}/{text(phone.id)}")) == (404, "no_such_passkey")
    assert told(sign_in(served, phone.get(asked(client, f"{SESSION}/passkey")))) == (401, "passkey_invalid")
    served.report("user_sign_in_failed", name="", reason="passkey_invalid")


def test_a_passkey_proves(served: Served, lan: httpx.Client, phone: Authenticator) -> None:
    """Step-up by passkey: fresh again; a challenge for signing in, or of another session, proves nothing."""
    keep(lan, phone)
    other = named(served.person(Role.COMMANDER, name="lan"))
    served.clock.ahead_s = LONG_AGO_S
    lock = {"command": "lockdown"}
    refused = lan.post("/api/v1/gate/commands", json=lock, headers=key())
    assert (told(refused), refused.json()["ways"]) == ((403, "step_up_required"), ["passkey", "pairing"])
    for path, client in ((f"{SESSION}/passkey", lan), (f"{SESSION}/proof/passkey", other)):
        answer = lan.post(f"{SESSION}/proof", json={"passkey": phone.get(asked(client, path))})
        assert told(answer) == (403, "proof_failed"), path
    proof = phone.get(asked(lan, f"{SESSION}/proof/passkey"))
    assert lan.post(f"{SESSION}/proof", json={"passkey": proof}).status_code == 200
    assert lan.post("/api/v1/gate/commands", json=lock, headers=key()).status_code == 202
    assert told(lan.post(f"{SESSION}/proof", json={"passkey": proof})) == (403, "proof_failed"), "answered once"
    served.report("user_proved", "lan", way="passkey")


def test_somebody_elses_passkey_proves_nothing(served: Served, lan: httpx.Client, phone: Authenticator) -> None:
    """Nor is an answer taken that names another owner."""
    keep(lan, phone)
    other = named(served.person(Role.COMMANDER, name="khac"))
    theirs = replace(phone, id=b"k" * 32)
    keep(other, theirs)
    options = asked(other, f"{SESSION}/proof/passkey")
    assert told(other.post(f"{SESSION}/proof", json={"passkey": phone.get(options)})) == (403, "proof_failed")
    options = asked(other, f"{SESSION}/proof/passkey")
    wrong = theirs.get(options, handle=phone.handle)
    assert phone.handle != theirs.handle
    assert told(other.post(f"{SESSION}/proof", json={"passkey": wrong})) == (403, "proof_failed")


def test_an_answer_is_taken_once_and_only_from_our_page(
    served: Served, lan: httpx.Client, phone: Authenticator
) -> None:
    """Played again, from another site, from a site of another name, without finger or PIN, too late: 401."""
    keep(lan, phone)
    client = named(served.anybody())
    good = phone.get(asked(client, f"{SESSION}/passkey"))
    assert sign_in(served, good).status_code == 200
    assert told(sign_in(served, good)) == (401, "passkey_invalid")
    for liar in (
        replace(phone, origin="https://evil.example"), replace(phone, domain="evil.example"),
        replace(phone, asks=False), replace(phone, _key=Authenticator(origin="", domain="")._key),
    ):  # fmt: skip
        assert told(sign_in(served, liar.get(asked(client, f"{SESSION}/passkey")))) == (401, "passkey_invalid")
    late = phone.get(asked(client, f"{SESSION}/passkey"))
    served.clock.ahead_s = CHALLENGE_LASTS_MS / 1000 + 1
    assert told(sign_in(served, late)) == (401, "passkey_invalid")


def test_a_copied_passkey_is_noticed(served: Served, lan: httpx.Client, phone: Authenticator) -> None:
    """Where the authenticator counts, a counter that does not grow is refused."""
    phone.counts = True
    keep(lan, phone)
    copied = replace(phone)
    client = named(served.anybody())
    for _ in range(2):
        assert sign_in(served, phone.get(asked(client, f"{SESSION}/passkey"))).status_code == 200
    assert told(sign_in(served, copied.get(asked(client, f"{SESSION}/passkey")))) == (401, "passkey_invalid")


def test_a_disabled_person_and_a_removed_passkey_get_in_no_way(
    served: Served, lan: httpx.Client, phone: Authenticator
) -> None:
    """A maintainer disables a person, or forgets one passkey of theirs, and says why."""
    keep(lan, phone)
    maintainer = named(served.person(Role.MAINTAINER, name="tho"))
    users = "/api/v1/users"
    maintainer.patch(f"{users}/lan", json={"disabled": True})
    client = named(served.anybody())
    assert told(sign_in(served, phone.get(asked(client, f"{SESSION}/passkey")))) == (401, "passkey_invalid")
    maintainer.patch(f"{users}/lan", json={"disabled": False})
    (item,) = maintainer.get(f"{users}/lan/passkeys").json()["items"]
    answer = maintainer.delete(f"{users}/lan/passkeys/{item['id']}", params={"reason": "Mất máy"})
    assert answer.status_code == 204
    assert served.report("user_changed", "tho", change="passkey Vân tay removed")[1]["reason"] == "Mất máy"
    assert told(sign_in(served, phone.get(asked(client, f"{SESSION}/passkey")))) == (401, "passkey_invalid")


def test_what_can_not_be_believed_is_not_kept(served: Served, lan: httpx.Client, phone: Authenticator) -> None:
    """No finger or PIN, another page, a challenge for something else, one id twice, one too many: 422."""
    for liar in (replace(phone, asks=False), replace(phone, origin="https://evil.example")):
        assert told(keep(lan, liar)) == (422, "passkey_refused")
    stolen = phone.create({**asked(lan, f"{PASSKEYS}/new/options"), **asked(lan, f"{SESSION}/passkey")})
    assert told(lan.post(PASSKEYS, json={"name": "x", "credential": stolen})) == (422, "passkey_refused")
    assert keep(lan, phone).status_code == 201
    assert told(keep(lan, phone)) == (422, "passkey_refused")
    for number in range(1, MOST_PASSKEYS):
        assert keep(lan, replace(phone, id=bytes([number]) * 16)).status_code == 201
    assert told(keep(lan, replace(phone, id=b"one too many"))) == (422, "passkey_refused")
    served.clock.ahead_s = LONG_AGO_S
    assert told(lan.get(f"{PASSKEYS}/new/options")) == (403, "step_up_required")


def test_whatever_a_stranger_sends_is_a_wrong_answer(served: Served, lan: httpx.Client, phone: Authenticator) -> None:
    """Bytes turned at random, fields missing or of another kind: 401, never an error of ours."""
    keep(lan, phone)
    client, chance = named(served.anybody()), random.Random(5)
    for _ in range(30):
        credential = copy.deepcopy(phone.get(asked(client, f"{SESSION}/passkey")))
        response = credential["response"]
        assert isinstance(response, dict)
        name = chance.choice(sorted(response))
        said = str(response[name])
        at = chance.randrange(len(said))
        turned = said[:at] + chance.choice("A-_~é") + said[at + 1 :]
        response[name] = chance.choice([turned if turned != said else "", "", None, 7, [], {}, said[: at // 2]])
        answer = sign_in(served, credential)
        if name == "userHandle":
            assert answer.status_code in {200, 401}, (name, response[name])
        else:
            assert told(answer) == (401, "passkey_invalid"), (name, response[name])
    odds: list[JsonObject] = [{}, {"response": 7}, {"response": {}}, {"response": {"clientDataJSON": text(b"[]")}}]
    for odd in odds:
        assert told(sign_in(served, odd)) == (401, "passkey_invalid")


def test_by_another_address_there_are_none(served: Served, lan: httpx.Client, phone: Authenticator) -> None:
    """A browser would not use it there: `passkeys_off`, and it is no way of proving."""
    keep(lan, phone)
    elsewhere = served.person(Role.COMMANDER, name="lan")
    assert elsewhere.get(SESSION).json()["ways"] == ["pairing"]
    for path in (f"{SESSION}/passkey", f"{SESSION}/proof/passkey", f"{PASSKEYS}/new/options"):
        assert told(elsewhere.get(path)) == (404, "passkeys_off")
    assert told(elsewhere.post(SESSION, json={"passkey": {}})) == (404, "passkeys_off")
    assert elsewhere.get(PASSKEYS).json()["items"], "what is kept can still be seen and forgotten"


def test_many_who_only_ask_fill_nothing() -> None:
    """A challenge is kept by nobody until it opened something; it is good for one purpose, for a while, once."""
    clock = FakeClock()
    challenges = Challenges(clock.clock())
    many = [challenges.make("sign in") for _ in range(1000)]
    assert len(set(many)) == 1000
    assert not challenges._used
    challenges.spend(many[0], "sign in")
    foreign = Challenges(clock.clock()).make("sign in")
    for challenge, purpose in (
        (many[0], "sign in"), (many[1], "prove x"), (many[1][:-1], "sign in"), (b"", "sign in"), (foreign, "sign in"),
    ):  # fmt: skip
        with pytest.raises(WrongAnswerError):
            challenges.check(challenge, purpose)
    clock.ahead_s = CHALLENGE_LASTS_MS / 1000 + 1
    challenges.spend(challenges.make("sign in"), "sign in")
    assert len(challenges._used) == 1, "what is too old is forgotten"


def test_the_options_name_nobody(served: Served, lan: httpx.Client, phone: Authenticator) -> None:
    """A stranger learns of no passkey; the authenticator keeps no name as its handle."""
    made = asked(lan, f"{PASSKEYS}/new/options")
    assert made["rp"] == {"id": "localhost", "name": served.settings.site.name}
    phone.create(made)
    assert b"lan" not in phone.handle
    keep(lan, phone)
    options = asked(named(served.anybody()), f"{SESSION}/passkey")
    assert (options["allowCredentials"], options["userVerification"]) == ([], "required")
    mine = asked(lan, f"{SESSION}/proof/passkey")["allowCredentials"]
    assert [one["id"] for one in mine if isinstance(one, dict)] == [text(phone.id)] if isinstance(mine, list) else False


def test_a_name_needs_a_secure_page(tmp_path: Path) -> None:
    """Browsers take passkeys over HTTPS only: a name without it is told at the start, not by a dead button."""
    from config.load import ConfigError  # noqa: PLC0415 - for this story alone

    with pytest.raises(ConfigError, match=r"api\.domain"):
        settings_in(tmp_path, 'api.domain="cong3.example"')
    for wrong in ("192.168.1.2", "Cổng", "a_b.example", "https://x.example", "x.example:443"):
        with pytest.raises(ConfigError, match=r"api\.domain"):
            settings_in(tmp_path, f'api.domain="{wrong}"', 'api.public_url="https://x.example"')
    settings_in(tmp_path, 'api.domain="cong3.example"', 'api.public_url="https://cong3.example"')


IN_A_BROWSER = """async ({ link }) => {
  const call = async (method, path, body) => {
    const headers = body ? { "Content-Type": "application/json" } : {};
    const answer = await fetch("/api/v1" + path, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(method + " " + path + ": " + (await answer.text()));
    return answer.status === 204 ? null : answer.json();
  };
  const show = async (path) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON((await call("GET", path)).publicKey);
    return (await navigator.credentials.get({ publicKey })).toJSON();
  };
  await call("POST", "/session", { pairing_code: link });
  const { publicKey } = await call("GET", "/passkeys/new/options");
  const made = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
  });
  const kept = await call("POST", "/passkeys", { name: "Vân tay", credential: made.toJSON() });
  await call("DELETE", "/session");
  const me = await call("POST", "/session", { passkey: await show("/session/passkey") });
  const proof = await call("POST", "/session/proof", { passkey: await show("/session/proof/passkey") });
  return { kept, me, proof };
}"""


def test_a_real_browser_understands_us(served: Served) -> None:
    """Chromium with an authenticator of its own makes a passkey, signs in with it and proves."""
    with served.accounts() as accounts:
        accounts.add_person("lan", "Chị Lan", frozenset({Role.COMMANDER}), None, time.time())
        code = accounts.make_pairing("lan", FRESH_S, time.time())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(f"{served.base.replace('127.0.0.1', 'localhost')}/healthz")
        chip = page.context.new_cdp_session(page)
        chip.send("WebAuthn.enable")
        chip.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        found = page.evaluate(IN_A_BROWSER, {"link": code})
        browser.close()
    assert found["me"]["user"]["name"] == "lan"
    assert found["me"]["ways"] == ["passkey", "pairing"]
    assert found["proof"]["proved_until"] > found["kept"]["created_at"]


@pytest.mark.parametrize(
    ("host", "domain", "secure", "origin"),
    [
        ("Cong3.example:8443", "cong3.example", True, "https://cong3.example:8443"),
        ("cong3.example", "cong3.example", True, "https://cong3.example"),
        ("localhost:8080", "localhost", False, "http://localhost:8080"),
        ("cong3.example", "cong3.example", False, None),
        ("www.cong3.example", "cong3.example", True, None),
        ("192.168.1.2", "cong3.example", True, None),
        ("cong3.example", None, True, None),
        ("", "cong3.example", True, None),
    ],
)
def test_a_passkey_belongs_to_one_name_over_https(
    host: str,
    domain: str | None,
    secure: bool,  # noqa: FBT001 - a row of the table
    origin: str | None,
) -> None:
    """Where a browser would use one: the very name, in a secure page."""
    asking = HTTPConnection({"type": "http", "headers": [(b"host", host.encode())]})
    place = place_of(asking, domain, secure=secure)
    assert (place.origin if place else None) == origin
