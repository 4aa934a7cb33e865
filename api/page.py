"""The files of the officers' page, as they stand in web/. Open to everybody: they hold no secret.

A browser asks each time whether a file changed (ETag); a gate that was updated shows its new page at once.
"""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WEB = Path(__file__).with_name("web")
TYPES = {
    ".css": "text/css", ".html": "text/html", ".ico": "image/x-icon", ".js": "text/javascript",
    ".json": "application/json", ".mjs": "text/javascript", ".png": "image/png", ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json", ".woff2": "font/woff2",
}  # fmt: skip


class Page(StaticFiles):
    """Serves web/ with the right types, whatever this machine's own table says."""

    def __init__(self, directory: Path = WEB) -> None:
        for suffix, media_type in TYPES.items():
            mimetypes.add_type(media_type, suffix)
        super().__init__(directory=directory, html=True, check_dir=False)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file, or 304."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response
