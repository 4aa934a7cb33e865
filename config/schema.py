"""The configuration of one gate, as types.

Every key that a site may set stands here, or in `site.py`, `drive.py`, `wiring.py` and `timetable.py`, with its unit,
its range and its default; docs/configuration.md repeats it and a test compares. Unknown keys are refused (`explain.py`
names the nearest known one). Rules between keys (no two signals on one line) stand in `rules.py`; `Settings` holds
them, so that a configuration that could be unsafe never becomes a `Settings`. All values are immutable once loaded.

A field's description is also what a person reads when its value is wrong. Secrets are never in the configuration: a key
that ends in `_file` names a file that holds one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from config import rules
from config.command_keys import CommandKey, KeyId, RoleName
from config.drive import Alarms, GateSection
from config.section import Identifier, Section
from config.site import Site
from config.wiring import InputPin, OutputPin

__all__ = ["BETWEEN_KEYS", "Camera", "InputPin", "OutputPin", "Point", "Rectangle", "Settings", "Tls"]

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Point = tuple[Fraction, Fraction]
Rectangle = tuple[Fraction, Fraction, Fraction, Fraction]
Width = Annotated[int, Field(ge=160, le=3840, multiple_of=2)]
Height = Annotated[int, Field(ge=120, le=2160, multiple_of=2)]
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST_NAME = rf"^{LABEL}(\.{LABEL})*$|^[0-9a-f:]*:[0-9a-f:.]*$"
HostName = Annotated[
    str, Field(pattern=HOST_NAME, max_length=253, title="a host name such as 'cong3.local', or an address")
]
DOMAIN = rf"^({LABEL}\.)*[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?$"
SMALLEST_AREA = 0.0001  # fraction of the picture: 92 pixels of 1280 by 720
BETWEEN_KEYS = "between_keys"


def encloses_something(corners: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return the corners. Raises `ValueError` where they enclose nothing."""
    pairs = zip(corners, (*corners[1:], corners[0]), strict=True)
    if abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) < SMALLEST_AREA * 2:
        raise ValueError("encloses nothing; give corners in order around the part of the picture")
    return corners


class Zone(Section):
    """A part of the picture in which motion counts. No zone at all means the whole picture."""

    name: Identifier = Field(description="Name of the zone in events.")
    polygon: tuple[Point, ...] = Field(
        min_length=3, max_length=32, description="Corners as [x, y], fractions of width and height from the top left."
    )
    kind: Literal["alert", "record", "ignore"] = Field(
        default="alert", description="What moves there raises an alert, is only recorded, or does not count at all."
    )
    min_area: float | None = Field(
        default=None, ge=SMALLEST_AREA, le=0.5, description="Smallest thing that counts there; not set: as everywhere."
    )

    @field_validator("polygon")
    @classmethod
    def _has_area(cls, corners: tuple[Point, ...]) -> tuple[Point, ...]:
        return encloses_something(corners)


Outline = Annotated[
    tuple[Point, ...],
    Field(min_length=3, max_length=32, title="a list of 3 to 32 corners [x, y], fractions from the top left"),
]


class Line(Section):
    """An arrow in the picture: who crosses it from its left to its right goes "in", the other way "out"."""

    name: Identifier = Field(description="Name of the line in events.")
    start: Point = Field(alias="from", description="Where the arrow begins, [x, y] as fractions from the top left.")
    end: Point = Field(alias="to", description="Where its point is. Seen along the arrow, right of it is inside.")

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.start == self.end:
            raise ValueError("the line ends where it begins; give two different points")
        return self


