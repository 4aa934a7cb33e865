"""The Raspberry Pi's own camera, through picamera2. The one module that imports it; `pi_parts.py` says what of it.

Two streams of one sensor: `main` goes into picamera2's `H264Encoder` and comes out as access units; `lores` is searched
for motion. For each capture, before the encoder has it, picamera2 calls us back: there the privacy screen is drawn into
main's own buffer, and a few times a second lores (a quarter of the pixels or fewer) is copied. No full frame passes
through Python. Buffers have padded rows (picamera2 #645), so planes are sliced to their real size.

- A sensor that delivers nothing for 2 s (#1090), or an encoder that makes nothing of it, is closed and opened anew.
- `stop` and `close` may hang with the sensor (#1264): they run in a thread of their own, for 3 s at most.
- When that does not help, or the stalls come back, `health` is `hopeless`: only a new process frees libcamera.
- A screen that can't be drawn ends the session, and nothing encoded after it is let out.

Not yet run on hardware: see docs/hardware-status.md.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from camera import h264
from camera.encode import Demand
from camera.exposure import Controls, Dusk, Exposing, controls
from camera.inbox import Inbox
from camera.pi_parts import (
    Arrivals,
    Library,
    PiEncoder,
    Request,
    exposure_of,
    figure,
    finished,
    force_key,
    letters_taken,
    pixels,
    sensed,
    stream_size,
    tap,
)
from camera.screen import Screen, planes
from camera.source import (
    HEALTHY,
    STARTING,
    AccessUnit,
    Frame,
    Health,
    Item,
    Picture,
    Stream,
    plane_size,
    shrink,
)
from camera.timeline import Cadence

LORES_WIDTH = 640
LONGEST_PAUSE_S = 15.0
WAIT_S = 0.1
FAILURES_UNTIL_HOPELESS = 4
SOUND_S = 60.0
BITS_PER_PIXEL = 0.14
BUFFERS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long the sensor may be silent, take to open, to see and to close, and rest before the next try."""

    silent_s: float = 2.0
    opening_s: float = 20.0
    first_s: float = 5.0
    close_s: float = 3.0
    pause_s: float = 1.0


def installed() -> Library:
    """Import picamera2. Raises `ImportError` where it is missing."""
    import libcamera  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - only on a Pi, and slow
    import picamera2  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - as above
    from picamera2 import encoders, outputs  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - as above

    return Library(
        camera=picamera2.Picamera2, encoder=encoders.H264Encoder, output=outputs.Output,
        mapped=picamera2.MappedArray, transform=libcamera.Transform,
        forces_keys=encoders.H264Encoder is not encoders.LibavH264Encoder or letters_taken(),
    )  # fmt: skip


