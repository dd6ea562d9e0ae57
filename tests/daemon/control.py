"""The control socket as a stranger speaks it: JSON-RPC 2.0, one object a line, on a Unix socket."""

import json
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class ControlError(Exception):
    """The daemon answered with an error; `code` as the protocol lists them."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {code}: {message}")
        self.code = code
        self.message = message


def call(path: Path, method: str, params: Mapping[str, Any], timeout: float) -> Any:
    """The result of a method. ControlError, OSError when nobody listens, TimeoutError."""
    with _connected(path, timeout) as client, client.makefile("rwb") as stream:
        _send(stream, 1, method, params)
        deadline = time.monotonic() + timeout
        while line := stream.readline():
            reply = json.loads(line)
            if reply.get("id") == 1:
                return _result(method, reply)
            client.settimeout(max(deadline - time.monotonic(), 0.001))
    raise ConnectionError(f"{method}: the control socket closed without an answer")


class Watch:
    """The stream of `watch`: what happens at the station, from the moment the `with` block begins."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._client = _connected(path, timeout)
        self._stream = self._client.makefile("rwb")
        self._changed = threading.Condition()
        self._events: list[dict[str, Any]] = []
        self._taken: set[int] = set()
        self._open, self._begun = True, False
        _send(self._stream, 1, "watch", {})
        self._client.settimeout(None)
        self._thread = threading.Thread(target=self._read, name="watch", daemon=True)
        self._thread.start()
        with self._changed:  # what is done from now on is seen
            self._changed.wait_for(lambda: self._begun or not self._open, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # the other side may be gone
            self._client.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._stream.close()
        self._client.close()

    def wait(self, timeout: float = 30.0, **fields: Any) -> dict[str, Any]:
        """The first event not taken before that has these fields."""

        def look() -> int | None:
            fits = (
                n for n, event in enumerate(self._events) if n not in self._taken and fields.items() <= event.items()
            )
            return next(fits, None)

        with self._changed:
            self._changed.wait_for(lambda: look() is not None or not self._open, timeout)
            found = look()
            assert found is not None, f"no event {fields} within {timeout} s; seen: {self._events}"
            self._taken.add(found)
            return self._events[found]

    def _read(self) -> None:
        with suppress(OSError):  # the daemon was killed
            for line in self._stream:
                self._take(json.loads(line))
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def _take(self, told: dict[str, Any]) -> None:
        with self._changed:
            if told.get("method") == "event":
                self._events.append(told["params"])
            elif told.get("id") == 1:
                self._begun = True
            self._changed.notify_all()


def _connected(path: Path, timeout: float) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(timeout)
    try:
        client.connect(str(path))
    except OSError:
        client.close()
        raise
    return client


def _send(stream: Any, id_: int, method: str, params: Mapping[str, Any]) -> None:
    request = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
    stream.write(json.dumps(request).encode() + b"\n")
    stream.flush()


def _result(method: str, reply: Mapping[str, Any]) -> Any:
    if "error" in reply:
        raise ControlError(method, reply["error"]["code"], reply["error"]["message"])
    return reply["result"]
