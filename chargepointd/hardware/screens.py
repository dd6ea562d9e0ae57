"""What people look at: each device shows what it was told last. One that is slow leaves out what has become old
meanwhile; one that was silent, or has just come back, is told again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from chargepointd.core.effects import Display
from chargepointd.core.tuples import NamedTuple
from chargepointd.hardware.bindings import Address, address
from chargepointd.sections import Config
from hal.devices import QrCodes
from hal.errors import HalError

log = logging.getLogger(__name__)

AGAIN_S = 10.0
"""a device that did not answer is told again"""

Act = Callable[[Any], Awaitable[Any]]
Call = Callable[[Address, Act], Awaitable[Any]]


class Content(NamedTuple):
    lines: tuple[str, ...]
    code: str = ""


class Panels:
    """Devices of one kind, by their addresses."""

    def __init__(self, places: Iterable[Address], call: Call) -> None:
        self._call = call
        self._shown: dict[Address, Act] = {}
        self._news = {at: asyncio.Event() for at in places}

    def tell(self, at: Address, act: Act) -> None:
        """What it shows from now on, as a call of the device."""
        self._shown[at] = act
        self._news[at].set()

    def again(self, at: Address) -> None:
        """It is back, dark perhaps."""
        if at in self._news:
            self._news[at].set()

    async def run(self, at: Address) -> None:
        """Of one device, until cancelled."""
        news = self._news[at]
        while True:
            await news.wait()
            news.clear()
            act = self._shown.get(at)
            if act is None:
                continue
            try:
                await self._call(at, act)
            except HalError as error:
                log.debug("%s: %s", at, error)  # its health is the supervisor's to tell
                asyncio.get_running_loop().call_later(AGAIN_S, news.set)

    @property
    def places(self) -> tuple[Address, ...]:
        return tuple(self._news)


class Screens(Panels):
    """The displays."""

    def __init__(self, config: Config, call: Call) -> None:
        self._station = config.station.model
        self._serves = tuple((address(display.device), display.evses) for display in config.display)
        super().__init__([at for at, _ in self._serves], call)

    def show(self, told: Display) -> None:
        """`Display.screen` counts as the configuration does."""
        title = f"EVSE {told.evse_id}" if told.evse_id else self._station
        content = Content((title, *told.text.split("\n")), told.code)
        for n, (at, evses) in enumerate(self._serves):
            serves = not told.evse_id or not evses or told.evse_id in evses
            if serves if told.screen is None else told.screen == n:
                self.tell(at, lambda screen: _show(screen, content))


async def _show(screen: Any, content: Content) -> None:
    if content.code and isinstance(screen, QrCodes):
        await screen.show_code(content.lines, content.code)
    else:
        await screen.show(content.lines)
