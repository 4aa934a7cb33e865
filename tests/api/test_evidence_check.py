"""An evidence package can't be changed without `verify` finding it (issue 5, 7): the file alone, no gate."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import subprocess
import tracemalloc
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import pytest

from api.evidence_check import LONGEST_TOLD, FaultError, check, lines
from api.evidence_key import KEY_FILE, EvidenceKeyError, open_key, shown, typed
from api.evidence_manifest import GUIDE, JOURNAL, MANIFEST, PUBLIC_KEY, SIGNATURE, TAKEN
from api.evidence_package import BrokenOffError
from api.evidence_zip import Layout, stamp_of
from gate.journal import canonical
from gate.model import Kind
from tests.evidence import Village, village
from tests.evidence_changes import Forger, container_of, packed

CHANGES = 160
"""Of the 1,000 that tests/bench/bench_evidence.py makes."""


@pytest.fixture(scope="module")
def happened(tmp_path_factory: pytest.TempPathFactory) -> Village:
    """Return a village where three things moved."""
    return village(tmp_path_factory.mktemp("village"))


@pytest.fixture(scope="module")
def whole(happened: Village) -> bytes:
    """Return a package of all of it."""
    return happened.taken().read_bytes()


def fault(folder: Path, changed: bytes, demanded: str | None = None) -> str:
    """Return the first thing that does not match, empty where all does."""
    path = folder / "changed.zip"
    path.write_bytes(changed)
    try:
        check(path, demanded)
    except FaultError as error:
        return str(error)
    return ""


def test_a_package_that_nobody_touched_holds_and_says_whose_it_is(happened: Village, whole: bytes) -> None:
    """Every file, every row; the key's fingerprint; who took it, where and why."""
    verdict = check(happened.folder / "package.zip", happened.key.fingerprint)
    assert (verdict.files, verdict.bytes) == (13, len(whole))
    told = "\n".join(lines(verdict, key_demanded=True))
    for words in (shown(happened.key.fingerprint), "Trần Thị Lan (lan)", "Máy của Lan", "Công văn 12", "Cổng thôn Hạ"):
        assert words in told


def test_random_changes_are_all_found(happened: Village, whole: bytes, tmp_path: Path) -> None:
    """From one flipped bit to a journal without a row in a container as the gate packs it: 100 %."""
    forger = Forger(whole=whole, noise=random.Random(20_261_122))
    for number in range(CHANGES):
        deed, changed = forger.change()
        assert fault(tmp_path, changed, happened.key.fingerprint), f"change {number}: {deed}"


def test_no_byte_of_the_container_may_be_another(whole: bytes, tmp_path: Path) -> None:
    """Headers, directory and end: whatever an ordinary reader would skip."""
    for at in container_of(whole)[::9]:
        changed = bytearray(whole)
        changed[at] ^= 1
        assert fault(tmp_path, bytes(changed)), at


def test_the_first_thing_that_does_not_match_is_named(happened: Village, whole: bytes, tmp_path: Path) -> None:
    """A clip by its name, a row by its number, the key, the end."""
    forger = Forger(whole=whole, noise=happened.noise)
    files = dict(forger.files())
    clip = next(iter(files))
    assert fault(tmp_path, forger.with_(clip, b"another")).startswith(f"{clip} was changed")
    rows = files[JOURNAL].splitlines(keepends=True)
    missing = fault(tmp_path, forger.with_(JOURNAL, b"".join(rows[:4] + rows[5:])))
    assert missing.startswith(f"{JOURNAL} was changed: row 6 (line 5) does not stand on row 4")
    told = fault(tmp_path, forger.with_(JOURNAL, files[JOURNAL].replace(b"scene", b"other", 1)))
    assert told == f"{JOURNAL} was changed: row 2 (line 2) does not match its hash"
    assert fault(tmp_path, whole + b"\0") == "something was added behind the end of the package"
    assert fault(tmp_path, whole[:-1]) == "the end of the package is cut off"
    assert "not begin like an evidence package" in fault(tmp_path, b"%PDF-1.4")
    assert "not begin like an evidence package" in fault(tmp_path, b"")
    other = fault(tmp_path, whole, "0" * 64)
    assert other == f"{PUBLIC_KEY} is another key than demanded: its fingerprint is {shown(happened.key.fingerprint)}"


def signed(happened: Village, whole: bytes, new: dict[str, bytes]) -> bytes:
    """Return the package with other files, signed by the gate's own key: a gate that does not tell the truth."""
    kept = dict(Forger(whole=whole, noise=happened.noise).files()) | new
    said = json.loads(kept[MANIFEST])
    for row in said["files"]:
        row |= {"sha256": hashlib.sha256(kept[row["name"]]).hexdigest(), "bytes": len(kept[row["name"]])}
    kept[MANIFEST] = canonical(said)
    kept[SIGNATURE] = happened.key.sign(kept[MANIFEST])
    return packed(list(kept.items()), whole[10:14])


