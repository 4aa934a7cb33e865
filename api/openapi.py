"""The OpenAPI 3.1 document of the interface, as it stands in `openapi.json` beside this and under docs/.

It is made from the tables of the routes alone, so that no call can be missing: types from the signatures, problems from
`Call.all_problems`, words from docstrings, examples from examples.py. Nothing in it depends on a gate's configuration.

- Each status of a call names the codes that it may carry, each with an example; the schema allows no other.
- `x-permission` is the right that a call needs. A WebSocket stands as the GET of its handshake, with `x-websocket`.
- `EVERYWHERE` may happen to any request.

`python -m api.openapi` writes the file; a test compares it. The running process serves the file and imports nothing of
this: to make the document takes a second or more on a small Raspberry Pi, and a stop would wait.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.auth import Permission
from api.calls import BASE, Call, SocketCall, register
from api.examples import EXAMPLES, HEADERS, MEMBERS, PARAMETERS, REFUSAL, Head
from api.problems import MEDIA_TYPE, REFUSED, TABLE, document
from api.routes import CALLS, SOCKETS
from api.schemas import Problem
from api.version import version
from gate.model import Code, Json, JsonObject

Node = dict[str, object]
FILE = Path(__file__).with_name("openapi.json")
EVERYWHERE = ("headers_too_large", "body_too_large", "body_too_slow", "internal_error")
SIGNED_IN = ("storage_failed",)
HANDSHAKE = ("invalid_request", "not_found")
COOKIES = {"cookie": "antt", "cookie_on_tls": "__Host-antt"}
WORDS = """The gate of one village: its state, its commands, what was recorded of it, and who may use it.

docs/api.md tells what each call is for. Every answer from 400 on is an RFC 9457 problem with a stable `code`. A session
is a cookie; what changes something must be JSON and come from the gate's own page or from a program that sends no
Origin."""


@cache
def described() -> JsonObject:
    """Return the document; made once. Nobody may change what is returned."""
    drawn = _drawn(CALLS, SOCKETS)
    for call in (*CALLS, *(_as_call(one) for one in SOCKETS)):
        complete(_in(drawn, "paths", call.base + call.path, call.method.lower()), call)
    for name, schema in _in(drawn, "components", "schemas").items():
        if name in EXAMPLES:
            cast("Node", schema)["examples"] = [EXAMPLES[name]]
    return cast("JsonObject", drawn)


def written() -> str:
    """Return the document as the file holds it."""
    return json.dumps(described(), ensure_ascii=False, indent=1) + "\n"


def _drawn(calls: Iterable[Call], sockets: Iterable[SocketCall]) -> Node:
    """Return what FastAPI says of the routes, with what holds for all of them."""
    bare = FastAPI()
    register(bare, (*calls, *(_as_call(one) for one in sockets)), ())
    drawn: Node = get_openapi(
        title="antt-gate", version=version(), routes=bare.routes, description=WORDS, servers=[{"url": "/"}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"}, tags=_tags(calls),
    )  # fmt: skip
    shape(drawn)
    components = _in(drawn, "components")
    _, ours = models_json_schema([(Problem, "validation")], ref_template="#/components/schemas/{model}")
    schemas = _in(components, "schemas")
    shape(ours)
    schemas.update(ours["$defs"])
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own; ours is Problem
        schemas.pop(name, None)
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {
        scheme: {"type": "apiKey", "in": "cookie", "name": name} for scheme, name in COOKIES.items()
    } | {"token": {"type": "http", "scheme": "bearer"}}
    components["examples"] = {code: {"value": example_of(code)} for code in sorted(TABLE)} | {
        "a_refusal_of_the_gate": {"value": REFUSAL}
    }
    return drawn


def _tags(calls: Iterable[Call]) -> list[Node]:
    """Return a tag for each file of routes, with the first line of what the file says of itself."""
    modules = dict.fromkeys(call.does.__module__ for call in calls)
    return [{"name": name.rpartition(".")[2], "description": _thought(import_module(name))[0]} for name in modules]


def _as_call(socket: SocketCall) -> Call:
    """Return the handshake of a WebSocket as the GET that it is. Without an upgrade there is nothing at its address."""
    return Call(method="GET", path=socket.path, does=socket.does, needs=socket.needs, problems=HANDSHAKE, status=101)


def shape(node: object) -> None:
    """Drop what depends on the version of a library: made-up titles, and whole numbers written as fractions."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str) and node.keys() & {"type", "anyOf", "$ref", "enum", "allOf", "const"}:
            del node["title"]
        for name, value in node.items():
            if isinstance(value, float) and value.is_integer() and name in {"minimum", "maximum"}:
                node[name] = int(value)
            shape(value)
    elif isinstance(node, list):
        for value in node:
            shape(value)


