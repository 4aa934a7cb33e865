"""The size of an H.264 picture, from its sequence parameter set (ITU-T H.264, 7.3.2.1.1). Pure functions on bytes.

A stream that is copied is not decoded, and what its container once said of the size may have changed since.
"""

from __future__ import annotations

SPS = 7
WITH_CHROMA = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
YUV_444 = 3
LARGEST = 16384


class Bits:
    """Reads bits and Exp-Golomb numbers. Raises `IndexError` at the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data.replace(b"\x00\x00\x03", b"\x00\x00")  # emulation prevention
        self._at = 0

    def take(self, count: int = 1) -> int:
        """Read an unsigned number of so many bits."""
        value = 0
        for _ in range(count):
            value = value << 1 | self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def unsigned(self) -> int:
        """Read ue(v)."""
        zeros = 0
        while not self.take():
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """Read se(v)."""
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def picture_size(unit: bytes) -> tuple[int, int] | None:
    """Return (width, height) from the first SPS of an Annex B access unit; None where there is none, or no sense."""
    at = unit.find(b"\x00\x00\x01")
    while at != -1 and at + 3 < len(unit):
        if unit[at + 3] & 0x1F == SPS:
            end = unit.find(b"\x00\x00\x01", at + 4)
            try:
                width, height = read(Bits(unit[at + 4 : end if end != -1 else len(unit)]))
            except IndexError:
                return None
            return (width, height) if 0 < width <= LARGEST and 0 < height <= LARGEST else None
        at = unit.find(b"\x00\x00\x01", at + 3)
    return None


def read(bits: Bits) -> tuple[int, int]:
    """Read an SPS up to its cropping. Raises `IndexError` where it is cut off."""
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    chroma = 1
    if profile in WITH_CHROMA:
        chroma = bits.unsigned()
        if chroma == YUV_444:
            bits.take()
        bits.unsigned()
        bits.unsigned()
        bits.take()
        if bits.take():
            skip_scaling(bits, 12 if chroma == YUV_444 else 8)
    bits.unsigned()
    skip_order(bits)
    bits.unsigned()
    bits.take()
    across, down = bits.unsigned() + 1, bits.unsigned() + 1
    frames_only = bits.take()
    if not frames_only:
        bits.take()
    bits.take()
    left, right, top, bottom = (bits.unsigned() for _ in range(4)) if bits.take() else (0, 0, 0, 0)
    step_x = 2 if chroma in {1, 2} else 1
    step_y = (2 if chroma == 1 else 1) * (2 - frames_only)
    return across * 16 - step_x * (left + right), down * 16 * (2 - frames_only) - step_y * (top + bottom)


def skip_scaling(bits: Bits, matrices: int) -> None:
    """Read past the scaling matrices."""
    for number in range(matrices):
        if bits.take():
            last = following = 8
            for _ in range(16 if number < 6 else 64):  # noqa: PLR2004 - six small matrices come first
                if following:
                    following = (last + bits.signed()) % 256
                last = following or last


def skip_order(bits: Bits) -> None:
    """Read past what says in which order pictures are shown."""
    kind = bits.unsigned()
    if kind == 0:
        bits.unsigned()
    elif kind == 1:
        bits.take()
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
