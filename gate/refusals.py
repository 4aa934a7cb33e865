"""Every refusal: its code, one sentence, and what would clear it.

English, for logs and programs; the page says the same in the officer's language by the code.
"""

from __future__ import annotations

from gate.model import Code, Refusal

SENTENCES: dict[Code, tuple[str, str]] = {
    Code.ALREADY_THERE: ("The gate is already there.", "Nothing to do."),
    Code.BEAM_BLOCKED: ("Something is in the gateway.", "Wait until the beam is clear, then close again."),
    Code.DUPLICATE: ("This command was already received.", "Look at the gate; give a new command if it is needed."),
    Code.EXPIRED: ("The command came too late and was not done.", "Look at the gate, then give it again."),
    Code.HARD_LOCK: ("The gate is locked by a fault.", "Have the fault mended, then reset at the gate."),
    Code.KEEPER_DOWN: ("The relay keeper does not answer.", "It is restarted by itself; try again in a few seconds."),
    Code.LIMIT_CONFLICT: ("Both limit switches report at once.", "Have the limit switches mended, then reset."),
    Code.NOT_SIMULATED: ("This gate is real.", "Only a simulated yard takes orders: antt-gate simulate."),
    Code.SENSOR_STALE: ("The sensors were silent a moment ago.", "Try again in a few seconds."),
    Code.STALE_SEQUENCE: ("The gate has just changed.", "Look at its new state, then decide again."),
    Code.UNKNOWN_ORDER: ("The yard does not know this order.", "See antt-gate yard --help."),
    Code.UNKNOWN_POSITION: ("Where the leaf stands is not known.", "Open the gate fully first."),
    Code.UNSIGHTED: ("Nobody has seen the gate.", "Look at the picture and confirm, then close again."),
}


def refuse(code: Code) -> Refusal:
    """Return the refusal of that code. Codes that only end a command (`overtime`, `stuck` …) have none."""
    title, remedy = SENTENCES[code]
    return Refusal(code=code, title=title, remedy=remedy)
