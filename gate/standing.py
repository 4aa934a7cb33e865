"""What people asked of the gate beyond one move, and what is true of it whoever asks: modes.

- released and maintenance are true as long as their contact is active; they hide the mode that was asked for. The
  maintenance key also ends it: at the cabinet everything begins anew.
- hold open always ends. Lockdown closes, three tries 60 s apart, and stays a mode whatever came of them. Emergency open
  opens, and stays open until a commander or the cabinet's key ends it; it survives a restart (I11).
- A stop ends the pursuit, never the mode.
"""

from __future__ import annotations

from dataclasses import replace

from gate.bars import barring
from gate.drives import press_stop, switch_off
from gate.memory import Move, Pending, Phase, Standing
from gate.model import Alarm, Code, Direction, Drive, JsonObject, Kind, Mode, Origin, Sensor, State
from gate.moves import pause
from gate.turn import SENSORS, Turn, rule


def look_over(turn: Turn) -> None:
    """Take note of the manual release and of the maintenance key."""
    overlay = None
    if turn.is_active(Sensor.RELEASE):
        overlay = Mode.RELEASED
    elif turn.is_active(Sensor.MAINTENANCE):
        overlay = Mode.MAINTENANCE
    if overlay is turn.standing.overlay:
        return
    before = Standing() if overlay is Mode.MAINTENANCE else turn.standing
    turn.pending = None
    turn.stand(replace(before, overlay=overlay), SENSORS)


def heed(turn: Turn) -> None:
    """Obey what is wired to order something. What is active at power-up orders nothing (I7)."""
    settling = turn.motion.phase is Phase.SETTLING
    if not turn.rose or (settling and turn.senses.fresh_s == turn.now_s):
        return
    if Sensor.STOP_BUTTON in turn.rose:
        cancel(turn)
        turn.end(turn.motion.move, Code.STOPPED)
        if not settling:
            switch_off(turn, "stop", by=rule("stop_button"))
        press_stop(turn, rule("stop_button"), Sensor.STOP_BUTTON)
    if settling and not turn.senses.known:
        return
    if Sensor.EMERGENCY in turn.rose and (turn.standing.overlay is not None or turn.is_locked):
        turn.alarm(Alarm.FAULT, why="emergency_failed")
    elif Sensor.EMERGENCY in turn.rose:
        enter_emergency(turn, rule("emergency"), "emergency")
    _hold_to_run(turn)


def _hold_to_run(turn: Turn) -> None:
    """Run while a button at the cabinet is held. One button of a step operator can't be held."""
    resting = turn.mode is Mode.MAINTENANCE and turn.motion.phase is Phase.RESTING
    if not resting or turn.site.drive is Drive.STEP:
        return
    for button, direction in ((Sensor.OPEN_BUTTON, Direction.OPEN), (Sensor.CLOSE_BUTTON, Direction.CLOSE)):
        if button in turn.rose:
            held = Move(
                direction=direction, command_id=button, by=rule(button), cause="button held", ruled=True, held=button
            )
            if barring(turn, held) is None:
                begin(turn, held)


def enter_emergency(turn: Turn, by: Origin, command_id: str) -> None:
    """Take up emergency open; `pursue` opens the gate."""
    turn.pending = None
    if turn.motion.move is not None and turn.motion.move.direction is Direction.CLOSE:
        turn.end(turn.motion.move, Code.SUPERSEDED)
        switch_off(turn, "emergency", by=by)
    turn.stand(Standing(mode=Mode.EMERGENCY_OPEN, by=by, command_id=command_id, pursued=True), by)


def cancel(turn: Turn) -> None:
    """Give up everything that was going to happen; the mode stays."""
    turn.pending = None
    if turn.standing.pursued or turn.standing.mode is Mode.EMERGENCY_OPEN:
        turn.standing = replace(turn.standing, pursued=False, stopped=True)


