"""A CSMS that is rude on purpose: raw bytes between its own frames, floods, answers that come twice or never.

It is the audited one of the other tests: what it does not do rudely it does well, and its books are checked.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.csms import Csms
from tests.csms.listener import Line

TEXT, BINARY, CONT, CLOSE, PING = 1, 2, 0, 8, 9
FLOOD = "flood-"
MOST_UNSENT = 64 * 1024


class RudeCsms(Csms):
    """Answers to requests with an id of FLOOD are only counted."""

    flooded = 0
    answered = 0
    again = 1
    """how often each answer is sent"""

    def received(self, line: Line, data: str | bytes) -> None:
        if isinstance(data, str) and data[3:].startswith(f'"{FLOOD}') and data[1] in "34":
            self.answered += 1
        else:
            super().received(line, data)

    async def _send_answer(self, line: Line, reply: Any) -> None:
        await super()._send_answer(line, reply)
        for _ in range(self.again - 1):
            await line.send(reply.text)

    def inject(self, *frames: bytes) -> None:
        """Bytes into the present connection, at once and as they are."""
        self.listener.run(self._inject(self.line(), b"".join(frames)))

    async def _inject(self, line: Line, data: bytes) -> bool:
        transport: Any = line._socket.transport
        if transport.get_write_buffer_size() > MOST_UNSENT:
            return False
        transport.write(data)
        return True

    def ask(self, count: int, action: str, payload: Any) -> None:
        """So many requests in one packet."""
        ids = range(self.flooded, self.flooded + count)
        data = b"".join(frame(TEXT, json.dumps([2, f"{FLOOD}{n}", action, payload]).encode()) for n in ids)
        if self.listener.run(self._inject(self.line(), data)):
            self.flooded += count

    @contextmanager
    def flooding(self, action: str, payload: Any, a_second: int = 10_000) -> Iterator[None]:
        """So many requests a second, in packets of a tenth of it, or as many as the station takes."""
        over = threading.Event()

        def flood() -> None:
            while not over.wait(0.1):
                self.ask(a_second // 10, action, payload)

        thread = threading.Thread(target=flood, name="flood")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def frame(opcode: int, data: bytes, *, fin: bool = True, bits: int = 0) -> bytes:
    """An unmasked frame (RFC 6455 §5.2). bits: reserved ones, 0x40 where it says that it is compressed."""
    size = len(data)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65536 else b"\x7f" + size.to_bytes(8)
    return bytes([opcode | bits | (0x80 if fin else 0)]) + length + data


def call(id_: str, action: str, payload: str = "{}") -> bytes:
    return f'[2,"{id_}","{action}",{payload}]'.encode()


def rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
