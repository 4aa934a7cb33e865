"""The application: routes, guards and problems put together.

Who may do what stands in auth.py and in the tables of the routes.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import Depends, FastAPI, Request
from starlette.responses import Response

from api import problems
from api.accounts import AccountsError
from api.auth import only_guarded
from api.calls import register
from api.clock import Clock
from api.office import Office, office_of, open_office, running
from api.page import Page
from api.problems import ProblemError
from api.routes import CALLS, SOCKETS
from api.shield import Shield
from api.version import version
from config.schema import Settings

REALTIME = Clock()


def create_app(settings: Settings, clock: Clock = REALTIME) -> FastAPI:
    """Build the application of one gate. Raises `AccountsError` where accounts.db can't be opened.

    Its lifespan connects to the gate and stops what runs by itself. To be called in the thread of the event loop.
    """
    office = open_office(settings, clock)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with running(office):
            yield

    app = FastAPI(
        title="antt-gate", version=version(), lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False, dependencies=[Depends(only_guarded)],
    )  # fmt: skip
    app.state.office = office
    app.add_middleware(Shield, tls=settings.api.tls is not None, answered=office.counts.answered)
    problems.install(app)
    app.add_exception_handler(AccountsError, _of_accounts)
    register(app, CALLS, SOCKETS)
    app.mount("/", Page(), name="page")
    return app


def office_in(app: FastAPI) -> Office:
    """Return what the routes of `app` work with."""
    office = app.state.office
    if not isinstance(office, Office):
        raise TypeError("not an application of create_app")
    return office


async def _of_accounts(request: Request, error: Exception) -> Response:
    if isinstance(error, AccountsError):
        office_of(request).notice(error)
    return ProblemError("storage_failed", str(error)).response()
