"""What a sample says: debounced levels, and what the pins of the drive relays did since the sample before.

Debounce is arithmetic on samples. `drive_energised` and `drive_released` are told here and nowhere else, because only a
pin's level shows what a relay was made to do; a relay that is on without an order locks the gate.
"""

from __future__ import annotations

from dataclasses import replace

from gate import steps
from gate.drives import lock, relay_of
from gate.memory import ENERGISING, STOPPING, Phase
from gate.model import Code, Drive, Evidence, Inputs, JsonObject, Kind, Relay, Sensor, State
from gate.turn import KEEPER, UNDER_WAY, Turn

SAFETY = frozenset({Sensor.BEAM, Sensor.EDGE, Sensor.ESTOP, Sensor.RELEASE, Sensor.STOP_BUTTON})
"""These count from their first active sample, and are over only after 200 ms without one."""


def feed(turn: Turn, inputs: Inputs) -> None:
    """Take in one sample: debounce, and note what rose and fell. No level changes across a gap."""
    senses, timing = turn.senses, turn.timing
    gap = turn.seen_s is not None and turn.now_s - turn.seen_s > timing.stale_s
    turn.seen_s = turn.now_s
    if gap:  # what lies between two samples is not known: no doubt has lasted, and nothing is fresh, across it
        senses = replace(senses, doubts=(), fresh_s=turn.now_s)
    elif senses.fresh_s is None:
        senses = replace(senses, fresh_s=turn.now_s)
    raw = inputs.active & turn.site.sensors
    if raw != senses.raw or inputs.running != senses.running:
        senses = replace(senses, raw=raw, running=inputs.running)
    if senses.doubts or raw != senses.active:
        active, doubts = set(senses.active), []
        for sensor in sorted(raw ^ senses.active):
            since_s = senses.doubted_s(sensor)
            since_s = turn.now_s if since_s is None else since_s
            if turn.reached(since_s + _patience_s(turn, sensor, rises=sensor in raw)):
                active ^= {sensor}
            else:
                doubts.append((sensor, since_s))
        turn.rose, turn.fell = frozenset(active - senses.active), frozenset(senses.active - active)
        senses = replace(senses, active=frozenset(active), doubts=tuple(doubts))
    turn.senses = senses


def _patience_s(turn: Turn, sensor: Sensor, *, rises: bool) -> float:
    """Return for how long raw samples must contradict a level before it follows them."""
    if sensor in SAFETY:
        return 0.0 if rises else turn.timing.safety_clear_s
    return turn.timing.limit_debounce_s


def note_relays(turn: Turn) -> None:
    """Tell what the pins of the drive relays did, and lock if they do what was not ordered."""
    running, was_on = turn.senses.running, turn.motion.energised
    if was_on is not None and was_on not in running:
        _note_release(turn, was_on)
    if not running:
        if turn.motion.phase not in STOPPING:
            turn.end_stops(None)
        return
    now_on = was_on if was_on in running else min(running)
    if now_on is not None and now_on is not was_on:
        _note_pick_up(turn, now_on)
    if len(running) > 1 or (relay_of(turn.motion, turn.site) is not now_on and _off_was_ordered_long_ago(turn)):
        lock(turn, Code.RELAY_CONFLICT)


def _off_was_ordered_long_ago(turn: Turn) -> bool:
    """Tell whether a relay has had time to drop out since it was ordered off and samples came."""
    since_s = max(turn.motion.off_s or 0.0, turn.senses.fresh_s or 0.0)
    return turn.reached(since_s + turn.timing.pick_up_s)


def _note_release(turn: Turn, relay: Relay) -> None:
    motion, ordered = turn.motion, turn.motion.ordered
    ran_ms = round((turn.now_s - (motion.energised_s or turn.now_s)) * 1000)
    over = motion.phase is Phase.RUNNING or relay is Relay.STOP
    why = "pulse" if over else motion.ending.why if motion.ending else "keeper"
    drives = motion.on_way is not None and relay in {Relay.OPEN, Relay.CLOSE}
    turn.motion = replace(
        motion,
        energised=None,
        energised_s=None,
        released_s=turn.now_s,
        on_s=turn.now_s if drives else motion.on_s,
    )
    data: JsonObject = {
        "relay": relay,
        "direction": ordered.direction if ordered else None,
        "why": why,
        "ran_ms": ran_ms,
        "command_id": ordered.command_id if ordered else "",
    }
    turn.tell(Kind.DRIVE_RELEASED, ordered.by if ordered else KEEPER, data)


def _note_pick_up(turn: Turn, relay: Relay) -> None:
    """Tell what the relay runs for (I14); one that nobody ordered is a fault."""
    ordered, phase = turn.motion.ordered, turn.motion.phase
    turn.motion = replace(turn.motion, energised=relay, energised_s=turn.now_s)
    if ordered is None or ordered.relay is not relay or (phase not in ENERGISING and _off_was_ordered_long_ago(turn)):
        lock(turn, Code.RELAY_CONFLICT)
        return
    data: JsonObject = {
        "relay": relay,
        "direction": ordered.direction,
        "command_id": ordered.command_id,
        "cause": ordered.cause,
    }
    turn.tell(Kind.DRIVE_ENERGISED, ordered.by, data)
    if turn.site.drive is Drive.STEP:
        pressed = steps.pressed(steps.LOGICS[turn.site.logic], turn.motion.belief)
        cut = phase not in ENERGISING  # taken back before it was seen: it may be too short to count
        turn.motion = replace(turn.motion, belief=pressed | turn.motion.belief if cut else pressed)
    if ordered.direction is None or phase not in {Phase.DRIVING, Phase.PRESSING}:
        return
    turn.motion = replace(turn.motion, began_s=turn.now_s)
    if turn.site.drive is Drive.STEP and turn.motion.belief != {steps.RUNS[ordered.direction]}:
        turn.prove(State.UNKNOWN, Evidence.NONE, turn.motion.move)
    else:
        turn.prove(UNDER_WAY[ordered.direction], Evidence.DRIVE, turn.motion.move)
