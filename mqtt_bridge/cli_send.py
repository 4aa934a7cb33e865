"""`antt-gate send`: one signed command to a gate far away, for a person or a script on the other side."""

from __future__ import annotations

import argparse
import asyncio
import difflib
import getpass
import json
import logging
import re
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from gate.client import new_id
from gate.journal import boot_id
from gate.model import Code, Command
from mqtt_bridge import clock_file, credentials, errand, key_file
from mqtt_bridge.cli_words import Commands, NoAnswerError, RefusedError, UsageError, complain, say
from mqtt_bridge.envelope import FARTHEST_AHEAD_MS, LARGEST_NUMBER, LONGEST_MINUTES, LONGEST_NAME, LONGEST_REASON
from mqtt_bridge.errand import Answer, Order
from mqtt_bridge.port import Broker
from mqtt_bridge.sender import Errand, Patience, Sender, Told, client_id, here, now_ms

KEEPALIVE_S = 10
ABOUT_THE_CLOCK = {Code.EXPIRED, Code.TOO_FAR_AHEAD, Code.FOREIGN_BOOT}
PORTS = {"mqtt": 1883, "mqtts": 8883}
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
EPILOG = """\
Commands: {commands}.
The gate obeys only who has a key in its [mqtt.keys], and only until the deadline. It may take 10 s until its clock is
heard. Exit codes: 0 accepted (with --wait: confirmed), 1 refused or failed, 2 usage, 3 nobody answers or the end is not
known. After 3, look at the gate before you send again.
"""


