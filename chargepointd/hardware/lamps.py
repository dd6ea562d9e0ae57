"""The lamps: each shows what it was told last. A signal is for the moment: what a lamp misses is not made up for."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from chargepointd.core.effects import Indicate
from chargepointd.hardware.bindings import Address, address
from chargepointd.hardware.screens import Call, Panels
from chargepointd.sections import Config
from hal.errors import HalError

log = logging.getLogger(__name__)

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Lamps(Panels):
    def __init__(self, config: Config, call: Call, spawn: Spawn) -> None:
        self._at = [address(lamp.device) for lamp in config.indicator]
        self._spawn = spawn
        super().__init__(self._at, call)

    def show(self, told: Indicate) -> None:
        at = self._at[told.lamp]
        if told.times:
            self._spawn(self._signal(at, told))
        else:
            self.tell(at, lambda lamp: lamp.indicate(told.colour, told.blink, told.intensity_percent))

    async def _signal(self, at: Address, told: Indicate) -> None:
        try:
            await self._call(at, lambda lamp: lamp.signal(told.colour, told.times, told.intensity_percent))
        except HalError as error:
            log.debug("%s: %s", at, error)
