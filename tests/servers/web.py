"""HTTP and HTTPS: GET, PUT and POST on a folder."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tests.link.authority import server_context


class Asked(NamedTuple):
    method: str
    path: str
    headers: Message


class WebServer:
    def __init__(self, folder: Path, certificate: Path | None, login: tuple[str, str] | None) -> None:
        self.folder = folder
        self.login = login
        self.methods = {"GET", "PUT", "POST"}
        self.asked: list[Asked] = []
        self.moved: dict[str, str] = {}
        """path -> where it is now"""
        self.break_off_after: int | None = None
        """bytes of a body; then the connection is closed"""
        self.tells_length = True
        self.go_on = threading.Event()
        """cleared: a body stops in the middle until it is set"""
        self.go_on.set()
        self.busy = threading.Event()
        """a body has begun"""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._server.daemon_threads = True
        if certificate:
            tls = server_context(certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self._scheme = "https" if certificate else "http"

    def url(self, path: str, *, login: tuple[str, str] | None = None, host: str = "localhost") -> str:
        who = f"{login[0]}:{login[1]}@" if login else ""
        return f"{self._scheme}://{who}{host}:{self.port}/{path}"

    @contextmanager
    def running(self) -> Iterator["WebServer"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.go_on.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    owner: WebServer
    timeout = 20

    def log_message(self, *args: object) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # a client that hung up, or does not like our certificate

    def _file(self) -> Path | None:
        """None: it was answered."""
        owner = self.owner
        path = urlsplit(self.path).path
        owner.asked.append(Asked(self.command, self.path, self.headers))
        if owner.login:
            wanted = base64.b64encode(":".join(owner.login).encode()).decode()
            if self.headers.get("Authorization") != f"Basic {wanted}":
                self._refuse(401)
                return None
        if path in owner.moved:
            self.send_response(307)
            self.send_header("Location", owner.moved[path])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        if self.command not in owner.methods:
            self._refuse(405)
            return None
        return owner.folder / unquote(path.lstrip("/"))

    def _refuse(self, status: int) -> None:
        """Take what still comes: a client that is hung up on may never read why."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_error(status)

    def do_GET(self) -> None:
        file = self._file()
        if file is None:
            return
        if not file.is_file():
            self.send_error(404)
            return
        body = file.read_bytes()
        self.send_response(200)
        if self.owner.tells_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        end = len(body) if self.owner.break_off_after is None else self.owner.break_off_after
        self.wfile.write(body[: end // 2])
        self.owner.busy.set()
        self.owner.go_on.wait(20)
        self.wfile.write(body[end // 2 : end])

    def do_PUT(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def _take(self) -> None:
        file = self._file()
        if file is None:
            return
        if self.command == "POST":
            file = file / self.headers.get_filename("unnamed")
        if not file.parent.is_dir():
            self._refuse(404)
            return
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length // 2)
        self.owner.busy.set()
        self.owner.go_on.wait(20)
        if self.owner.break_off_after is not None:
            self.close_connection = True
            return
        file.write_bytes(body + self.rfile.read(length - length // 2))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def web_server(
    folder: Path, certificate: Path | None = None, login: tuple[str, str] | None = None
) -> Iterator[WebServer]:
    """certificate: a PEM file with its key; None: HTTP. login: (user, password) that are asked for."""
    with WebServer(folder, certificate, login).running() as server:
        yield server
