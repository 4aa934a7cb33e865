"""Every call against its own description (schemathesis): whatever is sent, the answer is one that the document names.

The examples, the edges of each field from within and from without, and a few random bodies, the same in every run; the
campaign draws new ones. Sent by somebody with every right, to a gate that has something to show.
"""

from __future__ import annotations

import json
import os
import re
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.examples import COMMAND_ID, EVENT_ID
from gate.client import new_id
from gate.model import Command, JsonObject, Kind, Role
from gate.server import Wish
from tests.api.conftest import Served, settings_in
from tests.api.test_camera import put_picture
from tests.api.test_openapi import DOCUMENT, closed
from tests.fakes import FakeGate

SEARCH = os.environ.get("HYPOTHESIS_PROFILE") == "search"
RANDOM_CASES = 200 if SEARCH else 2
AnyCase = schemathesis.Case[Any]
SIGNED_OUT = 401
TOO_FAST = 429

BEYOND_A_SCHEMA = {
    "PUT /api/v1/timetable", "POST /api/v1/timetable/preview", "POST /api/v1/passkeys", "PUT /api/v1/push/phone",
}  # fmt: skip
"""What fits the schema may still be refused: rules between the fields of a period, what a device signed, its keys."""


def in_python(schema: str) -> str:
    """Return the document with its patterns in Python's own words, which know no categories such as Cc."""
    # What we name lies here; a half of a character, which we name too, stands in no text that could be sent.
    planes = (*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1000))

    @cache
    def of(category: str) -> str:
        of_category = {code for code in planes if unicodedata.category(chr(code)) == category}
        firsts = sorted(code for code in of_category if code - 1 not in of_category)
        lasts = sorted(code for code in of_category if code + 1 not in of_category)
        spans = (f"{chr(first)}-{chr(last)}" for first, last in zip(firsts, lasts, strict=True))
        return "".join(json.dumps(span)[1:-1] for span in spans)

    return re.sub(r"\\\\p\{(\w+)\}", lambda found: of(found[1]), schema)


interface = schemathesis.openapi.from_dict(json.loads(in_python(json.dumps(closed(DOCUMENT)))))
interface.config.generation.update(modes=[*schemathesis.GenerationMode], with_security_parameters=False)
# tests/api/test_walk.py tries every method, and every call without a session.
interface.config.phases.coverage.unexpected_methods = set()
interface.config.checks.ignored_auth.enabled = False


@dataclass(kw_only=True)
class Fuzzer:
    """Sends a case as somebody with every right; signs in again where a case ended the session or was too fast."""

    page: Served
    client: httpx.Client
    token: str = ""

    def sign_in(self) -> None:
        with self.page.accounts() as accounts:
            self.token, _ = accounts.open_session("everything", "test", time.time())

    def send(self, case: AnyCase) -> schemathesis.Response:
        """Return the answer; of a stream that does not end, its beginning."""
        if "snapshot" in case.operation.path:
            put_picture(self.page.settings.storage.state_dir)
        told = case.as_transport_kwargs(base_url=self.page.base)
        parts = ("method", "url", "headers", "data", "json", "params")
        prepared = requests.Request(**{part: told.get(part) for part in parts}).prepare()
        if prepared.headers.get("Idempotency-Key") == COMMAND_ID:
            prepared.headers["Idempotency-Key"] = new_id()
        answer = self._sent(prepared)
        if answer.status_code in {SIGNED_OUT, TOO_FAST}:
            self.sign_in()
            answer = self._sent(prepared)
        return schemathesis.Response(
            status_code=answer.status_code, headers={name: [value] for name, value in answer.headers.items()},
            content=answer.content, request=prepared, elapsed=0.0, verify=False,
        )  # fmt: skip

    def _sent(self, prepared: requests.PreparedRequest) -> httpx.Response:
        headers = [(_bytes(name), _bytes(value)) for name, value in prepared.headers.items()]
        headers.append((b"Cookie", f"antt={self.token}".encode()))
        headers.append((b"Host", f"localhost:{self.client.base_url.port}".encode()))
        body = prepared.body if isinstance(prepared.body, str | bytes) else None
        request = httpx.Request(str(prepared.method), str(prepared.url), headers=headers, content=body)
        answer = self.client.send(request, stream=True)
        if "text/event-stream" in answer.headers.get("content-type", ""):
            beginning = next(answer.iter_raw())
            answer.close()
            return httpx.Response(answer.status_code, headers=answer.headers, content=beginning)
        answer.read()
        return answer


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzer]:
    """Serve a named page of a gate with an officer, a command and an event that are called as in the examples."""
    folder = tmp_path_factory.mktemp("fuzz")
    with FakeGate(folder) as gate:
        page = Served(settings=settings_in(folder, 'api.domain="localhost"'), gate=gate)
        page.start()
        happen(gate, page.settings.media_dir)
        page.person(Role.OPERATOR, name="lan")
        sender = Fuzzer(page=page, client=page.person(*Role, name="everything"))
        sender.sign_in()
        yield sender
        page.stop()


def happen(gate: FakeGate, media: Path) -> None:
    """Let the event and the command of the examples happen."""
    wish = {"command_id": COMMAND_ID, "command": Command.OPEN, "by": {"type": "person", "id": "lan", "name": "Lan"}}
    gate.request(Wish.model_validate(wish))
    (media / "2026-11-21").mkdir(parents=True)
    clip, thumbnail = f"2026-11-21/{EVENT_ID}.mp4", f"2026-11-21/{EVENT_ID}.jpg"
    (media / clip).write_bytes(bytes(2048))
    (media / thumbnail).write_bytes(b"\xff\xd8picture")
    gate.write(Kind.MOTION_STARTED, {"event_id": EVENT_ID, "source": "scene", "zones": ["gateway"], "thumbnail": None})
    gate.write(Kind.MOTION_ENDED, {"event_id": EVENT_ID, "zones": ["gateway"], "duration_s": 4.5, "peak_area": 0.1})
    saved: JsonObject = {
        "event_id": EVENT_ID, "cause": "motion", "clip": clip, "thumbnail": thumbnail, "duration_s": 14.5,
        "pre_roll_s": 5.0, "bytes": 2048, "width": 1280, "height": 720, "codec": "avc1.42E01E", "sha256": "5e" * 32,
    }  # fmt: skip
    gate.write(Kind.CLIP_SAVED, saved)


@interface.parametrize()
@settings(max_examples=RANDOM_CASES, deadline=None, suppress_health_check=[*HealthCheck])
def test_every_answer_is_one_that_the_document_names(case: AnyCase, fuzzer: Fuzzer) -> None:
    """No 5xx, no status, code, field or type that is not documented; the wrong refused, the right not."""
    excluded: list[schemathesis.CheckFunction] = (
        [positive_data_acceptance] if case.operation.label in BEYOND_A_SCHEMA else []
    )
    case.validate_response(fuzzer.send(case), excluded_checks=excluded)
