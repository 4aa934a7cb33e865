"""Why the broker can't be used, in words that say what to do. Tables and pure functions; no network here.

The codes are those of MQTT 5 (OASIS standard, 2.4). A sentence names the configuration key or the broker's own setting
that would clear it, because it is read by whoever looks after the gate: in `status`, in the log. The officers' page
says it in their own words, by its kind (`kind_of`).
"""

from __future__ import annotations

import re
import socket
import ssl

SUCCESS_BELOW = 0x80
NO_SUBSCRIBERS = 0x10
NOT_AUTHORISED = 0x87
SESSION_TAKEN_OVER = 0x8E
PACKET_TOO_LARGE = 0x95

_LOGIN = "check mqtt.username and the file of mqtt.password_file, and the broker's access list for this gate"
_CONNECT = {
    0x01: "the broker does not speak MQTT 5; use mosquitto 1.6 or newer",
    0x05: f"the broker refuses this gate (not authorised); {_LOGIN}",
    0x84: "the broker does not speak MQTT 5; use mosquitto 1.6 or newer",
    0x85: "the broker refuses the client id of this gate; allow antt-<site.id> there",
    0x86: f"the broker refuses this user name or password; {_LOGIN}",
    NOT_AUTHORISED: f"the broker refuses this gate (not authorised); {_LOGIN}",
    0x88: "the broker is not available now; it will be tried again",
    0x89: "the broker is busy; it will be tried again",
    0x8A: "the broker has banned this gate; clear that at the broker",
    0x8C: "the broker asks for another way to sign in than a password or a certificate; configure it for one of these",
    PACKET_TOO_LARGE: "the broker takes no packets as large as a connect; raise its max_packet_size",
    0x9A: "the broker keeps no retained messages, which this gate needs; set retain_available true there",
    0x9B: "the broker offers no QoS 1, which this gate needs; set max_qos 1 there",
    0x9F: "the broker limits connections; it will be tried again",
}
_PUBLISH = {
    NOT_AUTHORISED: "the broker's access list does not let this gate write {topic}; allow it there, "
    "or sign in with the certificate or user name of this site.id",
    0x90: "the broker refuses the topic {topic}; allow it there",
    PACKET_TOO_LARGE: "the broker takes no messages as large as this one on {topic}; raise its message_size_limit",
    0x97: "the broker's quota for this gate is used up; raise it there",
}
_LOSS = {
    0x8B: "the broker is shutting down",
    0x8D: "the broker heard nothing from this gate within the keepalive",
    SESSION_TAKEN_OVER: "another program connected as this gate; give every gate a site.id of its own",
    PACKET_TOO_LARGE: "the broker takes no packets as large as this one; raise its max_packet_size",
    0x98: "the broker's operator closed the connection",
}


_TECHNICAL = re.compile(r"^\[[^\]]*\] |\s*\(_ssl\.c:\d+\)$")


def plain(error: object) -> str:
    """Return what the system says of an error without its numbers: "Connection reset by peer"."""
    return _TECHNICAL.sub("", str(error))


def refused_connect(code: int, name: str) -> str:
    """Explain a CONNACK that says no."""
    return _CONNECT.get(code, f"the broker refuses this gate ({name}); see the broker's log")


def refused_publish(code: int, name: str, topic: str) -> str:
    """Explain a PUBACK that says no."""
    return _PUBLISH.get(code, "the broker refuses what this gate writes to {topic} ({name}); see its log").format(
        topic=topic, name=name
    )


def refused_subscription(name: str, topic: str) -> str:
    """Explain a SUBACK that says no."""
    return f"the broker does not let this gate read {topic} ({name}); allow it in the broker's access list"


def lost(code: int, detail: str) -> str:
    """Explain why a connection ended: the broker's own code where it gave one, else what the socket said."""
    return _LOSS.get(code, f"the connection to the broker was lost ({plain(detail) or 'closed by the broker'})")


def unanswered(detail: str, *, encrypted: bool) -> str:
    """Explain a connection that ended before the broker said anything."""
    if "certificate required" in detail.lower().replace("_", " "):
        return "the broker asks for a certificate; set mqtt.cert_file and mqtt.key_file"
    what = (
        f"the broker closed the connection at once ({plain(detail)})"
        if detail
        else "the broker closed the connection at once"
    )
    if "certificate revoked" in detail.lower().replace("_", " "):
        return "the broker's list says that this gate's certificate is revoked; ask for a new one (mqtt.cert_file)"
    if encrypted:
        return f"{what}; it may want another certificate, of its own CA and not revoked (mqtt.cert_file, mqtt.key_file)"
    return f"{what}; where it expects TLS, set mqtt.ca_file"


def mute(where: str) -> str:
    """Explain a connection that was accepted and then never answered."""
    return f"{where} accepts a connection but does not answer as an MQTT broker; check mqtt.host and mqtt.port"


def failed_connect(error: BaseException, where: str) -> str:
    """Explain why no connection came about. `where` is host:port."""
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate of {where} is not trusted ({error.verify_message}); check mqtt.ca_file and mqtt.host"
            )
        case ssl.SSLError():
            why = getattr(error, "reason", None) or plain(error)
            return f"no TLS with {where} ({why}); does its port speak TLS? check mqtt.port"
        case ConnectionRefusedError():
            return f"no broker answers at {where}; start it, or correct mqtt.host and mqtt.port"
        case socket.gaierror():
            return f"the name in {where} is not known; correct mqtt.host or the name server"
        case TimeoutError():
            return f"{where} does not answer in time; check the network, and mqtt.host and mqtt.port"
        case _:
            return f"no connection to {where} ({plain(error)})"


KINDS = {
    "broker_unreachable": (
        "no broker answers at|the name in|no connection to|nothing was heard from the broker|waiting for the broker"
        r"|\S+ does not answer in time|\S+ accepts a connection but"
    ),
    "broker_lost": (
        "connecting to|the connection to the broker was lost|the broker (is (shutting|not available|busy)|heard|limits)"
        "|the broker's operator"
    ),
    "broker_certificate": (
        "the certificate of|no TLS with|the broker asks for a certificate|the broker's list says"
        r"|mqtt\.(ca|cert|key)_file"
    ),
    "broker_denied": (
        "the broker (refuses this|refuses the client id|has banned|asks for another way|does not speak|closed|keeps"
        r"|offers)|mqtt\.password_file"
    ),
    "broker_forbids": "the broker('s access|'s quota| does not let| refuses the topic| refuses what| takes no)",
    "broker_silent": "the broker accepts messages but does not acknowledge",
    "receiver_silent": "no receiver confirms",
    "broker_double": "another program connected as this gate",
    "commands_blocked": "no command is taken",
}
"""What kind of trouble it is, by how its sentence begins (a regular expression)."""
OTHER_KIND = "other"
_BEGINNINGS = {kind: re.compile(beginning) for kind, beginning in KINDS.items()}


def kind_of(sentence: str) -> str:
    """Return the kind of a trouble, for words in another language. An empty sentence has none."""
    if not sentence:
        return ""
    return next((kind for kind, begins in _BEGINNINGS.items() if begins.match(sentence)), OTHER_KIND)


def remedy_of_a_file(error: Exception, otherwise: str) -> str:
    """Say what clears a fault of a file, by what the system said of it: what is usual is not always what it is."""
    said = (error.strerror or "") if isinstance(error, OSError) else str(error)
    if said.endswith(("is full", "No space left on device", "quota exceeded")):
        return "free some space on its disk"
    return "end the other program that holds it" if said.endswith("is locked") else otherwise
