"""The last events, bounded, tokens masked: what a bug report needs."""

import json
import time
from collections import deque
from pathlib import Path
from typing import Any

from chargepointd.core import events as e
from chargepointd.core.local_list import SendLocalList
from chargepointd.core.masking import masked
from chargepointd.core.values import Token
from chargepointd.core.variables.model import Ref

KEPT = 500
LISTED = 20
"""tokens of a local list"""
_GROUPS = ("group", "identifier")
REPORTS = 20
"""the newest that are kept: a station that fails at every start must not fill its disk as well"""


class Recorder:
    def __init__(self) -> None:
        self._events: deque[tuple[float, e.Event]] = deque(maxlen=KEPT)

    def record(self, mono: float, event: e.Event) -> None:
        if isinstance(event, e.CallReceived) and isinstance(event.command, SendLocalList):
            # Hundreds of lists of a thousand tokens each would be most of a small board's memory.
            event = event._replace(command=event.command._replace(entries=event.command.entries[:LISTED]))
        elif isinstance(event, e.RecordsLoaded):
            event = event._replace(entries=event.entries[:1])  # each was an event already when it was made
        self._events.append((mono, event))

    def text(self, oldest: float, latest: float) -> str:
        """The events of that time (UTC, s since 1970, by the system's clock) as JSON lines, oldest first."""
        offset = time.time() - time.monotonic()
        return "".join(f"{_line(mono, ev)}\n" for mono, ev in self._events if oldest <= mono + offset <= latest)

    def write(self, directory: Path, why: str) -> Path:
        """The last events as JSON lines, oldest first. Returns the file."""
        path = directory / f"crash-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.jsonl"
        lines = [masked(json.dumps({"why": why}))]
        lines += [_line(mono, event) for mono, event in self._events]
        for old in sorted(directory.glob("crash-*.jsonl"))[: -(REPORTS - 1)]:
            old.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n")
        return path


def _line(mono: float, event: e.Event) -> str:
    return masked(json.dumps([mono, type(event).__name__, _plain(event)]))


def _plain(value: Any) -> Any:
    """JSON data of an event; a token never in full."""
    if isinstance(value, Token):
        return {"token": value.masked, "kind": value.kind}
    if isinstance(value, tuple) and len(value) == 3 and isinstance(value[0], Ref):  # a variable that is set
        hidden = "password" in value[0].variable.lower()
        return [_plain(value[0]), value[1], "***" if hidden else value[2]]
    if isinstance(value, e.KeyPressed):
        return {"key": "…"}
    if isinstance(value, e.VehicleIdentified):
        return {"evse_id": value.evse_id, "mac": Token(value.mac).masked}
    if isinstance(value, e.ContractShown):  # the chain names whose contract it is as well
        return {"evse_id": value.evse_id, "emaid": Token(value.emaid).masked, "chain": _size(value.chain)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(_veiled(name, item)) for name, item in value._asdict().items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(type(value))


def _veiled(name: str, item: Any) -> Any:
    """A group, by which a customer is meant as well, is a token without its kind. What a vehicle and its provider
    say to each other is theirs."""
    if name == "exi":
        return _size(item)
    return Token(item).masked if name in _GROUPS and item and isinstance(item, str) else item


def _size(text: str) -> str:
    return f"{len(text)} characters"
