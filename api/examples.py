"""Examples for the OpenAPI document: one of each body that a call takes or answers with, and of each parameter.

They are the truth of one small village: a test compares each with its type, and a call whose body or parameter has none
fails by name. No example holds a secret that works anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate.model import Json, JsonObject, Kind

AT = "2026-11-21T18:04:05.678Z"
LATER = "2026-11-21T18:19:05.678Z"
SESSION_ID = "0193a5d2-7c1e-7a51-9d3b-5a0c4f2e8b17"
EVENT_ID = "0193a5d2-9b04-7f66-8c2d-1e7b3a9d4c05"
COMMAND_ID = "0193a5d2-8f3a-7b20-b6a1-0d9e2c7f5314"
PASSKEY_ID = "c2hvd24taW4tdGhlLWRvY3VtZW50LW9ubHk"
BOOT_ID = "6f1c2b9e-4d3a-4f0b-9a57-2c8e1d7b3f60"
EVIDENCE_ID = "0193a5d6-2f10-7c44-a1e9-4d7c60b8f3a2"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
ZEROS = "0" * 64

_BY: JsonObject = {"type": "person", "id": "lan", "name": "Trần Thị Lan"}
_LAN: JsonObject = {
    "name": "lan", "display_name": "Trần Thị Lan", "roles": ["operator"], "disabled": False, "has_password": True,
    "created_at": "2026-11-01T02:00:00.000Z", "last_seen_at": AT, "sessions": 1,
}  # fmt: skip
_PHONE: JsonObject = {
    "id": SESSION_ID, "device": "Điện thoại của Lan", "created_at": "2026-11-01T02:00:00.000Z", "last_seen_at": AT,
    "expires_at": "2026-12-21T18:04:05.678Z", "current": True,
}  # fmt: skip
_PASSKEY: JsonObject = {
    "id": PASSKEY_ID, "name": "Vân tay trên máy của Lan", "created_at": "2026-11-01T02:00:00.000Z", "last_used_at": AT,
}  # fmt: skip
_FACT: JsonObject = {
    "seq": 1042, "id": "0193a5d2-8f3b-7d11-9e42-6b0f8a3c1d27", "at": AT, "at_trusted": True, "mono_ms": 86_523_114,
    "boot_id": BOOT_ID, "kind": "command_accepted", "by": _BY,
    "data": {"command_id": COMMAND_ID, "command": "close", "reason": ""}, "prev": ZEROS, "hash": SHA256,
}  # fmt: skip
_EVENT: JsonObject = {
    "event_id": EVENT_ID, "seq": 1040, "cause": "motion", "source": "scene", "zones": ["gateway"], "level": "alert",
    "crossings": [{"line": "in", "direction": "in"}], "started_at": AT, "ended_at": "2026-11-21T18:04:10.178Z",
    "duration_s": 4.5, "peak_area": 0.11, "thumbnail": f"/api/v1/events/{EVENT_ID}/thumbnail.jpg",
    "clip": {"url": f"/api/v1/events/{EVENT_ID}/clip.mp4", "duration_s": 14.5, "pre_roll_s": 5.0, "bytes": 2_310_144,
             "width": 1280, "height": 720, "codec": "avc1.42E01E", "sha256": SHA256},
    "clip_state": "available",
    "held": {"event_id": EVENT_ID, "at": LATER, "by": {**_BY, "device": "Điện thoại của Lan"},
             "reason": "Vụ mất xe đêm 21/11", "evidence_id": None},
    "starred": {"at": LATER, "by": {**_BY, "device": "Điện thoại của Lan"}},
}  # fmt: skip

_TAKEN: JsonObject = {
    "evidence_id": EVIDENCE_ID, "at": AT, "person": "lan", "reason": "Công an xã yêu cầu, công văn 12",
    "place": "Trụ sở Công an xã", "since": None, "until": None, "events": 1, "clips": 1,
    "status": "sealed", "url": None, "expires_at": "2026-11-21T19:04:05.678Z", "manifest_sha256": SHA256, "files": 9,
    "bytes": 2_402_118, "missing": 0, "altered": 0,
}  # fmt: skip

_NIGHT: JsonObject = {
    "name": "Đêm", "days": ["every_day"], "start": "22:00", "end": "05:00", "wants": "closed", "exit_opens": False,
}  # fmt: skip
_DAY: JsonObject = {
    "start": "2026-11-22T05:00:00+07:00", "end": "2026-11-22T22:00:00+07:00", "wants": None, "exit_opens": True,
    "period": "",
}  # fmt: skip
_MEANT: JsonObject = {
    "timezone": "Asia/Ho_Chi_Minh", "revision": 4,
    "now": {"wants": None, "exit_opens": True, "period": "", "until": "2026-11-22T15:00:00.000Z", "paused": None},
    "next": {"at": "2026-11-22T15:00:00.000Z", "does": "close", "period": "Đêm", "held_back_by": ["already_there"]},
}  # fmt: skip
_IN_FORCE: JsonObject = {
    **_MEANT, "periods": [_NIGHT], "set_at": AT, "set_by": _BY, "reason": "Hội làng đã xong", "misfits": [],
}  # fmt: skip

EXAMPLES: dict[str, JsonObject] = {
    "TimetableRequest": {"periods": [_NIGHT], "reason": "Hội làng đã xong", "revision": 3},
    "TimetableInForce": _IN_FORCE,
    "TimetableChanged": {**_IN_FORCE, "kept": True},
    "PreviewRequest": {"periods": [_NIGHT], "dates": ["2026-11-22"]},
    "PreviewBody": {**_MEANT, "days": [{"date": "2026-11-22", "stretches": [_DAY]}]},
    "SignInRequest": {"username": "lan", "password": "a sentence that only I know", "device_name": "Máy của Lan"},
    "CommandRequest": {"command": "close", "reason": "Hết giờ làm việc", "sequence": 87, "sighted": True},
    "StarRequest": {},
    "HoldRequest": {"reason": "Vụ mất xe đêm 21/11"},
    "UserRequest": {"name": "lan", "display_name": "Trần Thị Lan", "roles": ["operator"]},
    "UserChange": {"roles": ["operator", "commander"]},
    "YardRequest": {"action": "car", "arguments": ["in"]},
    "PasskeyOptions": {
        "publicKey": {"challenge": "QZbWbzkHsFQ1c2Hj1bYzTgAAAAAFJ7Nxl0m4rXwqk9N5dEo2pGkLhQ", "timeout": 300_000,
                      "rpId": "gate.example", "allowCredentials": [], "userVerification": "required"},
    },
    "PasskeyRequest": {
        "name": "Vân tay trên máy của Lan",
        "credential": {"id": PASSKEY_ID, "rawId": PASSKEY_ID, "type": "public-key",
                       "response": {"clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
                                    "attestationObject": "o2NmbXQ", "transports": ["internal"]}},
    },
    "PasskeyItem": _PASSKEY,
    "PasskeyList": {"items": [_PASSKEY]},
    "WhyRequest": {"reason": "Máy cũ bị mất"},
    "ProofRequest": {"password": "a sentence that only I know"},
    "ProofBody": {"proved_until": "2026-11-21T18:09:05.678Z"},
    "PasswordRequest": {"password": "a new sentence that only I know"},
    "SessionBody": {
        "user": {"name": "lan", "display_name": "Trần Thị Lan", "roles": ["operator"]},
        "permissions": ["acknowledge", "light", "move", "see", "self", "siren", "star", "stop"],
        "session_id": SESSION_ID,
        "proved_until": None, "ways": ["password", "pairing"],
        "site": {"id": "thon-ha", "name": "Cổng thôn Hạ", "language": "vi", "timezone": "Asia/Ho_Chi_Minh",
                 "contacts": [{"name": "Trực ban Công an xã", "number": "+84 24 0000 0000"}]},
        "simulated": False,
    },
    "SessionList": {"items": [_PHONE]},
    "FactList": {"items": [_FACT], "next": None},
    "EventBody": _EVENT,
    "EventList": {"items": [_EVENT], "next": 1040},
    "DiaryDayBody": {
        "day": "2026-11-21", "since": "2026-11-20T17:00:00.000Z", "until": "2026-11-21T17:00:00.000Z", "step_s": 600,
        "motion": [0] * 143 + [2], "moves": [0] * 143 + [1], "alarms": [0] * 144,
        "failed_sign_ins": [{"first_at": "2026-11-21T13:02:11.100Z", "last_at": "2026-11-21T13:05:40.900Z", "count": 12,
                             "names": ["lan"]}],
        "zones": ["gateway", "road"], "lines": ["in"],
    },
    "EvidenceRequest": {"events": [EVENT_ID], "reason": "Công an xã yêu cầu, công văn 12"},
    "EvidenceAskedBody": {
        "evidence_id": EVIDENCE_ID, "url": f"/api/v1/evidence/{EVIDENCE_ID}.zip", "events": 1, "clips": 1,
        "bytes": 2_341_002, "rows": 14, "missing": 0, "expires_at": "2026-11-21T19:04:05.678Z",
    },
    "EvidenceList": {"items": [_TAKEN], "key": SHA256},
    "UserBody": _LAN,
    "UserList": {"items": [_LAN]},
    "PairingBody": {
        "link": "https://gate.example/#pair=NOT-A-CODE-THAT-WORKS", "code": "NOT-A-CODE-THAT-WORKS",
        "qr": "data:image/svg+xml;charset=utf-8,%3Csvg/%3E", "expires_at": LATER,
    },
    "PhoneRequest": {
        "endpoint": "https://push.example/send/NOT-AN-ADDRESS-THAT-WORKS",
        "keys": {"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
                 "auth": "BTBZMqHH6r4Tts7J_aSIgg"},
        "language": "vi",
    },
    "PushTestRequest": {},
    "ChoiceRequest": {"least": "warning", "start": "05:30", "end": "22:00", "urgent_always": True},
    "PushBody": {
        "public_key": "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
        "choice": {"least": "warning", "start": "05:30", "end": "22:00", "urgent_always": True},
        "phones": [{"session_id": SESSION_ID, "device": "Điện thoại của Lan", "current": True,
                    "since_at": "2026-11-01T02:00:00.000Z", "told_at": AT, "trouble": None}],
    },
    "HealthBody": {"status": "ok"},
    "HealthHistoryBody": {
        "at": AT, "since": "2026-11-20T18:10:00.000Z", "step_s": 600,
        "now": {"temperature_c": 51.2, "load": 0.31, "uptime_s": 86_523.1, "memory_free_bytes": 512_000_000,
                "memory_bytes": 1_024_000_000, "state_free_bytes": 9_600_000_000, "state_bytes": 31_000_000_000,
                "media_free_bytes": 9_600_000_000, "media_bytes": 31_000_000_000},
        "series": {"temperature_c": [49.9, 51.2], "load": [0.28, 0.31], "memory_free_bytes": [515_000_000, 512_000_000],
                   "state_free_bytes": [9_700_000_000, 9_600_000_000],
                   "media_free_bytes": [9_700_000_000, 9_600_000_000], "gate_ok": [1, 1], "camera_ok": [0.95, 1],
                   "broker_ok": [None, None], "beam_ok": [1, 1], "clock_ok": [1, 1], "waiting": [None, None],
                   "open_s": [14.2, 14.2], "close_s": [None, 15.1], "cycles": [2416, 2417]},
    },
    "GateBody": {
        "gate_id": "thon-ha", "name": "Cổng thôn Hạ", "state": "closing", "evidence": "drive", "evidence_age_ms": 4,
        "target": "closed", "position": None, "mode": "normal", "mode_until": None, "mode_by": None, "health": "ok",
        "reasons": [], "inputs": {"limit_open": False, "limit_closed": False, "beam": False},
        "outputs": {"open_relay": False, "close_relay": True, "lamp": True, "buzzer": False, "siren": False,
                    "light": False},
        "sequence": 88, "at": AT, "at_mono_ms": 86_524_002, "since": AT, "by": _BY,
        "command": {"command_id": COMMAND_ID, "command": "close", "status": "energised", "code": None},
        "warning_until_mono_ms": None, "closing": None,
        "timetable": {"wants": "closed", "until": "2026-11-21T22:00:00.000Z", "paused": None}, "cycles": 2417,
        "travel_s": {"open": 14.2, "close": 15.1},
        "clock_trusted": True, "alarms": [], "boot_id": BOOT_ID, "simulated": False,
        "processes": {"camera": {"alive": True, "since": "2026-11-20T01:00:00.000Z", "restarts": 0,
                                 "health": {"ok": True, "reason": "", "frame_age_ms": 40}}},
    },
    "AcceptedBody": {
        "command_id": COMMAND_ID, "accepted": True, "state": "open", "target": "closed", "sequence": 87,
        "warning_s": 5.0,
    },
    "CommandStatusBody": {
        "command_id": COMMAND_ID, "command": "close", "status": "energised", "code": None,
        "accepted_mono_ms": 86_523_114, "energised_mono_ms": 86_523_620, "ended_mono_ms": None,
    },
    "YardBody": {"leaf": 0.42, "speed": -0.08, "relays": ["close"], "things": [], "faults": []},
}  # fmt: skip
"""By the name of the type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """What the document says of a parameter beside its type, wherever it stands; `schema` narrows the type."""

    description: str
    example: Json
    required: bool | None = None
    schema: JsonObject | None = None


