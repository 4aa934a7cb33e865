"""`antt-gate tls init|renew|show`, as gate's command line runs it (docs/tls.md)."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import resource
import shlex
import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api import tls_issuing
from api.__main__ import main
from api.authority import AuthorityError, issue, make_authority, names_of, read_authority, read_certificate
from api.tls import Certificate
from api.tls_files import alone, places
from api.tls_issuing import Desk
from api.tls_names import Machine, host_of, names_for, this_machine
from config.load import SIMULATE_FILE, load
from tests.api.authority import NOW, shake_hands

DAY = dt.timedelta(days=1)
LAN = Machine(name="cong3", addresses=("192.168.1.20",))


@dataclass(kw_only=True)
class Gate:
    """A real gate's folder, and its command line."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    api: dict[str, object] = field(default_factory=lambda: {"host": "0.0.0.0", "port": 8443})
    out: str = ""
    err: str = ""

    @property
    def config(self) -> Path:
        """Write the configuration as it is now."""
        text = SIMULATE_FILE.read_text(encoding="utf-8").replace('pin_factory = "mock"', 'pin_factory = "lgpio"')
        text = re.sub(
            r"\[api\].*?(?=\n\[|\Z)", "", text.replace('source = "scene"', "enabled = false"), flags=re.DOTALL
        )
        text = re.sub(r"state_dir = .*", "", text)
        keys = "\n".join(f"{key} = {value if key == 'tls' else json.dumps(value)}" for key, value in self.api.items())
        file = self.folder / "gate.toml"
        file.write_text(f"{text}\n[api]\n{keys}\n", encoding="utf-8")
        return file

    @property
    def overrides(self) -> list[str]:
        """What is not in the file."""
        return [f"storage.state_dir={self.folder / 'state'}"]

    def __call__(self, *words: str) -> int:
        """Run `antt-gate tls …` and return its exit code."""
        sets = [word for value in self.overrides for word in ("--set", value)]
        try:
            code = main(["tls", *words, "--config", str(self.config), *sets])
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        self.out, self.err = self.capsys.readouterr()
        assert "PRIVATE" not in self.out + self.err
        return code

    def desk(self, after: dt.timedelta = dt.timedelta(), machine: Machine = LAN, ca_dir: Path | None = None) -> Desk:
        """Return what the deeds work with, some time from now."""
        settings = load(self.config, self.overrides)
        return Desk(settings=settings, places=places(settings, self.config, ca_dir), machine=machine, now=NOW + after)

    def take_advice(self) -> None:
        """Put into the configuration what `init` printed."""
        (line,) = [line for line in self.out.splitlines() if line.startswith("  tls = ")]
        self.api["tls"] = line.partition(" = ")[2]

    def bytes_of(self, *names: str) -> list[bytes]:
        return [(self.folder / name).read_bytes() for name in names]


PAGE, KEY, SHOWN, CA, CA_KEY, SHEET = (
    "tls/page.pem", "secrets/page.key", "tls/district-ca.pem", "ca/district-ca.pem", "ca/district-ca.key",
    "tls/trust.html",
)  # fmt: skip


@pytest.fixture
def gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Gate:
    """Return a gate that listens everywhere and has no certificate yet."""
    (tmp_path / "state").mkdir()
    return Gate(folder=tmp_path, capsys=capsys)


def test_init_makes_all_that_a_page_on_tls_needs(gate: Gate, tmp_path: Path) -> None:
    """Files with their modes; what it prints makes the configuration whole; the page takes it and a phone gets in."""
    assert gate("init", "--name", "Cong3.local", "--district", "Huyện Hạ") == 0
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in (PAGE, KEY, SHOWN, CA, CA_KEY, SHEET)}
    assert modes == {PAGE: 0o644, KEY: 0o600, SHOWN: 0o644, CA: 0o644, CA_KEY: 0o600, SHEET: 0o644}
    assert (tmp_path / "ca").stat().st_mode & 0o777 == 0o700
    assert gate.bytes_of(SHOWN) == gate.bytes_of(CA)
    gate.take_advice()
    tls = load(gate.config, gate.overrides).api.tls
    assert tls
    assert tls.names == ("cong3.local",)
    served = Certificate(tls)
    assert shake_hands(ssl.create_default_context(cafile=str(tmp_path / SHOWN)), served.context, "cong3.local")
    authority = read_certificate(gate.bytes_of(CA)[0])
    assert authority.subject.rfc4514_string() == "CN=antt-gate CA Huyện Hạ"
    assert tls_issuing.fingerprint(authority) in gate.out
    assert tls_issuing.fingerprint(authority)[:23].replace(":", " ") in (tmp_path / SHEET).read_text(encoding="utf-8")
    assert gate("init") == 0
    assert "put this into" not in gate.out, "the configuration has it all now"
    assert gate("show") == 0
    assert "cong3.local" in gate.out


