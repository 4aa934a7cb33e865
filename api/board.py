"""The board that the gate runs on: temperature, load, memory, room on its disks. As the kernel tells it; may wait.

What it does not tell (a laptop without a thermal zone) is left out, never guessed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"
LOAD, MEMORY, UPTIME = "proc/loadavg", "proc/meminfo", "proc/uptime"
MEMORY_FIGURES = {"MemAvailable": "memory_free_bytes", "MemTotal": "memory_bytes"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """Where to look. `root` is "/" but in tests; `folders` by the name that their figures bear."""

    folders: Mapping[str, Path]
    root: Path = Path("/")

    def look(self) -> dict[str, float]:
        """Return what is known now: temperature in °C, load for each processor, bytes, seconds since the start."""
        return dict(self._found())

    def _found(self) -> Iterator[tuple[str, float]]:
        with contextlib.suppress(OSError, ValueError):
            yield "temperature_c", round(int(self._text(TEMPERATURE)) / 1000, 1)
        with contextlib.suppress(OSError, ValueError, IndexError):
            yield "load", round(float(self._text(LOAD).split()[0]) / (os.cpu_count() or 1), 2)
        with contextlib.suppress(OSError, ValueError, IndexError):
            yield "uptime_s", float(self._text(UPTIME).split()[0])
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in self._text(MEMORY).splitlines():
                name, _, rest = line.partition(":")
                if name in MEMORY_FIGURES:
                    yield MEMORY_FIGURES[name], int(rest.split()[0]) * 1024.0
        for name, path in self.folders.items():
            with contextlib.suppress(OSError, StopIteration):
                disk = os.statvfs(next(folder for folder in (path, *path.parents) if folder.exists()))
                yield f"{name}_free_bytes", float(disk.f_bavail * disk.f_frsize)
                yield f"{name}_bytes", float(disk.f_blocks * disk.f_frsize)

    def _text(self, name: str) -> str:
        return (self.root / name).read_text(encoding="ascii", errors="replace")
