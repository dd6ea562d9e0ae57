"""What connections that are over leave in memory: `python -m tests.link.reconnects`, kind by kind.

A process of its own, so that its heap is nobody else's: see `test_reconnects.py`.
"""

import asyncio
import gc
import json
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chargepointd.link.backoff import Retry
from chargepointd.link.profile import Profile
from tests import heap
from tests.link.authority import Authority, server_context
from tests.link.rig import TEXT, Serve, frame, profile, raw, running, upgrade

TIMES = 100
AT_ONCE = Retry(0, 0, 0, floor_s=0)


async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A text, and the end."""
    await upgrade(reader, writer)
    writer.write(frame(TEXT, b"welcome"))


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")


async def left(serve: Serve, made: Callable[[int], Profile], **options: Any) -> tuple[int, int]:
    """Bytes of the heap, and blocks of Python's, more after TIMES connections than after as many before them."""
    async with raw(serve, **options) as server, running(made(server.port), AT_ONCE) as rig:
        await rig.until(lambda: len(rig.closed) + len(rig.failed) >= TIMES)
        before, blocks = _seen(rig)
        await rig.until(lambda: len(rig.closed) + len(rig.failed) >= TIMES)
        after, blocks_then = _seen(rig)
    return after - before, blocks_then - blocks


def _seen(rig: Any) -> tuple[int, int]:
    for told in (rig.opened, rig.texts, rig.closed, rig.failed, rig.order):
        told.clear()
    gc.collect()
    return heap.in_use(), sys.getallocatedblocks()


async def main(folder: Path) -> dict[str, tuple[int, int]]:
    root, stranger = Authority(folder, "Root"), Authority(folder, "Stranger")
    good, bad = (server_context(each.issue("csms", "localhost")) for each in (root, stranger))
    station = root.issue("CS1")

    def secured(port: int) -> Profile:
        made = profile(port, scheme="wss", host="localhost", security_profile=2, password=b"geheim")
        return made._replace(identity="CS1", roots=(root.file,))

    def known(port: int) -> Profile:
        return secured(port)._replace(security_profile=3, client_cert=station)

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server's side of failed handshakes
    return {
        "plain": await left(welcome, profile),
        "refused": await left(refuse, profile),
        "TLS": await left(welcome, secured, ssl=good),
        "TLS, with a certificate": await left(welcome, known, ssl=good),
        "TLS, of a stranger": await left(welcome, secured, ssl=bad),
    }


if __name__ == "__main__":
    logging.disable()
    with tempfile.TemporaryDirectory() as made:
        print(json.dumps(asyncio.run(main(Path(made)))))
