"""How property tests choose their examples.

`make test` draws the same ones each time, so that a run tells of the change under test and of nothing else. `make
campaign` draws new ones (`HYPOTHESIS_PROFILE=search`): what it finds becomes a story.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True, print_blob=True)
settings.register_profile("search", derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
