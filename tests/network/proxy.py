"""A real HTTP proxy: CONNECT, and plain HTTP.

with Proxy({"csms.test": csms.listener.port}) as proxy: …      # names that only the proxy knows
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping

from tests.network.relay import Relay


class Proxy(Relay):
    """names: host -> port on this machine; 0: the one that is asked for. answer: sent instead of opening a way."""

    def __init__(self, names: Mapping[str, int], user: str = "", password: str = "", host: str = "127.0.0.1") -> None:
        super().__init__(0, host)
        self.names = names
        self.answer: bytes | None = None
        self.asked: list[str] = []
        """request lines"""
        pair = b64encode(f"{user}:{password}".encode()).decode()
        self.at = f"{f'[{host}]' if ':' in host else host}:{self.port}"
        self._wanted = f"proxy-authorization: basic {pair}".lower() if user else ""

    async def _reach(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request, *lines = head.split("\r\n")
        with self.changed:
            self.asked.append(request)
            self.changed.notify_all()
        answer = self.answer if self.answer is not None else self._refusal(request, lines)
        if answer is not None:
            writer.write(answer)
            await writer.drain()
            return None
        host, port = _target(request)
        far = await asyncio.open_connection("127.0.0.1", self.names[host] or port)
        if not request.startswith("CONNECT "):
            method, url, version = request.split(" ")
            own = [line for line in lines if not line.lower().startswith("proxy-")]
            far[1].write("\r\n".join([f"{method} /{url.split('/', 3)[3]} {version}", *own]).encode())
            return far
        writer.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n")
        return far

    def _refusal(self, request: str, lines: list[str]) -> bytes | None:
        if self._wanted and self._wanted not in map(str.lower, lines):
            return b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="p"\r\n\r\n'
        if _target(request)[0] not in self.names:
            return b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
        return None


def _target(request: str) -> tuple[str, int]:
    host, _, port = request.split(" ")[1].removeprefix("http://").split("/")[0].rpartition(":")
    return host.strip("[]"), int(port)
