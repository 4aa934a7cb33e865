"""The last beat of a gate, kept between two runs of `antt-gate send`, so that a second command need not wait for one.

It is used for `LONGEST_MS` at most, within one boot of this machine, and only while the gate's `$state` names the same
boot: two clocks drift apart by less than a second in that time, and the gate bounds every deadline by its own. A
file that is absent, old or damaged only means waiting for the next beat.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path

from mqtt_bridge.errand import Beat

LONGEST_MS = 600_000
LARGEST_BYTES = 4096


def place_of(gate: str, where: str) -> Path:
    """Return the file for a gate at a broker."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "antt-gate" / (re.sub(r"[^A-Za-z0-9.-]", "_", f"{gate}-{where}") + ".json")


def recall(path: Path, *, own_boot: str, now_ms: int) -> Beat | None:
    """Return the beat that was kept, None where it says nothing about now. Times as `Beat`'s."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST_BYTES))
        beat = Beat(boot=str(found["boot"]), mono_ms=int(found["mono_ms"]), heard_ms=int(found["heard_ms"]))
        is_ours = found["own_boot"] == own_boot
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return beat if is_ours and 0 <= now_ms - beat.heard_ms <= LONGEST_MS else None


def keep(path: Path, beat: Beat, *, own_boot: str) -> None:
    """Keep a beat for the next command; where that is not possible, the next one waits."""
    fresh = path.with_suffix(f".{os.getpid()}")
    told = {"boot": beat.boot, "mono_ms": beat.mono_ms, "heard_ms": beat.heard_ms, "own_boot": own_boot}
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.write_text(json.dumps(told), encoding="utf-8")
        fresh.replace(path)


def forget(path: Path) -> None:
    """Have the next command wait for a beat."""
    with contextlib.suppress(OSError):
        path.unlink()
