"""The command line: `antt-gate …`.

Exit codes: 0 done, 1 refused (the reason on stderr), 2 usage or configuration, 3 no daemon answers. What belongs to
another folder (users, pairing, the detector) is run there; this file only knows how to call it.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from gate import places
from gate.client import GateUnavailableError, RequestRefusedError, ask, new_id
from gate.model import Command, JsonObject, Kind

DONE, REFUSED, USAGE, NO_DAEMON = 0, 1, 2, 3
REAL_CONFIG = Path("/etc/antt-gate/gate.toml")
MOVES = {"open": "Open the gate.", "close": "Close the gate.", "stop": "Stop the gate; never refused."}
SWITCHES = {
    "reset": "Leave a hard lock once its cause is gone; moves nothing.",
    "light-on": "Switch the courtesy light on.",
    "light-off": "Switch the courtesy light off.",
    "siren-on": "Sound the siren (180 s at the most).",
    "siren-off": "Silence the siren.",
}
OTHERS = {
    "user": "People: add, list, passwd, disable, enable, role.",
    "pair": "Print a one-time sign-in link for a person's phone.",
    "detect": "Run the motion detector on a recorded file.",
}
YARD_WORDS = "show, car, motorbike, person, dog [in|out], beam blocked|clear, day, night, rain, insects [on|off]"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _parser()
    arguments, others = parser.parse_known_args(argv)
    if others and arguments.command not in OTHERS:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    arguments.words_of_others = others
    try:
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except places.UsageError as error:
        return _fail(USAGE, str(error))
    except GateUnavailableError as error:
        remedy = "Start it with antt-gate run, or name its folder with --state-dir."
        return _fail(NO_DAEMON, f"{error}. {remedy}")
    except RequestRefusedError as error:
        return _fail(REFUSED, f"refused ({error.problem.get('code')}): {error}")
    except OSError as error:
        return _output_failed(error)
    except KeyboardInterrupt:
        return DONE


def _fail(code: int, message: str) -> int:
    sys.stderr.write(f"antt-gate: {message}\n")
    return code


def _output_failed(error: OSError) -> int:
    """Hush: who reads us went away (`| head`), or the output has no room."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return DONE
    return _fail(REFUSED, f"the output can't be written: {error.strerror}")


def _say(text: str) -> None:
    if sys.stdout is not None:  # closed by whoever called
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


# ------------------------------------------------------------------------------------------------- the daemon


def _run(arguments: argparse.Namespace) -> int:
    return _serve(arguments.config or REAL_CONFIG, arguments.set, trace=None)


def _simulate(arguments: argparse.Namespace) -> int:
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
    return _serve(config, overrides, trace=arguments.pin_trace, simulate=True)


def _serve(config: Path, overrides: list[str], *, trace: Path | None, simulate: bool = False) -> int:
    from config.load import ConfigError, load  # noqa: PLC0415 - as above
    from gate.app import App, StateError  # noqa: PLC0415 - as above
    from gate.journal import JournalError  # noqa: PLC0415 - as above
    from gate.logs import log_to_stderr  # noqa: PLC0415 - as above
    from gate.server import SocketError  # noqa: PLC0415 - as above

    log = log_to_stderr("gate")
    try:
        settings = load(config, overrides)
        if simulate and not settings.simulated:
            raise places.UsageError(f"{config} is a real gate (gate.pin_factory = 'lgpio'); simulate takes only 'mock'")
        if simulate:  # a free port is chosen once, so that the page keeps its address when its process is restarted
            overrides = [*overrides, f"api.port={_free_port(settings.api.host, settings.api.port)}"]
        os.umask(0o027)  # the journal names people
        _require_writable(settings.storage.state_dir)
        asyncio.run(App(settings, config.absolute(), overrides, trace).run())
    except (ConfigError, JournalError, SocketError, StateError) as error:
        raise places.UsageError(str(error)) from None
    finally:
        log.close()
    return DONE


def _free_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0. Raises `UsageError` where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            return int(probe.getsockname()[1])
        except OSError as error:
            remedy = "choose another one with --port (make run PORT=…)"
            raise places.UsageError(f"port {port} on {host} can't be used ({error.strerror}); {remedy}") from None


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        remedy = "make it writable for this user or name another one with --state-dir"
        raise places.UsageError(f"the state directory {folder} can't be written ({error.strerror}); {remedy}") from None


