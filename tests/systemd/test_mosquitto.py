"""The shipped broker set-up on a real mosquitto: who comes in, who may write and read what, and what the script makes.

The same files are for mosquitto 2.0 and 2.1; the tests take the mosquitto that comes first in PATH.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqtt_bridge import topics
from tests.broker import mosquitto
from tests.district import DESK, FILES, RECEIVER, District, Member, Shipped, certificates
from tests.fakes import wait_until
from tests.mqtt_bridge.conftest import Running, Writer, settings_of

pytestmark = pytest.mark.slow

SITES = ("gate-1", "gate-2")
PREFIX = "antt/1"
REFUSED = "Not authorized"
# The tests may run as root; they look whether a port answers without speaking TLS.
EXPECTED = ("should not be run as root", "ACL pattern 'homeassistant/status' does not contain", "unexpected eof")
MADE_FOR_HOME = (
    "homeassistant/device/sim/config",
    "antt/1/sim/$state",
    "antt/1/sim/ha/state",
    "antt/1/sim/ha/event",
)
NAMES = [topic.name.replace("<requester>", DESK) for topic in topics.TABLE]


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    """Start a district of two gates, a receiver and a desk, with the shipped files."""
    if mosquitto() is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    with District(tmp_path_factory.mktemp("district"), [*SITES, RECEIVER, DESK, "stolen"]) as running:
        yield running


def access(file: str) -> set[tuple[str, str]]:
    """Return the patterns of an access list: (read, write or readwrite; topic)."""
    lines = (FILES / file).read_text(encoding="utf-8").splitlines()
    return {(word, topic) for key, word, topic in (line.split() for line in lines if line.startswith("pattern "))}


@pytest.mark.parametrize("file", ["district.acl", "local.acl"])
def test_each_topic_of_the_table_may_be_used_by_its_gate(file: str) -> None:
    wanted = set()
    for topic in topics.TABLE:
        name = f"{PREFIX}/%u/{topic.name.replace('<requester>', '+')}"
        wanted.add(("write" if topic.writer == "gate" else "read", name))
    found = access(file)
    found |= {(word, topic) for both, topic in found if both == "readwrite" for word in ("read", "write")}
    assert wanted - found == set()


def test_the_brokers_log_holds_no_complaint_about_its_files(district: District) -> None:
    """One line of the access list is for everybody, and says so."""
    complaints = [line for line in district.log().splitlines() if "Warning" in line or "Error" in line]
    assert [line for line in complaints if not any(words in line for words in EXPECTED)] == []


def test_a_gate_delivers_to_its_district(district: District, tmp_path: Path) -> None:
    """All of it over TLS: the facts at PUBACK and at facts/ack, `$state`, and `stopped` at the end."""
    journal = Writer(tmp_path / "journal.db")
    ids = journal.write(120)
    more = [*district.overrides("gate-1"), "mqtt.require_ack=true"]
    with (
        district.member(RECEIVER) as receiver,
        Running(settings_of(tmp_path, district.port, *more)) as bridge,
    ):
        receiver.reads(f"{PREFIX}/+/facts")
        wait_until(lambda: b"".join(payload for _, payload in receiver.heard).count(b'"hash"') >= len(ids))
        assert receiver.writes(f"{PREFIX}/gate-1/facts/ack", b'{"upto":120}') == "Success"
        bridge.waits_for(ok=True, upto=120, waiting=0)
    journal.close()
    with district.member(DESK) as desk:
        desk.reads(f"{PREFIX}/+/$state")
        wait_until(lambda: any(topic == f"{PREFIX}/gate-1/$state" and b"stopped" in said for topic, said in desk.heard))


@pytest.mark.parametrize("name", NAMES)
def test_a_gate_writes_nothing_of_another_gate(district: District, name: str) -> None:
    with district.member(RECEIVER) as receiver, district.member("gate-1") as gate:
        receiver.reads(f"{PREFIX}/#")
        assert gate.refusal == ""
        assert gate.writes(f"{PREFIX}/gate-2/{name}", b"forged") == REFUSED
        assert gate.writes(f"{PREFIX}/gate-1/facts", b"own") in {"Success", "No"}
        wait_until(lambda: (f"{PREFIX}/gate-1/facts", b"own") in receiver.heard)
        assert b"forged" not in {payload for _, payload in receiver.heard}


def test_a_gate_does_not_order_itself_or_answer_for_others(district: District) -> None:
    with district.member("gate-1") as gate:
        refused = ["gate-1/cmd", "gate-1/facts/ack", "gate-2/rsp/district-desk", "gate-1/other", "gate-1/rsp/a/b"]
        assert {gate.writes(f"{PREFIX}/{name}") for name in refused} == {REFUSED}
        assert gate.writes("homeassistant/device/gate-2/config") == REFUSED
        assert gate.writes("homeassistant/status") == REFUSED
        assert gate.writes("homeassistant/device/gate-1/config") in {"Success", "No"}
        assert gate.writes("anything") == REFUSED


def test_a_gate_reads_nothing_of_another_gate(district: District) -> None:
    with district.member("gate-1") as gate, district.member("gate-2") as other, district.member(DESK) as desk:
        gate.reads("#")
        for name in ("$state", "status", "facts", "beat", "snapshot", "ha/state", "rsp/gate-2"):
            other.writes(f"{PREFIX}/gate-2/{name}")
        assert desk.writes(f"{PREFIX}/gate-2/cmd", b"for gate-2") != REFUSED
        assert desk.writes(f"{PREFIX}/gate-1/cmd", b"for gate-1") == "Success"
        wait_until(lambda: (f"{PREFIX}/gate-1/cmd", b"for gate-1") in gate.heard)
        assert all(topic.startswith(f"{PREFIX}/gate-1/") for topic in gate.topics())


def test_orders_come_from_the_desk_alone_and_answers_go_to_it_alone(district: District) -> None:
    with (
        district.member("gate-2") as gate, district.member(DESK) as desk, district.member(RECEIVER) as receiver,
    ):  # fmt: skip
        gate.reads(f"{PREFIX}/gate-2/cmd")
        desk.reads(f"{PREFIX}/+/rsp/{DESK}")
        receiver.reads(f"{PREFIX}/+/rsp/#")
        assert receiver.writes(f"{PREFIX}/gate-2/cmd", b"from the receiver") == REFUSED
        assert desk.writes(f"{PREFIX}/gate-2/facts/ack", b"from the desk") == REFUSED
        assert desk.writes(f"{PREFIX}/gate-2/cmd", b"open") == "Success"
        wait_until(lambda: gate.heard == [(f"{PREFIX}/gate-2/cmd", b"open")])
        gate.writes(f"{PREFIX}/gate-2/rsp/{DESK}", b"accepted")
        wait_until(lambda: desk.heard == [(f"{PREFIX}/gate-2/rsp/{DESK}", b"accepted")])
        assert receiver.heard == []


def test_nobody_throws_a_gate_out_with_its_client_id(district: District) -> None:
    """A session belongs to a certificate: the client id that a member asks for is not believed."""
    with district.member("gate-2") as gate, district.member("gate-1", client_id="antt-gate-2") as first:
        assert first.refusal == ""
        with district.member(DESK, client_id="gate-2") as second:
            assert second.refusal == ""
            assert not gate.gone.wait(0.2)
            assert gate.writes(f"{PREFIX}/gate-2/beat") != REFUSED


def test_only_certificates_of_this_district_come_in(district: District, tmp_path: Path) -> None:
    """Nobody without one, with one of another CA, with a revoked one, or with the broker's own."""
    stranger = tmp_path / "ca"
    for words in (["init"], ["client", "gate-1"]):
        assert certificates(stranger, *words).returncode == 0
    for name, ca in (("", None), ("gate-1", stranger), ("broker", None)):
        with district.member(name, ca=ca) as nobody:
            assert nobody.refusal != "", f"{name} came in"


