"""The power path of a DC EVSE: supply, vehicle and contactor (IEC 61851-23, Annex CC).

Precharge: the supply is brought to the vehicle's voltage before the contactor closes, and no contactor opens under
load: the supply goes off first, which takes it below 1 A, then the contactor opens. An urgent end does both at once.
While energy flows, the set point follows the vehicle twice a second; a silent vehicle or supply ends it.
"""

import asyncio
import logging
from contextlib import suppress
from math import inf

from chargepointd.hardware.inputs import Inputs
from chargepointd.hardware.power_ac import Call
from hal.errors import DeviceFault, HalError
from hal.readings import DcReading, VehicleReading

log = logging.getLogger(__name__)

PRECHARGE_S = 10.0
PRECHARGE_A = 2.0
"""what may flow into the precharge, A (IEC 61851-23, CC.5.2)"""
MATCH_V = 20.0
"""how near the output must be to the battery before the contactor closes (IEC 61851-23, CC.5.2)"""
CYCLE_S = 0.5
RETRY_S = 2.0
REST_S = 60.0
"""until what failed is tried again: nobody may charge meanwhile, so nothing else would show that it works"""


class DcPower:
    def __init__(self, evse_id: int, call: Call, inputs: Inputs, tasks: asyncio.TaskGroup) -> None:
        self._evse_id = evse_id
        self._call = call
        self._inputs = inputs
        self._tasks = tasks
        self._limit_a = 0.0
        self._limit_w = 0.0
        self._vehicle: VehicleReading | None = None
        self._invited = False
        """the vehicle knows that power may flow"""
        self._on = False
        """the supply may be on or the contactor closed"""
        self._wake = asyncio.Event()

    # -- what the station wants ----------------------------------------------------------------------------------------

    def close(self, limit_a: float, limit_w: float = inf, phases: int = 0) -> None:
        self._limit_a, self._limit_w = limit_a, limit_w
        self._wake.set()

    def lower(self, limit_a: float, limit_w: float) -> None:
        """Of who is offered something."""
        self._limit_a, self._limit_w = min(self._limit_a, limit_a), min(self._limit_w, limit_w)
        self._wake.set()

    def open(self, urgent: bool) -> None:
        self._limit_a, self._invited = 0.0, False
        if urgent:
            self._tasks.create_task(self._cut(), name=f"evse {self._evse_id} cut")
        self._wake.set()

    def vehicle(self, reading: VehicleReading) -> None:
        self._vehicle = reading
        self._invited = self._invited and reading.connected
        self._wake.set()

    def reopened(self, role: str) -> None:
        """The driver of this device was opened anew. What may be on stays to be switched off: it costs nothing."""
        self._wake.set()

    # -- getting there -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._pursue()
            except HalError as error:
                await self._give_up(error)

    async def _pursue(self) -> None:
        try:
            await self._charge()
        except asyncio.CancelledError:  # the process ends: a device that does not obey any more must not hold it up
            if self._on:
                with suppress(HalError):
                    await self._ramp_down()
            raise
        except HalError:
            if self._on:
                await self._ramp_down()
            raise
        if self._on:
            await self._ramp_down()

    async def _charge(self) -> None:
        if self._limit_a and not self._invited and self._vehicle and self._vehicle.connected:
            await self._call("vehicle", lambda link: link.present(0.0, 0.0))
            self._invited = True
        if self._wanted():
            await self._precharge()
            await self._deliver()

    def _wanted(self) -> bool:
        car = self._vehicle
        return bool(self._limit_a and car and car.connected and car.wants_energy and car.target_voltage_v)

    async def _precharge(self) -> None:
        assert self._vehicle and self._vehicle.target_voltage_v
        volts = self._vehicle.target_voltage_v
        self._on = True
        await self._call("supply", lambda supply: supply.set(volts, PRECHARGE_A))
        await self._call("supply", lambda supply: supply.on())
        async with _limit(PRECHARGE_S, f"no {volts:.0f} V at the output within {PRECHARGE_S:.0f} s"):
            while abs((await self._read()).voltage_v - volts) > MATCH_V:  # noqa: ASYNC110 - the voltage is the event
                await asyncio.sleep(CYCLE_S / 5)
        if self._wanted():
            await self._call("contactor", lambda contactor: contactor.close())
            self._inputs.switched(self._evse_id, True)

    async def _deliver(self) -> None:
        """Follow the vehicle for as long as it and the station want."""
        while self._wanted():
            await self._follow_vehicle()
            await self._cycle()

    async def _follow_vehicle(self) -> None:
        car = self._vehicle
        assert car and car.target_voltage_v
        volts = car.target_voltage_v
        amps = min(self._limit_a, self._limit_w / volts, car.target_current_a or 0.0)
        await self._call("supply", lambda supply: supply.set(volts, amps))
        reading = await self._read()
        if reading.fault:
            raise DeviceFault(f"supply: {reading.fault}")
        await self._call("vehicle", lambda link: link.present(reading.voltage_v, reading.current_a))

    async def _read(self) -> DcReading:
        reading: DcReading = await self._call("supply", lambda supply: supply.read())
        return reading

    async def _cycle(self) -> None:
        try:
            async with asyncio.timeout(CYCLE_S):
                await self._wake.wait()
            self._wake.clear()
        except TimeoutError:
            pass

    async def _ramp_down(self) -> None:
        """Each step is tried whatever became of the one before; the first failure is told."""
        failures = [
            failure
            for role, act in (("vehicle", "stop"), ("supply", "off"), ("contactor", "open"))
            if (failure := await self._try(role, act))
        ]
        if failures:
            raise failures[0]
        self._on = False
        self._inputs.switched(self._evse_id, False)
        for role in ("supply", "contactor"):
            self._inputs.works(self._evse_id, role)

    async def _try(self, role: str, act: str) -> HalError | None:
        try:
            await self._call(role, lambda device: getattr(device, act)())
        except HalError as error:
            return error
        return None

    async def _cut(self) -> None:
        """Now: contactor and supply at the same time."""
        failures = await asyncio.gather(self._try("contactor", "open"), self._try("supply", "off"))
        if any(failures):
            log.warning("evse %d: %s", self._evse_id, next(filter(None, failures)))
        else:
            self._inputs.switched(self._evse_id, False)
        self._wake.set()

    async def _give_up(self, error: HalError) -> None:
        """Tell, make off, and try again when something changes or after a while."""
        log.warning("evse %d: %s", self._evse_id, error)
        self._inputs.failed(self._evse_id, "supply", str(error))
        asyncio.get_running_loop().call_later(REST_S, self._rested, str(error))
        try:
            async with asyncio.timeout(RETRY_S):
                await self._wake.wait()
        except TimeoutError:
            pass
        if self._on or self._limit_a:
            self._wake.set()

    def _rested(self, why: str) -> None:
        """What is off can be tried again; if the device has gone silent since, that holds."""
        if not self._on:
            self._inputs.works(self._evse_id, "supply", why)


class _limit:  # noqa: N801 - reads like asyncio.timeout
    """A time limit whose passing is a DeviceFault with a text."""

    def __init__(self, seconds: float, text: str) -> None:
        self._timeout = asyncio.timeout(seconds)
        self._text = text

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, *exc_info: object) -> None:
        try:
            await self._timeout.__aexit__(*exc_info)  # type: ignore[arg-type]
        except TimeoutError:
            raise DeviceFault(self._text) from None
