"""What a phone gets to trust this gate: a page with the steps, the authority's certificate, the profile for an iPhone.

The page is the same on the phone and on paper: `tls init` writes it as one file, with all that it needs inside, and the
server shows it at `/trust`. The words stand in web/trust/, first those of the site's language. Nothing here is secret,
and nothing but the first certificate of a file ever leaves it: a key that was put beside it by mistake does not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

WORDS = Path(__file__).with_name("web") / "trust"
CERTIFICATE_TYPE = "application/x-x509-ca-cert"
PROFILE_TYPE = "application/x-apple-aspen-config"
CERTIFICATE_FILE = "antt-gate-ca.crt"
PROFILE_FILE = "antt-gate.mobileconfig"
PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")
PAIRS_A_LINE = 8
STEPS = ("1", "2", "3", "4")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """What the page is about. `url` is where the page itself is served, `der` the certificate of the authority."""

    site: str
    language: str
    url: str
    der: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Where the page's parts are: addresses on the gate, or the parts themselves."""

    style: str
    certificate: str
    profile: str


SERVED = Links(
    style='<link rel="stylesheet" href="/trust/trust.css">', certificate="/trust/ca.crt",
    profile="/trust/antt-gate.mobileconfig",
)  # fmt: skip


def first_certificate(pem: str) -> bytes | None:
    """Return the first certificate of a PEM file as DER, None where there is none."""
    found = PEM.search(pem)
    if found is None:
        return None
    try:
        return base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error:
        return None


def fingerprint(der: bytes) -> str:
    """Return SHA-256 of a certificate as phones show it: pairs of capitals between colons."""
    return hashlib.sha256(der).digest().hex(":").upper()


@lru_cache(maxsize=4)
def page(trust: Trust, links: Links = SERVED) -> str:
    """Return the page as HTML. Kept, because anybody may ask for it and a QR code takes milliseconds to draw."""
    words = {name: escape(text) for name, text in _words(trust.language).items()}
    url, home = escape(trust.url), escape(trust.url.removesuffix("/trust"))
    return f"""<!doctype html>
<html lang="{trust.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{words["title"]} · {escape(trust.site)}</title>
{links.style}
</head>
<body>
<h1>{words["title"]}</h1>
<p class="site">{escape(trust.site)}</p>
<p>{words["why"]}</p>
<div class="scan">
<img src="{_drawn(trust.url)}" alt="{url}">
<div><p>{words["scan"]}</p><p class="address">{url}</p><p class="fine">{words["warned"]}</p></div>
</div>
<h2>{words["fingerprint"]}</h2>
<code class="fingerprint">{_in_lines(fingerprint(trust.der))}</code>
<p>{words["compare"]}</p>
<div class="phones">
{_steps(words, "android", links.certificate, CERTIFICATE_FILE)}
{_steps(words, "iphone", links.profile, PROFILE_FILE)}
</div>
<p>{words["open"]} <a class="address" href="{home}/">{home}</a></p>
<p class="fine">{words["remove"]}</p>
</body>
</html>
"""


def printable(trust: Trust) -> str:
    """Return the page as one file that needs no server: for paper, or to be sent to a phone."""
    style = (WORDS / "trust.css").read_text(encoding="utf-8")
    return page(
        trust,
        Links(
            style=f"<style>\n{style}</style>", certificate=_inline(trust.der, CERTIFICATE_TYPE),
            profile=_inline(profile(trust), PROFILE_TYPE),
        ),
    )  # fmt: skip


@lru_cache(maxsize=4)
def profile(trust: Trust) -> bytes:
    """Return the configuration profile (Apple: com.apple.security.root) that an iPhone installs. The same each time."""
    import plistlib  # noqa: PLC0415 - one iPhone in its life

    words = _words(trust.language)
    name = f"antt-gate {trust.site}"
    whole = uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(trust.der).hexdigest())
    common = {"PayloadVersion": 1, "PayloadDisplayName": name, "PayloadDescription": words["profile"]}
    inside = {
        **common, "PayloadType": "com.apple.security.root", "PayloadIdentifier": f"vn.antt-gate.{whole}.ca",
        "PayloadUUID": str(uuid.uuid5(whole, "ca")).upper(), "PayloadCertificateFileName": CERTIFICATE_FILE,
        "PayloadContent": trust.der,
    }  # fmt: skip
    return plistlib.dumps({
        **common, "PayloadType": "Configuration", "PayloadIdentifier": f"vn.antt-gate.{whole}",
        "PayloadUUID": str(whole).upper(), "PayloadRemovalDisallowed": False, "PayloadContent": [inside],
    })  # fmt: skip


def _steps(words: dict[str, str], phone: str, href: str, file: str) -> str:
    steps = "\n".join(f"<li>{words[f'{phone}_{number}']}</li>" for number in STEPS)
    get = f'<p><a class="get" href="{href}" download="{file}">{words[f"{phone}_get"]}</a></p>'
    return f"<section>\n<h2>{words[phone]}</h2>\n{get}\n<ol>\n{steps}\n</ol>\n</section>"


def _words(language: str) -> dict[str, str]:
    read = json.loads((WORDS / f"{language}.json").read_text(encoding="utf-8"))
    return {str(name): str(text) for name, text in read.items()}


def _in_lines(printed: str) -> str:
    pairs = printed.split(":")
    return "\n".join(" ".join(pairs[at : at + PAIRS_A_LINE]) for at in range(0, len(pairs), PAIRS_A_LINE))


def _drawn(url: str) -> str:
    """Return a QR code as the address of an image that holds itself."""
    import segno  # noqa: PLC0415 - serving the gate does not need it

    return str(segno.make(url, error="m", micro=False).svg_data_uri(scale=4, border=4, dark="#000", light="#fff"))


def _inline(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
