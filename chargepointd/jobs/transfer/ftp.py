"""FTP (RFC 959), over TLS as well (RFC 4217)."""

import ftplib
import re
import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chargepointd.jobs.transfer.address import PORTS, Address
from chargepointd.jobs.transfer.failure import Kind, TransferFailed
from chargepointd.jobs.transfer.files import Sink, Source
from chargepointd.jobs.transfer.line import CHUNK, Line

GREETING_S = 3.0
"""a server on a port of its own that has not greeted by then waits for TLS"""
GOODBYE_S = 2.0
_KINDS: dict[str, Kind] = {
    "500": "NotSupportedOperation",
    "501": "BadMessage",
    "502": "NotSupportedOperation",
    "503": "BadMessage",
    "504": "NotSupportedOperation",
    "522": "NotSupportedOperation",
    "530": "PermissionDenied",
    "532": "PermissionDenied",
    "534": "NotSupportedOperation",
    "550": "NotFound",
    "553": "PermissionDenied",
}
_DENIED = re.compile(r"permission|denied|privilege|not allowed|read.?only", re.IGNORECASE)
_BROKEN = (BrokenPipeError, ConnectionResetError)


def get(line: Line, where: Address, sink: Sink, hosts: Path | None) -> None:
    def download(ftp: "_Ftp") -> None:
        size = ftp.told_size(where.file)
        if size is not None:
            sink.expect(size)
        data = ftp.transfer(f"RETR {where.file}")
        try:
            while chunk := data.recv(CHUNK):
                sink.write(chunk)
        finally:
            data.close()
        ftp.voidresp()
        if size is not None and sink.size != size:
            raise TransferFailed(f"{where.shown}: broken off after {sink.size} of {size} bytes")

    _with(line, where, download)


def put(line: Line, where: Address, source: Source, name: str, hosts: Path | None) -> None:
    def upload(ftp: "_Ftp") -> None:
        data = ftp.transfer(f"STOR {ftp.place(where.file, name)}")
        try:
            for chunk in source.chunks():
                data.sendall(chunk)
            _end(data)
        except _BROKEN:
            pass  # the reply says why
        finally:
            data.close()
        ftp.voidresp()

    _with(line, where, upload)


def _end(data: socket.socket) -> None:
    """Say that all is sent: in TLS by a message of its own, so that it cannot be cut short unnoticed."""
    if isinstance(data, ssl.SSLSocket):
        data.settimeout(GOODBYE_S)
        with suppress(OSError):  # many servers do not answer it
            data.unwrap()
    with suppress(OSError):
        data.shutdown(socket.SHUT_WR)


def _with(line: Line, where: Address, work: Callable[["_Ftp"], None]) -> None:
    ftp = _Ftp(line, where)
    try:
        ftp.open()
        work(ftp)
        with suppress(OSError, EOFError, ftplib.Error):  # what there was to do is done
            ftp.quit()
    except ftplib.Error as error:
        raise TransferFailed(f"{where.shown}: {_bare(error, where)}", _kind(error)) from None
    finally:
        ftp.close()


def _kind(error: ftplib.Error) -> Kind:
    text = str(error)
    if isinstance(error, ftplib.error_proto):
        return "BadMessage"
    if text.startswith("550") and _DENIED.search(text):
        return "PermissionDenied"
    return _KINDS.get(text[:3], "Failed")


def _bare(error: ftplib.Error, where: Address) -> str:
    """What the server said, without the password, if it repeated it."""
    text = str(error).replace("\n", " ")[:200]
    return text.replace(where.password, "…") if where.password else text


class _Ftp(ftplib.FTP):
    """Whose sockets are the line's."""

    def __init__(self, line: Line, where: Address) -> None:
        super().__init__()
        self._line = line
        self._where = where

    def open(self) -> None:
        """Connect, secure it where it is to be, log in."""
        host = self._where.host
        self.host = host
        self._use(self._line.connect(host, self._where.port))
        implicit = self._where.scheme == "ftps" and self._waits_for_tls()
        if implicit:
            self._use(self._line.secure(self._sock, host))
        self.welcome = self.getresp()
        if self._where.scheme != "ftp" and not implicit:
            self.voidcmd("AUTH TLS")
            self._use(self._line.secure(self._sock, host))
        self.login(self._where.user, self._where.password)
        if isinstance(self.sock, ssl.SSLSocket):
            self.voidcmd("PBSZ 0")
            self.voidcmd("PROT P")
        self.voidcmd("TYPE I")

    @property
    def _sock(self) -> socket.socket:
        assert self.sock
        return self.sock

    def _use(self, sock: socket.socket) -> None:
        self.sock = sock
        self.af = sock.family
        self.file = sock.makefile("r", encoding=self.encoding)

    def _waits_for_tls(self) -> bool:
        """Who greets in plain text does not."""
        port = self._where.port
        if port in (PORTS["ftps"], PORTS["ftpes"]):
            return port == PORTS["ftps"]
        return not select.select((self._sock,), (), (), GREETING_S)[0]

    def told_size(self, file: str) -> int | None:
        with suppress(ftplib.error_perm):  # an old server does not know the question
            return self.size(file)
        return None

    def transfer(self, command: str) -> socket.socket:
        """The connection on which the data come or go."""
        host, port = self.makepasv()
        data = self._line.connect(host, port)
        answer = self.sendcmd(command)
        if not answer.startswith("1"):
            data.close()
            raise ftplib.error_reply(answer)
        if isinstance(self.sock, ssl.SSLSocket):
            # Many servers want the session of the control connection, as a proof that it is the same client. Each time
            # that it is read CPython (3.10 to 3.13 at least) loses a copy of it, some 5 kB: once a transfer, no more.
            return self._line.secure(data, self._where.host, self.sock.session)
        return data

    def place(self, path: str, name: str) -> str:
        """What to store as, in the folder that is gone to."""
        if not path.strip("/") and not path.startswith("/"):
            return name
        try:
            self.cwd(path)
        except ftplib.error_perm:
            folder, _, file = path.rpartition("/")
            if "." not in file:
                raise
            if folder:
                self.cwd(folder)
            return file
        return name