class PicameraSource:
    """A `Source` on the Pi's camera. `find` gets the library; tests give their own."""

    def __init__(  # noqa: PLR0913 - what the configuration says of a picture
        self, *, size: tuple[int, int], fps: float, detect_fps: float, exposing: Exposing | None = None,
        turn: int = 0, screen: Screen | None = None, find: Callable[[], Library] = installed,
        patience: Patience | None = None,
    ) -> None:  # fmt: skip
        self._size, self._fps, self._detect_fps = size, fps, detect_fps
        self._exposing = exposing or Exposing()
        self._turn = turn
        self._screen = screen or Screen()
        self._find = find
        self._patience = patience or Patience()
        self._demand = Demand()
        self._opening_s: float | None = None
        self._stopping = threading.Event()
        self._health = STARTING

    @property
    def health(self) -> Health:
        """How the sensor is now; to be asked now and then, because an opening that hangs shows only here."""
        opening_s = self._opening_s
        if opening_s is not None and time.monotonic() - opening_s > self._patience.opening_s:
            self._health = trouble(TimeoutError("libcamera does not open it"), hopeless=True)
        return self._health

    def stop(self) -> None:
        """Make `items` end within a second."""
        self._stopping.set()

    def ask_key(self) -> None:
        """Make the next picture a key picture; where picamera2 can't, its own next one comes within a second."""
        self._demand.ask_key()

    def need(self, *, units: bool) -> None:
        """Stop the encoder while nobody needs it; start it again when somebody does."""
        self._demand.need(units=units)

    def items(self) -> Iterator[Item]:
        """Yield the sensor's pictures; open it anew, with growing pauses, whenever it fails or falls silent."""
        pause_s, failures, worked = self._patience.pause_s, 0, False
        while not self._stopping.is_set() and not self._health.hopeless:
            began_s = self._opening_s = time.monotonic()
            try:
                yield from self._session(self._find())
            except ImportError:
                detail = "picamera2 is not installed; apt install python3-picamera2, or set camera.source"
                self._health = Health(ok=False, reason="camera_software_missing", detail=detail)
            except Exception as error:  # noqa: BLE001 - foreign code raises whatever it likes; a source never raises
                worked = worked or self._health.ok
                if time.monotonic() - began_s > SOUND_S:
                    pause_s, failures = self._patience.pause_s, 0
                failures += worked  # a camera that never worked is no better in a new process
                stuck = self._health.hopeless or failures >= FAILURES_UNTIL_HOPELESS
                self._health = trouble(error, hopeless=stuck)
            self._opening_s = None
            self._stopping.wait(0 if self._health.hopeless else pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _session(self, found: Library) -> Iterator[Item]:
        session = Session(found, self._demand, self._screen, self._exposing, self._patience)
        try:
            session.open(self._size, self._fps, self._detect_fps, self._turn)
            for item in session.items(self._stopping):
                self._opening_s, self._health = None, HEALTHY
                yield item
        finally:
            if not session.close():
                self._health = trouble(TimeoutError("libcamera does not let go of it"), hopeless=True)


def trouble(error: Exception, *, hopeless: bool) -> Health:
    """Say what is wrong with the sensor and what to do."""
    detail = f"the sensor does not deliver ({error or type(error).__name__}); check the ribbon cable and `rpicam-hello`"
    return Health(ok=False, reason="camera_stuck" if hopeless else "camera_lost", detail=detail, hopeless=hopeless)


class Session:
    """One opening of the sensor: built, opened, read and closed by one thread; picamera2's own thread calls back."""

    def __init__(self, found: Library, demand: Demand, screen: Screen, exposing: Exposing, patience: Patience) -> None:
        self._found, self._demand, self._screen, self._exposing = found, demand, screen, exposing
        self._patience = patience
        self._dusk = Dusk(exposing.mode)
        self._device = found.camera()
        atexit.unregister(self._device.close)  # picamera2 registers it; a camera that hangs must not hold the exit
        self._inbox = Inbox()
        self._encoder: PiEncoder | None = None
        self._failed: Exception | None = None
        self._announced = False

    def open(self, size: tuple[int, int], fps: float, detect_fps: float, turn: int) -> None:
        """Configure and start everything."""
        self._fps, self._cadence = fps, Cadence(detect_fps)
        device, width = self._device, min(LORES_WIDTH, size[0])
        turned = turn == 180  # noqa: PLR2004 - degrees; a sensor can't turn its picture by a quarter
        device.configure(device.create_video_configuration(
            {"size": size, "format": "YUV420"},
            {"size": (width, width * size[1] // size[0] // 2 * 2), "format": "YUV420"},
            transform=self._found.transform(hflip=turned, vflip=turned),
            buffer_count=BUFFERS,
            controls=self._controls(),
        ))  # fmt: skip
        made = device.camera_configuration()
        self._main, self._lores = stream_size(made["main"]), stream_size(made["lores"])
        device.pre_callback = self._captured
        self._seen_s = time.monotonic() + self._patience.first_s - self._patience.silent_s
        self._start_encoder()
        self._unit_s = self._seen_s
        device.start()

    def items(self, stopping: threading.Event) -> Iterator[Item]:
        """Yield what comes, a `Stream` first. Raises what went wrong, `TimeoutError` for silence."""
        while not stopping.is_set():
            item = self._inbox.get(WAIT_S)
            if isinstance(item, AccessUnit) and not self._announced and item.key:
                self._announced = True
                width, height = self._main
                yield Stream(codec=h264.codec_name(item.data), width=width, height=height, fps=self._fps)
            if item is not None and self._announced:
                yield item
            self._tend(time.monotonic())

    def close(self) -> bool:
        """Let go of the sensor; tell whether it let go of us in time."""
        device, encoder = self._device, self._encoder

        def work() -> None:
            device.pre_callback = None
            for step in (device.stop, lambda: device.stop_encoder(encoder) if encoder else None, device.close):
                with contextlib.suppress(Exception):  # whatever it was, the next step is still worth trying
                    step()

        return finished(work, self._patience.close_s)

    def _tend(self, now_s: float) -> None:
        """Let the encoder run or rest as asked. Raises for a silence or a failure."""
        if self._failed:
            raise RuntimeError(f"a picture could not be taken over: {self._failed}")
        silent_s = self._patience.silent_s
        if now_s - self._seen_s > silent_s:
            raise TimeoutError(f"no picture for {silent_s:g} s")
        encoder = self._encoder
        if encoder is None:
            if self._demand.units:
                self._start_encoder()
        elif self._announced and not self._demand.units:
            self._encoder = None
            self._device.stop_encoder(encoder)
        elif now_s - self._unit_s > silent_s:
            raise TimeoutError(f"the encoder has made nothing for {silent_s:g} s")
        elif self._demand.take_key() and self._found.forces_keys:
            force_key(encoder)

    def _start_encoder(self) -> None:
        width, height = self._main
        encoder = self._found.encoder(
            bitrate=round(width * height * self._fps * BITS_PER_PIXEL), repeat=True,
            iperiod=max(1, round(self._fps)), framerate=max(1, round(self._fps)),
        )  # fmt: skip
        encoder.threads = 1  # libx264's would hold back as many pictures as it has threads; the hardware's ignores it
        arrivals = Arrivals(self._keep, lambda: encoder.firsttimestamp)
        self._device.start_encoder(encoder, tap(self._found.output, arrivals), name="main")
        self._unit_s = time.monotonic()
        self._encoder = encoder

    def _keep(self, unit: AccessUnit) -> None:
        """Take an access unit, in the encoder's thread."""
        self._unit_s = time.monotonic()
        if self._failed is None:
            self._inbox.put(unit)

    def _captured(self, request: Request) -> None:
        """Take a capture, in picamera2's thread; an exception there would end that thread without a word."""
        now_s = self._seen_s = time.monotonic()
        try:
            if not self._screen.empty:
                with self._found.mapped(request, "main") as main:
                    whole = planes(pixels(main), *self._main)
                    self._screen.hide(whole)
                    self._screen.stamp(whole)
            if self._cadence.wants(now_s):
                self._inbox.put(self._frame(request, now_s))
        except Exception as error:  # noqa: BLE001 - carried to `items`, which ends the session by it
            self._failed = error

    def _frame(self, request: Request, now_s: float) -> Frame:
        width, height = self._lores
        with self._found.mapped(request, "lores", write=False) as lores:
            planar = pixels(lores).copy()
        figures = request.get_metadata()
        parts = planes(planar, width, height)
        self._screen.hide(parts)
        luma = shrink(parts[0], plane_size(width, height)).copy()
        self._screen.stamp(parts)
        if self._dusk.look(figure(figures, "Lux"), now_s):
            self._device.set_controls(self._controls())

        def draw() -> Picture:
            colour = cv2.cvtColor(planar, cv2.COLOR_YUV2BGR_I420)
            return np.asarray(colour[:height, :width], np.uint8)

        at_s = sensed(figures.get("SensorTimestamp"), 1e-9, now_s) or now_s
        return Frame(luma, at_s, draw, exposure_of(figures))

    def _controls(self) -> Controls:
        offered = self._device.camera_controls
        return controls(self._exposing, self._fps, night=self._dusk.night, offered=offered)
