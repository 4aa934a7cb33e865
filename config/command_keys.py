"""`[mqtt.keys.<id>]`: who may sign commands that come over MQTT. Public halves only; private ones never come here."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from config.section import Identifier, Section

PUBLIC_BYTES = 32
NO_KEY = "is no Ed25519 public key; paste the line that 'antt-gate key new' printed, 44 characters of base64"
WEAK_KEY = "is a point under which anybody can sign; make a key with 'antt-gate key new'"
NO_DAY = "is no date; give such as '2027-01-01', the last day on which the key is good"
WEAK = frozenset(map(bytes.fromhex, (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)))  # fmt: skip
"""The points of small order, by their y (the sign bit left out): a signature under them proves nothing."""


def public_bytes(text: str) -> bytes | None:
    """Read a public key as 32 bytes; None for anything else."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == PUBLIC_BYTES and base64.b64encode(found).decode("ascii") == text else None


def is_weak(public: bytes) -> bool:
    """Tell whether a signature under this key would prove nothing."""
    return public[:-1] + bytes([public[-1] & 0x7F]) in WEAK


def _usable(text: str) -> str:
    public = public_bytes(text)
    if public is None:
        raise ValueError(NO_KEY)
    if is_weak(public):
        raise ValueError(WEAK_KEY)
    return text


def _plain(value: object) -> object:
    """Turn TOML's own date into text; leave everything else for the schema to judge."""
    return value.isoformat() if isinstance(value, dt.date) and not isinstance(value, dt.datetime) else value


def _dated(text: str) -> str:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(NO_DAY) from None
    if day.isoformat() != text:
        raise ValueError(NO_DAY)
    return text


PublicKey = Annotated[str, Field(max_length=60, title="44 characters of base64 in quotes"), AfterValidator(_usable)]
Day = Annotated[
    str, Field(max_length=30, title="a date in quotes, such as '2027-01-01'"), BeforeValidator(_plain),
    AfterValidator(_dated),
]  # fmt: skip
RoleName = Literal["viewer", "operator", "commander", "maintainer"]
KeyId = Identifier


class CommandKey(Section):
    """One key: who signs with it may order what its roles may."""

    public: PublicKey = Field(description="Public half, as `antt-gate key new` prints it.")
    roles: tuple[RoleName, ...] = Field(
        min_length=1, max_length=4, description="What it may order; the roles of people, docs/api.md."
    )
    until: Day = Field(description="Last day on which it is good, in the site's time zone.")
    revoked: bool = Field(default=False, description="true: refused from now on, and its commands are named so.")

    @property
    def last_day(self) -> dt.date:
        """Return `until` as a date."""
        return dt.date.fromisoformat(self.until)
