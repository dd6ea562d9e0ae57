"""The devices of the simulated station. Each call looks at the world as it is now, or raises NotConnected."""

import time
from collections.abc import AsyncIterator
from math import nan
from pathlib import Path

from hal.drivers.simulator.physics import LEAST_OFFER_A, Evse
from hal.drivers.simulator.signature import METHOD, Signature
from hal.drivers.simulator.world import Feed, Hold
from hal.errors import DeviceFault, NotConnected
from hal.readings import (
    AlarmReading,
    ContactReading,
    ContractReading,
    DcCapability,
    DcReading,
    EvCertificateReading,
    IsolationReading,
    KeyReading,
    LockReading,
    MeterReading,
    OccupancyReading,
    PilotReading,
    SignedReading,
    TemperatureReading,
    TokenReading,
    VehicleReading,
)

WIDTH, HEIGHT = 20, 4
COLOURS = ("off", "green", "blue", "yellow", "red")


class Meter:
    def __init__(self, hold: Hold, number: int, signature: Signature) -> None:
        self._hold, self._number, self._signature = hold, number, signature

    async def read_signed(self) -> SignedReading:
        reading = await self.read()
        data = self._signature.record(f"SIM{self._number:05}", reading)
        return SignedReading(reading.taken_at, reading, data, "OCMF", METHOD, self._signature.public_key())

    async def read(self) -> MeterReading:
        evse = self._hold.reach(self._number)
        if "meter_dead" in evse.errors:
            raise NotConnected("no answer")
        self._hold.world.register.save(self._hold.world.evses)
        reading = evse.meter(time.monotonic())
        return reading._replace(energy_import_wh=nan) if "meter_nan" in evse.errors else reading


