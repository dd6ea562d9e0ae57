"""FTP and FTPS, by pyftpdlib."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

Tls = Literal["", "explicit", "implicit"]


class _ImplicitHandler(TLS_FTPHandler):
    """TLS before the greeting."""

    def handle(self) -> None:
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self) -> None:
        super().handle()

    def ftp_AUTH(self, arg: str) -> None:  # noqa: N802 - the library's name
        self.respond("550 not supposed to be used with implicit SSL.")


class FtpServer:
    def __init__(self, folder: Path, certificate: Path | None, login: tuple[str, str], tls: Tls) -> None:
        self.scheme = {"": "ftp", "explicit": "ftpes", "implicit": "ftps"}[tls]
        self._login = login
        authorizer = DummyAuthorizer()
        authorizer.add_user(*login, str(folder), perm="elradfmw")
        control = {"": FTPHandler, "explicit": TLS_FTPHandler, "implicit": _ImplicitHandler}[tls]
        data = TLS_DTPHandler if tls else DTPHandler
        self.data = type("Data", (data,), {"timeout": 20})
        """the class of its data connections, for a test to change"""
        settings = {"authorizer": authorizer, "dtp_handler": self.data, "auth_failed_timeout": 0}
        if tls:
            settings |= {"certfile": str(certificate), "tls_control_required": True, "tls_data_required": True}
        self.handler = type("Control", (control,), settings)
        self.busy = threading.Event()
        """a stalled data connection was to be used"""
        self._loop = IOLoop()
        self._server = FTPServer(("127.0.0.1", 0), self.handler, ioloop=self._loop)
        self.port = self._server.address[1]

    def url(self, path: str, *, login: tuple[str, str] | None = None, scheme: str = "", host: str = "localhost") -> str:
        user, password = login or self._login
        return f"{scheme or self.scheme}://{user}:{password}@{host}:{self.port}/{path}"

    def stall(self) -> None:
        """A data connection (without TLS) is opened, and then nothing comes over it."""
        busy = self.busy

        def nothing(connection: DTPHandler, *args: object) -> None:
            busy.set()

        self.data.initiate_send = nothing
        self.handler.use_sendfile = False

    def break_off(self) -> None:
        """Every data connection breaks as soon as something goes over it."""

        def broken(connection: DTPHandler, data: object) -> None:
            raise ConnectionResetError

        self.data.send = self.data.recv = broken
        self.handler.use_sendfile = False

    @contextmanager
    def running(self) -> Iterator["FtpServer"]:
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                self._server.serve_forever(timeout=0.01, blocking=False)
            self._server.close_all()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield self
        finally:
            stopped.set()
            thread.join()


@contextmanager
def ftp_server(
    folder: Path, certificate: Path | None = None, login: tuple[str, str] = ("ute", "geheim"), tls: Tls = ""
) -> Iterator[FtpServer]:
    with FtpServer(folder, certificate, login, tls).running() as server:
        yield server
