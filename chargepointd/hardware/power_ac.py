"""The power path of an AC EVSE: the order of pilot and contactor (IEC 61851-1, Annex A).

Level-triggered: what is wanted is a limit or nothing, and `run` brings the devices there, again and again, whatever
happened in between. Opening at once (`urgent`) does not wait for that loop.

- A board that switches its own contactor (its pilot readings say `power_on`) is given the permission with the offer.
- A plain contactor is closed when the car asks (C) and opened when it no longer does.
- An ordinary end withdraws the offer first; the car has 3 s to stop drawing, then the contactor opens under load.
- Phases are switched without offer and load only, after a pause in which the car has noticed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

from chargepointd.hardware.inputs import Inputs
from hal.errors import HalError
from hal.readings import PilotReading

log = logging.getLogger(__name__)

YIELD_S = 3.0
"""how long a car may go on drawing after the offer is withdrawn (IEC 61851-1, A.5.3: 3 s)"""
REST_S = 60.0
"""before a contactor that did not close is told to again"""
RETRY_S = 1.0
PHASE_PAUSE_S = 5.0
"""without offer and contactor, before and after which a car counts its phases anew (IEC 61851-1, A.4: it reacts to a
change of the duty cycle within 5 s)"""

Call = Callable[[str, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]
"""call(role, act): act on the device of this EVSE in that role, within a time limit; HalError"""


class AcPower:
    def __init__(self, evse_id: int, call: Call, inputs: Inputs, tasks: asyncio.TaskGroup) -> None:
        self._evse_id = evse_id
        self._call = call
        self._inputs = inputs
        self._tasks = tasks
        self._limit_a = 0.0
        self._offered_a: float | None = None
        self._closed: bool | None = False
        """None: not known, a command failed"""
        self._board = False
        self._drawing = False
        """the car is in C"""
        self._yield_by = 0.0
        self._phases = 0
        """how many are to be used; 0: as built"""
        self._phases_used: int | None = None
        """None: not known"""
        self._dark_since: float | None = None
        """when offer and contactor were gone; None: they are not, or never were there"""
        self._acting = "contactor"
        """the role whose device fails, should a call fail"""
        self._failing = ""
        """what went wrong last, and still does"""
        self._refused = ""
        """why the contactor did not close; until it is let try again"""
        self._wake = asyncio.Event()

    # -- what the station wants ----------------------------------------------------------------------------------------

    def close(self, limit_a: float, limit_w: float = inf, phases: int = 0) -> None:
        """An AC car is told no W."""
        self._limit_a, self._phases = limit_a, phases
        self._wake.set()

    def lower(self, limit_a: float, limit_w: float) -> None:
        """Of who is offered something."""
        self._limit_a = min(self._limit_a, limit_a)
        self._wake.set()

    def open(self, urgent: bool) -> None:
        self._limit_a = 0.0
        self._yield_by = 0.0 if urgent else asyncio.get_running_loop().time() + YIELD_S
        if urgent:
            self._tasks.create_task(self._open_now(), name=f"evse {self._evse_id} open")
        self._wake.set()

    def pilot(self, reading: PilotReading) -> None:
        """The car's wish, at once and without the station."""
        self._board = self._board or reading.power_on is not None
        self._drawing = reading.state == "C"
        if reading.state not in ("B", "C"):
            self._offered_a = None if reading.state != "A" else self._offered_a
        self._wake.set()

    def reopened(self, role: str) -> None:
        """The driver of this device was opened anew: what it was told before no longer holds. A contactor is open then
        (the drivers' contract); one of another driver is as it was."""
        if role == "pilot":
            self._offered_a = None
        elif role == "contactor":
            self._closed = False
        elif role == "phase_switch":
            self._phases_used = None
        self._wake.set()

    # -- getting there -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._pursue()
                self._failing = ""
            except HalError as error:
                self._failed(error)
                await self._pause()

    async def _pause(self) -> None:
        """Before the next try, unless something happens."""
        try:
            async with asyncio.timeout(RETRY_S):
                await self._wake.wait()
        except TimeoutError:
            pass
        if self._limit_a or self._closed is not False or self._offered_a:
            self._wake.set()

    def _failed(self, error: HalError) -> None:
        if str(error) != self._failing:  # it is tried again each second
            log.warning("evse %d: %s", self._evse_id, error)
        self._failing = str(error)
        self._refused = self._refused and str(error)
        self._inputs.failed(self._evse_id, self._acting, str(error))
        self._acting = "contactor"

    async def _pursue(self) -> None:
        if not self._limit_a:
            await self._end()
            return
        if self._phases and self._phases != self._phases_used and not await self._switch_phases():
            return
        if self._closed is not False and not (self._board or self._drawing):
            await self._open()
        await self._offer(self._limit_a)
        if self._limit_a and (self._board or self._drawing):
            await self._close()

    async def _switch_phases(self) -> bool:
        """False: not yet; what is to be done next begins anew then."""
        loop = asyncio.get_running_loop()
        if self._closed is not False or self._offered_a:
            self._yield_by = loop.time() + YIELD_S
            await self._offer(0.0)
            await self._yielded(self._limit_a)
            await self._open()
            self._dark_since = loop.time()
        if self._dark_since is not None and (left := self._dark_since + PHASE_PAUSE_S - loop.time()) > 0:
            loop.call_later(left, self._wake.set)
            return False
        phases, self._phases_used, self._acting = self._phases, None, "phase_switch"
        await self._call("phase_switch", lambda switch: switch.use(phases))
        self._phases_used, self._acting = phases, "contactor"
        self._inputs.works(self._evse_id, "phase_switch")
        self._inputs.phases_switched(self._evse_id, phases)
        return phases == self._phases

    async def _end(self) -> None:
        """Withdraw the offer, give the car its time, open. A pilot that does not answer costs the car that time, never
        the opening."""
        silent, lit = None, self._closed is not False or bool(self._offered_a)
        try:
            await self._offer(0.0)
        except HalError as error:
            silent, self._yield_by = error, 0.0
        if self._closed is not False:
            await self._yielded()
            if not self._limit_a:
                await self._open()
        if lit and self._closed is False:
            self._dark_since = asyncio.get_running_loop().time()
        if silent:
            raise silent

    async def _offer(self, limit_a: float) -> None:
        if self._offered_a != limit_a:
            await self._call("pilot", lambda pilot: pilot.offer(limit_a))
            self._offered_a = limit_a
            self._dark_since = None if limit_a else self._dark_since

    async def _close(self) -> None:
        if self._closed is not True:
            self._closed = None
            try:
                await self._call("contactor", lambda contactor: contactor.close())
            except HalError as error:
                self._rest(str(error))
                raise
            self._closed = True
            if not self._limit_a:
                return  # overtaken: the wake that said so opens it again
            if not self._board:
                self._inputs.switched(self._evse_id, True)

    async def _yielded(self, limit_a: float = 0.0) -> None:
        """Until the car has stopped drawing, or has had its time, or more than `limit_a` is wanted again."""
        loop = asyncio.get_running_loop()
        while self._drawing and self._limit_a <= limit_a and (left := self._yield_by - loop.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
                self._wake.clear()
            except TimeoutError:
                return

    async def _open(self) -> None:
        self._closed = None
        await self._call("contactor", lambda contactor: contactor.open())
        self._closed = False
        if not self._board or not self._drawing:
            self._inputs.switched(self._evse_id, False)
        if not self._refused:
            self._inputs.works(self._evse_id, "contactor")

    def _rest(self, why: str) -> None:
        """That it opens says nothing of its closing: else a contactor that does not close would be told to, again and
        again, for as long as a car is there."""
        if not self._refused:
            asyncio.get_running_loop().call_later(REST_S, self._rested)
        self._refused = why

    def _rested(self) -> None:
        """What was told of it last holds no longer; if the device has gone silent since, that does."""
        why, self._refused = self._refused, ""
        if self._closed is False:
            self._inputs.works(self._evse_id, "contactor", why)

    async def _open_now(self) -> None:
        try:
            await self._open()
        except HalError as error:
            self._closed = None
            self._failed(error)
        self._wake.set()
