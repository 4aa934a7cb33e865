"""The journal over HTTP (contracts: GET /journal)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gate.journal import chain_hash
from gate.model import Kind, Role
from tests.api.conftest import Served, beside_a_gate
from tests.fakes import FakeGate, wait_until

JOURNAL = "/api/v1/journal"


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Served]:
    """Serve with a journal of its own for each story."""
    yield from beside_a_gate(tmp_path)


@pytest.fixture
def written(served: Served, gate: FakeGate) -> int:
    """Twelve facts of two kinds; returns the newest one's number."""
    for number in range(12):
        gate.write(Kind.OBSTRUCTED if number % 3 else Kind.REVERSED, {"n": number})
    wait_until(lambda: served.office.live.last_seq == 12)
    return 12


def test_the_journal_is_read_page_by_page_in_both_directions(operator: httpx.Client, written: int) -> None:
    """`next` leads through all of it, each fact once; hashes come along, so that anybody can check the chain."""
    for order, cursor in (({}, "after"), ({"newest_first": "true"}, "before")):
        seqs: list[int] = []
        following: int | None = 0 if cursor == "after" else None
        for _ in range(4):
            position = {} if following is None else {cursor: following}
            page = operator.get(JOURNAL, params={"limit": 5, **order, **position}).json()
            seqs += [fact["seq"] for fact in page["items"]]
            assert all(chain_hash(fact) == fact["hash"] for fact in page["items"])
            following = page["next"]
            if following is None:
                break
        expected = list(range(1, written + 1))
        assert seqs == (expected if cursor == "after" else expected[::-1])


def test_facts_are_found_by_kind_and_time(operator: httpx.Client, written: int) -> None:
    """Several kinds, with commas or repeated; a span in any offset."""
    kinds = operator.get(JOURNAL, params={"kind": "reversed,boot"}).json()["items"]
    assert {fact["kind"] for fact in kinds} == {"reversed"}
    assert len(operator.get(JOURNAL, params=[("kind", "reversed"), ("kind", "obstructed")]).json()["items"]) == written
    first = operator.get(JOURNAL, params={"limit": 1}).json()["items"][0]
    assert operator.get(JOURNAL, params={"until": first["at"]}).json()["items"] == []
    assert len(operator.get(JOURNAL, params={"since": "0500-01-01T00:00:00Z"}).json()["items"]) == written
    since = {"since": "2020-01-01T00:00:00+07:00", "until": "2090-01-01T00:00:00Z"}
    assert len(operator.get(JOURNAL, params=since).json()["items"]) == written


def test_an_odd_question_is_a_clear_problem(operator: httpx.Client) -> None:
    """Limits, cursors, kinds and times have a form; a number is no time, though it could be seconds since 1970."""
    for params in (
        {"limit": "501"}, {"limit": "0"}, {"after": "-1"}, {"after": "x"}, {"kind": "nonsense"},
        {"since": "yesterday"}, {"since": "2026-11-21T10:00:00"}, {"after": str(2**64)},
        {"since": "0001-01-01T00:00:00+14:00"}, {"until": "9999-12-31T23:59:59-14:00"},
        {"since": "0"}, {"until": "0.5"}, {"kind": ""},
    ):  # fmt: skip
        answer = operator.get(JOURNAL, params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), params


def test_a_journal_that_is_not_there_is_a_clear_problem(served_alone: Served) -> None:
    """503, with what to do."""
    answer = served_alone.person(Role.VIEWER).get(JOURNAL)
    assert (answer.status_code, answer.json()["code"]) == (503, "journal_unavailable")
