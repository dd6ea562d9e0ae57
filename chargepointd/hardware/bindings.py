"""Which device serves which EVSE."""

import logging
from collections.abc import Iterator
from pathlib import Path

from chargepointd.core.plan import ConnectorPlan, CsmsPlan, EvsePlan, FirmwarePlan, LimitPlan, SitePlan, StationPlan
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import FaultCode
from chargepointd.sections import Config, ConnectorConfig, CsmsConfig, EvseConfig, FirmwareConfig, LimitConfig

log = logging.getLogger(__name__)


class Address(NamedTuple):
    driver: str
    device: str

    def __str__(self) -> str:
        return f"{self.driver}.{self.device}"


class Binding(NamedTuple):
    """A device in its role at a place; EVSE 0 is the station."""

    address: Address
    role: str
    """pilot, contactor, meter, lock, bay_sensor, phase_switch, supply, vehicle, plug_and_charge, reader, display,
    indicator, emergency_stop, on_battery, limit, site_meter"""
    evse_id: int
    connector_id: int
    fault: FaultCode
    """what it means to lose it"""
    stops_charging: bool = True
    number: int = 0
    """of a limit, as they are configured"""


_LOST: dict[str, tuple[FaultCode, bool]] = {
    "pilot": ("EVCommunicationError", True),
    "contactor": ("PowerSwitchFailure", True),
    "meter": ("PowerMeterFailure", True),
    "lock": ("ConnectorLockFailure", True),
    "supply": ("PowerSupplyFailure", True),
    "vehicle": ("EVCommunicationError", True),
    "emergency_stop": ("EmergencyStop", True),
    "main meter": ("PowerMeterFailure", False),
    "on_battery": ("OtherError", False),
    "bay_sensor": ("OtherError", False),
    "phase_switch": ("PowerSwitchFailure", False),
    "plug_and_charge": ("EVCommunicationError", False),
    "limit": ("OtherError", False),
    "site_meter": ("PowerMeterFailure", False),
    "reader": ("ReaderFailure", False),
    "display": ("OtherError", False),
    "indicator": ("OtherError", False),
    "keypad": ("OtherError", False),
    "button": ("OtherError", False),
}


def address(text: str) -> Address:
    driver, _, device = text.partition(".")
    return Address(driver, device)


def bindings(config: Config) -> tuple[Binding, ...]:
    """Every device the configuration names, in its role."""
    return tuple(_all(config))


def _all(config: Config) -> Iterator[Binding]:
    for evse in config.evse:
        for connector in evse.connector:
            yield from _bound("pilot", pilot_of(evse, connector), evse.id, connector.id)
            yield from _bound("lock", lock_of(evse, connector), evse.id, connector.id)
        yield from _bound("contactor", evse.contactor, evse.id)
        yield from _bound("meter", evse.meter, evse.id)
        yield from _bound("bay_sensor", evse.bay_sensor, evse.id)
        yield from _bound("phase_switch", evse.phase_switch, evse.id)
        yield from _bound("supply", evse.supply_device, evse.id)
        yield from _bound("vehicle", evse.vehicle, evse.id)
        yield from _bound("plug_and_charge", evse.plug_and_charge, evse.id)
    for reader in config.reader:
        yield from _bound("reader", reader.device, 0)
    for display in config.display:
        yield from _bound("display", display.device, 0)
    for lamp in config.indicator:
        yield from _bound("indicator", lamp.device, 0)
    for keypad in config.keypad:
        yield from _bound("keypad", keypad.device, 0)
    for button in config.button:
        yield from _bound("button", button.device, 0)
    yield from _bound("meter", config.station.main_meter, 0, lost="main meter")
    yield from _bound("on_battery", config.station.on_battery, 0)
    for n, limit in enumerate(config.limit):
        for binding in _bound("limit", limit.device, 0):
            yield binding._replace(number=n)
    yield from _bound("site_meter", config.site.meter, 0)
    for stop in config.emergency_stop:
        yield from _bound("emergency_stop", stop, 0)


def _bound(role: str, device: str, evse_id: int, connector_id: int = 0, lost: str = "") -> Iterator[Binding]:
    """`lost`: what its loss means, where that is not what it means for this role."""
    if device:
        code, stops = _LOST[lost or role]
        yield Binding(address(device), role, evse_id, connector_id, code, stops)


