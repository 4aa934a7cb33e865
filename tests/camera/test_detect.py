"""`python -m camera detect`: what it prints, how well it sees, what it says of files that are none."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import cast

import av
import pytest

from camera.detect import detect, main
from camera.zones_file import ZonesFile
from gate.model import JsonObject
from tests.camera.conftest import make_video

SCORED = ("cars-from-above.mp4", "corridor.mp4", "forecourt.mp4", "night-street-empty.mp4", "brightness-jump.avi")
CLOCK = '"masks": [[0, 0, 0.1, 0.1]]'


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film of a still wall past which a square goes to the right from the fourth second on."""
    return make_video(tmp_path_factory.mktemp("film") / "passing.mp4", seconds=8.0, still_s=4.0)


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> JsonObject:
    """Run the command with `--json`, return what it printed."""
    assert main([*(str(argument) for argument in arguments), "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return cast("JsonObject", json.loads(printed.out))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Run the command, which must end with 2 and one line; return the line."""
    assert main([str(argument) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


def test_the_answer_has_the_contracts_shape(
    tmp_path: Path, real_clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`{"frames","analysed","cpu_ms_per_frame","events":[{"start_s","end_s","zones","peak_area"}]}`."""
    zones = tmp_path / "zones.json"
    zones.write_text('{"zone": [[0, 0], [1, 0], [1, 1], [0, 1]], ' + CLOCK + ', "note": "x", "events": []}')
    answer = said(capsys, real_clips / "cars-from-above.mp4", "--zones", zones)
    assert list(answer) == ["frames", "analysed", "cpu_ms_per_frame", "events"]
    assert (answer["frames"], answer["analysed"]) == (377, 151)
    (event, *_) = cast("list[JsonObject]", answer["events"])
    assert list(event) == ["start_s", "end_s", "zones", "peak_area"]
    assert event["zones"] == ["zone"]


def test_the_detector_finds_every_labelled_visit_and_hardly_anything_else(
    tmp_path: Path, real_clips: Path, truth: dict[str, JsonObject]
) -> None:
    """Issue 4: recall whole, one event for each visit, no false event on these clips, and soon enough."""
    found = {name: [] if name not in SCORED else events(real_clips / name, truth[name]) for name in truth}
    path = tmp_path / "found.json"
    path.write_text(json.dumps(found))
    score = real_clips.parent.parent / "tools" / "score_motion.py"
    labels = real_clips.parent / "truth.json"
    command = [sys.executable, str(score), "--truth", str(labels), "--events", str(path), "--json"]
    clips = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["clips"]
    rows = [clips[name] for name in SCORED]
    assert sum(row["labels"] for row in rows) == 11
    assert sum(row["recall"] for row in rows) == 11
    assert sum(row["one_to_one"] for row in rows) >= 10
    assert sum(row["false"] for row in rows) == 0
    assert sum(row["nothing_s"] for row in rows) <= 5.0
    delays = sorted(delay for row in rows for delay in row["delays"])
    assert statistics.median(delays) <= 0.4
    assert delays[int(0.9 * len(delays))] <= 1.0


def events(clip: Path, label: JsonObject) -> list[tuple[float, float]]:
    """Return what the detector finds in a clip."""
    where = ZonesFile.model_validate({"zone": label["zone"], "masks": label["masks"]})
    return [(visit.start_s, visit.end_s) for visit in detect(clip, where).events]


def test_several_zones_and_a_line_tell_which_and_which_way(
    tmp_path: Path, passing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A zone that is only recorded says so; who goes over the arrow from its left to its right goes in."""
    zones = tmp_path / "zones.json"
    zones.write_text(
        json.dumps(
            {
                "zones": [
                    {"name": "đường", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]], "kind": "record"},
                    {"name": "trời", "polygon": [[0, 0], [1, 0], [1, 0.2]]},
                ],
                "lines": [{"name": "cổng", "from": [0.5, 1.0], "to": [0.5, 0.0]}],
            }
        )
    )
    (event,) = cast("list[JsonObject]", said(capsys, passing, "--zones", zones)["events"])
    assert event["zones"] == ["đường"]
    assert event["level"] == "record"
    assert event["crossings"] == [{"line": "cổng", "direction": "in"}]
    assert main([str(passing), "--zones", str(zones)]) == 0
    printed = capsys.readouterr().out
    assert "only recorded" in printed
    assert "cổng: in" in printed


def test_a_file_of_labels_gives_the_zones_of_the_video_by_its_name(
    tmp_path: Path, passing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in ../shared/data/truth.json; a video that is not in it is refused."""
    zones = tmp_path / "truth.json"
    zones.write_text(json.dumps({"clips": {"passing.mp4": {"zone": [[0, 0], [1, 0], [1, 0.1], [0, 0.1]]}}}))
    assert said(capsys, passing, "--zones", zones)["events"] == []
    zones.write_text('{"clips": {}}')
    assert "nothing is said of passing.mp4" in refused(capsys, passing, "--zones", zones)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("nowhere.mp4", "No such file"),
        ("text.mp4", "no video"),
        ("empty.mp4", "is empty"),
        ("folder.mp4", "is a folder"),
        ("torn.mp4", "cut off"),
        ("pipe.mp4", "is a device"),
    ],
)
def test_what_is_no_video_is_one_line_and_exit_code_2(
    tmp_path: Path, passing: Path, capsys: pytest.CaptureFixture[str], file: str, words: str
) -> None:
    """Name the file, say what is wrong and what to do. An MP4 without its end has no index: nothing can be read."""
    (tmp_path / "text.mp4").write_text("This is no film.\n" * 50)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "torn.mp4").write_bytes(passing.read_bytes()[:-3000])
    os.mkfifo(tmp_path / "pipe.mp4")
    line = refused(capsys, tmp_path / file)
    assert words in line
    assert file in line
    assert "give" in line


def test_a_film_that_is_cut_off_tells_what_could_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was read stands in the answer; that it is not all stands on stderr."""
    whole = make_video(tmp_path / "whole.mkv", seconds=8.0, still_s=4.0)
    torn = tmp_path / "torn.mkv"
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    assert main([str(torn), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["analysed"] > 20
    assert "cut off: it should last 8.0 s" in printed.err
    assert main([str(whole), "--json"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("zones", "words"),
    [
        (None, "No such file"),
        ("{", "no JSON"),
        ("[]", "the file"),
        ('{"zone": [[0, 0], [2, 0], [1, 1]]}', "zone.1.0"),
        ('{"zone": [[0, 0], [1, 0]]}', "zone"),
        ('{"zone": [[0, 0], [1, 1], [0.5, 0.5]]}', "encloses nothing"),
        ('{"masks": [[0.5, 0, 0.1, 1]]}', "encloses nothing"),
        ('{"mask": []}', "did you mean masks?"),
        ('{"zones": [{"name": "a", "polygon": [[0, 0], [1, 0], [1, 1]], "kind": "alarm"}]}', "zones.0.kind"),
        ('{"lines": [{"name": "a", "from": [0.5, 0.5], "to": [0.5, 0.5]}]}', "two different points"),
        ('{"lines": [{"name": "a", "from": [0.5, 0.5]}]}', "lines.0.to"),
    ],
)
def test_zones_that_can_not_be_used_are_one_line_and_exit_code_2(
    tmp_path: Path, passing: Path, capsys: pytest.CaptureFixture[str], zones: str | None, words: str
) -> None:
    """Name the file, the key and the remedy."""
    path = tmp_path / "zones.json"
    if zones is not None:
        path.write_text(zones)
    line = refused(capsys, passing, "--zones", path)
    assert words in line
    assert "zones.json" in line


def test_the_film_of_reasons_is_one_that_browsers_play(
    tmp_path: Path, passing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """H.264, 4:2:0, its index in front; a picture for each that was analysed, at its time."""
    out = tmp_path / "why.mp4"
    answer = said(capsys, passing, "--explain", out)
    with av.open(str(out)) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        times = [float(frame.time or 0.0) for frame in film.decode(stream)]
    assert len(times) == answer["analysed"]
    assert times[10] == pytest.approx(2.0, abs=0.1)
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert [path.name for path in tmp_path.iterdir()] == ["why.mp4"]


def test_a_film_is_not_written_over_what_is_read_nor_where_nothing_can_be_written(
    tmp_path: Path, passing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The video itself, also by another name; a folder; a folder that is not there; and nothing is left behind."""
    before = passing.read_bytes()
    (tmp_path / "same.mp4").symlink_to(passing)
    assert "would overwrite" in refused(capsys, passing, "--explain", passing)
    assert "would overwrite" in refused(capsys, passing, "--explain", tmp_path / "same.mp4")
    assert "is no file" in refused(capsys, passing, "--explain", tmp_path)
    assert "can't be written" in refused(capsys, passing, "--explain", tmp_path / "nowhere" / "why.mp4")
    assert passing.read_bytes() == before
    (tmp_path / "text.mp4").write_text("no film")
    assert "no video" in refused(capsys, tmp_path / "text.mp4", "--explain", tmp_path / "why.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["same.mp4", "text.mp4"]