def test_init_again_changes_nothing_that_is_good(gate: Gate) -> None:
    assert gate("init") == 0
    before = gate.bytes_of(PAGE, KEY, CA, CA_KEY)
    assert gate("init") == 0
    assert "authority: kept" in gate.out
    assert gate.bytes_of(PAGE, KEY, CA, CA_KEY) == before


def test_a_domain_may_stand_in_the_configuration_before_there_is_a_certificate(gate: Gate, tmp_path: Path) -> None:
    """The configuration is not whole then, and says: antt-gate tls init. So that must work."""
    gate.api["domain"] = "cong3.example.vn"
    assert gate("init") == 0
    assert names_of(read_certificate((tmp_path / PAGE).read_bytes()))[0] == "cong3.example.vn"
    gate.take_advice()
    assert gate("show") == 0
    gate.api = {"host": 7, "domain": "cong3.example.vn"}
    assert gate("init") == 2
    assert "api.host" in gate.err


def test_what_no_phone_could_reach_is_told(gate: Gate) -> None:
    gate.api["host"] = "127.0.0.1"
    assert gate("init") == 0
    assert 'set host = "0.0.0.0"' in gate.out


def test_the_timer_renews_when_a_month_is_left_and_not_before(gate: Gate) -> None:
    """New key, same authority: phones notice nothing."""
    tls_issuing.begin(gate.desk(), "CA", (), new_authority=False)
    before = gate.bytes_of(PAGE, KEY)
    assert tls_issuing.renew(gate.desk(after=366 * DAY), force=False) == ""
    assert gate.bytes_of(PAGE, KEY) == before
    assert tls_issuing.renew(gate.desk(after=368 * DAY), force=False).startswith("it ends at ")
    assert all(new != old for new, old in zip(gate.bytes_of(PAGE, KEY), before, strict=True))
    assert tls_issuing.look(gate.desk(after=368 * DAY)).due == ""
    assert tls_issuing.renew(gate.desk(after=369 * DAY), force=True) == "asked for"
    assert gate("renew", "--force", "--days", "30") == 0
    assert gate("renew", "--days", "826") == 2


def test_a_new_name_or_address_makes_it_due(gate: Gate, tmp_path: Path) -> None:
    """The router gave another address; public_url, domain or names were changed."""
    tls_issuing.begin(gate.desk(), "CA", (), new_authority=False)
    moved = Machine(name="cong3", addresses=("192.168.1.77",))
    assert tls_issuing.renew(gate.desk(machine=moved), force=False) == "it does not name 192.168.1.77"
    assert tls_issuing.renew(gate.desk(machine=moved), force=False) == ""
    gate.api["public_url"] = "https://cong-thon3.lan:8443"
    assert tls_issuing.renew(gate.desk(machine=moved), force=False) == "it does not name cong-thon3.lan"
    certificate = read_certificate((tmp_path / PAGE).read_bytes())
    assert names_of(certificate) == ["cong-thon3.lan", "192.168.1.77", "cong3.local", "localhost", "127.0.0.1"]


def test_a_network_that_is_away_takes_no_address_from_the_certificate(gate: Gate, tmp_path: Path) -> None:
    tls_issuing.begin(gate.desk(), "CA", (), new_authority=False)
    alone = Machine(name="cong3", addresses=())
    assert tls_issuing.renew(gate.desk(machine=alone), force=False) == ""
    assert tls_issuing.renew(gate.desk(machine=alone), force=True)
    assert "192.168.1.20" in names_of(read_certificate((tmp_path / PAGE).read_bytes()))


