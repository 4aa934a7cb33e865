"""The table and the payloads (contracts.md, MQTT)."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.model import Fact, JsonObject
from mqtt_bridge import topics

DOCUMENT = Path(__file__).parents[2] / "docs" / "topics.md"


def a_fact(*, mono_ms: int = 100_000, boot: str = "boot-1", data: JsonObject | None = None) -> Fact:
    """Make a row of the journal."""
    return Fact(
        seq=7, id="0193", at="2026-11-21T18:04:05.678Z", at_trusted=True, mono_ms=mono_ms, boot_id=boot, kind="arrived",
        by={"type": "person", "id": "u1", "name": "An"}, data=data or {"state": "open"}, prev="0" * 64, hash="f" * 64,
    )  # fmt: skip


def test_the_document_lists_the_table() -> None:
    """Contracts: docs carry the full reference; tests compare documents with code."""
    row = r"^\| `([^`]+)` \| (\d) \| (yes|no) \| (gate|receiver|sender) \| (.+) \|$"
    rows = re.findall(row, DOCUMENT.read_text("utf-8"), re.MULTILINE)
    written = [(name, int(qos), retained == "yes", who, text.strip("`")) for name, qos, retained, who, text in rows]
    assert written == [(row.name, row.qos, row.retain, row.writer, row.payload) for row in topics.TABLE]


def test_the_document_explains_reasons_that_exist() -> None:
    """A reason in health is a sentence of the program; the page that explains it quotes it."""
    section = DOCUMENT.read_text("utf-8").partition("| reason begins |")[2]
    sources = "".join(path.read_text("utf-8") for path in Path(topics.__file__).parent.glob("*.py"))
    beginnings = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert len(beginnings) > 5
    assert [text for text in beginnings if text not in sources] == []


def test_a_topic_carries_the_gate_and_its_own_way_of_travelling() -> None:
    """Contracts: antt/1/<gate_id>/…; $state is QoS 1 and retained."""
    message = topics.message("cong-3", topics.STATE, b"{}")
    assert (message.topic, message.qos, message.retain) == ("antt/1/cong-3/$state", 1, True)


def test_a_status_names_nobody() -> None:
    """Contracts: status is what GET /gate says, less people's names; the gate keeps its own."""
    person: JsonObject = {"type": "person", "id": "u1", "name": "Nguyễn Văn An", "device": "Máy của An"}
    snapshot: JsonObject = {
        "name": "Cổng thôn 3", "state": "open", "by": person, "mode_by": dict(person),
        "alarms": [{"alarm": "forced_open", "by": dict(person)}],
    }  # fmt: skip
    found = json.loads(topics.status_payload(snapshot))
    assert found["name"] == "Cổng thôn 3"
    assert found["by"] == {"type": "person", "id": "u1"}
    assert found["mode_by"] == {"type": "person", "id": "u1"}
    assert found["alarms"][0]["by"] == {"type": "person", "id": "u1"}
    assert snapshot["by"] == person, "the gate's own snapshot stays as it is"


def test_a_fact_of_now_travels_as_it_is() -> None:
    """Brief: the row itself is unchanged."""
    fact = a_fact(mono_ms=100_000)
    assert json.loads(topics.fact_payload(fact, boot="boot-1", now_mono_ms=130_000)) == fact.plain()


def test_a_fact_of_the_past_says_so() -> None:
    """Contracts: hist for facts older than 30 s; monotonic times of another boot can't be compared."""
    fact = a_fact(mono_ms=100_000)
    old = json.loads(topics.fact_payload(fact, boot="boot-1", now_mono_ms=130_001))
    foreign = json.loads(topics.fact_payload(fact, boot="boot-2", now_mono_ms=100_001))
    assert old == foreign == {**fact.plain(), "hist": True}


def test_half_a_character_does_not_stop_delivery() -> None:
    """A lone surrogate can't be written as UTF-8; it stays an escape, and the payload stays JSON."""
    payload = topics.fact_payload(a_fact(data={"name": "\ud800"}), boot="boot-1", now_mono_ms=100_000)
    assert json.loads(payload)["data"] == {"name": "\ud800"}


def test_a_receiver_says_what_it_has_and_what_it_misses() -> None:
    """Contracts: facts/ack is {"upto":seq,"missing":[[a,b]…]}."""
    assert topics.read_ack(b'{"upto":12,"missing":[[7,9],[3,3]]}') == topics.Ack(upto=12, missing=((3, 3), (7, 9)))
    assert topics.read_ack(b'{"upto":0}') == topics.Ack(upto=0, missing=())


def test_what_is_no_acknowledgement_is_not_one() -> None:
    """A stranger's payload is data: it is refused as a value, and nothing is raised."""
    for payload in (
        b"", b"[]", b"null", b"{}", b'{"upto":-1}', b'{"upto":true}', b'{"upto":1.5}', b'{"upto":"7"}', b"\xff\xfe",
        b'{"upto":9,"missing":[[3]]}', b'{"upto":9,"missing":[[5,3]]}', b'{"upto":9,"missing":{"a":1}}', b"[" * 100_000,
        b'{"upto":9,"missing":[[true,3]]}', b'{"upto":99999999999999999999}', b'{"upto":' + b"9" * 5000 + b"}",
    ):  # fmt: skip
        assert topics.read_ack(payload) is None, payload[:40]


@settings(deadline=None, max_examples=50)
@given(st.binary() | st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists).map(
    lambda value: json.dumps({"upto": value, "missing": value, "s": value}).encode()
))  # fmt: skip
def test_no_payload_can_raise(payload: bytes) -> None:
    """What comes in from a broker was written by somebody else."""
    topics.read_ack(payload)
    assert not topics.says_online(payload, "boot-1")


def test_only_ones_own_online_counts() -> None:
    """Facts, connect.md: heal when one's own `lost` is seen; the boot id tells a stale one."""
    online = topics.state_payload("online", boot="boot-2", up_s=5, version="1")
    assert topics.says_online(online, "boot-2")
    assert not topics.says_online(online, "boot-1")
    assert not topics.says_online(topics.will_payload("boot-2"), "boot-2")
