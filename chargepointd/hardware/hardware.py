"""All the hardware of the station: its supervisors, their reports, and what the station wants done.

`perform` takes an effect and returns at once; what it takes happens in tasks of its own, and what comes of it arrives
as events.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.hardware.bindings import Address, Binding, address, bindings
from chargepointd.hardware.inputs import Inputs, Post
from chargepointd.hardware.power_ac import AcPower
from chargepointd.hardware.power_dc import DcPower
from chargepointd.hardware.screens import Panels, Screens
from chargepointd.sections import Config
from hal.devices import Controls, SignedReadings
from hal.driver import Site
from hal.errors import DeviceFault, HalError, NotConnected
from hal.health import DeviceHealth, DeviceRead
from hal.readings import SignedReading
from hal.supervisor import Supervisor

log = logging.getLogger(__name__)

ACTIVE_S, IDLE_S = 1.0, 10.0
"""s between two readings of a meter"""
_SLOW = {"contactor": 4.0, "supply": 4.0}
"""s: they may take 3 s to find out that they are stuck, and that is what is to be told, not "no answer" """
SIGNING_S = 4.0
LOCK_TIMEOUT_S = 9.0
"""three pulses 3 s apart"""


class Hardware:
    def __init__(self, config: Config, state_dir: Path, post: Post) -> None:
        self._config = config
        self.drivers = config.drivers
        self._post = post
        self._bindings = bindings(config)
        everyone = tuple(evse.id for evse in config.evse)
        touched = (*config.reader, *config.keypad, *config.button)
        self.inputs = Inputs(self._bindings, {address(it.device): it.evses or everyone for it in touched}, post)
        self.supervisors = {
            d.name: Supervisor(d.name, d.driver, d.config, Site(d.name, state_dir), self._report)
            for d in config.drivers
        }
        self._at = {(b.evse_id, b.connector_id, b.role): b.address for b in self._bindings}
        self._unsigned: set[int] = set()
        """the EVSEs whose meter did not sign when it was asked last"""
        self._identity: tuple[Path | None, Path | None, tuple[bytes, ...]] = (None, None, ())
        self._power: dict[int, AcPower | DcPower] = {}
        screens = Screens(config, partial(self._call, "display"))
        self._panels: list[Panels] = [screens]
        self._tasks: asyncio.TaskGroup | None = None
        self._performers = self._what_is_done() | {f.Display: screens.show}
        if config.indicator:
            from chargepointd.hardware.lamps import Lamps  # many a station has none

            lamps = Lamps(config, partial(self._call, "indicator"), self._spawn)
            self._panels.append(lamps)
            self._performers[f.Indicate] = lamps.show
        self.performed = frozenset(self._performers)
        """the effects that are for the hardware"""

    def _what_is_done(self) -> dict[type, Callable[[Any], None]]:
        return {
            f.OpenPowerPath: lambda x: self._power[x.evse_id].open(x.urgent),
            f.ClosePowerPath: lambda x: self._power[x.evse_id].close(x.limit_a, x.limit_w, x.phases),
            f.SetLimit: lambda x: self._power[x.evse_id].lower(x.limit_a, x.limit_w),
            f.MoveLock: lambda x: self._spawn(self._move_lock(x)),
            f.ReadMeter: lambda x: self._spawn(self._sign(x.evse_id) if x.signed else self.read_meter(x.evse_id)),
            f.PaceMeter: self._pace,
            f.RestartEvse: lambda x: self._spawn(self._restart(x.evse_id)),
            f.AnswerContract: lambda x: self._spawn(
                self._tell_vehicle(x.evse_id, lambda stack: stack.decide(x.accepted))
            ),
            f.AnswerEvCertificate: lambda x: self._spawn(
                self._tell_vehicle(x.evse_id, lambda stack: stack.deliver(x.exi))
            ),
        }

    async def run(self, begun: Callable[[], None]) -> None:
        """Until cancelled; then every driver makes safe and is closed. `begun` is called when effects may come, before
        the first event."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for evse in self._config.evse:
                make = DcPower if evse.supply == "DC" else AcPower
                power = self._power[evse.id] = make(evse.id, self._caller(evse.id), self.inputs, tasks)
                tasks.create_task(power.run(), name=f"evse {evse.id} power")
            self.inputs.on_pilot = self._pilot
            self.inputs.on_vehicle = self._vehicle
            begun()
            for panels in self._panels:
                for at in panels.places:
                    tasks.create_task(panels.run(at), name=f"panel {at}")
            for name, supervisor in self.supervisors.items():
                tasks.create_task(supervisor.run(), name=f"driver {name}")

    def perform(self, effect: Any) -> None:
        self._performers[type(effect)](effect)

    # -- reports -------------------------------------------------------------------------------------------------------

    def _report(self, report: DeviceRead | DeviceHealth) -> None:
        if isinstance(report, DeviceHealth) and report.up and not report.device:
            for binding in self._bindings:
                if binding.address.driver == report.driver and binding.role in _MOVING:
                    self._power[binding.evse_id].reopened(binding.role)
            asyncio.get_running_loop().call_soon(self._look_at, report.driver)
        else:
            self.inputs.report(report)

    def _look_at(self, driver: str) -> None:
        """A driver is open: which of its devices work, and which are missing or not what they are bound as? A device
        that was silent before is not well only because its driver was opened again."""
        status = self.supervisors[driver].status()
        if status.state != "up":
            return
        devices = {device.name: device.abilities for device in status.devices}
        for binding in self._bindings:
            if binding.address.driver == driver:
                why = _unfit(binding, devices)
                if why:
                    log.error("%s: %s; correct the configuration", binding.address, why)
                self.inputs.fits(binding, why)
            if binding.address.driver == driver and binding.role == "plug_and_charge":
                self._spawn(self._tell_vehicle(binding.evse_id, lambda stack: stack.identify(*self._identity)))
        for device in status.devices:
            for panels in self._panels:
                panels.again(Address(driver, device.name))
            self.inputs.report(DeviceHealth(driver, device.name, device.state == "up", device.reason))

    def _pilot(self, evse_id: int, reading: Any) -> None:
        power = self._power[evse_id]
        if isinstance(power, AcPower):
            power.pilot(reading)

    def _vehicle(self, evse_id: int, reading: Any) -> None:
        power = self._power[evse_id]
        if isinstance(power, DcPower):
            power.vehicle(reading)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _spawn(self, work: Any) -> None:
        assert self._tasks
        self._tasks.create_task(work)

    def _caller(self, evse_id: int) -> Callable[[str, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]:
        async def call(role: str, act: Callable[[Any], Awaitable[Any]]) -> Any:
            # A pilot belongs to a connector; with several, the one that is plugged is offered to.
            at = self._at.get((evse_id, 0, role)) or self._pilot_in_use(evse_id)
            return await self._call(role, at, act, _SLOW.get(role))

        return call

    def _pilot_in_use(self, evse_id: int) -> Address:
        pilots = {c: at for (e_, c, role), at in self._at.items() if e_ == evse_id and role == "pilot"}
        return pilots.get(self.inputs.plugged_at(evse_id)) or pilots[min(pilots)]

    async def _call(
        self, role: str, at: Address, act: Callable[[Any], Awaitable[Any]], timeout_s: float | None = None
    ) -> Any:
        """What is bound as what it is not answers that it is not, as often as it is asked."""
        supervisor = self.supervisors[at.driver]

        async def fit(device: Any) -> Any:
            why = _lacks(role, supervisor.abilities(at.device))
            if why:
                raise DeviceFault(f"{at} {why}")
            return await act(device)

        return await supervisor.call(at.device, fit, timeout_s)

    async def _move_lock(self, x: f.MoveLock) -> None:
        at = self._at[(x.evse_id, x.connector_id, "lock")]
        try:
            await self._call("lock", at, lambda lock: lock.lock() if x.locked else lock.unlock(), LOCK_TIMEOUT_S)
        except HalError as error:
            log.warning("evse %d: connector %d: %s", x.evse_id, x.connector_id, error)
            self._post(e.LockStuck(x.evse_id, x.connector_id, x.locked, str(error)))
        else:
            self.inputs.lock_told(x.evse_id, x.connector_id, x.locked)

    async def read_meter(self, evse_id: int) -> None:
        """A fresh reading, which arrives as an event; a meter that is silent is told by its health."""
        at = self._at.get((evse_id, 0, "meter"))
        if at is None:
            return
        try:
            if not self.inputs.unfit(at, "meter"):
                await self.supervisors[at.driver].read(at.device)
        except NotConnected as error:
            log.debug("evse %d: meter: %s", evse_id, error)  # the supervisor counts the misses and tells
        except HalError as error:
            self.inputs.failed(evse_id, "meter", str(error))

    async def _sign(self, evse_id: int) -> None:
        """A reading that the meter signs; one that it does not, where it cannot."""
        at = self._at[(evse_id, 0, "meter")]
        try:
            signed = await self._call("meter", at, _signed, SIGNING_S)
        except HalError as error:
            if evse_id not in self._unsigned:
                log.warning("evse %d: meter: no signed reading: %s", evse_id, error)
            self._unsigned.add(evse_id)
            await self.read_meter(evse_id)
            return
        if evse_id in self._unsigned:
            self._unsigned.discard(evse_id)
            log.info("evse %d: meter: signs again", evse_id)
        self.inputs.signed(at, signed)

    async def _restart(self, evse_id: int) -> None:
        """The devices of this EVSE anew. What it shares with another goes on."""
        shared = {b.address for b in self._bindings if b.evse_id != evse_id}
        devices: dict[str, set[str]] = {}
        for at in {b.address for b in self._bindings if b.evse_id == evse_id} - shared:
            devices.setdefault(at.driver, set()).add(at.device)
        self.inputs.forget(evse_id)
        results = [await self.supervisors[driver].renew(names) for driver, names in sorted(devices.items())]
        failed = "; ".join(filter(None, results))
        if not failed:
            for role in _MOVING:
                self._power[evse_id].reopened(role)
        self._post(e.EvseRestarted(evse_id, failed))

    async def _tell_vehicle(self, evse_id: int, act: Callable[[Any], Awaitable[None]]) -> None:
        try:
            await self._call("plug_and_charge", self._at[(evse_id, 0, "plug_and_charge")], act)
        except HalError as error:
            log.warning("evse %d: the vehicle was not told: %s", evse_id, error)

    def identify(self, chain: Path | None, key: Path | None, ocsp: tuple[bytes, ...]) -> None:
        """As whom the ISO 15118 stacks answer vehicles from now on, also when their drivers are opened anew."""
        self._identity = (chain, key, ocsp)
        for evse_id, _, role in self._at:
            if role == "plug_and_charge":
                self._spawn(self._tell_vehicle(evse_id, lambda stack: stack.identify(*self._identity)))

    def _pace(self, x: f.PaceMeter) -> None:
        at = self._at.get((x.evse_id, 0, x.role))
        if at:
            self.supervisors[at.driver].pace(at.device, ACTIVE_S if x.active else IDLE_S)

    def controls(self) -> Controls:
        """The handle of the simulated world, also while its driver is down. LookupError before it was open."""
        for supervisor in self.supervisors.values():
            for device in supervisor.controls().values():
                if isinstance(device, Controls):
                    return device
        raise LookupError("the simulator driver was not open yet; see `chargepointctl drivers`")

    # -- for people ----------------------------------------------------------------------------------------------------

    def used_by(self, driver: str, device: str) -> list[str]:
        """The roles of a device, for a person."""
        return [_role(b) for b in self._bindings if b.address == Address(driver, device)]


_MOVING = ("pilot", "contactor", "supply", "phase_switch")
"""the roles whose devices forget what they were told when their driver is opened anew"""
_NEEDS = {
    "pilot": ("ControlPilot",),
    "contactor": ("Contactor",),
    "meter": ("Meter",),
    "lock": ("ConnectorLock",),
    "bay_sensor": ("OccupancySensor",),
    "phase_switch": ("PhaseSwitch",),
    "limit": ("ContactInput",),
    "site_meter": ("Meter",),
    "on_battery": ("ContactInput",),
    "supply": ("DcSupply",),
    "vehicle": ("VehicleLink",),
    "plug_and_charge": ("PlugAndCharge",),
    "reader": ("TokenReader",),
    "keypad": ("Keypad",),
    "button": ("Keypad",),
    "display": ("Display",),
    "indicator": ("Indicator",),
    "emergency_stop": ("EmergencyStop", "ResidualCurrentMonitor"),
}
"""what a device must be able to do in its role: one of these"""


def _unfit(binding: Binding, devices: Mapping[str, tuple[str, ...]]) -> str:
    """Why the device of a binding cannot be what the configuration wants; empty where it can. `devices`: the abilities
    of those that the driver has."""
    driver, device = binding.address
    if device not in devices:
        return f"driver {driver} has no such device; it has: {', '.join(sorted(devices))}"
    why = _lacks(binding.role, devices[device])
    if why:
        able = [name for name, has in devices.items() if not _lacks(binding.role, has)]
        why += f"; driver {driver} has: {', '.join(able) or 'none'}"
    return why


def _lacks(role: str, has: tuple[str, ...]) -> str:
    needed = _NEEDS[role]
    return "" if set(needed).intersection(has) else f"is no {' or '.join(needed)}, so no {role.replace('_', ' ')}"


async def _signed(meter: Any) -> SignedReading:
    if not isinstance(meter, SignedReadings):
        raise DeviceFault("it cannot sign; leave meter_signs out")
    return await meter.read_signed()


def _role(binding: Binding) -> str:
    place = f"evse {binding.evse_id} " if binding.evse_id else ""
    return place + binding.role.replace("_", " ")
