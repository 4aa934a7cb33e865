"""Streams as they really are: foreign codecs, wrong stamps, damage, cameras that go away."""

from __future__ import annotations

import io
import itertools
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

from camera import h264
from camera.screen import Screen
from camera.source import AccessUnit, Frame, Item, Stream
from camera.twin import TwinSource
from camera.video import VideoSource, Wishes, with_credentials
from tests.camera.conftest import encoded, make_video
from tests.camera.rtsp import RtspCamera, nals
from tests.fakes import wait_until

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


@pytest.mark.parametrize("look", [True, False])
def test_a_size_that_changes_midway_begins_a_new_stream(tmp_path: Path, look: bool) -> None:  # noqa: FBT001 - a case
    """The recorder closes its clip there; nothing breaks, whether it is decoded too or only copied."""
    small = make_video(tmp_path / "a.h264", container="h264", size=(160, 96), seconds=1.0, options={"bf": "0"})
    large = make_video(tmp_path / "b.h264", container="h264", size=(320, 192), seconds=1.0, options={"bf": "0"})
    both = tmp_path / "both.h264"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    _, items = played(both, Wishes(pace="fast", look=look))
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


def test_an_rtsp_camera_is_copied_and_found_again_after_a_cut() -> None:
    """What it sends is what is recorded, bit by bit; a pulled plug is a pause and a new stream."""
    sent = list(encoded(6, 15, (640, 360)))
    with RtspCamera({"/main": lambda: sent}, burst=45) as camera:
        source = VideoSource(camera.url("/main"), Wishes(), "officer:s3cret", patience_s=0.5)
        found: list[Item] = []
        for item in source.items():
            found.append(item)
            if len(found) == 30:
                camera.cut()
            if sum(isinstance(one, Stream) for one in found) == 2 and len(units(found)) > 60:
                break
        source.stop()
    came = [nals(unit.data) for unit in units(found)]
    assert came[:20] == [nals(unit.data) for unit in sent[:20]]
    times = [unit.decode_s for unit in units(found)]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    assert max(times) - time.monotonic() < 0.1


def test_a_camera_with_two_streams_is_recorded_from_the_large_and_searched_in_the_small() -> None:
    """Nothing of the large one is decoded; the small one alone makes frames."""
    large, small = list(encoded(4, 15, (640, 360))), list(encoded(4, 15, (320, 180)))
    with RtspCamera({"/main": lambda: large, "/sub": lambda: small}, burst=45) as camera:
        main = VideoSource(camera.url("/main"), Wishes(look=False))
        second = VideoSource(camera.url("/sub"), Wishes(record=False))
        source = TwinSource(main, second)
        found: list[Item] = []
        for item in source.items():
            found.append(item)
            if len(units(found)) > 20 and sum(isinstance(one, Frame) for one in found) > 2:
                break
        assert source.health.ok
        source.stop()
    assert isinstance(found[0], Stream)
    assert (found[0].width, found[0].height) == (640, 360)
    frame = next(item for item in found if isinstance(item, Frame))
    assert (frame.luma.shape, frame.picture.shape) == ((180, 320), (180, 320, 3))
    assert (main.pictures, second.pictures > 0) == (0, True)


def test_of_a_live_stream_only_what_detection_needs_is_decoded(plain_video: Path) -> None:
    """Pictures to which no other refers are recorded and not decoded, once it is clear that enough remain."""
    sent = units(played(plain_video)[1])
    with RtspCamera({"/main": lambda: sent}, burst=len(sent)) as camera:
        source = VideoSource(camera.url("/main"), Wishes(), patience_s=0.5)
        found = 0
        for item in source.items():
            found += isinstance(item, AccessUnit)
            if found == len(sent):
                break
        source.stop()
    assert 60 <= source.pictures < len(sent) - 8


@pytest.mark.parametrize("habit", ["is silent from the start", "falls silent", "hangs up", "sends noise"])
def test_an_rtsp_camera_with_bad_habits_is_a_reason_and_never_a_hang(habit: str) -> None:
    """It is told within the patience that a source has, and sought again."""
    sent = list(encoded(4, 15, (320, 180)))
    with RtspCamera({"/main": lambda: sent}, burst=30) as camera:
        camera.shut.set() if habit == "hangs up" else None
        camera.mute.set() if habit == "is silent from the start" else None
        camera.noisy.set() if habit == "sends noise" else None
        source = VideoSource(camera.url("/main"), Wishes(), patience_s=0.4)
        taking = threading.Thread(target=lambda: list(source.items()), daemon=True)
        taking.start()
        if habit == "falls silent":
            wait_until(lambda: source.health.ok, 5, "pictures")
            camera.silent.set()
        wait_until(lambda: source.health.reason == "video_unreachable", 5, "a reason")
        assert camera.url("/main") in source.health.detail
        assert not source.health.hopeless
        source.stop()
        taking.join(3)
        assert not taking.is_alive()


