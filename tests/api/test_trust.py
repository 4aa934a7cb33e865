"""How a phone comes to trust a gate: page, certificate, profile; served, and as one file for paper (docs/tls.md)."""

from __future__ import annotations

import json
import plistlib
import re
import ssl
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
import segno

from api.trust import WORDS, Trust, fingerprint, first_certificate, page, printable
from tests.api.authority import District
from tests.api.conftest import Served, settings_in

TRUST = ("/trust", "/trust/ca.crt", "/trust/antt-gate.mobileconfig")


@pytest.fixture
def district(tmp_path: Path) -> District:
    """Return a district whose gate has a certificate for this machine."""
    made = District(folder=tmp_path)
    made.sign()
    return made


@pytest.fixture
def phone(tmp_path: Path, district: District) -> Iterator[httpx.Client]:
    """Return a phone that goes past the warning of its browser, once: it does not trust the authority yet."""
    (tmp_path / "state").mkdir()
    served = Served(settings=settings_in(tmp_path / "state", district.overrides))
    served.start()
    unsafe = ssl.create_default_context()
    unsafe.check_hostname, unsafe.verify_mode = False, ssl.CERT_NONE
    with httpx.Client(base_url=served.base.replace("http:", "https:"), verify=unsafe) as client:
        yield client
    served.stop()


def test_a_phone_gets_what_it_needs_without_a_sign_in(phone: httpx.Client, district: District) -> None:
    """Steps, QR code and fingerprint; the certificate; the profile. Then it gets in with what it was given."""
    steps, certificate, profile = (phone.get(path) for path in TRUST)
    der = ssl.PEM_cert_to_DER_cert(district.authority.pem.decode())
    assert steps.headers["content-type"] == "text/html; charset=utf-8"
    assert fingerprint(der).replace(":", " ") in " ".join(steps.text.split())
    assert "Cổng" in steps.text
    assert "Cài đặt tin cậy chứng nhận" in steps.text
    assert all(f'href="{path}"' in steps.text for path in TRUST[1:])
    assert certificate.content == der
    assert certificate.headers["content-type"] == "application/x-x509-ca-cert"
    assert profile.headers["content-type"] == "application/x-apple-aspen-config"
    outer = plistlib.loads(profile.content)
    (inner,) = outer["PayloadContent"]
    assert (outer["PayloadType"], inner["PayloadType"]) == ("Configuration", "com.apple.security.root")
    assert inner["PayloadContent"] == der
    assert phone.get(TRUST[2]).content == profile.content, "the same identifiers each time: iPhones replace, not add"
    trusting = ssl.create_default_context(cadata=certificate.content)
    assert httpx.get(f"{phone.base_url}/healthz", verify=trusting).status_code == 200


def test_the_page_needs_nothing_that_its_security_policy_forbids(phone: httpx.Client) -> None:
    """No inline style, no script; its style sheet is served."""
    html = phone.get("/trust").text
    assert re.findall(r"<script|<style|style=|\son\w+=", html) == []
    (sheet,) = re.findall(r'rel="stylesheet" href="([^"]+)"', html)
    assert phone.get(sheet).headers["content-type"].startswith("text/css")


def test_a_key_beside_the_certificate_never_leaves_the_file(phone: httpx.Client, district: District) -> None:
    """Somebody names a file with everything in it; and a file that is only a key is nothing to trust."""
    der = phone.get("/trust/ca.crt").content
    district.tls.ca_file.write_bytes(district.authority.pem + district.authority.key_pem + district.authority.pem)  # type: ignore[union-attr] # it has one
    assert phone.get("/trust/ca.crt").content == der
    for content in (district.authority.key_pem, b"", b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n"):
        (district.folder / "ca.pem").write_bytes(content)
        answers = [phone.get(path) for path in TRUST]
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 3
        assert all("PRIVATE" not in answer.text and str(district.folder) not in answer.text for answer in answers)


def test_a_gate_without_an_authority_has_nothing_to_trust(served: Served) -> None:
    """Plain HTTP, or a certificate that phones know anyway."""
    for path in TRUST:
        answer = served.anybody().get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.fixture
def trust(district: District) -> Trust:
    """Return what a page is about, of a site with an unfriendly name."""
    der = first_certificate(district.authority.pem.decode())
    assert der
    return Trust(site='Cổng <b>"3"</b> & co', language="vi", url="https://192.168.1.20:8443/trust", der=der)


def test_the_printable_page_is_one_file_that_needs_no_server(trust: Trust) -> None:
    """Its certificate and profile are inside; the QR code leads to the page on the gate."""
    html = printable(trust)
    assert re.findall(r'(?:src|href)="(?!data:)([^"]+)"', html) == ["https://192.168.1.20:8443/"]
    drawn = segno.make(trust.url, error="m", micro=False).svg_data_uri(scale=4, border=4, dark="#000", light="#fff")
    assert f'src="{drawn}"' in html
    assert "<b>" not in html
    assert "Cổng &lt;b&gt;" in html


def test_both_languages_say_the_same(trust: Trust) -> None:
    """Vietnamese first, English beside it, each word used."""
    vi, en = (json.loads((WORDS / f"{language}.json").read_text(encoding="utf-8")) for language in ("vi", "en"))
    assert vi.keys() == en.keys()
    assert all(words.strip() for words in (*vi.values(), *en.values()))
    english = unescape(page(Trust(site=trust.site, language="en", url=trust.url, der=trust.der)))
    assert '<html lang="en">' in english
    assert [name for name in en if name != "profile" and en[name] not in english] == []
