"""One websocket connection as client, on the sans-I/O core of the `websockets` library.

What arrives is parsed and handed on in the turn of the loop that read it. The states are those of the library:
CONNECTING, OPEN, CLOSING, CLOSED. The future `ended` is done as soon as the connection is no longer OPEN, or never will
be; nothing is handed on after that. `closed` is done when the socket is.
"""

import asyncio
import logging
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from chargepointd.link.ended import Ended, certificate_ended, http_ended, transport_ended
from chargepointd.link.library import ClientProtocol, Frame, Opcode, Response, State, Subprotocol, WebSocketURI
from chargepointd.link.profile import Profile
from chargepointd.link.pulse import Pulse
from chargepointd.link.tls import anchor, needs_wildcard, term, untimely

log = logging.getLogger(__name__)

# The library logs whole frames and headers at DEBUG: tokens and the password would stand in the log.
_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.INFO)

MAX_TEXT = 4 * 1024 * 1024
"""Bytes of the largest message that is taken whole; a larger one closes the connection with 1009."""
MAX_UNSENT = 16 * 1024 * 1024
"""Bytes the server may leave unread before the connection is given up."""
SLICE = 2048
TURN_S = 0.002
"""What has arrived is taken in slices of so many bytes; after this time the rest waits for the next turn of the loop,
so that a CSMS that sends without end holds up nobody for longer. The socket is not read meanwhile."""
CLOSE_S = 1.0
"""How long the server may take over its part of the closing handshake."""


class NotOpen(Exception):
    """There is no connection at present: what was to be sent was not."""