def test_a_signature_does_not_make_a_broken_chain_whole(happened: Village, whole: bytes, tmp_path: Path) -> None:
    """Rows, ends, the row of the taking and the clips are compared although the signature fits."""
    files = dict(Forger(whole=whole, noise=happened.noise).files())
    assert fault(tmp_path, signed(happened, whole, {})) == ""
    rows = files[JOURNAL].splitlines(keepends=True)
    for changed, words in (
        (rows[:4] + rows[5:], "row 6 (line 5) does not stand on row 4"),
        ([rows[1], rows[0], *rows[2:]], "row 1 (line 2) does not stand on row 2"),
        (rows[1:], "its ends are not those of the manifest"), (rows[:-1], "its ends are not those of the manifest"),
        ([*rows[:-1], rows[-1][:-1]], f"line {len(rows)} is cut off"), ([], "there is no row"),
        ([*rows[:2], b"[1]\n", *rows[3:]], "line 3 is no row"), ([b"[" * 100_000, b"\n"], "line 1 is no row"),
    ):  # fmt: skip
        assert words in fault(tmp_path, signed(happened, whole, {JOURNAL: b"".join(changed)})), words
    assert "not the row that the manifest names" in fault(tmp_path, signed(happened, whole, {TAKEN: rows[-2]}))
    clip = next(iter(files))
    told = fault(tmp_path, signed(happened, whole, {clip: b"another"}))
    assert told == f"{clip} is not what was saved: row 4 of the journal has another SHA-256"


def test_a_clip_that_is_not_what_was_saved_is_packed_and_told(tmp_path: Path) -> None:
    """Somebody changed it on the gate's own disk: the manifest says so, and the check names it."""
    here = village(tmp_path)
    clip = next(here.media.rglob("*.mp4"))
    clip.write_bytes(b"another film")
    package = here.package()
    path = here.taken(package)
    assert package.sealed
    assert package.sealed.altered == (f"clips/{clip.relative_to(here.media)}",)
    with pytest.raises(FaultError, match=r"is not what was saved: row \d+ of the journal"):
        check(path)


def test_a_clip_that_was_said_to_be_saved_twice_is_told(tmp_path: Path) -> None:
    """Who changes a clip may have a second row written that fits it. Seen: the later was believed without a word."""
    here = village(tmp_path)
    clip = next(here.media.rglob("*.mp4"))
    with contextlib.closing(here.reader()) as reader:
        (before,) = (fact for fact in reader.read(limit=50) if fact.data.get("clip", "").endswith(clip.name))  # type: ignore[union-attr] # a text
    clip.write_bytes(b"another film")
    with here.journal() as journal:
        journal.write(
            Kind.CLIP_SAVED, before.by, {**before.data, "sha256": hashlib.sha256(b"another film").hexdigest()}
        )
    verdict = check(here.taken(), here.key.fingerprint)
    assert [*verdict.disputed.values()] == [(before.seq, 13)]
    told = f"rows {before.seq} and 13 of the journal say different SHA-256 of {before.data['clip']}"
    assert told in [*lines(verdict, key_demanded=True)]


def test_what_a_package_says_never_looks_like_our_word(happened: Village, whole: bytes, tmp_path: Path) -> None:
    """Seen: a forger's reason had a line break, and "signed by the key" with the gate's own fingerprint behind it."""
    manifest = json.loads(dict(Forger(whole=whole, noise=happened.noise).files())[MANIFEST])
    real, fake = shown(happened.key.fingerprint), f"signed by the key {shown('0' * 64)}"
    manifest |= {"reason": f"cớ\n{fake}{' ' * 900}\u2028{fake}", "place": f"\r{fake}" * 9}
    manifest["taken"] |= {"at_trusted": "no"}
    path = tmp_path / "forged.zip"
    path.write_bytes(signed(happened, whole, {MANIFEST: canonical(manifest)}))
    told = [*lines(check(path), key_demanded=False)]
    assert [line for line in told if line.startswith("signed by")] == [f"signed by the key {real}"] == told[-1:]
    assert all(line.isprintable() and len(line) < 3 * LONGEST_TOLD for line in told)
    assert not any("holds" in line for line in told)


def test_what_is_gone_is_named_and_the_package_is_whole(tmp_path: Path) -> None:
    """A clip that retention took, one that can't be read, a picture: in the manifest, in the record, in the verdict."""
    here = village(tmp_path, clips=4)
    package = here.package()
    gone, folder, linked, kept = sorted(here.media.rglob("*.mp4"))
    gone.unlink()
    folder.unlink()
    folder.mkdir()
    linked.unlink()
    linked.symlink_to(kept)
    verdict = check(here.taken(package), here.key.fingerprint)
    told = {(row["name"], row["why"]) for row in verdict.manifest["missing"]}  # type: ignore[union-attr,index,call-overload] # a list of objects
    day = kept.parent.name
    assert told == {
        (f"clips/{day}/{gone.name}", "deleted"), (f"clips/{day}/{folder.name}", "unreadable"),
        (f"clips/{day}/{linked.name}", "unreadable"),
    }  # fmt: skip
    assert sum("was missing already" in line for line in lines(verdict, key_demanded=True)) == 3