def test_a_name_that_the_authority_may_not_sign_for_is_refused_with_the_way_out(gate: Gate) -> None:
    """What the site asks for is an error; what the machine merely has, such as a public address, is left out."""
    tls_issuing.begin(gate.desk(), "CA", (), new_authority=False)
    public = Machine(name="cong3", addresses=("192.168.1.20", "203.0.113.9"))
    assert tls_issuing.renew(gate.desk(machine=public), force=False) == ""
    gate.api["public_url"] = "https://cong3.example.vn"
    with pytest.raises(AuthorityError, match=r"may not sign for cong3\.example\.vn; .*init --new-ca"):
        tls_issuing.renew(gate.desk(), force=False)
    assert gate("show") == 1
    assert "wrong: phones reach the page by cong3.example.vn" in gate.out
    assert gate("init", "--new-ca") == 0
    assert gate("show") == 0


def test_a_new_authority_keeps_the_old_one_aside(gate: Gate, tmp_path: Path) -> None:
    assert gate("init") == 0
    old = gate.bytes_of(CA, CA_KEY)
    assert gate("init", "--new-ca") == 0
    assert gate.bytes_of(CA, CA_KEY) != old
    aside = sorted((tmp_path / "ca").glob("*.before-*"))
    assert [path.read_bytes() for path in aside] == [old[1], old[0]]
    assert aside[0].stat().st_mode & 0o777 == 0o600
    assert gate("show") == 0, "the gate's certificate is of the new one"


def test_two_gates_share_the_districts_authority_on_a_stick(gate: Gate, tmp_path: Path) -> None:
    """One CA for a phone to trust; its key is on no gate; what is due without the stick says where to look."""
    stick, second = tmp_path / "stick", Gate(folder=tmp_path / "second", capsys=gate.capsys)
    (second.folder / "state").mkdir(parents=True)
    assert gate("init", "--ca-dir", str(stick), "--permit", "an-ninh.example.vn") == 0
    assert second("init", "--ca-dir", str(stick), "--name", "cong4.an-ninh.example.vn") == 0
    assert "authority: kept" in second.out
    assert not (tmp_path / "ca").exists()
    assert gate.bytes_of(SHOWN) == second.bytes_of(SHOWN)
    assert "an-ninh.example.vn" in (second("show"), second.out)[1]
    assert second("renew") == 0, "nothing is due, so nothing is missed"
    assert second("renew", "--force") == 1
    assert f"not at {second.folder / CA_KEY}; say where with --ca-dir" in second.err
    assert second("renew", "--force", "--ca-dir", str(stick)) == 0


def test_init_without_the_stick_makes_no_second_authority(gate: Gate, tmp_path: Path) -> None:
    """It did, in silence: every phone of the district was warned of this gate from then on."""
    stick = tmp_path / "stick"
    assert gate("init", "--ca-dir", str(stick)) == 0
    before = gate.bytes_of(PAGE, KEY, SHOWN)
    assert gate("init") == 0, "nothing is due, so nothing is missed"
    assert "authority: kept, its key is not on this machine" in gate.out
    assert gate.bytes_of(PAGE, KEY, SHOWN) == before
    assert gate("init", "--name", "cong9.local") == 1
    assert "it does not name cong9.local" in gate.err
    assert "say where with --ca-dir, or make a new one" in gate.err
    (tmp_path / PAGE).unlink()
    assert gate("init") == 1
    assert gate.bytes_of(SHOWN) == before[2:]
    assert gate("init", "--new-ca") == 0


def test_a_certificate_of_another_authority_is_never_touched(gate: Gate, tmp_path: Path) -> None:
    """Somebody moved to a public one (DNS-01) and left ours where it is; or has one in the place of ours."""
    assert gate("init") == 0
    foreign = issue(make_authority("public", ["cong3.example.vn"], NOW), ["cong3.example.vn"], NOW)
    (tmp_path / PAGE).write_bytes(foreign.pem)
    (tmp_path / KEY).write_bytes(foreign.key_pem)
    assert gate("renew", "--force") == 0
    assert "made by another authority" in gate.out
    assert gate("init") == 1
    assert "made by another authority; move it away" in gate.err
    assert gate.bytes_of(PAGE, KEY) == [foreign.pem, foreign.key_pem]


