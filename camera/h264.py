"""H.264 byte streams: what must be known of them to copy them without touching a picture (ITU-T H.264, Annex B).

Pure functions on bytes. MP4 and RTSP deliver NAL units with their lengths in front and the parameter sets apart
(ISO/IEC 14496-15); clips, browsers and this project's own sockets get Annex B with the parameter sets in each key unit.
"""

from __future__ import annotations

from dataclasses import dataclass

START = b"\x00\x00\x00\x01"
IDR, SPS, PPS = 5, 7, 8
CODED_SLICES = range(1, 6)
SHORTEST_SPS = 4
ENOUGH_UNITS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Packaging:
    """How a container wraps NAL units: bytes of the length in front (0: Annex B already) and the parameter sets."""

    length_size: int
    parameter_sets: bytes


def packaging(extradata: bytes | None) -> Packaging:
    """Read a container's codec header: avcC, Annex B, or nothing at all (then Annex B is assumed)."""
    if not extradata:
        return Packaging(length_size=0, parameter_sets=b"")
    if extradata[0] != 1 or len(extradata) < 7:  # noqa: PLR2004 - 1 opens avcC; its fixed part has 7 bytes
        return Packaging(length_size=0, parameter_sets=extradata)
    sets = bytearray()
    at = 5
    for mask in (0x1F, 0xFF):  # first the count of sequence sets (5 bits), then that of picture sets
        if at >= len(extradata):
            break
        count = extradata[at] & mask
        at += 1
        for _ in range(count):
            length = int.from_bytes(extradata[at : at + 2], "big")
            sets += START + extradata[at + 2 : at + 2 + length]
            at += 2 + length
    return Packaging(length_size=(extradata[4] & 3) + 1, parameter_sets=bytes(sets))


def nal_types(unit: bytes) -> list[int]:
    """List the NAL unit types of an Annex B access unit, in order."""
    types = []
    at = unit.find(b"\x00\x00\x01")
    while at != -1 and at + 3 < len(unit):
        types.append(unit[at + 3] & 0x1F)
        if types[-1] in CODED_SLICES:
            break  # slices are the last and the bulk; parameter sets stand before them
        at = unit.find(b"\x00\x00\x01", at + 3)
    return types


class Disposable:
    """Counts pictures to which no other refers (`nal_ref_idc` 0); after 60 it tells their share, once."""

    def __init__(self) -> None:
        self._seen = self._disposable = 0

    def look(self, unit: bytes) -> float | None:
        """Take one Annex B access unit."""
        if self._seen >= ENOUGH_UNITS:
            return None
        at = unit.find(b"\x00\x00\x01")
        while at != -1 and at + 3 < len(unit) and unit[at + 3] & 0x1F not in CODED_SLICES:
            at = unit.find(b"\x00\x00\x01", at + 3)
        if at == -1 or at + 3 >= len(unit):
            return None
        self._seen += 1
        self._disposable += unit[at + 3] & 0x60 == 0
        return self._disposable / self._seen if self._seen == ENOUGH_UNITS else None


def annex_b(data: bytes, wrapped: Packaging, *, key: bool) -> bytes | None:
    """Unwrap one access unit; a key unit gets its parameter sets if it has none. None where the lengths lie."""
    if wrapped.length_size:
        unwrapped = _unwrap(data, wrapped.length_size)
        if unwrapped is None:
            return None
        data = unwrapped
    if not key:
        return data
    return data if SPS in nal_types(data) else wrapped.parameter_sets + data


def _unwrap(data: bytes, length_size: int) -> bytes | None:
    parts = []
    at = 0
    while at + length_size < len(data):
        length = int.from_bytes(data[at : at + length_size], "big")
        at += length_size
        if length == 0 or at + length > len(data):
            return None
        parts += [START, data[at : at + length]]
        at += length
    return b"".join(parts) or None


def codec_name(unit: bytes) -> str:
    """Return RFC 6381's name (`avc1.64001f`) from the first SPS of a key unit; Baseline 3.1 where there is none."""
    at = unit.find(b"\x00\x00\x01")
    while at != -1 and at + 3 + SHORTEST_SPS <= len(unit):
        if unit[at + 3] & 0x1F == SPS:
            return f"avc1.{unit[at + 4 : at + 7].hex()}"
        at = unit.find(b"\x00\x00\x01", at + 3)
    return "avc1.42e01f"