class WebSocket(asyncio.Protocol):
    """One connection. The callbacks are called from within the loop's read and must not block."""

    def __init__(
        self,
        address: WebSocketURI,
        profile: Profile,
        *,
        authorization: str | None,
        on_open: Callable[[str], None],
        on_text: Callable[[str], None],
        ping_interval: Callable[[], float],
        pong_timeout_s: float | None,
    ) -> None:
        self._ws = ClientProtocol(
            address,
            subprotocols=[Subprotocol(name) for name in profile.subprotocols],
            max_size=MAX_TEXT,
            logger=_library_log,
        )
        self._authorization = authorization
        self._profile = profile
        self._on_open = on_open
        self._on_text = on_text
        self._loop = asyncio.get_running_loop()
        self._pulse = Pulse(ping_interval, pong_timeout_s, self._ping, self._half_open, self._unsent)
        self._closing: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._partial: bytearray | None = None
        self._binary_seen = False
        self._holding = False
        self._held: deque[str] = deque()
        self._unread: deque[bytes] = deque()  # slices for the next turns
        self._bug: Exception | None = None
        self.writable = True
        self.certificate_from: float | None = None  # UTC
        self.certificate_until: float | None = None  # UTC
        self.root = ""  # see `tls.anchor`
        self.answered = False  # something came after the handshake
        self.settled: asyncio.Future[None] = self._loop.create_future()  # open, or ended before
        self.ended: asyncio.Future[Ended] = self._loop.create_future()
        self.closed: asyncio.Future[None] = self._loop.create_future()  # raises what a callback raised

    @property
    def is_open(self) -> bool:
        return self._ws.state is State.OPEN and not self.ended.done()

    @property
    def attached(self) -> bool:
        """There is a socket, or was: `closed` will be done."""
        return self._transport is not None

    def send(self, text: str) -> None:
        """Raises NotOpen. What the server leaves unread is kept up to MAX_UNSENT bytes, then the connection ends."""
        if not self.is_open:
            raise NotOpen("not connected to the CSMS")
        self._ws.send_text(text.encode())
        self._flush()

    def close(self, code: int, reason: str, ended: Ended) -> None:
        """Close frame, then the socket, after CLOSE_S at the latest."""
        if self._ws.state is State.OPEN:
            self._ws.send_close(code, reason)
            self._flush()
        self._end(ended)
        self._close_soon()

    def abort(self, ended: Ended) -> None:
        """Drop the socket at once."""
        self._end(ended)
        if self._transport is not None:
            self._transport.abort()

    def asked(self, within_s: float) -> None:
        """What was sent last wants an answer within this time: whether the link lives is known before it is over."""
        self._pulse.asked(within_s)

    def answered_to(self) -> None:
        """It has come, in a text that was handed on."""
        self._pulse.answered()

    def hold(self) -> None:
        """Hand on no more texts and leave what comes in the socket, until `release`."""
        self._holding = self._pulse.deaf = True
        if self._transport is not None and self.is_open:
            self._transport.pause_reading()

    def release(self) -> None:
        self._holding = False
        while self._held and not self._holding and self.is_open:
            self._on_text(self._held.popleft())
        if not self._holding:
            self._pulse.deaf = False
            self._pulse.heard()
            self._read_on()

    def ping_changed(self) -> None:
        """The ping interval has another value."""
        if self.is_open:
            self._pulse.start()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = attached = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        _keep_alive(attached.get_extra_info("socket"))
        certificate = attached.get_extra_info("peercert")
        wrong = self._shown(certificate, attached.get_extra_info("ssl_object")) if certificate else None
        if wrong:
            self.abort(wrong)
            return
        request = self._ws.connect()
        if self._authorization is not None:
            request.headers["Authorization"] = self._authorization
        self._ws.send_request(request)
        self._flush()

    def _shown(self, certificate: Any, secured: Any) -> Ended | None:
        """What is wrong with the certificate of the CSMS that OpenSSL did not look at."""
        self.certificate_from, self.certificate_until = term(secured, certificate)
        self.root = anchor(secured)
        by, host = self._profile, self._ws.uri.host
        if wrong := untimely(self.certificate_from, self.certificate_until, by.utc, sure=by.utc_sure):
            return certificate_ended(wrong)
        if not self._profile.allow_wildcards and needs_wildcard(certificate, host):
            why = f"the certificate of the CSMS is good for {host} by a wildcard only"
            return Ended("certificate", f"{why}; allow wildcards, or have it issued for this name")
        return None

    def data_received(self, data: bytes) -> None:
        if len(data) <= SLICE and not self._unread:
            self._take(data)
            return
        waiting = bool(self._unread)
        self._unread.extend(data[start : start + SLICE] for start in range(0, len(data), SLICE))
        if not waiting:
            self._take_more()

    def _take_more(self) -> None:
        """As much as one turn of the loop has time for; then a rest as long, so that a flood leaves half of the
        processor to all else."""
        until = time.monotonic() + TURN_S
        while self._unread and not self._holding:
            self._take(self._unread.popleft())
            if self._unread and time.monotonic() >= until:
                assert self._transport is not None
                self._transport.pause_reading()
                self._loop.call_later(TURN_S, self._next_turn)
                return

    def _next_turn(self) -> None:
        try:
            self._read_on()
        except Exception as error:  # noqa: BLE001 - as in data_received: `closed` carries it to who runs the link
            self._bug = error
            assert self._transport is not None
            self._transport.abort()

    def _read_on(self) -> None:
        if self.closed.done() or self._transport is None:
            self._unread.clear()
        if self._holding:
            return
        if self._unread:
            self._take_more()
        if not self._unread and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _take(self, data: bytes) -> None:
        self._ws.receive_data(data)
        self._flush()
        if self._ws.state is State.CONNECTING and self._ws.handshake_exc is None:
            return
        self._pulse.heard()
        try:
            for event in self._ws.events_received():
                if isinstance(event, Frame):
                    self.answered = True
                    self._frame(event)
                elif isinstance(event, Response):
                    self._handshake()
        except OSError as error:  # would be taken for one of the socket's
            raise RuntimeError("a callback of the link failed") from error
        if self._ws.state is not State.OPEN:
            self._end(self._why_closing())
            self._close_soon()

    def eof_received(self) -> None:
        self._unread.clear()
        self._ws.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unread.clear()
        self._ws.receive_eof()
        if self._closing is not None:
            self._closing.cancel()
        exc = self._bug or exc
        if exc is not None and not isinstance(exc, OSError):
            self._end(Ended("lost", f"given up after a bug in this program: {exc!r}"))
            self.closed.set_exception(exc)
            return
        self._end(self._why_lost(exc))
        self.closed.set_result(None)

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True

    # inside

    def _flush(self) -> None:
        transport = self._transport
        assert transport is not None
        for data in self._ws.data_to_send():
            if data:
                transport.write(data)
            else:  # SEND_EOF
                transport.close()
        if not self.writable and transport.get_write_buffer_size() > MAX_UNSENT:
            self.abort(Ended("lost", f"the CSMS left {MAX_UNSENT >> 20} MiB unread"))

    def _handshake(self) -> None:
        if self._ws.handshake_exc is not None:
            return
        subprotocol = self._ws.subprotocol
        if subprotocol is None:
            why = "the CSMS chose no subprotocol; let it answer with Sec-WebSocket-Protocol, one of those offered: "
            offered = ", ".join(self._ws.available_subprotocols or ())
            self.close(1002, "no subprotocol", Ended("subprotocol", why + offered))
            return
        self._pulse.start()
        self._settle()
        self._on_open(subprotocol)

    def _frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT:
            if frame.fin:
                self._text(frame.data)
            else:
                self._partial = bytearray(frame.data)
        elif opcode is Opcode.PONG:
            self._pulse.ponged()
        elif opcode is Opcode.BINARY:
            self._binary()
        elif opcode is Opcode.CONT and self._partial is not None:
            self._partial += frame.data
            if frame.fin:
                whole, self._partial = self._partial, None
                self._text(whole)

    def _binary(self) -> None:
        """OCPP-J knows texts only. One is no reason to drop the connection: it is passed over."""
        if not self._binary_seen:
            self._binary_seen = True
            log.warning("csms: sends binary messages, which OCPP-J does not know; they are ignored")

    def _text(self, data: Any) -> None:
        if self.ended.done():
            return
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError as error:
            reason = f"{error.reason} at position {error.start}"
            self.close(1007, reason, Ended("protocol", f"the CSMS sent a text that is not UTF-8: {reason}"))
            return
        if self._holding:
            self._held.append(text)
        else:
            self._on_text(text)

    def _ping(self) -> None:
        self._ws.send_ping(b"")
        self._flush()

    def _unsent(self) -> int:
        """Bytes that the other side has not acknowledged, as far as this system knows."""
        import termios  # asked before a link is given up only
        from fcntl import ioctl

        assert self._transport is not None
        sock = self._transport.get_extra_info("socket")
        try:
            waiting = int.from_bytes(ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        except OSError:
            waiting = 0
        return waiting + self._transport.get_write_buffer_size()

    def _half_open(self) -> None:
        self.abort(Ended("pong", "the CSMS is silent, to a ping too; taken for unreachable"))

    def _close_soon(self) -> None:
        if self._transport is not None and self._closing is None and not self.closed.done():
            if not self._transport.is_closing():
                self._transport.resume_reading()  # the server's close frame is still to come
            self._closing = self._loop.call_later(CLOSE_S, self._transport.abort)

    def _end(self, ended: Ended) -> None:
        if not self.ended.done():
            self._pulse.stop()
            self._held.clear()
            self.ended.set_result(ended)
            self._settle()

    def _settle(self) -> None:
        if not self.settled.done():
            self.settled.set_result(None)

    def _why_closing(self) -> Ended:
        ws = self._ws
        if ws.handshake_exc is not None:
            return http_ended(ws.handshake_exc)
        if ws.parser_exc is not None and not isinstance(ws.parser_exc, EOFError):
            return Ended("protocol", f"the CSMS broke the websocket protocol: {ws.parser_exc}")
        said = " ".join(str(ws.close_rcvd).split())  # the reason is theirs: no new lines into our log
        return Ended("closed", f"closed by the CSMS: {said}")

    def _why_lost(self, exc: OSError | None) -> Ended:
        if exc is not None and self._ws.handshake_exc is not None:
            return transport_ended(exc)
        if self._ws.handshake_exc is not None:
            return http_ended(self._ws.handshake_exc)
        return Ended("lost", f"connection lost ({exc or 'the CSMS closed it without a close frame'})")


def _keep_alive(sock: socket.socket) -> None:
    """A dead link is noticed in 12 minutes even where pings are off. TCP_NODELAY is set by asyncio."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 600)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
