"""How the command line's commands of this folder speak: exit codes, and one sentence at a time."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, NoReturn, TypeAlias

DONE, REFUSED, USAGE, NO_ANSWER = 0, 1, 2, 3
Commands: TypeAlias = "argparse._SubParsersAction[Any]"  # noqa: SLF001 - argparse has no public name for it
"""What `add_subparsers` returns."""


class UsageError(Exception):
    """What was asked for can't be done like this; the message says how."""


class RefusedError(Exception):
    """The gate, the broker or this command said no; the message says why."""


class NoAnswerError(Exception):
    """Nobody answers, or not in time; the message says what is known."""


class Parser(argparse.ArgumentParser):
    """Answers a wrong word with one sentence."""

    def error(self, message: str) -> NoReturn:
        """End with what is wrong and where to read more."""
        self.exit(USAGE, f"antt-gate: {message} (see {self.prog} --help)\n")


def speak_any_language() -> None:
    """Let a terminal that lacks a letter show '?' for it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def say(text: str) -> None:
    """Print to standard output; whoever reads us may have read enough (`| head`)."""
    try:
        print(text, flush=True)  # noqa: T201 - what was asked for
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: str) -> None:
    """Print one sentence to standard error."""
    print(f"antt-gate: {message}", file=sys.stderr)  # noqa: T201 - for the person