def _check(arguments: argparse.Namespace) -> int:
    from config.load import ConfigError, load  # noqa: PLC0415 - as above

    try:
        settings = load(arguments.config or REAL_CONFIG, arguments.set)
    except ConfigError as error:
        return _fail(USAGE, str(error))
    _say(f"{arguments.config or REAL_CONFIG}: good. Gate {settings.site.id}, {settings.site.name}.")
    return DONE


def _safe_stop(arguments: argparse.Namespace) -> int:
    """Claim every output at its inactive level and let go; for ExecStopPost, so it works with the daemon dead."""
    from config.load import ConfigError, load  # noqa: PLC0415 - as above
    from gate.keeper_link import pins_of  # noqa: PLC0415 - as above
    from gate.pins import Board, Pin, PinsError, real_factory  # noqa: PLC0415 - as above

    try:
        settings = load(arguments.config or REAL_CONFIG, arguments.set)
    except ConfigError as error:
        return _fail(USAGE, str(error))
    if settings.simulated:
        _say("simulated gate: no line is held, nothing to switch off")
        return DONE
    pins = [Pin(**pin) for pin in pins_of(settings)]  # type: ignore[arg-type] # plain data of our own making
    outputs = [pin for pin in pins if pin.pull is None]
    try:
        Board(real_factory(), outputs).all_off()
    except PinsError as error:
        return _fail(REFUSED, f"outputs not switched off: {error}")
    _say(f"off: {', '.join(pin.signal for pin in outputs)}")
    return DONE


# ------------------------------------------------------------------------------------------ questions and orders


def _status(arguments: argparse.Namespace) -> int:
    snapshot = ask(places.socket_of(arguments), "status")
    _say(json.dumps(snapshot, ensure_ascii=False, indent=2) if arguments.json else _told(snapshot))
    return DONE


def _told(snapshot: JsonObject) -> str:
    """Return a snapshot as a person reads it in a terminal."""
    processes = snapshot["processes"]
    lines = [
        f"{snapshot['name']} ({snapshot['gate_id']})" + ("  simulated" if snapshot["simulated"] else ""),
        f"state        {snapshot['state']}  (evidence: {snapshot['evidence']}, {snapshot['evidence_age_ms']} ms old)",
        f"target       {snapshot['target'] or '-'}",
        f"mode         {snapshot['mode']}",
        f"health       {snapshot['health']} {' '.join(map(str, _list(snapshot['reasons'])))}",
        f"inputs       {_flags(snapshot['inputs'])}",
        f"outputs      {_flags(snapshot['outputs'])}",
        f"clock        {'trusted' if snapshot['clock_trusted'] else 'not trusted'}",
    ]
    for name, known in processes.items() if isinstance(processes, dict) else ():
        lines.append(f"{name:<13}{_life(known)}")
    return "\n".join(lines)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _flags(values: object) -> str:
    words = {True: "on", False: "off", None: "?"}
    pairs = values.items() if isinstance(values, dict) else ()
    return "  ".join(f"{name}={words.get(value, value)}" for name, value in pairs) or "unknown"


def _life(known: JsonObject) -> str:
    if known.get("off"):
        return "off (configuration)"
    health = known.get("health")
    reason = health.get("reason") if isinstance(health, dict) else ""
    word = "alive" if known.get("alive") else "dead"
    return "  ".join(
        filter(None, [word, f"restarts {known.get('restarts')}", str(known.get("reason") or reason or "")])
    )


def _order(arguments: argparse.Namespace) -> int:
    command = Command(arguments.command.replace("-", "_"))
    who = os.environ.get("SUDO_USER") or getpass.getuser()
    answer = ask(
        places.socket_of(arguments),
        "command",
        command_id=new_id(),
        command=command.value,
        by={"type": "cli", "id": str(os.getuid()), "name": who},
        reason=arguments.reason,
        sighted=getattr(arguments, "sighted", False),
        deadline_mono_ms=time.monotonic_ns() // 1_000_000 + 2000,
    )
    _say(f"accepted  {answer['command_id']}  state {answer['state']}, target {answer['target'] or '-'}")
    if answer.get("warning_s"):
        _say(f"warning   {answer['warning_s']:.0f} s with lamp, buzzer and siren: nobody saw the gate (--sighted)")
    return DONE