def test_a_power_cut_between_two_files_is_mended_by_the_timer(gate: Gate, tmp_path: Path) -> None:
    tls_issuing.begin(gate.desk(), "CA", (), new_authority=False)
    (tmp_path / KEY).write_bytes(read_authority(*gate.bytes_of(CA, CA_KEY)).key_pem)
    assert gate("show") == 1
    assert "is not its key" in gate.out
    assert tls_issuing.renew(gate.desk(), force=False) == "its key does not belong to it"
    assert tls_issuing.look(gate.desk()).key_fits


@pytest.mark.parametrize("left", [CA, CA_KEY])
def test_a_first_init_that_was_cut_short_says_the_way_out(gate: Gate, tmp_path: Path, left: str) -> None:
    """Half an authority that never signed anything can't be put back."""
    assert gate("init") == 0
    for name in {PAGE, KEY, SHOWN, CA, CA_KEY, SHEET} - {left}:
        (tmp_path / name).unlink()
    assert gate("init") == 1
    assert "half of the authority is missing" in gate.err
    assert "make a new one with: antt-gate tls init --new-ca" in gate.err
    assert gate("init", "--new-ca") == 0
    assert gate("show") == 0


def test_two_at_once_wait_for_each_other(gate: Gate, tmp_path: Path) -> None:
    """The timer and a person: key and certificate of one pair, whoever comes first."""
    assert gate("init") == 0
    began, ended = threading.Event(), threading.Event()

    def second() -> None:
        began.set()
        assert gate("renew", "--force") == 0
        ended.set()

    with alone(tmp_path / "ca"):
        thread = threading.Thread(target=second)
        thread.start()
        assert began.wait(5)
        assert not ended.wait(0.05)
    thread.join(5)
    assert ended.is_set()
    assert gate("show") == 0


def test_a_clock_that_was_years_ahead_is_no_lasting_harm(gate: Gate) -> None:
    """What was signed then begins in years; the timer signs anew once the clock is right."""
    tls_issuing.begin(gate.desk(), "CA", (), new_authority=False)
    assert tls_issuing.renew(gate.desk(after=1500 * DAY), force=False)
    assert tls_issuing.renew(gate.desk(), force=False).startswith("it is not good before ")
    assert tls_issuing.renew(gate.desk(), force=False) == ""


def test_an_authority_that_ends_is_told_and_makes_no_new_certificate_each_day(gate: Gate) -> None:
    """Nothing that it signs holds longer; the timer signed every day, and said no word of it."""
    authority = make_authority("CA", (), NOW - 3640 * DAY)
    (gate.folder / "ca").mkdir()
    (gate.folder / CA).write_bytes(authority.pem)
    (gate.folder / CA_KEY).write_bytes(authority.key_pem)
    assert gate("init") == 0
    before = gate.bytes_of(PAGE, KEY)
    assert gate("renew") == 0
    assert "wrong: its authority ends at" in gate.out
    assert "init --new-ca, and have every phone trust that one" in gate.out
    assert gate.bytes_of(PAGE, KEY) == before
    with pytest.raises(AuthorityError, match="this authority has ended"):
        tls_issuing.renew(gate.desk(after=11 * DAY), force=False)


def test_an_address_of_ipv6_is_the_same_in_every_spelling(gate: Gate, tmp_path: Path) -> None:
    """The timer made a new certificate each day, because it compared the letters."""
    gate.api["host"] = "fd00:0:0::0001"
    assert gate("init", "--name", "FD00::2:0") == 0
    assert names_of(read_certificate((tmp_path / PAGE).read_bytes()))[:2] == ["fd00::2:0", "fd00::1"]
    assert gate("renew") == 0
    assert gate.out.startswith("nothing is due")
    assert gate("show") == 0


