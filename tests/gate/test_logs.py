"""A log that nobody reads must not make the gate wait."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

CHATTY = """
import logging, time
from gate.logs import log_to_stderr
log = log_to_stderr("gate")
began = time.monotonic()
for number in range(5000):
    logging.info("line %d %s", number, "x" * 100)
print(time.monotonic() - began, flush=True)
log.close()
"""


@pytest.mark.slow
def test_a_full_pipe_does_not_block_who_logs() -> None:
    """Seen by an attack: a stalled terminal froze the gate process for as long as it was stalled."""
    unread, stderr = os.pipe()
    began_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", CHATTY], stdout=subprocess.PIPE, stderr=stderr, text=True, timeout=30, check=True
    )
    assert float(done.stdout) < 5.0
    assert time.monotonic() - began_s < 10.0
    os.close(stderr)
    os.close(unread)


@pytest.mark.slow
def test_lines_that_are_read_come_out_in_order() -> None:
    text = "import logging; from gate.logs import log_to_stderr; log = log_to_stderr('gate')\n"
    text += "for number in range(50): logging.info('line %d', number)\nlog.close()"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=30, check=True)
    assert [line.split()[-1] for line in done.stderr.splitlines()] == [str(number) for number in range(50)]