def complete(operation: Node, call: Call) -> None:
    """Say everything of one call."""
    summary, description = _thought(call.does)
    operation["summary"], operation["description"] = summary.rstrip("."), description
    operation["operationId"] = call.does.__name__ + ("" if call.base == BASE else "_at_root")
    if call.status == HTTPStatus.SWITCHING_PROTOCOLS:
        operation["x-websocket"] = True
    operation["security"] = _security(call)
    for parameter in cast("list[Node]", operation.get("parameters", [])):
        _describe(parameter)
    _complete_body(operation)
    can_be_wrong = any(map(_can_be_wrong, cast("list[Node]", operation.get("parameters", []))))
    operation["responses"] = {
        str(call.status): _success(call),
        **({"206": _part(call)} if "range_not_satisfiable" in call.problems else {}),
        **_failures(call, (*(("invalid_request",) if can_be_wrong else ()), *_always(call))),
    }


def _security(call: Call) -> list[Node]:
    """Return what opens this call: a session, the token of a program, or nothing."""
    if call.needs is Permission.PUBLIC:
        return []
    return [{"token": []}] if call.needs is Permission.METRICS else [{scheme: []} for scheme in COOKIES]


def _always(call: Call) -> tuple[str, ...]:
    by_session = call.needs not in {Permission.PUBLIC, Permission.METRICS}
    return (*EVERYWHERE, *SIGNED_IN) if by_session else EVERYWHERE


def _describe(parameter: Node) -> None:
    """Add what PARAMETERS knows of it."""
    known = PARAMETERS.get(str(parameter["name"]).lower())
    if known is None:
        return
    parameter["description"] = known.description
    parameter["example"] = known.example
    if known.required is not None:
        parameter["required"] = known.required
    if known.schema is not None:
        parameter["schema"] = dict(known.schema)


def _can_be_wrong(parameter: Node) -> bool:
    """Tell whether some text is none of its values."""
    schema = cast("Node", parameter["schema"])
    return schema.get("type") != "string" or bool(schema.keys() & {"pattern", "format", "enum", "maxLength"})


def _complete_body(operation: Node) -> None:
    if "requestBody" not in operation:
        return
    content = _in(operation, "requestBody", "content", "application/json")
    name = str(_in(content, "schema").get("$ref", "")).rpartition("/")[2]
    if name in EXAMPLES:
        content["example"] = EXAMPLES[name]


def _success(call: Call) -> Node:
    answer: Node = {"description": HTTPStatus(call.status).phrase}
    if call.answers is not None:
        name = call.answers.__name__
        content: Node = {"schema": {"$ref": f"#/components/schemas/{name}"}}
        if name in EXAMPLES:
            content["example"] = EXAMPLES[name]
        answer["content"] = {"application/json": content}
    elif call.media is not None:
        answer["content"] = {call.media: {"schema": _schema_of_media(call.media)}}
    elif call.status == HTTPStatus.OK:
        answer["content"] = {"application/json": {"schema": {"type": "object"}}}
    if heads := HEADERS.get(call.does.__name__):
        answer["headers"] = _heads(heads)
    return answer


def _schema_of_media(media: str) -> Node:
    return {"type": "string"} if media.startswith("text/") else {"type": "string", "contentMediaType": media}


def _part(call: Call) -> Node:
    part = _success(call)
    part["description"] = HTTPStatus.PARTIAL_CONTENT.phrase
    _in(part, "headers")["Content-Range"] = {
        "description": "Which bytes of how many.", "schema": {"type": "string"}, "example": "bytes 0-1023/2310144"
    }  # fmt: skip
    return part


def _failures(call: Call, more: tuple[str, ...]) -> dict[str, Node]:
    """Return the problems of a call by status, each with the codes that it may carry."""
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys((*call.all_problems(), *more)):
        by_status.setdefault(TABLE[code].status, []).append(code)
    if call.refuses:
        by_status.setdefault(REFUSED, [])
    return {str(status): _failure(call, status, codes) for status, codes in sorted(by_status.items())}


def _failure(call: Call, status: int, codes: list[str]) -> Node:
    examples: Node = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    described = ", ".join(codes)
    refused = call.refuses and status == REFUSED
    if refused:
        described = "; ".join(filter(None, (described, "or the gate refused, with one of its own codes")))
        examples["a_refusal_of_the_gate"] = {"$ref": "#/components/examples/a_refusal_of_the_gate"}
    allowed = [*codes, *(code.value for code in Code)] if refused else codes
    schema = {"$ref": "#/components/schemas/Problem", "properties": {"code": {"enum": allowed}}}
    failure: Node = {"description": described, "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}}}
    if "rate_limited" in codes:
        failure["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}, "example": 4}
        }
    return failure


def _heads(heads: Mapping[str, Head]) -> Node:
    return {
        name: {"description": head.description, "schema": head.schema, "example": head.example}
        for name, head in heads.items()
    }


def example_of(code: str) -> JsonObject:
    """Return a problem document with this code."""
    sort = TABLE[code]
    more: Mapping[str, Json] = MEMBERS.get(code, {})
    return document(code, sort.status, sort.title, sort.title, sort.remedy, **more)


def _thought(told: object) -> tuple[str, str]:
    """Return the first line of a docstring, and all of it."""
    text = "\n".join(line.strip() for line in (told.__doc__ or "").strip().splitlines())
    return text.partition("\n")[0], text


def _in(node: Node, *names: str) -> Node:
    """Return an object inside an object."""
    for name in names:
        node = cast("Node", node.setdefault(name, {}))
    return node


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
