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
    url = at(tables, "camera", "url")
    try:
        secret = isinstance(url, str) and "@" in urlsplit(url).netloc
    except ValueError:
        return  # not an address at all: the camera says so when it opens it
    if secret:
        yield Problem(
            key="camera.url",
            text="holds a user name or password; put user:password into a file and name that in camera.password_file",
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


def _zones_have_names_of_their_own(tables: Tables) -> Iterator[Problem]:
    zones = at(tables, "camera", "zones")
    seen: set[str] = set()
    for zone in zones if isinstance(zones, list | tuple) else ():
        name = zone.get("name") if isinstance(zone, Mapping) else None
        if isinstance(name, str) and name in seen:
            yield Problem(key="camera.zones", text=f"two zones are called {name!r}; give each its own name")
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


Rule = Callable[[Tables], Iterator[Problem]]
RULES: tuple[Rule, ...] = (
    *gate_rules.RULES,
    *timetable_rules.RULES,
    _video_has_an_address,
    _address_holds_no_password,
    _scene_needs_a_simulated_yard,
    _zones_have_names_of_their_own,
    _a_clip_holds_its_rolls,
    _the_broker_knows_who_we_are,
)