class SiteMeter:
    """At the connection of the building: what it draws, and with it what the station does."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold

    async def read(self) -> MeterReading:
        self._hold.check()
        world = self._hold.world
        if world.site_dead:
            raise NotConnected("no answer")
        totals = list(world.site_a)
        for evse in world.evses:
            for n, amps in enumerate(world.advanced(evse.number).grid_a()):
                totals[n] += amps
        amps_by_phase = (round(totals[0], 3), round(totals[1], 3), round(totals[2], 3))
        volts = world.config.voltage_v
        watts = round(sum(amps_by_phase) * volts, 1)
        return MeterReading(time.monotonic(), power_w=watts, current_a=amps_by_phase, voltage_v=(volts, volts, volts))


class Pilot:
    def __init__(self, hold: Hold, number: int, connector: int) -> None:
        self._hold, self._number, self._connector = hold, number, connector
        self._feed: Feed[PilotReading] = hold.feed(number, self._now)

    def _now(self) -> PilotReading:
        return self._hold.world.advanced(self._number).pilot(self._connector, time.monotonic())

    def watch(self) -> AsyncIterator[PilotReading]:
        self._hold.check()
        return self._feed.watch()

    async def offer(self, limit_a: float) -> None:
        if limit_a and not LEAST_OFFER_A <= limit_a <= 80.0:
            raise ValueError(f"a limit of 0 or 6 to 80 A expected, got {limit_a}")
        evse = self._hold.reach(self._number)
        evse.offer(self._connector, float(limit_a))
        self._hold.world.changed(evse)


class Contactor:
    def __init__(self, hold: Hold, number: int) -> None:
        self._hold, self._number = hold, number

    async def close(self) -> None:
        evse = self._hold.reach(self._number)
        if evse.trip:
            raise DeviceFault(evse.trip)
        evse.close()
        self._hold.world.changed(evse)

    async def open(self) -> None:
        evse = self._hold.reach(self._number)
        evse.open()
        self._hold.world.changed(evse)


class Phases:
    def __init__(self, hold: Hold, number: int) -> None:
        self._hold, self._number = hold, number

    async def use(self, phases: int) -> None:
        if phases not in (1, 3):
            raise ValueError(f"1 or 3 phases expected, got {phases}")
        evse = self._hold.reach(self._number)
        if evse.closed or any(evse.offers_a):
            raise DeviceFault("phases are not switched under load or offer")
        evse.phases = phases
        self._hold.world.changed(evse)


class Contact:
    def __init__(self, hold: Hold, name: str) -> None:
        self._hold, self._name = hold, name
        self._feed: Feed[ContactReading] = hold.feed(0, self._now)

    def _now(self) -> ContactReading:
        return ContactReading(time.monotonic(), self._hold.world.contacts[self._name])

    def watch(self) -> AsyncIterator[ContactReading]:
        self._hold.check()
        return self._feed.watch()

    def tell(self) -> None:
        self._feed.tell()


class Lock:
    def __init__(self, hold: Hold, number: int, connector: int) -> None:
        self._hold, self._number, self._connector = hold, number, connector
        self._feed: Feed[LockReading] = hold.feed(number, self._now)

    def _now(self) -> LockReading:
        evse = self._hold.world.advanced(self._number)
        return LockReading(time.monotonic(), evse.locked[self._connector - 1])

    def watch(self) -> AsyncIterator[LockReading]:
        self._hold.check()
        return self._feed.watch()

    async def lock(self) -> None:
        self._move(True)

    async def unlock(self) -> None:
        self._move(False)

    def _move(self, locked: bool) -> None:
        evse = self._hold.reach(self._number)
        if "lock_failure" in evse.errors and evse.locked[self._connector - 1] != locked:
            raise DeviceFault("the bolt does not move")
        evse.locked[self._connector - 1] = locked
        evse.shut[self._connector - 1] = locked and not evse.plugs[self._connector - 1]
        self._hold.world.changed(evse)


class Bay:
    def __init__(self, hold: Hold, number: int) -> None:
        self._hold, self._number = hold, number
        self._feed: Feed[OccupancyReading] = hold.feed(number, self._now)

    def _now(self) -> OccupancyReading:
        return OccupancyReading(time.monotonic(), self._hold.world.advanced(self._number).in_bay)

    def watch(self) -> AsyncIterator[OccupancyReading]:
        self._hold.check()
        return self._feed.watch()


class Supply:
    def __init__(self, hold: Hold, number: int) -> None:
        self._hold, self._number = hold, number

    async def read(self) -> DcReading:
        evse, config = self._hold.reach(self._number), self._hold.world.config
        voltage_v = evse.set_voltage_v if evse.supply_on else 0.0
        available_a = min(config.dc_max_current_a, config.dc_max_power_w / max(evse.set_voltage_v, 1.0))
        fault = "power module failed" if "supply_fault" in evse.errors else ""
        return DcReading(
            time.monotonic(), voltage_v, evse.current_a(), evse.supply_on, fault, _celsius(evse), available_a
        )

    async def capability(self) -> DcCapability:
        self._hold.check()
        config = self._hold.world.config
        return DcCapability(
            config.dc_max_voltage_v, config.dc_min_voltage_v, config.dc_max_current_a, config.dc_max_power_w
        )

    async def set(self, voltage_v: float, current_a: float) -> None:
        config = self._hold.world.config
        if not (0 <= voltage_v <= config.dc_max_voltage_v and current_a >= 0):
            raise ValueError(f"0 to {config.dc_max_voltage_v:g} V expected, got {voltage_v} V {current_a} A")
        evse = self._hold.reach(self._number)
        evse.set_voltage_v, evse.set_current_a = voltage_v, min(current_a, config.dc_max_current_a)
        self._hold.world.changed(evse)

    async def on(self) -> None:
        evse = self._hold.reach(self._number)
        if evse.trip or "supply_fault" in evse.errors:
            raise DeviceFault(evse.trip or "power module failed")
        evse.supply_on = True
        self._hold.world.changed(evse)

    async def off(self) -> None:
        evse = self._hold.reach(self._number)
        evse.supply_on = False
        self._hold.world.changed(evse)


class Vehicle:
    def __init__(self, hold: Hold, number: int) -> None:
        self._hold, self._number = hold, number
        self._feed: Feed[VehicleReading] = hold.feed(number, self._now)

    def _now(self) -> VehicleReading:
        return self._hold.world.advanced(self._number).vehicle(time.monotonic())

    def watch(self) -> AsyncIterator[VehicleReading]:
        self._hold.check()
        return self._feed.watch()

    async def present(self, voltage_v: float, current_a: float) -> None:
        evse = self._hold.reach(self._number)
        evse.presented = True
        self._hold.world.changed(evse)

    async def stop(self) -> None:
        evse = self._hold.reach(self._number)
        evse.stopped, evse.presented = True, False
        self._hold.world.changed(evse)


class PlugAndCharge:
    """The ISO 15118 stack of an EVSE, and the car at its other end."""

    def __init__(self, hold: Hold, number: int) -> None:
        self._hold, self._number = hold, number
        self._feed: Feed[ContractReading | EvCertificateReading] = hold.feed(0, None)

    def watch(self) -> AsyncIterator[ContractReading | EvCertificateReading]:
        self._hold.check()
        return self._feed.watch()

    def say(self, reading: ContractReading | EvCertificateReading) -> None:
        self._feed.say(reading)

    async def decide(self, accepted: bool) -> None:
        self._hold.reach(self._number).contract = "accepted" if accepted else "refused"

    async def identify(self, chain: Path | None, key: Path | None, ocsp: tuple[bytes, ...]) -> None:
        evse = self._hold.reach(self._number)
        if chain is None:
            evse.secc, evse.ocsp = "", 0
            return
        evse.secc, evse.ocsp = _fingerprint(chain, key), len(ocsp)

    async def deliver(self, exi: str) -> None:
        self._hold.reach(self._number).ev_certificate = exi


def _fingerprint(chain: Path, key: Path | None) -> str:
    """SHA-256 of the first certificate, whose key this has to be."""
    # Imported here: they cost start time, and few stations do Plug & Charge.
    from hashlib import sha256
    from ssl import PROTOCOL_TLS_SERVER, PEM_cert_to_DER_cert, SSLContext

    try:
        SSLContext(PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
    except (OSError, ValueError) as error:
        raise DeviceFault(f"{chain}: {error}") from error
    end = "-----END CERTIFICATE-----"
    return sha256(PEM_cert_to_DER_cert(chain.read_text("ascii").partition(end)[0] + end)).hexdigest()


class Isolation:
    def __init__(self, hold: Hold, number: int) -> None:
        self._hold, self._number = hold, number

    async def read(self) -> IsolationReading:
        broken = "isolation_fault" in self._hold.reach(self._number).errors
        return IsolationReading(time.monotonic(), 20_000.0 if broken else 5_000_000.0, valid=True)


def _celsius(evse: Evse) -> float:
    """°C; an idle housing at 25, 15 more at full current."""
    if "over_temperature" in evse.errors:
        return 105.0
    most_a = evse.config.dc_max_current_a if evse.config.supply == "DC" else evse.config.max_current_a
    return round(25.0 + 15.0 * evse.current_a() / max(most_a, 1.0), 1)


class Temperature:
    def __init__(self, hold: Hold, number: int) -> None:
        self._hold, self._number = hold, number

    async def read(self) -> TemperatureReading:
        return TemperatureReading(time.monotonic(), _celsius(self._hold.reach(self._number)))


class Reader:
    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._feed: Feed[TokenReading] = hold.feed(0, None)

    def watch(self) -> AsyncIterator[TokenReading]:
        self._hold.check()
        return self._feed.watch()

    def swipe(self, reading: TokenReading) -> None:
        self._feed.say(reading)


class Keys:
    """A keypad, or a button."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._feed: Feed[KeyReading] = hold.feed(0, None)

    def watch(self) -> AsyncIterator[KeyReading]:
        self._hold.check()
        return self._feed.watch()

    def press(self, key: str) -> None:
        self._feed.say(KeyReading(time.monotonic(), key))


