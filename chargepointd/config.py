"""The configuration: TOML files to named tuples, every complaint with file, key and remedy.

`load(path)` reads the file and `conf.d/*.toml` beside it, in order of name; later files add tables and replace single
values. Nothing is opened or imported for it except the drivers that are configured, to check their sections.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chargepointd.sections import (
    Config,
    CsmsConfig,
    DeviceConfig,
    DriverConfig,
    EvseConfig,
    FirmwareConfig,
    LimitConfig,
    SiteConfig,
    StationConfig,
    TopLevel,
)
from hal.config import parse
from hal.errors import BadConfig
from hal.registry import find

__all__ = ["BadConfig", "load", "remarks"]


def load(path: Path) -> Config:
    """The configuration at `path`. BadConfig: all that is wrong, a line each, with file, key and remedy."""
    table = _read(path)
    for part in sorted(path.parent.glob("conf.d/*.toml")):
        _merge(table, _read(part))
    try:
        return _typed(table)
    except BadConfig as error:
        raise BadConfig("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None


def remarks(config: Config) -> list[str]:
    """What may be missing on this machine only, or already done with: told by --check-config, no reason not to run."""
    from shutil import which

    found = []
    for key in ("ca_file", "client_cert", "client_key"):
        file = getattr(config.csms, key)
        if file and not file.exists():
            found.append(f"csms.{key}: no file {file} here; it may go only after the first start has taken it in")
    for key in ("install_command", "status_command"):
        command = getattr(config.firmware, key)
        if command and not which(command[0]):
            found.append(f"firmware.{key}: no program {command[0]} here; install it, or updates fail")
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BadConfig(f"{path}: no such file; give one with --config, or copy an example from etc/") from None
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path}: no valid TOML: {error}") from None


def _merge(table: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        known = table.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            known.extend(value)
        else:
            table[key] = value


def _typed(table: dict[str, Any]) -> Config:
    file = parse(TopLevel, table, "")
    problems: list[str] = []
    drivers = tuple(filter(None, [_driver(name, section, problems) for name, section in file.drivers.items()]))
    problems += _contradictions(file) + _blind_problems(file.evse, drivers)
    if problems:
        raise BadConfig("\n".join(problems))
    return Config(
        **{
            **file._asdict(),
            "drivers": drivers,
            "variables": {name: _text(value) for name, value in file.variables.items()},
            "ocpp16": {name: _text(value) for name, value in file.ocpp16.items()},
        }
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _driver(name: str, section: Any, problems: list[str]) -> DriverConfig | None:
    where = f"drivers.{name}"
    try:
        if not isinstance(section, dict) or not isinstance(section.get("driver"), str):
            raise BadConfig(f'{where}.driver: missing; expected the name of a driver such as "simulator"')
        driver = find(section["driver"], f"{where}.driver")
        rest = {key: value for key, value in section.items() if key != "driver"}
        return DriverConfig(name, driver, parse(driver.config, rest, where))
    except BadConfig as error:
        problems.append(str(error))
        return None


def _contradictions(file: TopLevel) -> list[str]:
    """What is wrong between sections."""
    problems = _station_problems(file.station) + _csms_problems(
        file.csms, "authorizationkey" in map(str.lower, file.ocpp16)
    )
    if not 1_000_000 <= file.outbox.max_bytes <= 10_000_000_000:
        problems.append(f"outbox.max_bytes: expected 1000000 to 10000000000, got {file.outbox.max_bytes}")
    if not file.evse:
        problems.append("evse: missing; a station has at least one [[evse]]")
    problems += _id_problems("evse", [evse.id for evse in file.evse])
    ids = {evse.id for evse in file.evse}
    for n, evse in enumerate(file.evse):
        problems += _evse_problems(f"evse[{n}]", evse)
    first = dict[tuple[str, str], str]()
    for where, serving in _serving(file):
        kind = where.partition("[")[0]
        if (before := first.setdefault((kind, serving.device), where)) != where:
            problems.append(f"{where}.device: {serving.device} is {before} already; name all of its EVSEs there")
        strangers = sorted(set(serving.evses) - ids)
        if strangers:
            problems.append(f"{where}.evses: no EVSE {strangers[0]}; known: {', '.join(map(str, sorted(ids)))}")
    for where, device in _bindings(file):
        problems += _binding_problems(where, device, file.drivers)
    problems += _limit_problems(file.limit, file.site, ids)
    problems += [
        f"site.meter: {evse.meter} is evse[{n}].meter; name the meter that counts all of the building"
        for n, evse in enumerate(file.evse)
        if evse.meter and evse.meter == file.site.meter
    ]
    return problems + _shared_problems(file.evse) + _firmware_problems(file.firmware)


def _station_problems(station: StationConfig) -> list[str]:
    problems = [
        *_command_problems("station.reboot_command", station.reboot_command),
        *_command_problems("station.ntp_command", station.ntp_command),
    ]
    if 0 < station.max_current_a < 6:  # IEC 61851-1, A.3
        problems.append(f"station.max_current_a: no car charges with {station.max_current_a:g} A; expected 6 or more")
    for key in ("max_current_a", "max_power_w"):
        if getattr(station, key) < 0:
            problems.append(f"station.{key}: expected 0 (no limit) or more, got {getattr(station, key):g}")
    if not 1 <= len(station.id) <= 48 or ":" in station.id:  # OCPP 2.0.1 Part 4, 3.1.1 "The connection URL"
        problems.append(f'station.id: expected 1 to 48 characters without ":", got "{station.id}"')
    return problems


def _command_problems(where: str, command: tuple[str, ...]) -> list[str]:
    if command and not command[0]:
        return [f'{where}[0]: empty; expected a program such as "/usr/bin/systemctl", and its arguments after it']
    return []


def _limit_problems(limits: tuple[LimitConfig, ...], site: SiteConfig, ids: set[int]) -> list[str]:
    problems = []
    for n, limit in enumerate(limits):
        where, bounds = f"limit[{n}]", (limit.max_current_a, limit.max_power_w)
        if sum(bound is not None for bound in bounds) != 1:
            problems.append(f"{where}: expected one of max_current_a and max_power_w; 0 pauses")
        for key, bound in zip(("max_current_a", "max_power_w"), bounds, strict=True):
            if bound is not None and not bound >= 0:
                problems.append(f"{where}.{key}: expected 0 (pauses) or more, got {bound:g}")
        if limit.evse and limit.evse not in ids:
            problems.append(f"{where}.evse: no EVSE {limit.evse}; known: {', '.join(map(str, sorted(ids)))}")
    if site.meter and not site.max_current_a > 0:
        problems.append("site.max_current_a: missing; the meter alone does not tell what the connection bears")
    if (site.max_current_a or site.safe_current_a) and not site.meter:
        problems.append("site.meter: missing; a fixed limit is station.max_current_a")
    if not 0 <= site.safe_current_a <= max(site.max_current_a, 0.0):
        problems.append(f"site.safe_current_a: expected 0 to max_current_a, got {site.safe_current_a:g}")
    return problems


def _firmware_problems(firmware: FirmwareConfig) -> list[str]:
    problems = _command_problems("firmware.install_command", firmware.install_command)
    problems += _command_problems("firmware.status_command", firmware.status_command)
    if firmware.status_command and not firmware.install_command:
        problems.append("firmware.install_command: missing; without it the status_command has nothing to tell")
    if firmware.max_size_mb < 1:
        problems.append(f"firmware.max_size_mb: expected 1 or more, got {firmware.max_size_mb}")
    if not firmware.timeout_s > 0:
        problems.append(f"firmware.timeout_s: expected more than 0, got {firmware.timeout_s}")
    return problems


def _csms_problems(csms: CsmsConfig, key: bool) -> list[str]:
    """key: the password stands in [ocpp16]."""
    problems = []
    if not csms.url.startswith(("ws://", "wss://")) or _has_space(csms.url):
        problems.append(f'csms.url: expected an address such as "wss://csms.example.com/ocpp", got "{csms.url}"')
    if csms.security_profile >= 2 and not csms.url.startswith("wss://"):
        problems.append(f"csms.url: security profile {csms.security_profile} needs wss://, got {csms.url}")
    if csms.secure_url and not csms.secure_url.startswith("wss://"):
        problems.append(f'csms.secure_url: expected an address that begins with "wss://", got "{csms.secure_url}"')
    if csms.security_profile in (1, 2) and not (csms.password or key):
        problems.append(f"csms.password: missing; security profile {csms.security_profile} authenticates with it")
    if csms.password and key:
        problems.append("ocpp16.AuthorizationKey: csms.password is set as well; leave one of them out")
    if csms.security_profile == 3 and not csms.client_cert:
        problems.append("csms.client_cert: missing; security profile 3 authenticates with it")
    elif csms.client_key and not csms.client_cert:
        problems.append("csms.client_cert: missing; client_key is of no use without it")
    if csms.proxy and csms.proxy != "none" and not _is_proxy(csms.proxy):
        wanted = '"http://user:password@proxy.example.com:3128", or "none"'
        problems.append(f"csms.proxy: expected an address such as {wanted}")
    if not csms.versions:
        problems.append('csms.versions: empty; expected for example ["2.0.1", "1.6"]')
    return problems


def _has_space(url: str) -> bool:
    """Which `urlsplit` takes for a part of a name."""
    return any(sign.isspace() for sign in url)


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.port != 0 and not _has_space(url)
        return parts.scheme == "http" and sound and parts.path in ("", "/")
    except ValueError:
        return False


def _id_problems(where: str, ids: list[int]) -> list[str]:
    if sorted(ids) != list(range(1, len(ids) + 1)):
        return [f"{where}.id: expected 1 to {len(ids)}, each once, got {', '.join(map(str, ids))}"]
    return []


def _evse_problems(where: str, evse: EvseConfig) -> list[str]:
    problems = _id_problems(f"{where}.connector", [c.id for c in evse.connector])
    for n, connector in enumerate(evse.connector):
        if not (connector.pilot or (evse.pilot and len(evse.connector) == 1)):
            problems.append(
                f"{where}.connector[{n}].pilot: missing; each connector of an EVSE with several has its own"
            )
        if connector.cable == "fixed" and (connector.lock or evse.lock):
            problems.append(f"{where}.lock: a fixed cable has no lock to move; leave it out")
    if evse.shut_until_authorized and not (evse.lock or all(connector.lock for connector in evse.connector)):
        problems.append(f"{where}.shut_until_authorized: there is no lock; name one, or leave it out")
    if evse.meter_signs and not evse.meter:
        problems.append(f"{where}.meter_signs: there is no meter; name one, or leave it out")
    if evse.supply == "DC" and not (evse.supply_device and evse.vehicle):
        problems.append(f"{where}: a DC EVSE needs supply_device and vehicle")
    if evse.supply == "AC" and not evse.phases:
        problems.append(f"{where}.phases: expected 1 or 3 for AC, got 0")
    if evse.phase_switch and evse.phases != 3:
        problems.append(f"{where}.phase_switch: there is nothing to switch with phases = {evse.phases}; leave it out")
    for key in ("voltage_v", "max_current_a"):
        if not getattr(evse, key) > 0:
            problems.append(f"{where}.{key}: expected more than 0, got {getattr(evse, key):g}")
    if evse.max_power_w < 0:
        problems.append(
            f"{where}.max_power_w: expected 0 (voltage × current × phases) or more, got {evse.max_power_w:g}"
        )
    return problems


_EVSE_DEVICES = (
    "contactor", "pilot", "meter", "lock", "bay_sensor", "supply_device", "vehicle", "phase_switch",
    "plug_and_charge",
)  # fmt: skip


def _shared_problems(evses: tuple[EvseConfig, ...]) -> list[str]:
    """What moves or measures the energy of one EVSE cannot do so for another."""
    problems, first = [], dict[str, str]()
    for n, evse in enumerate(evses):
        for key in _EVSE_DEVICES:
            device = getattr(evse, key)
            where = first.setdefault(device, f"evse[{n}].{key}") if device else ""
            if where and not where.startswith(f"evse[{n}]."):
                problems.append(f"evse[{n}].{key}: {device} is {where} already; each EVSE has its own")
    return problems


def _blind_problems(evses: tuple[EvseConfig, ...], drivers: tuple[DriverConfig, ...]) -> list[str]:
    """A socket whose plug nobody sees would be shut on it, or never."""
    blind = {each.name: each.driver.name for each in drivers if not each.driver.senses_plugs}
    problems = []
    for n, evse in enumerate(evses):
        for pilot in [connector.pilot or evse.pilot for connector in evse.connector if evse.shut_until_authorized]:
            if driver := blind.get(pilot.partition(".")[0]):
                what = f"{pilot} ({driver}) cannot tell whether a plug is in the socket"
                problems.append(f"evse[{n}].shut_until_authorized: {what}; name a pilot that can, or leave it out")
    return problems


_SERVING = ("reader", "display", "keypad", "button", "indicator")


def _serving(file: TopLevel) -> list[tuple[str, DeviceConfig]]:
    return [(f"{kind}[{n}]", each) for kind in _SERVING for n, each in enumerate(getattr(file, kind))]


def _bindings(file: TopLevel) -> list[tuple[str, str]]:
    """(key, "DRIVER.DEVICE") of everything that names a device."""
    found = [(f"{where}.device", serving.device) for where, serving in _serving(file)]
    found += [(f"limit[{n}].device", limit.device) for n, limit in enumerate(file.limit)]
    found += [("site.meter", file.site.meter)]
    found += [("station.main_meter", file.station.main_meter), ("station.on_battery", file.station.on_battery)]
    found += [(f"emergency_stop[{n}]", device) for n, device in enumerate(file.emergency_stop)]
    for n, evse in enumerate(file.evse):
        for key in _EVSE_DEVICES:
            found.append((f"evse[{n}].{key}", getattr(evse, key)))
        for m, connector in enumerate(evse.connector):
            found.append((f"evse[{n}].connector[{m}].pilot", connector.pilot))
            found.append((f"evse[{n}].connector[{m}].lock", connector.lock))
    return [(where, device) for where, device in found if device]


def _binding_problems(where: str, device: str, drivers: Mapping[str, Any]) -> list[str]:
    driver, dot, name = device.partition(".")
    if not dot or not name:
        return [f'{where}: expected DRIVER.DEVICE such as "sim.meter1", got "{device}"']
    if driver not in drivers:
        return [f"{where}: no section [drivers.{driver}]; known: {', '.join(sorted(drivers)) or 'none'}"]
    return []
