"""What we take of the `websockets` library: its sans-I/O client, imported at a third of the cost.

`websockets.version` imports `importlib.metadata` and with it `email`, `zipfile` and `csv`: 20 ms here, up to half
a second on a board, for something a released version never uses. A stand-in takes its place while
`websockets` is imported; whoever touches it gets the real module after all.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def put_off(package: ModuleType, name: str) -> Iterator[None]:
    """Import `package.name` inside the block only when an attribute of it is used."""
    full_name = f"{package.__name__}.{name}"
    if full_name in sys.modules:
        yield
        return
    stand_in = ModuleType(full_name)

    def load(attribute: str) -> Any:
        if sys.modules.get(full_name) is stand_in:
            del sys.modules[full_name]
        return getattr(importlib.import_module(full_name), attribute)

    stand_in.__getattr__ = load  # type: ignore[method-assign]
    sys.modules[full_name] = stand_in
    setattr(package, name, stand_in)
    try:
        yield
    finally:
        if sys.modules.get(full_name) is stand_in:
            del sys.modules[full_name]
        if getattr(package, name, None) is stand_in:
            delattr(package, name)


with put_off(importlib, "metadata"):
    from websockets.client import ClientProtocol
    from websockets.exceptions import InvalidHandshake, InvalidHeader, InvalidStatus, NegotiationError
    from websockets.frames import Frame, Opcode
    from websockets.http11 import Response
    from websockets.protocol import State
    from websockets.typing import Subprotocol
    from websockets.uri import WebSocketURI

__all__ = [
    "ClientProtocol",
    "Frame",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidStatus",
    "NegotiationError",
    "Opcode",
    "Response",
    "State",
    "Subprotocol",
    "WebSocketURI",
]
