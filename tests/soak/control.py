"""The control socket, on the conductor's loop: one connection for the life of a process."""

import asyncio
import json
from pathlib import Path
from typing import Any


class Dark(Exception):
    """The process is gone."""


class Refused(Exception):
    """The daemon answered with an error."""


class Control:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._one = asyncio.Lock()
        self._id = 0

    async def ask(self, method: str, **params: Any) -> Any:
        """Dark when there is no process, or no more; Refused."""
        async with self._one:
            self._id += 1
            request = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
            try:
                reader, writer = await self._line()
                writer.write(json.dumps(request).encode() + b"\n")
                line = await reader.readline()
            except OSError as error:
                self.leave()
                raise Dark(method) from error
            if not line:
                self.leave()
                raise Dark(method)
            reply = json.loads(line)
            if "error" in reply:
                raise Refused(f"{method} {params}: {reply['error']['message']}")
            return reply["result"]

    def leave(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _line(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_unix_connection(str(self._path), limit=2**24)
        return self._reader, self._writer
