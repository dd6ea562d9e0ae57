"""Where a file is, or is to go: a URL taken apart."""

from urllib.parse import quote, unquote, urlsplit

from chargepointd.core.masking import masked
from chargepointd.core.tuples import NamedTuple
from chargepointd.jobs.transfer.failure import TransferFailed

PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 990, "ftpes": 21, "sftp": 22}
"""scheme -> port where the URL names none"""


_URL_SIGNS = "/%?:@!$&'()*+,;=~"
"""that may stand in a path or query (RFC 3986, 3.3 and 3.4); all else is percent-encoded where it was not"""


class Address(NamedTuple):
    scheme: str
    host: str
    port: int
    user: str
    password: str
    path: str
    """as in the URL, percent-encoded, "/" at least"""
    query: str = ""

    @property
    def folder(self) -> bool:
        """The URL names a folder, not a file."""
        return self.path.endswith("/")

    @property
    def file(self) -> str:
        """The path on a file server, without the slash that separates it from the host: "//etc/x" and "%2Fetc/x"
        begin at the root, "logs/x" where the user's files are (RFC 1738, 3.2.2)."""
        return unquote(self.path[1:])

    def within(self, name: str) -> "Address":
        """The file of that name in this folder."""
        return self._replace(path=self.path + ("" if self.folder else "/") + quote(name))

    @property
    def shown(self) -> str:
        """For logs and errors."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """Host and port, as they stand in a URL, a Host header and CONNECT."""
        return f"{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """As it goes over the line: an IPv6 address in brackets (RFC 3986, 3.2.2), a name by IDNA."""
    return f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")


def address(url: str) -> Address:
    """TransferFailed, where it is no URL, or of a protocol that is not spoken."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TransferFailed(f"{masked(url)}: no address: {error}", "BadMessage") from None
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        spoken = ", ".join(PORTS)
        raise TransferFailed(f'{masked(url)}: "{scheme}" is not spoken, only {spoken}', "NotSupportedOperation")
    if not parts.hostname:
        raise TransferFailed(f"{masked(url)}: names no host", "BadMessage")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    path, query = quote(parts.path or "/", safe=_URL_SIGNS), quote(parts.query, safe=_URL_SIGNS)
    found = Address(scheme, _host(parts.hostname, url), port or PORTS[scheme], user, password, path, query)
    if any(ord(sign) < 32 for sign in user + password + found.file):
        raise TransferFailed(f"{masked(url)}: has control characters", "BadMessage")
    return found


def _host(name: str, url: str) -> str:
    try:
        name.encode("idna")
    except UnicodeError:  # an empty part, or one of more than 63 characters
        raise TransferFailed(f"{masked(url)}: names no host that can be", "BadMessage") from None
    return name
