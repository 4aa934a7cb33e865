"""The rules of a move: when it starts, what ends it, and what is proven meanwhile.

A move goes RESTING → PAUSING (dead time, often already over) → TESTING and PROVING (the beam's self-test, where there
is one, before a close) → WARNING (a close that nobody attends, an emergency) → and then, by the kind of drive:

- held: DRIVING, a relay on for as long as the leaf moves;
- momentary and step: PRESSING (a pulse) → RUNNING (the operator moves the leaf), and to stop it SPACING → HALTING.

`PHASES` says which rule looks at a sample in which phase, `drives.RELAY` what each phase energises; what forbids a move
stands in `bars`, what ends it early in `guards`. Only a limit switch ends a move well; time ends it badly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gate import steps, travel
from gate.drives import CLOSE, OPEN, RELAY, give_up, lock, may_halt, order_halt, press_stop, switch_off
from gate.memory import Move, Ordered, Pending, Phase
from gate.model import Alarm, Code, Drive, Evidence, JsonObject, Kind, Mode, Relay, Sensor, State
from gate.steps import Advice
from gate.turn import AT_LIMIT, BEAM, SENSORS, Turn

# ---------------------------------------------------------------------------------------------------- the phases


def settle(turn: Turn) -> None:
    """At power-up and after a silence: half a second of samples before they prove anything.

    An operator's board that was left running is told to stop at once, by the second sample: to the first the keeper
    must hear that nothing is wanted any more.
    """
    fresh_s = turn.senses.fresh_s
    if turn.motion.runs_on and fresh_s is not None and turn.now_s > fresh_s:
        press_stop(turn, SENSORS, "silence")
        turn.motion = replace(turn.motion, runs_on=False)
    elif fresh_s is not None and turn.reached(fresh_s + turn.timing.settle_s):
        turn.senses = replace(turn.senses, known=True)
        turn.become(Phase.RESTING, None)


def rest(turn: Turn) -> None:
    """Nothing is wanted: nothing is done."""


def pause(turn: Turn) -> None:
    """Wait until no relay is on and the opposite direction has been off for the dead time (I2).

    A leaf that is proven to be at its end already has nothing to wait for, unless it may be leaving it.
    """
    motion, move = turn.motion, turn.motion.move
    if move is None or _is_let_go(turn, move) or turn.senses.running:
        return
    if not _may_leave(turn, move) and _is_at_its_end(turn, move):
        return
    if not _keeper_has_rested(turn):
        return
    again = motion.on_way is not move.direction or move.tries > 0
    if motion.on_s is not None and again and not turn.reached(motion.on_s + turn.timing.dead_time_s):
        return
    if turn.site.drive is Drive.STEP and not _may_press(turn, move):
        return
    if move.direction is CLOSE and turn.site.has_beam_test and move.held is None:
        turn.become(Phase.TESTING, move)
    else:
        _warn_or_start(turn, move)


def _may_leave(turn: Turn, move: Move) -> bool:
    """Tell whether a leaf at the limit ahead may be on its way from there: it was driven the other way just now."""
    motion = turn.motion
    turned = motion.on_way is move.direction.opposite and motion.on_s is not None
    coasts = turned and not turn.reached((motion.on_s or 0.0) + turn.timing.dead_time_s)
    return coasts or not motion.belief.isdisjoint(steps.MOVING)


def _keeper_has_rested(turn: Turn) -> bool:
    """Tell whether a keeper that was born with the first sample would let a relay on by now: it pauses then (I2)."""
    fresh_s = turn.senses.fresh_s
    rest_s = turn.timing.press_gap_s if turn.site.drive is Drive.STEP else turn.timing.dead_time_s
    return fresh_s is not None and turn.reached(fresh_s + rest_s)


def _is_let_go(turn: Turn, move: Move) -> bool:
    """End a move whose button is not held any more."""
    if move.held is None or move.held in (turn.senses.raw or frozenset()):
        return False
    switch_off(turn, "button")
    return True


def _may_press(turn: Turn, move: Move) -> bool:
    """Look at what the step operator may be doing: press, wait for it to come to rest, or give up."""
    motion, logic = turn.motion, steps.LOGICS[turn.site.logic]
    if motion.belief == {steps.RUNS[move.direction]}:  # an earlier press has it on its way already
        turn.become(Phase.RUNNING, move)
        began_s = turn.now_s if motion.released_s is None else motion.released_s
        turn.motion = replace(turn.motion, began_s=began_s, left_limit=True)
        return False
    clear = turn.site.has_beam and not turn.is_active(Sensor.BEAM)
    advice = steps.advise(logic, motion.belief, move.direction, beam_is_clear=clear)
    if advice is Advice.REFUSE or (advice is Advice.PRESS and move.tries >= turn.site.presses):
        give_up(turn, Code.UNKNOWN_POSITION, "unknown phase", leaves=State.UNKNOWN)
    elif advice is Advice.PRESS:
        return _has_spaced(turn)
    return False


def _has_spaced(turn: Turn) -> bool:
    released_s = turn.motion.released_s
    return released_s is None or turn.reached(released_s + turn.timing.press_gap_s)


def test_beam(turn: Turn) -> None:
    """The beam's self-test is on: a beam that does not follow it is not trusted."""
    move = turn.motion.move
    if move is not None and turn.is_active(Sensor.BEAM):
        turn.become(Phase.PROVING, move)
    elif turn.reached(turn.motion.phase_s + turn.timing.beam_test_s):
        _fail_beam_test(turn)


