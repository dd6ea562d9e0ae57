"""X.509: what is wrong with a certificate or a chain, and the hashes by which OCPP names one.

A chain is PEM text, leaf first, each signed by the next; the root may stand at its end. Imports `cryptography`, so it
is imported only by jobs.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

DEEPEST = 3
"""authorities above the leaf of a chain"""
_LEAST_BITS = {"RSA": 2048, "DSA": 2048, "EC": 224}
"""A00.FR.502, A00.FR.503"""
_LONGEST_SERIAL = 40
"""hexadecimal digits: 20 bytes (RFC 5280, 4.1.2.2; CertificateHashDataType). A longer one could never be told."""
_ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
_PURPOSES = {ExtendedKeyUsageOID.CLIENT_AUTH: "clients of TLS", ExtendedKeyUsageOID.CODE_SIGNING: "code"}
_MISMADE = (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_ALGORITHMS = {"SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}


def verify_chain(pem: str, roots: Iterable[str], at: datetime | None) -> str:
    """What is wrong with this chain, in words for a person; empty when it is good and leads to one of the roots (PEM).

    at: the moment it must be valid at; None: nobody knows the time, so its dates are not judged.
    """
    try:
        chain = parse(pem)
    except ValueError as error:
        return str(error)
    return chain_complaint(chain, parsed(roots), at)


def moment(utc: float | None) -> datetime | None:
    return None if utc is None else datetime.fromtimestamp(utc, UTC)


def parse(pem: str) -> list[x509.Certificate]:
    """ValueError: it is no PEM certificate."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode("ascii"))
        for certificate in found:  # parsed as late as they can be
            _ = certificate.public_key(), certificate.extensions, certificate.issuer, certificate.subject
    except (ValueError, UnsupportedAlgorithm, *_MISMADE) as error:
        raise ValueError(f"no certificate in PEM: {error}") from None
    return found


def parsed(pems: Iterable[str]) -> list[x509.Certificate]:
    """Those of the store. What the disk has damaged is left out: the others still hold."""
    found = []
    for pem in pems:
        with suppress(ValueError):
            found += parse(pem)
    return found


def chain_complaint(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime | None) -> str:
    """at: None, nobody knows the time; so here and below."""
    if len(chain) > DEEPEST + 1:
        return f"a chain of {len(chain)} certificates; at most {DEEPEST + 1}"
    for place, certificate in enumerate(chain):
        wrong = complaint(certificate, at) or (place and _ca_complaint(certificate, below=place - 1))
        if wrong:
            return wrong
    for certificate, issuer in pairwise(chain):
        if not issued(certificate, issuer):
            return f"{name(certificate)} is not signed by {name(issuer)}"
    return _anchor_complaint(chain, roots, at)


def _anchor_complaint(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime | None) -> str:
    top = chain[-1]
    anchors = [root for root in roots if root == top or issued(top, root)]
    if not anchors:
        return f"{name(top)} is signed by nobody this station trusts: install the root certificate first"
    complaints = [complaint(root, at) or (root != top and _ca_complaint(root, len(chain) - 1)) for root in anchors]
    return "" if not all(complaints) else str(complaints[0])


def complaint(certificate: x509.Certificate, at: datetime | None) -> str:
    """What is wrong with a certificate by itself."""
    if at is None:
        return _weakness(certificate) or _serial_complaint(certificate)
    if at < certificate.not_valid_before_utc:
        return f"{name(certificate)} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    if at > certificate.not_valid_after_utc:
        return f"{name(certificate)} has expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    return complaint(certificate, None)


def _serial_complaint(certificate: x509.Certificate) -> str:
    """Later versions of the library will not read one that is not positive: kept, it would be lost some day."""
    if 0 < certificate.serial_number < 16**_LONGEST_SERIAL:
        return ""
    return f"{name(certificate)} has a serial number that is not positive, or longer than 20 bytes"


