"""Five hundred ways to send a request that is none, as bytes: the same in every run, each with a name.

They are raw bytes, because no client library would send them. `all_kinds` takes the cookie of somebody who may do
everything, so that bodies get as far as they can.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

LINE = b"\r\n"
COMMAND = b"POST /api/v1/gate/commands HTTP/1.1"
PATHS = (
    b"", b"*", b"gate", b"//", b"//evil.example/api/v1/gate", b"/api/v1/gate\\..", b"/../../etc/passwd",
    b"/%2e%2e/%2e%2e/etc/passwd", b"/..%2f..%2fetc%2fpasswd", b"/%c0%ae%c0%ae/x", b"/%00", b"/api/v1/gate%00.html",
    b"/%", b"/%zz", b"/%ff%fe", b"/\xff\xfe", b"/api/v1/gate#x", b"/api/v1/gate?", b"/api/v1/gate??a==&&b",
    b"/api/v1/gate?" + b"a=1&" * 3000, b"/" + b"a/" * 4000, b"http://evil.example/api/v1/gate", b"https://",
    b"evil.example:443", b"/api/v1/gate ;x", b"/api//v1//gate", b"/API/V1/GATE", b"/api/v1/gate/", b"/api/v1/gate/.",
    b"/api/v1/events/%2e%2e%2f", b"/api/v1/events/" + b"9" * 5000, b"/api/v1/events/%F0%9F%9A%AA",
    b"/api/v1/gate/commands/%0d%0aX-Bad:%20y", b"/api/v1/users/%00/pairing", b"/api/v1/events?day=0",
    b"/api/v1/events?day=9999-99-99", b"/api/v1/events?day=0000-00-00", b"/api/v1/events?limit=-1",
    b"/api/v1/events?limit=1e9", b"/api/v1/events?before=" + b"9" * 400, b"/api/v1/journal?after=NaN",
    b"/api/v1/journal?since=%00", b"/api/v1/journal?since=2026-11-21T25:61:61Z", b"/api/v1/journal?until=-1",
    b"/api/v1/journal?kind=%27%20OR%201%3D1", b"/api/v1/journal?kind=" + b"a," * 2000, b"/api/v1/journal?limit=0x10",
    b"/api/v1/gate/events?last_event_id=-1", b"/api/v1/gate/events?last_event_id=%F0%9D%9F%8F",
    b"/api/v1/camera/live?fps=inf", b"/api/v1/camera/live?format[]=h264", b"/web/../app.py", b"/index.html%00.js",
    b"/.git/config",
)  # fmt: skip
METHODS = (
    b"", b"get", b"G E T", b"GET\t", b"\x00", b"GET\x00", b"\xc4\x90", b"PRI", b"CONNECT", b"TRACE", b"M-SEARCH",
    b"DESCRIBE", b"A" * 300, b"A" * 20_000, b"{", b"<script>",
)  # fmt: skip
VERSIONS = (
    b"", b"HTTP", b"HTTP/", b"HTTP/0.9", b"HTTP/1", b"HTTP/1.", b"HTTP/1.2", b"HTTP/2", b"HTTP/2.0", b"HTTP/9.9",
    b"HTTP/1.1.1", b"http/1.1", b"HTTP/-1.1", b"HTTP/1.1 x", b"HTTPS/1.1", b"HTTP/1,1", b"RTSP/1.0", b"SIP/2.0",
    b"HTTP/1.1\x00", b"\xff",
)  # fmt: skip
HEADERS = (
    b"", b":", b": x", b"X", b"X y", b" X: folded", b"X : space", b"X\t: tab", b"X: a\r\n b", b"X: a\rb", b"X: a\nY: b",
    b"X: \x00", b"X: \x01\x02\x7f", b"X\x00: a", b"\xff: a", b"X: \xff\xfe", b"(x): a", b"X: " + b"a" * 17_000,
    b"X" * 17_000 + b": a", b"\r\n".join(b"X-%d: y" % number for number in range(3000)), b"Host: other",
    b"Host: a\r\nHost: b", b"Host:", b"Host: @:/", b"Connection: close, keep-alive, upgrade",
    b"Connection: " + b"x," * 500, b"Keep-Alive: timeout=-1", b"Upgrade: h2c",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk", b"Expect: 100-continue",
    b"Expect: 200-ok", b"TE: trailers", b"Trailer: Content-Length", b"Max-Forwards: -1", b"Via: " + b"1.1 x," * 100,
    b"Forwarded: for=_x;proto=https", b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-Proto: https",
    b"X-HTTP-Method-Override: DELETE", b"X-Original-URL: /api/v1/users", b"Range: bytes=", b"Range: bytes=-",
    b"Range: bytes=9-1", b"Range: bytes=" + b"0-0," * 3000, b"Range: lines=1-2", b"If-None-Match: \x22",
    b"If-Modified-Since: yesterday", b"If-Range: x", b"Accept: \x01", b"Accept-Encoding: gzip;q=x",
    b"Accept-Language: " + b"vi," * 1000, b"Authorization: Basic", b"Authorization: Bearer",
    b"Authorization: Bearer \xff", b"Cookie", b"Cookie:", b"Cookie: antt", b"Cookie: antt=", b"Cookie: =x",
    b"Cookie: antt=;antt=;antt=", b'Cookie: antt="', b"Cookie: ;;;", b"Cookie: antt=" + b"A" * 8000,
    b"Cookie: antt=\xff", b"Cookie: antt=%00", b"Cookie: __Host-antt=x", b"Cookie: " + b"a=b;" * 2000, b"Origin: null",
    b"Origin:", b"Origin: http://", b"Origin: //[::1", b"Sec-Fetch-Site: ?", b"Last-Event-ID: -1",
    b"Last-Event-ID: 1e9", b"Last-Event-ID: \xef\xbc\x91", b"Idempotency-Key: ", b"Idempotency-Key: \xff",
    b"Content-Length: 5", b"Content-Type: \x01",
)  # fmt: skip
FRAMES = (
    b"Content-Length: -1", b"Content-Length: +5", b"Content-Length: 5 5", b"Content-Length: 0x5",
    b"Content-Length: 5.0", b"Content-Length: 1e3", b"Content-Length: ", b"Content-Length: nonsense",
    b"Content-Length: " + b"9" * 30, b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 5, 5",
    b"Content-Length: 99999999999", b"Content-Length: 70000", b"Content-Length: \xd9\xa5",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: identity",
    b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", b"Transfer-Encoding: ",
)  # fmt: skip
CHUNKS = (
    b"zz\r\n", b"-1\r\n\r\n", b"5\r\nhello", b"5\r\nhelloX\r\n0\r\n\r\n",
    b"5;" + b"x" * 20_000 + b"\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"0x5\r\nhello\r\n0\r\n\r\n",
    b"FFFFFFFFFFFFFFFF\r\nx", b" 5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nX: \x00\r\n\r\n", b"", b"0\r\n",
    b"0\r\n\r\nGET /api/v1/users HTTP/1.1\r\n\r\n", b"1\r\n{\r\n" * 400, b"\r\n\r\n\r\n", b"5\r\n\r\n",
)  # fmt: skip
TYPES = (
    b"", b"json", b"application/", b"/json", b"application/json\xff", b"text/json", b"application/jsonp",
    b"application/json, text/plain", b"multipart/form-data", b"multipart/form-data; boundary=",
    b"application/x-www-form-urlencoded", b"text/plain", b"*/*", b"application/problem+json", b"application/json5",
    b"APPLICATION/JSON", b"application/json;charset=utf-16", b"a" * 2000,
)  # fmt: skip
BODIES = (
    b"", b" ", b"{", b"}", b"[", b"]", b"[]", b"null", b"true", b"0", b'""', b"{}", b"{]", b"[[]]", b'{"command"}',
    b'{"command":}', b"{'command': 'open'}", b"{command: open}", b'{"command": open}', b'{"command": "open",}',
    b'{"command": "open"} x', b"\xef\xbb\xbf{}", '{"command": "fly"}'.encode("utf-16"),
    '{"command": "fly"}'.encode("utf-32"), b'{"command": "\xff"}', b'{"command": "\\ud800"}',
    b'{"username": "\\ud800", "password": "\\udfff"}', b'{"command": "\\u0000"}', b'{"command": "open\\u202e"}',
    b'{"command": NaN}', b'{"command": "close", "sequence": NaN}', b'{"command": "close", "sequence": 1e999}',
    b'{"command": "close", "sequence": -1}', b'{"command": "close", "sequence": ' + b"9" * 5000 + b"}",
    b'{"command": "close", "sequence": 1.5}', b"[" * 20_000, b'{"a":' * 10_000,
    b'{"command": ' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"command": "open", "command": "close", "x": 1}',
    b'{"__proto__": {}}', b'{"command": {"$ne": ""}}', b'{"command": ["open"]}', b'{"command": "open", "reason": {}}',
    b'{"command": "open", "minutes": "5"}', b'{"command": "hold_open", "minutes": 0}',
    b'{"command": "hold_open", "minutes": true}', b'{"command": "' + b"x" * 60_000 + b'"}',
    b"{" + b",".join(b'"k%d": 1' % number for number in range(5000)) + b"}", b"x" * 65_537, b"\x00" * 1000,
    b"\x1f\x8b\x08\x00", b"username=lan&password=x", b"--x\r\n\r\n--x--",
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", b'{"username": {}, "password": []}',
    b'{"pairing_code": null}', b'{"username": "lan", "password": "' + b"x" * 200 + b'"}',
    b'{"name": "../../x", "roles": ["maintainer"]}', b'{"name": "x y", "roles": []}', b'{"roles": "maintainer"}',
    b'{"roles": [null]}', b'{"disabled": "yes"}', b'{"action": "car", "arguments": "in"}',
    b'{"action": "", "arguments": [1]}', b'{"periods": 5}', b'{"periods": [{}], "reason": "x", "revision": -1}',
    b'{"events": ["x"], "reason": ""}', b'{"passkey": []}', b'{"reason": 7}',
)  # fmt: skip
FOREIGN = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    b"SSH-2.0-OpenSSH_9.6\r\n", b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n", b"\r\n\r\n\r\n\r\n",
    b"\n\n\n", b"EHLO x\r\n", b"*1\r\n$4\r\nPING\r\n", b"\x10\x2a\x00\x04MQTT",
    b"OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", bytes(range(256)) * 8, b"\x00" * 4096, b"\xff" * 4096,
    b"A" * 40_000, b" " * 5000, b"GET / HTTP/1.1\nHost: x\n\n", b"GET / HTTP/1.1\rHost: x\r\r", b"GET", b"GET /",
    b"GET / HTTP/1.1", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n",
)  # fmt: skip
_KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
_THIRTEEN = b"Sec-WebSocket-Version: 13\r\n"
UPGRADES = (
    b"", _THIRTEEN, b"Sec-WebSocket-Key: x\r\n" + _THIRTEEN, b"Sec-WebSocket-Key: \xff\r\n" + _THIRTEEN, _KEY,
    _KEY + b"Sec-WebSocket-Version: 8", _KEY + b"Sec-WebSocket-Version: x", _KEY + _KEY + _THIRTEEN,
    _KEY + _THIRTEEN + b"Sec-WebSocket-Extensions: ;;;", _KEY + _THIRTEEN + b"Sec-WebSocket-Protocol: \x01",
    _KEY + _THIRTEEN + b"Content-Length: 5", _KEY + _THIRTEEN + b"Content-Length: 5\r\n\r\nhello",
)  # fmt: skip


def asked(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    """Return a request of a request line, headers and a body."""
    return LINE.join((line, *headers, b"", body))


def all_kinds(cookie: bytes, routes: Sequence[tuple[bytes, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Return every kind with its name. `routes`: method and address of each call that takes a body."""
    host, signed_in = b"Host: x", b"Cookie: " + cookie
    for path in PATHS:
        yield f"path {path[:60]!r}", asked(b"GET " + path + b" HTTP/1.1", host, signed_in)
    for method in METHODS:
        yield f"method {method[:60]!r}", asked(method + b" /api/v1/gate HTTP/1.1", host, signed_in)
    for version in VERSIONS:
        yield f"version {version!r}", asked(b"GET /api/v1/gate " + version, host, signed_in)
    for header in HEADERS:
        yield f"header {header[:60]!r}", asked(b"GET /api/v1/gate HTTP/1.1", host, header)
        yield f"signed in, header {header[:60]!r}", asked(b"GET /api/v1/gate HTTP/1.1", host, signed_in, header)
    json = b"Content-Type: application/json"
    for frame in FRAMES:
        yield f"frame {frame[:60]!r}", asked(COMMAND, host, signed_in, json, frame, body=b"{}")
    for chunk in CHUNKS:
        chunked = (host, signed_in, json, b"Transfer-Encoding: chunked")
        yield f"chunk {chunk[:60]!r}", asked(COMMAND, *chunked, body=chunk)
    for kind in TYPES:
        typed = (host, signed_in, b"Content-Type: " + kind, b"Content-Length: 2")
        yield f"type {kind[:60]!r}", asked(COMMAND, *typed, body=b"{}")
    yield from _bodies(BODIES, routes, (host, signed_in, json))
    for foreign in FOREIGN:
        yield f"foreign {foreign[:60]!r}", foreign
    for upgrade in UPGRADES:
        headers = (host, signed_in, b"Upgrade: websocket", b"Connection: Upgrade", upgrade)
        yield f"upgrade {upgrade[:90]!r}", asked(b"GET /api/v1/camera/live HTTP/1.1", *headers)


def _bodies(
    bodies: Iterable[bytes], routes: Sequence[tuple[bytes, bytes]], headers: tuple[bytes, ...]
) -> Iterator[tuple[str, bytes]]:
    """Return each body for three of the routes in turn, so that every route meets many."""
    turn = itertools.cycle(routes)
    for body in bodies:
        for method, path in itertools.islice(turn, 3):
            length = b"Content-Length: %d" % len(body)
            key = b"Idempotency-Key: malformed-request-key"
            name = f"{method.decode()} {path.decode()} with {body[:50]!r}"
            yield name, asked(method + b" " + path + b" HTTP/1.1", *headers, length, key, body=body)
