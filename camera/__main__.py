"""`python -m camera --config FILE`: the camera process. `python -m camera detect FILE`: the detector on a file."""

from __future__ import annotations

import sys

DETECT = "detect"


def main(arguments: list[str]) -> int:
    """Run what the first argument asks for; imports follow the choice, so that each starts fast."""
    try:
        if arguments[:1] == [DETECT]:
            from camera.detect import main as detect  # noqa: PLC0415 - needs no gate and no socket

            return detect(arguments[1:])
        from camera.app import main as run  # noqa: PLC0415 - as above

        return run(arguments)
    except KeyboardInterrupt:
        return 0
    except Exception as error:  # noqa: BLE001 - the last word of a process is one line; the supervisor starts it anew
        print(f"camera: {type(error).__name__}: {error}; please report this", file=sys.stderr)  # noqa: T201 - as above
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
