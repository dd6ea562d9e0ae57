"""The TLS rules of OCPP security profiles 2 and 3 (2.0.1 part 2, A00.FR.309 to 322 and .412 to .424)."""

import logging
import ssl
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from chargepointd.link.profile import BadProfile, Profile
from chargepointd.link.repeats import Repeats
from chargepointd.link.resolve import is_address

_log = Repeats(logging.getLogger(__name__))

SLOW_S = 300.0
"""so far behind may a clock be by which a certificate is judged that was made a moment ago"""
_DER = 2  # _ssl.ENCODING_DER
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, to which Python gives no name
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
    """TLS 1.2 or newer without compression; chain, dates and host name are checked, but the dates only where the
    system's clock can be believed: see `untimely`. BadProfile: a file is missing."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    made.set_ciphers(CIPHERS)
    made.hostname_checks_common_name = True  # used only where the certificate has no alternative names
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a root may have been signed by the one before it
    if profile.utc is not None:
        made.verify_flags |= _NO_CHECK_TIME
    if profile.system_roots:
        made.load_default_certs()
    _trust(made, profile)
    if profile.security_profile == 3 and profile.client_cert is not None:
        key = profile.client_key or profile.client_cert
        _load(profile.client_cert, made.load_cert_chain, profile.client_cert, key, _no_password)
    return made


def _trust(made: ssl.SSLContext, profile: Profile) -> None:
    """One root that cannot be read must not keep those from vouching that can."""
    broken = []
    for root in profile.roots:
        try:
            _load(root, made.load_verify_locations, root)
        except BadProfile as error:
            broken.append(error)
    if broken and len(broken) == len(profile.roots) and not profile.system_roots:
        raise broken[0]
    for complaint in broken:
        _log.say("root", logging.WARNING, "csms: a root certificate cannot be used: %s", complaint)


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


def term(connection: Any, certificate: Mapping[str, Any]) -> tuple[float, float]:
    """UTC, s since 1970: when the last certificate of the chain begins and the first one ends, the root's too; where
    this Python cannot tell the chain, of that of the server alone."""
    chain = [certificate, *(each.get_info() for each in _verified(connection))]
    begins = max(ssl.cert_time_to_seconds(each["notBefore"]) for each in chain)
    ends = min(ssl.cert_time_to_seconds(each["notAfter"]) for each in chain)
    return float(begins), float(ends)


def untimely(begins: float, ends: float, utc: float | None, *, sure: bool) -> str:
    """What is wrong with a chain that is good from `begins` to `ends`, where OpenSSL did not look.

    All in UTC. utc, sure: as `Profile.utc` and `Profile.utc_sure`.
    """
    if utc is None:
        return ""
    if utc > ends:
        return "certificate has expired"
    return "certificate is not yet valid" if sure and utc < begins - SLOW_S else ""


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
