"""A recorder over a folder, with everything that it said: for the stories of recording."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av

from camera.disk import Sync
from camera.h264 import annex_b, packaging
from camera.mailbox import Mailbox
from camera.messages import Begin, End, Limits
from camera.recorder import Recorder, Saved
from camera.source import AccessUnit, Stream
from camera.store import Deleted, Store

WALL_S = 1_790_000_000.0
LIMITS = Limits(pre_roll_s=3.0, post_roll_s=1.0, max_clip_s=30.0)
STREAM = Stream(codec="avc1.64000a", width=160, height=96, fps=10.0)
ROOMY = (10**12, 10**12)


class Bench:
    """A recorder over a folder, with everything that it said."""

    def __init__(
        self, folder: Path, limits: Limits = LIMITS, space: tuple[int, int] = ROOMY, *,
        sync: Sync = os.fdatasync, mailbox: Mailbox | None = None,
    ) -> None:  # fmt: skip
        self.saved: list[Saved] = []
        self.deleted: list[Deleted] = []
        self.low: list[int] = []
        self.store = Store(folder, "Asia/Ho_Chi_Minh", keep_days=10_000, max_gb=1.0, space=lambda _: space, sync=sync)
        self.recorder = Recorder(self.store, limits, self.saved.append, self.deleted.append, self.low.append, mailbox)
        self.recorder.start()

    def plays(
        self, units: Iterable[AccessUnit], begin_s: float | None = None, end_s: float | None = None, name: str = "event"
    ) -> Bench:
        """Send a stream with one event in it."""
        begun = ended = False
        for unit in units:
            self.recorder.post(unit)
            if begin_s is not None and not begun and unit.at_s >= begin_s + 0.8:
                begun = True
                self.recorder.post(Begin(event_id=name, at_s=begin_s, wall_s=WALL_S))
            if end_s is not None and not ended and unit.at_s >= end_s:
                ended = True
                self.recorder.post(End(event_id=name, at_s=end_s))
        return self

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for the recording thread, ten seconds at most."""
        deadline = time.monotonic() + 10
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def over(self) -> list[Saved]:
        """Close the recorder and return what was saved."""
        self.recorder.close(20)
        return self.saved


def nal_bytes(path: Path, but: frozenset[int] = frozenset()) -> bytes:
    """Return all NAL units of a clip but those of some types, without their lengths or start codes."""
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    slices = b""
    for packet in packets:
        at = 0
        while at < len(packet):
            length = int.from_bytes(packet[at : at + 4], "big")
            if packet[at + 4] & 0x1F not in but:
                slices += packet[at + 4 : at + 4 + length]
            at += 4 + length
    return slices


def units_of(path: Path, start_s: float = 100.0) -> Iterator[AccessUnit]:
    """Yield the access units of an MP4 as they are, the first decoded at `start_s`."""
    with av.open(str(path)) as container:
        wrapped = packaging(container.streams.video[0].codec_context.extradata)
        first_s = None
        for packet in container.demux(video=0):
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            data = annex_b(bytes(packet), wrapped, key=packet.is_keyframe)
            decode_s = float(packet.dts * packet.time_base)
            first_s = decode_s if first_s is None else first_s
            assert data
            yield AccessUnit(
                data=data, at_s=start_s + float(packet.pts * packet.time_base) - first_s,
                decode_s=start_s + decode_s - first_s, key=packet.is_keyframe,
            )  # fmt: skip
