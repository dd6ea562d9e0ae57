"""Readings and health of devices, as events of the station.

Only what changed is told, except meter readings: each is fresh, and says when it was taken.
"""

import logging
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

from chargepointd.core import events as e
from chargepointd.core.values import Fault, FaultCode, Measured, Signed, Token
from chargepointd.hardware.bindings import Address, Binding
from hal.health import DeviceHealth, DeviceRead
from hal.readings import (
    AlarmReading,
    ContactReading,
    ContractReading,
    EvCertificateReading,
    KeyReading,
    LockReading,
    MeterReading,
    OccupancyReading,
    PilotReading,
    SignedReading,
    TokenReading,
    VehicleReading,
)

log = logging.getLogger(__name__)

Post = Callable[[e.Event], None]

_PILOT_FAULTS: tuple[tuple[str, FaultCode], ...] = (
    ("ground", "GroundFailure"),
    ("gfi", "GroundFailure"),
    ("residual", "GroundFailure"),
    ("relay", "PowerSwitchFailure"),
    ("weld", "PowerSwitchFailure"),
    ("temperature", "HighTemperature"),
    ("over-current", "OverCurrentFailure"),
    ("over current", "OverCurrentFailure"),
    ("overcurrent", "OverCurrentFailure"),
)


class Inputs:
    def __init__(self, bindings: Iterable[Binding], served: Mapping[Address, tuple[int, ...]], post: Post) -> None:
        self._bindings: dict[Address, list[Binding]] = {}
        for binding in bindings:
            self._bindings.setdefault(binding.address, []).append(binding)
        self._by_vehicle = {b.evse_id for bound in self._bindings.values() for b in bound if b.role == "vehicle"}
        """DC: the vehicle's own link says whether it wants energy, not the pilot"""
        self._served = served
        self._post = post
        self._plugged: dict[tuple[int, int], bool] = {}
        self._plugs: dict[tuple[int, int], bool] = {}
        self._occupied: dict[int, bool] = {}
        self._wanted: dict[int, bool] = {}
        self._switched: dict[int, bool] = {}
        self._locked: dict[tuple[int, int], bool] = {}
        self._raised: dict[Binding, Fault] = {}
        self._unfit: set[Binding] = set()
        self._contacts: dict[Binding, bool] = {}
        self._soc: dict[int, float | None] = {}
        self._macs: dict[int, str] = {}
        self.on_pilot: Callable[[int, PilotReading], None] = _nobody
        """the power paths listen too: they act on a pilot without asking the station"""
        self.on_vehicle: Callable[[int, VehicleReading], None] = _nobody
        self._by_type: dict[type, Callable[[Binding, Any], None]] = {
            PilotReading: self._pilot,
            MeterReading: self._meter,
            TokenReading: self._token,
            KeyReading: self._key,
            LockReading: self._lock,
            VehicleReading: self._vehicle,
            ContractReading: self._contract,
            EvCertificateReading: self._ev_certificate,
            AlarmReading: self._alarm,
            ContactReading: self._contact,
            OccupancyReading: self._bay,
        }

    def report(self, report: DeviceRead | DeviceHealth) -> None:
        """From a supervisor."""
        if isinstance(report, DeviceHealth):
            self._health(report)
            return
        handle = self._by_type.get(type(report.reading))
        if handle:
            for binding in self._bindings.get(Address(report.driver, report.device), ()):
                if binding not in self._unfit:
                    handle(binding, report.reading)

    # -- health --------------------------------------------------------------------------------------------------------

    def fits(self, binding: Binding, why_not: str) -> None:
        """Whether the device can be what it is bound as; where not, nothing that it reports counts there, nor mends
        that."""
        self._unfit.discard(binding)
        if why_not:
            self._raise(binding, binding.fault, why_not, binding.stops_charging)
            self._unfit.add(binding)

    def unfit(self, at: Address, role: str) -> bool:
        return any(binding.address == at and binding.role == role for binding in self._unfit)

    def _health(self, health: DeviceHealth) -> None:
        for place, bound in self._bindings.items():
            if place.driver == health.driver and health.device in ("", place.device):
                for binding in bound:
                    if health.up:
                        self._clear(binding)
                    else:
                        self._raise(binding, binding.fault, health.reason, binding.stops_charging)

    def _raise(self, binding: Binding, code: FaultCode, info: str, stops: bool) -> None:
        if binding in self._unfit:
            return
        fault = Fault(code, str(binding.address), info, stops)
        known = self._raised.get(binding)
        if known == fault:
            return
        if known and known.code != code:
            self._clear(binding)
        self._raised[binding] = fault
        self._post(e.FaultRaised(binding.evse_id, fault))
        if binding.role == "limit":
            self._contacts.pop(binding, None)
            self._post(e.ContactMoved(binding.number, None))
        elif binding.role == "site_meter":
            self._post(e.SiteRead(None))

    def _clear(self, binding: Binding) -> None:
        fault = None if binding in self._unfit else self._raised.pop(binding, None)
        if fault:
            self._post(e.FaultCleared(binding.evse_id, fault.code, fault.source))

    def forget(self, evse_id: int) -> None:
        """What is read of this EVSE next is told, though it may be as before."""
        for known in (self._wanted, self._switched, self._occupied):
            known.pop(evse_id, None)
        for told in (self._plugged, self._plugs, self._locked):
            for place in [place for place in told if place[0] == evse_id]:
                del told[place]

    # -- readings ------------------------------------------------------------------------------------------------------

    def _pilot(self, binding: Binding, reading: PilotReading) -> None:
        evse_id, place = binding.evse_id, (binding.evse_id, binding.connector_id)
        self._pilot_fault(binding, reading)
        if reading.plug is not None and self._plugs.get(place) != reading.plug:
            self._plugs[place] = reading.plug
            self._post(e.PlugMoved(*place, reading.plug))
        plugged = reading.state in ("B", "C", "D")
        if self._plugged.get(place) != plugged:
            self._plugged[place] = plugged
            if plugged:
                self._post(e.CablePlugged(*place, _known(reading.cable_limit_a)))
            else:
                self._wanted[evse_id] = False
                self._post(e.CableUnplugged(*place))
        if evse_id not in self._by_vehicle:
            # State D asks for ventilation, which no EVSE of ours has: it gets no energy (IEC 61851-1, A.4.7).
            self._want(evse_id, reading.state == "C")
        if reading.power_on is not None:
            self.switched(evse_id, reading.power_on)
        self.on_pilot(evse_id, reading)

    def _bay(self, binding: Binding, reading: OccupancyReading) -> None:
        if self._occupied.get(binding.evse_id) != reading.occupied:
            self._occupied[binding.evse_id] = reading.occupied
            self._post(e.BayChanged(binding.evse_id, reading.occupied))

    def _pilot_fault(self, binding: Binding, reading: PilotReading) -> None:
        info = reading.fault or {"E": "pilot shorted", "F": "pilot not available"}.get(reading.state, "")
        if not info:
            self._clear(binding)
            return
        lower = info.lower()
        code = next((code for word, code in _PILOT_FAULTS if word in lower), "OtherError")
        self._raise(binding, code, info, True)  # type: ignore[arg-type]

    def _want(self, evse_id: int, wanted: bool) -> None:
        if self._wanted.get(evse_id, False) != wanted:
            self._wanted[evse_id] = wanted
            self._post(e.EnergyWanted(evse_id, wanted))

    def switched(self, evse_id: int, on: bool) -> None:
        """The power path, as a board or our own sequence confirms it."""
        if self._switched.get(evse_id, False) != on:
            self._switched[evse_id] = on
            self._post(e.PowerSwitched(evse_id, on))

    def phases_switched(self, evse_id: int, phases: int) -> None:
        self._post(e.PhasesSwitched(evse_id, phases))

    def signed(self, at: Address, signed: SignedReading) -> None:
        """What a meter was asked to sign."""
        data = b64encode(signed.data).decode()
        seal = Signed(data, signed.encoding, signed.method, signed.public_key.hex())
        for binding in self._bindings.get(at, ()):
            self._meter(binding, signed.reading, seal)

    def _meter(self, binding: Binding, reading: MeterReading, signed: Signed | None = None) -> None:
        values = _numbers(reading)
        if not isfinite(sum(values)):
            if binding.role == "site_meter":  # what one phase draws is not known: it limits, as if it told nothing
                self._post(e.SiteRead(None))
                return
            reading = MeterReading(reading.taken_at, *map(_known, reading[1:]))
        measured = Measured(
            reading.taken_at,
            reading.energy_import_wh,
            reading.energy_export_wh,
            reading.power_w,
            reading.current_a,
            reading.voltage_v,
            reading.power_phases_w,
            reading.frequency_hz,
            reading.power_factor,
            reading.temperature_c,
            self._soc.get(binding.evse_id),
            signed,
        )
        self._post(e.SiteRead(measured) if binding.role == "site_meter" else e.MeterRead(binding.evse_id, measured))

    def _token(self, binding: Binding, reading: TokenReading) -> None:
        self._post(e.TokenPresented(Token(reading.value, reading.kind), self._served[binding.address]))

    def _key(self, binding: Binding, reading: KeyReading) -> None:
        evses = self._served[binding.address]
        if binding.role == "button":
            self._post(e.TokenPresented(Token("", "NoAuthorization"), evses))
        else:
            self._post(e.KeyPressed(reading.key, evses))

    def _lock(self, binding: Binding, reading: LockReading) -> None:
        place = (binding.evse_id, binding.connector_id)
        if self._locked.get(place) != reading.locked:
            self._locked[place] = reading.locked
            self._post(e.LockMoved(*place, reading.locked))

    def lock_told(self, evse_id: int, connector_id: int, locked: bool) -> None:
        """A command to the lock succeeded: told even if nothing changed, for somebody waits for it."""
        self._locked[(evse_id, connector_id)] = locked
        self._post(e.LockMoved(evse_id, connector_id, locked))

    def _vehicle(self, binding: Binding, reading: VehicleReading) -> None:
        reading = VehicleReading(*map(_known, reading))
        self._soc[binding.evse_id] = reading.soc_percent
        mac = reading.mac if reading.connected else ""
        if mac != self._macs.get(binding.evse_id, ""):
            self._macs[binding.evse_id] = mac
            if mac:
                self._post(e.VehicleIdentified(binding.evse_id, mac))
        self._want(binding.evse_id, reading.connected and reading.wants_energy)
        self.on_vehicle(binding.evse_id, reading)

    def _contract(self, binding: Binding, reading: ContractReading) -> None:
        self._post(e.ContractShown(binding.evse_id, reading.emaid, reading.chain))

    def _ev_certificate(self, binding: Binding, reading: EvCertificateReading) -> None:
        self._post(e.EvCertificateWanted(binding.evse_id, reading.action, reading.schema, reading.exi))

    def _alarm(self, binding: Binding, reading: AlarmReading) -> None:
        if reading.tripped:
            self._raise(binding, binding.fault, reading.detail or "tripped", True)
        else:
            self._clear(binding)

    def _contact(self, binding: Binding, reading: ContactReading) -> None:
        if binding.role == "on_battery":
            self._post(e.GridChanged(lost=reading.closed))
        elif self._contacts.get(binding) is not reading.closed:
            self._contacts[binding] = reading.closed
            self._post(e.ContactMoved(binding.number, reading.closed))

    # -- what our own sequences find out -------------------------------------------------------------------------------

    def plugged_at(self, evse_id: int) -> int:
        """The connector that holds a cable; 0 for none."""
        return next((c for (evse, c), plugged in self._plugged.items() if evse == evse_id and plugged), 0)

    def failed(self, evse_id: int, role: str, info: str) -> None:
        """A command to a device of this role failed."""
        for binding in self._of(evse_id, role):
            self._raise(binding, binding.fault, info, binding.stops_charging)

    def works(self, evse_id: int, role: str, info: str = "") -> None:
        """`info`: only what failed for this reason is well."""
        for binding in self._of(evse_id, role):
            fault = self._raised.get(binding)
            if fault and info in ("", fault.info):
                self._clear(binding)

    def _of(self, evse_id: int, role: str) -> list[Binding]:
        return [b for bound in self._bindings.values() for b in bound if b.evse_id == evse_id and b.role == role]


def _numbers(reading: MeterReading) -> Iterator[float]:
    for value in reading:
        yield from (each for each in (value if isinstance(value, tuple) else (value,)) if each is not None)


def _known(value: Any) -> Any:
    """None for what is no number, as a broken device tells it."""
    if isinstance(value, tuple):
        return tuple(_known(each) for each in value)
    return None if isinstance(value, float) and not isfinite(value) else value


def _nobody(evse_id: int, reading: Any) -> None:
    """Until somebody listens."""
