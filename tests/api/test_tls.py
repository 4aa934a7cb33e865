"""The page's certificate while it is in use: taken, taken anew, refused, told of (issue 5: renew without a restart)."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.authority import make_authority
from api.handshakes import MOST_AT_ONCE
from api.links import ListenError
from api.tls import SOON_S, Certificate
from tests.api.authority import LOOPBACK, NOW, District, shake_hands
from tests.api.conftest import Served, settings_in
from tests.fakes import FakeGate, wait_until

DAY_S = 86_400.0


@pytest.fixture
def district(tmp_path: Path) -> District:
    """Return a district whose gate has a certificate for this machine."""
    made = District(folder=tmp_path)
    made.sign()
    return made


@pytest.fixture
def page(tmp_path: Path, district: District) -> Iterator[Served]:
    """Serve the page on TLS beside a gate."""
    (tmp_path / "state").mkdir()
    with FakeGate(tmp_path / "state") as gate:
        served = Served(settings=settings_in(tmp_path / "state", district.overrides), gate=gate)
        served.start()
        yield served
        served.stop()


def look(page: Served) -> None:
    """Let the process look at its files as it does every other second, until it finds them still."""

    async def looked() -> None:
        assert page.office.certificate
        await page.office.certificate.look_and_tell(page.office.reporter.tell)
        await page.office.certificate.look_and_tell(page.office.reporter.tell)

    page.ask(looked())


def browser(page: Served, district: District) -> httpx.Client:
    return httpx.Client(base_url=page.base.replace("http:", "https:"), verify=district.phone(), timeout=10)


def given(page: Served, district: District, name: str | None = None) -> bytes:
    """Return the certificate that a new connection is given."""
    port = int(page.base.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as raw:
        phone = district.phone()
        phone.check_hostname = name is not None
        with phone.wrap_socket(raw, server_hostname=name) as link:
            return ssl.DER_cert_to_PEM_cert(link.getpeercert(binary_form=True) or b"").encode()


def test_new_files_are_served_and_no_stream_is_dropped(page: Served, district: District) -> None:
    """A real handshake checked against the authority; the stream of before goes on, the next phone gets the new one."""
    old = district.tls.cert_file.read_bytes()
    with browser(page, district) as phone:
        phone.cookies.set("__Host-antt", page.person().cookies["antt"])
        with page.accounts() as accounts:
            accounts.change_person("nobody", roles=frozenset({"viewer"}))  # type: ignore[arg-type] # a Role is its word
        with phone.stream("GET", "/api/v1/gate/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 1000"
            new = district.sign()
            look(page)
            assert given(page, district) == given(page, district, "localhost") == new != old
            assert page.gate
            page.gate.say_state(state="open")
            assert any('"state":"open"' in line.replace(" ", "") for line in lines), "the stream of before goes on"
    _, told = page.report("config_changed", what="certificate")
    assert page.office.certificate
    assert told["fingerprint"] == page.office.certificate.fingerprint


def test_a_crowd_that_never_shakes_hands_keeps_nobody_out_and_takes_little(page: Served, district: District) -> None:
    """Each took 0.3 MB and a file for ten seconds, of anybody's: 300 of them were 90 MB. The oldest gives way now."""
    address = ("127.0.0.1", int(page.base.rpartition(":")[2]))
    before_kb = resident_kb()
    with contextlib.ExitStack() as crowd:
        links = [crowd.enter_context(socket.create_connection(address, 5)) for _ in range(300)]
        for link in links[::2]:
            link.sendall(b"\x16\x03\x01\x02\x00")  # a hello that begins, and no more
        with browser(page, district) as phone:
            assert phone.get("/healthz").status_code == 200
        assert resident_kb() - before_kb < 30_000
        for link in links[: len(links) - MOST_AT_ONCE - 1]:
            with contextlib.suppress(ConnectionResetError):
                assert link.recv(1) == b"", "hung up"


def test_what_is_no_tls_is_hung_up_on_and_a_request_of_many_parts_is_whole(page: Served, district: District) -> None:
    address = ("127.0.0.1", int(page.base.rpartition(":")[2]))
    with socket.create_connection(address, 5) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while said := link.recv(4096):
                assert said[:1] == b"\x15", "an alert of TLS, and nothing in the clear"
    with browser(page, district) as phone:
        answer = phone.post("/api/v1/session", json={"name": "nobody", "password": "x" * 200_000})
        assert answer.json()["code"] == "body_too_large"