def prove_beam(turn: Turn) -> None:
    """Wait, after the self-test, for the beam to be clear again."""
    move = turn.motion.move
    if move is not None and not turn.is_active(Sensor.BEAM):
        turn.heal(Code.BEAM_TEST)
        if not _is_at_its_end(turn, move):  # a test is long enough for a limit to come up (I3)
            _warn_or_start(turn, move)
    elif turn.reached(turn.motion.phase_s + turn.timing.beam_test_s):
        give_up(turn, Code.BEAM_BLOCKED, "beam")


def _fail_beam_test(turn: Turn) -> None:
    give_up(turn, Code.BEAM_TEST, "beam test")
    turn.suffer(Code.BEAM_TEST, BEAM)


def _warn_or_start(turn: Turn, move: Move) -> None:
    if move.warning_s > 0:
        turn.become(Phase.WARNING, move)
    else:
        start(turn, move)


def warn(turn: Turn) -> None:
    """Lamp and buzzer before a move that nobody attends (I12); what bars it meanwhile has ended it before."""
    move = turn.motion.move
    if move is None or _is_at_its_end(turn, move):
        return
    if turn.reached(turn.motion.phase_s + move.warning_s):
        start(turn, move)


def _is_at_its_end(turn: Turn, move: Move) -> bool:
    """Tell whether the limit ahead is, or may be, active (I3): where it is proven, the move is done."""
    if turn.at(move.direction) and move.for_s is None and move.held is None:
        arrive(turn, move)
        return True
    if turn.at(move.direction):
        give_up(turn, Code.ALREADY_THERE, "limit")
        return True
    return turn.may_be_at(move.direction)


def start(turn: Turn, move: Move) -> None:
    """Order the relay on, unless it is too late for that (I7); what it did is told when its pin shows it."""
    if move.tries == 0 and move.until_s is not None and turn.now_s > move.until_s + move.warning_s:
        give_up(turn, Code.EXPIRED, "too late")
        return
    move = replace(move, tries=move.tries + 1)
    turn.become(Phase.DRIVING if turn.site.drive is Drive.HELD else Phase.PRESSING, move)
    relay = RELAY[turn.site.drive, turn.motion.phase, move.direction]
    behind = turn.at(move.direction.opposite)
    turn.motion = replace(
        turn.motion,
        ordered=Ordered(
            relay=relay, direction=move.direction, by=move.by, command_id=move.command_id, cause=move.cause
        ),
        left_limit=not behind,
        from_limit=behind,
        passed=False,
        ending=None,
        began_s=None,
        on_s=turn.now_s,
        on_way=move.direction,
    )


