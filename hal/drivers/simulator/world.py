"""The simulated world, and the driver's open hold on it.

The world outlives the driver: a car stays plugged in while the driver is closed and opened again. `Hold` is what the
open driver has of it: the feeds of the watched devices and one timer an EVSE, for what happens by itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from hal.drivers.simulator.config import Config
from hal.drivers.simulator.physics import Evse
from hal.drivers.simulator.register import Register
from hal.errors import NotConnected

R = TypeVar("R", bound=tuple[Any, ...])
FEED_LIMIT = 64


class World:
    def __init__(self, config: Config, path: Path) -> None:
        now = time.monotonic()
        self.config = config
        self.evses = [Evse(number, config, now) for number in range(1, config.evses + 1)]
        self.dead = False
        self.contacts = {"contact1": False, "contact2": False}
        """of the grid operator's relay, as it were: closed or open"""
        self.site_a = (0.0, 0.0, 0.0)
        """A; what the building draws besides the station"""
        self.site_dead = False
        self.lines: tuple[str, ...] = ()
        self.code = ""
        """the QR code on the display"""
        self.indicator = "off"
        self.signal = ""
        """the last one that the lamp has given"""
        self.hold: Hold | None = None
        self.register = Register(path, self.contacts)
        self.register.load(self.evses)

    def advanced(self, number: int) -> Evse:
        """An EVSE, after the time until now has passed for it."""
        evse = self.evses[number - 1]
        evse.advance(time.monotonic())
        return evse

    def changed(self, evse: Evse) -> None:
        """Facts of `evse` have changed: let follow what follows, tell who watches, keep what survives."""
        evse.settle(time.monotonic())
        self.register.save(self.evses)
        if self.hold:
            self.hold.tell(evse)

    def set_dead(self, dead: bool) -> None:
        self.dead = dead
        if self.hold and dead:
            self.hold.lose(NotConnected("simulated: the driver is dead until sim.clear_error"))


_worlds: WeakValueDictionary[Path, World] = WeakValueDictionary()


def world_of(config: Config, path: Path) -> World:
    """The world of that register file: the one that is there already, as long as anybody knows it."""
    world = _worlds.get(path)
    if world is None or world.config != config:
        world = _worlds[path] = World(config, path)
    return world


class Feed(Generic[R]):
    """What a watched device tells. A watcher that does not keep up loses the oldest of `FEED_LIMIT` readings."""

    def __init__(self, present: Callable[[], R] | None) -> None:
        """present: the state now; None for a device that only tells events."""
        self._present = present
        self._last = present()[1:] if present else ()
        self._queues: set[asyncio.Queue[R | NotConnected]] = set()

    def tell(self) -> None:
        """Tell the state if it has changed."""
        if self._present and (reading := self._present())[1:] != self._last:
            self._last = reading[1:]
            self.say(reading)

    def say(self, news: R | NotConnected) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(news)

    async def watch(self) -> AsyncIterator[R]:
        queue: asyncio.Queue[R | NotConnected] = asyncio.Queue(FEED_LIMIT)
        self._queues.add(queue)
        try:
            if self._present:
                yield self._present()
            while not isinstance(news := await queue.get(), NotConnected):
                yield news
            raise news
        finally:
            self._queues.discard(queue)


class Hold:
    def __init__(self, world: World) -> None:
        self.world = world
        self._loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[NotConnected] = self._loop.create_future()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._feeds: dict[int, list[Feed[Any]]] = {}

    def feed(self, evse_number: int, present: Callable[[], R] | None) -> Feed[R]:
        """A feed that is looked at when something changes at that EVSE; 0: at any."""
        feed = Feed(present)
        self._feeds.setdefault(evse_number, []).append(feed)
        return feed

    async def life(self) -> None:
        """Lasts until the driver dies."""
        raise await self._lost

    def reach(self, number: int) -> Evse:
        """An EVSE as it is now. NotConnected when the driver is closed or dead."""
        self.check()
        return self.world.advanced(number)

    def check(self) -> None:
        if self._lost.done():
            raise self._lost.result()

    def tell(self, evse: Evse) -> None:
        for feed in [*self._feeds.get(evse.number, ()), *self._feeds.get(0, ())]:
            feed.tell()
        self._arm(evse)

    def lose(self, why: NotConnected) -> None:
        if not self._lost.done():
            self._lost.set_result(why)
        for feeds in self._feeds.values():
            for feed in feeds:
                feed.say(why)

    def release(self) -> None:
        """Nothing offered, nothing closed, and no timer left."""
        self.world.hold = None
        self.world.indicator = "off"
        self.lose(NotConnected("closed"))
        for timer in self._timers.values():
            timer.cancel()
        for evse in self.world.evses:
            self.world.advanced(evse.number).reset()
            evse.settle(time.monotonic())
        self.world.register.save(self.world.evses)

    def _arm(self, evse: Evse) -> None:
        if timer := self._timers.pop(evse.number, None):
            timer.cancel()
        due = evse.due_at()
        if due < float("inf"):
            self._timers[evse.number] = self._loop.call_at(due, self._due, evse, due)

    def _due(self, evse: Evse, due: float) -> None:
        # Who looked meanwhile may have let it happen: what is due next may be hours away.
        evse.advance(max(due, time.monotonic()))
        self.world.changed(evse)
