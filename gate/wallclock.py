"""Whether the wall clock can be believed.

A Raspberry Pi 4 has no clock battery: after a power cut its clock is wrong until the network returns. The kernel knows
whether something (timesyncd, chrony, ntpd, a hardware clock daemon) disciplines it: adjtimex(2) answers TIME_ERROR
while nothing does.
"""

from __future__ import annotations

import ctypes

TIME_ERROR = 5
TIMEX_BYTES = 512  # struct timex is smaller on every architecture; zeros mean "only tell"


def is_synchronised() -> bool:
    """Ask the kernel whether the clock is disciplined. A kernel that will not say counts as no."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return 0 <= int(state) < TIME_ERROR
