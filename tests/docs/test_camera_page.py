"""docs/camera.md names what the yard, the trust and the law's notice need: nobody has to read code for a word."""

from __future__ import annotations

import pytest

from camera.trust import REASONS
from config.schema import Camera
from gate.lookout import GONE
from gate.yard_orders import SEEN
from tests.docs.source import ROOT

PAGE = (ROOT / "docs" / "camera.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("reason", [*REASONS, GONE])
def test_every_reason_not_to_believe_the_camera_says_what_to_do(reason: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{reason}` |")]
    assert len(row.split(" | ")) == 3


@pytest.mark.parametrize("word", [*SEEN, "infrared dead"])
def test_every_word_of_the_yard_that_the_camera_notices_is_there(word: str) -> None:
    table = PAGE.partition("## Try it without a camera")[2]
    assert any(f"`{word}`" in line for line in table.splitlines() if line.startswith("| `"))


@pytest.mark.parametrize(
    "key", ["zones", "lines", "masks", "leaf", "gateway", "gate_parts", "privacy", "min_area", "detect_url", "reencode"]
)
def test_the_keys_that_it_speaks_of_exist(key: str) -> None:
    assert f"`{key}" in PAGE or f"camera.{key}]]" in PAGE
    assert key in Camera.model_fields


def test_the_notice_is_there_in_both_languages_with_its_law_and_its_limits() -> None:
    for words in ("KHU VỰC CÓ CAMERA GHI HÌNH", "CAMERA RECORDING IN THIS AREA", "91/2025/QH15", "Công an xã"):
        assert words in PAGE
