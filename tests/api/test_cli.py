"""`antt-gate user …` and `antt-gate pair`, as gate's command line runs them (contracts: command line)."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import httpx
import pytest

from api.__main__ import main
from config.load import SIMULATE_FILE
from tests.api.conftest import Served

PASSWORD = "mười hai con giáp"
SESSION = "/api/v1/session"


class Cli:
    """Runs one command; keeps what it printed."""

    def __init__(self, state_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._common = ["--config", str(SIMULATE_FILE), "--set", f"storage.state_dir={state_dir}"]
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.out = ""
        self.err = ""

    def __call__(self, *words: str, typed: str = "") -> int:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        try:
            code = main([*words, *self._common])
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        self.out, self.err = self._capsys.readouterr()
        return code


@pytest.fixture
def cli(served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Return the command line of the gate that is served."""
    return Cli(served.settings.storage.state_dir, capsys, monkeypatch)


def sign_in(served: Served, name: str, password: str) -> int:
    return served.anybody().post(SESSION, json={"username": name, "password": password}).status_code


def test_people_are_added_listed_and_changed(served: Served, cli: Cli) -> None:
    """While the page is served: the next request knows, and the journal hears of each change."""
    assert cli("user", "add", "lan", "--role", "operator", "--display-name", "Chị Lan", "--password-stdin",
               typed=f"{PASSWORD}\n") == 0  # fmt: skip
    assert sign_in(served, "lan", PASSWORD) == 200
    by, _ = served.report("user_changed", user="lan", change="added as operator")
    assert by.type == "cli"
    assert cli("user", "list", "--json") == 0
    (listed,) = [json.loads(line) for line in cli.out.splitlines()]
    assert (listed["name"], listed["display_name"], listed["roles"], listed["sessions"]) == (
        "lan", "Chị Lan", ["operator"], 1,
    )  # fmt: skip
    assert cli("user", "list") == 0
    assert "Chị Lan" in cli.out
    assert cli("user", "role", "lan", "viewer", "commander", "--reason", "Lên chỉ huy") == 0
    served.report("user_changed", user="lan", change="roles commander viewer", reason="Lên chỉ huy")
    assert cli("user", "passwd", "lan", "--password-stdin", typed="another password\n") == 0
    assert sign_in(served, "lan", PASSWORD) == 401
    assert cli("user", "disable", "lan") == 0
    assert sign_in(served, "lan", "another password") == 401
    assert cli("user", "enable", "lan") == 0
    assert sign_in(served, "lan", "another password") == 200
    assert PASSWORD not in cli.out + cli.err


def test_a_phone_is_paired_from_the_terminal(served: Served, cli: Cli) -> None:
    """A one-time link to the page as it is served, and its QR."""
    assert cli("user", "add", "binh") == 0
    assert "antt-gate pair binh" in cli.out
    assert cli("pair", "binh") == 0
    link = re.search(r"http://\S+/#pair=([A-Z2-7]{26})", cli.out)
    assert link
    assert len(cli.out.splitlines()) > 10, "the QR"
    answer = httpx.post(served.base + SESSION, json={"pairing_code": link[1], "device_name": "phone"})
    assert answer.json()["user"]["name"] == "binh"


def test_what_is_refused_says_why_and_changes_nothing(cli: Cli) -> None:
    """Exit 1 with a reason and a remedy on stderr."""
    assert cli("user", "add", "tho", "--role", "maintainer", "--password-stdin", typed=f"{PASSWORD}\n") == 0
    for words, typed, said in (
        (("user", "add", "tho"), "", "exists already"),
        (("user", "add", "Nguyễn Lan"), "", "no usable name"),
        (("user", "add", "lan", "--password-stdin"), "short\n", "10 to 128 characters"),
        (("user", "passwd", "tho"), "", "--password-stdin"),
        (("user", "passwd", "nobody", "--password-stdin"), f"{PASSWORD}\n", "no person 'nobody'"),
        (("user", "disable", "tho"), "", "last maintainer"),
        (("user", "role", "tho", "viewer"), "", "last maintainer"),
        (("pair", "nobody"), "", "no such person"),
    ):
        assert cli(*words, typed=typed) == 1, words
        assert said in cli.err
        assert "Traceback" not in cli.err
    assert cli("user", "list", "--json") == 0
    assert [json.loads(line)["name"] for line in cli.out.splitlines()] == ["tho"]


def test_a_wrong_word_is_a_usage_error(cli: Cli) -> None:
    """Exit 2, with the right words."""
    for words in (
        ("user",), ("user", "add"), ("user", "role", "lan", "king"), ("pair",), ("usr", "list"),
        ("pair", "lan", "--reason", "x" * 201), ("pair", "lan", "--reason", "xe\u202e"),
    ):  # fmt: skip
        assert cli(*words) == 2, words
        assert "usage:" in cli.err
