"""The signed envelope (contracts.md, MQTT): what is one, what its signature covers, when it is in force."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.auth import COMMAND_PERMISSION, ROLE_PERMISSIONS
from config.command_keys import WEAK, is_weak
from gate.model import KEY_MAY, Code, Command, JsonObject, Refusal, Role
from mqtt_bridge import envelope
from mqtt_bridge.envelope import Envelope, Key
from tests.mqtt_bridge.shots import private_of

PRIVATE = private_of("room")
ROOM = Key(
    id="room", public=PRIVATE.public_key().public_bytes_raw(), roles=frozenset({Role.OPERATOR}),
    until=dt.date(2027, 6, 30),
)  # fmt: skip
KEYS = {"room": ROOM}
FIELDS: JsonObject = {
    "v": 1, "id": "0193-abcdef", "gate": "sim", "command": "open", "by": {"id": "lan", "name": "Trung úy Lan"},
    "reason": "xe cứu thương", "sequence": 41, "sighted": True, "minutes": None, "boot": "boot-1",
    "mono_deadline_ms": 100_000, "kid": "room",
}  # fmt: skip
PAYLOAD = envelope.sign(FIELDS, PRIVATE)


def code_of(payload: bytes, *, keys: dict[str, Key] | None = None, today: dt.date | None = None) -> Code | None:
    found = envelope.read(payload, KEYS if keys is None else keys, today=today)
    return found.code if isinstance(found, Refusal) else None


def test_what_is_signed_is_read_as_it_was_written() -> None:
    assert envelope.read(PAYLOAD, KEYS, today=dt.date(2027, 6, 30)) == Envelope(
        id="0193-abcdef", gate="sim", command=Command.OPEN, by_id="lan", by_name="Trung úy Lan",
        reason="xe cứu thương", sequence=41, sighted=True, minutes=None, boot="boot-1", mono_deadline_ms=100_000,
        kid="room", roles=frozenset({Role.OPERATOR}),
    )  # fmt: skip


def test_the_signature_is_that_of_the_contract() -> None:
    """Contracts: Ed25519 over the canonical JSON (RFC 8785) without sig; computed here without our code's help."""
    body = {name: value for name, value in FIELDS.items() if name != "sig"}
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    signature = base64.b64decode(json.loads(PAYLOAD)["sig"])
    PRIVATE.public_key().verify(signature, canonical)


def test_how_the_json_is_written_does_not_matter() -> None:
    """Order, spaces and escapes are the sender's own."""
    found = json.loads(PAYLOAD)
    reordered = dict(sorted(found.items(), reverse=True))
    assert code_of(json.dumps(reordered, indent=2, ensure_ascii=True).encode()) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "0193-abcdeg"), ("gate", "sim2"), ("command", "close"), ("by", {"id": "lan"}), ("reason", "vui"),
        ("sequence", 42), ("sighted", False), ("minutes", 5), ("boot", "boot-2"), ("mono_deadline_ms", 100_001),
    ],
)  # fmt: skip
def test_the_signature_covers(name: str, value: object) -> None:
    assert code_of(json.dumps({**json.loads(PAYLOAD), name: value}).encode()) is Code.BAD_SIGNATURE


@pytest.mark.parametrize("name", ["reason", "sequence", "sighted", "minutes"])
def test_the_signature_covers_that_it_was_there(name: str) -> None:
    assert code_of(json.dumps({key: value for key, value in json.loads(PAYLOAD).items() if key != name}).encode()) is (
        Code.BAD_SIGNATURE
    )


def test_a_key_is_asked_for_before_its_signature() -> None:
    """The order of the codes: unknown, revoked or over, then the signature."""
    forged = json.dumps({**json.loads(PAYLOAD), "command": "close"}).encode()
    assert code_of(forged, keys={}) is Code.UNKNOWN_KEY
    assert code_of(forged, keys={"room": replace(ROOM, revoked=True)}) is Code.REVOKED_KEY
    assert code_of(forged, today=dt.date(2027, 7, 1)) is Code.REVOKED_KEY
    assert code_of(forged, today=None) is Code.BAD_SIGNATURE


