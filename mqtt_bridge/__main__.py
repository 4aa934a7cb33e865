"""`python -m mqtt_bridge --config FILE [--set key=value]…`: started by gate's supervisor."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

from config.load import ConfigError, load
from config.schema import Settings
from gate.client import parent_is_gone
from gate.logs import log_to_stderr
from mqtt_bridge.app import Bridge, Pace


def main(pace: Pace | None = None) -> int:
    """Run until told to stop; return the exit code: 0 stopped, 1 failed, 2 bad configuration."""
    parser = argparse.ArgumentParser(prog="mqtt_bridge")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="key=value")
    arguments = parser.parse_args()
    try:
        settings = load(arguments.config, arguments.overrides)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is what the person at the terminal reads
        return 2
    with contextlib.closing(log_to_stderr("mqtt_bridge")):
        return _bridge(settings, pace)


def _bridge(settings: Settings, pace: Pace | None) -> int:
    try:
        asyncio.run(_run(Bridge(settings, pace)))
    except Exception as error:  # noqa: BLE001 - one line for a person; the supervisor starts it again
        logging.getLogger(__name__).error("stopped: %s: %s", type(error).__name__, error)  # noqa: TRY400 - as above
        return 1
    return 0


async def _run(bridge: Bridge) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    parent = asyncio.create_task(parent_is_gone())
    parent.add_done_callback(lambda _: stop.set())
    await bridge.run(stop)


if __name__ == "__main__":
    sys.exit(main())
