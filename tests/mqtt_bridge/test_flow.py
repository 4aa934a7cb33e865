"""The past goes out at a rate, and never fills the line."""

from __future__ import annotations

from mqtt_bridge.flow import LEAST_BYTES, LONGEST_QUEUE_S, Flow

MOST = 128 * 1024


def drained(*, rows_per_s: int, for_s: float, step_s: float, history: int = 50) -> int:
    """Return how many rows go out while somebody looks every `step_s`."""
    flow, sent, steps = Flow(history_per_s=rows_per_s, most_bytes=MOST), 0, round(for_s / step_s)
    for now_s in (step * step_s for step in range(steps)):
        while not flow.pause_s(now_s):
            flow.sent(history, now_s)
            sent += 50
            if not history:
                break
    return sent


def test_history_goes_out_at_its_rate_also_where_the_loop_is_late() -> None:
    """Issue 6, 2: rate-limited. A loop that wakes late makes up for it, for half a second at most."""
    for step_s in (0.001, 0.013, 0.09, 0.4):
        assert 3000 * 10 <= drained(rows_per_s=3000, for_s=10.0, step_s=step_s) <= 3000 * 10.5 + 50


def test_what_happens_now_is_not_counted() -> None:
    """Only the past waits."""
    assert drained(rows_per_s=10, for_s=1.0, step_s=0.01, history=0) == 100 * 50


def through(flow: Flow, *, bytes_per_s: float, round_trip_s: float, for_s: float = 60.0) -> float:
    """Keep the room full on a line for a while; return the longest queue in it over the last half, in seconds."""
    now_s, line_free_s, longest_s = 0.0, 0.0, 0.0
    flight: list[tuple[float, float, int]] = []
    while now_s < for_s:
        while flow.has_room(used := sum(size for _, _, size in flight)):
            size = min(20_000, flow.batch_bytes)
            line_free_s = max(line_free_s, now_s) + size / bytes_per_s
            flight.append((now_s, line_free_s + round_trip_s, size))
            if now_s > for_s / 2:
                longest_s = max(longest_s, (used + size) / bytes_per_s)
        sent_s, now_s, size = flight.pop(0)
        flow.acknowledged(size, sent_s=sent_s, now_s=now_s)
        # what is behind it waits for its own turn
    return longest_s


def test_a_slow_line_is_never_filled_with_history() -> None:
    """Issue 6, 2: a returning gate does not starve the present: what is published next goes out soon."""
    for bytes_per_s in (30_000, 125_000, 500_000):
        for round_trip_s in (0.05, 0.3):
            flow = Flow(history_per_s=3000, most_bytes=MOST)
            queue_s = through(flow, bytes_per_s=bytes_per_s, round_trip_s=round_trip_s)
            assert queue_s < 0.7, (bytes_per_s, round_trip_s, queue_s)


def test_a_quick_line_is_used_in_full_and_a_broker_that_slows_down_is_spared() -> None:
    """The room grows by what is acknowledged, is halved once a round trip, and never closes."""
    flow = Flow(history_per_s=3000, most_bytes=MOST)
    for n in range(20):
        flow.acknowledged(20_000, sent_s=n * 0.01, now_s=n * 0.01 + 0.002)
    assert flow.batch_bytes == MOST // 2
    late_s = 2 * LONGEST_QUEUE_S
    for _ in range(3):
        flow.acknowledged(20_000, sent_s=1.0, now_s=1.0 + late_s)
    assert flow.batch_bytes == MOST // 4, "one cut for all that was under way"
    for n in range(10):
        flow.acknowledged(20_000, sent_s=2.0 + n, now_s=2.0 + n + late_s)
    assert flow.batch_bytes == LEAST_BYTES // 2
    assert flow.has_room(0)