PARAMETERS: dict[str, Parameter] = {
    "session_id": Parameter(description="The `id` of one of the sessions that are listed.", example=SESSION_ID),
    "passkey_id": Parameter(description="The `id` of one of the passkeys that are listed.", example=PASSKEY_ID),
    "command_id": Parameter(description="As the answer to the command said it.", example=COMMAND_ID),
    "evidence_id": Parameter(description="As the answer to the asking said it.", example=EVIDENCE_ID),
    "event_id": Parameter(description="As the list of events and the facts say it.", example=EVENT_ID),
    "name": Parameter(description="The name by which the person signs in.", example="lan"),
    "idempotency-key": Parameter(
        description="New for each press of a button; the same again gets the same answer and no second move.",
        example=COMMAND_ID, required=True, schema={"type": "string", "pattern": "^[!-~]{16,128}$"},
    ),
    "last-event-id": Parameter(
        description="The `seq` of the newest fact that the client has.", example="1042",
        schema={"type": "string", "pattern": "^[0-9]{0,15}$"},
    ),
    "last_event_id": Parameter(
        description="The same in the address, for clients that can't send the header.", example="1042",
        schema={"type": "string", "pattern": "^[0-9]{0,15}$"},
    ),
    "after": Parameter(description="Only what has a greater `seq`: the cursor, oldest first.", example=1042),
    "held": Parameter(description="Only what people hold.", example=True),
    "starred": Parameter(description="Only what somebody marked.", example=True),
    "hours": Parameter(description="A time of day at the site, also past midnight.", example="22:00-05:00"),
    "zone": Parameter(description="Only visits that came into this zone.", example="gateway"),
    "direction": Parameter(description="Only visits that crossed a line this way.", example="out"),
    "size": Parameter(
        description="Only what covered that much of the picture: below 2 %, below 6 %, more.", example="medium"
    ),
    "cause": Parameter(description="Only what was recorded for this cause.", example="motion"),
    "before": Parameter(description="Only what has a smaller `seq`: the cursor, newest first.", example=1042),
    "kind": Parameter(
        description="Only facts of these kinds; several times, or with commas.", example=["arrived"],
        schema={"type": "array", "maxItems": 40, "items": {"enum": [kind.value for kind in Kind]}},
    ),
    "since": Parameter(description="Not before this moment; with its offset from UTC.", example=AT),
    "until": Parameter(description="Before this moment; with its offset from UTC.", example=LATER),
    "limit": Parameter(description="At most so many on one page.", example=50),
    "newest_first": Parameter(description="Turn the order around.", example=True),
    "days": Parameter(description="How many days back.", example=7),
    "day": Parameter(description="A day at the site.", example="2026-11-21"),
    "format": Parameter(description="H.264 access units, or JPEGs.", example="jpeg"),
    "reason": Parameter(description="Why; stands in the journal.", example="Máy cũ bị mất"),
    "fps": Parameter(description="At most so many JPEGs a second.", example=2.0),
}  # fmt: skip
"""By the name in the document: a header's in small letters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """One header of an answer."""

    description: str
    example: Json
    schema: JsonObject


_TEXT: JsonObject = {"type": "string"}
_COOKIE = Head(
    description="The cookie of the session: `__Host-antt` on TLS, else `antt`.",
    example="antt=…; HttpOnly; Max-Age=7776000; Path=/; SameSite=strict", schema=_TEXT,
)  # fmt: skip
_PICTURE: dict[str, Head] = {
    "X-Frame-Age-Ms": Head(description="How old the picture is.", example=40, schema={"type": "integer"}),
    "X-Frame-Mono-Ms": Head(
        description="When it was taken, CLOCK_MONOTONIC.", example=86_523_962, schema={"type": "integer"}
    ),
}
_FILE: dict[str, Head] = {
    "Accept-Ranges": Head(description="Parts can be asked for with `Range`.", example="bytes", schema=_TEXT),
    "ETag": Head(description="Of this content, for `If-Range`.", example='"9f86d081"', schema=_TEXT),
}

HEADERS: dict[str, dict[str, Head]] = {
    "sign_in_here": {"Set-Cookie": _COOKIE},
    "sign_out": {"Set-Cookie": _COOKIE},
    "order_gate": {
        "Idempotency-Replayed": Head(
            description="`true` where this was answered before and nothing was done again.", example="true",
            schema={"const": "true"},
        ),
    },
    "send_snapshot": _PICTURE,
    "send_clip": _FILE,
    "send_thumbnail": _FILE,
}  # fmt: skip
"""Of an answer that succeeds, by the name of the function behind the call."""

REFUSAL: JsonObject = {
    "type": "urn:antt-gate:problem:beam_blocked", "title": "Something stands in the gateway.", "status": 409,
    "detail": "close was refused: Something stands in the gateway.", "code": "beam_blocked",
    "remedy": "Wait until it has gone, then try again.", "command_id": COMMAND_ID,
}  # fmt: skip

MEMBERS: dict[str, JsonObject] = {
    "rate_limited": {"retry_after_s": 4},
    "invalid_request": {"errors": [{"field": "body.command", "message": "Field required"}]},
    "unknown_command": {
        "errors": [{"field": "body.command", "message": "there is no command 'fly'; known: open close stop"}],
        "known": ["open", "close", "stop"],
    },
    "picture_stale": {"age_ms": 4012},
}
"""Members that a problem has beside the standard ones."""
