"""Figures for monitoring: true while the gate answers, left out while it does not, shown to programs only."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import HTTPConnection

from api.counting import Counts
from api.links import ListenError
from api.metrics import Gathered, exposition
from api.monitor import may_monitor, read_token
from gate.model import Alarm, Health, JsonObject, Mode, Role, State
from tests.api.conftest import Served, settings_in
from tests.fakes import FakeGate, wait_until

DOCS = Path(__file__).parents[2] / "docs"
TOKEN = b"0123456789abcdef0123456789abcdef"
WHOLE: JsonObject = {
    "gate_id": "thon-3", "simulated": False, "state": "closed", "mode": "normal", "health": "degraded",
    "position": 0.0, "evidence_age_ms": 120, "cycles": 7, "clock_trusted": True, "reasons": ["beam_silent"],
    "alarms": [{"alarm": "fault"}, {"alarm": "fault"}], "inputs": {"limit_closed": True, "beam": None},
    "outputs": {"light": False},
    "processes": {
        "gate": {"alive": True, "restarts": 0, "health": {}},
        "camera": {"alive": True, "restarts": 2, "health": {
            "ok": False, "frame_age_ms": 250, "detect_ms": 1.5, "viewers": 3, "frames": 10, "events": 1, "dropped": 0,
            "sight": "covered"}},
        "mqtt_bridge": {"alive": True, "restarts": 0, "health": {"ok": True, "connected": True, "waiting": 4}},
        "api": {"off": True},
    },
}  # fmt: skip


def told(snapshot: JsonObject | None, ends_s: float | None = None, counts: Counts | None = None) -> dict[str, float]:
    """Return every sample of a text, by name and labels."""
    gathered = Gathered(
        snapshot=snapshot, version="1", last_seq=41, streams={"events": 2}, free_bytes={"state": 5},
        certificate_ends_s=ends_s,
    )  # fmt: skip
    return samples(exposition(gathered, counts or Counts()).decode())


def samples(text: str) -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.values()) if sample.labels else ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def families(text: str) -> set[str]:
    return set(re.findall(r"^# TYPE (antt_gate_\w+)", text, re.MULTILINE))


def asked(host: str, **headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "client": (host, 1), "headers": raw})


def test_what_the_gate_says_stands_in_the_figures() -> None:
    found = told(WHOLE, ends_s=99.0)
    assert found["antt_gate_up"] == 1
    assert [found[f"antt_gate_state['{word}']"] for word in State] == [0, 1, 0, 0, 0, 0]
    assert [word for word in Mode if found[f"antt_gate_mode['{word}']"]] == ["normal"]
    assert [word for word in Health if found[f"antt_gate_health['{word}']"]] == ["degraded"]
    assert {word: found[f"antt_gate_alarms['{word}']"] for word in Alarm} == {
        word: 2 if word is Alarm.FAULT else 0 for word in Alarm
    }
    assert found["antt_gate_reason['beam_silent']"] == 1
    assert found["antt_gate_camera_frame_age_seconds"] == 0.25
    assert found["antt_gate_camera_believed"] == 0
    assert found["antt_gate_process_healthy['camera']"] == 0
    assert found["antt_gate_broker_waiting_facts"] == 4
    assert found["antt_gate_certificate_expiry_timestamp_seconds"] == 99
    assert found["antt_gate_info['1', 'false', 'thon-3']"] == 1


def test_what_nobody_knows_is_left_out() -> None:
    """Unknown is better than a guess: a silent beam, a leaf somewhere, a part that is off."""
    found = told({**WHOLE, "position": None})
    assert "antt_gate_input['beam']" not in found
    assert "antt_gate_position_ratio" not in found
    assert "antt_gate_process_alive['api']" not in found
    assert "antt_gate_certificate_expiry_timestamp_seconds" not in found


def test_an_old_state_is_not_told_while_the_gate_is_away() -> None:
    found = told(None)
    assert found["antt_gate_up"] == 0
    assert not [name for name in found if name.startswith(("antt_gate_state", "antt_gate_mode", "antt_gate_camera"))]


def test_strange_words_of_the_gate_break_nothing() -> None:
    """A snapshot of a newer or a broken gate: what can't be read is left out."""
    found = told({"state": "melted", "alarms": "many", "processes": [], "position": True, "inputs": None, "reasons": 5})
    assert found["antt_gate_up"] == 1
    assert not any(found[f"antt_gate_state['{word}']"] for word in State)


