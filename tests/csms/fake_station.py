"""A station in thirty lines, that says exactly what a test tells it to; for the tests of the test CSMS only."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from websockets.sync.client import connect
from websockets.typing import Subprotocol

TOKEN = {"idToken": "04A2", "type": "ISO14443"}


class FakeStation:
    def __init__(
        self, url: str, *, subprotocols: tuple[str, ...] = ("ocpp2.0.1",), name: str = "FAKE", **how: Any
    ) -> None:
        opening = connect(
            f"{url}/{name}",
            subprotocols=[Subprotocol(each) for each in subprotocols],
            compression=None,
            close_timeout=1,
            **how,
        )
        self._end = ExitStack()
        self._socket = self._end.enter_context(opening)
        self.subprotocol = self._socket.subprotocol

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.close()

    def send(self, text: str | bytes) -> None:
        self._socket.send(text)

    def receive(self, timeout: float = 5.0) -> Any:
        return json.loads(self._socket.recv(timeout))

    def tell(self, action: str, payload: dict[str, Any], id_: str | None = None) -> str:
        """Send a request, do not wait; its message id."""
        id_ = id_ or str(uuid4())
        self.send(json.dumps([2, id_, action, payload]))
        return id_

    def ask(self, action: str, payload: dict[str, Any], id_: str | None = None) -> Any:
        """Send a request; the frame that answers it."""
        id_ = self.tell(action, payload, id_)
        frame = self.receive()
        assert frame[1] == id_, f"answer to another request: {frame}"
        return frame

    def answer(self, with_: Callable[[list[Any]], list[Any]]) -> list[Any]:
        """Receive a request and send what `with_` makes of it."""
        request: list[Any] = self.receive()
        self.send(json.dumps(with_(request)))
        return request


def event(kind: str, seq_no: int, second: int = 0, wh: float | None = None, **more: Any) -> dict[str, Any]:
    at = f"2026-01-01T00:00:{second:02}Z"
    made = {
        "eventType": kind, "timestamp": at, "triggerReason": "Trigger", "seqNo": seq_no,
        "transactionInfo": {"transactionId": "T1"}, **more,
    }  # fmt: skip
    sample = {"timestamp": at, "sampledValue": [{"value": wh}]}
    return made if wh is None else made | {"meterValue": [sample]}
