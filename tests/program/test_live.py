"""The live picture through every process: camera, page, and phones of any speed. `make bench` looks for a minute."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.bench.bench_live import BOUND_MS, looked_at, programs
from tests.bench.page_server import sessions


@pytest.mark.slow
def test_ten_phones_see_the_gate_at_once_though_one_of_them_hangs_behind(tmp_path: Path) -> None:
    """Issue 4: one at 100 kbit/s, the others within 500 ms of the lens; nothing piles up for the slow one."""
    with programs(tmp_path) as program:
        figures = asyncio.run(looked_at(program, sessions(tmp_path, 10), for_s=2.0, warm_up_s=2.0))
    assert float(figures["behind_p95_of_the_worst_page_ms"]) <= BOUND_MS, figures
    assert float(figures["behind_decoded_p95_ms"]) <= BOUND_MS, figures
    assert float(figures["units_per_page_per_s"]) > 8, figures
    assert figures["undecodable"] == 0, figures
    assert float(figures["slow_kernel_queue_max_kb"]) <= 100, figures
