"""Commands of other folders: people and the page's certificate (api/), the detector (camera/).

They run there; this room only calls them.
"""

from __future__ import annotations

import argparse
import os
import sys

from gate import places
from gate.cli_words import Words

OTHERS = {
    "user": "People: add, list, passwd, disable, enable, role.",
    "pair": "Print a one-time sign-in link for a person's phone.",
    "tls": "The page's certificate: init, renew, show.",
    "evidence": "The key that signs evidence, and what was taken: key, list.",
}


def declare(words: Words) -> None:
    """Add the commands that other folders do; their words, and their help, are for them."""
    words.under("People and pictures")
    for name, text in OTHERS.items():
        words.forward(name, call_api, text, files=True)
    words.forward("detect", call_camera, "Run the motion detector on a recorded file.")


def call_api(arguments: argparse.Namespace) -> int:
    """Run a command of the page's own room, on the files of one gate that exists."""
    if {"-h", "--help"} & set(arguments.words_of_others):
        return _become("api", arguments.command, *arguments.words_of_others)
    from config.load import SIMULATE_FILE  # noqa: PLC0415 - pydantic is not needed for other commands

    given = [word for value in arguments.set for word in ("--set", value)]
    config = arguments.config or places.config_of(arguments) or SIMULATE_FILE
    if arguments.config is None and config is SIMULATE_FILE:
        state_dir = places.state_dir_of(arguments)
        if not (state_dir / "accounts.db").exists():
            raise places.UsageError(f"there are no accounts of a gate at {state_dir}; name its folder with --state-dir")
        given += ["--set", f'storage.state_dir="{state_dir}"']
    return _become("api", arguments.command, *arguments.words_of_others, "--config", str(config), *given)


def check_evidence(arguments: argparse.Namespace) -> int:
    """Check a file that somebody was given; it needs no gate."""
    given = [*(["--key", arguments.key] if arguments.key is not None else []), *(["--json"] if arguments.json else [])]
    return _become("api", "verify", *given, "--", str(arguments.file))


def call_camera(arguments: argparse.Namespace) -> int:
    """Run the detector's own command."""
    return _become("camera", "detect", *arguments.words_of_others)


def _become(folder: str, *words: str) -> int:
    """Go on as another folder's program; it ends with its own exit code."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", folder, *words])  # noqa: S606 - our own
