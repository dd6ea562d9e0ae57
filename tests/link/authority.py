"""A certificate authority for the tests: roots, server and client certificates, good and bad."""

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    def __init__(self, where: Path, name: str) -> None:
        self._where = where
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        now = datetime.datetime.now(datetime.UTC)
        made = self._builder(self._name, self._key, now - DAY, now + 30 * DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file = where / f"{name}.pem"
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *hosts: str, starts_in: int = -1, ends_in: int = 1) -> Path:
        """A certificate and its key in one file. No hosts: the common name only. starts_in, ends_in: days."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        made = self._builder(_name(name), key, now + starts_in * DAY, now + ends_in * DAY)
        if hosts:
            made = made.add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False)
        file = self._where / f"issued-{key.private_numbers().private_value % 10**12}.pem"
        file.write_bytes(
            made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return file

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime.datetime, end: datetime.datetime
    ) -> x509.CertificateBuilder:
        serial = x509.random_serial_number()
        return x509.CertificateBuilder(self._name, subject, key.public_key(), serial, start, end)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


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
