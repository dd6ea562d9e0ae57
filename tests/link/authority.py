"""The certificates of `tests.pki` as files, and servers that show them."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests import pki


class Authority:
    def __init__(self, where: Path, name: str) -> None:
        self._where = where
        self._root = pki.Authority(name, ends_in=30)
        self.file = where / f"{name}.pem"
        self.file.write_text(self._root.pem)

    def issue(self, name: str, *hosts: str, starts_in: int = -1, ends_in: int = 1) -> Path:
        """A certificate and its key in one file. No hosts: the common name only. starts_in, ends_in: days."""
        issued = self._root.issue(name, *hosts, starts_in=starts_in, ends_in=ends_in)
        return issued.file(self._where, f"issued-{issued.certificate.serial_number}.pem")


def server_context(certificate: Path, clients: Path | None = None) -> ssl.SSLContext:
    """clients: root of those who may connect."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    if clients is not None:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(clients)
    return made


@contextmanager
def refusing_server(context: ssl.SSLContext) -> Iterator[int]:
    """Port of a server whose handshakes fail, and that says why by a TLS alert (asyncio's own servers do not)."""

    def serve() -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                refuse(context, listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def refuse(context: ssl.SSLContext, accepted: socket.socket) -> None:
    tls = context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
    tls.settimeout(10)
    with suppress(ssl.SSLError):
        tls.do_handshake()
    with socket.socket(fileno=tls.detach()) as plain:
        plain.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while plain.recv(65536):
                pass
