"""The bridge's process with a short will delay: `python -m tests.mqtt_bridge.program SECONDS --config … --set …`."""

from __future__ import annotations

import sys
from dataclasses import replace

from mqtt_bridge.__main__ import main
from tests.mqtt_bridge.conftest import QUICK

if __name__ == "__main__":
    delay_s = int(sys.argv.pop(1))
    sys.exit(main(replace(QUICK, will_delay_s=delay_s)))