def resident_kb() -> int:
    """Return the memory of this process, where the page is served too."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4


def other_key(district: District) -> None:
    cert = district.sign()
    district.sign()
    district.tls.cert_file.write_bytes(cert)


def locked_key(district: District) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - one case of many

    key = serialization.load_pem_private_key(district.tls.key_file.read_bytes(), None)
    district.tls.key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        )
    )


def authority_instead(district: District) -> None:
    """Put the authority where the gate's certificate belongs: it loads well, and no phone would take it."""
    district.tls.cert_file.write_bytes(district.authority.pem)
    district.tls.key_file.write_bytes(district.authority.key_pem)


def already_ended(district: District) -> None:
    """Put a backup back, of a certificate that the one in use has replaced."""
    district.authority = make_authority("x", (), NOW - dt.timedelta(days=9))
    district.sign(now=NOW - dt.timedelta(days=8), days=7)


def end_that_nobody_can_read(district: District) -> None:
    """Turn one bit of its end: OpenSSL shakes hands with it, Python can't say when it ends."""
    der = ssl.PEM_cert_to_DER_cert(district.sign().decode())
    end = (NOW + dt.timedelta(days=397)).strftime("%y%m%d%H%M%SZ").encode()
    assert der.count(end) == 1
    district.tls.cert_file.write_text(ssl.DER_cert_to_PEM_cert(der.replace(end, b"x" + end[1:])), encoding="ascii")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (already_ended, "ended at"),
        (end_that_nobody_can_read, "is damaged"),
        (lambda district: district.tls.cert_file.write_bytes(b"half a ce"), "no PEM file"),
        (lambda district: district.tls.cert_file.write_bytes(b""), "no PEM file"),
        (lambda district: district.tls.cert_file.write_bytes(b"\xff\x00" * 5000), "no PEM file"),
        (lambda district: district.tls.key_file.write_bytes(b"no key"), "no PEM file"),
        (lambda district: district.tls.key_file.unlink(), "No such file"),
        (other_key, "is not the key of"),
        (locked_key, "locked with a password"),
        (authority_instead, "no phone would take"),
    ],
)  # fmt: skip
def test_new_files_that_are_broken_are_refused_and_the_old_ones_stay(
    page_alone: Certificate, district: District, caplog: pytest.LogCaptureFixture, spoil: object, reason: str
) -> None:
    """Seen in health and log, once; what is mended afterwards is taken."""
    before, phone, authority = district.tls.cert_file.read_text("ascii"), district.phone(), district.authority
    assert callable(spoil)
    spoil(district)
    with caplog.at_level(logging.INFO):
        assert [page_alone.look() for _ in range(5)] == [False] * 5
    assert shake_hands(phone, page_alone.context, "localhost") == ssl.PEM_cert_to_DER_cert(before)
    health = page_alone.health(NOW.timestamp(), "127.0.0.1")
    assert (health["ok"], health["reason"]) == (False, "certificate_refused")
    assert reason in str(health["detail"])
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "PRIVATE" not in caplog.text
    district.authority = authority
    district.sign()
    assert [page_alone.look() for _ in range(3)] == [False, True, False]
    assert shake_hands(phone, page_alone.context, "localhost") != ssl.PEM_cert_to_DER_cert(before)
    assert "ok" not in page_alone.health(NOW.timestamp(), "127.0.0.1")


@pytest.fixture
def page_alone(district: District) -> Certificate:
    """Return the certificate as the page's process holds it."""
    return Certificate(district.tls)


def test_two_files_that_are_being_written_are_waited_for(
    page_alone: Certificate, district: District, caplog: pytest.LogCaptureFixture
) -> None:
    """A look between the two finds certificate and key of different pairs, and says nothing yet."""
    held = district.tls.key_file.read_bytes()
    district.sign()
    new_key = district.tls.key_file.read_bytes()
    district.tls.key_file.write_bytes(held)
    assert not page_alone.look()
    district.tls.key_file.write_bytes(new_key)
    assert not page_alone.look(), "just changed again"
    assert page_alone.look()
    assert (page_alone.refused, caplog.records) == ("", [])


