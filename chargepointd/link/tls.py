"""The TLS rules of OCPP security profiles 2 and 3 (2.0.1 part 2, A00.FR.309 to 322 and .412 to .424)."""

import ssl
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from chargepointd.link.profile import BadProfile, Profile
from chargepointd.link.resolve import is_address

_DER = 2  # _ssl.ENCODING_DER
# The suites the standard names, the ones with forward secrecy first. Those of TLS 1.3 are always offered besides.
CIPHERS = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "@SECLEVEL=2",  # no RSA key below 2048 bit, no SHA-1 signature
    )
)


def context(profile: Profile) -> ssl.SSLContext:
    """TLS 1.2 or newer without compression; chain, dates and host name are checked. BadProfile: a file is missing."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    made.set_ciphers(CIPHERS)
    made.hostname_checks_common_name = True  # used only where the certificate has no alternative names
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a root may have been signed by the one before it
    if profile.system_roots:
        made.load_default_certs()
    for root in profile.roots:
        _load(root, made.load_verify_locations, root)
    if profile.security_profile == 3 and profile.client_cert is not None:
        key = profile.client_key or profile.client_cert
        _load(profile.client_cert, made.load_cert_chain, profile.client_cert, key, _no_password)
    return made


def _load(file: Path, load: Callable[..., None], *args: Any) -> None:
    try:
        load(*args)
    except OSError as error:  # ssl.SSLError, for a file that is no PEM or a key of another certificate, is one as well
        raise BadProfile(f"{file}: {error.strerror or error}; install the right PEM file") from None


def _no_password() -> str:
    raise BadProfile("client key: encrypted; store it without a password, readable by the daemon only")


def anchor(connection: Any) -> str:
    """Fingerprint (SHA-256, hexadecimal) of what the verified chain of an `ssl.SSLObject` ends in: a root of ours.
    Empty where this Python cannot tell."""
    chain = _verified(connection)
    return sha256(chain[-1].public_bytes(_DER)).hexdigest() if chain else ""


def good_until(connection: Any, certificate: Mapping[str, Any]) -> float:
    """UTC, s since 1970: when the first certificate of the chain ends, the root's too; where this Python cannot tell
    the chain, that of the server alone."""
    ends = [certificate["notAfter"], *(each.get_info()["notAfter"] for each in _verified(connection))]
    return float(min(map(ssl.cert_time_to_seconds, ends)))


def _verified(connection: Any) -> Any:
    verified = getattr(getattr(connection, "_sslobj", None), "get_verified_chain", None)  # not public before 3.13
    return (verified and verified()) or ()


def needs_wildcard(certificate: Mapping[str, Any], host: str) -> bool:
    """Whether a certificate that OpenSSL found good for `host` is so only by a wildcard.

    certificate: as SSLSocket.getpeercert() gives it.
    """
    if is_address(host):
        return False  # never matched by a wildcard
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    if not names:
        subject = certificate.get("subject", ())
        names = [value for part in subject for key, value in part if key == "commonName"]
    return host.lower() not in [name.lower() for name in names]
