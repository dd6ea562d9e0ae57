"""A network connection profile: where to connect and as whom."""

from base64 import b64encode
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from chargepointd.link.library import WebSocketURI


class BadProfile(Exception):
    """A person must change the profile. The text names what is wrong and the remedy, and holds no secret."""


class Profile(NamedTuple):
    """One network connection profile.

    url: ws:// or wss://; the identity is appended, percent-encoded, as the last path segment.
    subprotocols: in order of preference, such as ("ocpp2.0.1", "ocpp1.6").
    security_profile: 0 none, 1 basic authentication, 2 TLS and basic authentication, 3 TLS and client certificate.
    password: the bytes themselves (a 1.6 AuthorizationKey is hex on the wire and is given here decoded).
    roots: PEM files with the roots that may sign the certificate of the CSMS.
    system_roots: those of the system may as well.
    client_key: None when the key stands in client_cert.
    proxy: of HTTP, such as "http://user:password@proxy:3128"; "none"; empty: what the environment says.
    allow_wildcards: AllowCSMSTLSWildcards, a certificate for *.example.org will do.
    utc: s since 1970, by which the dates of certificates are judged; None: the system's clock, by OpenSSL.
    utc_sure: False: it is that time or later; whether what begins later has begun, nobody can say.
    """

    url: str
    identity: str
    subprotocols: tuple[str, ...]
    security_profile: int = 0
    password: bytes = b""
    roots: tuple[Path, ...] = ()
    system_roots: bool = False
    client_cert: Path | None = None
    client_key: Path | None = None
    allow_wildcards: bool = False
    proxy: str = ""
    open_timeout_s: float = 30.0
    utc: float | None = None
    utc_sure: bool = True


def address(profile: Profile) -> WebSocketURI:
    """The URL with the identity in it. BadProfile when it cannot be used, or would not be safe."""
    try:
        url = urlsplit(profile.url)
        host, port = url.hostname, url.port
    except ValueError as error:
        raise BadProfile(f"url {profile.url!r}: {error}") from None
    if url.username is not None or url.password is not None:
        raise BadProfile("url: holds a user or password; set the password of the connection profile instead")
    if url.scheme not in ("ws", "wss") or not host or url.fragment:
        raise BadProfile(f'url {profile.url!r}: expected a url such as "wss://csms.example.org/ocpp"')
    secure = url.scheme == "wss"
    _check(profile, secure)
    path = f"{quote(url.path.rstrip('/'), safe='/%:@!$&()*+,;=~')}/{quote(profile.identity, safe='')}"
    return WebSocketURI(
        secure, _ascii(host), port or (443 if secure else 80), path, quote(url.query, safe="/?%=&+:@,;")
    )


def _check(profile: Profile, secure: bool) -> None:
    if not profile.identity:
        raise BadProfile("identity: empty; set the identity by which the CSMS knows this station")
    if ":" in profile.identity:  # A00.FR.204: basic authentication ends the user name at the first ":"
        raise BadProfile(f"identity {profile.identity!r}: must not hold a colon")
    if profile.security_profile >= 2 and not secure:
        raise BadProfile(f'url {profile.url!r}: security profile {profile.security_profile} wants "wss://"')
    if profile.security_profile in (1, 2) and not profile.password:
        raise BadProfile(f"password: empty, security profile {profile.security_profile} wants one")
    if secure and not (profile.roots or profile.system_roots):
        raise BadProfile("root certificate of the CSMS: none is installed; set csms.ca_file, or have one installed")
    if profile.security_profile == 3 and profile.client_cert is None:
        raise BadProfile("client certificate: missing, security profile 3 wants one")


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError as error:
        raise BadProfile(f"url: {host!r} is no host name ({error})") from None


def authorization(profile: Profile) -> str | None:
    """The Authorization header of security profiles 1 and 2. A secret: not to be logged."""
    if profile.security_profile not in (1, 2):
        return None
    return "Basic " + b64encode(profile.identity.encode() + b":" + profile.password).decode("ascii")