def _yard(arguments: argparse.Namespace) -> int:
    truth = ask(places.socket_of(arguments), "yard", action=arguments.action, arguments=arguments.words)
    if arguments.json or arguments.action != "show":
        _say(json.dumps(truth, ensure_ascii=False))
    else:
        _say("\n".join(f"{name:<12} {json.dumps(value)}" for name, value in truth.items()))
    return DONE


# --------------------------------------------------------------------------------------------------- the journal


def _log(arguments: argparse.Namespace) -> int:
    from gate.journal import JournalError, JournalReader  # noqa: PLC0415 - as above

    try:
        reader = JournalReader(places.journal_of(arguments))
        after = 0 if arguments.since or not arguments.follow else reader.last_seq()
        while True:
            facts = reader.read(after=after, kinds=arguments.kind, since=_moment(arguments.since), limit=500)
            for fact in facts:
                _say(json.dumps(fact.plain(), ensure_ascii=False) if arguments.json else _line(fact.plain()))
                after = fact.seq
            if not facts and not arguments.follow:
                return DONE
            if not facts:
                time.sleep(0.3)
    except JournalError as error:
        return _fail(REFUSED, str(error))


def _line(fact: JsonObject) -> str:
    by, data = fact["by"], fact["data"]
    who = f"{by.get('name') or by.get('id')}" if isinstance(by, dict) else ""
    details = " ".join(f"{name}={value}" for name, value in data.items()) if isinstance(data, dict) else ""
    doubt = "" if fact["at_trusted"] else "?"
    return _printable(f"{fact['seq']:>7}  {fact['at']}{doubt}  {fact['kind']:<18} {who:<14} {details}")


def _printable(line: str) -> str:
    """Return a line that can do nothing to a terminal: what somebody wrote as a reason is only text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def _moment(given: str | None) -> str | None:
    """Return '21:00', '2h', '30m', '2026-11-20' or a full time as the journal's UTC text. Raises `UsageError`."""
    import datetime as dt  # noqa: PLC0415 - only a filtered log needs it

    if given is None:
        return None
    now = dt.datetime.now().astimezone()
    units = {"m": 60, "h": 3600, "d": 86400}
    try:
        if given[-1] in units and given[:-1].isdigit():
            moment = now - dt.timedelta(seconds=int(given[:-1]) * units[given[-1]])
        elif len(given) <= len("21:00:00") and ":" in given:
            moment = dt.datetime.combine(now.date(), dt.time.fromisoformat(given), tzinfo=now.tzinfo)
        else:
            moment = dt.datetime.fromisoformat(given)
        moment = moment.astimezone(dt.UTC)
    except (ValueError, IndexError, OverflowError):
        raise places.UsageError(
            f"--since {given!r} is no time; write 21:00, 2h, 30m, 2026-11-20 or a full time"
        ) from None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _verify(arguments: argparse.Namespace) -> int:
    from gate.journal import JournalError, verify  # noqa: PLC0415 - as above

    try:
        verdict = verify(places.journal_of(arguments))
    except JournalError as error:
        return _fail(REFUSED, str(error))
    if verdict.broken_seq:
        return _fail(
            REFUSED, f"row {verdict.broken_seq} is broken: {verdict.reason}. {verdict.rows} rows before it hold."
        )
    _say(f"{verdict.rows} rows, every hash holds")
    return DONE


# -------------------------------------------------------------------------------------- what other folders can do


def _api(arguments: argparse.Namespace) -> int:
    """Run a command of the page's own accounts, on the files of one gate that exists."""
    from config.load import SIMULATE_FILE  # noqa: PLC0415 - as above

    if {"-h", "--help"} & set(arguments.words_of_others):
        os.execv(sys.executable, [sys.executable, "-m", "api", arguments.command, *arguments.words_of_others])  # noqa: S606 - our own
    words = [word for given in arguments.set for word in ("--set", given)]
    named = arguments.config or arguments.state_dir or arguments.socket or places.given_state_dir()
    config = arguments.config or (REAL_CONFIG if REAL_CONFIG.exists() and not named else SIMULATE_FILE)
    if arguments.config is None and config is SIMULATE_FILE:
        state_dir = places.state_dir_of(arguments)
        if not (state_dir / "accounts.db").exists():
            raise places.UsageError(f"there are no accounts of a gate at {state_dir}; name its folder with --state-dir")
        words += ["--set", f'storage.state_dir="{state_dir}"']
    command = [
        sys.executable,
        "-m",
        "api",
        arguments.command,
        *arguments.words_of_others,
        "--config",
        str(config),
        *words,
    ]
    os.execv(sys.executable, command)  # noqa: S606 - our own


