"""The words of the command line: how they are declared, grouped in the help, and what is said about an unknown one."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from gate.terminal import USAGE, complain, speak_any_language

Run = Callable[[argparse.Namespace], int]
WIDTH = 12


class Parser(argparse.ArgumentParser):
    """A parser that answers a wrong word with one sentence and the nearest right one."""

    def error(self, message: str) -> NoReturn:
        """End with what is wrong and where to read more."""
        complain(f"{message} (see {self.prog} --help)")
        sys.exit(USAGE)

    def refuse_unknown(self, words: list[str]) -> NoReturn:
        """End because of words that nobody knows."""
        known = re.findall(r"(?<![\w-])--[a-z-]+", self.format_help())
        self.error(f"{words[0]!r} is not understood here{nearest(words[0], known)}")

    def _check_value(self, action: argparse.Action, value: object) -> None:  # 3.14 has suggest_on_error; 3.11 has not
        if action.choices is not None and value not in action.choices:
            what = (action.metavar if isinstance(action.metavar, str) else action.dest).lower()
            known = list(map(str, action.choices))
            short = "" if len(known) > WIDTH else f" (there is {', '.join(known)})"
            raise argparse.ArgumentError(None, f"there is no {what} {value!r}{nearest(str(value), known) or short}")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a question for the known word that looks most like this one, empty where none does."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def number(least: float, most: float) -> Callable[[str], float]:
    """Return a reader of numbers in a range, for argparse."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least:g} to {most:g}")
        return value

    return read


class Words:
    """All commands under their headings. A room of the command line adds its own."""

    def __init__(self, version: str) -> None:
        self.parser = Parser(
            prog="antt-gate",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            usage="antt-gate [--socket PATH] [--state-dir DIR] COMMAND …",
        )
        self.parser.add_argument("--version", action="version", version=f"antt-gate {version}")
        _add_where(self.parser, default=None)
        self._commands = self.parser.add_subparsers(
            prog="antt-gate",
            dest="command",
            required=True,
            metavar="COMMAND",
            help=argparse.SUPPRESS,
            parser_class=Parser,
        )
        self._groups: dict[str, list[str]] = {}
        self._heading = ""
        self._placed: set[str] = set()

    def under(self, heading: str) -> None:
        """Put what is added from now on under a heading."""
        self._heading = heading

    def add(self, name: str, run: Run, text: str, *, where: bool = False, settings: bool = False) -> Parser:
        """Add a command; what its parser has as `epilog` stands below its help as it is.

        `where`: it concerns one gate (`--socket`, `--state-dir`). `settings`: it reads a configuration.
        """
        command = self._commands.add_parser(
            name, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        command.set_defaults(run=run, parser=command, forwarded=False)
        return self._known(name, text, command, where=where, settings=settings)

    def forward(self, name: str, run: Run, text: str, *, files: bool = False) -> Parser:
        """Add a command whose words, and whose help, are for another folder; `files`: it works on those of one gate."""
        command = self._commands.add_parser(name, add_help=False, allow_abbrev=False)
        command.set_defaults(run=run, parser=command, forwarded=True)
        return self._known(name, text, command, where=files, settings=files)

    def _known(self, name: str, text: str, command: Parser, *, where: bool, settings: bool) -> Parser:
        if where:
            _add_where(command, default=argparse.SUPPRESS)
            self._placed.add(name)
        if settings:
            command.add_argument("--config", type=Path, metavar="FILE", help="the configuration file")
            command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one key")
        self._groups.setdefault(self._heading, []).append(f"  {name:<{WIDTH}} {text}")
        return command

    def place(self, command: argparse.ArgumentParser) -> None:
        """Let a command below another one take `--socket` and `--state-dir` too."""
        command.set_defaults(forwarded=False)
        _add_where(command, default=argparse.SUPPRESS)

    def read(self, argv: list[str] | None) -> argparse.Namespace:
        """Return the command that was given. Ends the program where it is not understood."""
        speak_any_language()
        groups = [f"{heading}\n" + "\n".join(lines) for heading, lines in self._groups.items()]
        self.parser.description = "The controller of a village security gate.\n\n" + "\n\n".join(groups)
        arguments, others = self.parser.parse_known_args(argv)
        if others and not arguments.forwarded:
            arguments.parser.refuse_unknown(others)
        for option in ("socket", "state_dir"):
            placed = arguments.command in self._placed or (option == "state_dir" and arguments.command == "simulate")
            if getattr(arguments, option) is not None and not placed:
                told = option.replace("_", "-")
                remedy = "its configuration says where it is" if hasattr(arguments, "config") else "leave it out"
                arguments.parser.error(f"{arguments.command} takes no --{told}; {remedy}")
        arguments.words_of_others = others
        return arguments


def _add_where(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", default=default, help="the gate's socket (default: found by itself)"
    )
    parser.add_argument(
        "--state-dir", type=Path, metavar="DIR", default=default, help="the folder of the gate's journal and state"
    )
