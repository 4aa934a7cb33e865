"""Keys: made where commands are signed, granted in gate.toml, taken back by one command."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.load import SIMULATE_FILE, load
from mqtt_bridge import key_file, revocations
from mqtt_bridge.cli import main
from mqtt_bridge.key_file import KeyFileError
from mqtt_bridge.keys import keys_of
from mqtt_bridge.revocations import Revocation, Revocations, RevocationsError
from tests.mqtt_bridge.shots import public_of

DAY = "2099-12-31"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_gate(folder: Path, *more: str) -> list[str]:
    """Return the options of a gate in that folder that knows `room` and `guard`."""
    keys = ", ".join(
        f'{name} = {{ public = "{public_of(name)}", roles = ["operator"], until = "{DAY}" }}'
        for name in ("room", "guard")
    )
    sets = (f'storage.state_dir="{folder}"', f"mqtt.keys={{ {keys} }}", *more)
    return ["--config", str(SIMULATE_FILE), *(word for given in sets for word in ("--set", given))]


def bridge_keys(folder: Path) -> Revocations:
    return Revocations(folder / revocations.FILE)


def revoked(found: Revocations, folder: Path) -> list[str]:
    """Return which keys the bridge would refuse now."""
    settings = load(SIMULATE_FILE, of_gate(folder)[3::2])
    return [name for name, key in found.applied(keys_of(settings)).items() if key.revoked]


def test_a_new_key_is_for_its_owner_and_its_lines_are_for_the_gate(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "new", "room", "--role", "operator", "--role", "commander", "--until", DAY]) == 0
    file = folder / "room.signing-key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = tomllib.loads(capsys.readouterr().out)["mqtt"]["keys"]["room"]
    key = key_file.read(file)
    assert (key.id, lines) == (
        "room", {"public": key.public, "roles": ["operator", "commander"], "until": DAY}
    )  # fmt: skip
    settings = load(SIMULATE_FILE, [f"mqtt.keys.room={json.dumps(lines).replace(': ', ' = ')}"])
    assert keys_of(settings)["room"].public == key.private.public_key().public_bytes_raw()


def test_a_key_that_is_there_is_never_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", "room", "--role", "viewer"]) == 0
    before = (folder / "room.signing-key").read_bytes()
    assert main(["key", "new", "room", "--role", "viewer"]) == 2
    assert (folder / "room.signing-key").read_bytes() == before
    assert "is there already" in capsys.readouterr().err


def test_the_file_is_what_other_programs_read_too(folder: Path) -> None:
    key = key_file.create(folder / "k", "room")
    openssl = ["openssl", "pkey", "-in", "k", "-noout", "-text"]
    shown = subprocess.run(openssl, capture_output=True, text=True, check=True)
    assert "ED25519" in shown.stdout
    assert key_file.read(folder / "k").public == key.public


def pem_of(private: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "holds no private key"),
        (b"\xff\x00", "holds no private key"),
        (b"antt-gate key: room\nnothing", "holds no private key"),
        (pem_of(X25519PrivateKey.generate()), "another kind of key"),
        (pem_of(Ed25519PrivateKey.generate()), "--key-id"),
        (b"antt-gate key: Room 7\n" + pem_of(Ed25519PrivateKey.generate()), "no id of a key"),
    ],
    ids=["empty", "noise", "no key", "another kind", "nameless", "bad name"],
)
def test_a_file_that_is_no_key_is_refused_with_a_remedy(folder: Path, raw: bytes, told: str) -> None:
    file = folder / "k"
    file.write_bytes(raw)
    file.chmod(0o600)
    with pytest.raises(KeyFileError, match=told):
        key_file.read(file)


def test_a_pipe_is_no_key_and_is_not_waited_for(folder: Path) -> None:
    """Whoever types a wrong name gets an answer."""
    pipe = folder / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(KeyFileError, match="holds no private key"):
        key_file.read(pipe)


def test_a_key_that_others_may_read_is_not_used(folder: Path) -> None:
    key_file.create(folder / "k", "room")
    (folder / "k").chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        key_file.read(folder / "k")
    with pytest.raises(KeyFileError, match="can't be read"):
        key_file.read(folder / "absent")


def test_a_day_that_has_passed_is_no_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", "room", "--role", "viewer", "--until", "2020-01-01"]) == 1
    assert "has passed" in capsys.readouterr().err
    assert not (folder / "room.signing-key").exists()


def test_a_revoked_key_is_refused_from_the_next_command_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Granting needs a start of the gate; taking back must not."""
    bridge = bridge_keys(folder)
    assert revoked(bridge, folder) == []
    assert main(["key", "revoke", "guard", *of_gate(folder)]) == 0
    assert revoked(bridge, folder) == ["guard"]
    assert main(["key", "revoke", public_of("room"), *of_gate(folder)]) == 0
    assert revoked(bridge, folder) == ["room", "guard"]
    assert main(["key", "revoke", "room", *of_gate(folder)]) == 0
    assert "revoked already" in capsys.readouterr().out
    assert [one.id for one in revocations.read(folder / revocations.FILE)] == ["guard", "room"]


def test_another_id_does_not_bring_a_revoked_key_back(folder: Path) -> None:
    revocations.add(folder / revocations.FILE, Revocation(public=public_of("room"), id="old-name", at="then"))
    assert revoked(bridge_keys(folder), folder) == ["room"]


@pytest.mark.parametrize(
    "damage", [b"\xff\xfe", b"half a line\nx", b"=== room now"], ids=["noise", "torn", "no base64"]
)
def test_while_the_file_is_damaged_nobody_may_order(folder: Path, damage: bytes) -> None:
    file = folder / revocations.FILE
    file.write_bytes(damage)
    bridge = bridge_keys(folder)
    assert revoked(bridge, folder) == ["room", "guard"]
    assert str(file) in bridge.trouble
    file.unlink()
    assert (revoked(bridge, folder), bridge.trouble) == ([], "")


def test_what_is_written_is_readable_for_the_gate_and_leaves_nothing_beside_it(folder: Path) -> None:
    file = folder / revocations.FILE
    revocations.add(file, Revocation(public=public_of("room"), id="room", at="2026-11-22T05:00:00Z"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(folder.iterdir()) == [file]
    with pytest.raises(RevocationsError, match="can't be written"):
        revocations.add(folder / "absent" / "file", Revocation(public="x", id="y", at="z"))


def test_the_list_says_which_are_good(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["key", "revoke", "guard", *of_gate(folder)])
    capsys.readouterr()
    past = f'mqtt.keys.old={{ public = "{public_of("old")}", roles = ["viewer"], until = "2020-01-01" }}'
    assert main(["key", "list", "--json", *of_gate(folder, past)]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert {name: row["good"] for name, row in rows.items()} == {"room": True, "guard": False, "old": False}
    assert rows["old"]["state"] == "past its end"
    assert main(["key", "list", *of_gate(folder, past)]) == 0
    assert "revoked 20" in capsys.readouterr().out


def test_an_unknown_key_is_told_with_those_that_there_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "revoke", "rom", *of_gate(folder)]) == 1
    assert "there is: room, guard" in capsys.readouterr().err
