"""A station under the virtual clock, its CSMS, and the power that feeds it."""

import asyncio
import random
import signal
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.daemon.config import Config
from tests.daemon.process import ROOT, Station
from tests.heap import EXACT
from tests.soak.conductor import Clocks, ConductingLoop, Stage
from tests.soak.control import Control, Dark
from tests.soak.csms import Csms
from tests.soak.launcher import COMMAND
from tests.soak.ledger import Trouble

T = TypeVar("T")
BEGIN = 1_804_636_800.0
"""10 March 2027, 00:00 UTC: Europe changes to summer time on the 28th"""
DAY_S = 86_400.0
INF = float("inf")
AFTERMATH_S = 600.0
"""until a station and its people are as ever, after something was wrong: the back-off alone may take six minutes"""


def environment() -> dict[str, str]:
    """What the systemd unit sets for the daemon; and what its heap can be counted by."""
    lines = (ROOT / "systemd" / "chargepointd.service").read_text().splitlines()
    settings = [line.partition("=")[2] for line in lines if line.startswith("Environment=")]
    return dict(setting.split("=", 1) for setting in settings) | EXACT


class Site:
    """configure: the station's configuration, by the URL of the CSMS.

    `now` is the virtual time in s since the beginning; the world's true clock shows BEGIN + now.
    """

    def __init__(
        self, configure: Callable[[str], Config], versions: tuple[str, ...], seed: int = 1, pace: float = 1.0
    ) -> None:
        self.chance = random.Random(seed)
        self._folder = tempfile.TemporaryDirectory(prefix="soak-")
        self.stage = Stage(Path(self._folder.name) / "clock", self._clocks)
        self.loop = ConductingLoop(self.stage)
        self.csms_off_s = 0.0
        """by which the clock of the CSMS is fast"""
        self.csms = Csms(versions, lambda: BEGIN + self.now + self.csms_off_s, random.Random(seed + 1))
        self.station = Station(
            configure(self.csms.url),
            command=COMMAND,
            ready_within_s=60.0,
            env=environment() | {"SOAK_CLOCK": str(self.stage.path), "SOAK_PACE": str(pace)},
        )
        self.stage.process = lambda: self.station._process  # it may start anew at any moment
        self.control = Control(self.station.socket)
        self.drift_s = 0.0
        """by which the system's clock of the station is fast at its next start"""
        self.booted_at = -1000.0
        self.cuts = 0
        self.deaf = False
        """the CSMS neither hears nor answers on the present connection"""
        self.cards_in_use: set[str] = set()
        self.troubles: list[Trouble] = []

    def run(self, life: Callable[["Site"], Coroutine[Any, Any, T]]) -> T:
        """Run a life on this site, to its end, and clear away."""
        asyncio.set_event_loop(self.loop)
        try:
            return self.loop.run_until_complete(life(self))
        finally:
            self.station._clean_up()
            self.loop.run_until_complete(self.csms.offline())
            self.csms.end()
            self.control.leave()
            self.stage.close()
            self.loop.close()
            asyncio.set_event_loop(None)
            self._folder.cleanup()

    @property
    def now(self) -> float:
        return self.loop.time()

    @property
    def day(self) -> float:
        return self.now / DAY_S

    @contextmanager
    def trouble(self, kind: str) -> Iterator[None]:
        """Something is wrong while this lasts, and for a moment after."""
        begin = self.now
        self.troubles.append(Trouble(kind, begin, INF))
        try:
            yield
        finally:
            self.troubles = [t for t in self.troubles if (t.kind, t.begin) != (kind, begin)]
            self.troubles.append(Trouble(kind, begin, self.now + AFTERMATH_S))

    def disturbed(self, begin: float, end: float = INF) -> bool:
        """Whether anything was wrong at any moment between."""
        return any(trouble.begin < end and begin < trouble.end for trouble in self.troubles)

    async def until_day(self, day: float) -> None:
        await asyncio.sleep(max(0.0, day * DAY_S - self.now))

    async def until(self, condition: Callable[[], Any], what: str, timeout: float = 600.0, every: float = 1.0) -> Any:
        """What `condition` gives as soon as it is true, within `timeout` virtual seconds."""
        end = self.now + timeout
        while True:
            found = condition()
            found = await found if asyncio.iscoroutine(found) else found
            if found:
                return found
            assert self.now < end, f"no {what} within {timeout} s"
            await asyncio.sleep(every)

    # -- the process ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start it, and wait until it has nothing more to do."""
        self.stage.expect()
        self.station.start()
        await asyncio.sleep(0.1)
        assert self.alive, f"it did not start\n{self.station.tail()}"

    @property
    def alive(self) -> bool:
        return self.stage.state != "absent"

    def cut(self) -> None:
        """The power is cut, now."""
        self.cuts += 1
        self.station.kill()
        self.stage.lost()
        self.control.leave()

    async def restore(self) -> None:
        """The power is back: a board that boots, whose monotonic clock begins anew."""
        self.booted_at = self.now - self.chance.uniform(5.0, 20.0)
        await self.start()

    async def end(self) -> int:
        """SIGTERM; its exit code."""
        process = self.station._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        await self.until(lambda: not self.alive, "end")
        self.control.leave()
        return self.station.expect_exit()

    async def ask(self, method: str, **params: Any) -> Any:
        if not self.alive:
            raise Dark(method)
        return await self.control.ask(method, **params)

    def _clocks(self, now: float) -> Clocks:
        return Clocks(now - self.booted_at, BEGIN + now + self.drift_s, f"boot at {self.booted_at:.3f}")
