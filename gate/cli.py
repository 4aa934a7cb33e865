"""The command line: `antt-gate …`.

Exit codes: 0 done, 1 refused (the reason on stderr), 2 usage or configuration, 3 no daemon answers. Each room declares
its commands and does them; this file brings them together and says how they end. A room imports what is heavy only when
its command runs: `antt-gate stop` must not wait for a web server's libraries.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from gate import cli_daemon, cli_incident, cli_journal, cli_orders, cli_others, cli_timetable, places
from gate.cli_words import Words
from gate.terminal import DONE, REFUSED, USAGE, CommandFailedError, complain


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = words().read(None if argv is None else list(argv))
    try:
        done: int = arguments.run(arguments)
    except CommandFailedError as error:
        return _fail(error.code, str(error))
    except places.UsageError as error:
        return _fail(USAGE, str(error))
    except OSError as error:
        return _output_failed(error)
    except KeyboardInterrupt:
        return DONE
    return done


def words() -> Words:
    """Return all commands, in the order of the help."""
    declared = Words(version("antt-gate"))
    for room in (cli_orders, cli_timetable, cli_journal, cli_incident, cli_daemon, cli_others):
        room.declare(declared)
    return declared


def _fail(code: int, message: str) -> int:
    complain(message)
    return code


def _output_failed(error: OSError) -> int:
    """Hush: who reads us went away (`| head`), or the output has no room."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return DONE
    return _fail(REFUSED, f"the output can't be written: {error.strerror}")


if __name__ == "__main__":
    sys.exit(main())
