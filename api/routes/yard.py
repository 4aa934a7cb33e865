"""The simulated yard: what is true in it, and a maintainer's hand on it.

Only in simulation: a real gate answers `not_simulated` and asks nobody. What the yard knows stands in gate/world.py;
here its words are passed on as they are.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from api.auth import Permission, TheOffice
from api.calls import Call
from api.gate_schemas import YardBody
from api.office import Office, ask_gate
from api.problems import ProblemError, problem_response, refusal_document
from api.schemas import YardRequest
from gate.client import RequestRefusedError

SHOW = YardRequest(action="show")


async def _ask_yard(office: Office, order: YardRequest) -> Response:
    """Return what is true after `order`, or the yard's refusal. Raises `not_simulated` and `gate_down`."""
    if not office.settings.simulated:
        raise ProblemError("not_simulated")
    try:
        return JSONResponse(await ask_gate(office, "yard", action=order.action, arguments=order.arguments))
    except RequestRefusedError as error:
        said = " ".join((order.action, *order.arguments))
        return problem_response(refusal_document(error.problem, said))


async def show_yard(office: TheOffice) -> Response:
    """Tell what is true in the simulated yard, whatever its sensors say."""
    return await _ask_yard(office, SHOW)


async def order_yard(body: YardRequest, office: TheOffice) -> Response:
    """Send somebody through the simulated yard, or switch one of its faults on or off; answers what is true then."""
    return await _ask_yard(office, body)


_PROBLEMS = ("not_simulated", "gate_down")

CALLS = (
    Call(method="GET", path="/yard", does=show_yard, needs=Permission.YARD, answers=YardBody, problems=_PROBLEMS,
         refuses=True),
    Call(method="POST", path="/yard", does=order_yard, needs=Permission.YARD, answers=YardBody, problems=_PROBLEMS,
         refuses=True),
)  # fmt: skip
