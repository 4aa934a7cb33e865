"""The calls of the HTTP interface, one file a subject. Each file ends with its table."""

from api.calls import Call, SocketCall
from api.routes import (
    camera,
    diary,
    events,
    evidence,
    gate,
    health,
    holds,
    journal,
    metrics,
    passkeys,
    push,
    session,
    timetable,
    trust,
    users,
    yard,
)

# In the order in which they are looked through: what every phone asks for all the time stands first.
CALLS: tuple[Call, ...] = (
    *gate.CALLS, *session.CALLS, *passkeys.CALLS, *timetable.CALLS, *journal.CALLS, *camera.CALLS,
    *events.CALLS, *diary.CALLS, *holds.CALLS, *evidence.CALLS, *users.CALLS, *yard.CALLS, *health.CALLS,
    *metrics.CALLS, *trust.CALLS, *push.CALLS,
)  # fmt: skip

SOCKETS: tuple[SocketCall, ...] = camera.SOCKETS
