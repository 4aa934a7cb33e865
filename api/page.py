"""The files of the officers' page. Open to everybody: they hold no secret.

They are made ready once in a process and answered from memory: modules joined into two files (page_modules.py), code
without comments and indentation, what can be compressed gzipped as small as it gets. Record 16 says why. A browser
asks each time whether a file changed (a strong ETag): a gate that was updated shows its new page.

The service worker is told here what the page consists of and which version that is. A change of any file makes another.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import rcssmin
import rjsmin
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.page_modules import joined

WEB = Path(__file__).with_name("web")
FRONT, WORKER = "index.html", "sw.js"
WORKERS = frozenset({WORKER, "sw-push.js"})
"""What a browser keeps by itself as the service worker. It is served in one file."""
IMPORTED = re.compile(r'^importScripts\("(.+)"\);\n', re.MULTILINE)
ELSEWHERE = "trust/"
"""Files of a page of its own (trust.py), which is not for officers without a network."""
TYPES = {
    ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json",
    ".png": "image/png", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
}  # fmt: skip
TEXT = TYPES.keys() - {".png"}
CONSTANT = re.compile(r"\bconst\b(?=[ {[])")
WORTH = 0.9
"""A file is sent gzipped where at most so much of it is left."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file as it is served. `gzipped` is None where that gains nothing; `digest` is of its plain content."""

    media_type: str
    plain: bytes
    gzipped: bytes | None
    digest: str


@functools.cache
def files(directory: Path = WEB) -> Mapping[str, File]:
    """Return what is served, by its path below `/`. Raises `ModuleFormError`."""
    paths = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.suffix in TYPES}
    text = {name: path.read_text(encoding="utf-8") for name, path in paths.items() if path.suffix in TEXT}
    workers = {name: text.pop(name) for name in WORKERS & text.keys()}
    modules = {name: text.pop(name) for name in list(text) if name.endswith(".js")}
    served = {name: stripped(name, source) for name, source in (text | joined(modules)).items()}
    ready = {name: _file(name, source.encode()) for name, source in served.items()}
    ready |= {name: _file(name, path.read_bytes()) for name, path in paths.items() if path.suffix not in TEXT}
    if WORKER not in workers:
        return ready
    source = _shell(ready) + IMPORTED.sub(lambda found: workers[found[1]], workers[WORKER])
    return ready | {WORKER: _file(WORKER, stripped(WORKER, source).encode())}


def stripped(name: str, source: str) -> str:
    """Return `source` with the same meaning and without what only its readers need."""
    match Path(name).suffix:
        case ".js":
            # That a name is constant is for who reads; `let` does the same. All is done by patterns: blanks in a
            # template within a template are lost, and `const` in a text. Tests let neither pass.
            return CONSTANT.sub("let", str(rjsmin.jsmin(source)))
        case ".css":
            return str(rcssmin.cssmin(source))
        case ".json" | ".webmanifest":
            return json.dumps(json.loads(source), ensure_ascii=False, separators=(",", ":"))
        case _:
            return source


def _shell(ready: Mapping[str, File]) -> str:
    """Return the lines that tell the service worker what it keeps."""
    names = sorted(name for name in ready if not name.startswith(ELSEWHERE))
    version = hashlib.sha256("".join(f"{name} {ready[name].digest} " for name in names).encode()).hexdigest()[:16]
    paths = ["/" if name == FRONT else f"/{name}" for name in names]
    return f"const VERSION = {json.dumps(version)}, FILES = {json.dumps(paths)};\n"


def _file(name: str, plain: bytes) -> File:
    media_type = TYPES[Path(name).suffix]
    small = gzip.compress(plain, 9, mtime=0)
    gzipped = small if len(small) <= WORTH * len(plain) else None
    return File(media_type=media_type, plain=plain, gzipped=gzipped, digest=hashlib.sha256(plain).hexdigest()[:32])


class Page:
    """An ASGI application that answers with a file, with 304 where the browser has it, or with 404."""

    def __init__(self, directory: Path = WEB) -> None:
        self._files = files(directory)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/")
        file = self._files.get(path or FRONT)
        if scope["type"] != "http":
            raise HTTPException(404)
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        if file is None:
            raise HTTPException(404)
        await _answer(file, Headers(scope=scope))(scope, receive, send)


def _answer(file: File, asked: Headers) -> Response:
    """Return the answer; a browser that takes gzip gets it, under an ETag of its own: the bytes are others."""
    zipped = file.gzipped if _takes_gzip(asked.get("accept-encoding", "")) else None
    etag = f'"{file.digest}{"-gzip" if zipped is not None else ""}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    known = {tag.strip().removeprefix("W/") for tag in asked.get("if-none-match", "").split(",")}
    if known & {etag, "*"}:
        return Response(status_code=304, headers=headers)
    if zipped is None:
        return Response(file.plain, headers=headers, media_type=file.media_type)
    return Response(zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=file.media_type)


def _takes_gzip(accepted: str) -> bool:
    """Tell whether a browser's Accept-Encoding names gzip, and not to forbid it."""
    for part in accepted.lower().split(","):
        coding, _, quality = part.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return quality.strip("0.") != "" if quality else True
    return False
