"""For which names and addresses a gate's certificate must be: those by which phones reach its page."""

from __future__ import annotations

import fcntl
import re
import socket
import struct
from dataclasses import dataclass

from api.links import EVERYWHERE
from api.tls import canonical
from config.schema import LABEL, Settings

SIOCGIFADDR = 0x8915  # netdevice(7): the IPv4 address of an interface
HERE = ("localhost", "127.0.0.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What this machine is called, and its IPv4 addresses beside loopback."""

    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """`asked` for by the site, and `found` by ourselves: an authority that may not sign for one of the latter is no
    fault.
    """  # noqa: D205 - one thought

    asked: tuple[str, ...]
    found: tuple[str, ...]


def this_machine() -> Machine:
    """Ask the system. IPv6 is left out, its addresses change every day; a lasting one belongs into `names`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        addresses = [_address(asking, name) for _, name in socket.if_nameindex()]
    found = dict.fromkeys(address for address in addresses if address and not address.startswith("127."))
    return Machine(name=socket.gethostname().partition(".")[0].lower(), addresses=tuple(found))


def names_for(settings: Settings, machine: Machine, more: tuple[str, ...] = ()) -> Names:
    """Return the names of a gate's certificate. `more` are asked for beside those of the configuration.

    Each is as a certificate says it, so that the two compare: an address of IPv6 can be written in many ways.
    """
    api = settings.api
    asked = [*more, *(api.tls.names if api.tls else ())]
    asked += [api.domain] if api.domain else []
    asked += [host_of(api.public_url)] if api.public_url else []
    if api.host not in {*EVERYWHERE, *HERE, "::1"}:
        asked.append(api.host)
    found = list(HERE)
    if api.host in EVERYWHERE:
        found = [*machine.addresses, *([f"{machine.name}.local"] if re.fullmatch(LABEL, machine.name) else []), *found]
    kept = tuple(dict.fromkeys(map(canonical, asked)))
    return Names(asked=kept, found=tuple(name for name in dict.fromkeys(found) if name not in kept))


def host_of(url: str) -> str:
    """Return the host of a link, IPv6 without its brackets."""
    authority = url.partition("://")[2].partition("/")[0].lower()
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def _address(asking: socket.socket, interface: str) -> str | None:
    request = struct.pack("256s", interface.encode()[:15])
    try:
        answer = fcntl.ioctl(asking, SIOCGIFADDR, request)
    except OSError:  # an interface without an IPv4 address
        return None
    return socket.inet_ntoa(answer[20:24])