def test_a_clip_that_goes_while_it_is_sent_is_sent_all_the_same(tmp_path: Path) -> None:
    """An open file outlives its name."""
    here = village(tmp_path, clips=2, clip_bytes=600_000)
    package = here.package()
    with contextlib.closing(here.reader()) as reader:
        parts = package.parts(reader)
        held = [next(part for part in parts if part)]  # the header of the first clip is out
        for clip in here.media.rglob("*.mp4"):
            clip.unlink()
        held += parts
    (here.folder / "package.zip").write_bytes(b"".join(held))
    assert [row["why"] for row in check(here.folder / "package.zip").manifest["missing"]] == ["deleted"]  # type: ignore[union-attr,index,call-overload] # as above


def test_a_clip_that_changes_while_it_is_sent_breaks_the_package_off(tmp_path: Path) -> None:
    """A broken package must not look like a whole one."""
    here = village(tmp_path, clips=1, clip_bytes=600_000)
    package = here.package()
    (clip,) = here.media.rglob("*.mp4")
    with contextlib.closing(here.reader()) as reader:
        parts = package.parts(reader)
        assert next(part for part in parts if part)
        with clip.open("r+b") as file:
            file.write(b"x")
        with pytest.raises(BrokenOffError, match="changed while it was packed"):
            list(parts)
    assert package.sealed is None


def test_memory_does_not_grow_with_the_package(tmp_path: Path) -> None:
    """Forty clips of 1 MB, or eight: what is held at once is the same (bench_evidence measures 200 over HTTP)."""
    peaks = []
    for clips in (8, 40):
        here = village(tmp_path / str(clips), clips=clips, clip_bytes=1_000_000)
        package = here.package()
        with contextlib.closing(here.reader()) as reader:
            tracemalloc.start()
            largest = max(map(len, package.parts(reader)))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert largest <= 300_000
    assert peaks[1] < peaks[0] + 500_000
    assert peaks[1] < 4_000_000


def test_large_numbers_have_room(tmp_path: Path) -> None:
    """ZIP64, written where a length or an offset needs it, here from 100 bytes on: ordinary readers read it."""
    layout = Layout(stamp=stamp_of("2026-11-21T18:04:05.678Z"), full=100)
    contents = {"clips/small.mp4": b"s" * 40, "clips/large.mp4": b"l" * 400, "manifest.sig": b"g" * 64}
    parts = [layout.begin(name, len(held), zlib.crc32(held)) + held for name, held in contents.items()]
    path = tmp_path / "large.zip"
    path.write_bytes(b"".join(parts) + layout.ending())
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        assert {info.filename: package.read(info) for info in package.infolist()} == contents
        assert package.infolist()[0].date_time == (2026, 11, 21, 18, 4, 4)


def test_a_stranger_can_check_it_without_our_program(whole: bytes, tmp_path: Path) -> None:
    """As check.txt in the package says: OpenSSL for the signature, any SHA-256 for the files."""
    with zipfile.ZipFile(BytesIO(whole)) as package:
        package.extractall(tmp_path)
    words = "openssl pkeyutl -verify -pubin -inkey gate-key.pem -rawin -in manifest.json -sigfile manifest.sig"
    guide = (tmp_path / GUIDE).read_text(encoding="utf-8")
    assert words in guide
    done = subprocess.run(words.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in done.stdout
    for row in json.loads((tmp_path / MANIFEST).read_bytes())["files"]:
        assert hashlib.sha256((tmp_path / row["name"]).read_bytes()).hexdigest() == row["sha256"]


def test_the_key_is_made_once_and_for_the_gate_alone(tmp_path: Path) -> None:
    """0600, the same at every start; one that others may read, or that is damaged, is refused and never replaced."""
    key, path = open_key(tmp_path), tmp_path / KEY_FILE
    assert (path.stat().st_mode & 0o777, open_key(tmp_path).fingerprint) == (0o600, key.fingerprint)
    assert typed(shown(key.fingerprint).upper().replace(" ", ":")) == key.fingerprint
    assert (typed(key.fingerprint[:-1]), typed("")) == (None, None)
    path.chmod(0o640)
    with pytest.raises(EvidenceKeyError, match=r"may be read by others \(mode 640\); chmod 600"):
        open_key(tmp_path)
    path.chmod(0o600)
    path.write_bytes(b"nonsense")
    with pytest.raises(EvidenceKeyError, match="is damaged; bring it back from a copy"):
        open_key(tmp_path)
    assert path.read_bytes() == b"nonsense"
    assert [left.name for left in tmp_path.iterdir()] == [KEY_FILE]
