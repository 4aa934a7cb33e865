"""Commands of other folders, which run there; this room only calls them.

People and the page's certificate (api/), the detector (camera/), keys and commands from afar (mqtt_bridge/).
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
    words.under("From afar, over MQTT")
    words.forward("key", call_keys, "Keys that sign commands: new, list, revoke.", files=True)
    words.forward("send", call_sender, "Send one signed command to a gate, over its broker.")


def call_api(arguments: argparse.Namespace) -> int:
    """Run a command of the page's own room, on the files of one gate that exists."""
    if {"-h", "--help"} & set(arguments.words_of_others):
        return _become("api", arguments.command, *arguments.words_of_others)
    return _become("api", arguments.command, *arguments.words_of_others, *_configuration(arguments))


def check_evidence(arguments: argparse.Namespace) -> int:
    """Check a file that somebody was given; it needs no gate."""
    given = [*(["--key", arguments.key] if arguments.key is not None else []), *(["--json"] if arguments.json else [])]
    return _become("api", "verify", *given, "--", str(arguments.file))


def call_camera(arguments: argparse.Namespace) -> int:
    """Run the detector's own command."""
    return _become("camera", "detect", *arguments.words_of_others)


def call_keys(arguments: argparse.Namespace) -> int:
    """Make a key anywhere; list and revoke those of one gate."""
    given = arguments.words_of_others
    of_a_gate = given[:1] in (["list"], ["revoke"]) and not {"-h", "--help"} & set(given)
    return _become("mqtt_bridge.cli", "key", *given, *(_configuration(arguments) if of_a_gate else []))


def call_sender(arguments: argparse.Namespace) -> int:
    """Send a command from afar."""
    return _become("mqtt_bridge.cli", "send", *arguments.words_of_others)


def _configuration(arguments: argparse.Namespace) -> list[str]:
    """Return the options that name one gate's configuration. Raises `UsageError` where there is no such gate."""
    from config.load import SIMULATE_FILE  # noqa: PLC0415 - pydantic is not needed for other commands

    given = [word for value in arguments.set for word in ("--set", value)]
    config = places.config_of(arguments) or SIMULATE_FILE
    if arguments.state_dir or config is SIMULATE_FILE:  # a folder that is named goes before the one in the file
        state_dir = places.state_dir_of(arguments)
        if not (state_dir / "accounts.db").exists():
            raise places.UsageError(f"no gate has run in {state_dir}; name its folder with --state-dir")
        given += ["--set", f'storage.state_dir="{state_dir}"']
    return ["--config", str(config), *given]


def _become(folder: str, *words: str) -> int:
    """Go on as another folder's program; it ends with its own exit code."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", folder, *words])  # noqa: S606 - our own
