"""The TLS rules of OCPP security profiles 2 and 3 (2.0.1 part 2, A00.FR.309 to 322 and .412 to .424)."""

import ssl
from collections.abc import Mapping
from typing import Any

from chargepointd.link.profile import BadProfile, Profile
from chargepointd.link.resolve import is_address

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
    made.options |= ssl.OP_NO_COMPRESSION
    made.set_ciphers(CIPHERS)
    made.hostname_checks_common_name = True  # used only where the certificate has no alternative names
    try:
        _load(made, profile)
    except OSError as error:  # ssl.SSLError, for a file that is no PEM, is one as well
        raise BadProfile(f"certificate files: {error}") from None
    return made


def _load(made: ssl.SSLContext, profile: Profile) -> None:
    if profile.ca_file is None:
        made.load_default_certs()
    else:
        made.load_verify_locations(_readable(profile.ca_file))
    if profile.security_profile == 3 and profile.client_cert is not None:
        key = None if profile.client_key is None else _readable(profile.client_key)
        made.load_cert_chain(_readable(profile.client_cert), key, password=_no_password)


def _readable(path: Any) -> Any:
    """OpenSSL's own error does not name the file."""
    with path.open("rb"):
        return path


def _no_password() -> str:
    raise BadProfile("client key: encrypted; store it without a password, readable by the daemon only")


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
