"""How a phone comes to trust a gate with an authority of its own: the steps, its certificate, the iPhone's profile."""

from __future__ import annotations

from starlette.responses import Response

from api import trust
from api.auth import Permission, TheOffice
from api.calls import Call
from api.office import Office
from api.problems import ProblemError
from api.trust import Trust

HTML = "text/html"


async def show_trust(office: TheOffice) -> Response:
    """Return the page with the steps for each phone, a QR code and the fingerprint to compare."""
    return Response(trust.page(_of(office)), media_type=HTML)


async def send_authority(office: TheOffice) -> Response:
    """Return the certificate of the gate's own authority, DER."""
    return _file(_of(office).der, trust.CERTIFICATE_TYPE, trust.CERTIFICATE_FILE)


async def send_profile(office: TheOffice) -> Response:
    """Return the configuration profile with the same certificate, for iPhones."""
    return _file(trust.profile(_of(office)), trust.PROFILE_TYPE, trust.PROFILE_FILE)


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _of(office: Office) -> Trust:
    """Return what phones are to trust. Raises `not_found` where the gate has no authority of its own."""
    tls, site = office.settings.api.tls, office.settings.site
    if tls is None or tls.ca_file is None:
        raise ProblemError("not_found", "This gate has no certificate authority of its own (api.tls.ca_file).")
    try:
        der = trust.first_certificate(tls.ca_file.read_text(encoding="ascii", errors="replace"))
    except OSError:
        der = None
    if der is None:
        raise ProblemError("not_found", "The file of the gate's own authority can't be read; run antt-gate tls init.")
    return Trust(site=site.name, language=site.language, url=f"{office.base_url}/trust", der=der)


CALLS = (
    Call(
        method="GET", path="/trust", base="", does=show_trust, needs=Permission.PUBLIC, media=HTML,
        problems=("not_found",),
    ),
    Call(
        method="GET", path="/trust/ca.crt", base="", does=send_authority, needs=Permission.PUBLIC,
        media=trust.CERTIFICATE_TYPE, problems=("not_found",),
    ),
    Call(
        method="GET", path="/trust/antt-gate.mobileconfig", base="", does=send_profile, needs=Permission.PUBLIC,
        media=trust.PROFILE_TYPE, problems=("not_found",),
    ),
)  # fmt: skip