def declare(commands: Commands) -> None:
    """Add `send`."""
    words = ", ".join(command.value for command in Command)
    send = commands.add_parser(
        "send", description="Send one signed command to a gate, over its broker.",
        epilog=EPILOG.format(commands=words), formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    send.add_argument("command", metavar="COMMAND", type=_command, help="open, close, stop, …: see below")
    send.add_argument("--gate", required=True, metavar="ID", help="the gate's site.id")
    send.add_argument("--key", required=True, type=Path, metavar="FILE", help="the file that antt-gate key new made")
    send.add_argument("--broker", required=True, metavar="ADDRESS", help="host, host:port or mqtts://user@host:port")
    send.add_argument("--wait", action="store_true", help="until the gate proves that it is done")
    send.add_argument("--reason", default="", metavar="TEXT", help="why, for the gate's journal")
    send.add_argument("--sequence", type=_whole(0, LARGEST_NUMBER), metavar="N", help="refused if `sequence` is past N")
    send.add_argument("--sighted", action="store_true", help="with close: I see the gate now, no 10 s warning")
    send.add_argument("--minutes", type=_whole(1, LONGEST_MINUTES), metavar="N", help="with hold: how long")
    send.add_argument("--by", metavar="NAME", help="who asks, for the gate's journal (default: you)")
    longest_s = FARTHEST_AHEAD_MS // 1000 - 1
    send.add_argument("--within", type=_whole(1, longest_s), default=5, metavar="S", help="obey within (default: 5 s)")
    send.add_argument("--timeout", type=_whole(1, 3600), default=300, metavar="S", help="--wait at most (default: 300)")
    send.add_argument("--json", action="store_true", help="print each answer as one JSON object")
    _declare_broker(send)
    send.set_defaults(run=_send)


def _declare_broker(send: argparse.ArgumentParser) -> None:
    send.add_argument("--key-id", metavar="ID", help="the key's id, where its file does not say it")
    send.add_argument("--answers", metavar="NAME", help="listen on rsp/NAME (default: as the broker knows you)")
    send.add_argument("--password-file", type=Path, metavar="FILE", help="the broker's password for the user")
    send.add_argument("--ca", type=Path, metavar="FILE", help="the CA that signed the broker's certificate; means TLS")
    send.add_argument("--cert", type=Path, metavar="FILE", help="a certificate to show to the broker")
    send.add_argument("--cert-key", type=Path, metavar="FILE", help="its key")


def _send(arguments: argparse.Namespace) -> int:
    """Send, print every answer, return 0 or 1. Raises `UsageError`, `RefusedError`, `NoAnswerError`."""
    key = key_file.read(arguments.key, arguments.key_id)
    broker, order = broker_of(arguments), order_of(arguments, key.id)
    _look_at_files(broker)
    answers_as = _answers_as(arguments, broker, key.id)
    logging.getLogger().addHandler(logging.NullHandler())  # what the link logs is said once, at the end
    if sys.stderr.isatty():
        complain(f"listening to {order.gate} at {broker.where}; its clock comes every 10 s …")

    def told(answer: Answer, after_s: float) -> None:
        if arguments.json:
            say(json.dumps({**answer.plain, "after_ms": round(after_s * 1000)}))
        elif not answer.is_refusal:
            say(f"{answer.status:<10} {after_s:7.2f} s  {answer.text}".rstrip())

    given = Errand(broker=broker, key=key, order=order, answers_as=answers_as, waits=arguments.wait)
    end = asyncio.run(_run(given, told, Patience(end_s=arguments.timeout)))
    if end.status == "failed" and end.code == Code.GATE_DOWN:
        raise NoAnswerError(f"{end.text} Look at the gate before you send again.")
    if end.is_refusal:
        raise RefusedError(f"{'refused' if end.status == 'rejected' else 'failed'} ({end.code}): {end.text}")
    return 0


async def _run(given: Errand, told: Told, patience: Patience) -> Answer:
    """Do it with the clock that was kept, and keep the newest one for the next command."""
    file, own_boot = clock_file.place_of(given.order.gate, given.broker.where), boot_id()
    sender = Sender(
        given, told, kept=clock_file.recall(file, own_boot=own_boot, now_ms=now_ms()), patience=patience
    )  # fmt: skip
    end = await sender.run()
    if end.code in ABOUT_THE_CLOCK:
        clock_file.forget(file)
    elif sender.beat:
        clock_file.keep(file, sender.beat, own_boot=own_boot)
    return end


def order_of(arguments: argparse.Namespace, kid: str) -> Order:
    """Return what is wanted. Raises `UsageError`."""
    who = arguments.by or _name()
    for option, text, longest in (("--reason", arguments.reason, LONGEST_REASON), ("--by", who, LONGEST_NAME)):
        if len(text) > longest or not text.isprintable():
            raise UsageError(f"{option} is no printable line of at most {longest} letters")
    if arguments.minutes is not None and arguments.command is not Command.HOLD_OPEN:
        raise UsageError("--minutes says how long a hold lasts; leave it out for other commands")
    return Order(
        id=new_id(), gate=_plain_id(arguments.gate, "--gate"), kid=kid, command=arguments.command, by_id=who,
        by_name=who, lasts_ms=arguments.within * 1000, reason=arguments.reason, sequence=arguments.sequence,
        sighted=arguments.sighted, minutes=arguments.minutes,
    )  # fmt: skip


def broker_of(arguments: argparse.Namespace) -> Broker:
    """Return where to connect, and as whom. Raises `UsageError`."""
    given: str = arguments.broker
    wrong = UsageError(f"--broker {given!a} is no address; give host, host:port or mqtts://user@host:port")
    try:
        parts = urlsplit(given if "://" in given else f"mqtt://{given}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if not host or parts.scheme not in PORTS or parts.path.strip("/") or parts.query or parts.fragment:
        raise wrong
    if parts.password is not None:
        raise UsageError("a password in --broker is seen by everybody on this machine; use --password-file")
    if arguments.password_file and not parts.username:
        raise UsageError("--password-file needs a user: --broker mqtt://USER@HOST")
    if (arguments.cert is None) is not (arguments.cert_key is None):
        raise UsageError("--cert and --cert-key go together")
    ca_file = arguments.ca or (_known_authorities() if parts.scheme == "mqtts" else None)
    if arguments.cert and not ca_file:
        raise UsageError("--cert needs the broker's CA: give --ca")
    encrypted = ca_file is not None
    return Broker(
        host=host, port=port or PORTS["mqtts" if encrypted else "mqtt"], client_id=client_id(), keepalive_s=KEEPALIVE_S,
        username=parts.username, password_file=arguments.password_file,
        ca_file=ca_file, cert_file=arguments.cert, key_file=arguments.cert_key,
    )  # fmt: skip


def _look_at_files(broker: Broker) -> None:
    """Raise `UsageError` for a file that can't be used: nobody need look at the gate for that."""
    try:
        credentials.password(broker.password_file)
        if broker.encrypted:
            credentials.tls_context(broker)
    except credentials.CredentialError as error:
        raise UsageError(here(str(error))) from None


def _answers_as(arguments: argparse.Namespace, broker: Broker, key_id: str) -> str:
    """Return whose answers are listened to: a broker's access list goes by certificate or user (`rsp/%u`)."""
    if arguments.answers is not None:
        return _plain_id(arguments.answers, "--answers")
    names = (_named_by(broker.cert_file) if broker.cert_file else "", broker.username or "", key_id)
    return next(name for name in names if ID.fullmatch(name))


def _named_by(certificate: Path) -> str:
    """Return the common name of a certificate, "" where it can't be read: connecting will say why."""
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 - most senders show no certificate
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - as above

    try:
        subject = load_pem_x509_certificate(certificate.read_bytes()).subject
    except (OSError, ValueError):
        return ""
    return next((str(name.value) for name in subject.get_attributes_for_oid(NameOID.COMMON_NAME)), "")


def _known_authorities() -> Path:
    """Return the CAs that this machine trusts. Raises `UsageError` where it has none."""
    found = ssl.get_default_verify_paths().cafile
    if not found:
        raise UsageError("this machine knows no CA; give the broker's with --ca")
    return Path(found)


def _command(text: str) -> Command:
    known = errand.commands()
    if text not in known:
        near = difflib.get_close_matches(text, known, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise argparse.ArgumentTypeError(f"there is no command {text!a}{meant}")
    return known[text]


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers in a range, for argparse."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!a} is no whole number from {least} to {most}")
        return int(text)

    return read


def _plain_id(text: str, option: str) -> str:
    if not ID.fullmatch(text):
        raise UsageError(f"{option} {text!a} is no name of a-z, 0-9 and '-', at most 32")
    return text


def _name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without an account
        return "unknown"