def _weakness(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey | ec.EllipticCurvePublicKey):
        kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else "DSA" if isinstance(key, dsa.DSAPublicKey) else "EC"
        if key.key_size < _LEAST_BITS[kind]:
            return f"{name(certificate)} has a weak key: {kind} {key.key_size} bit, at least {_LEAST_BITS[kind]}"
    if isinstance(certificate.signature_hash_algorithm, hashes.MD5 | hashes.SHA1):
        return f"{name(certificate)} has a weak signature: {certificate.signature_hash_algorithm.name}"
    return ""


def root_complaint(certificate: x509.Certificate, at: datetime | None) -> str:
    """What is wrong with a certificate that others are to be trusted by."""
    return complaint(certificate, at) or _ca_complaint(certificate, 0) or _self_complaint(certificate)


def _self_complaint(certificate: x509.Certificate) -> str:
    if certificate.issuer == certificate.subject and not issued(certificate, certificate):
        return f"{name(certificate)} says it is signed by itself and is not"
    return ""


def _ca_complaint(certificate: x509.Certificate, below: int) -> str:
    """`below`: CA certificates under it, in the chain."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return f"{name(certificate)} is no certificate of an authority"
    if not constraints.ca:
        return f"{name(certificate)} is no certificate of an authority"
    if constraints.path_length is not None and below > constraints.path_length:
        return f"{name(certificate)} allows {constraints.path_length} authorities below it, there are {below}"
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    return "" if usage.key_cert_sign else f"{name(certificate)} may not sign certificates (key usage)"


def leaf_complaint(leaf: x509.Certificate, purpose: x509.ObjectIdentifier | None = None) -> str:
    """Why nobody can prove who he is by this certificate, for this purpose; empty: he can."""
    for extension in leaf.extensions:
        if isinstance(extension.value, x509.BasicConstraints) and extension.value.ca:
            return f"{name(leaf)} is one of an authority"
    return usage_complaint(leaf, purpose)


def usage_complaint(leaf: x509.Certificate, purpose: x509.ObjectIdentifier | None = None) -> str:
    """Where the certificate says what it is for, signatures and this purpose have to be among it (RFC 5280, 4.2.1.3 and
    4.2.1.12)."""
    for extension in leaf.extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage) and not value.digital_signature:
            return f"{name(leaf)} may not sign (key usage)"
        if purpose and isinstance(value, x509.ExtendedKeyUsage) and not {purpose, _ANY} & set(value):
            return f"{name(leaf)} is not for {_PURPOSES[purpose]} (extended key usage)"
    return ""


def issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def name(certificate: x509.Certificate) -> str:
    return f'"{certificate.subject.rfc4514_string()}"'


def pem_of(chain: Iterable[x509.Certificate]) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)


def file_name(certificate: x509.Certificate) -> str:
    """By which it is kept: the same certificate has the same name."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def hash_data(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> tuple[str, ...]:
    """CertificateHashDataType: algorithm, issuerNameHash, issuerKeyHash, serialNumber (RFC 6960 §4.1.1).

    The key is hashed as the content of its BIT STRING: no tag, no length, no unused bits. The serial number has no
    leading zeros (2.0.1 part 2, CertificateHashDataType).
    """

    def digest(data: bytes) -> str:
        made = hashes.Hash(_ALGORITHMS[algorithm])
        made.update(data)
        return made.finalize().hex()

    issuer_name = certificate.issuer.public_bytes()
    return (algorithm, digest(issuer_name), digest(_key_bits(issuer)), f"{certificate.serial_number:x}")


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The BIT STRING of SubjectPublicKeyInfo: SEQUENCE { SEQUENCE algorithm, BIT STRING key }."""
    info = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    content, _ = _content(info)
    _, rest = _content(content)
    bits, _ = _content(rest)
    return bits[1:]


def _content(der: bytes) -> tuple[bytes, bytes]:
    """Of the first element: its content, and what follows it."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    return der[start : start + length], der[start + length :]


def issuer_among(certificate: x509.Certificate, known: Iterable[x509.Certificate]) -> x509.Certificate:
    """Who signed it; itself for a root, and where nobody known did."""
    return next((each for each in known if issued(certificate, each)), certificate)
