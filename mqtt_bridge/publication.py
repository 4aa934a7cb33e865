"""A PUBLISH packet as it comes from the broker (MQTT 5, 3.3), read in one pass. Pure.

The library's own reading of properties ends the connection at a U+FEFF in any text of them, which brokers pass on, and
takes seconds for fifty thousand empty ones: one message of a stranger would leave the gate deaf. Here what can't be
read of the properties is left out; the message itself still comes, and is acknowledged.
"""

from __future__ import annotations

from typing import NamedTuple

RESPONSE_TOPIC, CORRELATION = 0x08, 0x09
BYTE, TWO_BYTES, FOUR_BYTES, VARIABLE, LENGTH_FIRST, PAIR = range(6)
SORTS = {
    0x01: BYTE, 0x02: FOUR_BYTES, 0x03: LENGTH_FIRST, RESPONSE_TOPIC: LENGTH_FIRST, CORRELATION: LENGTH_FIRST,
    0x0B: VARIABLE, 0x23: TWO_BYTES, 0x26: PAIR,
}  # fmt: skip
"""How each property of a PUBLISH is written."""
SIZES = {BYTE: 1, TWO_BYTES: 2, FOUR_BYTES: 4}
LONGEST_VARIABLE = 4


class PublicationError(Exception):
    """It is no PUBLISH packet; the broker is not one."""


class Publication(NamedTuple):
    """A message. `mid` is 0 at QoS 0."""

    topic: bytes
    qos: int
    retained: bool
    mid: int
    payload: bytes
    response_topic: str | None
    correlation: bytes | None


def read(header: int, packet: bytes) -> Publication:
    """Read what follows the fixed header, whose first byte is `header`. Raises `PublicationError`."""
    try:
        topic, at = _lengthy(packet, 0)
        qos = header >> 1 & 3
        mid = int.from_bytes(packet[at : at + 2], "big") if qos else 0
        size, at = _variable(packet, at + 2 if qos else at)
    except IndexError:
        raise PublicationError("a packet ends before its end") from None
    if at + size > len(packet):
        raise PublicationError("a packet ends within its properties")
    response_topic, correlation = _properties(packet[at : at + size])
    return Publication(
        topic=topic, qos=qos, retained=bool(header & 1), mid=mid, payload=packet[at + size :],
        response_topic=response_topic, correlation=correlation,
    )  # fmt: skip


def _properties(found: bytes) -> tuple[str | None, bytes | None]:
    """Return response topic and correlation data, as far as they can be read."""
    named: dict[int, bytes] = {}
    at = 0
    try:
        while at < len(found):
            name, sort = found[at], SORTS[found[at]]
            at += 1
            if sort == LENGTH_FIRST:
                named[name], at = _lengthy(found, at)
            elif sort == PAIR:
                at = _past(found, _past(found, at))
            elif sort == VARIABLE:
                _, at = _variable(found, at)
            else:
                at += SIZES[sort]
    except (IndexError, KeyError):
        return None, None
    topic = named.get(RESPONSE_TOPIC)
    try:
        return topic.decode("utf-8") if topic is not None else None, named.get(CORRELATION)
    except UnicodeDecodeError:
        return None, named.get(CORRELATION)


def _lengthy(data: bytes, at: int) -> tuple[bytes, int]:
    end = _past(data, at)
    return data[at + 2 : end], end


def _past(data: bytes, at: int) -> int:
    """Return where what begins with its length at `at` ends. Raises `IndexError`."""
    end = at + 2 + (data[at] << 8 | data[at + 1])
    if end > len(data):
        raise IndexError(end)
    return end


def _variable(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of one to four bytes, and return where it ends. Raises `IndexError`."""
    value = 0
    for place in range(LONGEST_VARIABLE):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:  # noqa: PLR2004 - the format's own mark of a last byte
            return value, at + place + 1
    raise IndexError(at)
