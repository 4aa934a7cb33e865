"""Whether this process answers, and what it can be asked: for machines, without a sign-in and without details.

And for people who are signed in: how the board and the parts of the gate were through the last days.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.responses import JSONResponse, Response

from api.auth import Permission, TheOffice
from api.calls import BASE, Call
from api.health_schemas import Days, HealthHistoryBody
from api.schemas import HealthBody

INTERFACE = Path(__file__).parents[1] / "openapi.json"
"""Written by `python -m api.openapi`."""


async def show_health() -> JSONResponse:
    """Tell that the process answers."""
    return JSONResponse({"status": "ok"})


async def show_health_history(office: TheOffice, days: Days = 1) -> JSONResponse:
    """Tell how the board is now, and how it and the parts of the gate were through the last days."""
    return JSONResponse(await office.health.tell(days))


async def show_interface() -> Response:
    """Return the OpenAPI 3.1 document of this interface."""
    return Response(await asyncio.to_thread(INTERFACE.read_bytes), media_type="application/json")


CALLS = (
    Call(method="GET", path="/healthz", base="", does=show_health, needs=Permission.PUBLIC, answers=HealthBody),
    Call(method="GET", path="/healthz", base=BASE, does=show_health, needs=Permission.PUBLIC, answers=HealthBody),
    Call(method="GET", path="/health/history", does=show_health_history, needs=Permission.SEE,
         answers=HealthHistoryBody),
    Call(method="GET", path="/api/openapi.json", base="", does=show_interface, needs=Permission.PUBLIC),
)  # fmt: skip
