"""What is said back to whoever ordered: bounded, in order, and not at the cost of others."""

from __future__ import annotations

import asyncio
import json

import pytest

from gate.model import Code
from mqtt_bridge import topics
from mqtt_bridge.answers import MOST_IN_FLIGHT, MOST_WAITING, Answers, Reply, reply_to
from mqtt_bridge.envelope import Claim, reject
from mqtt_bridge.port import Incoming, Receipt
from mqtt_bridge.refused import AT_HAND, Ration, data_of
from mqtt_bridge.topics import Message

RSP = Reply(topic="antt/1/sim/rsp/room", correlation=b"7")


class Line:
    """A connection that takes what it is given and acknowledges when told."""

    def __init__(self) -> None:
        self.connected = True
        self.sent: list[Message] = []
        self.receipts: list[asyncio.Future[Receipt]] = []

    def publish(self, message: Message) -> asyncio.Future[Receipt] | None:
        if not self.connected:
            return None
        self.sent.append(message)
        self.receipts.append(asyncio.get_running_loop().create_future())
        return self.receipts[-1]

    async def answers_all(self, receipt: Receipt) -> None:
        waiting, self.receipts = self.receipts, []
        for one in waiting:
            one.set_result(receipt)
        await asyncio.sleep(0)

    @property
    def ids(self) -> list[str]:
        return [json.loads(message.payload)["id"] for message in self.sent]


def test_a_few_are_under_way_and_what_was_obeyed_goes_first() -> None:
    async def story() -> None:
        line = Line()
        answers = Answers(line, "sim")
        for number in range(MOST_IN_FLIGHT + 2):
            answers.give(RSP, {"id": f"strange-{number}"}, urgent=False)
        answers.give(RSP, {"id": "obeyed"}, urgent=True)
        assert len(line.sent) == MOST_IN_FLIGHT
        await line.answers_all(Receipt(delivered=True))
        assert line.ids[MOST_IN_FLIGHT:] == ["obeyed", f"strange-{MOST_IN_FLIGHT}", f"strange-{MOST_IN_FLIGHT + 1}"]
        assert line.sent[0].correlation == b"7"

    asyncio.run(story())


def test_a_lost_connection_loses_no_answer_and_a_flood_has_an_end() -> None:
    async def story() -> None:
        line = Line()
        answers = Answers(line, "sim")
        answers.give(RSP, {"id": "first"}, urgent=True)
        answers.give(RSP, {"id": "second"}, urgent=True)
        line.connected = False
        await line.answers_all(Receipt(delivered=False))
        for number in range(MOST_WAITING + 5):
            answers.give(RSP, {"id": f"strange-{number}"}, urgent=False)
        assert answers.left_out == 5
        line.connected = True
        answers.pump()
        assert line.ids[:5] == ["first", "second", "first", "second", "strange-5"]

    asyncio.run(story())


@pytest.mark.parametrize(("topic", "shown"), [("antt/1/sim/rsp/room", "not allowed"), ("replies/x", "")])
def test_only_a_topic_of_the_gate_s_own_that_is_refused_is_a_trouble(topic: str, shown: str) -> None:
    """Which topic a stranger asks for is his affair."""

    async def story() -> None:
        line = Line()
        answers = Answers(line, "sim")
        answers.give(Reply(topic=topic), {"id": "x"}, urgent=True)
        await line.answers_all(Receipt(delivered=False, code=0x87, refusal="not allowed"))
        assert (answers.trouble, len(line.sent)) == (shown, 1)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("wanted", "granted"),
    [
        ("replies/room-7", True), ("antt/1/sim/rsp/lan/7", True), (None, False), ("", False),
        ("antt/1/sim/rsp/", False),
        ("antt/1/sim/$state", False), ("antt/1/sim2/rsp/room", False), ("antt", False), ("$SYS/x", False),
        ("/antt/1/sim/cmd", False), ("homeassistant/device/sim/config", False), ("a/+/b", False), ("a/#", False),
        ("a\0b", False), ("x" * 201, False),
    ],
)  # fmt: skip
def test_where_an_answer_may_go(wanted: str | None, *, granted: bool) -> None:
    found = topics.response_address("sim", wanted, "room")
    assert found == (wanted if granted else "antt/1/sim/rsp/room")


def test_no_answer_goes_where_another_prefix_has_home_assistant_look() -> None:
    """mqtt.home_assistant.prefix: nobody makes up a device with the gate's own rights."""
    asked = Incoming(topic="antt/1/sim/cmd", payload=b"", response_topic="ha/device/sim/config")
    assert reply_to(asked, "sim", "room", "ha").topic == "antt/1/sim/rsp/room"


def test_too_much_correlation_is_left_out() -> None:
    message = Incoming(topic="antt/1/sim/cmd", payload=b"", correlation=b"x" * 5000)
    assert reply_to(message, "sim", "room") == Reply(topic="antt/1/sim/rsp/room")


def test_what_the_journal_is_not_told_of_is_counted() -> None:
    """At hand a hundred, then one every ten seconds, with the number of those in between."""
    ration, data = Ration(), data_of(reject(Code.BAD_SIGNATURE), Claim())
    for _ in range(AT_HAND + 7):
        ration.take(None, data, now_s=50.0)
    ration.take(None, data, now_s=60.0)
    told = []
    while note := ration.next():
        told.append(note.data)
        ration.told()
    assert len(told) == AT_HAND  # the queue was full of them: as many as wait, at most
    ration.take(None, data, now_s=70.0)
    note = ration.next()
    assert note is not None
    assert note.data["left_out"] == {"bad_signature": 8}