def test_a_full_disk_is_one_clear_line_and_leaves_nothing_behind(
    gate: Gate, tmp_path: Path, resource_limit: Callable[[int], None]
) -> None:
    """The system names no path of an open file that it can't write: the line began with `None can't be used`."""
    assert gate("init") == 0
    before = gate.bytes_of(PAGE, KEY, SHOWN, CA, CA_KEY, SHEET)
    assert gate.config
    resource_limit(6000)  # the sheet has more bytes; all before it fit
    assert gate("renew", "--force") == 1
    resource_limit(-1)
    assert gate.err.startswith(f"antt-gate: {tmp_path / SHEET} can't be used (File too large)")
    assert gate.bytes_of(PAGE, KEY, SHOWN, CA, CA_KEY, SHEET) == before
    assert not list(tmp_path.rglob(".*.new"))


@pytest.fixture
def resource_limit() -> Iterator[Callable[[int], None]]:
    """Return what limits how long a file may be, as a full disk does; -1 as before."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before if size < 0 else (size, before[1]))

    yield limit
    limit(-1)
    signal.signal(signal.SIGXFSZ, ignored)


def test_what_is_in_the_way_of_one_file_keeps_all_as_they_were(gate: Gate, tmp_path: Path) -> None:
    """A new authority, and the old certificate: that was left where the sheet could not be replaced."""
    assert gate("init") == 0
    before = gate.bytes_of(PAGE, KEY, CA, CA_KEY)
    (tmp_path / SHEET).unlink()
    (tmp_path / SHEET).mkdir()
    assert gate("init", "--new-ca") == 1
    assert "Is a directory" in gate.err
    assert gate.bytes_of(PAGE, KEY, CA, CA_KEY) == before
    assert not list(tmp_path.rglob(".*.new"))


def test_a_key_that_others_may_read_is_closed_by_init(gate: Gate, tmp_path: Path) -> None:
    assert gate("init") == 0
    (tmp_path / KEY).chmod(0o644)
    before = gate.bytes_of(KEY)
    assert (gate("show"), "others may read" in gate.out) == (1, True)
    assert gate("init") == 0
    assert gate("show") == 0
    assert gate.bytes_of(KEY) == before


def test_the_service_gets_at_the_certificate_whatever_the_umask_of_root(gate: Gate, tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        assert gate("init") == 0
    finally:
        os.umask(umask)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("tls", "secrets", "ca")}
    assert modes == {"tls": 0o755, "secrets": 0o700, "ca": 0o700}


@pytest.mark.parametrize(
    ("spoil", "words", "told"),
    [
        (lambda folder: (folder / CA_KEY).unlink(), ("init",), "half of the authority is missing"),
        (lambda folder: (folder / CA_KEY).write_bytes(b"x"), ("renew", "--force"), "its key can't be read"),
        (lambda folder: (folder / CA).write_bytes(b"x"), ("renew",), "no certificate in PEM form"),
        (lambda folder: (folder / PAGE).write_bytes(b"x"), ("show",), "no certificate in PEM form"),
        (lambda folder: (folder / PAGE).unlink(), ("renew",), "run antt-gate tls init"),
        (lambda folder: ((folder / KEY).unlink(), (folder / KEY).mkdir()), ("show",), "Is a directory"),
    ],
)  # fmt: skip
def test_what_is_damaged_is_one_clear_line(
    gate: Gate, tmp_path: Path, spoil: object, words: tuple[str, ...], told: str
) -> None:
    """Exit 1 and what to do; never a traceback, and nothing is overwritten."""
    assert gate("init") == 0
    assert callable(spoil)
    spoil(tmp_path)
    assert gate(*words) == 1
    (line,) = gate.err.splitlines()
    assert line.startswith("antt-gate: ")
    assert told in line


def test_a_folder_that_can_not_be_written_is_one_clear_line(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("a file", encoding="ascii")
    assert gate("init") == 1
    assert f"{tmp_path / 'tls'}" in gate.err
    assert not list(tmp_path.rglob("*.new")), "nothing is left lying about"


def test_show_as_json_is_for_programs(gate: Gate) -> None:
    assert gate("show", "--json") == 1
    assert json.loads(gate.out)["certificate"] is None
    assert gate("init") == 0
    assert gate("show", "--json") == 0
    told = json.loads(gate.out)
    assert (told["ours"], told["wrong"], "localhost" in told["certificate"]["names"]) == (True, [], True)


def test_a_wrong_name_is_refused(gate: Gate) -> None:
    assert gate("init", "--name", "cổng 3") == 2
    assert "no host name or address" in gate.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for another user")
def test_root_writes_the_key_for_the_services_user_and_keeps_the_authoritys(gate: Gate, tmp_path: Path) -> None:
    """A service that was taken over can read its own key and can't sign."""
    os.chown(tmp_path / "state", 12345, 12346)
    assert gate("init") == 0
    owners = {name: ((tmp_path / name).stat().st_uid, (tmp_path / name).stat().st_gid) for name in (KEY, CA_KEY, PAGE)}
    assert owners == {KEY: (12345, 12346), CA_KEY: (0, 0), PAGE: (0, 0)}
    os.chown(tmp_path / KEY, 0, 0)
    assert gate("init") == 0, "a copy that was put back by hand, which the service could not read"
    assert (tmp_path / KEY).stat().st_uid == 12345


