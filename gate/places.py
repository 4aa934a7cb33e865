"""Which gate a command of the command line means: where its files and its socket are.

`--socket` and `--state-dir` say it; then the environment; then whichever one gate is found on this machine.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

REAL_CONFIG = Path("/etc/antt-gate/gate.toml")
SERVICE_RUNTIME = Path("/run/antt-gate")
SERVICE_STATE = Path("/var/lib/antt-gate")


class UsageError(Exception):
    """What was asked for can't be done like this; the message says how."""


def given_state_dir() -> Path | None:
    """Return the state directory that the environment names, if it does."""
    given = os.environ.get("STATE_DIR") or os.environ.get("STATE_DIRECTORY")
    return Path(given) if given else None


def simulation_dir() -> Path:
    """Return where a simulation keeps its state unless told otherwise."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "antt-gate" / "simulate"


def _places() -> list[Path]:
    """Return where a gate's files may be: where the environment says, else the service's and the simulations'."""
    given = given_state_dir()
    return [given] if given else [SERVICE_STATE, Path(".state"), simulation_dir()]


def _only(found: list[Path]) -> Path | None:
    """Return the one that was found. Raises `UsageError` for several: an order must never reach the wrong gate."""
    if len(found) > 1:
        names = ", ".join(str(path) for path in found)
        raise UsageError(f"more than one gate is here ({names}); name one with --state-dir or --socket")
    return found[0] if found else None


def state_dir_of(arguments: argparse.Namespace) -> Path:
    """Return the folder of the gate that is meant. Raises `UsageError` where that is not clear."""
    if arguments.state_dir:
        return Path(arguments.state_dir).absolute()
    if arguments.socket:
        return Path(arguments.socket).absolute().parent
    running = [place for place in _places() if (place / "gate.sock").exists()]
    holding = _only(running) or _only([place for place in _places() if (place / "journal.db").exists()])
    return (holding or _places()[0]).absolute()


def socket_of(arguments: argparse.Namespace) -> Path:
    """Return the socket of the gate that is meant. Raises `UsageError` where that is not clear."""
    if arguments.socket:
        return Path(arguments.socket)
    if arguments.state_dir:
        return Path(arguments.state_dir) / "gate.sock"
    runtime = os.environ.get("RUNTIME_DIRECTORY")
    if runtime:
        return Path(runtime) / "gate.sock"
    places = _places() if given_state_dir() else [SERVICE_RUNTIME, *_places()]
    found = _only([path for path in places if (path / "gate.sock").exists()])
    return (found or places[0]) / "gate.sock"


def journal_of(arguments: argparse.Namespace) -> Path:
    """Return the journal of the gate that is meant. Raises `UsageError` where there is none."""
    path = state_dir_of(arguments) / "journal.db"
    if not path.exists():
        raise UsageError(f"there is no journal at {path}; name its folder with --state-dir")
    return path


def config_of(arguments: argparse.Namespace) -> Path | None:
    """Return the configuration that is meant: the one that is named, or the service's where no other gate is meant."""
    if arguments.config:
        return Path(arguments.config)
    named = arguments.state_dir or arguments.socket or given_state_dir()
    return REAL_CONFIG if REAL_CONFIG.exists() and not named else None