def drive(turn: Turn) -> None:
    """Look for a reason to switch off the relay that is, or is to be, on for as long as the leaf moves."""
    move = turn.motion.move
    if move is None or _has_come(turn, move):
        return
    if turn.motion.energised_s is None:
        _await_pick_up(turn, move)
    else:
        _look_at_the_time(turn, move)


def press(turn: Turn) -> None:
    """Give the pulse that starts the operator; its motor may run from the first instant."""
    motion, move = turn.motion, turn.motion.move
    if move is None or _has_come(turn, move) or _is_let_go(turn, move):
        return
    if motion.energised_s is None:
        _await_pick_up(turn, move)
    elif turn.reached(motion.energised_s + turn.timing.pulse_s):
        turn.become(Phase.RUNNING, move)
        turn.motion = replace(turn.motion, off_s=turn.now_s)


def run(turn: Turn) -> None:
    """Watch the operator move the leaf; only limits and the time say how that goes."""
    move = turn.motion.move
    if move is None or _has_come(turn, move):
        return
    _look_at_the_time(turn, move)


def space(turn: Turn) -> None:
    """Presses of one button must be apart, or the operator takes two for one."""
    if turn.senses.running or not _has_spaced(turn):
        return
    if may_halt(turn):
        order_halt(turn, Relay.STEP)
    else:  # it came to rest meanwhile: a press would start it
        _finish_halt(turn)


def halt(turn: Turn) -> None:
    """Give the pulse that stops the operator."""
    motion = turn.motion
    if motion.energised_s is None or motion.energised_s < motion.phase_s:  # the relay that is still on is another one
        if turn.reached(motion.phase_s + turn.timing.pick_up_s):
            _finish_halt(turn)
    elif turn.reached(motion.energised_s + turn.timing.pulse_s):
        _finish_halt(turn)


def _finish_halt(turn: Turn) -> None:
    move, fresh_s = turn.motion.move, turn.senses.fresh_s
    settled = fresh_s is not None and turn.reached(fresh_s + turn.timing.settle_s)
    if turn.motion.belief & steps.MOVING:  # the one button may have turned it round, or done nothing
        _say_that_it_runs_on(turn)
    turn.become(Phase.PAUSING if move else Phase.RESTING if settled else Phase.SETTLING, move)
    turn.motion = replace(turn.motion, off_s=turn.now_s, on_s=turn.now_s)


def _say_that_it_runs_on(turn: Turn) -> None:
    ending = turn.motion.ending
    if ending is not None:
        turn.motion = replace(turn.motion, ending=replace(ending, leaves=State.UNKNOWN))
    turn.end_stops(Code.NOT_STOPPABLE)


def _has_come(turn: Turn, move: Move) -> bool:
    """Look at the limits of a leaf that is on its way."""
    motion, behind = turn.motion, turn.at(move.direction.opposite)
    if motion.left_limit and behind:
        _is_back(turn, move)
        return True
    if turn.at(move.direction):
        if move.for_s is None and move.held is None:
            arrive(turn, move)
        else:
            switch_off(turn, "limit", arrived=True)
        return True
    if not behind and not motion.left_limit:
        turn.motion = replace(motion, left_limit=True)
    if not motion.passed and move.direction is OPEN and turn.is_active(Sensor.BEAM):
        turn.motion = replace(turn.motion, passed=True)
    return False


def _is_back(turn: Turn, move: Move) -> None:
    """Judge a limit behind that is active again: an operator may turn round by itself, a contactor can't."""
    if turn.site.drive is Drive.HELD:
        lock(turn, Code.LIMITS_SWAPPED)
    elif turn.site.drive is Drive.STEP:  # whatever it was believed to do, it ran to the other end
        turn.motion = replace(turn.motion, belief=frozenset({steps.ENDS[move.direction.opposite]}))
        _try_again(turn, move, Code.OBSTRUCTED, "other limit")
    else:
        give_up(turn, Code.OBSTRUCTED, "other limit", arrived=True)


def _await_pick_up(turn: Turn, move: Move) -> None:
    """Ordered on and not shown on yet: a limit that comes up in between takes the order back (I3)."""
    motion = turn.motion
    if _is_let_go(turn, move):
        return
    if turn.may_be_at(move.direction):
        switch_off(turn, "limit", then=move, arrived=True)
    elif motion.on_s != motion.phase_s or turn.reached(motion.phase_s + turn.timing.pick_up_s):
        give_up(turn, Code.NO_OUTPUT, "no_output")