def test_a_second_stream_that_is_lost_says_what_it_costs() -> None:
    """Recording goes on; nothing is searched."""
    large = list(encoded(5, 15, (320, 180)))
    with RtspCamera({"/main": lambda: large}, burst=30) as camera:
        second = VideoSource("/nowhere/sub.mp4", Wishes(record=False))
        source = TwinSource(VideoSource(camera.url("/main"), Wishes(look=False)), second)
        for _ in source.items():
            if source.health.reason == "detect_stream_lost":
                source.stop()
        assert "camera.detect_url" in source.health.detail


@pytest.mark.parametrize("pixels", ["gray", "yuv420p10le", "yuv444p"])
def test_h264_that_no_browser_plays_is_encoded_anew(tmp_path: Path, pixels: str) -> None:
    """Grey, 10 bit, full colour: valid H.264, and a black picture on a phone."""
    _, items = played(make_video(tmp_path / "rare.mp4", pixels=pixels))
    with av.open(io.BytesIO(b"".join(unit.data for unit in units(items))), format="h264") as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    assert any(isinstance(item, Frame) for item in items)


@pytest.mark.parametrize(("fps", "seconds"), [(1, 6.0), (120, 1.0)])
def test_slow_and_fast_streams_are_copied_and_searched_at_our_own_pace(
    tmp_path: Path, fps: int, seconds: float
) -> None:  # fmt: skip
    """1 and 120 frames a second: every picture is recorded, about five a second are searched."""
    _, items = played(make_video(tmp_path / "odd.mp4", fps=fps, seconds=seconds, options={"bf": "0"}))
    assert len(units(items)) == round(fps * seconds)
    assert sum(isinstance(item, Frame) for item in items) == pytest.approx(min(fps, 5.0) * seconds, abs=1)


def test_a_picture_of_8k_is_refused_with_a_remedy(tmp_path: Path) -> None:
    """A decoder would take hundreds of megabytes for it; copying alone is no matter."""
    path = tmp_path / "8k.mp4"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 7680, 4320, "yuv420p"
        target.mux(stream.encode(VideoFrame(7680, 4320, "yuv420p")))
        target.mux(stream.encode())
    source, items = played(path)
    assert items == []
    assert source.health.reason == "video_too_large"
    assert "7680 x 4320" in source.health.detail
    assert "camera.detect_url" in source.health.detail
    _, items = played(path, Wishes(pace="fast", look=False))
    assert len(units(items)) == 1


def test_packets_that_never_become_a_picture_are_a_reason(tmp_path: Path) -> None:
    """It decodes nothing and says so, instead of waiting for ever."""
    path = tmp_path / "noise.avi"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("mjpeg", rate=100)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        target.mux(stream.encode(VideoFrame(64, 48, "yuvj420p")))
        for number in range(1, 700):
            packet = av.Packet(b"\xff\xd8 no picture at all")
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 100)
            target.mux(packet)
    source, _ = played(path)
    assert source.health.reason == "video_undecodable"


def test_a_screen_over_a_foreign_stream_is_in_the_clip_and_in_the_frame(plain_video: Path) -> None:
    """`camera.reencode`: decoded, drawn over, encoded; what is searched has the privacy but not the clock."""
    screen = Screen(polygons=[[(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)]], name="Cổng", clock=lambda: "12:00")
    source = VideoSource(str(plain_video), Wishes(pace="fast", reencode=True), screen=screen, retry=False)
    items = list(source.items())
    frame = next(item for item in items if isinstance(item, Frame))
    assert int(frame.luma[92:].max()) == 16
    assert int(frame.luma[:88].max()) > 60
    assert int(frame.luma[:10, :60].max()) < 200
    assert int(frame.picture[:10, :60].max()) > 200
    with av.open(io.BytesIO(b"".join(unit.data for unit in units(items))), "r", format="h264") as container:
        picture = next(container.decode(video=0)).to_ndarray(format="gray")
    assert int(picture[96:].max()) < 30
    assert int(picture[:10, :60].max()) > 200


def test_an_encoder_of_ours_rests_and_wakes_with_a_key(tmp_path: Path) -> None:
    """Nobody records, nobody watches: the stream's first picture, then frames only; then a key at once."""
    path = make_video(tmp_path / "mpeg4.avi", codec="mpeg4", seconds=4.0)
    source = VideoSource(str(path), AT_ONCE, retry=False)
    source.need(units=False)
    taking = source.items()
    resting = list(itertools.islice(taking, 10))
    assert len(units(resting)) == 1
    source.need(units=True)
    woken = units(list(taking))
    assert woken[0].key
    assert len(woken) > 15


def test_credentials_go_into_the_address_escaped() -> None:
    """A password may hold anything; an address that has its own keeps it."""
    assert with_credentials("rtsp://cam/1", "a:p@ss/w") == "rtsp://a:p%40ss%2Fw@cam/1"
    assert with_credentials("rtsp://x:y@cam/1", "a:b") == "rtsp://x:y@cam/1"
    assert with_credentials("rtsp://cam/1", None) == "rtsp://cam/1"
