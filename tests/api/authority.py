"""A district's authority and a gate's certificate in a folder, for tests of TLS; and handshakes in memory."""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from api.authority import Authority, issue, make_authority
from config.schema import Tls

NOW = dt.datetime.now(dt.UTC)
LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(kw_only=True)
class District:
    """An authority, and the files of one gate that it signs for."""

    folder: Path
    authority: Authority = field(default_factory=lambda: make_authority("antt-gate CA thử", (), NOW))

    @property
    def tls(self) -> Tls:
        """What the gate's configuration says."""
        ca = self.folder / "ca.pem"
        ca.write_bytes(self.authority.pem)
        return Tls(cert_file=self.folder / "page.pem", key_file=self.folder / "page.key", ca_file=ca)

    @property
    def overrides(self) -> str:
        """The same for `--set`."""
        files = self.tls
        return f'api.tls={{cert_file="{files.cert_file}",key_file="{files.key_file}",ca_file="{files.ca_file}"}}'

    def sign(self, *names: str, now: dt.datetime = NOW, days: int = 397) -> bytes:
        """Write a new certificate and key for these names, by default this machine; return the certificate."""
        issued = issue(self.authority, names or LOOPBACK, now, days)
        self.tls.key_file.write_bytes(issued.key_pem)
        self.tls.cert_file.write_bytes(issued.pem)
        return issued.pem

    def phone(self) -> ssl.SSLContext:
        """Return what a phone speaks that trusts this authority alone."""
        return ssl.create_default_context(cadata=self.authority.pem.decode())


def serving(pem: bytes, key_pem: bytes, folder: Path) -> ssl.SSLContext:
    """Return a server's side with this certificate."""
    (folder / "served.pem").write_bytes(pem + key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "served.pem")
    return context


def shake_hands(phone: ssl.SSLContext, server: ssl.SSLContext, name: str | None) -> bytes:
    """Shake hands in memory; return the certificate that the phone was given. Raises what the phone raises."""
    to_server, to_phone = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = phone.wrap_bio(to_phone, to_server, server_hostname=name)
    for end in (client, server.wrap_bio(to_server, to_phone, server_side=True)) * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.getpeercert(binary_form=True) or b""
