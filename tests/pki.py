"""Certificates of the tests: roots, authorities below them, servers and stations, good and bad in every way.

root = Authority("Root")
sub = root.authority("Sub")
leaf = sub.issue("station-1", organization="Owner")      # leaf.pem, leaf.chain, leaf.key
chain = sub.sign(csr)                                    # a certificate for the key of a request
"""

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

DAY = timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Issued(NamedTuple):
    """pem: the certificate alone. chain: with the authorities above it, without the root."""

    pem: str
    chain: str
    key: str
    certificate: x509.Certificate

    def file(self, where: Path, name: str) -> Path:
        """Chain and key in one file."""
        path = where / name
        path.write_text(self.chain + self.key)
        return path


class Authority:
    """A root, or what another authority signed. starts_in, ends_in: days from now; `key` "EC" or bits of RSA."""

    def __init__(
        self,
        name: str,
        above: "Authority | None" = None,
        *,
        starts_in: float = -1,
        ends_in: float = 3650,
        key: Any = "EC",
        ca: bool | None = True,
        path_length: int | None = None,
    ) -> None:
        self.name = named(name)
        self._above = above
        self._key = new_key(key)
        signer = above or self
        made = _builder(self.name, self._key.public_key(), signer.name, starts_in, ends_in)
        if ca is not None:
            made = made.add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
        self.certificate = made.sign(signer._key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def chain(self) -> str:
        """From this one up, without the root."""
        return self.pem + self._above.chain if self._above else ""

    def authority(self, name: str, **more: Any) -> "Authority":
        return Authority(name, self, **more)

    def issue(self, name: str, *hosts: str, key: Any = "EC", organization: str = "", **more: Any) -> Issued:
        """`hosts`: alternative names; none: the common name only."""
        made = new_key(key)
        certificate = self._leaf(named(name, organization), made.public_key(), hosts, **more)
        pem = certificate.public_bytes(Encoding.PEM).decode()
        secret = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return Issued(pem, pem + self.chain, secret, certificate)

    def sign(self, csr: str, *, subject: x509.Name | None = None, **more: Any) -> str:
        """The chain for a request (PEM), without the root."""
        request = x509.load_pem_x509_csr(csr.encode())
        assert request.is_signature_valid
        certificate = self._leaf(subject or request.subject, request.public_key(), (), **more)
        return certificate.public_bytes(Encoding.PEM).decode() + self.chain

    def _leaf(
        self, subject: x509.Name, key: Any, hosts: tuple[str, ...], *, starts_in: float = -1, ends_in: float = 365,
        serial: int | None = None, signature: Any = None, ocsp: str = "", ca: bool = False,
        purposes: tuple[x509.ObjectIdentifier, ...] = (), signs: bool | None = None,
    ) -> x509.Certificate:  # fmt: skip
        """purposes: extended key usage. signs: key usage, whether signatures are among it; None: it says nothing."""
        made = _builder(subject, key, self.name, starts_in, ends_in, serial)
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        if purposes:
            made = made.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if signs is not None:
            made = made.add_extension(_usage(signs), critical=True)
        if hosts:
            names = x509.SubjectAlternativeName([_general(host) for host in hosts])
            made = made.add_extension(names, critical=False)
        if ocsp:
            place = x509.UniformResourceIdentifier(ocsp)
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
            made = made.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        return made.sign(self._key, signature or hashes.SHA256())


def new_key(kind: Any = "EC") -> Key:
    if kind == "EC":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, kind) if isinstance(kind, int) else ec.generate_private_key(kind)


def named(common: str, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def with_serial(content: bytes) -> str:
    """A root with these bytes as its serial number, which the library would not make: negative, nought, too long."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, usual = named("odd"), 0x5A5A5A5A
    made = _builder(name, key.public_key(), name, -1, 365, usual)
    made = made.add_extension(x509.BasicConstraints(True, None), critical=True)
    signed = made.sign(key, hashes.SHA256()).tbs_certificate_bytes
    head = 2 if signed[1] < 128 else 2 + signed[1] % 128
    signed = _der(0x30, signed[head:].replace(_der(2, usual.to_bytes(4, "big")), _der(2, content), 1))
    ecdsa_with_sha256 = bytes.fromhex("300a06082a8648ce3d040302")
    signature = _der(3, b"\x00" + key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return ssl.DER_cert_to_PEM_cert(_der(0x30, signed + ecdsa_with_sha256 + signature))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (length if size < 128 else bytes([0x80 | len(length)]) + length) + content


def _builder(
    subject: x509.Name, key: Any, issuer: x509.Name, starts_in: float, ends_in: float, serial: int | None = None
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    number = x509.random_serial_number() if serial is None else serial
    return x509.CertificateBuilder(issuer, subject, key, number, now + starts_in * DAY, now + ends_in * DAY)


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(signs, False, True, False, False, False, False, False, False)


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def server_context(issued: Issued, *clients: Authority) -> ssl.SSLContext:
    """A server that shows this; with `clients`, only for those who show a certificate of theirs."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    show(made, issued)
    if clients:
        made.verify_mode = ssl.CERT_REQUIRED
        for authority in clients:
            made.load_verify_locations(cadata=authority.pem)
    return made


def show(context: ssl.SSLContext, issued: Issued) -> None:
    """From the next handshake on, show this certificate."""
    with tempfile.TemporaryDirectory() as where:
        context.load_cert_chain(issued.file(Path(where), "shown.pem"))
