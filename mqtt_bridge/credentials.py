"""The files that the configuration names: a password, a CA, a certificate with its key.

They are read anew at each connection, so that a renewed certificate needs no restart. `CredentialError` names the key
and what to do; it never holds a secret.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from mqtt_bridge import reasons
from mqtt_bridge.port import Broker


class CredentialError(Exception):
    """A file that can't be used."""


class _TidySocket(ssl.SSLSocket):
    """Closes itself where the handshake fails; paho leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature is ssl's
        """Shake hands; raises as `ssl.SSLSocket.do_handshake`."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _why(error: OSError) -> str:
    return reasons.plain(error.strerror or error)


def password(path: Path | None) -> str | None:
    """Read the first line of a password file. Raises `CredentialError`."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except OSError as error:
        text = f"mqtt.password_file {path} can't be read ({error.strerror}); make it readable for this user"
        raise CredentialError(text) from None
    except UnicodeDecodeError:
        raise CredentialError(f"mqtt.password_file {path} is not UTF-8 text; save it as UTF-8") from None


def tls_context(broker: Broker) -> ssl.SSLContext:
    """Make the TLS settings: the broker is verified, by name too. Raises `CredentialError`."""
    try:
        context = ssl.create_default_context(cafile=broker.ca_file)
    except OSError as error:
        text = f"mqtt.ca_file {broker.ca_file} can't be used ({_why(error)}); give a readable PEM file"
        raise CredentialError(text) from None
    context.sslsocket_class = _TidySocket
    if broker.cert_file and broker.key_file:
        try:
            # A password, though an empty one: an encrypted key must not ask at a terminal that nobody sees.
            context.load_cert_chain(broker.cert_file, broker.key_file, password="")
        except OSError as error:
            pair = f"mqtt.cert_file {broker.cert_file} and mqtt.key_file {broker.key_file}"
            text = f"{pair} can't be used ({_why(error)}); give a readable PEM pair without a password"
            raise CredentialError(text) from None
    return context
