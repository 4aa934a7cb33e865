"""Rules between keys: what no single key can see.

Each rule reads the whole configuration as plain tables with the defaults filled in, and yields a `Problem` for each way
it is broken. `load.py` asks them about every file, so that they are reported together with wrong values, and `Settings`
asks them once more, so that an unsafe configuration never becomes a `Settings` by another way.

The tables may hold anything: a rule that does not understand a value keeps silent, because the schema complains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from config import gate_rules, timetable_rules
from config.problem import Problem, Tables, at, number


def broken(tables: Tables) -> list[Problem]:
    """Return every rule between keys that these tables break, in the order of the file's sections."""
    return [problem for rule in RULES for problem in rule(tables)]


def _video_has_an_address(tables: Tables) -> Iterator[Problem]:
    source, url = at(tables, "camera", "source"), at(tables, "camera", "url")
    if source == "video" and not url and at(tables, "camera", "enabled") is not False:
        yield Problem(key="camera.url", text="is missing; camera.source 'video' reads a file, rtsp://… or /dev/video…")


def _address_holds_no_password(tables: Tables) -> Iterator[Problem]:
    for key in ("url", "detect_url"):
        url = at(tables, "camera", key)
        try:
            secret = isinstance(url, str) and "@" in urlsplit(url).netloc
        except ValueError:
            continue  # not an address at all: the camera says so when it opens it
        if secret:
            yield Problem(
                key=f"camera.{key}",
                text="holds a user name or password; "
                "put user:password into a file and name that in camera.password_file",
            )


def _the_second_stream_belongs_to_a_live_camera(tables: Tables) -> Iterator[Problem]:
    url, second = at(tables, "camera", "url"), at(tables, "camera", "detect_url")
    if not isinstance(second, str):
        return
    if at(tables, "camera", "source") != "video":
        yield Problem(key="camera.detect_url", text="is only for camera.source 'video'; leave it out")
    elif not isinstance(url, str) or not url.startswith(("rtsp://", "rtsps://")) or url == second:
        yield Problem(
            key="camera.detect_url",
            text="is the second stream of an RTSP camera; give it another rtsp://… in camera.url, or leave it out",
        )


def _a_privacy_screen_holds(tables: Tables) -> Iterator[Problem]:
    url = at(tables, "camera", "url")
    device = isinstance(url, str) and url.startswith("/dev/")  # always encoded here
    copied = at(tables, "camera", "source") == "video" and at(tables, "camera", "reencode") is not True
    if copied and not device and at(tables, "camera", "privacy") and at(tables, "camera", "enabled") is not False:
        yield Problem(
            key="camera.privacy",
            text="would hide nothing: the stream of camera.url is copied as it comes; set the masks in the camera "
            "itself and leave this empty, or set camera.reencode = true (more CPU)",
        )


def _scene_needs_a_simulated_yard(tables: Tables) -> Iterator[Problem]:
    drawn = at(tables, "camera", "source") == "scene" and at(tables, "camera", "enabled") is not False
    factory = at(tables, "gate", "pin_factory")
    if drawn and factory != "mock":
        yield Problem(
            key="camera.source",
            text=f"'scene' draws the simulated yard, but gate.pin_factory is {factory!r}; "
            "use 'picamera2' or 'video', or pin_factory 'mock'",
        )


def _zones_and_lines_have_names_of_their_own(tables: Tables) -> Iterator[Problem]:
    for key in ("zones", "lines"):
        entries = at(tables, "camera", key)
        seen: set[str] = set()
        for entry in entries if isinstance(entries, list | tuple) else ():
            name = entry.get("name") if isinstance(entry, Mapping) else None
            if isinstance(name, str) and name in seen:
                yield Problem(key=f"camera.{key}", text=f"two {key} are called {name!r}; give each its own name")
            if isinstance(name, str):
                seen.add(name)


def _a_clip_holds_its_rolls(tables: Tables) -> Iterator[Problem]:
    before, after, longest = (
        number(at(tables, "recording", key)) for key in ("pre_roll_s", "post_roll_s", "max_clip_s")
    )
    if before is not None and after is not None and longest is not None and before + after > longest:
        yield Problem(
            key="recording.max_clip_s",
            text=f"{longest:g} is shorter than pre_roll_s {before:g} + post_roll_s {after:g}; make it longer",
        )


def _the_broker_knows_who_we_are(tables: Tables) -> Iterator[Problem]:
    def given(key: str) -> bool:
        return at(tables, "mqtt", key) is not None

    if given("cert_file") != given("key_file"):
        absent = "key_file" if given("cert_file") else "cert_file"
        yield Problem(key=f"mqtt.{absent}", text="is missing; give cert_file and key_file, or none of them")
    if (given("cert_file") or given("key_file")) and not given("ca_file"):
        yield Problem(key="mqtt.ca_file", text="is missing; without it there is no TLS to show a certificate over")
    if given("password_file") and not given("username"):
        yield Problem(key="mqtt.username", text="is missing; name the user that password_file belongs to")


def _passkeys_have_a_secure_page(tables: Tables) -> Iterator[Problem]:
    domain, public = at(tables, "api", "domain"), at(tables, "api", "public_url")
    if not isinstance(domain, str) or domain == "localhost" or at(tables, "api", "tls"):
        return
    if not isinstance(public, str) or not public.startswith("https:"):
        yield Problem(
            key="api.domain",
            text=f"is {domain!r}, but browsers take passkeys over HTTPS only; set api.tls (antt-gate tls init), or an "
            "https:// address in api.public_url where a proxy has TLS",
        )


def _a_snapshot_comes_from_a_camera(tables: Tables) -> Iterator[Problem]:
    if at(tables, "mqtt", "snapshot") is True and at(tables, "camera", "enabled") is False:
        yield Problem(key="mqtt.snapshot", text="has no camera to come from; set camera.enabled, or leave it out")


Rule = Callable[[Tables], Iterator[Problem]]
RULES: tuple[Rule, ...] = (
    *gate_rules.RULES,
    *timetable_rules.RULES,
    _video_has_an_address,
    _address_holds_no_password,
    _the_second_stream_belongs_to_a_live_camera,
    _a_privacy_screen_holds,
    _scene_needs_a_simulated_yard,
    _zones_and_lines_have_names_of_their_own,
    _a_clip_holds_its_rolls,
    _the_broker_knows_who_we_are,
    _passkeys_have_a_secure_page,
    _a_snapshot_comes_from_a_camera,
)
