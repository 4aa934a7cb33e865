"""What is told of the keeper: each start, each end, and each pin that does not do as ordered."""

from __future__ import annotations

import pytest

from gate.keeper_news import KeeperNews
from gate.model import JsonObject, Kind


@pytest.fixture
def facts() -> list[tuple[Kind, JsonObject]]:
    return []


@pytest.fixture
def news(facts: list[tuple[Kind, JsonObject]]) -> KeeperNews:
    return KeeperNews(lambda kind, data: facts.append((kind, data)), lambda: "2026-11-21T00:00:00.000Z")


def test_a_keeper_that_never_came_is_not_alive(news: KeeperNews) -> None:
    assert (news.plain()["alive"], news.plain()["restarts"]) == (False, -1)


def test_each_start_and_each_end_is_told(news: KeeperNews, facts: list[tuple[Kind, JsonObject]]) -> None:
    news.up(11)
    news.down("silent for 0.6 s")
    assert news.plain()["reason"] == "silent for 0.6 s"
    news.up(12)
    assert [kind for kind, _ in facts] == [Kind.PROCESS_STARTED, Kind.PROCESS_DIED, Kind.PROCESS_STARTED]
    assert (news.plain()["alive"], news.plain()["restarts"]) == (True, 1)
    assert "reason" not in news.plain()


def test_a_pin_that_does_not_follow_is_told_once_and_shown(
    news: KeeperNews, facts: list[tuple[Kind, JsonObject]]
) -> None:
    news.up(11)
    for number in range(3):
        news.samples([{"at_s": 10.0 + number * 0.02, "wrong": ["siren"]}], 10.0 + number * 0.02)
    assert news.plain()["health"] == {"ok": False, "reason": "pins do not follow: siren"}
    news.samples([{"at_s": 10.1}], 10.1)
    told = [(kind, data["sensor"]) for kind, data in facts[1:]]
    assert told == [(Kind.SENSOR_DEGRADED, "siren"), (Kind.SENSOR_RECOVERED, "siren")]
    assert news.plain()["health"] == {"ok": True, "reason": ""}


def test_samples_that_come_late_are_said_in_the_log(news: KeeperNews, caplog: pytest.LogCaptureFixture) -> None:
    news.samples([{"at_s": 10.0}], 10.0)
    news.samples([{"at_s": 10.02}], 10.03)
    assert not caplog.records
    news.samples([{"at_s": 10.2}], 10.21)
    assert "180 ms apart" in caplog.text
