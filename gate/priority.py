"""Who gets the processor first when it is busy: the keeper, then the gate, then everybody else.

A detector, a browser's worth of requests and a password hash may take every core; a sample that is 100 ms late stops
the leaf. Measured here with a load of 7 on two cores: at nice -10 the gate process read samples up to 214 ms late.
So both are real-time; the journal's thread too, since it shares an interpreter lock with the rules. Children never are.

Raising needs a right (LimitRTPRIO= in the unit, or root); where it is not granted the gate runs all the same, and says
so.
"""

from __future__ import annotations

import contextlib
import os

KEEPER = 20
GATE = 10
CHILD_NICE, LOWEST_NICE = 5, 19


def raise_this_thread(priority: int) -> str:
    """Make the calling thread real-time, but not what it starts; return what was granted, for the log."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except OSError:
        return "ordinary priority; a busy processor can make samples late (docs/operations.md)"
    return f"real-time priority {priority}"


def lower(pid: int) -> None:
    """Put a child behind ordinary processes, and behind this one where that is low itself: always allowed."""
    behind = os.getpriority(os.PRIO_PROCESS, 0) + CHILD_NICE
    with contextlib.suppress(ProcessLookupError):  # it has ended already; who waits for it will hear
        os.setpriority(os.PRIO_PROCESS, pid, max(CHILD_NICE, min(behind, LOWEST_NICE)))
