"""Tables and colours for a terminal, plain text for a pipe."""

import os
from collections.abc import Sequence
from typing import NamedTuple, TextIO

_CODES = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "faint": "2"}

_MEANING = {
    "green": ("available", "operative", "connected", "up", "accepted", "ok", "charging", "unlocked", "closed"),
    "yellow": (
        "occupied", "reserved", "scheduled", "starting", "pending", "suspendedev", "suspendedevse", "rebootrequired",
    ),
    "red": ("faulted", "unavailable", "inoperative", "down", "rejected", "offline", "unlockfailed", "not connected"),
}  # fmt: skip
_COLOUR = {word: colour for colour, words in _MEANING.items() for word in words}


class Cell(NamedTuple):
    """A text and how it looks; the colour does not count for the width."""

    text: str
    look: str = ""


class Style:
    """How to write to one output: with colours or without."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def paint(self, text: str, look: str) -> str:
        return f"\x1b[{_CODES[look]}m{text}\x1b[0m" if self._colour and look and text else text

    def state(self, text: str) -> str:
        """A state in the colour of what it means: good, in between, bad."""
        return self.paint(text, _COLOUR.get(text.lower(), ""))


def style_for(output: TextIO, no_color: bool) -> Style:
    """Colours only on a terminal that knows them, and not when NO_COLOR is set (https://no-color.org)."""
    plain = no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Style(not plain and output.isatty())


def printable(value: object) -> str:
    """A value as one line of text. What would steer the terminal is made harmless: it may come from outside."""
    text = "-" if value is None else str(value)
    return "".join(c if c.isprintable() else "�" for c in text)


def state_cell(value: object) -> Cell:
    text = printable(value)
    return Cell(text, _COLOUR.get(text.lower(), ""))


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell | str]], style: Style) -> str:
    """Columns as wide as their widest cell, two blanks between; columns that are empty in every row are left out."""
    cells = [[each if isinstance(each, Cell) else Cell(each) for each in row] for row in rows]
    used = [n for n in range(len(heads)) if any(row[n].text not in ("", "-") for row in cells)]
    lines = [[Cell(heads[n].upper(), "bold") for n in used], *([row[n] for n in used] for row in cells)]
    widths = [max(len(line[n].text) for line in lines) for n in range(len(used))]
    return "\n".join(_row(line, widths, style) for line in lines)


def _row(line: Sequence[Cell], widths: Sequence[int], style: Style) -> str:
    padded = [
        style.paint(cell.text, cell.look) + " " * (width - len(cell.text))
        for cell, width in zip(line, widths, strict=True)
    ]
    return "  ".join(padded).rstrip()