def test_a_simulation_keeps_everything_in_its_state_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["tls", "init", "--config", str(SIMULATE_FILE), "--set", f"storage.state_dir={tmp_path}"])
    assert code == 0
    assert (tmp_path / PAGE).exists()
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("  --set "))
    tls = load(SIMULATE_FILE, [shlex.split(line)[1]]).api.tls
    assert tls, "it has no file to write a line into: the words are ready to be pasted, from whatever folder"
    assert (tls.cert_file, tls.key_file) == (tmp_path / PAGE, tmp_path / KEY)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://cong3.lan", "cong3.lan"),
        ("https://Cong3.lan:8443/", "cong3.lan"),
        ("https://[fd00::1]:8443", "fd00::1"),
    ],
)
def test_the_host_of_a_link_is_found(url: str, host: str) -> None:
    assert host_of(url) == host


def test_the_names_are_those_by_which_phones_come(gate: Gate) -> None:
    """Everywhere: the machine's own addresses; else the one it listens on; a host name of odd letters is left out."""
    gate.api = {"host": "0.0.0.0", "domain": "cong3.example.vn", "public_url": "https://cong3.example.vn:8443"}
    names = names_for(load(gate.config, gate.overrides), Machine(name="cổng", addresses=("10.0.0.7",)))
    assert (names.asked, names.found) == (("cong3.example.vn",), ("10.0.0.7", "localhost", "127.0.0.1"))
    gate.api = {"host": "192.168.1.5"}
    names = names_for(load(gate.config, gate.overrides), LAN)
    assert (names.asked, names.found) == (("192.168.1.5",), ("localhost", "127.0.0.1"))
    assert all(not address.startswith("127.") for address in this_machine().addresses)


def test_the_running_page_is_served_what_the_timer_made(gate: Gate, tmp_path: Path) -> None:
    """The whole way: made, taken, renewed, taken again; the authority that phones trust stays."""
    assert gate("init") == 0
    gate.take_advice()
    tls = load(gate.config, gate.overrides).api.tls
    assert tls
    page, phone = Certificate(tls), ssl.create_default_context(cafile=str(tmp_path / SHOWN))
    first = shake_hands(phone, page.context, "localhost")
    assert gate("renew", "--force") == 0
    assert [page.look(), page.look()] == [False, True]
    assert shake_hands(phone, page.context, "localhost") != first


def test_every_option_stands_in_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/tls.md names each, and no other."""
    known: set[str] = set()
    for deed in ("init", "renew", "show"):
        with pytest.raises(SystemExit):
            main(["tls", deed, "--help"])
        known |= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    text = (Path(__file__).parents[2] / "docs" / "tls.md").read_text(encoding="utf-8")
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", re.sub(r"certbot.*", "", text)))
    assert known - told == {"--help", "--config", "--set"}
    assert told - known == set()
