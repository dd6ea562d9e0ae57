"""The daemon's end of the control socket.

Every client has one reader, which takes one request after the other, and one writer. The next request is read when the
answer to the last one is out, so a client that asks and does not listen stops itself. Events for a `watch` wait in a
bounded queue; a watcher that falls too far behind is told so and dropped. The engine's part in all this is to append to
that queue.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from chargepointd.control.listener import CannotListen, Listener
from chargepointd.control.output import Event, Output
from chargepointd.control.protocol import (
    BUSY,
    INTERNAL_ERROR,
    ControlError,
    Failure,
    Lines,
    Notification,
    Request,
    encode_failure,
    encode_result,
    parse,
)

__all__ = ["CannotListen", "ControlServer"]

log = logging.getLogger(__name__)

CLIENT_LIMIT = 16
ANSWER_LIMIT_S = 30.0
"""a method that takes longer is answered for: no method waits for the CSMS"""
LONGER_S = {"bundle": 120.0}
"""it writes down all that is recorded, on a slow board too"""
READ_SIZE = 64 * 1024

QUIET = {"status", "watch", "get", "outbox", "profiles", "drivers"}
"""methods that change nothing, and so are not worth a line in the log"""

Answer = Callable[[dict[str, Any]], Awaitable[Any]]
Subscribe = Callable[[Callable[[Event], None]], Callable[[], None]]


class ControlServer:
    """Serves `methods` on a Unix socket at `path`.

    group: who may connect besides root and the daemon's own user; empty: the daemon's own group. methods: by name, each
    given its checked params; raises ControlError to refuse. `watch` is the server's own: it hands a callback to
    `subscribe`, which calls it with every event, from the loop's thread, until the function it returned is called.
    """

    def __init__(self, path: Path, group: str, methods: Mapping[str, Answer], subscribe: Subscribe) -> None:
        self._path = path
        self._group = group
        self._methods: dict[str, Answer] = dict(methods)
        self._subscribe = subscribe
        self._listener: Listener | None = None
        self._clients = 0

    def open(self) -> None:
        """Take the socket; clients may connect from now on and wait for `run`. CannotListen when it cannot be had."""
        self._listener = Listener(self._path, self._group)

    async def run(self) -> None:
        """Serve until cancelled; then every client is left and the socket is gone. CannotListen as `open`."""
        if self._listener is None:
            self.open()
        assert self._listener is not None
        try:
            async with asyncio.TaskGroup() as clients:
                while True:
                    self._take(await self._listener.accept(), clients)
        finally:
            self.close()

    def close(self) -> None:
        """Give the socket back. Only needed where `open` was called and `run` was not."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _take(self, sock: socket.socket, clients: asyncio.TaskGroup) -> None:
        sock.setblocking(False)
        if self._clients < CLIENT_LIMIT:
            self._clients += 1
            clients.create_task(self._serve(sock), name="control client")
            return
        log.warning("control: more than %d clients, one turned away", CLIENT_LIMIT)
        text = f"{CLIENT_LIMIT} clients are connected already; end one of them and try again"
        with sock, suppress(OSError):
            sock.send(encode_failure(Failure(None, BUSY, text)))

    async def _serve(self, sock: socket.socket) -> None:
        output = Output(sock)
        try:
            async with asyncio.TaskGroup() as both:
                reading = both.create_task(self._read(sock, output), name="control reader")
                await output.run()
                reading.cancel()
        except* OSError as gone:
            log.debug("control: client gone: %s", gone.exceptions[0])
        finally:
            self._clients -= 1
            sock.close()

    async def _read(self, sock: socket.socket, output: Output) -> None:
        loop, lines = asyncio.get_running_loop(), Lines()
        watch, peer = _Watch(self._subscribe, output), _peer(sock)
        try:
            # Half a line before the end is no request: who knows what its other half would have said.
            while data := await loop.sock_recv(sock, READ_SIZE):
                for line in lines.feed(data):
                    answer = await self._answer(parse(line), watch, peer)
                    if answer:
                        await output.send(answer)
        finally:
            watch.end()
            output.end()

    async def _answer(self, message: Request | Notification | Failure, watch: "_Watch", peer: str) -> bytes:
        """The line that goes back; none for a notification."""
        if isinstance(message, Failure):
            return encode_failure(message)
        call_id = message.id if isinstance(message, Request) else None
        try:
            answer = encode_result(call_id, await self._call(message.method, message.params, watch, peer))
        except ControlError as error:
            answer = encode_failure(Failure(call_id, error.code, error.message))
        except Exception:
            # The edge of the daemon: a bug in one method must not end the others, nor go unseen.
            log.exception("control: %s failed", message.method)
            text = f"{message.method}: failed inside the daemon; see its log"
            answer = encode_failure(Failure(call_id, INTERNAL_ERROR, text))
        return answer if isinstance(message, Request) else b""

    async def _call(self, method: str, params: dict[str, Any], watch: "_Watch", peer: str) -> Any:
        # Here, because the daemon's start need not wait for the table: it costs a third of this module's import.
        from chargepointd.control.methods import check, unknown_method

        if method != "watch" and method not in self._methods:
            raise unknown_method(method, {*self._methods, "watch"})
        checked = check(method, params)
        if method == "watch":
            watch.begin()
            return {"watching": True}
        if method not in QUIET:
            log.info("control: %s asked for by %s", method, peer)
        limit_s = LONGER_S.get(method, ANSWER_LIMIT_S)
        try:
            async with asyncio.timeout(limit_s):
                return await self._methods[method](checked)
        except TimeoutError:
            log.warning("control: %s was not answered within %g s", method, limit_s, exc_info=True)
            text = f"{method}: no answer within {limit_s:g} s; see the daemon's log"
            raise ControlError(INTERNAL_ERROR, text) from None


class _Watch:
    """Whether a client watches; asked for twice is watched once."""

    def __init__(self, subscribe: Subscribe, output: Output) -> None:
        self._subscribe = subscribe
        self._output = output
        self._unsubscribe: Callable[[], None] | None = None

    def begin(self) -> None:
        if self._unsubscribe is None:
            self._unsubscribe = self._subscribe(self._output.event)

    def end(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None


def _peer(sock: socket.socket) -> str:
    pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return f"uid {uid}, pid {pid}"
