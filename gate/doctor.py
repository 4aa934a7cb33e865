"""`antt-gate doctor`: one look at everything a gate needs, with what to do about what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.load import ConfigError, load
from config.schema import Settings
from gate import wallclock
from gate.client import GateUnavailableError, RequestRefusedError, ask
from gate.journal import JournalError, JournalReader
from gate.model import JsonObject

LEAST_FREE_GB = 1.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    good: bool
    text: str


def examine(config: Path | None, overrides: Sequence[str], socket: Path) -> list[Finding]:
    """Look at the configuration (where one is named), the daemon, its sensors and processes, its disk and its clock."""
    findings = list(_configuration(config, overrides)) if config else []
    daemon = list(_daemon(socket))
    findings += [*daemon, *_storage(socket.parent)]
    if not any(finding.subject == "simulated" for finding in daemon):  # else this machine's clock is trusted
        trusted = wallclock.is_synchronised()
        text = "the kernel says it is synchronised" if trusted else "not synchronised; give the Pi a network or a clock"
        findings.append(Finding(subject="clock", good=trusted, text=text))
    return findings


def _configuration(config: Path, overrides: Sequence[str]) -> Iterator[Finding]:
    try:
        settings: Settings = load(config, overrides)
    except ConfigError as error:
        yield Finding(subject="config", good=False, text=str(error))
        return
    yield Finding(subject="config", good=True, text=f"{config}: gate {settings.site.id}")
    beam = settings.gate.pins.beam is not None
    told = "wired" if beam else "no beam is configured: nothing closes unless somebody sees the gate"
    yield Finding(subject="beam", good=beam, text=told)


def _daemon(socket: Path) -> Iterator[Finding]:
    try:
        snapshot = ask(socket, "status")
    except (GateUnavailableError, RequestRefusedError) as error:
        yield Finding(subject="daemon", good=False, text=f"{error}; start it with antt-gate run")
        return
    yield Finding(subject="daemon", good=True, text=f"answers; the gate is {snapshot['state']}")
    simulated = snapshot["simulated"] is True
    if simulated:
        yield Finding(subject="simulated", good=True, text="a simulated yard; it needs no broker")
    reasons = snapshot["reasons"]
    because = ", ".join(map(str, reasons)) if isinstance(reasons, list) else ""
    yield Finding(subject="health", good=snapshot["health"] == "ok", text=f"{snapshot['health']} {because}".strip())
    yield from _standing(snapshot)
    yield _levels(snapshot)
    processes = snapshot["processes"]
    for name, known in processes.items() if isinstance(processes, dict) else ():
        if isinstance(known, dict) and not known.get("off") and not (simulated and name == "mqtt_bridge"):
            yield _process(name, known)


def _standing(snapshot: JsonObject) -> Iterator[Finding]:
    """Look at what people have asked of the gate, and at what nobody has acknowledged yet."""
    mode = snapshot.get("mode")
    until = f" until {snapshot['mode_until']}" if snapshot.get("mode_until") else ""
    yield Finding(subject="mode", good=mode == "normal", text=f"{mode}{until}")
    alarms = snapshot.get("alarms")
    names = [str(alarm.get("alarm")) for alarm in alarms if isinstance(alarm, dict)] if isinstance(alarms, list) else []
    told = f"{', '.join(names)}; look at the gate, then antt-gate ack" if names else "none is waiting"
    yield Finding(subject="alarms", good=not names, text=told)


def _levels(snapshot: JsonObject) -> Finding:
    inputs = snapshot["inputs"]
    levels = inputs.items() if isinstance(inputs, dict) else ()
    words = {True: "active", False: "inactive", None: "not seen"}
    both = isinstance(inputs, dict) and inputs.get("limit_open") is True and inputs.get("limit_closed") is True
    told = ", ".join(f"{name} {words.get(level, level)}" for name, level in levels)
    return Finding(subject="levels", good=not both, text=told + ("; both limits can't be true" if both else ""))


def _process(name: str, known: JsonObject) -> Finding:
    health = known.get("health")
    said = health if isinstance(health, dict) else {}
    alive, ill = known.get("alive") is True, said.get("ok") is False
    reason = str(known.get("reason") or said.get("reason") or "")
    text = f"{'alive' if alive else 'dead'}, restarts {known.get('restarts')}{', ' + reason if reason else ''}"
    text += f": {said['detail']}" if ill and said.get("detail") else ""
    return Finding(subject=name, good=alive and not ill, text=text)


def _storage(state_dir: Path) -> Iterator[Finding]:
    try:
        free_gb = shutil.disk_usage(state_dir).free / 1e9
    except OSError as error:
        yield Finding(subject="disk", good=False, text=f"{state_dir}: {error.strerror}")
        return
    yield Finding(subject="disk", good=free_gb >= LEAST_FREE_GB, text=f"{free_gb:.1f} GB free at {state_dir}")
    journal = state_dir / "journal.db"
    if journal.exists():
        try:
            reader = JournalReader(journal)
            yield Finding(
                subject="journal", good=True, text=f"{reader.last_seq()} rows; check them with antt-gate verify"
            )
            reader.close()
        except JournalError as error:
            yield Finding(subject="journal", good=False, text=str(error))
