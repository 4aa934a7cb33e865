"""`[mqtt.keys.<id>]`: who may sign commands, and what is said of a key that can't be one."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path

import pytest

from config.load import load
from tests.config.conftest import SMALLEST, Refused

GOOD = base64.b64encode(bytes(range(32))).decode("ascii")
TABLE = """
[mqtt.keys.district-room]
public = "{public}"
roles = {roles}
until = {until}
"""


def table(public: str = GOOD, roles: str = '["operator"]', until: str = '"2027-12-31"') -> str:
    return TABLE.format(public=public, roles=roles, until=until)


@pytest.mark.parametrize("until", ['"2027-12-31"', "2027-12-31"])
def test_a_key_is_read_by_its_id(file: Path, until: str) -> None:
    """A date in quotes, and TOML's own."""
    file.write_text(SMALLEST + table(until=until), encoding="utf-8")
    key = load(file, ["mqtt.keys.district-room.revoked=true"]).mqtt.keys["district-room"]
    assert (key.roles, key.last_day, key.revoked) == (("operator",), dt.date(2027, 12, 31), True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (table(public="AAAA"), "is no Ed25519 public key"),
        (table(public=base64.b64encode(bytes(32)).decode()), "is a point under which anybody can sign"),
        (table(public=base64.b64encode(b"\x01" + bytes(30) + b"\x80").decode()), "is a point under which anybody can"),
        (table(until='"soon"'), "is no date; give such as '2027-01-01'"),
        (table(until='"20271231"'), "is no date; give such as '2027-01-01'"),
        (table(roles="[]"), "roles: must be a list of 1 to 4 entries"),
        (table(roles='["chief"]'), "roles[0]: must be 'viewer', 'operator', 'commander' or 'maintainer'"),
        (table() + "publik = 1", "mqtt.keys.district-room.publik: unknown key; did you mean public?"),
        ("[mqtt.keys.room]\nroles = ['viewer']\nuntil = '2027-01-01'", "mqtt.keys.room.public: is missing; give 44"),
        (table().replace("district-room", '"A B"'), 'mqtt.keys: has "A B"; the name is a short name of a-z'),
        ("[mqtt]\nkeys = 5", "mqtt.keys: must be tables `[mqtt.keys.<id>]`, at most 64, not 5"),
    ],
)  # fmt: skip
def test_a_wrong_key_says_what_to_give(refused: Refused, text: str, expected: str) -> None:
    problems = refused(text)
    assert len(problems) == 1
    assert expected in problems[0]