def test_a_stolen_gate_is_locked_out(district: District, tmp_path: Path) -> None:
    """The list of revoked certificates takes effect with the broker's restart; all others stay."""
    for suffix in ("pem", "key"):
        shutil.copy(district.ca / f"stolen.{suffix}", tmp_path)
    with district.member("stolen", ca=tmp_path) as thief:
        assert thief.refusal == ""
    done = certificates(district.ca, "revoke", "stolen")
    assert (done.returncode, done.stderr) == (0, "")
    district.restart()
    with district.member("stolen", ca=tmp_path) as thief:
        assert thief.refusal != ""
    with district.member("gate-1") as gate:
        assert gate.refusal == ""


def test_a_gate_with_the_certificate_of_another_one_is_told(district: District, tmp_path: Path) -> None:
    more = [*district.overrides("gate-1"), 'site.id="gate-2"']
    with Running(settings_of(tmp_path, district.port, *more)) as bridge:
        wait_until(lambda: "or sign in with the certificate" in str(bridge.health["reason"]), 10)


def test_a_gate_that_calls_the_broker_by_another_name_does_not_speak_to_it(district: District, tmp_path: Path) -> None:
    certificates(district.ca, "broker", "mqtt.district.example")
    district.restart()
    try:
        with Running(settings_of(tmp_path, district.port, *district.overrides("gate-1"))) as bridge:
            wait_until(lambda: "is not trusted" in str(bridge.health["reason"]), 10)
    finally:
        certificates(district.ca, "broker", "127.0.0.1", "localhost")
        district.restart()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Shipped]:
    """Start the broker of a gate's own board, with the shipped files, for `sim` and for Home Assistant."""
    installed = tmp_path / "installed"
    installed.mkdir(mode=0o700)
    passwords, acl = installed / "passwords", installed / "local.acl"
    for create, name in (["-c"], "sim"), ([], "homeassistant"):
        subprocess.run(["mosquitto_passwd", "-b", *create, passwords, name, "secret"], check=True, capture_output=True)
    acl.write_text((FILES / "local.acl").read_text(encoding="utf-8"), encoding="utf-8")
    acl.chmod(0o600)
    with Shipped(tmp_path / "broker", "local.conf", installed) as running:
        yield running