class Camera(Section):
    """Where pictures come from."""

    enabled: bool = Field(default=True, description="false: no camera process at all.")
    source: Literal["scene", "picamera2", "video"] = Field(
        default="picamera2", description="'scene' draws the simulated yard; 'video' reads `url`."
    )
    url: str | None = Field(
        default=None, max_length=1000, description="For 'video': an absolute path, rtsp://… or /dev/video…"
    )
    password_file: Path | None = Field(default=None, description="File with 'user:password' for an RTSP camera.")
    size: tuple[Width, Height] = Field(
        default=(1280, 720),
        description="Width and height of the recorded picture in pixels, where the source lets us choose.",
    )
    fps: float = Field(default=15.0, ge=1.0, le=60.0, description="Recorded frames per second.")
    detect_fps: float = Field(
        default=5.0, ge=1.0, le=15.0, description="Frames per second that are searched for motion."
    )
    exposure: Literal["auto", "day", "night"] = Field(
        default="auto", description="For 'picamera2': day or night by the light itself, or always one of them."
    )
    longest_exposure_ms: float = Field(
        default=100.0, ge=5.0, le=1000.0, description="For 'picamera2': how long a frame may last by night."
    )
    ev: float = Field(default=0.0, ge=-4.0, le=4.0, description="For 'picamera2': brighter or darker, in stops.")
    turn: Literal[0, 180] = Field(default=0, description="For 'picamera2': 180 where the camera hangs upside down.")
    privacy: tuple[Outline, ...] = Field(
        default=(),
        max_length=16,
        description="Polygons of [x, y] fractions that are blacked out in everything stored and shown.",
    )
    stamp: bool = Field(
        default=True, description="Name and clock burnt in; not in a stream that is copied: that has its camera's own."
    )
    detect_url: str | None = Field(
        default=None, max_length=1000, description="For 'video': the camera's small second stream, searched for motion."
    )
    reencode: bool = Field(
        default=False, description="For 'video': decode and encode anew, so that privacy, name and clock can be drawn."
    )
    timecode: bool = Field(
        default=False, description="For 'scene' and benches: each picture tells in black and white blocks when it was."
    )
    pace: Literal["realtime", "fast"] = Field(
        default="realtime", description="For a file: as it was recorded, or as fast as it decodes."
    )
    loop: bool = Field(default=False, description="For a file: begin again at its end.")
    zones: tuple[Zone, ...] = Field(default=(), max_length=16, description="Where motion counts.")
    lines: tuple[Line, ...] = Field(
        default=(), max_length=8, description="Arrows whose crossing is counted, in or out."
    )
    masks: tuple[Rectangle, ...] = Field(
        default=(), max_length=16, description="[x0, y0, x1, y1] fractions that are never looked at (a burnt-in clock)."
    )
    gate_parts: tuple[Rectangle, ...] = Field(
        default=(),
        max_length=4,
        description="[x0, y0, x1, y1] fractions where leaf and lamp are seen: not searched while the gate moves.",
    )
    gateway: Outline | None = Field(
        default=None,
        description="Corners of where the closed leaf is seen: compared with its closed picture after each closing.",
    )
    leaf: Outline | None = Field(
        default=None, description="The polygon in which the leaf is seen on its whole way; as `gate_parts`."
    )
    min_area: float = Field(
        default=0.002, ge=SMALLEST_AREA, le=0.5, description="Smallest thing that counts, as a fraction of the picture."
    )
    night_min_area: float | None = Field(
        default=None, ge=SMALLEST_AREA, le=0.5, description="The same by night; not set: as by day."
    )
    profile: Literal["auto", "day", "night"] = Field(
        default="auto", description="How motion is judged: as the picture itself asks for, or always one of them."
    )

    @field_validator("leaf")
    @classmethod
    def _leaf_has_area(cls, corners: Outline | None) -> Outline | None:
        return corners and encloses_something(corners)

    @field_validator("privacy")
    @classmethod
    def _hide_something(cls, outlines: tuple[Outline, ...]) -> tuple[Outline, ...]:
        for corners in outlines:
            encloses_something(corners)
        return outlines

    @field_validator("gateway")
    @classmethod
    def _spans_something(cls, corners: Outline | None) -> Outline | None:
        return encloses_something(corners) if corners else corners

    @field_validator("masks", "gate_parts")
    @classmethod
    def _have_area(cls, masks: tuple[Rectangle, ...]) -> tuple[Rectangle, ...]:
        if any(x0 >= x1 or y0 >= y1 for x0, y0, x1, y1 in masks):
            raise ValueError("a mask encloses nothing; give left, top, right, bottom")
        return masks


class Recording(Section):
    """What is kept of an event, and for how long."""

    enabled: bool = Field(default=True, description="false: events and thumbnails, but no clips.")
    pre_roll_s: float = Field(default=5.0, ge=0.0, le=30.0, description="Seconds of a clip before the motion began.")
    post_roll_s: float = Field(default=5.0, ge=0.0, le=30.0, description="Seconds of a clip after the motion ended.")
    max_clip_s: float = Field(default=120.0, ge=10.0, le=600.0, description="Longest clip of one event.")
    keep_days: int = Field(default=14, ge=1, le=365, description="Clips older than this are deleted.")
    max_gb: float = Field(default=8.0, ge=0.1, le=10_000.0, description="Oldest clips go first above this size.")
    continuous: bool = Field(default=False, description="true: everything is recorded too, not only events.")
    segment_s: float = Field(default=300.0, ge=30.0, le=3600.0, description="Length of a piece of that recording.")


class HomeAssistant(Section):
    """What a Home Assistant at the same broker is told, and what it may do."""

    enabled: bool = Field(default=True, description="false: not announced to Home Assistant.")
    prefix: str = Field(
        default="homeassistant",
        pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$",
        max_length=100,
        title="a topic of A-Z, a-z, 0-9, '_' and '-', its parts separated by '/'",
        description="Its discovery prefix.",
    )
    allow_commands: bool = Field(
        default=False, description="true: whoever may write `ha/cmd` at the broker moves the gate, unsigned."
    )
    role: RoleName = Field(default="operator", description="What its commands may order, where they are allowed.")


