"""What a timetable means, as it is told: what it wants now, and what would hold it back."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from api.week import told_next, told_now
from gate.model import JsonObject, State
from gate.schedule import Period, Timetable

NOON = dt.datetime(2026, 11, 22, 5, tzinfo=dt.UTC)
CALM: JsonObject = {"clock_trusted": True, "mode": "normal", "mode_until": None, "health": "ok", "reasons": [],
                    "state": "open"}  # fmt: skip
VILLAGE = Timetable(
    zone=ZoneInfo("Asia/Ho_Chi_Minh"),
    periods=(Period(name="Đêm", start_min=1320, end_min=1740, wants=State.CLOSED, days=frozenset(range(7))),),
)


@pytest.mark.parametrize(
    ("as_it_is", "held_back_by"),
    [
        ({}, []),
        ({"state": "closed"}, ["already_there"]),
        ({"mode": "lockdown"}, ["locked_down"]),
        ({"mode": "hold_open", "mode_until": "2026-11-22T15:00:00.001Z"}, ["held_open"]),
        ({"mode": "hold_open", "mode_until": "2026-11-22T14:59:00.000Z"}, []),
        ({"health": "soft_lock", "reasons": ["soft_lock"]}, ["soft_lock"]),
        ({"health": "degraded", "reasons": ["keeper_down"]}, ["keeper_down"]),
        ({"clock_trusted": False, "health": "estop"}, ["clock_untrusted", "estop"]),
    ],
    ids=str,
)
def test_what_holds_the_timetable_back_is_told(as_it_is: JsonObject, held_back_by: list[str]) -> None:
    """As the rules would: only in normal mode, unlocked, by a clock that is believed."""
    told = told_next(VILLAGE, NOON, {**CALM, **as_it_is})
    assert told == {"at": "2026-11-22T15:00:00.000Z", "does": "close", "period": "Đêm", "held_back_by": held_back_by}


def test_a_timetable_rests_while_the_clock_is_not_believed() -> None:
    night = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
    assert told_now(VILLAGE, night, CALM)["wants"] == "closed"
    rests = told_now(VILLAGE, night, {**CALM, "clock_trusted": False})
    assert (rests["wants"], rests["paused"]) == (None, "clock_untrusted")
