"""The words of `antt-gate tls init|renew|show`. What they do stands in cli_tls.py, which is read only when one runs."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from config.schema import HOST_NAME

LONGEST_DAYS = 824
USUAL_DAYS = 397
TEXTS = {
    "init": "make the authority, the gate's certificate and the page by which phones trust them; safe to run again",
    "renew": "renew the gate's certificate if it ends within 30 days or lacks a name; for the daily timer",
    "show": "say how certificate, key and authority are; exit 1 where something is wrong",
}


def add_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Declare `tls …`."""
    deeds = commands.add_parser("tls", parents=[common], help="the page's certificate").add_subparsers(
        dest="deed", required=True, metavar="init|renew|show"
    )
    made = {name: deeds.add_parser(name, parents=[common], help=text, description=text) for name, text in TEXTS.items()}
    for parser in made.values():
        parser.add_argument("--ca-dir", type=Path, metavar="DIR", help="where the authority is, such as a USB stick")
        parser.set_defaults(names=[], days=USUAL_DAYS)
    for parser in (made["init"], made["renew"]):
        parser.add_argument("--days", type=_days, help=f"how long it holds, 1 to {LONGEST_DAYS}; default {USUAL_DAYS}")
    begin = made["init"]
    begin.add_argument("--name", dest="names", type=_name, action="append", help="a name that phones use too")
    begin.add_argument(
        "--permit", dest="domains", type=_name, action="append", default=[], metavar="DOMAIN",
        help="a domain below which a new authority may sign, for other gates of the district",
    )  # fmt: skip
    begin.add_argument("--district", metavar="TEXT", help="how phones show a new authority; default: the site's name")
    begin.add_argument("--new-ca", action="store_true", help="make a new authority; every phone must trust it anew")
    made["renew"].add_argument("--force", action="store_true", help="also where it is not due")
    made["show"].add_argument("--json", action="store_true", help="as JSON")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:9]) <= LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to {LONGEST_DAYS}")
    return int(text)


def _name(text: str) -> str:
    if not re.fullmatch(HOST_NAME, text.lower()):
        raise argparse.ArgumentTypeError(f"{text!r} is no host name or address, such as cong3.local")
    return text.lower()