def test_a_link_that_is_turned_to_other_files_is_followed(tmp_path: Path, district: District) -> None:
    """As certbot and lego leave their files: `live/` holds links."""
    live, second = tmp_path / "live", District(folder=tmp_path / "second", authority=district.authority)
    live.mkdir()
    second.folder.mkdir()
    second.sign()
    for name in ("page.pem", "page.key"):
        (live / name).symlink_to(tmp_path / name)
    certificate = Certificate(District(folder=live, authority=district.authority).tls)
    first = certificate.fingerprint
    for name in ("page.pem", "page.key"):
        (live / name).unlink()
        (live / name).symlink_to(second.folder / name)
    assert [certificate.look(), certificate.look()] == [False, True]
    assert certificate.fingerprint != first


def test_its_end_is_told_three_weeks_ahead_and_the_page_is_served_all_the_same(
    page_alone: Certificate, district: District
) -> None:
    """Nothing on a good day; then a warning with the days that are left; then that it has ended."""
    end_s = page_alone.ends_s
    assert page_alone.health(end_s - SOON_S - 1, "127.0.0.1").keys() == {"certificate_ends_at"}
    soon = page_alone.health(end_s - 20.5 * DAY_S, "127.0.0.1")
    assert (soon["ok"], soon["reason"]) == (False, "certificate_expires")
    assert "20 days" in str(soon["detail"])
    assert page_alone.health(end_s, "127.0.0.1")["reason"] == "certificate_expired"
    past = NOW - dt.timedelta(days=2)
    ended_district = District(folder=district.folder, authority=make_authority("x", (), past))
    ended_district.sign(now=past, days=1)
    ended = Certificate(ended_district.tls)
    assert ended.health(NOW.timestamp(), "127.0.0.1")["reason"] == "certificate_expired"


def test_an_address_that_it_does_not_name_is_told(page_alone: Certificate, district: District) -> None:
    """The address of the gate has changed; only with an authority of one's own, which can do something about it."""
    told = page_alone.health(NOW.timestamp(), "192.168.1.20")
    assert (told["reason"], "192.168.1.20" in str(told["detail"])) == ("certificate_other_name", True)
    assert "ok" not in page_alone.health(NOW.timestamp(), "LOCALHOST")
    public = Certificate(district.tls.model_copy(update={"ca_file": None}))
    assert "ok" not in public.health(NOW.timestamp(), "192.168.1.20")


def test_the_gate_hears_of_it(page: Served) -> None:
    """Health of the process, as GET /gate, status and doctor show it."""
    assert page.gate
    beats = page.gate.beats
    wait_until(lambda: "certificate_ends_at" in beats.get("api", {}), what="the certificate in our health")
    assert beats["api"]["ok"] is True
    assert page.office.certificate
    assert page.office.certificate_ends_s == page.office.certificate.ends_s > NOW.timestamp()


def test_no_certificate_at_the_start_is_one_clear_line(tmp_path: Path, district: District) -> None:
    """There is nothing to fall back to."""
    district.tls.key_file.write_bytes(make_authority("x", (), NOW).key_pem)
    with pytest.raises(ListenError, match=r"\[api.tls\] can't be used .*page.key is not the key of .*tls init"):
        Certificate(district.tls)


def test_old_versions_of_the_protocol_are_refused(page_alone: Certificate, district: District) -> None:
    phone = district.phone()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        phone.minimum_version = phone.maximum_version = ssl.TLSVersion.TLSv1_1
    phone.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        shake_hands(phone, page_alone.context, LOOPBACK[1])


def test_every_reason_has_its_words_and_its_remedy() -> None:
    """The page says it in both languages, docs/operations.md what to do."""
    root = Path(__file__).parents[2]
    reasons = set(re.findall(r'"(certificate_[a-z_]+)", f"', (root / "api" / "tls.py").read_text(encoding="utf-8")))
    assert len(reasons) == 4
    for language in ("vi", "en"):
        words = json.loads((root / "api" / "web" / f"{language}.json").read_text(encoding="utf-8"))
        assert {f"reason.{reason}" for reason in reasons} <= words.keys()
    operations = (root / "docs" / "operations.md").read_text(encoding="utf-8")
    assert all(f"| `{reason}` |" in operations for reason in reasons)
