"""H.264 byte streams: unwrapped to Annex B without a changed picture, refused where lengths lie."""

from __future__ import annotations

from camera import h264

SPS = bytes.fromhex("6764001facd9405005bb")
PPS = bytes.fromhex("68ebe3cb22c0")
AVCC = b"\x01\x64\x00\x1f\xff\xe1" + len(SPS).to_bytes(2, "big") + SPS + b"\x01" + len(PPS).to_bytes(2, "big") + PPS
IDR = b"\x65\x88\x84\x00\x10"
SETS = h264.START + SPS + h264.START + PPS


def wrapped(*nals: bytes) -> bytes:
    """Return NAL units as MP4 keeps them, with four bytes of length."""
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def test_avcc_gives_the_length_size_and_both_parameter_sets() -> None:
    """ISO/IEC 14496-15, 5.3.3.1."""
    assert h264.packaging(AVCC) == h264.Packaging(length_size=4, parameter_sets=SETS)


def test_a_key_unit_gets_its_parameter_sets_and_another_unit_does_not() -> None:
    """A clip or a viewer may begin at any key unit."""
    packaging = h264.packaging(AVCC)
    assert h264.annex_b(wrapped(IDR), packaging, key=True) == SETS + h264.START + IDR
    assert h264.annex_b(wrapped(b"\x41\x9a"), packaging, key=False) == h264.START + b"\x41\x9a"


def test_a_key_unit_that_has_its_sets_is_left_alone() -> None:
    """Bit-exact: nothing is added twice."""
    unit = SETS + h264.START + IDR
    assert h264.annex_b(unit, h264.packaging(SETS), key=True) == unit
    assert h264.annex_b(wrapped(SPS, PPS, IDR), h264.packaging(AVCC), key=True) == unit


def test_lengths_that_lie_are_refused() -> None:
    """A corrupt packet is left out instead of being passed on."""
    packaging = h264.packaging(AVCC)
    for data in (b"\x00\x00\x00\xff\x65", b"\x00\x00\x00\x00\x65", wrapped(IDR) + b"\x7f\xff\xff\xff\x41", b""):
        assert h264.annex_b(data, packaging, key=False) is None


def test_a_header_that_is_cut_off_does_no_harm() -> None:
    """Headers come from strangers."""
    for length in range(len(AVCC)):
        h264.packaging(AVCC[:length])


def test_the_codec_name_comes_from_the_sps() -> None:
    """RFC 6381: profile, constraints and level in hex."""
    assert h264.codec_name(SETS + h264.START + IDR) == "avc1.64001f"
    assert h264.codec_name(h264.START + IDR) == "avc1.42e01f"


def test_pictures_to_which_no_other_refers_are_counted_once() -> None:
    """`nal_ref_idc` 0: a decoder may leave them out, and what remains is whole."""
    count = h264.Disposable()
    told = [count.look(h264.START + bytes([0x01 if number % 3 else 0x41]) + b"\x9a") for number in range(70)]
    assert [share for share in told if share is not None] == [40 / 60]
    assert h264.Disposable().look(SETS) is None
