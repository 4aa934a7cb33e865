"""The fake of picamera2 against the packages that are really published, read with `ast`: they need libcamera to run."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.camera.fake_picamera import HELD, NEWER, Transform

ROOT = Path(__file__).parents[2]


class Published:
    """One published package of picamera2, read with `ast` and never imported: it needs libcamera."""

    def __init__(self, wheel: Path) -> None:
        self.name, self.wheel = wheel.name, wheel
        with zipfile.ZipFile(wheel) as package:
            self.texts = {
                name.removeprefix("picamera2/"): package.read(name).decode()
                for name in package.namelist()
                if name.startswith("picamera2/") and name.endswith(".py")
            }
        self.classes = {
            f"{name}:{node.name}": node
            for name, text in self.texts.items()
            for node in ast.parse(text).body
            if isinstance(node, ast.ClassDef)
        }

    def lineage(self, name: str) -> list[ast.ClassDef]:
        """Return a class and, by their names, those that it is derived from."""
        assert name in self.classes, f"{self.name}: there is no class {name} any more"
        own = self.classes[name]
        bases = {ast.unparse(base) for base in own.bases}
        return [own] + [above for other in self.classes if other.rpartition(":")[2] in bases
                        for above in self.lineage(other)]  # fmt: skip

    def method(self, name: str, method: str) -> ast.FunctionDef | None:
        """Return the last definition of a method (the others are overloads), the nearest first."""
        for node in self.lineage(name):
            found = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == method]
            if found:
                return found[-1]
        return None

    def assigned(self, name: str) -> set[str]:
        """Return the names that a class gives its instances."""
        return {
            node.attr
            for part in self.lineage(name)
            for node in ast.walk(part)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        }


@pytest.fixture(scope="module")
def published() -> list[Published]:
    """Return the oldest package that we support and the newest; `make test` fetches them."""
    wheels = sorted((Path(sys.prefix) / "picamera2").glob("picamera2-*.whl"))
    assert len(wheels) == 2, "the packages of picamera2 are not here; .ci/picamera2 fetches them (make test)"
    return [Published(wheel) for wheel in wheels]


def own_methods(kind: type) -> dict[str, object]:
    """Return what a fake class offers under picamera2's names."""
    return {name: member for name, member in vars(kind).items()
            if not name.startswith("_") or name in {"__init__", "__enter__", "__exit__"}}  # fmt: skip


def compare(fake: Callable[..., object], real: ast.FunctionDef, where: str) -> None:
    """Hold each parameter of a fake method against the real one: name, place and default."""
    arguments = real.args.posonlyargs + real.args.args
    defaults = [None] * (len(arguments) - len(real.args.defaults)) + [
        ast.unparse(value) for value in real.args.defaults
    ]
    offered = dict(zip((argument.arg for argument in arguments), defaults, strict=True))
    places = list(offered)
    for place, parameter in enumerate(inspect.signature(fake).parameters.values()):
        assert parameter.name in offered, f"{where} has no parameter {parameter.name!r} any more"
        assert places.index(parameter.name) == place, f"{where}: {parameter.name!r} stands at another place"
        given = parameter.default is inspect.Parameter.empty or isinstance(parameter.default, Transform)
        default = offered[parameter.name]
        assert given or default == repr(parameter.default), f"{where}: {parameter.name!r} now defaults to {default}"
    beyond = [
        name for name, default in offered.items() if default is None and name not in inspect.signature(fake).parameters
    ]
    assert not beyond, f"{where} wants {beyond} as well"


def test_the_fake_is_what_the_published_packages_are(published: list[Published]) -> None:
    """Every class, method, parameter, place and default that we rely on exists in the oldest and in the newest."""
    for package in published:
        newest = package is published[-1]
        for name, kind in HELD.items():
            for method, member in own_methods(kind).items():
                real = package.method(name, method)
                where = f"{package.name}: {name.rpartition(':')[2]}.{method}"
                if method in NEWER and not newest:
                    continue
                assert real is not None, f"{where} is gone"
                if callable(member):
                    compare(member, real, where)


def test_what_is_read_and_written_without_a_call_is_there_too(published: list[Published]) -> None:
    """Attributes, the hook before the encoder, the names of modules, metadata and controls."""
    for package in published:
        for name, attributes in {
            "picamera2.py:Picamera2": {"pre_callback"},
            "encoders/h264_encoder.py:H264Encoder": {"firsttimestamp"},
            "encoders/libav_h264_encoder.py:LibavH264Encoder": {"firsttimestamp", "threads"},
        }.items():
            assert attributes <= package.assigned(name), f"{package.name}: {name} has lost one of {attributes}"
        exported = {
            alias.asname or alias.name
            for text in ("__init__.py", "encoders/__init__.py", "outputs/__init__.py")
            for node in ast.walk(ast.parse(package.texts[text]))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert {"Picamera2", "MappedArray", "H264Encoder", "LibavH264Encoder", "Output"} <= exported, package.name
        everything = "".join(package.texts.values())
        # libcamera's own names stand in libcamera; these five picamera2 knows too. The rest is asked for at run time
        # (`camera_controls`) or may be missing (`Lux`).
        for known in ("ExposureTime", "AnalogueGain", "DigitalGain", "SensorTimestamp", "FrameDurationLimits"):
            assert known in everything, f"{package.name} knows no {known} any more"


def test_the_hook_still_comes_before_the_encoders(published: list[Published]) -> None:
    """The privacy screen stands on this order: `pre_callback`, then `encode`, in one turn of the event loop."""
    for package in published:
        turn = package.method("picamera2.py:Picamera2", "process_requests")
        assert turn, f"{package.name}: process_requests is gone"
        text = ast.unparse(turn)
        assert 0 < text.index("self.pre_callback(req)") < text.index("encoder.encode("), package.name


def test_the_encoder_of_the_pi_5_itself_works_with_our_settings(published: list[Published]) -> None:
    """The published class on this PyAV: no picture held back, a key each second, on our clock, asleep and awake again.

    A forced key raises in picamera2's own thread where PyAV wants a number for it; then it must not be asked for.
    """
    said = subprocess.run(
        [sys.executable, "-m", "tests.camera.pi5_encoder", str(published[-1].wheel)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(said.stdout)
    assert found["forced"] == found["letters"]
    del found["forced"], found["letters"]
    assert found == {"keys": [0, 15, 20, 35], "complete": True, "grows": True, "on_our_clock": True, "held_back": 0}


def test_the_oldest_package_is_the_one_that_we_say_we_support(published: list[Published]) -> None:
    version = published[0].name.split("-")[1]
    assert f'"picamera2>={version}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
