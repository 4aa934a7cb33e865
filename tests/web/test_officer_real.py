"""The whole program in front of a real browser: a slice of what `make bench` measures of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.bench.bench_officer import measured

pytestmark = pytest.mark.slow


def test_an_officer_sees_the_gate_itself(browser: Browser, tmp_path: Path) -> None:
    """Each picture on the screen tells when it was drawn, and each edge of the relay is followed by its word.

    How late both are has bounds in the bench: a test machine may be slow.
    """
    figures = measured(browser, tmp_path, 1, 2.0, 2)
    assert figures["glass_unread"] == 0
    assert float(figures["glass_p50_ms"]) > 0
    assert figures["word_changes"] == "4 of 4"
    assert float(figures["word_p50_ms"]) > 0
