"""`python -m api --config FILE [--set key=value]…` serves; `user`, `pair`, `tls`, `evidence` and `verify` do not."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from api import cli, cli_evidence, tls_words
from api.accounts import AccountsError
from api.links import ListenError
from config.load import ConfigError, load
from gate.logs import log_to_stderr

FAILED = 1
MISUSED = 2


def main(given: Sequence[str] | None = None) -> int:
    """Serve or change accounts; return the exit code."""
    arguments = _parser().parse_args(given)
    if getattr(arguments, "config", None) is None and arguments.what != "verify":
        return _fail(MISUSED, "python -m api: --config FILE is needed")
    try:
        return _run(arguments)
    except (ConfigError, AccountsError, ListenError) as error:
        return _fail(MISUSED, f"antt-gate: {error}")
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # `| head`: whoever reads us has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - one line for a person; the supervisor starts it again
        return _fail(FAILED, f"antt-gate: the api stopped: {type(error).__name__}: {error}")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.what == "verify":
        return cli_evidence.verify(arguments)
    if arguments.what == "tls":
        from api import cli_tls  # noqa: PLC0415 - its library for certificates would cost every other command 8 MB

        return cli_tls.run(arguments)
    settings = load(arguments.config, getattr(arguments, "overrides", []))
    if arguments.what == "evidence":
        return cli_evidence.run(arguments, settings)
    if arguments.what is not None:
        return cli.run(arguments, settings)
    from api.serve import serve  # noqa: PLC0415 - the command line must not wait for a web server

    return asyncio.run(serve(settings))


def _fail(code: int, line: str) -> int:
    print(line, file=sys.stderr)  # noqa: T201 - for the person
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--config", type=Path, metavar="FILE", help="the gate's configuration")
    common.add_argument("--set", dest="overrides", action="append", metavar="KEY=VALUE", help="override one key")
    parser = argparse.ArgumentParser(prog="antt-gate", parents=[common])
    commands = parser.add_subparsers(dest="what", metavar="COMMAND", help="without one: serve the page")
    cli.add_commands(commands, common)
    tls_words.add_commands(commands, common)
    cli_evidence.add_commands(commands, common)
    return parser


if __name__ == "__main__":
    with contextlib.closing(log_to_stderr("api")):
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        code = main()
    sys.exit(code)
