"""What the journal is told of the broker: the truth in the end, and never a flood."""

from __future__ import annotations

from gate.model import Kind
from mqtt_bridge.reports import AT_HAND, Report, Reports


def take(reports: Reports, now_s: float) -> Report | None:
    """Ask what is due and have it written."""
    report = reports.due(now_s=now_s)
    if report:
        reports.told(report)
    return report


def test_a_broker_that_never_answered_is_not_lost() -> None:
    """A simulation without a broker leaves no trace in the journal."""
    assert take(Reports("b:1"), 100.0) is None


def test_coming_and_going_is_told_once_each() -> None:
    """Brief: broker_connected and broker_lost are facts."""
    reports = Reports("b:1")
    reports.came(now_s=1.0)
    came = take(reports, 1.5)
    assert came == Report(kind=Kind.BROKER_CONNECTED, data={"broker": "b:1", "since_s": 0.5, "losses": 0})
    assert take(reports, 2.0) is None
    reports.went("cable", now_s=3.0)
    went = take(reports, 3.0)
    assert went
    assert went.kind is Kind.BROKER_LOST
    assert went.data == {"broker": "b:1", "since_s": 0.0, "losses": 1, "reason": "cable"}


def test_what_was_not_written_stays_due() -> None:
    """Gate's socket may be away just then."""
    reports = Reports("b:1")
    reports.came(now_s=1.0)
    assert reports.due(now_s=1.0) == reports.due(now_s=1.0)


def test_a_flapping_broker_does_not_flood_and_its_losses_are_counted() -> None:
    """Brief: rate-limited so that a flapping broker does not flood; the last word is true."""
    reports = Reports("b:1")
    told = []
    for n in range(3000):  # five minutes, ten changes a second
        reports.came(now_s=n / 10) if n % 2 == 0 else reports.went("flap", now_s=n / 10)
        told += [report] if (report := take(reports, n / 10)) else []
    assert len(told) <= AT_HAND + 5
    reports.came(now_s=400.0)
    told += [report] if (report := take(reports, 400.0)) else []
    assert told[-1].kind is Kind.BROKER_CONNECTED
    assert sum(int(str(report.data["losses"])) for report in told) == 1500