def test_when_a_command_is_in_force() -> None:
    """Its gate, its boot, then a deadline that is not past and not more than 15 s ahead."""
    found = envelope.read(PAYLOAD, KEYS, today=None)
    assert isinstance(found, Envelope)

    def code(*, gate: str = "sim", boot: str = "boot-1", now: float = 99_000) -> Code | None:
        wrong = envelope.in_force(found, gate=gate, boot=boot, now_mono_ms=now)
        return wrong.code if wrong else None

    assert code(gate="sim2", boot="boot-2") is Code.FOREIGN_GATE
    assert code(boot="boot-2", now=200_000) is Code.FOREIGN_BOOT
    assert [code(now=now) for now in (100_000, 100_000.5, 85_000, 84_999)] == [
        None, Code.EXPIRED, None, Code.TOO_FAR_AHEAD,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"null", b"[]", b"{}", b"[" * 5000, PAYLOAD[:-1], PAYLOAD + b" x", b"\xef\xbb\xbf" + PAYLOAD,
        PAYLOAD.decode().encode("utf-16"), PAYLOAD.replace(b'"v":1', b'"v":1,"v":1'),
        PAYLOAD.replace(b'"v":1', b'"v":1.0'),
        PAYLOAD.replace(b'"minutes":null', b'"minutes":NaN'), PAYLOAD.replace(b'"kid"', b'"more":1,"kid"'),
        PAYLOAD.replace(b"lan", b"l\\ud800n"), PAYLOAD.replace(b"lan", b"l\\u001b[2Jn"),
        PAYLOAD.replace(b"==", b"="),
        PAYLOAD.replace(b"100000", b"1" + b"0" * 4999),
    ],
)  # fmt: skip
def test_what_is_no_envelope_is_refused_as_one(payload: bytes) -> None:
    assert code_of(payload) is Code.BAD_ENVELOPE


def test_a_signature_has_one_spelling() -> None:
    """Base64 leaves two bits unused at the end: another letter there is another text for the same bytes."""
    sig = json.loads(PAYLOAD)["sig"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = sig[:-3] + letters[letters.index(sig[-3]) ^ 1] + "=="
    assert base64.b64decode(twin) == base64.b64decode(sig)
    assert code_of(PAYLOAD.replace(sig.encode(), twin.encode())) is Code.BAD_ENVELOPE


def test_a_message_may_be_so_large() -> None:
    assert code_of(PAYLOAD + b" " * (envelope.LARGEST_BYTES - len(PAYLOAD))) is None
    assert code_of(PAYLOAD + b" " * (envelope.LARGEST_BYTES - len(PAYLOAD) + 1)) is Code.TOO_LARGE


@pytest.mark.parametrize("wrong", [{"reason": "x" * 501}, {"command": "toggle"}, {"by": {}}, {"sequence": 1.5}])
def test_nobody_signs_what_a_gate_would_not_read(wrong: JsonObject) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        envelope.sign({**FIELDS, **wrong}, PRIVATE)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=300) | st.dictionaries(
    st.sampled_from([*FIELDS, "sig", "x"]),
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=90) | st.just({"id": "x"}),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_bytes_can_raise(payload: bytes) -> None:
    """Whatever comes in was written by somebody else."""
    assert code_of(payload) is not None
    assert envelope.claimed(payload).kid


def test_what_somebody_claims_fits_into_a_topic() -> None:
    """It is said before anything is proven, and used for an answer's address."""
    assert envelope.claimed(PAYLOAD) == envelope.Claim(id="0193-abcdef", kid="room", command="open")
    evil = json.dumps({"id": "../../x", "kid": "a/+/#", "command": "rm"}).encode()
    assert envelope.claimed(evil) == envelope.Claim() == envelope.claimed(b"\xff")


def test_a_key_may_what_a_person_of_its_role_may() -> None:
    """One table for people (api/auth.py), one for keys: the same."""
    assert {
        role: {command for command in Command if COMMAND_PERMISSION[command] in ROLE_PERMISSIONS[role]} for role in Role
    } == KEY_MAY


def test_the_weak_keys_are_those_of_small_order() -> None:
    """Edwards25519, from its definition: eight times each of these points is the neutral one."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    root = pow(2, (p - 1) // 4, p)

    def x_of(y: int) -> int:
        square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        x = pow(square, (p + 3) // 8, p)
        x = x if x * x % p == square else x * root % p
        assert x * x % p == square
        return x

    def double(x: int, y: int) -> tuple[int, int]:
        t = d * x * x * y * y % p
        return 2 * x * y * pow(1 + t, -1, p) % p, (y * y + x * x) * pow(1 - t, -1, p) % p

    for public in WEAK:
        y = int.from_bytes(public, "little") % p
        point = (x_of(y), y)
        for _ in range(3):
            point = double(*point)
        assert point == (0, 1), public.hex()
        assert is_weak(public[:-1] + bytes([public[-1] | 0x80]))
    assert not is_weak(ROOM.public)
