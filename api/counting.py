"""What the server counts of its own work, for monitoring: requests by route and status, and how soon each was answered.

Labels are few on purpose: the route as it is declared, never the address that was asked for, so that a stranger can't
grow the table. One of `GET /gate/events` counts when its stream begins.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Scope

PAGE = "page"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Counts:
    """Counters of one process. `registry` holds them; api/metrics.py adds what the gate says."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # not annotated there; when each series began doubles the text and nobody asks for it
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "antt_gate_http_requests", "Requests that were answered.", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self._took = Histogram(
            "antt_gate_http_request_duration_seconds", "Time until the answer began.", ("route",),
            buckets=BUCKETS_S, registry=self.registry,
        )  # fmt: skip

    def answered(self, scope: Scope, status: int, took_s: float) -> None:
        """Count one request whose answer begins with this status."""
        route = route_of(scope)
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._took.labels(route).observe(took_s)


def route_of(scope: Scope) -> str:
    """Return the declared path that a request was for; the page's own files, and what is nowhere, are one."""
    route: BaseRoute | None = scope.get("route")
    return route.path if isinstance(route, Route | WebSocketRoute) else PAGE