def test_a_gates_own_broker_takes_it_by_its_password(own_broker: Shipped, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n", encoding="utf-8")
    journal = Writer(tmp_path / "journal.db")
    ids = journal.write(10)
    more = ['mqtt.username="sim"', f'mqtt.password_file="{tmp_path / "secret"}"']
    with Running(settings_of(tmp_path, own_broker.port, *more)) as bridge:
        bridge.waits_for(ok=True, upto=len(ids))
    with Running(settings_of(tmp_path, own_broker.port)) as bridge:
        wait_until(lambda: "refuses this gate" in str(bridge.health["reason"]), 10)
    journal.close()


def test_home_assistant_on_a_gates_own_broker_sees_it_and_may_order(own_broker: Shipped) -> None:
    """It reads what was made for it and nothing else, and writes no word of the gate's."""
    with (
        Member(own_broker, "gate", None, login=("sim", "secret")) as gate,
        Member(own_broker, "ha", None, login=("homeassistant", "secret")) as home,
    ):
        home.reads("#")
        gate.reads("#")
        for name in (*MADE_FOR_HOME, "antt/1/sim/facts", "antt/1/sim/rsp/somebody"):
            assert gate.writes(name) != REFUSED
        assert home.writes("homeassistant/status") == "Success"
        assert home.writes("antt/1/sim/ha/cmd") == "Success"
        assert {home.writes(f"antt/1/sim/{name}") for name in ("$state", "ha/state", "cmd", "facts/ack")} == {REFUSED}
        wait_until(lambda: {*MADE_FOR_HOME} <= home.topics())
        assert home.topics() - {*MADE_FOR_HOME, "homeassistant/status"} == set()
        wait_until(lambda: {"homeassistant/status", "antt/1/sim/ha/cmd"} <= gate.topics())


# The script.


def test_the_script_is_sound() -> None:
    if shellcheck := shutil.which("shellcheck"):
        findings = subprocess.run(
            [shellcheck, FILES / "certificates.sh"], capture_output=True, text=True, timeout=60, check=False
        )
        assert findings.stdout == ""
    assert "\nset -euo pipefail\n" in (FILES / "certificates.sh").read_text(encoding="utf-8")


def test_a_call_without_a_word_says_which_there_are(tmp_path: Path) -> None:
    done = certificates(tmp_path)
    assert (done.returncode, done.stderr) == (
        1, "certificates.sh: say what to do: init, broker, client, revoke or list; see --help\n",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["GATE", "gate/1", "+", "#", "../gate", "", "broker", "ca", "a" * 33, "-gate"])
def test_a_name_that_is_no_site_id_gets_no_certificate(district: District, name: str) -> None:
    """A name becomes a level of topics in the access list."""
    before = sorted(district.ca.iterdir())
    done = certificates(district.ca, "client", "gate-9", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert "can't be a name" in done.stderr
    assert sorted(district.ca.iterdir()) == before


def test_a_ca_is_never_written_over(district: District) -> None:
    before = (district.ca / "ca.key").read_bytes()
    assert "holds a CA already" in certificates(district.ca, "init").stderr
    assert (district.ca / "ca.key").read_bytes() == before


def test_no_key_can_be_read_by_others(district: District) -> None:
    assert {file.stat().st_mode & 0o077 for file in district.ca.glob("*.key")} == {0}


def test_a_request_of_the_gate_is_signed_under_the_name_that_was_said(tmp_path: Path) -> None:
    """A gate that made its key itself can't choose its name by what it asks for."""
    folder = tmp_path / "ca"
    assert certificates(folder, "init").returncode == 0
    request: list[str | Path] = [
        "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", tmp_path / "own.key", "-subj", "/CN=gate-1", "-out", folder / "gate-7.csr",
    ]  # fmt: skip
    subprocess.run(request, check=True, capture_output=True)
    done = certificates(folder, "client", "gate-7")
    assert (done.returncode, "gate-7.key" in done.stdout) == (0, False)  # seen: a key was named that is not there
    assert not (folder / "gate-7.key").exists()
    text = subprocess.run(
        ["openssl", "x509", "-in", folder / "gate-7.pem", "-noout", "-subject"], check=True, capture_output=True
    ).stdout
    assert b"gate-7" in text
    assert b"gate-1" not in text
    assert "gate-7" in certificates(folder, "list").stdout
