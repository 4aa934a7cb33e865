"""The district's authority: what it signs, what it can't sign for, and what phones think of it (docs/tls.md)."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from api.authority import (
    LOCAL,
    LONGEST_DAYS,
    PRIVATE,
    Authority,
    AuthorityError,
    issue,
    make_authority,
    may_sign_for,
    names_of,
    permits,
    read_authority,
    read_certificate,
    signed_by,
)
from tests.api.authority import NOW, District, serving, shake_hands

DAY = dt.timedelta(days=1)


@pytest.fixture
def district(tmp_path: Path) -> District:
    """Return a district that signs for its own domain too."""
    return District(folder=tmp_path, authority=make_authority("Huyện thử", ["an-ninh.example.vn"], NOW))


def issued(district: District, *names: str) -> x509.Certificate:
    return read_certificate(issue(district.authority, names, NOW).pem)


@pytest.mark.parametrize("name", ["192.168.1.20", "fd00::20", "cong3.local", "cong3.an-ninh.example.vn", "localhost"])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_phone_that_trusts_it_takes_the_gates_certificate(
    district: District, tmp_path: Path, name: str, newest: ssl.TLSVersion
) -> None:
    """Each kind of name, as a strict client checks it (VERIFY_X509_STRICT: key identifiers, usages, constraints)."""
    signed = issue(district.authority, ["10.1.2.3", name], NOW)
    phone = district.phone()
    phone.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    phone.maximum_version = newest
    assert shake_hands(phone, serving(signed.pem, signed.key_pem, tmp_path), name)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(phone, serving(signed.pem, signed.key_pem, tmp_path), "other.local")


def test_a_phone_that_does_not_trust_it_refuses(district: District, tmp_path: Path) -> None:
    signed = issue(district.authority, ["cong3.local"], NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(ssl.create_default_context(), serving(signed.pem, signed.key_pem, tmp_path), "cong3.local")


@pytest.mark.parametrize("name", ["bank.example", "8.8.8.8", "example.vn", "evil-an-ninh.example.vn"])
def test_a_stolen_key_of_it_can_not_pose_as_a_bank(district: District, tmp_path: Path, name: str) -> None:
    """Why a phone may be asked to trust it: its certificate itself limits what its key can sign for."""
    with pytest.raises(AuthorityError, match="may not sign for"):
        issue(district.authority, [name], NOW)
    subject = district.authority.certificate.subject
    unlimited = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
        .public_key(district.authority.key.public_key()).serial_number(1)
        .not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(district.authority.key.public_key()), critical=False)
        .sign(district.authority.key, hashes.SHA256())
    )  # fmt: skip
    forged = issue(Authority(certificate=unlimited, key=district.authority.key), [name], NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(district.phone(), serving(forged.pem, forged.key_pem, tmp_path), name)


def test_what_ios_asks_of_a_certificate_holds(district: District) -> None:
    """Apple, requirements for trusted certificates: SHA-256, names as SAN, serverAuth, at most 825 days."""
    certificate = read_certificate(issue(district.authority, ["cong3.local", "10.0.0.7"], NOW, days=5000).pem)
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    assert names_of(certificate) == ["cong3.local", "10.0.0.7"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= dt.timedelta(days=LONGEST_DAYS + 1)
    authority = district.authority.certificate
    limits = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert limits.critical
    assert (limits.value.ca, limits.value.path_length) == (True, 0)
    assert authority.extensions.get_extension_for_class(x509.NameConstraints).critical


def test_each_certificate_has_its_own_key_and_number(district: District) -> None:
    first, second = issued(district, "cong3.local"), issued(district, "cong3.local")
    assert first.public_key() != second.public_key()
    assert first.serial_number != second.serial_number


def test_a_certificate_never_outlives_its_authority(district: District) -> None:
    late = district.authority.certificate.not_valid_after_utc - 10 * DAY
    certificate = read_certificate(issue(district.authority, ["cong3.local"], late).pem)
    assert certificate.not_valid_after_utc == district.authority.certificate.not_valid_after_utc
    with pytest.raises(AuthorityError, match="has ended"):
        issue(district.authority, ["cong3.local"], late + 11 * DAY)


def test_a_clock_that_is_years_behind_signs_nothing(district: District) -> None:
    """A Raspberry Pi 4 has no clock battery: what it signs at its first breath would have ended before it is used."""
    with pytest.raises(AuthorityError, match="set the clock first"):
        issue(district.authority, ["cong3.local"], NOW - 400 * DAY)


def test_it_knows_whom_it_signed(district: District) -> None:
    other = make_authority("Huyện thử", (), NOW)
    mine = issued(district, "cong3.local")
    assert signed_by(mine, district.authority.certificate)
    assert not signed_by(mine, other.certificate), "the same name is not the same key"


def test_it_says_what_it_signs_for(district: District) -> None:
    """What it was made for beside what every authority may; a name below a known one needs no place of its own."""
    assert may_sign_for(district.authority.certificate) == ["an-ninh.example.vn"]
    made = make_authority("x", ["cong3.local", "203.0.113.7", "10.1.1.1"], NOW)
    assert may_sign_for(made.certificate) == ["203.0.113.7/32"]
    assert permits(made.certificate, "203.0.113.7")
    assert not permits(made.certificate, "203.0.113.8")
    assert all(permits(made.certificate, name) for name in (*LOCAL, *(one.partition("/")[0] for one in PRIVATE)))


def test_a_long_name_of_a_site_is_no_obstacle(district: District) -> None:
    assert make_authority("Cổng " * 40, (), NOW).certificate
    assert issued(district, ".".join(["a" * 30] * 6) + ".local")


def test_what_is_no_authority_is_refused(district: District) -> None:
    """A foreign key, a locked one, no certificate: each with its reason."""
    other = make_authority("x", (), NOW)
    with pytest.raises(AuthorityError, match="does not belong"):
        read_authority(district.authority.pem, other.key_pem)
    with pytest.raises(AuthorityError, match="can't be read"):
        read_authority(district.authority.pem, b"no key")
    with pytest.raises(AuthorityError, match="no certificate"):
        read_authority(b"", other.key_pem)
    assert read_authority(other.pem, other.key_pem).certificate == other.certificate
