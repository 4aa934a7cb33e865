"""Commands as officers, thieves, broken programs and bad networks send them, and what must become of each.

`Forger` makes messages for `cmd`, one number a message: most with one fault or several, the others in order.
`Target.verdict` is the judge. It knows nothing of the code under test: it compares what a message was made of with the
gate as it is when the message arrives, in the order of docs/topics.md, "Commands". So the same message may be sent
again, later, in another order or after a restart, and is judged anew each time.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.model import Code, Command, Json, JsonObject

GATE = "sim"
LARGEST_BYTES = 8192
AHEAD_MS = 15_000
TEN_YEARS_MS = 10 * 365 * 86_400_000
FIRST_DAY = dt.date(2026, 11, 22)
LAST_DAY = dt.date(2027, 6, 30)
LONG_AGO = dt.date(2026, 1, 31)
NAMES = ("Trung úy Lan", "cổng thôn 3", "fire ✂ engine", "1e400", "null", "", "\U0001f692 xe")

MAY = {
    "room": frozenset(Command),
    "guard": frozenset(Command) - {Command.LOCKDOWN, Command.UNLOCK, Command.EMERGENCY_OPEN, Command.NORMAL,
                                   Command.RESET},
    "eyes": frozenset({Command.STOP}),
    "stolen": frozenset(Command),
    "former": frozenset(Command),
}  # fmt: skip
"""What each key may order. `stolen` is revoked, `former` has ended; both may order everything else."""
ROLES = {"room": "commander", "guard": "operator", "eyes": "viewer", "stolen": "commander", "former": "commander"}
IN_FORCE = ("room", "guard", "eyes")
STRANGERS = ("nobody", "rooms", "room-2", "0", "a" * 32)


def private_of(kid: str) -> Ed25519PrivateKey:
    """Return the private key behind a name, always the same; also one that no gate knows."""
    return Ed25519PrivateKey.from_private_bytes(kid.encode("ascii").ljust(32, b"."))


def public_of(kid: str) -> str:
    """Return the public half as the configuration has it."""
    return base64.b64encode(private_of(kid).public_key().public_bytes_raw()).decode("ascii")


def keys_of_the_gate() -> str:
    """Return `mqtt.keys` as TOML, for `--set`."""
    rows = [
        f'{kid} = {{ public = "{public_of(kid)}", roles = ["{role}"], until = "{last_day(kid)}",'
        f" revoked = {str(kid == 'stolen').lower()} }}"
        for kid, role in ROLES.items()
    ]
    return f"mqtt.keys={{ {', '.join(rows)} }}"


def last_day(kid: str) -> dt.date:
    """Return the last day on which a key is good."""
    return LONG_AGO if kid == "former" else LAST_DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """One message and what it was made of. `broken`: it is no envelope at all; `forged`: its signature does not fit."""

    payload: bytes
    id: str
    kid: str
    gate: str
    boot: str
    deadline_ms: int
    command: Command
    sequence: int | None
    sighted: bool
    retained: bool = False
    broken: bool = False
    forged: bool = False
    faults: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Target:
    """The gate as a message finds it. `today` None: its wall clock is not believed.

    `seen`: the ids that came as far as the check of ids, each with the deadline it had.
    """

    boot: str
    now_ms: float
    sequence: int = 1
    gate: str = GATE
    today: dt.date | None = FIRST_DAY
    seen: dict[str, int] = field(default_factory=dict)

    def verdict(self, shot: Shot) -> Code | None:
        """Say with what code the message must be refused before the gate's own rules are asked; None: it must not be.

        What is not refused before the check of ids is remembered as seen.
        """
        checks: tuple[tuple[Code, Callable[[], bool]], ...] = (
            (Code.RETAINED, lambda: shot.retained),
            (Code.TOO_LARGE, lambda: len(shot.payload) > LARGEST_BYTES),
            (Code.BAD_ENVELOPE, lambda: shot.broken),
            (Code.UNKNOWN_KEY, lambda: shot.kid not in MAY),
            (Code.REVOKED_KEY, lambda: self._is_over(shot.kid)),
            (Code.BAD_SIGNATURE, lambda: shot.forged),
            (Code.FOREIGN_GATE, lambda: shot.gate != self.gate),
            (Code.FOREIGN_BOOT, lambda: shot.boot != self.boot),
            (Code.EXPIRED, lambda: self.now_ms > shot.deadline_ms),
            (Code.TOO_FAR_AHEAD, lambda: shot.deadline_ms - self.now_ms > AHEAD_MS),
            (Code.DUPLICATE, lambda: self._was_seen(shot)),
            (Code.NOT_PERMITTED, lambda: shot.command not in MAY[shot.kid]),
            (Code.STALE_SEQUENCE, lambda: self._is_stale(shot)),
        )
        return next((code for code, is_so in checks if is_so()), None)

    def _is_over(self, kid: str) -> bool:
        return kid == "stolen" or (self.today is not None and self.today > last_day(kid))

    def again(self, shot: Shot) -> Code | None:
        """Say what the gate itself must ask once more, immediately before the relay."""
        if shot.command is not Command.STOP and self.now_ms > shot.deadline_ms:
            return Code.EXPIRED
        return Code.STALE_SEQUENCE if self._is_stale(shot) else None

    def is_unclear(self, shot: Shot) -> bool:
        """Tell whether its id was used by a command that has expired since: it may be forgotten by now, or not yet."""
        return self.seen.get(shot.id, self.now_ms) < self.now_ms <= shot.deadline_ms

    def _was_seen(self, shot: Shot) -> bool:
        was_seen = shot.id in self.seen
        self.seen.setdefault(shot.id, shot.deadline_ms)
        return was_seen

    def _is_stale(self, shot: Shot) -> bool:
        return shot.command is not Command.STOP and shot.sequence is not None and shot.sequence != self.sequence


class Forger:
    """Makes messages from chance: the same seed and the same gate, the same messages.

    `slack_ms`: how long a message may be on its way; what is too early is so by more than that.
    """

    def __init__(self, seed: int, *, slack_ms: int = 0) -> None:
        self._slack_ms = slack_ms
        self._chance = random.Random(seed)
        self._number = seed * 1_000_000
        self._ids: list[str] = []
        self._privates = {kid: private_of(kid) for kid in (*MAY, *STRANGERS)}

    def in_order(self, target: Target, command: Command, *, lives_ms: int = 8000, blindly: bool = False) -> Shot:
        """Make a message that nothing is wrong with; `blindly`: by somebody who did not look at the gate before."""
        proper = self._proper(target, command, lives_ms)
        return self._made(replace(proper, sequence=None) if blindly else proper, ())

    def shot(self, target: Target, faults: tuple[str, ...] = ()) -> Shot:
        """Make a message with these faults, or with one to three of chance."""
        lives_ms = self._chance.randint(200 + self._slack_ms, AHEAD_MS - 500)
        proper = self._proper(target, self._chance.choice(tuple(Command)), lives_ms)
        return self._made(proper, faults or tuple(self._chance.sample(FAULTS, self._chance.choice(HOW_MANY))), target)

    def _proper(self, target: Target, command: Command, lives_ms: int) -> Shot:
        may = [kid for kid in IN_FORCE if command in MAY[kid]]
        return Shot(
            payload=b"", id=self._new_id(), kid=self._chance.choice(may), gate=target.gate, boot=target.boot,
            deadline_ms=int(target.now_ms) + lives_ms, command=command,
            sequence=self._chance.choice((None, target.sequence)), sighted=True,
        )  # fmt: skip

    def _new_id(self) -> str:
        """Make a UUIDv7 of a sender whose wall clock may be ten years off: nobody may judge by it."""
        self._number += 1
        stamp = 1_795_000_000_000 + self._chance.choice((0, 0, TEN_YEARS_MS, -TEN_YEARS_MS)) + self._number
        text = f"{stamp:012x}7{self._number % 4096:03x}8{self._number:015x}"
        made = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        self._ids = [*self._ids[-200:], made]
        return made

    def _made(self, proper: Shot, faults: tuple[str, ...], target: Target | None = None) -> Shot:
        """Give a message its faults, in an order in which none undoes another, and sign it in between."""
        shot = replace(proper, faults=faults)
        for name, fault in _BEFORE_SIGNING.items():
            if name in faults and target:
                shot = fault(self, shot, target)
        fields = self._fields(shot)
        if "forged" in faults:
            shot, fields = self._forged(shot, fields)
        else:
            fields["sig"] = self._signature(shot.kid, fields)
        payload = json.dumps(fields, ensure_ascii=self._chance.random() < 0.5).encode()
        if "broken" in faults:
            shot, payload = replace(shot, broken=True), self._broken(fields, payload)
        if "large" in faults:
            payload += b" " * (LARGEST_BYTES + 1 - len(payload)) + b" " * self._chance.choice((0, 1, 1000, 200_000))
        return replace(shot, payload=payload, retained="retained" in faults)

    def _fields(self, shot: Shot) -> JsonObject:
        by: JsonObject = {"id": "an.nv", "name": self._chance.choice(NAMES)}
        fields: JsonObject = {
            "v": 1, "id": shot.id, "gate": shot.gate, "command": shot.command.value, "by": by,
            "reason": self._chance.choice(NAMES), "boot": shot.boot, "mono_deadline_ms": shot.deadline_ms,
            "kid": shot.kid, "sighted": shot.sighted,
        }  # fmt: skip
        if shot.sequence is not None or self._chance.random() < 0.5:
            fields["sequence"] = shot.sequence
        return fields

    def _signature(self, kid: str, fields: JsonObject) -> str:
        return base64.b64encode(self._privates[kid].sign(rfc8785.dumps(fields))).decode("ascii")

    # One fault each.

    def _of_a_stranger(self, shot: Shot, _target: Target) -> Shot:
        return replace(shot, kid=self._chance.choice(STRANGERS))

    def _of_a_key_that_is_over(self, shot: Shot, _target: Target) -> Shot:
        return shot if shot.kid in STRANGERS else replace(shot, kid=self._chance.choice(("stolen", "former")))

    def _above_its_role(self, shot: Shot, _target: Target) -> Shot:
        if shot.kid not in IN_FORCE:
            return shot
        kid = self._chance.choice(("guard", "eyes"))
        return replace(shot, kid=kid, command=self._chance.choice(sorted(frozenset(Command) - MAY[kid])))

    def _of_another_gate(self, shot: Shot, _target: Target) -> Shot:
        return replace(shot, gate=self._chance.choice(("sim2", "SIM", "sim ", "gate-1", "antt/1/sim", "+", "#")))

    def _of_another_boot(self, shot: Shot, target: Target) -> Shot:
        others = (target.boot[::-1], target.boot.upper() + "0", "0" * 8, target.boot[:-1])
        return replace(shot, boot=self._chance.choice(others))

    def _too_late(self, shot: Shot, target: Target) -> Shot:
        by_ms = self._chance.choice((1, 2, 500, 16_000, 86_400_000, TEN_YEARS_MS))
        return replace(shot, deadline_ms=int(target.now_ms) - by_ms)

    def _too_early(self, shot: Shot, target: Target) -> Shot:
        by_ms = self._chance.choice((2, 500, 3_600_000, TEN_YEARS_MS, 1 << 52))
        return replace(shot, deadline_ms=int(target.now_ms) + AHEAD_MS + self._slack_ms + by_ms)

    def _again(self, shot: Shot, target: Target) -> Shot:
        fresh = [name for name in self._ids if target.seen.get(name, 0) >= target.now_ms]
        return replace(shot, id=self._chance.choice(fresh)) if fresh else shot

    def _of_an_older_gate(self, shot: Shot, target: Target) -> Shot:
        off = self._chance.choice((-1, 1, -2, 1000, 1 << 40))
        return replace(shot, sequence=max(0, target.sequence + off))

    def _forged(self, shot: Shot, fields: JsonObject) -> tuple[Shot, JsonObject]:
        """Take another key, turn one bit of the signature, or change what was signed."""
        how = self._chance.choice(("key", "bit", "bit", "command", "deadline", "id", "by", "more"))
        signer = self._chance.choice([kid for kid in self._privates if kid != shot.kid]) if how == "key" else shot.kid
        signature = bytearray(base64.b64decode(self._signature(signer, fields)))
        if how == "bit":
            signature[self._chance.randrange(64)] ^= 1 << self._chance.randrange(8)
        fields = {**fields, "sig": base64.b64encode(signature).decode("ascii")}
        match how:
            case "command":
                command = self._chance.choice([command for command in Command if command is not shot.command])
                shot, fields["command"] = replace(shot, command=command), command.value
            case "deadline":
                later_ms = shot.deadline_ms + self._chance.randint(1, 9000)
                shot, fields["mono_deadline_ms"] = replace(shot, deadline_ms=later_ms), later_ms
            case "id":
                shot = replace(shot, id=self._new_id())
                fields["id"] = shot.id
            case "by":
                fields["by"] = {"id": "chief", "name": "Thiếu tá"}
            case "more":
                fields["minutes"] = 720
        return replace(shot, forged=True), fields

    def _broken(self, fields: JsonObject, payload: bytes) -> bytes:
        """Make something of it that is no envelope."""
        if self._chance.random() < 0.4:
            return self._chance.choice((
                lambda: payload[: self._chance.randrange(len(payload))],
                lambda: payload + self._chance.choice((b"}", b"\0", payload, b"x")),
                lambda: payload.replace(b'"v"', b'"v": 1, "v"', 1),
                lambda: b"[" * self._chance.choice((1, 4000)) + payload,
                lambda: bytes(self._chance.randrange(256) for _ in range(self._chance.randrange(200))),
                lambda: b"\xff\xfe" + payload,
                lambda: payload.decode().encode("utf-16"),
                lambda: payload[:-1] + b', "reason": "\xc3\x28"}',
                lambda: payload.replace(b'"gate"', b'"gat\\ud800e"', 1),
            ))()  # fmt: skip
        fields = dict(fields)
        name, value = self._chance.choice(WRONG)
        if value == MISSING:
            del fields[name]
        else:
            fields[name] = value
        return json.dumps(fields).encode()


MISSING = "it is left out"
WRONG: tuple[tuple[str, Json], ...] = (
    *((name, MISSING) for name in ("v", "id", "gate", "command", "by", "boot", "mono_deadline_ms", "kid", "sig")),
    ("v", 2), ("v", "1"), ("v", True), ("v", 1.5), ("id", ""), ("id", "short"), ("id", "x" * 65),
    ("id", "a/b/c/d/e/f"), ("id", 12345678), ("gate", None), ("gate", ""), ("command", "OPEN"), ("command", "toggle"),
    ("command", ["open"]), ("command", None), ("by", "me"), ("by", {}), ("by", {"id": 7}), ("by", [["id", "x"]]),
    ("reason", 7), ("reason", "x" * 501), ("reason", "\x00"), ("reason", "a\nb"), ("reason", "\u202eevil"),
    ("sequence", -1), ("sequence", "1"), ("sequence", 1.5), ("sequence", True), ("sequence", 1 << 60), ("boot", 7),
    ("boot", ""), ("mono_deadline_ms", "soon"), ("mono_deadline_ms", None), ("mono_deadline_ms", 1e300),
    ("mono_deadline_ms", 1 << 70), ("mono_deadline_ms", float("inf")), ("mono_deadline_ms", float("nan")),
    ("mono_deadline_ms", True), ("kid", None), ("kid", ["room"]), ("kid", ""), ("kid", "k" * 65), ("sig", ""),
    ("sig", None), ("sig", "AAAA"), ("sig", "=" * 88), ("sig", "A" * 1000), ("sighted", "yes"), ("sighted", 1),
    ("sighted", None), ("minutes", 0), ("minutes", 721), ("minutes", "60"), ("unknown", 1), ("role", "commander"),
    ("deadline_ms", 0), ("", ""),
)  # fmt: skip
"""A name and a value that make an envelope a broken one."""

_BEFORE_SIGNING: dict[str, Callable[[Forger, Shot, Target], Shot]] = {
    "stranger": Forger._of_a_stranger,
    "over": Forger._of_a_key_that_is_over,
    "role": Forger._above_its_role,
    "foreign_gate": Forger._of_another_gate,
    "foreign_boot": Forger._of_another_boot,
    "early": Forger._too_early,
    "late": Forger._too_late,
    "again": Forger._again,
    "sequence": Forger._of_an_older_gate,
}
HOW_MANY = (1, 1, 1, 2, 3)
FAULTS = ("retained", "large", "broken", "forged", *_BEFORE_SIGNING)

__all__ = ["Forger", "Shot", "Target", "keys_of_the_gate"]
