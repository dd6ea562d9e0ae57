"""Why a connection or an attempt ended, in words for the service technician, with the remedy."""

import ssl
from typing import Literal, NamedTuple

from chargepointd.link.library import InvalidHandshake, InvalidHeader, InvalidStatus, NegotiationError

_NOT_YET_VALID = 9  # X509_V_ERR_CERT_NOT_YET_VALID, to which Python gives no name

Kind = Literal[
    "refused",  # no TCP connection: name unknown, port closed, network unreachable
    "timeout",  # not open within the profile's time
    "certificate",  # the server's certificate is not good (security event InvalidCsmsCertificate)
    "tls-version",  # the server offers TLS below 1.2 only (security event InvalidTLSVersion)
    "tls-cipher",  # no cipher suite in common (security event InvalidTLSCipherSuite)
    "tls-client",  # the server refused our client certificate, or wants one (FailedToAuthenticateAtCsms)
    "tls",  # TLS failed otherwise
    "proxy",  # the proxy on the way gave none: not reached, wrong password, forbidden
    "profile",  # our own profile cannot be used: a person must change it
    "unauthorized",  # HTTP 401 or 403: the CSMS does not believe who we are (FailedToAuthenticateAtCsms)
    "http",  # the server answered, but not with an upgrade to websocket
    "subprotocol",  # none of the OCPP versions we offered was chosen
    "protocol",  # the server broke RFC 6455, or sent more than we take
    "lost",  # the TCP connection ended without a close frame
    "closed",  # closed by the CSMS, as it should be
    "left",  # closed by the station: close, suspend, end of the program
    "pong",  # the server no longer answers: half-open
]


class Ended(NamedTuple):
    """reason: one line, free of secrets, with the remedy where a person can do something."""

    kind: Kind
    reason: str
    early: bool = False
    """all that is wrong with the certificate may be the system's clock: by it, its term has not begun"""


class ProxyRefused(Exception):
    """The proxy gave no way to the CSMS. The text names the remedy, and holds no secret."""


_HTTP_REMEDIES = {
    400: "the CSMS does not like the request; check the path of the url and the identity",
    401: "wrong password or unknown identity; set the same password here and at the CSMS",
    403: "the CSMS refuses this station; register the identity there and allow it",
    404: "nothing at this address; check the path of the url and register the identity at the CSMS",
    426: "the CSMS wants another protocol; check the url and the OCPP versions",
    429: "too many attempts for the CSMS; nothing to do but wait",
}


def http_ended(error: Exception) -> Ended:
    """What the server's reply to the upgrade request means."""
    if isinstance(error, InvalidStatus):
        refused = error.response.status_code in (401, 403)
        return Ended("unauthorized" if refused else "http", _status_reason(error))
    about_protocol = isinstance(error, InvalidHeader) and error.name == "Sec-WebSocket-Protocol"
    if about_protocol or (isinstance(error, NegotiationError) and "subprotocol" in str(error)):
        return Ended("subprotocol", f"{error}; allow one of the offered OCPP versions at the CSMS")
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    what = "no websocket handshake" if isinstance(error, InvalidHandshake) else "no HTTP"
    return Ended("http", f"{what}: {error}{cause}; is the url that of an OCPP-J server?")


def _status_reason(error: InvalidStatus) -> str:
    code = error.response.status_code
    if 300 <= code < 400:
        where = error.response.headers.get("Location", "elsewhere")
        return f"HTTP {code}: redirected to {where!r}, which is not followed; set the url to the right address"
    if code >= 500:
        return f"HTTP {code}: the CSMS or a proxy before it is in trouble; trying again later"
    return f"HTTP {code}: {_HTTP_REMEDIES.get(code, 'no websocket there; check the url and the identity')}"


def transport_ended(error: OSError) -> Ended:
    """What an OSError on the way to an open connection means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return certificate_ended(error.verify_message, early=error.verify_code == _NOT_YET_VALID)
    if isinstance(error, ssl.SSLError):
        return _tls_ended(error)
    if isinstance(error, ConnectionResetError | ConnectionAbortedError):
        return Ended("refused", "the CSMS closed the connection during the handshake; is the url the right one?")
    return Ended("refused", f"{error.strerror or error}")


def certificate_ended(wrong: str, *, early: bool = False) -> Ended:
    why = f"the certificate of the CSMS is not good: {wrong}"
    return Ended("certificate", f"{why}; install its root certificate, or have the CSMS certificate renewed", early)


def _tls_ended(error: ssl.SSLError) -> Ended:
    reason = error.reason or str(error)
    if "PROTOCOL_VERSION" in reason or "UNSUPPORTED_PROTOCOL" in reason:
        return Ended("tls-version", "the CSMS offers no TLS 1.2 or newer; it must be updated")
    if "HANDSHAKE_FAILURE" in reason or "NO_SHARED_CIPHER" in reason or "INSUFFICIENT_SECURITY" in reason:
        return Ended(
            "tls-cipher",
            f"no TLS handshake with the CSMS ({reason}); cipher suites do not meet, or it wants a client certificate",
        )
    if "CIPHER_RETURNED" in reason:
        return Ended("tls-cipher", f"the CSMS chose a cipher suite that was not offered ({reason}); it must be updated")
    if "WRONG_VERSION_NUMBER" in reason or "RECORD_LAYER_FAILURE" in reason:
        return Ended("tls", "the port speaks no TLS; check scheme and port of the url")
    if "ALERT" in reason and any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")):
        return Ended("tls-client", f"the CSMS broke off TLS ({reason}); it does not accept our client certificate")
    if "ALERT" in reason:
        return Ended("tls", f"the CSMS broke off TLS ({reason}); does it accept our client certificate?")
    return Ended("tls", f"TLS failed ({reason})")
