"""What is kept of connections that are over: nothing, or the harness would grow in the process it measures."""

import socket
import time
from typing import NamedTuple

import pytest

from tests.soak import wires
from tests.soak.wires import Wires


class Sock(NamedTuple):
    """What `Wires` asks of a socket."""

    port: int
    family: int = socket.AF_INET


def pair() -> tuple[Wires, Wires]:
    return Wires(lambda sock: sock.port), Wires(lambda sock: sock.port)  # type: ignore[attr-defined]


def both_told(one: Wires, other: Wires) -> None:
    for _ in range(2):
        other.hear(one.tell())
        one.hear(other.tell())


def left(side: Wires) -> list[object]:
    return [kept for kept in (side._sent, side._received, side._open, side._ended, side._given_up) if kept]


def test_an_end_here_that_the_other_side_tells_later() -> None:
    ours, theirs = pair()
    for port in range(1, 100):
        for side in (ours, theirs):
            side.begun(Sock(port))  # type: ignore[arg-type]
        both_told(ours, theirs)
        ours.over(port)
        theirs.hear(ours.tell())
        assert not ours.lacking() and theirs.lacking()  # the end is under way
        ours.hear(theirs.tell())
        assert not ours.lacking()
        theirs.over(port)
        both_told(ours, theirs)
        assert not ours.lacking() and not theirs.lacking()
    assert left(ours) == left(theirs) == []


def test_an_end_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given up, and come in the end all the same."""
    ours, theirs = pair()
    for port in range(1, 100):
        for side in (ours, theirs):
            side.begun(Sock(port))  # type: ignore[arg-type]
        ours.over(port)
        theirs.hear(ours.tell())
        assert theirs.lacking()
        now = time.monotonic() + wires.PATIENCE_S
        monkeypatch.setattr(wires, "_real", lambda now=now: now)
        assert not theirs.lacking()
        monkeypatch.setattr(wires, "_real", time.monotonic)
        theirs.over(port)
        both_told(ours, theirs)
    assert left(ours) == left(theirs) == []