class Mqtt(Section):
    """The district's broker."""

    enabled: bool = Field(default=False, description="true: publish to the broker below.")
    host: str = Field(default="127.0.0.1", min_length=1, max_length=253, description="Name or address of the broker.")
    port: int = Field(default=1883, ge=1, le=65535, description="8883 with TLS.")
    username: str | None = Field(default=None, max_length=200, description="User name, where the broker asks for one.")
    password_file: Path | None = Field(default=None, description="File with the password.")
    ca_file: Path | None = Field(default=None, description="CA that signed the broker's certificate; turns TLS on.")
    cert_file: Path | None = Field(default=None, description="This gate's certificate.")
    key_file: Path | None = Field(default=None, description="Key of this gate's certificate.")
    keepalive_s: int = Field(default=30, ge=5, le=300, description="MQTT keepalive.")
    require_ack: bool = Field(
        default=False, description="true: a fact counts as delivered at facts/ack instead of PUBACK."
    )
    history_per_s: int = Field(
        default=4000, ge=10, le=100_000, description="Most facts a second that tell of the past (older than 30 s)."
    )
    keys: dict[KeyId, CommandKey] = Field(
        default={},
        max_length=64,
        title="tables `[mqtt.keys.<id>]`, at most 64",
        description="Who may sign commands, by the id of the key; none: no command is taken over MQTT.",
    )
    snapshot: bool = Field(
        default=False, description="true: leave the newest picture at the broker, at most 100 KB, for 60 s."
    )
    snapshot_every_s: int = Field(default=30, ge=5, le=60, description="How often, where `snapshot` is on.")
    home_assistant: HomeAssistant = HomeAssistant()


class Tls(Section):
    """Certificate of the page."""

    cert_file: Path = Field(description="PEM certificate chain.")
    key_file: Path = Field(description="PEM key, mode 0600.")
    ca_file: Path | None = Field(
        default=None,
        description="Certificate of an own authority, for phones at /trust. Made by antt-gate tls init.",
    )
    names: tuple[HostName, ...] = Field(
        default=(),
        max_length=16,
        description="Names and addresses that antt-gate tls puts into the certificate, beside those it finds itself.",
    )


class Api(Section):
    """Where the page and the API are served."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=253, description="Address to listen on.")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+$",
        max_length=200,
        description="Address under which phones reach the page, for links and QR codes, where it is not host and port.",
    )
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port; 0 takes a free one.")
    max_viewers: int = Field(
        default=16, ge=1, le=100, description="Pages that may watch the live picture at once; single pictures go on."
    )
    domain: str | None = Field(
        default=None,
        pattern=DOMAIN,
        max_length=253,
        title="a domain name such as 'cong3.example.vn'",
        description="Name under which phones open the page over HTTPS. Passkeys work at that name, and without it not.",
    )
    metrics_token_file: Path | None = Field(
        default=None, description="File with the token that lets a program elsewhere read /metrics; 0600."
    )
    tls: Tls | None = None


class Push(Section):
    """Notifications on phones, through the push services of their browsers' makers."""

    enabled: bool = Field(default=True, description="false: no phone can ask for notifications.")
    contact: str | None = Field(
        default=None,
        pattern=r"^mailto:[^@\s]+@[^@\s]+\.[^@\s]+$|^https://[A-Za-z0-9.\-]+\.[A-Za-z]+$",
        max_length=200,
        title="mailto: with an address, or https:// with a name",
        description="Where a push service can write to if something is wrong with what this gate sends.",
    )
    allow_private: bool = Field(
        default=False, description="true: push services in private networks and at any port are let through; for tests."
    )


class Storage(Section):
    """Where things are kept."""

    state_dir: Path = Field(default=Path("/var/lib/antt-gate"), description="Journal, accounts and state.")
    media_dir: Path | None = Field(default=None, description="Clips and thumbnails; default: media/ in state_dir.")


class Settings(Section):
    """One whole configuration file."""

    site: Site
    gate: GateSection
    alarms: Alarms = Alarms()
    camera: Camera = Camera()
    recording: Recording = Recording()
    mqtt: Mqtt = Mqtt()
    api: Api = Api()
    push: Push = Push()
    storage: Storage = Storage()

    @property
    def simulated(self) -> bool:
        """Tell whether the yard is simulated; then no GPIO line is ever touched."""
        return self.gate.pin_factory == "mock"

    @property
    def media_dir(self) -> Path:
        """Return where clips and thumbnails are kept."""
        return self.storage.media_dir or self.storage.state_dir / "media"

    @model_validator(mode="after")
    def _rules_between_keys(self) -> Self:
        problems = rules.broken(self.model_dump())
        if problems:
            raise PydanticCustomError(BETWEEN_KEYS, "{text}", {"text": "; ".join(map(str, problems))})
        return self
