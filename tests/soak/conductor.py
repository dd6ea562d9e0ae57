"""The other side of the virtual time: the loop of CSMS, people and fate.

An ordinary asyncio loop, in which `asyncio.sleep(3600)` is an hour of virtual time. It waits as the station does: where
nothing is ready on any socket it lets time go on, first for the station, up to the loop's own next timer, then for
itself. While the station runs it does nothing but wait for the station's next `idle`; so the two are never at work at
the same time, and what one says the other has heard before time goes on.
"""

import json
import selectors
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tests.soak.wires import Loop, Wires, theirs

INF = float("inf")
STUCK_S = 120.0
"""real seconds in which a station says nothing to the conductor, and the whole is given up"""
GLANCE_S = 0.0005
"""real seconds for a socket that has not taken what was sent"""


class Stuck(Exception):
    """The station neither works nor waits."""


class Clocks(NamedTuple):
    """What a station's clocks show when it starts."""

    mono: float
    wall: float
    machine: str
    """which boot of the machine it is"""


class Stage:
    """What the conductor knows of the station's process.

    absent: there is none. expected: it was started, or re-executes itself. running: it was let go on. idle: it waits.
    """

    def __init__(self, path: Path, clocks: Callable[[float], Clocks]) -> None:
        """clocks: asked for with the virtual time at each start of the program."""
        self.path = path
        self.state: Literal["absent", "expected", "running", "idle"] = "absent"
        self.process: Callable[[], subprocess.Popen[str] | None] = lambda: None
        self.idle, self.at, self.next = 0, 0.0, INF
        self.starts = 0
        self.census: dict[str, Any] | None = None
        self.wires = Wires(theirs)
        self._clocks = clocks
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._line: socket.socket | None = None
        self._buffer = b""

    def expect(self) -> None:
        """A process is being started."""
        self._leave()
        self.state = "expected"

    def lost(self) -> None:
        """Its process was killed."""
        self._gone()

    def settle(self, now: float) -> float:
        """Wait, in real time, until the station is idle or gone. Gives the time it has come to."""
        limit = time.monotonic() + STUCK_S
        while self.state in ("expected", "running"):
            if self.state == "expected":
                self._welcome(now, limit)
            else:
                self._hear(limit)
        return max(now, self.at)

    def go(self, until: float) -> None:
        self._tell(go=self.idle, until=until, wires=self.wires.tell())
        if self.state == "idle":
            self.state = "running"

    def ask(self, **message: Any) -> None:
        """Something else of an idle station."""
        self._tell(**message)

    def survey(self) -> dict[str, Any]:
        """What there is in the process of an idle station."""
        self.census = None
        self._tell(census=True)
        while self.census is None and self.state != "absent":
            self._hear(time.monotonic() + STUCK_S)
        return self.census or {}

    def close(self) -> None:
        self._listener.close()
        self._leave()
        self.path.unlink(missing_ok=True)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _welcome(self, now: float, limit: float) -> None:
        """The launcher says hello, or its process has ended."""
        self._listener.settimeout(0.02)
        try:
            self._line, _ = self._listener.accept()
        except TimeoutError:
            process = self.process()
            if process is None or process.poll() is not None:
                self._gone()
            elif time.monotonic() > limit:
                raise Stuck("the station does not start") from None
            return
        self._line.settimeout(1.0)
        self._buffer, self.starts, self.at = b"", self.starts + 1, now
        self.wires.forget()
        clocks = self._clocks(now)
        self.state = "running"
        self._tell(now=now, mono=clocks.mono, wall=clocks.wall, machine=clocks.machine)

    def _hear(self, limit: float) -> None:
        assert self._line is not None
        try:
            data = self._line.recv(65536)
        except TimeoutError:
            if time.monotonic() > limit:
                raise Stuck(f"the station said nothing for {STUCK_S:.0f} s") from None
            return
        except OSError:
            data = b""
        if not data:
            self._leave()
            self.state = "expected"  # to re-execute itself; else `_welcome` sees its end
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, told: dict[str, Any]) -> None:
        if "idle" in told:
            self.idle, self.at = told["idle"], told["at"]
            self.next = INF if told["next"] is None else told["next"]
            self.wires.hear(told["wires"])
            self.state = "idle"
        elif "census" in told:
            self.census = told["census"]

    def _tell(self, **message: Any) -> None:
        if self._line is None:
            return
        try:
            self._line.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self._leave()
            self.state = "expected"

    def _leave(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _gone(self) -> None:
        self._leave()
        self.state = "absent"


class Conducting(selectors.EpollSelector):
    def __init__(self, stage: Stage, begin: float) -> None:
        super().__init__()
        self.stage = stage
        self.now = begin
        self.grants = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now = self.stage.settle(self.now)
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._unsent() or self.stage.wires.lacking():
            return super().select(GLANCE_S)
        due = INF if timeout is None else self.now + timeout
        stage = self.stage
        if stage.state == "absent":
            assert due < INF, "nobody is there, and nothing is to come"
            self.now = due + 1e-6
            return []
        self.grants += 1
        stage.go(due)
        self.now = stage.settle(self.now)
        return super().select(0)

    def _unsent(self) -> bool:
        return any(key.events & selectors.EVENT_WRITE for key in self.get_map().values())


class ConductingLoop(Loop):
    """A loop by the virtual time."""

    def __init__(self, stage: Stage, begin: float = 0.0) -> None:
        self.wires = stage.wires
        self.conducting = Conducting(stage, begin)
        super().__init__(self.conducting)

    def time(self) -> float:
        return self.conducting.now
