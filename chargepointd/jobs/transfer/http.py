"""HTTP and HTTPS (RFC 9110)."""

import base64
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from urllib.parse import quote, urljoin

from chargepointd.jobs.transfer.address import PORTS, Address, address, bracketed
from chargepointd.jobs.transfer.failure import Kind, TransferFailed
from chargepointd.jobs.transfer.files import Sink, Source
from chargepointd.jobs.transfer.line import CHUNK, Line

REDIRECTIONS = 5
_MOVED = (301, 302, 303, 307, 308)
_KINDS: dict[int, Kind] = {
    400: "BadMessage",
    401: "PermissionDenied",
    403: "PermissionDenied",
    404: "NotFound",
    405: "NotSupportedOperation",
    407: "PermissionDenied",
    410: "NotFound",
    411: "BadMessage",
    415: "NotSupportedOperation",
    422: "BadMessage",
    501: "NotSupportedOperation",
    505: "NotSupportedOperation",
}
_NO_PUT = (405, 501)


class _Connection(HTTPConnection):
    """Whose socket is the line's."""

    def __init__(self, line: Line, where: Address) -> None:
        self._secure = where.scheme == "https"
        self._proxy = line.proxied(where.host, self._secure)
        super().__init__(*(self._proxy[:2] if self._proxy else (where.host, where.port)))
        self._line = line
        self._where = where
        if self._proxy and self._secure:
            self.set_tunnel(bracketed(where.host), where.port, self._authorization())
        else:
            self.default_port = PORTS[where.scheme]

    def connect(self) -> None:
        try:
            self.sock = self._line.connect(self.host, self.port)
            if self._proxy and self._secure:
                self._tunnel()  # type: ignore[attr-defined]
        except OSError as error:
            if not self._proxy:
                raise
            why = error.strerror or error
            proxy = f"{bracketed(self.host)}:{self.port}"
            raise TransferFailed(f"{self._where.shown}: no way by the proxy {proxy}: {why}") from None
        if self._secure:
            self.sock = self._line.secure(self.sock, self._where.host)

    def through(self, target: str) -> tuple[str, dict[str, str]]:
        """What is asked for, and more headers: a proxy of plain HTTP wants the whole address (RFC 9112 §3.2.2). The
        host is written here, for behind a proxy `http.client` has brackets for an IPv6 address twice, or not at all."""
        if self._proxy is None:
            return target, {}
        authority = self._where.authority
        host = {"Host": authority}
        return (target, host) if self._secure else (f"http://{authority}{target}", host | self._authorization())

    def _authorization(self) -> dict[str, str]:
        return {"Proxy-Authorization": self._proxy[2]} if self._proxy and self._proxy[2] else {}


def get(line: Line, where: Address, sink: Sink, hosts: Path | None) -> None:
    for _ in range(REDIRECTIONS + 1):
        moved = _got(line, where, sink)
        if moved is None:
            return
        where = moved
    raise TransferFailed(f"{where.shown}: redirected more than {REDIRECTIONS} times")


def _got(line: Line, where: Address, sink: Sink) -> Address | None:
    """None when it is here; else where it is."""
    connection = _Connection(line, where)
    try:
        answer = _asked(connection, "GET", where, {"Accept-Encoding": "identity"})
        if answer.status in _MOVED:
            return _moved(answer, where)
        _check(answer, where)
        length = answer.length
        if length is not None:
            sink.expect(length)
        while data := answer.read(CHUNK):
            sink.write(data)
        if length is not None and sink.size != length:
            raise TransferFailed(f"{where.shown}: broken off after {sink.size} of {length} bytes")
    except IncompleteRead:
        raise TransferFailed(f"{where.shown}: broken off after {sink.size} bytes") from None
    except HTTPException as error:
        raise _no_http(where, error) from error
    finally:
        connection.close()
    return None


def put(line: Line, where: Address, source: Source, name: str, hosts: Path | None) -> None:
    target = where.within(name) if where.folder else where
    plain = {"Content-Type": "application/octet-stream"}
    answer = _sent(line, "PUT", target, source, plain)
    if answer.status in _NO_PUT:
        target = where
        form = plain | {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}; filename=\"{_ascii(name)}\""
        }
        answer = _sent(line, "POST", target, source, form)
    _check(answer, target)


def _sent(line: Line, method: str, where: Address, source: Source, headers: dict[str, str]) -> HTTPResponse:
    """The answer, after redirections that keep the method (RFC 9110, 15.4.8)."""
    for _ in range(REDIRECTIONS + 1):
        connection = _Connection(line, where)
        try:
            length = {"Content-Length": str(source.size)}
            answer = _asked(connection, method, where, headers | length, source.chunks())
        except HTTPException as error:
            raise _no_http(where, error) from error
        finally:
            connection.close()
        if answer.status not in (307, 308):
            return answer
        where = _moved(answer, where)
    raise TransferFailed(f"{where.shown}: redirected more than {REDIRECTIONS} times")


def _asked(
    connection: _Connection, method: str, where: Address, headers: dict[str, str], body: Iterable[bytes] | None = None
) -> HTTPResponse:
    target, more = connection.through(where.path + (f"?{where.query}" if where.query else ""))
    try:
        connection.request(method, target, body, headers | more | _credentials(where))
    except (BrokenPipeError, ConnectionResetError):
        if connection.sock is None:
            raise
        # A server that refuses before it has taken everything says why, and hangs up.
    return connection.getresponse()


def _credentials(where: Address) -> dict[str, str]:
    if not where.user:
        return {}
    pair = base64.b64encode(f"{where.user}:{where.password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _check(answer: HTTPResponse, where: Address) -> None:
    if answer.status not in (200, 201, 202, 204):
        kind = _KINDS.get(answer.status, "Failed")
        raise TransferFailed(f"{where.shown}: {answer.status} {answer.reason}", kind)


def _moved(answer: HTTPResponse, where: Address) -> Address:
    """Where to: the credentials of the URL are for its own server only."""
    there = address(urljoin(where.shown, answer.getheader("Location", "")))
    if there.scheme not in ("http", "https") or (where.scheme == "https" and there.scheme == "http"):
        raise TransferFailed(f"{where.shown}: redirected to {there.scheme}, which is not followed")
    if (there.scheme, there.host, there.port) == where[:3] and not there.user:
        return there._replace(user=where.user, password=where.password)
    return there


def _no_http(where: Address, error: HTTPException) -> TransferFailed:
    return TransferFailed(f"{where.shown}: no HTTP: {type(error).__name__}", "BadMessage")


def _ascii(name: str) -> str:
    return name.encode("ascii", "replace").decode().replace('"', "'")
