"""Real input: `antt-gate simulate --video FILE` finds what moves in real clips and keeps clips that play."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from gate.model import Fact
from tests.fakes import wait_until
from tests.program.program import ROOT, Program

pytestmark = pytest.mark.slow

DATA = ROOT.parent / "shared" / "data"
CLIPS = ("cars-from-above.mp4", "corridor.mp4", "night-insects.mp4")
PRE_ROLL_S = 5.0


def labels(clip: str) -> list[tuple[float, float]]:
    truth = json.loads((DATA / "truth.json").read_text())["clips"][clip]
    return [(event["start_s"], event["end_s"]) for event in truth["events"]]


def probe(path: Path) -> tuple[str, float]:
    """Return (codec, duration in s) as ffprobe sees it."""
    fields = "stream=codec_name:format=duration"
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", fields, "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr
    told = json.loads(done.stdout)
    return told["streams"][0]["codec_name"], float(told["format"]["duration"])


def by_event(facts: list[Fact]) -> dict[str, Fact]:
    return {str(fact.data["event_id"]): fact for fact in facts}


@pytest.mark.parametrize("clip", CLIPS)
def test_a_real_clip_becomes_events_with_pictures_and_clips(tmp_path: Path, clip: str) -> None:
    if not DATA.exists():
        pytest.skip(f"{DATA} is not here: the labelled clips are not part of a user's clone")
    overrides = ('camera.pace="fast"', "mqtt.enabled=false")
    with Program(tmp_path, "--video", str(DATA / "video" / clip), overrides=overrides) as program:
        wait_until(lambda: "ended" in str(program.process("camera").get("health")), 120, "the end of the file")
        wait_until(lambda: len(program.facts("clip_saved")) == len(program.facts("motion_started")), 20, "all clips")
        ended = by_event(program.facts("motion_ended"))
        saved = by_event(program.facts("clip_saved"))
        assert len(saved) >= len(labels(clip)) // 2 + 1, "most labelled visits are events"
        assert set(saved) == set(ended)
        for event_id, fact in saved.items():
            path = tmp_path / "media" / str(fact.data["clip"])
            codec, duration_s = probe(path)
            told_s = float(str(fact.data["duration_s"]))
            pre_roll_s = float(str(fact.data["pre_roll_s"]))
            motion_s = float(str(ended[event_id].data["duration_s"]))
            assert codec == "h264"
            assert abs(duration_s - told_s) <= 0.5
            assert duration_s >= motion_s + pre_roll_s - 0.5
            assert (tmp_path / "media" / str(fact.data["thumbnail"])).stat().st_size > 2000
        rolled = [float(str(fact.data["pre_roll_s"])) for fact in saved.values()]
        assert max(rolled) >= PRE_ROLL_S, "pre-roll, except where the file begins"


def test_a_corrupt_video_is_a_reason_in_the_status_and_the_gate_goes_on(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 40)
    with Program(tmp_path / "s", "--video", str(bad), overrides=("mqtt.enabled=false",)) as program:
        wait_until(lambda: "'ok': False" in str(program.process("camera").get("health")), 15, "a reason")
        assert "Traceback" not in "\n".join(program.output)
        assert program.process("camera")["restarts"] == 0, "no crash loop"
        program.state_is("closed")
        program.order("open")
        program.state_is("open")
