"""How the command line speaks: exit codes, one clear sentence, and text that can do nothing to a terminal."""

from __future__ import annotations

import os
import sys
from enum import StrEnum

DONE, REFUSED, USAGE, NO_DAEMON = 0, 1, 2, 3


class CommandFailedError(Exception):
    """A command that ends here: its exit code, and the sentence that says why and what to do."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class Tone(StrEnum):
    """How a word stands out where the terminal shows it; the value is its SGR code."""

    BOLD = "1"
    DIM = "2"
    BAD = "1;31"
    WARN = "33"
    GOOD = "32"


def say(text: str) -> None:
    """Print to standard output; nothing where whoever called has closed it."""
    if sys.stdout is not None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def complain(message: str) -> None:
    """Print one sentence to standard error."""
    if sys.stderr is not None:
        sys.stderr.write(f"antt-gate: {message}\n")


def speak_any_language() -> None:
    """Let a terminal that lacks a letter show '?' for it: no name may end a command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def has_colours() -> bool:
    """Tell whether a person looks at a terminal that shows them (no-color.org)."""
    shown = sys.stdout is not None and sys.stdout.isatty()
    return shown and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, tone: Tone, *, colours: bool) -> str:
    """Return text that stands out, or as it is."""
    return f"\x1b[{tone.value}m{text}\x1b[0m" if colours and text else text
