"""The OpenAPI document is complete, true to its tables, and the same in the repository."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import cast

import jsonschema_rs
import pytest
from pydantic import BaseModel

from api.calls import Call
from api.examples import EXAMPLES, HEADERS, MEMBERS, PARAMETERS, REFUSAL
from api.openapi import EVERYWHERE, FILE, described, written
from api.problems import MEDIA_TYPE, TABLE
from api.routes import CALLS, SOCKETS
from api.schemas import Problem
from gate.model import Code

Node = dict[str, object]
DOCUMENT = cast("Node", json.loads(written()))
COMMAND = "python -m api.openapi"


def within(node: object, *names: str) -> Node:
    """Return an object inside an object."""
    for name in names:
        node = cast("Node", node)[name]
    return cast("Node", node)


def operation(call: Call) -> Node:
    return within(DOCUMENT, "paths", call.base + call.path, call.method.lower())


def label(call: Call) -> str:
    return f"{call.method} {call.base}{call.path}"


def parameters(of: Node) -> list[Node]:
    return cast("list[Node]", of.get("parameters", []))


def fits(value: object, schema: object) -> list[str]:
    """Return what is wrong with a value; references lead into the document's components."""
    whole = {"$ref": "#/here", "here": schema, "components": DOCUMENT["components"]}
    return [str(error.message) for error in jsonschema_rs.validator_for(whole).iter_errors(value)]


def closed(document: Node) -> Node:
    """Return the document without room for a field that it does not name."""
    shut = cast("Node", json.loads(json.dumps(document)))
    for schema in within(shut, "components", "schemas").values():
        if "properties" in cast("Node", schema):
            cast("Node", schema).setdefault("additionalProperties", False)
    return shut


def models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Return every body that is declared under `base`."""
    for model in base.__subclasses__():
        yield model
        yield from models(model)


def test_the_file_in_the_repository_is_this_document() -> None:
    """What is served is what `python -m api.openapi` writes; docs/ shows the same file."""
    assert FILE.read_text(encoding="utf-8") == written(), f"api/openapi.json is old: {COMMAND}"
    assert (FILE.parents[1] / "docs" / "openapi.json").resolve() == FILE


def test_the_file_goes_where_the_program_goes() -> None:
    """An installed program has no docs/; the file is data of its package."""
    told = tomllib.loads((FILE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert any(fnmatch(FILE.name, pattern) for pattern in told["tool"]["setuptools"]["package-data"]["api"])


def test_it_is_openapi_3_1_without_loose_ends() -> None:
    """Every reference leads somewhere, every name is used, no two calls share a name."""
    text = written()
    assert DOCUMENT["openapi"] == "3.1.0"
    for reference in set(re.findall(r'"#/components/([^"]+)"', text)):
        assert within(DOCUMENT, "components", *reference.split("/")) is not None
    names = re.findall(r'"operationId": "([^"]+)"', text)
    assert len(names) == len(set(names)) == len(CALLS) + len(SOCKETS)
    for kind in ("schemas", "examples"):
        for name in within(DOCUMENT, "components", kind):
            used = f'"#/components/{kind}/{name}"' in text
            assert used or (kind == "examples" and not any(name in call.all_problems() for call in CALLS)), name


@pytest.mark.parametrize("call", CALLS, ids=label)
def test_a_call_is_told_whole(call: Call) -> None:
    """Words, right, parameters with examples, an example of each body, every problem by code. Missing: named here."""
    told = operation(call)
    assert told["summary"]
    assert told["description"], "give the function a docstring"
    assert told["x-permission"] == call.needs.value
    assert bool(told["security"]) is (call.needs.value != "public")
    for parameter in parameters(told):
        assert {"description", "example"} <= parameter.keys(), f"{parameter['name']}: api/examples.py, PARAMETERS"
        assert fits(parameter["example"], parameter["schema"]) == []
    if "requestBody" in told:
        _example_fits(within(told, "requestBody", "content", "application/json"))
    answers = within(told, "responses")
    success = within(answers, str(call.status))
    if call.answers is not None:
        _example_fits(within(success, "content", "application/json"))
    for head in cast("dict[str, Node]", success.get("headers", {})).values():
        assert fits(head["example"], head["schema"]) == []
    for code in (*call.all_problems(), *EVERYWHERE):
        content = within(answers, str(TABLE[code].status), "content", MEDIA_TYPE)
        assert code in cast("list[str]", within(content, "schema", "properties", "code")["enum"])
        assert code in within(content, "examples")
    assert bool(call.refuses) is (Code.BEAM_BLOCKED in json.dumps(answers.get("409", {})))


def _example_fits(content: Node) -> None:
    name = str(within(content, "schema")["$ref"]).rpartition("/")[2]
    assert "example" in content, f"give {name} an example in api/examples.py, EXAMPLES"
    assert fits(content["example"], content["schema"]) == [], name


@pytest.mark.parametrize("socket", SOCKETS, ids=lambda socket: socket.path)
def test_a_websocket_is_told_as_its_handshake(socket: object) -> None:
    """101, and the problems of a handshake that is refused."""
    path = getattr(socket, "path", "")
    told = within(DOCUMENT, "paths", f"/api/v1{path}", "get")
    assert told["x-websocket"] is True
    assert {"101", "401", "403"} <= within(told, "responses").keys()
    for parameter in parameters(told):
        assert fits(parameter["example"], parameter["schema"]) == []


def test_the_examples_are_of_the_types_that_they_are_named_after() -> None:
    """Also where pydantic checks more than a schema can say; no field is invented, however deep."""
    known = {model.__name__: model for model in models(BaseModel) if model.__module__.startswith("api.")}
    components = closed(DOCUMENT)["components"]
    for name, example in EXAMPLES.items():
        assert known[name].model_validate(example)
        whole = {"$ref": f"#/components/schemas/{name}", "components": components}
        assert [str(one.message) for one in jsonschema_rs.validator_for(whole).iter_errors(example)] == [], name


def test_every_problem_has_an_example_that_is_one() -> None:
    """RFC 9457 with the words of the table; a refusal of the gate too."""
    for code, sort in TABLE.items():
        example = within(DOCUMENT, "components", "examples", code, "value")
        problem = Problem.model_validate(example)
        assert (problem.code, problem.status, problem.title) == (code, sort.status, sort.title)
    assert Problem.model_validate(REFUSAL).code in set(Code)
    assert MEMBERS.keys() <= TABLE.keys()


def test_nothing_is_explained_that_is_not_there() -> None:
    """A parameter, a body or a header that went away takes its words with it."""
    text = written()
    assert [name for name in PARAMETERS if f'"name": "{name}"' not in text.lower()] == []
    assert [name for name in EXAMPLES if f'"#/components/schemas/{name}"' not in text] == []
    assert sorted(HEADERS.keys() - {call.does.__name__ for call in CALLS}) == []


def test_the_document_holds_nothing_of_the_machine_that_wrote_it() -> None:
    """Made of tables alone: no address, no path, no name of a host; and made once."""
    assert described() is described()
    assert str(FILE.parents[1]) not in written()
    assert not re.search(r"localhost|127\.0\.0\.1", written())