def pilot_of(evse: EvseConfig, connector: ConnectorConfig) -> str:
    return connector.pilot or evse.pilot


def lock_of(evse: EvseConfig, connector: ConnectorConfig) -> str:
    return connector.lock or (evse.lock if len(evse.connector) == 1 else "")


def plan(config: Config, version: str) -> StationPlan:
    """How the station is built, in the words of the core."""
    station = config.station
    everyone = tuple(evse.id for evse in config.evse)
    return StationPlan(
        station.id,
        station.vendor,
        station.model,
        station.serial_number,
        _version_file(station.firmware_version_file) or station.firmware_version or version,
        tuple(_evse_plan(evse, config) for evse in config.evse),
        bool(station.main_meter),
        _firmware_plan(config.firmware),
        _csms_plan(config.csms),
        tuple(sorted(_token_kinds(config))),
        bool(config.keypad and config.display),
        station.ntp_command,
        station.max_current_a or float("inf"),
        station.max_power_w or float("inf"),
        tuple(display.evses or everyone for display in config.display),
        tuple(_limit_plan(limit) for limit in config.limit),
        SitePlan(config.site.max_current_a, config.site.safe_current_a) if config.site.meter else None,
        tuple(lamp.evses or everyone for lamp in config.indicator),
        config.outbox.max_bytes,
    )


def _limit_plan(limit: LimitConfig) -> LimitPlan:
    unit, most = ("A", limit.max_current_a) if limit.max_power_w is None else ("W", limit.max_power_w)
    return LimitPlan(limit.evse, unit, most or 0.0, limit.source, limit.when == "closed")  # type: ignore[arg-type]


def _token_kinds(config: Config) -> set[str]:
    """What its devices can tell; what the CSMS sends, and none at all, need no device."""
    readers = {address(reader.device).driver for reader in config.reader}
    kinds = {kind for d in config.drivers if d.name in readers for kind in d.driver.token_kinds}
    kinds |= {"KeyCode"} if config.keypad else set()
    kinds |= {"MacAddress"} if any(evse.vehicle for evse in config.evse) else set()
    kinds |= {"eMAID"} if any(evse.plug_and_charge for evse in config.evse) else set()
    return kinds | {"Central", "NoAuthorization"}


def _version_file(file: Path | None) -> str:
    """Empty where there is none: a station whose last update was not so good must start all the same."""
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        log.warning("station.firmware_version_file: %s: %s; name the file whose first line is the version", file, why)
        return ""


def _firmware_plan(firmware: FirmwareConfig) -> FirmwarePlan:
    return FirmwarePlan(
        firmware.install_command,
        firmware.status_command,
        firmware.allow_unsigned,
        firmware.during_transactions,
        firmware.download_during_transactions,
        firmware.max_size_mb * 1_000_000,
        firmware.timeout_s,
        firmware.can_cancel,
    )


def _csms_plan(csms: CsmsConfig) -> CsmsPlan:
    files = (str(file or "") for file in (csms.ca_file, csms.client_cert, csms.client_key))
    return CsmsPlan(csms.url, csms.security_profile, *files)._replace(secure_url=csms.secure_url)


def _meter(evse: EvseConfig, config: Config) -> tuple[frozenset[str] | None, float | None]:
    """What the meter of an EVSE tells, and where its register wraps, as far as its driver knows."""
    found = next((d for d in config.drivers if evse.meter and d.name == address(evse.meter).driver), None)
    if found is None:
        return None, None
    measures, wraps_at_wh = found.driver.measures, found.driver.wraps_at_wh
    return measures and measures(found.config), wraps_at_wh and wraps_at_wh(found.config)


def _evse_plan(evse: EvseConfig, config: Config) -> EvsePlan:
    measures, wraps_at_wh = _meter(evse, config)
    connectors = tuple(
        ConnectorPlan(c.id, c.type, c.cable == "fixed", bool(lock_of(evse, c)), evse.shut_until_authorized)
        for c in evse.connector
    )
    power = evse.max_power_w or evse.voltage_v * evse.max_current_a * max(1, evse.phases)
    return EvsePlan(
        evse.id,
        connectors,
        evse.supply,
        evse.phases,
        evse.voltage_v,
        evse.max_current_a,
        power,
        bool(evse.meter),
        measures,
        evse.meter_signs,
        bool(evse.bay_sensor),
        evse.allow_reset,
        bool(evse.phase_switch),
        wraps_at_wh,
    )
