"""Commands that start the gate or look at the machine it runs on: run, simulate, check, doctor, safe-stop."""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from gate import places
from gate.cli_words import Words
from gate.terminal import DONE, REFUSED, CommandFailedError, say

if TYPE_CHECKING:
    from config.schema import Settings


def declare(words: Words) -> None:
    """Add the commands of this room."""
    words.under("The daemon")
    words.add("run", run, "Run the gate. This is what the service does.", settings=True)
    command = words.add("simulate", simulate, "Run a simulated gate with its page on this machine.", settings=True)
    command.add_argument("--port", type=int, metavar="N", help="port of the page (default 8080; 0: a free one)")
    command.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="where it keeps its journal and clips",
    )
    command.add_argument("--video", type=Path, metavar="FILE", help="use this video as the camera")
    command.add_argument("--pin-trace", type=Path, metavar="FILE", help="write each level change of each line")
    words.add("check", check, "Check a configuration and say every error at once.", settings=True)
    words.add("doctor", doctor, "Check wiring and system, with live levels.", where=True, settings=True)
    words.add("safe-stop", safe_stop, "Switch every output off; works with the daemon dead.", settings=True)


def run(arguments: argparse.Namespace) -> int:
    """Be the daemon of a real gate."""
    return _serve(arguments.config or places.REAL_CONFIG, arguments.set, trace=None)


def simulate(arguments: argparse.Namespace) -> int:
    """Be the daemon of a simulated gate."""
    from config.load import SIMULATE_FILE  # noqa: PLC0415 - pydantic is not needed for a status

    config = arguments.config or SIMULATE_FILE
    state_dir = (arguments.state_dir or places.given_state_dir() or places.simulation_dir()).absolute()
    overrides = [*arguments.set, f'storage.state_dir="{state_dir}"']
    if arguments.port is not None:
        overrides.append(f"api.port={arguments.port}")
    if arguments.video is not None:
        if not arguments.video.is_file():
            raise places.UsageError(f"--video {arguments.video}: there is no such file; give a video file that exists")
        overrides += ['camera.source="video"', f'camera.url="{arguments.video.absolute()}"']
        overrides += ["camera.zones=[]"]  # the simulation's zone is drawn for its own road
    return _serve(config, overrides, trace=arguments.pin_trace, simulated=True)


def _serve(config: Path, overrides: list[str], *, trace: Path | None, simulated: bool = False) -> int:
    """Check what can be checked, then be the daemon until it is stopped. Raises `UsageError`."""
    settings = _load(config, overrides)
    if simulated and not settings.simulated:
        raise places.UsageError(f"{config} is a real gate (gate.pin_factory = 'lgpio'); simulate takes only 'mock'")
    if simulated:  # a free port is chosen once, so that the page keeps its address when its process is restarted
        overrides = [*overrides, f"api.port={_free_port(settings.api.host, settings.api.port)}"]
    os.umask(0o027)  # the journal names people
    _require_writable(settings.storage.state_dir)
    import asyncio  # noqa: PLC0415 - other commands need none of this

    from gate.app import App, StateError  # noqa: PLC0415 - as above
    from gate.journal import JournalError  # noqa: PLC0415 - as above
    from gate.logs import log_to_stderr  # noqa: PLC0415 - as above
    from gate.server import SocketError  # noqa: PLC0415 - as above

    log = log_to_stderr("gate")
    try:
        asyncio.run(App(settings, config.absolute(), overrides, trace).run())
    except (JournalError, SocketError, StateError) as error:
        raise places.UsageError(str(error)) from None
    finally:
        log.close()
    return DONE


def _load(config: Path, overrides: list[str]) -> Settings:
    """Return a configuration that holds. Raises `UsageError` with every error at once."""
    from config.load import ConfigError, load  # noqa: PLC0415 - pydantic is not needed for a status

    try:
        return load(config, overrides)
    except ConfigError as error:
        raise places.UsageError(str(error)) from None


def _free_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0. Raises `UsageError` where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            return int(probe.getsockname()[1])
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "a port is a number from 0 to 65535"
            remedy = "choose another one with --port (make run PORT=…)"
            raise places.UsageError(f"port {port} on {host} can't be used ({reason}); {remedy}") from None


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        remedy = "make it writable for this user or name another one with --state-dir"
        raise places.UsageError(f"the state directory {folder} can't be written ({error.strerror}); {remedy}") from None


def check(arguments: argparse.Namespace) -> int:
    """Read a configuration as the daemon would."""
    config = arguments.config or places.REAL_CONFIG
    settings = _load(config, arguments.set)
    say(f"{config}: good. Gate {settings.site.id}, {settings.site.name}.")
    return DONE


def safe_stop(arguments: argparse.Namespace) -> int:
    """Claim every output at its inactive level and let go; for ExecStopPost, so it works with the daemon dead."""
    from gate.keeper_link import pins_of  # noqa: PLC0415 - as above
    from gate.pins import Pin, PinsError, real_factory, sweep  # noqa: PLC0415 - as above

    settings = _load(arguments.config or places.REAL_CONFIG, arguments.set)
    if settings.simulated:
        say("simulated gate: no line is held, nothing to switch off")
        return DONE
    pins = [Pin(**pin) for pin in pins_of(settings)]  # type: ignore[arg-type] # plain data of our own making
    try:
        swept = sweep(real_factory(), [pin for pin in pins if pin.pull is None])
    except PinsError as error:
        raise CommandFailedError(REFUSED, f"outputs not switched off: {error}") from None
    if swept.off:
        say(f"off: {', '.join(swept.off)}")
    if swept.failed:
        remedy = "stop what holds them (sudo systemctl stop antt-gate), then try again; or cut the relays' supply"
        raise CommandFailedError(REFUSED, f"not switched off: {'; '.join(swept.failed)}; {remedy}")
    return DONE


def doctor(arguments: argparse.Namespace) -> int:
    """Look at everything that a gate needs, and say what to do about what is wrong."""
    from gate.doctor import examine  # noqa: PLC0415 - as above

    findings = examine(arguments.config, arguments.set, places.socket_of(arguments))
    for finding in findings:
        say(f"{'good' if finding.good else 'WRONG':<6} {finding.subject:<12} {finding.text}")
    return DONE if all(finding.good for finding in findings) else REFUSED