class Display:
    def __init__(self, hold: Hold) -> None:
        self._hold = hold

    async def show(self, lines: tuple[str, ...]) -> None:
        await self.show_code(lines, "")

    async def show_code(self, lines: tuple[str, ...], code: str) -> None:
        self._hold.check()
        self._hold.world.lines = tuple(line[:WIDTH] for line in lines[:HEIGHT])
        self._hold.world.code = code


class Indicator:
    def __init__(self, hold: Hold) -> None:
        self._hold = hold

    async def indicate(self, colour: str, blink: bool, intensity_percent: int) -> None:
        self._check(colour, intensity_percent)
        self._hold.world.indicator = f"{colour}{', blinking' if blink else ''}, {intensity_percent} %"

    async def signal(self, colour: str, times: int, intensity_percent: int) -> None:
        """Nobody waits here for the blinks: what is shown otherwise, and the last signal, are told side by side."""
        self._check(colour, intensity_percent)
        if times < 1:
            raise ValueError(f"times: 1 or more expected, got {times}")
        self._hold.world.signal = f"{colour}, {times} times, {intensity_percent} %"

    def _check(self, colour: str, intensity_percent: int) -> None:
        if colour not in COLOURS:
            raise ValueError(f"colour: one of {', '.join(COLOURS)} expected, got {colour!r}")
        if not 0 <= intensity_percent <= 100:
            raise ValueError(f"intensity_percent: 0 to 100 expected, got {intensity_percent}")
        self._hold.check()


class EmergencyStop:
    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._feed: Feed[AlarmReading] = hold.feed(0, self._now)

    def _now(self) -> AlarmReading:
        tripped = any("emergency_stop" in evse.errors for evse in self._hold.world.evses)
        return AlarmReading(time.monotonic(), tripped)

    def watch(self) -> AsyncIterator[AlarmReading]:
        self._hold.check()
        return self._feed.watch()


class ResidualCurrent:
    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._feed: Feed[AlarmReading] = hold.feed(0, self._now)

    def _now(self) -> AlarmReading:
        where = [f"evse {evse.number}" for evse in self._hold.world.evses if "ground_fault" in evse.errors]
        return AlarmReading(time.monotonic(), bool(where), ", ".join(where))

    def watch(self) -> AsyncIterator[AlarmReading]:
        self._hold.check()
        return self._feed.watch()

    async def test(self) -> None:
        self._hold.check()
