"""`antt-gate verify FILE.zip`, which needs no gate, and `antt-gate evidence key|list`, which reads the files of one.

What is printed of a package comes from a stranger: nothing in it can do anything to a terminal.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

from config.schema import Settings
from gate.model import JsonObject

DONE, REFUSED, MISUSED = 0, 1, 2
LISTED = 1000
WHOSE_KEY = (
    "who has that key is not checked: compare this key with the one that was written down or signed on paper "
    "(not with the record.pdf in the package), or demand it: --key FINGERPRINT"
)


def add_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Declare `verify FILE` and `evidence …`."""
    check = commands.add_parser("verify", help="check an evidence package; needs no gate")
    check.add_argument("file", type=Path, metavar="FILE.zip")
    check.add_argument("--key", metavar="FINGERPRINT", help="the key that must have signed it, as the record says")
    check.add_argument("--json", action="store_true", help="as JSON")
    evidence = commands.add_parser("evidence", parents=[common], help="the gate's key for evidence, and what was taken")
    deeds = evidence.add_subparsers(dest="deed", required=True, metavar="key|list")
    key = deeds.add_parser("key", parents=[common], help="print the fingerprint of the gate's key; make it if needed")
    key.add_argument("--pem", action="store_true", help="print the public key itself")
    listing = deeds.add_parser("list", parents=[common], help="list what was asked for and taken")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")


def verify(arguments: argparse.Namespace) -> int:
    """Check a package: exit 0, 1 with the first thing that does not match, 2 where it can't be read."""
    from api.evidence_check import FaultError, check, lines  # noqa: PLC0415 - cryptography is not for other commands
    from api.evidence_key import typed  # noqa: PLC0415 - as above

    demanded = None if arguments.key is None else typed(arguments.key)
    if arguments.key is not None and demanded is None:
        return _fail(
            MISUSED, f"--key {arguments.key!r} is no fingerprint; it has 64 digits 0-9 a-f, blanks do not matter"
        )
    try:
        verdict = check(arguments.file, demanded)
    except FaultError as error:
        if arguments.json:
            _say(json.dumps({"holds": False, "fault": str(error)}, ensure_ascii=False))
        return _fail(REFUSED, f"{arguments.file}: {error}")
    except OSError as error:
        return _fail(MISUSED, f"{arguments.file} can't be read ({error.strerror}); name the package that was taken")
    if arguments.json:
        told: JsonObject = {
            "holds": True, "key": verdict.fingerprint, "key_demanded": demanded is not None, "files": verdict.files,
            "rows": verdict.rows, "bytes": verdict.bytes, "manifest": verdict.manifest,
        }  # fmt: skip
        _say(json.dumps(told, ensure_ascii=False))
        return DONE
    for line in lines(verdict, key_demanded=demanded is not None):
        _say(line)
    if demanded is None:
        _say(WHOSE_KEY)
    return DONE


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the key or the list; return the exit code. Raises `AccountsError`."""
    return _key(arguments, settings) if arguments.deed == "key" else _list(arguments, settings)


def _key(arguments: argparse.Namespace, settings: Settings) -> int:
    from api.evidence_key import EvidenceKeyError, is_made, open_key, shown  # noqa: PLC0415 - as above

    state_dir = settings.storage.state_dir
    try:
        if not is_made(state_dir) and state_dir.stat().st_uid != os.geteuid():
            owner = f"the owner of {state_dir}"
            return _fail(REFUSED, f"there is no key yet, and it must be made by {owner}: run this as that user")
        key = open_key(state_dir)
    except (EvidenceKeyError, OSError) as error:
        return _fail(REFUSED, str(error))
    for line in key.pem.decode("ascii").splitlines() if arguments.pem else [shown(key.fingerprint)]:
        _say(line)
    return DONE


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    from api.accounts import Store  # noqa: PLC0415 - as above
    from api.evidence_takings import Taking, Takings  # noqa: PLC0415 - as above
    from api.office import ACCOUNTS_FILE  # noqa: PLC0415 - as above
    from gate.journal import utc  # noqa: PLC0415 - as above

    def plain(taking: Taking) -> JsonObject:
        sealed = taking.sealed
        return {
            "evidence_id": taking.evidence_id, "at": utc(taking.at), "person": taking.person,
            "status": taking.status.value, "events": len(taking.choice.event_ids), "clips": taking.clips,
            "reason": taking.reason, "place": taking.place,
            "manifest_sha256": sealed.manifest_sha256 if sealed else None, "bytes": sealed.bytes if sealed else None,
        }  # fmt: skip

    with contextlib.closing(Store(settings.storage.state_dir / ACCOUNTS_FILE)) as store:
        found = [plain(taking) for taking in Takings(store).newest(LISTED)]
    for one in reversed(found):
        line = f"{one['at']}  {one['status']:<8} {one['person']:<16} {one['events']:>4} events  {one['reason']}"
        _say(json.dumps(one, ensure_ascii=False) if arguments.json else line)
    return DONE


def _say(text: str) -> None:
    print(_printable(text))  # noqa: T201 - for the person


def _fail(code: int, text: str) -> int:
    print(f"antt-gate: {_printable(text)}", file=sys.stderr)  # noqa: T201 - for the person
    return code


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
