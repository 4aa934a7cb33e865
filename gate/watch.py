"""What the gate watches while nobody looks: a leaf that is moved by force, a covered beam, the cabinet, the power.

An alarm is raised once for as long as its cause lasts, said again every few minutes, and ends only when an officer
acknowledges it. The siren and the courtesy light end by themselves.
"""

from __future__ import annotations

from dataclasses import replace

from gate.memory import Phase, Raised
from gate.model import Alarm, Code, Direction, Kind, Mode, Sensor, State
from gate.standing import cancel
from gate.turn import LIARS, WATCH, Turn

AWAY = {Alarm.FORCED_OPEN: Direction.OPEN, Alarm.TAMPERED_DRIVE: Direction.CLOSE}
FORCED = {State.CLOSED: Alarm.FORCED_OPEN, State.OPEN: Alarm.TAMPERED_DRIVE}
POWER = {Sensor.MAINS_LOST: Code.MAINS_LOST, Sensor.BATTERY_LOW: Code.BATTERY_LOW}


def endanger(turn: Turn) -> None:
    """Take note of the emergency stop; it counts until a reset."""
    if turn.is_active(Sensor.ESTOP) and Code.ESTOP not in turn.troubles:
        turn.suffer(Code.ESTOP)
        turn.alarm(Alarm.FAULT, why=Code.ESTOP.value)
        cancel(turn)


def watch(turn: Turn) -> None:
    """Look for everything that people must be told of."""
    _leaf(turn)
    _beam(turn)
    _cabinet(turn)
    _left_open(turn)
    _power(turn)
    _remind(turn)
    _lights(turn)


def see(turn: Turn, why: str) -> None:
    """Take note of whether the camera can be believed; `why` it can't, empty where it can. It never moves anything."""
    if why and Alarm.CAMERA_BLIND not in turn.watch.told:
        _tell_once(turn, Alarm.CAMERA_BLIND, why=why)
    elif not why and Alarm.CAMERA_BLIND in turn.watch.told:
        turn.watch = replace(turn.watch, told=turn.watch.told - {Alarm.CAMERA_BLIND})


def _leaf(turn: Turn) -> None:
    """Notice a leaf that somebody moves: the limit that proved its end is lost, and no drive was on."""
    alarm = FORCED.get(turn.before.shown.state)
    if turn.watch.stood is not None and turn.motion.phase is Phase.RESTING:  # what was done while nobody saw it
        alarm = FORCED.get(turn.watch.stood)
        turn.watch = replace(turn.watch, stood=None)
    if alarm is None or turn.shown.state is not State.UNKNOWN or turn.standing.overlay:
        return
    on_s = turn.motion.on_s
    away = turn.motion.on_way is AWAY[alarm]  # a leaf coasts off an end only where it was driven off it
    coasts = away and on_s is not None and turn.now_s < on_s + turn.timing.coast_s
    if coasts or turn.is_working or turn.motion.phase is Phase.SETTLING or not LIARS.isdisjoint(turn.troubles):
        return
    turn.alarm(alarm, why="limit_lost")
    if turn.standing.mode is not Mode.EMERGENCY_OPEN:  # who pulls at the leaf does not keep it from opening (I11)
        cancel(turn)


def _beam(turn: Turn) -> None:
    watch = turn.watch
    if turn.shown.state is not State.CLOSED or not turn.is_active(Sensor.BEAM):
        over = Alarm.BEAM_TAMPER in watch.told and turn.motion.phase is not Phase.SETTLING
        if over or watch.covered_s is not None:
            turn.watch = replace(watch, covered_s=None, told=watch.told - {Alarm.BEAM_TAMPER})
    elif watch.covered_s is None:
        turn.watch = replace(watch, covered_s=turn.now_s)
    elif Alarm.BEAM_TAMPER not in watch.told and turn.reached(watch.covered_s + turn.timing.beam_tamper_s):
        _tell_once(turn, Alarm.BEAM_TAMPER)


def _cabinet(turn: Turn) -> None:
    if not turn.is_active(Sensor.CABINET):
        if Alarm.CABINET_OPEN in turn.watch.told:
            turn.watch = replace(turn.watch, told=turn.watch.told - {Alarm.CABINET_OPEN})
    elif Alarm.CABINET_OPEN not in turn.watch.told and turn.mode is not Mode.MAINTENANCE:
        _tell_once(turn, Alarm.CABINET_OPEN)


def _left_open(turn: Turn) -> None:
    """Tell people of a gate that should close by itself and stands open: what was to close it was given up."""
    closes = turn.plan.wants is State.CLOSED or (turn.site.auto_close_s is not None and turn.plan.wants is None)
    if turn.shown.state is not State.OPEN or not closes or turn.mode is not Mode.NORMAL or turn.pending is not None:
        if Alarm.LEFT_OPEN in turn.watch.told and turn.shown.state is State.CLOSED:
            turn.watch = replace(turn.watch, told=turn.watch.told - {Alarm.LEFT_OPEN})
    elif Alarm.LEFT_OPEN not in turn.watch.told and turn.reached(turn.shown.since_s + turn.timing.left_open_s):
        _tell_once(turn, Alarm.LEFT_OPEN)


def _tell_once(turn: Turn, alarm: Alarm, why: str = "") -> None:
    if why:
        turn.alarm(alarm, why=why)
    else:
        turn.alarm(alarm)
    turn.watch = replace(turn.watch, told=turn.watch.told | {alarm})


def _power(turn: Turn) -> None:
    for sensor, code in POWER.items():
        if turn.is_active(sensor):
            turn.suffer(code)
        elif code in turn.troubles:
            turn.heal(code)


def _remind(turn: Turn) -> None:
    every_s = turn.timing.remind_s
    if every_s <= 0 or not turn.watch.alarms:
        return
    alarms = tuple(_reminded(turn, raised, every_s) for raised in turn.watch.alarms)
    if alarms != turn.watch.alarms:
        turn.watch = replace(turn.watch, alarms=alarms)


def _reminded(turn: Turn, raised: Raised, every_s: float) -> Raised:
    if not turn.reached(raised.raised_s + every_s * (raised.reminders + 1)):
        return raised
    again = replace(raised, reminders=int((turn.now_s - raised.raised_s) // every_s))
    turn.tell(
        Kind.ALARM_RAISED,
        WATCH,
        {"alarm": raised.alarm, "id": raised.id, "reminder": again.reminders, **dict(raised.data)},
    )
    return again


def _lights(turn: Turn) -> None:
    watch, timing = turn.watch, turn.timing
    if turn.before.motion.move is not None and turn.motion.move is None and timing.courtesy_s > 0:
        watch = replace(watch, courtesy_until_s=turn.now_s + timing.courtesy_s)
    if watch.siren_until_s is not None and turn.reached(watch.siren_until_s):
        watch = replace(watch, siren_until_s=None)
    if watch.courtesy_until_s is not None and turn.reached(watch.courtesy_until_s):
        watch = replace(watch, courtesy_until_s=None)
    turn.watch = watch
