"""Which version of the program this is."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """Return the version of the installed distribution."""
    try:
        return metadata.version("antt-gate")
    except metadata.PackageNotFoundError:
        return "0"
