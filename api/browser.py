"""The browser in which somebody signs in: what is known of it, and the two cookies that it gets.

The session's cookie opens; the phone's only says that this person signed in here before (phones.py).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.attempts import network_of
from api.auth import cookie_name
from api.office import Office
from api.people import ABSOLUTE_END_S, UNNAMED
from api.phones import KEPT_S, Phones
from api.sign_in import Browser, Welcome


def phone_cookie_name(office: Office) -> str:
    """Return the name of the cookie by which a phone is known."""
    return f"{cookie_name(office)}-phone"


def source_of(request: Request) -> str:
    """Return the network address that a request comes from."""
    return network_of(request.client.host if request.client else "")


def browser_of(request: Request, office: Office, device_name: str) -> Browser:
    """Return the browser that sent a request. A known phone's connection does not give way from now on."""
    phone = request.cookies.get(phone_cookie_name(office))
    request.state.known_phone = Phones(office.store).is_anybodys(phone)
    return Browser(device=device_name.strip() or UNNAMED, source=source_of(request), phone=phone)


def set_cookies(office: Office, response: Response, welcome: Welcome) -> None:
    """Give the browser both cookies of a sign-in."""
    _set_cookie(office, response, cookie_name(office), welcome.token, ABSOLUTE_END_S)
    _set_cookie(office, response, phone_cookie_name(office), welcome.phone, KEPT_S)


def take_session_cookie(office: Office, response: Response) -> None:
    """Take the session's cookie away; the phone stays known."""
    _set_cookie(office, response, cookie_name(office), "", 0.0)


def _set_cookie(office: Office, response: Response, name: str, value: str, lasts_s: float) -> None:
    response.set_cookie(
        name, value, max_age=int(lasts_s), path="/", httponly=True, samesite="strict",
        secure=office.settings.api.tls is not None,
    )  # fmt: skip
