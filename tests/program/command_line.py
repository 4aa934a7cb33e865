"""`antt-gate` as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.program.program import ROOT


def antt_gate(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; it never shows a traceback."""
    command = [sys.executable, "-m", "gate.cli", *words]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False, env={**os.environ, **environment}
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done
