"""`python -m mqtt_bridge.cli key …` and `send …`: what `antt-gate key` and `antt-gate send` hand over to.

Exit codes: 0 done, 1 refused (the reason on stderr), 2 usage or configuration, 3 nobody answers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mqtt_bridge.cli_words import (
    NO_ANSWER,
    REFUSED,
    USAGE,
    NoAnswerError,
    Parser,
    RefusedError,
    UsageError,
    complain,
    speak_any_language,
)
from mqtt_bridge.key_file import KeyFileError


def main(given: Sequence[str] | None = None) -> int:
    """Do what was asked and return the exit code."""
    words = sys.argv[1:] if given is None else list(given)
    speak_any_language()
    try:
        arguments = _parser(words).parse_args(words)
        done: int = arguments.run(arguments)
    except NoAnswerError as error:
        return _fail(NO_ANSWER, str(error))
    except RefusedError as error:
        return _fail(REFUSED, str(error))
    except (KeyFileError, UsageError) as error:
        return _fail(USAGE, str(error))
    except KeyboardInterrupt:
        return _fail(NO_ANSWER, "interrupted; what was sent may still be obeyed")
    return done


def _parser(words: Sequence[str]) -> Parser:
    """Declare what was asked for; imports follow the choice: a stop must not wait for what reads a gate.toml."""
    parser = Parser(prog="antt-gate")
    commands = parser.add_subparsers(dest="what", metavar="key|send", required=True, parser_class=Parser)
    if words[:1] == ["key"]:
        from mqtt_bridge import cli_keys  # noqa: PLC0415 - as above

        cli_keys.declare(commands)
    else:
        from mqtt_bridge import cli_send  # noqa: PLC0415 - as above

        cli_send.declare(commands)
    return parser


def _fail(code: int, message: str) -> int:
    complain(message)
    return code


if __name__ == "__main__":
    sys.exit(main())