def test_every_metric_stands_in_the_document_and_the_dashboard_asks_for_no_other(served: Served) -> None:
    counts = Counts()
    counts.answered({"type": "http", "method": "GET"}, 200, 0.01)
    gathered = Gathered(
        snapshot=WHOLE, version="1", last_seq=1, streams={}, free_bytes={}, certificate_ends_s=1.0
    )  # fmt: skip
    real = families(exposition(gathered, counts).decode())
    section = (DOCS / "operations.md").read_text(encoding="utf-8").split("## Monitoring\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(antt_gate_\w+)` ", section, re.MULTILINE)) == real
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    wanted = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    names = {re.sub(r"_bucket$", "", name) for name in re.findall(r"antt_gate_\w+", wanted)}
    assert names <= real
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_requests_are_counted_by_route_and_never_by_address(served: Served, gate: FakeGate) -> None:
    """A stranger who asks for a thousand addresses makes one row."""
    viewer = served.person(Role.VIEWER)
    wait_until(lambda: served.office.live.gate_up)
    for number in range(5):
        viewer.get(f"/nowhere/{number}")
    viewer.get("/api/v1/gate/commands/not-known-1")
    viewer.request("BREW", "/")
    found = samples(viewer.get("/metrics").text)
    assert found["antt_gate_http_requests_total['404', 'GET', 'page']"] >= 5
    assert found["antt_gate_http_requests_total['/api/v1/gate/commands/{command_id}', '404', 'GET']"] >= 1
    assert not any("nowhere" in name or "BREW" in name for name in found)
    assert found["antt_gate_up"] == 1


def test_figures_are_shown_to_programs_of_this_machine_only(served: Served) -> None:
    here = served.anybody()
    assert here.get("/metrics").status_code == 200
    passed_on = here.get("/api/v1/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert (passed_on.status_code, passed_on.json()["code"]) == (403, "monitoring_only")


@pytest.mark.parametrize(
    ("host", "headers", "may"),
    [
        ("127.0.0.1", {}, True), ("::1", {}, True), ("::ffff:127.0.0.1", {}, True),
        ("10.0.0.9", {}, False), ("localhost", {}, False),
        ("127.0.0.1", {"forwarded": "for=10.0.0.9"}, False), ("127.0.0.1", {"via": "1.1 proxy"}, False),
        ("10.0.0.9", {"authorization": f"Bearer {TOKEN.decode()}"}, True),
        ("10.0.0.9", {"authorization": f"bearer  {TOKEN.decode()} "}, True),
        ("10.0.0.9", {"authorization": f"Basic {TOKEN.decode()}"}, False),
        ("10.0.0.9", {"authorization": "Bearer "}, False), ("10.0.0.9", {"authorization": "Bearer é"}, False),
    ],
)  # fmt: skip
def test_a_token_or_this_machine(host: str, headers: dict[str, str], may: bool) -> None:  # noqa: FBT001 - a table
    assert may_monitor(asked(host, **headers), TOKEN) is may


def test_no_token_is_right_where_none_is_configured() -> None:
    assert not may_monitor(asked("10.0.0.9", authorization="Bearer "), b"")


def test_a_token_file_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    """The key, the file and the remedy are named; what is in it is not."""
    with pytest.raises(ListenError, match=r"api\.metrics_token_file .*missing can't be read .*openssl rand"):
        read_token(tmp_path / "missing")
    short = tmp_path / "short"
    short.write_text("hunter2\n")
    with pytest.raises(ListenError, match=r"holds 7 characters; write 16 or more") as refused:
        read_token(short)
    assert "hunter2" not in str(refused.value)
    short.write_bytes(TOKEN + b"\n")
    assert read_token(settings_in(tmp_path, f"api.metrics_token_file={short}").api.metrics_token_file) == TOKEN
