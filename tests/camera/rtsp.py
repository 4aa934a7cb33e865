"""A small RTSP camera for the stories: H.264 over interleaved TCP (RFC 2326, 6184), two streams, and bad habits.

It answers what FFmpeg asks and sends the pictures of `streams[path]` at their own pace. `cut()` drops every link as a
pulled plug would; `silent` makes it stop in the middle of a link without dropping it; `mute` never answers,
`noisy` sends anything but video, and `shut` hangs up at once.
"""

from __future__ import annotations

import base64
import contextlib
import random
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from camera.source import AccessUnit

TYPE, SSRC, CHUNK = 96, 7, 1400
START_CODE = re.compile(rb"\x00\x00\x00?\x01")
TICKS = 90_000


def nals(unit: bytes) -> list[bytes]:
    """Split an Annex B access unit."""
    return [nal for nal in START_CODE.split(unit) if nal]


def packets(unit: AccessUnit, sequence: int) -> Iterator[bytes]:
    """Yield the RTP packets of one access unit (single NAL units and FU-A)."""
    stamp = round(unit.at_s * TICKS) & 0xFFFFFFFF
    parts: list[bytes] = []
    for nal in nals(unit.data):
        if len(nal) <= CHUNK:
            parts.append(nal)
            continue
        body = [nal[at : at + CHUNK] for at in range(1, len(nal), CHUNK)]
        for number, chunk in enumerate(body):
            ends = (0x80 if number == 0 else 0) | (0x40 if number == len(body) - 1 else 0)
            parts.append(bytes([nal[0] & 0xE0 | 28, ends | nal[0] & 0x1F]) + chunk)
    for number, part in enumerate(parts):
        marker = 0x80 if number == len(parts) - 1 else 0
        head = struct.pack("!BBHII", 0x80, marker | TYPE, (sequence + number) & 0xFFFF, stamp, SSRC)
        yield head + part


class RtspCamera:
    """The server; `streams` maps a path such as `/main` to what makes its access units anew for each viewer."""

    def __init__(self, streams: dict[str, Callable[[], Sequence[AccessUnit]]], burst: int = 0) -> None:
        self._streams = streams
        self._burst = burst
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._links: list[socket.socket] = []
        self._ended = threading.Event()
        self._noise = random.Random(4)
        self.silent = threading.Event()
        self.shut = threading.Event()
        self.mute = threading.Event()
        self.noisy = threading.Event()
        self.asked: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.cut()
        self._server.close()

    def url(self, path: str) -> str:
        """Return a stream's address."""
        return f"rtsp://127.0.0.1:{self.port}{path}"

    def cut(self) -> None:
        """Drop every link."""
        links, self._links = self._links, []
        for link in links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                link, _ = self._server.accept()
            except OSError:
                return
            if self.shut.is_set():
                link.close()
                continue
            self._links.append(link)
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        self._ended.wait(60 if self.mute.is_set() else 0)
        with contextlib.suppress(OSError, ValueError), link.makefile("rb") as asked:
            while True:
                line = asked.readline().decode()
                if not line:
                    return
                method, url, _ = line.split()
                fields = {}
                while (field := asked.readline().decode().strip()) != "":
                    name, _, value = field.partition(":")
                    fields[name.lower()] = value.strip()
                path = re.sub(r"^rtsp://[^/]*", "", url).removesuffix("/track1").rstrip("/")
                self.asked.append(f"{method} {path}")
                self._answer(link, method, path, fields["cseq"])
                if method == "PLAY":
                    self._play(link, path)
                    return

    def _answer(self, link: socket.socket, method: str, path: str, number: str) -> None:
        head, body = [f"CSeq: {number}", "Session: 1;timeout=60"], ""
        match method:
            case "OPTIONS":
                head.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
            case "DESCRIBE":
                sets = [nal for nal in nals(self._streams[path]()[0].data) if nal[0] & 0x1F in {7, 8}]
                sprop = ",".join(base64.b64encode(nal).decode() for nal in sets)
                body = "\r\n".join([
                    "v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=gate", "t=0 0", f"m=video 0 RTP/AVP {TYPE}",
                    f"a=rtpmap:{TYPE} H264/{TICKS}",
                    f"a=fmtp:{TYPE} packetization-mode=1;sprop-parameter-sets={sprop}", "a=control:track1", "",
                ])  # fmt: skip
                head += ["Content-Type: application/sdp", f"Content-Base: {self.url(path)}/"]
                head.append(f"Content-Length: {len(body)}")
            case "SETUP":
                head.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        link.sendall("\r\n".join(["RTSP/1.0 200 OK", *head, "", body]).encode())

    def _play(self, link: socket.socket, path: str) -> None:
        while self.noisy.is_set() and not self._ended.wait(0.01):
            link.sendall(self._noise.randbytes(20_000))
        sequence, last_s = 0, None
        for number, unit in enumerate(self._streams[path]()):
            if last_s is not None and number > self._burst:
                self._ended.wait(unit.at_s - last_s)
            last_s = unit.at_s
            while self.silent.is_set() and not self._ended.wait(0.05):
                pass
            for packet in packets(unit, sequence):
                link.sendall(struct.pack("!cBH", b"$", 0, len(packet)) + packet)
                sequence += 1
