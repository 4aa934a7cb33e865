"""Streams as they really are: foreign codecs, wrong stamps, damage, cameras that go away."""

from __future__ import annotations

import itertools
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from camera import h264
from camera.source import AccessUnit, Frame, Item, Stream
from camera.video import VideoSource, Wishes, with_credentials
from tests.camera.conftest import make_video

AT_ONCE = Wishes(pace="fast")


def played(path: Path | str, wishes: Wishes = AT_ONCE) -> tuple[VideoSource, list[Item]]:
    """Play a file to its end."""
    source = VideoSource(str(path), wishes, retry=False)
    return source, list(source.items())


def units(items: list[Item]) -> list[AccessUnit]:
    """Return the access units among items."""
    return [item for item in items if isinstance(item, AccessUnit)]


def test_h264_is_copied_bit_by_bit(plain_video: Path) -> None:
    """No re-encoding: every slice leaves as it came, only in Annex B."""
    _, items = played(plain_video)
    with av.open(str(plain_video)) as container:
        wrapped = h264.packaging(container.streams.video[0].codec_context.extradata)
        came = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    left = [unit.data for unit in units(items)]
    assert [h264.annex_b(data, wrapped, key=unit.key) for data, unit in zip(came, units(items), strict=True)] == left


def test_the_end_of_a_file_is_a_reason_and_no_failure(plain_video: Path) -> None:
    """`video_ended`, said once; no crash loop."""
    source, items = played(plain_video)
    assert source.health.reason == "video_ended"
    assert len(units(items)) == 90
    assert sum(isinstance(item, Frame) for item in items) == 15


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("hevc.mp4", {"codec": "libx265", "options": {"x265-params": "log-level=none"}}),
        ("mjpeg.avi", {"codec": "mjpeg", "pixels": "yuvj420p"}),
        ("mpeg4.avi", {"codec": "mpeg4"}),
        ("raw.avi", {"codec": "rawvideo"}),
        ("grey.mkv", {"codec": "ffv1", "pixels": "gray"}),
        ("ten-bit.mkv", {"codec": "ffv1", "pixels": "yuv420p10le"}),
        ("tall.avi", {"codec": "mpeg4", "size": (160, 320)}),
        ("fast.mp4", {"codec": "mpeg4", "fps": 120, "seconds": 1.0}),
        ("slow.mp4", {"codec": "mpeg4", "fps": 1, "seconds": 5.0}),
    ],
)
def test_every_other_codec_becomes_h264(tmp_path: Path, name: str, settings: dict[str, object]) -> None:
    """HEVC, MJPEG, MPEG-4, raw, grey, 10 bit, 1 and 120 frames a second: all are watched and recorded."""
    path = make_video(tmp_path / name, **settings)  # type: ignore[arg-type] # a table of keyword arguments
    _, items = played(path)
    assert isinstance(items[0], Stream)
    assert items[0].codec.startswith("avc1.")
    assert units(items)[0].key
    assert h264.SPS in h264.nal_types(units(items)[0].data)
    assert any(isinstance(item, Frame) for item in items)
    assert len(units(items)) <= 46


def test_a_picture_larger_than_wished_is_made_smaller(tmp_path: Path) -> None:
    """An 8K stream must not take the machine down; its shape stays."""
    path = make_video(tmp_path / "large.avi", codec="mjpeg", pixels="yuvj420p", size=(1920, 1080), seconds=0.3)
    _, items = played(path, Wishes(pace="fast", size=(640, 360)))
    assert isinstance(items[0], Stream)
    assert (items[0].width, items[0].height) == (640, 360)


def test_a_stream_without_stamps_runs_at_its_rate(tmp_path: Path) -> None:
    """Raw H.264 has no times at all."""
    path = make_video(tmp_path / "bare.h264", container="h264", options={"bf": "0"})
    _, items = played(path)
    found = units(items)
    assert len(found) == 30
    assert all(later.decode_s > earlier.decode_s for earlier, later in itertools.pairwise(found))


