"""Whether this process answers, and what it can be asked: for machines, without a sign-in and without details."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.responses import JSONResponse, Response

from api.auth import Permission
from api.calls import BASE, Call
from api.schemas import HealthBody

INTERFACE = Path(__file__).parents[1] / "openapi.json"
"""Written by `python -m api.openapi`."""


async def show_health() -> JSONResponse:
    """Tell that the process answers."""
    return JSONResponse({"status": "ok"})


async def show_interface() -> Response:
    """Return the OpenAPI 3.1 document of this interface."""
    return Response(await asyncio.to_thread(INTERFACE.read_bytes), media_type="application/json")


CALLS = (
    Call(method="GET", path="/healthz", base="", does=show_health, needs=Permission.PUBLIC, answers=HealthBody),
    Call(method="GET", path="/healthz", base=BASE, does=show_health, needs=Permission.PUBLIC, answers=HealthBody),
    Call(method="GET", path="/api/openapi.json", base="", does=show_interface, needs=Permission.PUBLIC),
)