def _look_at_the_time(turn: Turn, move: Move) -> None:
    motion, timing = turn.motion, turn.timing
    began_s = turn.now_s if motion.began_s is None else motion.began_s
    if _is_let_go(turn, move):
        return
    if move.for_s is not None and turn.reached(began_s + move.for_s):
        switch_off(turn, "backed off")
    elif turn.at(move.direction.opposite) and turn.reached(began_s + timing.leave_limit_s):
        _is_stuck(turn, move)
    elif turn.reached(began_s + travel.longest_s(turn, move.direction)):
        _is_overtime(turn, move)
    else:
        travel.note_slow(turn, move.direction, began_s)


def _is_stuck(turn: Turn, move: Move) -> None:
    """Try a leaf that did not leave its limit once more, then tell people."""
    if turn.site.drive is Drive.STEP:  # the press did not count, or the operator has given up
        turn.motion = replace(turn.motion, belief=steps.settled(turn.motion.belief))
    if move.tries < turn.site.presses and move.for_s is None and move.held is None:
        switch_off(turn, "stuck", then=move, arrived=turn.site.drive is Drive.STEP)
        return
    give_up(turn, Code.STUCK, "stuck")
    turn.alarm(Alarm.TAMPERED_DRIVE, why="no_motion", command_id=move.command_id)


def _is_overtime(turn: Turn, move: Move) -> None:
    if turn.site.drive is Drive.STEP:
        turn.motion = replace(turn.motion, belief=steps.settled(turn.motion.belief))
        _try_again(turn, move, Code.OVERTIME, "overtime")
    else:
        give_up(turn, Code.OVERTIME, "overtime", leaves=State.UNKNOWN)


def _try_again(turn: Turn, move: Move, code: Code, why: str) -> None:
    """Press the step operator once more where that may lead to the goal."""
    if move.tries < turn.site.presses:
        switch_off(turn, why, then=move, arrived=True, leaves=State.UNKNOWN)
    else:
        give_up(turn, code, why, arrived=True, leaves=State.UNKNOWN)


PHASES: dict[Phase, Callable[[Turn], None]] = {
    Phase.SETTLING: settle,
    Phase.RESTING: rest,
    Phase.PAUSING: pause,
    Phase.TESTING: test_beam,
    Phase.PROVING: prove_beam,
    Phase.WARNING: warn,
    Phase.DRIVING: drive,
    Phase.PRESSING: press,
    Phase.RUNNING: run,
    Phase.SPACING: space,
    Phase.HALTING: halt,
}


def arrive(turn: Turn, move: Move) -> None:
    """End the move well: the limit proves it."""
    motion = turn.motion
    travel_s = 0.0 if not turn.is_working or motion.began_s is None else turn.now_s - motion.began_s
    state = AT_LIMIT[move.direction]
    if turn.is_working:
        travel.learn(turn, move, travel_s)
    turn.prove(state, Evidence.LIMIT, move)
    told: JsonObject = {"state": state, "command_id": move.command_id, "travel_ms": round(travel_s * 1000)}
    turn.tell(Kind.ARRIVED, move.by, told)
    turn.end(move, None)
    turn.motion = replace(motion, trips=0, reversals=0 if move.direction is CLOSE else motion.reversals)
    switch_off(turn, "limit", arrived=True)
    if move.direction is OPEN:
        _think_of_closing(turn)


def _think_of_closing(turn: Turn) -> None:
    """Decide, now that the gate is open, whether it is to close by itself; `unattended` says when."""
    site, passed = turn.site, turn.motion.passed
    tried_again = turn.pending is not None and turn.pending.direction is CLOSE
    if tried_again or turn.mode is not Mode.NORMAL or turn.plan.wants is State.OPEN:
        return
    if site.auto_close_s is None and site.after_pass_s is None and turn.plan.wants is not State.CLOSED:
        return
    turn.pending = Pending(direction=CLOSE, why="auto_close", due_s=None, passed=passed)
