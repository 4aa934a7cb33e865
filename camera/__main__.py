"""`python -m camera --config FILE`: the camera process. `python -m camera detect FILE`: the detector on a file."""

from __future__ import annotations

import sys

DETECT = "detect"


def main(arguments: list[str]) -> int:
    """Run what the first argument asks for; imports follow the choice, so that each starts fast."""
    if arguments[:1] == [DETECT]:
        from camera.detect import main as detect  # noqa: PLC0415 - needs no gate and no socket

        return detect(arguments[1:])
    from camera.app import main as run  # noqa: PLC0415 - as above

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
