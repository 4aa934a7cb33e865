"""Real-time priority: taken where it is allowed, told where it is not, and never handed to a child."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASKED = """
import os
from gate import priority
print(priority.raise_this_thread(priority.KEEPER))
print(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, os.sched_getparam(0).sched_priority)
child = os.fork()
if child == 0:
    print(os.sched_getscheduler(0), os.sched_getparam(0).sched_priority, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
WITHOUT_A_RIGHT = """
import os, resource
import gate.priority
resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
if os.getuid() == 0:
    os.setuid(65534)
"""
LOWERED = """
import os, subprocess, sys
from gate import priority
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
priority.lower(child.pid)
print(os.getpriority(os.PRIO_PROCESS, child.pid) - os.getpriority(os.PRIO_PROCESS, 0))
child.communicate(b"\\n")
priority.lower(child.pid)
"""


def said(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-u", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_what_is_said_is_what_was_granted_and_children_are_ordinary() -> None:
    sentence, ours, childs = said(ASKED)
    granted = ours == f"{os.SCHED_FIFO} 20"
    assert sentence.startswith("real-time priority 20" if granted else "ordinary priority;")
    assert childs == f"{os.SCHED_OTHER} 0"


def test_where_it_is_not_allowed_the_gate_runs_all_the_same_and_says_so() -> None:
    """As for a person who starts a simulation."""
    sentence, ours, _ = said(WITHOUT_A_RIGHT + ASKED)
    assert ours == f"{os.SCHED_OTHER} 0"
    assert sentence.startswith("ordinary priority;")
    assert "docs/operations.md" in sentence


def test_a_child_gives_way_also_one_that_has_ended_already() -> None:
    assert said(LOWERED) == ["5"]


def test_a_gate_that_gives_way_itself_starts_children_that_give_way_to_it() -> None:
    """`nice antt-gate simulate`: nothing is raised, which would be refused, and no child could be started."""
    assert said(f"import os\nos.nice(10)\n{LOWERED}") == ["5"]
    assert said(f"import os\nos.nice(19)\n{LOWERED}") == ["0"]
