"""The keys that may sign commands, out of the configuration."""

from __future__ import annotations

import base64

from config.schema import Settings
from gate.model import Role
from mqtt_bridge.envelope import Key


def keys_of(settings: Settings) -> dict[str, Key]:
    """Return every key of `[mqtt.keys]` by its id, revoked ones too: their commands are named so."""
    return {
        name: Key(
            id=name, public=base64.b64decode(key.public), roles=frozenset(map(Role, key.roles)), until=key.last_day,
            revoked=key.revoked,
        )
        for name, key in settings.mqtt.keys.items()
    }  # fmt: skip
