"""`python -m camera detect`: what it prints, how well it sees, what it says of files that are none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from camera.detect import ZonesFile, detect, main
from gate.model import JsonObject

SCORED = ("cars-from-above.mp4", "corridor.mp4", "forecourt.mp4", "night-street-empty.mp4", "brightness-jump.avi")


def test_the_answer_has_the_contracts_shape(
    tmp_path: Path, real_clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`{"frames","analysed","cpu_ms_per_frame","events":[{"start_s","end_s","zones","peak_area"}]}`."""
    zones = tmp_path / "zones.json"
    zones.write_text(json.dumps({"zone": [[0, 0], [1, 0], [1, 1], [0, 1]], "masks": [[0, 0, 0.1, 0.1]], "note": "x"}))
    assert main([str(real_clips / "cars-from-above.mp4"), "--zones", str(zones), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"frames", "analysed", "cpu_ms_per_frame", "events"}
    assert (said["frames"], said["analysed"]) == (377, 151)
    assert set(said["events"][0]) == {"start_s", "end_s", "zones", "peak_area"}
    assert said["events"][0]["zones"] == ["zone"]


def test_the_detector_finds_every_labelled_visit_and_hardly_anything_else(
    tmp_path: Path, real_clips: Path, truth: dict[str, JsonObject]
) -> None:
    """Issue 4: recall whole, one event for each visit, no false event on these clips."""
    found = {name: [] if name not in SCORED else events(real_clips / name, truth[name]) for name in truth}
    path = tmp_path / "found.json"
    path.write_text(json.dumps(found))
    score = real_clips.parent.parent / "tools" / "score_motion.py"
    command = [
        sys.executable,
        str(score),
        "--truth",
        str(real_clips.parent / "truth.json"),
        "--events",
        str(path),
        "--json",
    ]
    clips = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["clips"]
    rows = [clips[name] for name in SCORED]
    assert sum(row["labels"] for row in rows) == 11
    assert sum(row["recall"] for row in rows) == 11
    assert sum(row["one_to_one"] for row in rows) >= 10
    assert sum(row["false"] for row in rows) == 0
    assert sum(row["nothing_s"] for row in rows) <= 5.0


def events(clip: Path, label: JsonObject) -> list[tuple[float, float]]:
    """Return what the detector finds in a clip."""
    where = ZonesFile.model_validate({"zone": label["zone"], "masks": label["masks"]})
    return [(visit.start_s, visit.end_s) for visit in detect(clip, where).events]


@pytest.mark.parametrize(
    ("file", "zones", "words"),
    [
        ("nowhere.mp4", None, "nowhere.mp4"),
        ("text.mp4", None, "no video"),
        ("text.mp4", "{", "zones.json"),
        ("text.mp4", '{"zone": [[0, 0], [2, 0], [1, 1]]}', "zone"),
    ],
)
def test_what_can_not_be_used_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, zones: str | None, words: str
) -> None:
    """Name the file, say what is wrong and what to do."""
    (tmp_path / "text.mp4").write_text("This is no film.\n" * 50)
    arguments = [str(tmp_path / file)]
    if zones is not None:
        (tmp_path / "zones.json").write_text(zones)
        arguments += ["--zones", str(tmp_path / "zones.json")]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
