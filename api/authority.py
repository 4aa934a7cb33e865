"""The district's own certificate authority (CA), and what it signs: pure but for chance; time and names are arguments.

- An authority may sign only for addresses of private networks, for names that no public server can have, and for the
  names that it was made for (X.509 name constraints, critical). Who steals its key can pose as a gate, never as a bank:
  that is why a phone may be asked to trust it.
- Keys are P-256: every phone since 2015 knows them. A gate's certificate holds at most 825 days, which iOS demands of
  each authority that a person installs; its times begin a day early, for phones whose clock is behind.
- A new certificate has a new key. Nothing is ever signed for a name that the authority may not sign for.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
LONGEST_DAYS = 824  # 825 with the day by which it begins early
GATE_DAYS = 397
LONGEST_COMMON_NAME = 64  # bytes; RFC 5280, ub-common-name
EARLY = dt.timedelta(days=1)
PRIVATE = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7",
    "fe80::/10", "::1/128",
)  # fmt: skip
LOCAL = ("localhost", "local", "lan", "home.arpa", "internal")
Address = IPv4Address | IPv6Address


class AuthorityError(Exception):
    """What was asked can't be signed or read; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """An authority with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """Its certificate, for everybody."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """Its key, for nobody else."""
        return _key_pem(self.key)


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """A gate's certificate and its key, PEM."""

    pem: bytes
    key_pem: bytes


def make_authority(title: str, names: Iterable[str], now: dt.datetime) -> Authority:
    """Make one that may sign for private networks, local names, these addresses, and these domains with all below."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named(title)
    permitted = [_subtree(one) for one in (*LOCAL, *PRIVATE)]
    for one in dict.fromkeys(names):
        if not any(_within(one, known) for known in permitted):
            permitted.append(_subtree(one))
    begun = _begun(name, name, key.public_key(), now - EARLY, now + dt.timedelta(days=AUTHORITY_DAYS))
    certificate = (
        begun.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate=certificate, key=key)


def read_authority(pem: bytes, key_pem: bytes) -> Authority:
    """Return the authority of two files. Raises `AuthorityError`."""
    certificate = read_certificate(pem)
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError) as error:
        raise AuthorityError(f"its key can't be read ({error})") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise AuthorityError("its key does not belong to its certificate")
    return Authority(certificate=certificate, key=key)


def read_certificate(pem: bytes) -> x509.Certificate:
    """Return the first certificate of a PEM file. Raises `AuthorityError`."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise AuthorityError("there is no certificate in PEM form") from None


def issue(authority: Authority, names: Sequence[str], now: dt.datetime, days: int = GATE_DAYS) -> Issued:
    """Make a key and a certificate for these names and addresses. Raises `AuthorityError`.

    It never outlives the authority.
    """
    if foreign := [name for name in names if not permits(authority.certificate, name)]:
        text = f"this authority may not sign for {', '.join(foreign)}; make a new one with: antt-gate tls init --new-ca"
        raise AuthorityError(text)
    begins = max(now - EARLY, authority.certificate.not_valid_before_utc)
    ends = min(now + dt.timedelta(days=min(days, LONGEST_DAYS)), authority.certificate.not_valid_after_utc)
    if now < authority.certificate.not_valid_before_utc:
        text = f"the clock says {now:%Y-%m-%d %H:%M} UTC, when this authority did not exist yet; set the clock first"
        raise AuthorityError(text)
    if ends <= now:
        raise AuthorityError("this authority has ended; make a new one with: antt-gate tls init --new-ca")
    key = ec.generate_private_key(ec.SECP256R1())
    authority_key = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    # With the space no verifier takes the title for a host name, which the constraints would then forbid.
    begun = _begun(_named(f"antt-gate {names[0]}"), authority.certificate.subject, key.public_key(), begins, ends)
    certificate = (
        begun.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_key), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Issued(pem=certificate.public_bytes(serialization.Encoding.PEM), key_pem=_key_pem(key))


def signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tell whether an authority signed this certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - wrong names, a foreign algorithm, a wrong signature: any of them means no
        return False
    return True


def names_of(certificate: x509.Certificate) -> list[str]:
    """Return the names and addresses that a certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in found if isinstance(name, x509.DNSName | x509.IPAddress)]


def permits(authority: x509.Certificate, name: str) -> bool:
    """Tell whether an authority may sign for a name or an address; one without constraints may for all."""
    try:
        found = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return True
    return any(_within(name, permitted) for permitted in found.permitted_subtrees or ())


def may_sign_for(authority: x509.Certificate) -> list[str]:
    """Return the domains and addresses that an authority was made for, beside private networks and local names."""
    try:
        found = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return ["every name"]
    return [str(one.value) for one in found.permitted_subtrees or () if one not in map(_subtree, (*LOCAL, *PRIVATE))]


def address_of(name: str) -> Address | None:
    """Return an address if the name is one."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _subtree(name: str) -> x509.GeneralName:
    """Return what permits a domain with all below it, a network, or one address."""
    try:
        return x509.IPAddress(ipaddress.ip_network(name))
    except ValueError:
        return x509.DNSName(name)


def _within(name: str, permitted: x509.GeneralName) -> bool:
    address = address_of(name)
    match permitted:
        case x509.IPAddress() if address and isinstance(permitted.value, IPv4Network | IPv6Network):
            return address in permitted.value
        case x509.DNSName() if address is None:
            return name == permitted.value or name.endswith(f".{permitted.value}")
        case _:
            return False


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: dt.datetime, ends: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _named(title: str) -> x509.Name:
    short = title.encode()[:LONGEST_COMMON_NAME].decode(errors="ignore")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, short)])


def _general(name: str) -> x509.GeneralName:
    address = address_of(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