def keep_time(turn: Turn) -> None:
    """End a hold-open, and remind people of it before."""
    standing, timing = turn.standing, turn.timing
    if standing.until_s is None:
        return
    if turn.reached(standing.until_s):
        turn.stand(Standing(overlay=standing.overlay), rule("hold_open"))
        if closes_by_itself(turn) and standing.overlay is None:
            turn.pending = Pending(direction=Direction.CLOSE, why="hold_ended", due_s=None)
    elif not standing.reminded and turn.reached(standing.until_s - timing.hold_reminder_s):
        turn.standing = replace(standing, reminded=True)
        left_s = round(standing.until_s - turn.now_s)
        told: JsonObject = {"from": turn.mode, "to": turn.mode, "command_id": "", "reminder": True, "ends_in_s": left_s}
        turn.tell(Kind.MODE_CHANGED, rule("hold_open"), told)


def closes_by_itself(turn: Turn) -> bool:
    """Tell whether an open gate closes in normal mode with nobody asking: never while the timetable wants it open."""
    if turn.plan.wants is State.OPEN:
        return False
    return turn.plan.wants is State.CLOSED or turn.site.auto_close_s is not None


def pursue(turn: Turn) -> None:
    """Move the leaf to where the mode wants it, as far as the rules allow."""
    standing = turn.standing
    if not standing.pursued or standing.overlay or turn.motion.phase is not Phase.RESTING or turn.is_locked:
        return
    if standing.mode is Mode.EMERGENCY_OPEN:
        _pursue_open(turn)
    elif standing.mode is Mode.LOCKDOWN:
        _pursue_closed(turn)


def _pursue_open(turn: Turn) -> None:
    standing = turn.standing
    is_open = turn.shown.state is State.OPEN
    if is_open and not _stays_open(turn):
        return
    if is_open or standing.tries >= turn.site.emergency_tries:
        turn.standing = replace(standing, pursued=False)
        if not is_open:
            turn.alarm(Alarm.FAULT, why="emergency_failed", tries=str(standing.tries))
        return
    move = Move(
        direction=Direction.OPEN,
        command_id=standing.command_id or "emergency",
        by=standing.by or rule("emergency"),
        cause="emergency open",
        warning_s=turn.timing.emergency_warning_s,
        ruled=True,
    )
    if not turn.reached(standing.retry_s) or barring(turn, move):
        return
    retry_s = turn.now_s + turn.timing.emergency_retry_s
    turn.standing = replace(standing, tries=standing.tries + 1, retry_s=retry_s)
    begin(turn, move)


def _stays_open(turn: Turn) -> bool:
    """Tell whether a leaf at its open end stays there: what was just begun to close may leave the limit yet."""
    driven_s = turn.motion.on_s
    coasts = driven_s is not None and not turn.reached(driven_s + turn.timing.coast_s)
    return turn.rests_at(Direction.OPEN) and not coasts


def _pursue_closed(turn: Turn) -> None:
    standing = turn.standing
    if turn.shown.state is State.CLOSED:
        turn.standing = replace(standing, pursued=False)
    elif standing.tries >= turn.site.lockdown_tries:
        turn.standing = replace(standing, pursued=False)
        turn.alarm(Alarm.LOCKDOWN_FAILED, tries=str(standing.tries))
    elif turn.reached(standing.retry_s):
        retry_s = turn.now_s + turn.timing.lockdown_retry_s
        turn.standing = replace(standing, tries=standing.tries + 1, retry_s=retry_s)
        move = Move(
            direction=Direction.CLOSE,
            command_id=standing.command_id or "lockdown",
            by=standing.by or rule("lockdown"),
            cause="lockdown",
            warning_s=turn.timing.warning_s,
            ruled=True,
        )
        if may_close_unattended(turn) and not barring(turn, move):
            begin(turn, move)


def may_close_unattended(turn: Turn) -> bool:
    """Tell whether the gate may close with nobody watching: only with a beam, and from a position that is known."""
    known = turn.shown.state in {State.OPEN, State.STOPPED}
    return turn.site.has_beam and (known or turn.standing.sighted)


def begin(turn: Turn, move: Move) -> None:
    """Turn to a move at once."""
    switch_off(turn, "reversal", by=move.by, then=move)
    if turn.motion.phase is Phase.PAUSING:
        pause(turn)
