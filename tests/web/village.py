"""A village for the page's tests: a scripted gate, its people's sessions, its diary and its camera.

The gate takes time to move, proves what it says by a limit, refuses with codes, and can be made to fall silent.
`calls.py` serves it over HTTP in a thread of its own; a test changes it by `with village.change():`.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.page import Page
from tests.web import scenery
from tests.web.book import Book
from tests.web.desk import Desk
from tests.web.pushes import Pushes

Plain = dict[str, Any]

MODES = {"hold_open": "hold_open", "lockdown": "lockdown", "emergency_open": "emergency_open", "unlock": "normal",
         "normal": "normal"}  # fmt: skip
LEADS_TO = {"hold_open": "open", "emergency_open": "open", "lockdown": "closed"}

ZONE = dt.timezone(dt.timedelta(hours=7))


def mono_ms() -> int:
    """Return CLOCK_MONOTONIC in ms."""
    return time.monotonic_ns() // 1_000_000


def utc(ago_s: float = 0.0) -> str:
    """Return the time `ago_s` seconds ago as the contract writes it."""
    at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=ago_s)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def condition_is_on(condition: str) -> bool:
    """Tell whether a condition of the yard is other than it should be."""
    return condition not in {"ok", "clear", "off", "back", "closed"}


class Village:
    """The site: its gate, its people's sessions, its diary and its camera."""

    def __init__(self, media: Path) -> None:
        self.media = media
        self.loop = asyncio.new_event_loop()
        self._lock = threading.RLock()
        self.listeners: list[asyncio.Queue[tuple[str, Plain, int | None]]] = []
        media.mkdir(parents=True, exist_ok=True)
        scenery.clip(media / "clip.mp4")
        scenery.clip(media / "uneven.mp4", lasts=(1, 1, 4, 2))
        (media / "thumbnail.jpg").write_bytes(scenery.jpeg(scenery.draw(leaf=0.0, bike=0.5)))
        self.book = Book(self)
        self.reset()
        self.port = 0

    # --- what a test says --------------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """Return where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def reset(self) -> None:
        """Make everything as at the beginning: closed, quiet, nobody signed in."""
        with self._lock:
            self.page = Page()
            self.desk = Desk()
            self.book.reset()
            self.pushes = Pushes()
            self.travel_s = 0.5
            self.contacts = [{"name": "Trần Văn An", "number": "0241 234 567"}]
            self.warning_s = 0.0
            self.refusals: dict[str, str] = {}
            self.answer_after_s = 0.0
            self.beat_s = 10.0
            self.camera = "jpeg"  # jpeg, video, stale, none
            self.film = "clip.mp4"  # of every event
            self.drop_stream = False
            self.leaf = 0.0
            self.role = "commander"
            self.proved_for_s = 240.0
            self.ways = ["password", "pairing"]
            self.proofs: list[Plain] = []
            self.requests: list[tuple[str, str]] = []
            self.commands: dict[str, Plain] = {}
            self.by_key: dict[str, Plain] = {}
            self.posted: list[Plain] = []
            self.sessions: dict[str, Plain] = {}
            self.facts: list[Plain] = []
            self.events: list[Plain] = []
            self.newest: Plain | None = None
            self.yard: Plain = {
                "leaf": 0.0, "speed": 0.0, "things": [], "sensors": ["limit_closed"], "faults": [], "night": False,
                "rain": False, "insects": False, "wind": False, "battery": False,
            }  # fmt: skip
            self.yard_orders: list[str] = []
            self.snapshot = self._fresh()

    @contextlib.contextmanager
    def change(self) -> Iterator[Plain]:
        """Change the snapshot; it is published afterwards."""
        with self._lock:
            yield self.snapshot
        self.publish()

    def sign_in(self, role: str = "commander") -> str:
        """Return the cookie value of a new session."""
        with self._lock:
            self.role = role
            token = uuid.uuid4().hex
            self.sessions[token] = {
                "id": uuid.uuid4().hex[:8],
                "device": "Android · Chrome",
                "created_at": utc(3600),
                "last_seen_at": utc(),
                "expires_at": utc(-86400),
            }
            return token

    def tell(self, kind: str, data: Plain, *, by: Plain | None = None, ago_s: float = 0.0) -> None:
        """Write a fact into the diary and onto the streams."""
        with self._lock:
            seq = len(self.facts) + 1
            fact = {
                "seq": seq,
                "id": str(uuid.uuid4()),
                "at": utc(ago_s),
                "at_trusted": True,
                "mono_ms": mono_ms(),
                "boot_id": "b",
                "kind": kind,
                "by": by or {"type": "process", "id": "gate", "name": ""},
                "data": data,
                "prev": "0",
                "hash": "0",
            }
            self.facts.append(fact)
        self._send("fact", fact, seq)

    def motion(self, *, ago_s: float, clip: str = "available", cause: str = "motion", **seen: object) -> str:
        """Have something move; returns the event's id. `seen`: what else is told of it, such as `crossings`."""
        event_id = str(uuid.uuid4())
        path = f"/api/v1/events/{event_id}"
        film = {
            "url": f"{path}/clip.mp4",
            "duration_s": 4.0,
            "pre_roll_s": 1.0,
            "bytes": 1_530_000,
            "width": 640,
            "height": 360,
            "codec": "avc1.42c01e",
            "sha256": "0" * 64,
        }
        with self._lock:
            self.events.append(
                {
                    "event_id": event_id,
                    "seq": len(self.events) + 1,
                    "cause": cause,
                    "source": "scene",
                    "zones": ["gateway"],
                    "started_at": utc(ago_s),
                    "ended_at": utc(ago_s - 12),
                    "duration_s": 12.0,
                    "peak_area": 0.04,
                    "thumbnail": f"{path}/thumbnail.jpg",
                    "clip": film if clip == "available" else None,
                    "clip_state": clip,
                    "level": "alert",
                    "crossings": [],
                    "held": None,
                    "starred": None,
                    **seen,
                }
            )
        self.tell("motion_started", {"event_id": event_id}, ago_s=ago_s)
        return event_id

    def gate_is(self, state: str, evidence: str = "limit") -> None:
        """Put the leaf somewhere."""
        with self.change() as gate:
            gate.update(state=state, evidence=evidence, since=utc(), target=None, sequence=gate["sequence"] + 1)
            self.leaf = {"open": 1.0, "closed": 0.0}.get(state, 0.5)

    def alarms(self, *names: str, reminders: int = 0) -> None:
        """Raise these alarms; nobody has acknowledged them."""
        with self.change() as gate:
            gate["alarms"] = [
                {"alarm": name, "id": str(place), "since": utc(120), "reminders": reminders, "data": {}}
                for place, name in enumerate(names)
            ]

    def yard_obeys(self, action: str, arguments: list[str]) -> bool:
        """Switch a fault of the simulated yard, as gate/world.py words it; tell whether the order is known."""
        words = " ".join((action, *arguments))
        self.yard_orders.append(words)
        subject, _, condition = words.rpartition(" ")
        with self._lock:
            if action in {"car", "motorbike", "person", "dog"}:
                thing = {"id": 1, "kind": action, "along": -1.5, "direction": 1, "length": 0.3}
                self.yard["things"] = [*self.yard["things"], thing]
            elif action in self.yard:
                self.yard[action] = condition_is_on(condition)
            elif subject in {"beam", "limit open", "limit closed", "relay open", "motor", "edge", "power", "release"}:
                self.yard["faults"] = [each for each in self.yard["faults"] if each.rpartition(" ")[0] != subject]
                self.yard["faults"] += [words] if condition_is_on(condition) else []
            else:
                return False
        return True

    def beat(self, *, gate_up: bool = True) -> None:
        """Send a sign of life on every stream."""
        self._send("beat", {**self.sign_of_life(), "gate_up": gate_up}, None)

    def sign_of_life(self) -> Plain:
        """Return what a beat says."""
        return {"at": utc(), "mono_ms": mono_ms(), "gate_up": True, "seq": len(self.facts)}

    def close_streams(self) -> None:
        """End every stream, as a network does."""
        self._send("", {}, None)

    # --- the gate ----------------------------------------------------------------------------------------------------

    def _fresh(self) -> Plain:
        alive = {"alive": True, "since": utc(7200), "restarts": 0, "health": {"ok": True, "reason": ""}}
        return {
            "gate_id": "thon-3",
            "name": "Cổng thôn 3",
            "state": "closed",
            "evidence": "limit",
            "evidence_age_ms": 20,
            "target": None,
            "position": 0.0,
            "mode": "normal",
            "mode_until": None,
            "mode_by": None,
            "health": "ok",
            "reasons": [],
            "inputs": {"limit_open": False, "limit_closed": True, "beam": False},
            "outputs": dict.fromkeys(("open_relay", "close_relay", "lamp", "buzzer", "siren", "light"), False),
            "sequence": 41,
            "at": utc(),
            "at_mono_ms": mono_ms(),
            "since": utc(1500),
            "by": {"type": "person", "id": "an", "name": "Trần Văn An"},
            "command": None,
            "warning_until_mono_ms": None,
            "closing": None,
            "timetable": None,
            "cycles": 1204,
            "travel_s": {"open": 14.2, "close": 15.1},
            "clock_trusted": True,
            "alarms": [],
            "boot_id": "b",
            "simulated": False,
            "processes": {name: dict(alive) for name in ("gate", "keeper", "camera", "mqtt_bridge", "api")},
        }

    def publish(self) -> None:
        """Send the snapshot to every stream."""
        with self._lock:
            self.snapshot.update(at=utc(), at_mono_ms=mono_ms())
            copy = json.loads(json.dumps(self.snapshot))
        self._send("state", copy, None)

    def _send(self, event: str, data: Plain, seq: int | None) -> None:
        def put() -> None:
            for queue in list(self.listeners):
                queue.put_nowait((event, data, seq))

        if self.loop.is_running():
            self.loop.call_soon_threadsafe(put)

    def step(self, command: Plain, status: str, code: str | None = None, **gate: object) -> None:
        """Take a command one step on, and the gate with it."""
        command.update(status=status, code=code)
        with self.change() as snapshot:
            snapshot.update(gate, sequence=snapshot["sequence"] + 1)
            if command is self.newest:
                snapshot["command"] = dict(command)
            if "state" in gate:
                snapshot["since"] = utc()

    async def carry_out(self, command: Plain, by: Plain) -> None:
        """Do what was accepted; takes the time that it takes."""
        order = command["command"]
        if order == "stop":
            if self.snapshot["state"] in ("opening", "closing"):
                self.step(command, "confirmed", state="stopped", evidence="none", target=None, by=by)
            else:
                self.step(command, "confirmed")
            return
        if order.startswith(("siren", "light")):
            name, _, level = order.partition("_")
            self.step(command, "confirmed", outputs={**self.snapshot["outputs"], name: level == "on"})
            return
        if order == "reset":
            self.step(command, "confirmed", health="ok", reasons=[])
            return
        if order == "acknowledge":
            self.step(command, "confirmed", alarms=[])
            return
        if order in MODES:
            minutes = command["minutes"] or 60
            end = utc(-60.0 * minutes) if order == "hold_open" else None
            self.step(command, "accepted", mode=MODES[order], mode_until=end, mode_by=by)
            if order in {"unlock", "normal"} or self.snapshot["state"] == LEADS_TO[order]:
                self.step(command, "confirmed")
                return
        if self.warning_s and order in {"close", "lockdown"}:
            self.step(
                command, "accepted", warning_until_mono_ms=mono_ms() + int(self.warning_s * 1000), target="closed"
            )
            await asyncio.sleep(self.warning_s)
        await self._travel(command, by)

    async def _travel(self, command: Plain, by: Plain) -> None:
        opens = command["command"] not in {"close", "lockdown"}
        going, there = ("opening", "open") if opens else ("closing", "closed")
        await asyncio.sleep(0.1)
        self.step(command, "energised", state=going, evidence="drive", target=there, by=by, warning_until_mono_ms=None)
        direction = "open" if opens else "close"
        told = {"relay": f"{direction}_relay", "direction": direction, "command_id": command["command_id"]}
        self.tell("drive_energised", {**told, "cause": f"command {command['command']}"})
        begun = time.monotonic()
        start = self.leaf
        while (gone := (time.monotonic() - begun) / self.travel_s) < 1:
            self.leaf = start + (float(opens) - start) * gone
            await asyncio.sleep(0.05)
            if self.snapshot["state"] != going:
                if command["status"] == "energised":  # a story may have ended it already, with a reason of its own
                    self.step(command, "failed", "stopped")
                return
        self.leaf = float(opens)
        limits = {**self.snapshot["inputs"], "limit_open": opens, "limit_closed": not opens}
        self.step(command, "confirmed", state=there, evidence="limit", target=None, inputs=limits)
        data = {"state": there, "command_id": command["command_id"], "travel_ms": int(self.travel_s * 1000)}
        self.tell("arrived", data, by=by)


def day_of(at: str) -> str:
    """Return the site's day of an instant."""
    return dt.datetime.fromisoformat(at).astimezone(ZONE).date().isoformat()
