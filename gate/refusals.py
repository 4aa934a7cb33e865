"""Every refusal: its code, one sentence, and what would clear it.

English, for logs and programs; the page says the same in the officer's language by the code.
"""

from __future__ import annotations

from gate.model import Code, Refusal

SENTENCES: dict[Code, tuple[str, str]] = {
    Code.ALREADY_THERE: ("The gate is already there.", "Nothing to do."),
    Code.BATTERY_LOW: ("The battery is low; the gate stays open.", "It closes again when the battery has recovered."),
    Code.BEAM_BLOCKED: ("Something is in the gateway.", "Wait until the beam is clear, then close again."),
    Code.BEAM_TEST: (
        "The beam does not answer its self-test.",
        "Have the beam mended; each close tests it again.",
    ),
    Code.CLOCK_UNTRUSTED: ("The clock is not believed.", "Wait until the time is known again."),
    Code.DUPLICATE: ("This command was already received.", "Look at the gate; give a new command if it is needed."),
    Code.EDGE: (
        "Something presses the safety edge.",
        "Free the leaf, then try again.",
    ),
    Code.EMERGENCY: ("The gate is held open by an emergency.", "A commander ends the emergency first."),
    Code.ESTOP: ("The emergency stop is pressed.", "Release the button at the gate, then reset."),
    Code.EXPIRED: ("The command came too late and was not done.", "Look at the gate, then give it again."),
    Code.HARD_LOCK: ("The gate is locked by a fault.", "Have the fault mended, then reset at the gate."),
    Code.HELD_OPEN: ("The gate is held open.", "Close it or return to normal first."),
    Code.KEEPER_DOWN: ("The relay keeper does not answer.", "It is restarted by itself; try again in a few seconds."),
    Code.LIMIT_CONFLICT: ("Both limit switches report at once.", "Have the limit switches mended, then reset."),
    Code.LOCKED_DOWN: ("The gate is locked down.", "A commander can release it or open in an emergency."),
    Code.MAINTENANCE: ("Somebody works at the gate.", "Turn the maintenance key at the cabinet back."),
    Code.NOT_PERMITTED: ("This person may not do that.", "Ask somebody who may."),
    Code.NOT_SIMULATED: ("This gate is real.", "Only a simulated yard takes orders: antt-gate simulate."),
    Code.RATE_LIMITED: ("Too many commands.", "Wait a moment, then try again."),
    Code.RELEASED: ("The leaf is released by hand.", "Lock the manual release again."),
    Code.SENSOR_STALE: ("The sensors were silent a moment ago.", "Try again in a few seconds."),
    Code.SOFT_LOCK: ("The gate was obstructed repeatedly.", "Look what is in the way, then a commander resets it."),
    Code.STALE_SEQUENCE: ("The gate has just changed.", "Look at its new state, then decide again."),
    Code.STOP_PRESSED: ("The stop button at the gate is pressed.", "Let it go, then try again."),
    Code.UNKNOWN_ORDER: ("The yard does not know this order.", "See antt-gate yard --help."),
    Code.UNKNOWN_POSITION: ("Where the leaf stands is not known.", "Open the gate fully first."),
    Code.UNSIGHTED: ("Nobody has seen the gate.", "Look at the picture and confirm, then close again."),
}


def refuse(code: Code) -> Refusal:
    """Return the refusal of that code. Codes that only end a command (`overtime`, `stuck` …) have none."""
    title, remedy = SENTENCES[code]
    return Refusal(code=code, title=title, remedy=remedy)
