"""A simulated charging station: an ordinary driver with all device classes, a physical world, and cars.

    [drivers.sim]
    driver = "simulator"
    evses = 2                # devices pilot1 contactor1 lock1 meter1 bay1 temperature1 button1 iso1, pilot2 …;
    supply = "AC"            # once: reader keypad display indicator estop rcm controls contact1 contact2 site_meter.
                             # AC with three phases adds the switches phases1 …, "DC" adds supply1 vehicle1 isolation1.
    connectors = 1           # per EVSE; the second connector's are pilot1_2 lock1_2

A car that is plugged in asks for energy `reaction_s` after it is allowed to: offered 6 A or more on the pilot; a DC car
also when something is presented over its link, or the contactor is closed. It then takes what offer, cable, car and
supply leave, until it is paused, full, or offered nothing. Ground fault, over current, over temperature and emergency
stop make the board itself cut the power.

Meter registers and plugged-in cars survive a power cut, in `sim-NAME.register` in the state directory. The meters sign
with one key, made when first needed and kept in `sim-NAME.key`. The world also
lives on while the driver is closed and opened again. While idle nothing ticks and nothing is written.

The device `controls` takes the commands of `chargepointctl sim`:

    sim.plug_in      {evse, connector = 1}
    sim.plug_out     {evse, force = false, side = "station"}   a locked plug only with force; side "ev": the car
                                                     leaves a detachable cable in the socket
    sim.drive_in     {evse}                          a car stands in the bay until it is driven out; else it is there
                                                     as long as it is plugged in
    sim.drive_out    {evse}                          the bay is empty again
    sim.swipe        {token, type = "ISO14443", reader = "reader"}
    sim.press        {key, device = "keypad"}        0 to 9, "*", "#"; device button1 …: the button of an EVSE, any key
    sim.contract     {evse, emaid, chain}            the car shows a contract certificate; chain: PEM
    sim.want_contract {evse, action, exi, schema}    the car asks for one; action: Install, Update; exi: base64
    sim.pause        {evse}                          the car stops taking energy
    sim.resume       {evse}                          the car takes energy again
    sim.raise_error  {evse = 0, error}               0: all EVSEs. Errors: ground_fault stuck_relay over_temperature
                                                     over_current lock_failure meter_dead meter_still meter_nan
                                                     pilot_fault isolation_fault supply_fault, and of the station
                                                     emergency_stop driver_dead. A meter that is dead does not answer,
                                                     one that is still does not count, one that is nan tells no number
    sim.clear_error  {evse = 0, error}               without error: all of them
    sim.meter        {evse, energy_wh}               the reading; with energy_wh the register is set first
    sim.contact      {closed, device = "contact1"}   a relay of somebody else closes or opens
    sim.site         {current_a, dead = false}       what the building draws besides the station, A per phase, as the
                                                     meter at its connection sees it; dead: it does not answer
    sim.display      {}                              the lines that are shown, and the QR code
    sim.state        {}                              all of it
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from hal.devices import Device
from hal.driver import Driver, Site
from hal.drivers.simulator import devices
from hal.drivers.simulator.config import Config
from hal.drivers.simulator.controls import TOKEN_TYPES, Controls
from hal.drivers.simulator.signature import Signature
from hal.drivers.simulator.world import Hold, world_of
from hal.errors import NotConnected

__all__ = ["DRIVER", "Config"]


@asynccontextmanager
async def open_simulator(config: Config, site: Site) -> AsyncIterator[Mapping[str, Device]]:
    config.check(f"drivers.{site.name}")
    world = world_of(config, site.state_dir / f"sim-{site.name}.register")
    signature = Signature(site.state_dir / f"sim-{site.name}.key")
    if world.dead:
        raise NotConnected("simulated: the driver is dead until sim.clear_error")
    if world.hold:
        raise NotConnected(f"the simulated station {site.name} is open already")
    for evse in world.evses:
        world.advanced(evse.number).reset()
        world.changed(evse)
    hold = world.hold = Hold(world)
    try:
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(hold.life(), name=f"simulator {site.name}")
            yield _devices(config, hold, signature)
            life.cancel()
    finally:
        hold.release()


def _devices(config: Config, hold: Hold, signature: Signature) -> dict[str, Device]:
    reader = devices.Reader(hold)
    contacts = {name: devices.Contact(hold, name) for name in hold.world.contacts}
    keys = {name: devices.Keys(hold) for name in ("keypad", *[f"button{n}" for n in range(1, config.evses + 1)])}
    stacks = {n: devices.PlugAndCharge(hold, n) for n in range(1, config.evses + 1)}
    found: dict[str, Device] = {
        "reader": reader,
        **keys,
        **contacts,
        "site_meter": devices.SiteMeter(hold),
        "display": devices.Display(hold),
        "indicator": devices.Indicator(hold),
        "estop": devices.EmergencyStop(hold),
        "rcm": devices.ResidualCurrent(hold),
        "controls": Controls(hold.world, reader, keys, contacts, stacks),
        **{f"iso{n}": stack for n, stack in stacks.items()},
    }
    for n in range(1, config.evses + 1):
        found |= {
            f"contactor{n}": devices.Contactor(hold, n),
            f"meter{n}": devices.Meter(hold, n, signature),
            f"bay{n}": devices.Bay(hold, n),
            f"temperature{n}": devices.Temperature(hold, n),
        }
        if config.supply == "AC" and config.phases == 3:
            found[f"phases{n}"] = devices.Phases(hold, n)
        for c in range(1, config.connectors + 1):
            suffix = f"{n}" if c == 1 else f"{n}_{c}"
            found |= {f"pilot{suffix}": devices.Pilot(hold, n, c), f"lock{suffix}": devices.Lock(hold, n, c)}
        if config.supply == "DC":
            found |= {
                f"supply{n}": devices.Supply(hold, n),
                f"vehicle{n}": devices.Vehicle(hold, n),
                f"isolation{n}": devices.Isolation(hold, n),
            }
    return found


def _measures(config: Config) -> frozenset[str]:
    both = frozenset(("energy_import_wh", "power_w", "current_a", "voltage_v"))
    return both if config.supply == "DC" else both | {"power_phases_w", "frequency_hz", "power_factor"}


def _wraps_at_wh(config: Config) -> float | None:
    return None if config.wraps_at_kwh is None else config.wraps_at_kwh * 1000


DRIVER = Driver("simulator", Config, open_simulator, _measures, _wraps_at_wh, TOKEN_TYPES)
