"""Figures for monitoring, in the format of Prometheus: for programs on this machine, or with the token."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from api.auth import Permission, TheOffice
from api.calls import BASE, Call
from api.metrics import Gathered, exposition, free_bytes
from api.version import version

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def show_metrics(office: TheOffice) -> Response:
    """Return the gate, its parts, its storage and the requests of this server as figures."""
    settings = office.settings
    folders = {"state": settings.storage.state_dir, "media": settings.media_dir}
    gathered = Gathered(
        snapshot=office.live.snapshot, version=version(), last_seq=office.live.last_seq,
        streams={kind: office.streams.count(kind) for kind in ("events", "live")},
        free_bytes=await asyncio.to_thread(free_bytes, folders), certificate_ends_s=office.certificate_ends_s,
    )  # fmt: skip
    return Response(exposition(gathered, office.counts), media_type=MEDIA_TYPE)


_METRICS = Permission.METRICS

CALLS = (
    Call(method="GET", path="/metrics", base="", does=show_metrics, needs=_METRICS, media="text/plain"),
    Call(method="GET", path="/metrics", base=BASE, does=show_metrics, needs=_METRICS, media="text/plain"),
)
