"""`python -m tests.bench.bare`: one FastAPI route and nothing else, until its stdin closes. It prints its address.

What a framework and its server cost without a gate, a guard or a header of ours: the measure for `GET /gate`.
"""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from fastapi import FastAPI

from gate.client import parent_is_gone

ANSWER = {"state": "closed"}


def create_bare() -> FastAPI:
    """Return an application with one route at the address of `GET /gate`."""
    app = FastAPI(openapi_url=None)

    @app.get("/api/v1/gate")
    async def show() -> dict[str, str]:
        return ANSWER

    return app


async def main() -> None:
    """Serve as the page's server does: one worker, h11, asyncio's own loop."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(create_bare(), http="h11", loop="asyncio", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        await parent_is_gone()
        server.should_exit = True
        await serving


if __name__ == "__main__":
    asyncio.run(main())
