"""The way to the other side: sockets that can be hung up from outside, in a thread of their own.

A transfer blocks in that thread; the loop of the station never waits for it. To be called off it is hung up: its
sockets are shut down, so whatever it waits for ends at once. A name that is looked up cannot be hung up: that thread
is left alone, and ends by itself without a further effect.
"""

import asyncio
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from chargepointd.core.tuples import NamedTuple
from chargepointd.jobs.transfer.failure import TransferFailed

log = logging.getLogger(__name__)

T = TypeVar("T")

CHUNK = 64 * 1024
"""bytes in memory at a time"""
TELL_EVERY_S = 0.5
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, to which Python gives no name
LET_GO_S = 2.0
"""how long a transfer that was hung up may take to notice"""


class Patience(NamedTuple):
    connect_s: float = 30.0
    silent_s: float = 60.0
    """nothing comes or is taken"""
    whole_s: float = 12 * 3600.0
    """for 500 MB at 12 kB/s"""


class HungUp(Exception):
    """The transfer was called off."""


Proxied = Callable[[str, bool], tuple[str, int, str] | None]
"""host, and whether TLS is spoken -> host and port of the HTTP proxy on the way, and its Proxy-Authorization (a
secret); None: there is none. TransferFailed: what is configured cannot be used"""


def direct(host: str, secure: bool) -> None:
    """No proxy."""


Judge = Callable[[ssl.SSLSocket], str]
"""what is wrong with the dates of the certificates that were shown; empty: nothing"""
Dates = Callable[[], Judge | None]
"""who judges them; None: OpenSSL, by the system's clock"""


def by_system() -> None:
    """OpenSSL, by the system's clock."""


class Means(NamedTuple):
    """How servers are reached, and which of them are believed."""

    roots: Path | None
    """a PEM file, or a folder of them, that are trusted besides the system's roots"""
    hosts: Path | None = None
    """the file in which the keys of SFTP servers are kept; None: no SFTP"""
    proxied: Proxied = direct
    """which HTTP proxy is on the way, for HTTP and HTTPS"""
    dates: Dates = by_system
    """who judges those of certificates, for HTTPS and FTPS: asked before TLS"""
    patience: Patience = Patience()


class Line:
    def __init__(self, means: Means, progress: Callable[[int], None]) -> None:
        self._patience = means.patience
        self.proxied = means.proxied
        self._judge = means.dates()
        self._progress = progress
        self._roots = means.roots
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._enders: list[Callable[[], None]] = []
        self._sockets: list[socket.socket] = []
        self._hung_up = False
        self._ended = asyncio.Event()
        self._told_at = 0.0
        self._tls: ssl.SSLContext | None = None

    @property
    def patience(self) -> Patience:
        return self._patience

    # -- in the loop ---------------------------------------------------------------------------------------------------

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises, in a thread. Cancelled, or too slow as a whole: it is hung up."""
        result: asyncio.Future[T] = self._loop.create_future()

        def do() -> None:
            try:
                value = self._working(work)
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                self._post(partial(self._end, result, partial(result.set_exception, error)))
            else:
                self._post(partial(self._end, result, partial(result.set_result, value)))

        threading.Thread(target=do, name="transfer", daemon=True).start()
        try:
            async with asyncio.timeout(self._patience.whole_s):
                return await result
        except TimeoutError:
            if result.cancelled():
                raise TransferFailed(f"not done within {self._patience.whole_s:.0f} s") from None
            raise
        finally:
            self._hang_up()
            with suppress(TimeoutError):
                async with asyncio.timeout(LET_GO_S):
                    await self._ended.wait()

    def _working(self, work: Callable[[], T]) -> T:
        try:
            return work()
        finally:
            for sock in self._sockets:
                sock.close()

    def _end(self, result: "asyncio.Future[T]", settle: Callable[[], None]) -> None:
        self._ended.set()
        if not result.done():
            settle()

    def _post(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(call)

    def _hang_up(self) -> None:
        with self._lock:
            self._hung_up = True
            enders = self._enders
        for end in enders:
            end()

    # -- in the thread -------------------------------------------------------------------------------------------------

    def ended_by(self, end: Callable[[], None]) -> None:
        """What is to be called, from any thread, when the line is hung up. HungUp: it was."""
        with self._lock:
            self._enders.append(end)
        self.check()

    def check(self) -> None:
        if self._hung_up:
            raise HungUp

    def connect(self, host: str, port: int) -> socket.socket:
        """Each address of the host in turn. OSError of the last one."""
        failed: OSError | None = None
        for family, kind, protocol, _, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind, protocol)
            try:
                self._hold(sock)
                sock.settimeout(self._patience.connect_s)
                sock.connect(where)
            except OSError as error:
                sock.close()
                failed = error
            else:
                sock.settimeout(self._patience.silent_s)
                return sock
        raise failed or OSError("no address")

    def secure(self, sock: socket.socket, host: str, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        """TLS on a connected socket; the certificate has to be that of `host`. `session`: of an earlier one."""
        if self._tls is None:
            self._tls = _context(self._roots, by_openssl=self._judge is None)
        wrapped = self._tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False, session=session)
        self._hold(wrapped)
        wrapped.do_handshake()
        if wrong := self._judge and self._judge(wrapped):
            refused = ssl.SSLCertVerificationError(wrong)
            refused.verify_message = wrong
            raise refused
        return wrapped

    def _hold(self, sock: socket.socket) -> None:
        self._sockets.append(sock)

        def end() -> None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of TLS too, whose own would first unwrap

        self.ended_by(end)

    def tell(self, done: int) -> None:
        """So many bytes are over."""
        self.check()
        now = time.monotonic()
        if now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            self._post(partial(self._progress, done))


def _context(roots: Path | None, *, by_openssl: bool) -> ssl.SSLContext:
    """TLS 1.2 or newer; chain, dates and host name are checked against the system's roots and these (N01.FR.15, .16).

    roots: a PEM file, or a folder of them. by_openssl: else the dates are judged after the handshake.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_COMPRESSION
    if not by_openssl:
        made.verify_flags |= _NO_CHECK_TIME
    made.load_default_certs()
    for file in () if roots is None else sorted(roots.glob("*.pem")) if roots.is_dir() else (roots,):
        try:
            made.load_verify_locations(file)
        except OSError as error:  # a damaged root proves nothing; what only it could prove fails with its own reason
            log.warning("%s: no usable root certificate: %s", file, error)
    return made
