"""Evidence: what happened, handed over in one package that a third party can check."""

from __future__ import annotations

import uuid

from starlette.responses import JSONResponse

from api import evidence
from api.auth import Permission, SignedIn, TheOffice
from api.calls import Call
from api.evidence_schemas import EvidenceAskedBody, EvidenceList, EvidenceRequest
from api.evidence_stream import EvidenceStream


async def ask_for_evidence(body: EvidenceRequest, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Choose what is to be handed over, and hold it. The package can be taken once, within an hour."""
    return JSONResponse(await evidence.ask(office, session, body), status_code=201)


async def take_evidence(evidence_id: uuid.UUID, session: SignedIn, office: TheOffice) -> EvidenceStream:
    """Send the package, a ZIP. Who takes it is journalled before the first byte leaves."""
    return EvidenceStream(office, session, str(evidence_id))


async def list_evidence(session: SignedIn, office: TheOffice) -> JSONResponse:
    """List what was asked for and taken, newest first."""
    key = await evidence.fingerprint(office)
    return JSONResponse({"items": [*evidence.listed(office, session)], "key": key})


_EVIDENCE = Permission.EVIDENCE
_MAKING = ("evidence_key_unusable", "gate_down", "journal_unavailable", "storage_failed")

CALLS = (
    Call(method="GET", path="/evidence", does=list_evidence, needs=_EVIDENCE, answers=EvidenceList,
         problems=("evidence_key_unusable", "storage_failed")),
    Call(method="POST", path="/evidence", does=ask_for_evidence, needs=_EVIDENCE, answers=EvidenceAskedBody, status=201,
         fresh=True, problems=("no_such_event", "evidence_empty", "evidence_too_large", *_MAKING)),
    Call(method="GET", path="/evidence/{evidence_id}.zip", does=take_evidence, needs=_EVIDENCE, media="application/zip",
         fresh=True, problems=("invalid_request", "no_such_evidence", "evidence_over", "evidence_busy",
                               "too_many_streams", *_MAKING)),
)  # fmt: skip