def test_a_size_that_changes_midway_begins_a_new_stream(tmp_path: Path) -> None:
    """The recorder closes its clip there; nothing breaks."""
    small = make_video(tmp_path / "a.h264", container="h264", size=(160, 96), seconds=1.0, options={"bf": "0"})
    large = make_video(tmp_path / "b.h264", container="h264", size=(320, 192), seconds=1.0, options={"bf": "0"})
    both = tmp_path / "both.h264"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    _, items = played(both)
    sizes = [(item.width, item.height) for item in items if isinstance(item, Stream)]
    assert sizes == [(160, 96), (320, 192)]
    at = next(n for n, item in enumerate(items) if isinstance(item, Stream) and item.width == 320)
    assert next(item for item in items[at:] if isinstance(item, AccessUnit)).key


def test_corrupt_packets_are_left_out(tmp_path: Path, plain_video: Path) -> None:
    """Damage in the middle of a file costs pictures, not the stream."""
    data = bytearray(plain_video.read_bytes())
    for at in range(len(data) // 3, len(data) // 3 + 3000, 7):
        data[at] ^= 0x5A
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    source, items = played(path)
    assert source.health.reason == "video_ended"
    assert len(units(items)) > 20


def test_a_file_that_begins_again_is_a_new_stream(plain_video: Path) -> None:
    """The detector learns anew: the jump from the last picture to the first is no visitor."""
    source = VideoSource(str(plain_video), Wishes(pace="fast", loop=True))
    items = list(itertools.islice(source.items(), 240))
    source.stop()
    assert sum(isinstance(item, Stream) for item in items) >= 2
    times = [unit.decode_s for unit in units(items)]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))


def bad_files(folder: Path, plain: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield what people really point a camera at by mistake."""
    yield "missing", folder / "nowhere.mp4", "video_missing"
    empty = folder / "empty.mp4"
    empty.touch()
    yield "empty", empty, "video_corrupt"
    text = folder / "text.mp4"
    text.write_text("This is no film.\n" * 200)
    yield "text", text, "video_corrupt"
    cut = folder / "cut.mp4"
    cut.write_bytes(plain.read_bytes()[:2000])
    yield "cut off", cut, "video_corrupt"
    yield "a folder", folder, "video_unreadable"


def test_what_is_no_video_is_a_clear_reason_with_a_remedy(tmp_path: Path, plain_video: Path) -> None:
    """Bad input: name the file, say what is wrong, say what to do; never an exception."""
    for what, path, reason in bad_files(tmp_path, plain_video):
        source, items = played(path)
        assert items == [], what
        assert source.health.reason == reason, what
        assert str(path) in source.health.detail, what
        assert "camera.url" in source.health.detail, what


def test_a_file_that_can_not_be_read_is_tried_again_slowly(tmp_path: Path, plain_video: Path) -> None:
    """It may be copied there later; until then the process is quiet and stops at once."""
    source = VideoSource(str(tmp_path / "later.mp4"), AT_ONCE)
    thread = threading.Thread(target=lambda: list(source.items()), daemon=True)
    thread.start()
    for _ in range(200):
        if source.health.reason == "video_missing":
            break
        thread.join(0.02)
    assert source.health.reason == "video_missing"
    shutil.copy(plain_video, tmp_path / "later.mp4")
    source.stop()
    thread.join(2)
    assert not thread.is_alive()


def test_an_rtsp_camera_that_answers_garbage_is_unreachable(tmp_path: Path) -> None:
    """No crash, a reason, and the password stays out of it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            link, _ = server.accept()
            link.sendall(b"\x00\xff garbage \r\n\r\n" * 20)
            link.close()

        threading.Thread(target=answer, daemon=True).start()
        source = VideoSource(f"rtsp://127.0.0.1:{port}/live", AT_ONCE, "officer:s3cret", retry=False)
        assert list(source.items()) == []
    assert source.health.reason == "video_unreachable"
    assert "s3cret" not in source.health.detail


def test_credentials_go_into_the_address_escaped() -> None:
    """A password may hold anything; an address that has its own keeps it."""
    assert with_credentials("rtsp://cam/1", "a:p@ss/w") == "rtsp://a:p%40ss%2Fw@cam/1"
    assert with_credentials("rtsp://x:y@cam/1", "a:b") == "rtsp://x:y@cam/1"
    assert with_credentials("rtsp://cam/1", None) == "rtsp://cam/1"
