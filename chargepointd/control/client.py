"""The other end of the control socket, for a program that wants one answer: plain blocking sockets, quick to start."""

import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from chargepointd.control.protocol import BUSY, encode_request

ANSWER_LIMIT_S = 35.0
"""longer than the daemon's own limit, so that it can say what took so long"""
READ_SIZE = 64 * 1024


class ClientError(Exception):
    """The text names what is wrong and the remedy."""


class DaemonNotRunning(ClientError):
    """Nobody answers at the socket, or not any more."""


class NoPermission(ClientError):
    """The socket is there, and not for us."""


class Refused(ClientError):
    """The daemon answered with an error. code: as in `chargepointd.control`."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Client:
    """A connection, made with the first call. A context manager; every method raises ClientError."""

    def __init__(self, path: Path, timeout_s: float = ANSWER_LIMIT_S) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._rest = b""
        self._calls = 0
        self._early: list[dict[str, Any]] = []

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def call(self, method: str, params: Mapping[str, Any]) -> Any:
        """The result."""
        self._calls += 1
        self._send(encode_request(self._calls, method, params))
        while True:
            message = self._receive()
            if "error" in message and message.get("id") in (self._calls, None):
                raise Refused(message["error"]["code"], message["error"]["message"])
            if message.get("id") == self._calls and "result" in message:
                return message["result"]
            self._early.append(message)  # an event may overtake the answer to `watch`

    def stream(self, method: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The params of each event, for as long as the daemon sends them; there is no end but an error."""
        self.call(method, params)
        self._connected().settimeout(None)
        while True:
            message = self._early.pop(0) if self._early else self._receive()
            if message.get("method") == "event":
                yield message["params"]
            elif message.get("method") == "dropped":
                raise Refused(BUSY, message["params"]["text"])

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = _connect(self._path, self._timeout_s)
            self._rest = b""
        return self._socket

    def _send(self, line: bytes) -> None:
        try:
            self._connected().sendall(line)
        except (BrokenPipeError, ConnectionResetError):
            pass  # whoever closed on us may have said why; reading tells
        except OSError as error:
            raise self._lost(error) from error

    def _receive(self) -> dict[str, Any]:
        parts = [self._rest]
        while b"\n" not in parts[-1]:
            try:
                parts.append(self._connected().recv(READ_SIZE))
            except OSError as error:
                raise self._lost(error) from error
            if not parts[-1]:
                raise self._lost(None)
        line, self._rest = b"".join(parts).split(b"\n", 1)
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise DaemonNotRunning(f"what answers at {self._path} is not chargepointd: give its socket with --socket")
        return message

    def _lost(self, error: OSError | None) -> ClientError:
        if isinstance(error, TimeoutError):
            return DaemonNotRunning(
                f"chargepointd does not answer at {self._path} within {self._timeout_s:g} s:"
                " see `journalctl -u chargepointd`"
            )
        return DaemonNotRunning(f"chargepointd ended the connection at {self._path}: see `journalctl -u chargepointd`")


def _connect(path: Path, timeout_s: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(timeout_s)
    try:
        sock.connect(str(path))
    except OSError as error:
        sock.close()
        raise _no_connection(path, error) from error
    return sock


def _no_connection(path: Path, error: OSError) -> ClientError:
    remedy = "start it with `systemctl start chargepointd`, or give --socket"
    match error:
        case PermissionError():
            return NoPermission(f"no permission on {path}: add yourself to group chargepoint or use sudo")
        case FileNotFoundError() | NotADirectoryError():
            return DaemonNotRunning(f"chargepointd is not running (no socket at {path}): {remedy}")
        case ConnectionRefusedError():
            return DaemonNotRunning(f"chargepointd is not running (nobody listens at {path}): {remedy}")
    return DaemonNotRunning(f"cannot reach chargepointd at {path} ({error.strerror or error}): {remedy}")
