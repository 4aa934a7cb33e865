"""What holds for every request and every answer: limits, headers, problems, the page's files."""

from __future__ import annotations

import concurrent.futures
import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import Request

from api.auth import EXTENSION, GuardedRoute, Permission
from api.page import WEB, files
from api.problems import TABLE
from tests.api.conftest import Served, key

COMMANDS = "/api/v1/gate/commands"


def raw(served: Served, request: bytes, timeout_s: float = 5.0) -> bytes:
    """Send bytes as they are and return what comes back."""
    address = urlsplit(served.base)
    assert address.hostname
    assert address.port
    answer = b""
    with socket.create_connection((address.hostname, address.port), timeout_s) as link:
        link.sendall(request)
        while part := link.recv(65536):
            answer += part
            if b"\r\n\r\n" in answer and b"keep" not in request:
                break
    return answer


def test_a_body_of_a_megabyte_is_refused_and_nothing_moves(served: Served, operator: httpx.Client) -> None:
    """413, announced or in chunks; the answer arrives although the client is still sending."""
    big = b'{"command": "open", "reason": "' + b"x" * 1_000_000 + b'"}'
    headers = {**key(), "Content-Type": "application/json"}
    announced = operator.post(COMMANDS, content=big, headers=headers)
    chunked = operator.post(COMMANDS, content=iter([big[:500_000], big[500_000:]]), headers=headers)
    for answer in (announced, chunked):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert operator.get("/api/v1/session").status_code == 200
    assert served.wishes == []


def test_headers_have_a_limit(served: Served) -> None:
    """16 KiB: more is refused as a problem, whether it ends or not; nothing of it is kept, nothing moves."""
    start = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-"
    assert raw(served, start + b"Big: " + b"a" * 16_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    for large in (b"a" * 20_000, b"a" * 17_000 + b"\r\n\r\n", b"a" * 100_000 + b"\r\n\r\n"):
        answer = raw(served, start + b"keep: " + large)  # read to the end
        assert answer.startswith(b"HTTP/1.1 431"), len(large)
        assert b"headers_too_large" in answer
        assert b"default-src 'self'" in answer
    address = b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    assert raw(served, address).startswith(b"HTTP/1.1 431")
    socket_of_page = b"GET /api/v1/camera/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    keys = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Big: "
    lines = b"\r\n".join([b"a" * 6_000, b"X-2: " + b"a" * 6_000, b"X-3: " + b"a" * 6_000])
    assert raw(served, socket_of_page + keys + lines + b"\r\n\r\n").startswith(b"HTTP/1.1 431")
    assert raw(served, socket_of_page + keys + b"a" * 17_000 + b"\r\n\r\n") == b"", "a line that no handshake may have"


def test_every_answer_keeps_a_browser_safe(served: Served, operator: httpx.Client) -> None:
    """CSP without inline code or frames, no sniffing, no referrer, nothing cached; no word about the server's make."""
    for client, path in (
        (operator, "/api/v1/session"), (served.anybody(), "/api/v1/session"), (served.anybody(), "/nothing-here"),
        (operator, "/api/v1/camera/snapshot.jpg"), (served.anybody(), "/healthz"),
    ):  # fmt: skip
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Server" not in answer.headers


def test_every_wrong_address_or_method_is_a_problem(served: Served, operator: httpx.Client) -> None:
    """RFC 9457 throughout, with the stable code of the table."""
    for method, path, code in (
        ("GET", "/api/v1/nothing", "not_found"), ("GET", "/api/v2/gate", "not_found"),
        ("GET", "/..%2f..%2fetc%2fpasswd", "not_found"), ("PUT", "/api/v1/gate", "method_not_allowed"),
        ("DELETE", "/api/v1/gate/commands", "method_not_allowed"), ("POST", "/app.js", "method_not_allowed"),
    ):  # fmt: skip
        answer = operator.request(method, path)
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"] == code, path
        assert problem["status"] == answer.status_code == TABLE[code].status
        assert problem["type"] == f"urn:antt-gate:problem:{code}"
        assert problem["title"]
        assert problem["remedy"]


def test_a_fault_of_ours_shows_no_insides(
    served: Served, operator: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """500 internal_error; the reason stands in the log once, not in the answer."""

    async def stumble(request: Request) -> None:
        raise RuntimeError(f"secret {request.method}")

    extra = {EXTENSION: Permission.SEE.value}
    served.app.router.routes.insert(0, GuardedRoute("/stumble", stumble, methods=["GET"], openapi_extra=extra))
    answer = operator.get("/stumble")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert [record.exc_info is not None for record in caplog.records if "/stumble" in record.message] == [True]


def test_odd_requests_never_break_it(served: Served, operator: httpx.Client) -> None:
    """Malformed requests get an answer or a closed connection; the next good one is served."""
    for odd in (
        b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /api/v1/session HTTP/1.1\r\n\r\n",
        b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /api/v1/events/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):  # fmt: skip
        assert not raw(served, odd).startswith(b"HTTP/1.1 5"), odd
    assert operator.get("/api/v1/session").status_code == 200


def test_slow_clients_hold_nobody(served: Served, operator: httpx.Client) -> None:
    """Fifty connections that never finish their request: the officer is served at once."""
    address = urlsplit(served.base)
    assert address.hostname
    assert address.port
    slow = [socket.create_connection((address.hostname, address.port)) for _ in range(50)]
    for link in slow:
        link.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        answer = threads.submit(operator.post, COMMANDS, json={"command": "stop"}, headers=key()).result(2)
    assert answer.status_code == 202
    for link in slow:
        link.close()


@pytest.mark.skipif(not (WEB / "index.html").exists(), reason="the page is not there yet")
def test_the_page_is_served_with_right_types_and_asked_again(served: Served) -> None:
    """index.html at /, modules as text/javascript, ETag and 304; without a session, as it holds no secret."""
    client = served.anybody()
    front = client.get("/")
    assert front.headers["Content-Type"].startswith("text/html")
    assert front.headers["Cache-Control"] == "no-cache"
    again = client.get("/", headers={"If-None-Match": front.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json",
             ".webmanifest": "application/manifest+json", ".png": "image/png"}  # fmt: skip
    for name, file in files().items():
        answer = client.get(f"/{name}")
        assert answer.headers["Content-Type"].partition(";")[0] == types.get(Path(name).suffix, "text/html"), name
        assert answer.content == file.plain
        if Path(name).suffix in {".svg", ".png", ".html"}:
            assert answer.content == (WEB / name).read_bytes()
        if Path(name).suffix in {".json", ".webmanifest"}:
            assert answer.json() == json.loads((WEB / name).read_bytes())
    written = {file.relative_to(WEB).as_posix() for file in WEB.rglob("*") if file.suffix in types.keys() - {".js"}}
    assert written <= files().keys()


def test_the_page_is_served_while_the_gate_process_is_dead(served_alone: Served) -> None:
    """The officer sees that the gate is away, not that the page is."""
    client = served_alone.anybody()
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/").status_code == (200 if (WEB / "index.html").exists() else 404)
