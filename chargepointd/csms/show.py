"""What happens, as one line: for people (coloured on a terminal) or as JSON."""

import os
import threading
from typing import Any, NamedTuple, TextIO

from chargepointd.dialects import codec

_LOOK = {
    "connected": "32",
    "disconnected": "33",
    "boot": "32",
    "transaction": "36",
    "call": "35",
    "answer": "35",
    "heartbeat": "2",
    "meter": "2",
    "violation": "31",
    "refused": "31",
    "failed": "31",
    "security": "33",
}
LONGEST = 400
"""characters of a line for people; JSON has all of it"""


class Event(NamedTuple):
    at: str
    """RFC 3339, UTC"""
    station: str
    """empty: nothing of one station"""
    kind: str
    text: str
    data: dict[str, Any]


class Screen:
    """Where events and answers go. May be used by several threads; a line is written whole."""

    def __init__(self, out: TextIO, *, json: bool = False, colour: bool | None = None, prefix: str = "") -> None:
        self._out = out
        self._json = json
        self._colour = on_terminal(out) if colour is None else colour
        self._prefix = prefix
        self._writing = threading.Lock()

    def event(self, event: Event) -> None:
        self._write(codec.encode(_told(event)) if self._json else self._line(event))

    def lines(self, *lines: str) -> None:
        """An answer to the person at the console."""
        for line in lines:
            self._write(codec.encode({"kind": "console", "text": line}) if self._json else harmless(line))

    def _line(self, event: Event) -> str:
        text = harmless(f"{event.kind:<12} {event.text}".rstrip())
        text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
        where = f"{harmless(event.station)} " if event.station else ""
        return f"{event.at[11:19]} {self._prefix}{where}{self.paint(text, _LOOK.get(event.kind, ''))}"

    def paint(self, text: str, look: str) -> str:
        """look: the number of an ANSI rendition, such as "31" for red."""
        return f"\x1b[{look}m{text}\x1b[0m" if self._colour and look else text

    def _write(self, line: str) -> None:
        with self._writing:
            self._out.write(line + "\n")
            self._out.flush()


def _told(event: Event) -> dict[str, Any]:
    station = {"station": event.station} if event.station else {}
    return {"at": event.at, **station, "kind": event.kind, "text": event.text, **event.data}


def on_terminal(out: TextIO) -> bool:
    """Colours only on a terminal that knows them, and not when NO_COLOR is set (https://no-color.org)."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def harmless(text: str) -> str:
    """On one line, and nothing in it that steers the terminal: it comes from outside."""
    return "".join(c if c.isprintable() else "�" for c in text)
