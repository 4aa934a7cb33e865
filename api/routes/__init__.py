"""The calls of the HTTP interface, one file a subject. Each file ends with its table."""

from api.calls import Call, SocketCall
from api.routes import camera, events, gate, health, journal, session, users, yard

CALLS: tuple[Call, ...] = (
    *session.CALLS, *gate.CALLS, *journal.CALLS, *camera.CALLS, *events.CALLS, *users.CALLS, *yard.CALLS,
    *health.CALLS,
)  # fmt: skip

SOCKETS: tuple[SocketCall, ...] = camera.SOCKETS
