"""A Modbus I/O module with eight contacts, over TCP; written from the specification (Application Protocol 1.1b3)."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Module(socketserver.ThreadingTCPServer):
    """Eight discrete inputs and coils; function 1 or 2, MBAP framing."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        self.bits = [False] * 8
        self.silent = False
        super().__init__(("127.0.0.1", 0), _Line)
        self.host, self.tcp_port = "127.0.0.1", int(self.server_address[1])


class _Line(socketserver.BaseRequestHandler):
    server: Module

    def handle(self) -> None:
        while len(head := self._exactly(7)) == 7:
            number, _, length, unit = struct.unpack(">HHHB", head)
            function, address, size = struct.unpack(">BHH", self._exactly(length - 1))
            if self.server.silent:
                continue
            if function not in (1, 2) or address + size > len(self.server.bits):
                body = bytes((function | 0x80, 2))
            else:
                value = sum(bit << n for n, bit in enumerate(self.server.bits[address : address + size]))
                body = bytes((function, 1, value))
            self.request.sendall(struct.pack(">HHHB", number, 0, len(body) + 1, unit) + body)

    def _exactly(self, size: int) -> bytes:
        got = b""
        while len(got) < size and (more := self.request.recv(size - len(got))):
            got += more
        return got


@contextmanager
def io_module() -> Iterator[Module]:
    with Module() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield made
        made.shutdown()
