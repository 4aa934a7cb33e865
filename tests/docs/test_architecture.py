"""The walls of docs/architecture.md: who imports whom, and what each process never imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.docs.source import OURS, ROOT, imports, modules, outside, reached, with_packages

ALLOWED = {
    "config": set[str](),
    "gate": {"config"},
    "camera": {"config", "gate.model", "gate.client", "gate.journal", "gate.holds", "gate.logs"},
    "mqtt_bridge": {"config", "gate.model", "gate.client", "gate.journal", "gate.logs"},
    "api": {
        "config",
        "gate.model",
        "gate.client",
        "gate.journal",
        "gate.holds",
        "gate.logs",
        "gate.schedule",
        "gate.week",
    },
}
NEVER = {  # what a process never imports, and the modules that the process starts from
    "gate": (("gate.cli", "gate.app"), {"cv2", "numpy", "av", "fastapi", "uvicorn", "paho", "picamera2"}),
    "camera": (("camera.__main__", "camera.app"), {"fastapi", "uvicorn", "paho", "gpiozero", "lgpio"}),
    "mqtt_bridge": (
        ("mqtt_bridge.__main__", "mqtt_bridge.app"),
        {"cv2", "numpy", "av", "fastapi", "uvicorn", "gpiozero", "lgpio"},
    ),
    "api": (("api.__main__", "api.serve"), {"cv2", "av", "paho", "gpiozero", "lgpio"}),
}
KEEPER_MAY = {"gpiozero", "lgpio"}
CONFINED = {  # a library, and the only modules that know it
    "gpiozero": {"gate.pins", "gate.world"},
    "lgpio": {"gate.pins"},
    "paho": {"mqtt_bridge.link"},
    "picamera2": {"camera.picamera"},
    "libcamera": {"camera.picamera"},
    "sqlite3": {"gate.journal", "api.accounts", "mqtt_bridge.database", "mqtt_bridge.marks", "mqtt_bridge.seen"},
    "reportlab": {"api.record_pdf"},
    "rfc8785": {"gate.journal", "mqtt_bridge.envelope"},
}
PURE = {"gate.model", "gate.site", "gate.machine", "gate.memory", "gate.moves", "gate.drives", "gate.guards",
        "gate.bars", "gate.proof", "gate.standing", "gate.unattended", "gate.watch", "gate.travel",
        "gate.steps", "gate.refusals", "gate.senses", "gate.turn", "gate.wishes", "gate.schedule", "gate.week",
        "gate.books", "gate.lookout", "gate.snapshot", "gate.ring", "gate.plain", "gate.incident_file", "gate.replay",
        "gate.timeline", "gate.rehearsal", "gate.diagram", "gate.wording", "gate.yard_leaf", "gate.yard_parts",
        "gate.yard_boards", "gate.yard_road", "gate.yard_orders", "gate.yard_plant", "camera.motion",
        "camera.areas", "camera.background", "camera.compare", "camera.profile", "camera.shift", "camera.tracks",
        "camera.tuning", "camera.crossing", "camera.notes", "camera.events", "camera.messages", "camera.ring",
        "camera.occasions", "camera.viewers", "camera.exposure", "camera.trust", "camera.known", "camera.symptoms",
        "camera.naming", "camera.structure", "camera.published", "camera.gateway", "camera.reference", "camera.h264",
        "camera.sps", "camera.timeline", "mqtt_bridge.topics", "mqtt_bridge.discovery", "mqtt_bridge.flow",
        "mqtt_bridge.appetite", "mqtt_bridge.gaps", "mqtt_bridge.bucket", "mqtt_bridge.recall", "mqtt_bridge.envelope",
        "mqtt_bridge.publication", "mqtt_bridge.errand", "mqtt_bridge.refused", "api.live_queue", "api.page_modules",
        "api.history", "api.push_queue", "api.push_rules", "api.record_flow", "api.sieve", "api.week"}  # fmt: skip
IMPURE = {"asyncio", "threading", "multiprocessing", "subprocess", "time", "logging", "os", "socket", "io", "pathlib"}
CLOCKS = ("datetime.now(", "datetime.utcnow(", ".today(", "time.time(", "monotonic(")


@pytest.mark.parametrize("module", modules())
def test_a_folder_imports_only_whom_it_may(module: str) -> None:
    folder = module.partition(".")[0]
    for found in imports(module):
        target = found.name
        if target.partition(".")[0] not in {*OURS} - {folder}:
            continue
        may = ALLOWED[folder]
        assert target in may or target.partition(".")[0] in may, (
            f"{module}:{found.line} imports {target}; {folder} may import {sorted(may) or 'nothing of ours'}"
        )


@pytest.mark.parametrize("module", modules())
def test_imports_are_absolute(module: str) -> None:
    assert all(found.name for found in imports(module)), f"{module} has a relative import"


@pytest.mark.parametrize("process", NEVER)
def test_a_process_never_reaches_a_forbidden_library(process: str) -> None:
    roots, forbidden = NEVER[process]
    for root in roots:
        assert root in modules(), f"{root} does not exist; the {process} process starts there"
    for module, source in reached(*roots).items():
        for found in outside(module):
            assert found.name.partition(".")[0] not in forbidden, (
                f"{process} reaches {found.name} at {module}:{found.line} (imported by {source})"
            )


def test_the_keeper_reaches_only_gpio_libraries() -> None:
    for module, source in reached("gate.keeper").items():
        assert module.partition(".")[0] == "gate", f"the keeper reaches {module} (imported by {source})"
        for found in outside(module):
            assert found.name.partition(".")[0] in KEEPER_MAY, (
                f"the keeper reaches {found.name} at {module}:{found.line} (imported by {source})"
            )


@pytest.mark.parametrize("process", NEVER)
def test_a_running_process_holds_no_forbidden_library(process: str) -> None:
    """What the reading above can't see: a library that we use imports one of the forbidden."""
    roots, forbidden = NEVER[process]
    program = f"import sys, {', '.join(roots)}; print(*sorted(set(sys.modules) & {forbidden!r}))"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""


@pytest.mark.parametrize("library", CONFINED)
def test_a_library_is_known_only_where_it_belongs(library: str) -> None:
    for module in modules():
        for found in imports(module):
            if found.name.partition(".")[0] == library:
                assert module in CONFINED[library], (
                    f"{module}:{found.line} imports {library}, which belongs to {sorted(CONFINED[library])}"
                )


def test_fastapi_stays_in_the_api() -> None:
    for module in modules():
        for found in outside(module):
            if found.name.partition(".")[0] in {"fastapi", "starlette", "uvicorn"}:
                assert module.startswith("api"), f"{module}:{found.line} imports {found.name}"


@pytest.mark.parametrize("module", sorted(PURE & modules().keys()))
def test_the_rules_take_time_and_data_as_arguments(module: str) -> None:
    for found in imports(module):
        assert found.name.partition(".")[0] not in IMPURE, f"{module}:{found.line} imports {found.name}"
    text = modules()[module].read_text(encoding="utf-8")
    for clock in CLOCKS:
        assert clock not in text, f"{module} reads a clock: {clock}"


@pytest.mark.parametrize("module", sorted(PURE & modules().keys()))
def test_the_rules_reach_no_impure_module_of_ours(module: str) -> None:
    packages = set(with_packages(module)) - {module}
    for name, source in reached(module).items():
        if name in packages:
            continue
        for found in imports(name):
            impure = not found.only_types and found.name.partition(".")[0] in IMPURE
            assert not impure, f"{module} reaches {found.name} at {name}:{found.line} (imported by {source})"
