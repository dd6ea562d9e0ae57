"""What went over the wires between the two processes: nothing may leap while a byte, or an end, is under way.

Also on the loopback a byte that was sent may reach the other side only a moment later. So each side counts what it has
sent and received by connection, and says so; the other waits, in real time, until it has seen as much.
"""

import asyncio
import asyncio.selector_events
import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple

PATIENCE_S = 0.3
"""real seconds: what has not come by then does not come, for nobody reads or the connection is broken"""


class Wire(NamedTuple):
    sent: int
    open: bool


Told = dict[str, Wire]
"""by the port of the station"""


class Wires:
    def __init__(self, port: Callable[[socket.socket], int], touched: Callable[[], None] = lambda: None) -> None:
        """port: of a connection, at the station's side. touched: something is said on any connection."""
        self._port = port
        self._touched = touched
        self._sent: dict[int, int] = {}
        self._received: dict[int, int] = {}
        self._open: set[int] = set()
        self._ended: set[int] = set()
        """here, of which the other side has not told yet that they ended there"""
        self._heard: Told = {}
        self._given_up: dict[int, tuple[int, bool]] = {}
        self._since: float | None = None

    def tell(self) -> Told:
        told = {str(port): Wire(sent, port in self._open) for port, sent in self._sent.items()}
        for port in [port for port in self._sent if port not in self._open]:
            del self._sent[port], self._received[port]  # told for the last time
        return told

    def hear(self, told: Told) -> None:
        """What the other side tells."""
        self._heard |= told
        for port in [int(port) for port, (_, open) in told.items() if not open]:
            self._ended.discard(port)
            if port not in self._open:
                self._given_up.pop(port, None)

    def forget(self) -> None:
        """The other side begins anew."""
        self._heard.clear()

    def lacking(self) -> bool:
        """Whether something that the other side told of is still to come. Not for ever: see PATIENCE_S."""
        late = {port: wire for port, wire in self._heard.items() if self._late(int(port), *wire)}
        if not late:
            self._since = None
            self._heard.clear()
            return False
        self._since = self._since or _real()
        if _real() - self._since < PATIENCE_S:
            return True
        self._given_up |= {int(port): (wire[0], wire[1]) for port, wire in late.items()}
        self._since = None
        return False

    def _late(self, port: int, sent: int, open: bool) -> bool:
        if self._given_up.get(port) == (sent, open):
            return False
        if port not in self._open:
            return open and port not in self._ended
        return self._received[port] < sent or not open

    # -- what is counted -----------------------------------------------------------------------------------------------

    def begun(self, sock: socket.socket) -> int | None:
        """A connection; None for one that is not of TCP."""
        self._touched()
        if sock.family != socket.AF_INET:
            return None
        port = self._port(sock)
        self._sent[port] = self._received[port] = 0
        self._open.add(port)
        self._ended.discard(port)
        self._given_up.pop(port, None)
        return port

    def said(self, port: int | None, count: int) -> None:
        self._touched()
        if port in self._sent:
            self._sent[port] += count

    def got(self, port: int | None, count: int) -> None:
        if port in self._received:
            self._received[port] += count

    def over(self, port: int | None) -> None:
        self._touched()
        if port is not None:
            self._open.discard(port)
            given_up, heard = self._given_up.pop(port, None), self._heard.get(str(port))
            _, there = given_up or heard or (0, True)
            if there:
                self._ended.add(port)


class Transport(asyncio.selector_events._SelectorSocketTransport):  # type: ignore[name-defined,misc]
    """What a loop makes of a socket, with its bytes counted."""

    def __init__(self, wires: Wires, loop: Any, sock: socket.socket, protocol: Any, *args: Any) -> None:
        self._wires = wires
        self._wire = wires.begun(sock)
        if self._wire is not None:
            protocol.data_received = self._counted(protocol.data_received)
        super().__init__(loop, sock, protocol, *args)

    def _counted(self, take: Callable[[bytes], None]) -> Callable[[bytes], None]:
        def counted(data: bytes) -> None:
            self._wires.got(self._wire, len(data))
            take(data)

        return counted

    def write(self, data: bytes) -> None:
        self._wires.said(self._wire, len(data))
        super().write(data)

    def writelines(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def write_eof(self) -> None:
        self._wires.said(self._wire, 0)
        super().write_eof()

    def close(self) -> None:
        self._wires.said(self._wire, 0)
        super().close()

    def _force_close(self, error: Any) -> None:
        self._wires.said(self._wire, 0)
        super()._force_close(error)

    def _call_connection_lost(self, error: Any) -> None:
        self._wires.over(self._wire)
        super()._call_connection_lost(error)


class Loop(asyncio.SelectorEventLoop):
    """A loop whose connections are counted."""

    wires: Wires

    def _make_socket_transport(
        self, sock: socket.socket, protocol: Any, waiter: Any = None, *, extra: Any = None, server: Any = None
    ) -> Any:
        return Transport(self.wires, self, sock, protocol, waiter, extra, server)


def ours(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def theirs(sock: socket.socket) -> int:
    return int(sock.getpeername()[1])


_real = time.monotonic  # as it is before another clock is put in its place
