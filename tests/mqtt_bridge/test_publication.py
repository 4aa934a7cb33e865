"""A message as bytes: whatever a stranger puts beside it, it comes, and at once."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from mqtt_bridge.publication import PublicationError, read

TOPIC = b"\x00\x03cmd"
QOS_1, RETAINED = 0x32, 0x31


def length(size: int) -> bytes:
    """Return a length as MQTT writes it."""
    return bytes([size % 128 | (128 if size > 127 else 0)]) + (length(size // 128) if size > 127 else b"")


def packet(properties: bytes, payload: bytes = b"open") -> bytes:
    return TOPIC + b"\x00\x07" + length(len(properties)) + properties + payload


def test_it_reads_what_the_library_writes() -> None:
    written = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho's only untyped constructor
    written.PayloadFormatIndicator, written.MessageExpiryInterval, written.ContentType = 1, 5, "application/json"
    written.ResponseTopic, written.CorrelationData = "replies/một", b"\x00\xff"
    written.TopicAlias, written.SubscriptionIdentifier = 3, 300
    written.UserProperty = [("a", "b"), ("", "")]
    body = TOPIC + b"\x00\x07" + written.pack() + b"open"  # type: ignore[no-untyped-call] # as above
    found = read(QOS_1, body)
    assert (found.topic, found.qos, found.mid, found.retained, found.payload) == (b"cmd", 1, 7, False, b"open")
    assert (found.response_topic, found.correlation) == ("replies/một", b"\x00\xff")
    assert read(RETAINED, TOPIC + b"\x00hello")[:5] == (b"cmd", 0, True, 0, b"hello")


def test_texts_that_the_library_hangs_up_on_are_only_texts() -> None:
    """U+FEFF anywhere in the properties; half a letter; a property that nobody knows."""
    mark = b"\x08\x00\x03\xef\xbb\xbf"
    assert read(QOS_1, packet(mark)).response_topic == "\ufeff"
    assert read(QOS_1, packet(b"\x26\x00\x03\xef\xbb\xbf\x00\x00\x09\x00\x01x")).correlation == b"x"
    for odd in (b"\x08\x00\x01\xff", b"\x7f\x00", b"\x08\x00\x09x", b"\x08", b"\x02\x00"):
        found = read(QOS_1, packet(odd))
        assert (found.response_topic, found.payload, found.mid) == (None, b"open", 7)


def test_fifty_thousand_properties_take_no_time() -> None:
    """The library took six seconds, in which no stop came through."""
    began_s = time.process_time()
    assert read(QOS_1, packet(b"\x26\x00\x00\x00\x00" * 50_000)).payload == b"open"
    assert time.process_time() - began_s < 1.0


@given(st.binary(max_size=60), st.integers(0, 255))
def test_no_bytes_make_it_fail_otherwise(body: bytes, header: int) -> None:
    try:
        read(header, body)
    except PublicationError:
        return


def test_a_packet_without_an_end_is_none() -> None:
    for cut in (b"", b"\x00", b"\x00\x09cmd", TOPIC, TOPIC + b"\x00", TOPIC + b"\x00\x07", packet(b"", b"")[:-1]):
        with pytest.raises(PublicationError):
            read(QOS_1, cut)
    with pytest.raises(PublicationError, match="within its properties"):
        read(QOS_1, TOPIC + b"\x00\x07\x05ab")