def _detect(arguments: argparse.Namespace) -> int:
    os.execv(sys.executable, [sys.executable, "-m", "camera", "detect", *arguments.words_of_others])  # noqa: S606 - our own


def _doctor(arguments: argparse.Namespace) -> int:
    """Look at everything that a gate needs, and say what to do about what is wrong."""
    from gate.doctor import examine  # noqa: PLC0415 - as above

    findings = examine(arguments.config, arguments.set, places.socket_of(arguments))
    for finding in findings:
        _say(f"{'good' if finding.good else 'WRONG':<6} {finding.subject:<12} {finding.text}")
    return DONE if all(finding.good for finding in findings) else REFUSED


# ----------------------------------------------------------------------------------------------------- the words


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="antt-gate", description="The controller of a village security gate.")
    parser.add_argument("--version", action="version", version=f"antt-gate {version('antt-gate')}")
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--socket", type=Path, metavar="PATH", help="the gate's socket (default: found by itself)")
    where.add_argument("--state-dir", type=Path, metavar="DIR", help="the folder of the gate's journal and state")
    settings = argparse.ArgumentParser(add_help=False)
    settings.add_argument("--config", type=Path, metavar="FILE", help="the configuration file")
    settings.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one key")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], text: str, *parents: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text, parents=list(parents))
        command.set_defaults(run=run)
        return command

    add("run", _run, "Run the gate. This is what the service does.", settings)
    simulate = add("simulate", _simulate, "Run a simulated gate with its page on this machine.", settings)
    simulate.add_argument("--port", type=int, metavar="N", help="port of the page (default 8080; 0: a free one)")
    simulate.add_argument("--state-dir", type=Path, metavar="DIR", help="where it keeps its journal and clips")
    simulate.add_argument("--video", type=Path, metavar="FILE", help="use this video as the camera")
    simulate.add_argument("--pin-trace", type=Path, metavar="FILE", help="write each level change of each line")
    add("check", _check, "Check a configuration and say every error at once.", settings)
    add("safe-stop", _safe_stop, "Switch every output off; works with the daemon dead.", settings)
    add("status", _status, "Say how the gate is.", where).add_argument("--json", action="store_true")
    for name, text in {**MOVES, **SWITCHES}.items():
        order = add(name, _order, text, where)
        order.add_argument("--reason", default="", metavar="TEXT", help="why, for the journal")
        if name == "close":
            order.add_argument("--sighted", action="store_true", help="I see the gate now: no 10 s warning")
    log = add("log", _log, "Print the journal.", where)
    log.add_argument("--since", metavar="TIME", help="21:00, 2h, 30m, 2026-11-20 or a full time")
    kinds = [kind.value for kind in Kind]
    log.add_argument(
        "--kind", action="append", default=[], choices=kinds, metavar="KIND", help="only facts of this kind"
    )
    log.add_argument("--json", action="store_true", help="one JSON object a line")
    log.add_argument("--follow", action="store_true", help="go on with what comes")
    add("verify", _verify, "Check the journal's hash chain.", where)
    yard = add("yard", _yard, f"Simulation only: {YARD_WORDS}.", where)
    yard.add_argument("action")
    yard.add_argument("words", nargs="*")
    yard.add_argument("--json", action="store_true")
    for name, text in OTHERS.items():  # their words, and their --help, are for the folder that does it
        run = _detect if name == "detect" else _api
        parents = [] if name == "detect" else [settings, where]
        commands.add_parser(name, help=text, parents=parents, add_help=False, allow_abbrev=False).set_defaults(run=run)
    add("doctor", _doctor, "Check wiring and system, with live levels.", settings, where)
    return parser


if __name__ == "__main__":
    sys.exit(main())
