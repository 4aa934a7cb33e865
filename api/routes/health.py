"""Whether this process answers, and what it can be asked: for machines, without a sign-in and without details."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import JSONResponse

from api.auth import Permission
from api.calls import BASE, Call
from api.schemas import HealthBody


async def show_health() -> JSONResponse:
    """Tell that the process answers."""
    return JSONResponse({"status": "ok"})


async def show_interface(request: Request) -> JSONResponse:
    """Return the OpenAPI 3.1 document of this interface."""
    return JSONResponse(request.app.openapi())


CALLS = (
    Call(method="GET", path="/healthz", base="", does=show_health, needs=Permission.PUBLIC, answers=HealthBody),
    Call(method="GET", path="/healthz", base=BASE, does=show_health, needs=Permission.PUBLIC, answers=HealthBody),
    Call(method="GET", path="/api/openapi.json", base="", does=show_interface, needs=Permission.PUBLIC),
)
