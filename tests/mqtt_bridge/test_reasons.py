"""What kind of trouble a sentence tells of, so that the officers' page can say it in their words."""

from __future__ import annotations

import errno
import json
import re
import socket
import sqlite3
import ssl
from pathlib import Path

import pytest

from mqtt_bridge import reasons

ROOT = Path(__file__).parents[2]
WHERE = "mqtt.district.example:8883"
FAILURES: dict[str, BaseException] = {
    "broker_unreachable": ConnectionRefusedError(), "broker_certificate": ssl.SSLError(1, "wrong version number"),
}  # fmt: skip


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_kind_has_words(language: str) -> None:
    """Page.md: nobody reads a bare code."""
    words = json.loads((ROOT / "api" / "web" / f"{language}.json").read_text("utf-8"))
    assert [kind for kind in reasons.KINDS if f"reason.{kind}" not in words] == []


def test_whatever_a_broker_answers_is_of_some_kind() -> None:
    """Issue 6, 6: each trouble is seen in the page's health view; none as "something is wrong"."""
    codes = range(0x80, 0xA3)
    said = [reasons.refused_connect(code, "name") for code in (0x01, 0x05, *codes)]
    said += [reasons.refused_publish(code, "name", "antt/1/g/facts") for code in codes]
    said += [reasons.lost(code, "") for code in (0, *codes)]
    said += [reasons.refused_subscription("name", "antt/1/g/cmd"), reasons.mute(WHERE)]
    said += [reasons.unanswered(detail, encrypted=tls) for detail in ("", "reset", "certificate required",
             "certificate revoked") for tls in (True, False)]  # fmt: skip
    failures = (*FAILURES.values(), socket.gaierror(), TimeoutError(), OSError("no route"))
    said += [reasons.failed_connect(error, WHERE) for error in failures]
    assert [sentence for sentence in said if reasons.kind_of(sentence) not in reasons.KINDS] == []


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failed_connection_has_the_kind_of_its_cure(kind: str) -> None:
    """The network is looked after by somebody else than certificates are."""
    assert reasons.kind_of(reasons.failed_connect(FAILURES[kind], WHERE)) == kind


def test_the_document_tells_the_same_kinds() -> None:
    """docs/topics.md, "When something is wrong"."""
    document = (ROOT / "docs" / "topics.md").read_text("utf-8").partition("| reason begins | kind |")[2]
    rows = re.findall(r"^\| `([^`]+)` \| `(\w+)` \|", document, re.MULTILINE)
    assert len(rows) > 8
    assert {sentence: reasons.kind_of(sentence) for sentence, _ in rows} == dict(rows)


def test_no_trouble_has_no_kind_and_an_unknown_one_is_other() -> None:
    """A sentence that nobody foresaw gets the page's general word."""
    assert reasons.kind_of("") == ""
    assert reasons.kind_of("the moon is in the way") == reasons.OTHER_KIND


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        ("[X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:3926)", "key values mismatch"),
        ("EOF occurred in violation of protocol (_ssl.c:2427)", "EOF occurred in violation of protocol"),
    ],
)
def test_numbers_of_the_system_are_left_out(error: object, told: str) -> None:
    """Seen in `status`: a line of another program's source tells nobody what to do."""
    assert reasons.plain(error) == told


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (sqlite3.OperationalError("database or disk is full"), "free some space on its disk"),
        (OSError(errno.ENOSPC, "No space left on device"), "free some space on its disk"),
        (sqlite3.OperationalError("database is locked"), "end the other program that holds it"),
        (sqlite3.OperationalError("unable to open database file"), "make its folder writable"),
        (OSError(errno.EACCES, "Permission denied", "/the disk is full"), "make its folder writable"),
    ],
)
def test_the_remedy_fits_what_is_wrong_with_a_file(said: Exception, remedy: str) -> None:
    """A full disk is not cleared by a right, nor a lock by space."""
    assert reasons.remedy_of_a_file(said, "make its folder writable") == remedy
