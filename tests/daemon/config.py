"""Configurations of the daemon for tests, as the dict its TOML file is written from."""

from collections.abc import Mapping, Sequence
from typing import Any

Config = dict[str, Any]


def ac_station(
    url: str,
    *,
    evses: int = 1,
    versions: Sequence[str] = ("2.0.1",),
    identity: str = "TEST001",
    security_profile: int = 0,
    password: str | None = None,
    variables: Mapping[str, Any] | None = None,
    ocpp16: Mapping[str, Any] | None = None,
) -> Config:
    """A station of simulated three-phase AC outlets with one socket each, one reader and one display."""
    csms = {"url": url, "versions": list(versions), "security_profile": security_profile}
    return {
        "station": {"id": identity, "vendor": "chargepointd", "model": "Test station", "serial_number": "T-0001"},
        "csms": csms if password is None else csms | {"password": password},
        "drivers": {"sim": {"driver": "simulator", "evses": evses}},
        "evse": [_evse(number) for number in range(1, evses + 1)],
        "reader": [{"device": "sim.reader", "evses": list(range(1, evses + 1))}],
        "display": [{"device": "sim.display"}],
        "variables": dict(variables or {}),
        "ocpp16": dict(ocpp16 or {}),
        "control": {"socket": "control.sock", "group": ""},
        "log": {"level": "debug"},
    }


def _evse(number: int) -> Config:
    devices = {name: f"sim.{name}{number}" for name in ("pilot", "contactor", "meter", "lock")}
    supply = {"supply": "AC", "phases": 3, "voltage_v": 230, "max_current_a": 32}
    return {"id": number, **supply, **devices, "connector": [{"id": 1, "type": "sType2", "cable": "detachable"}]}


def dc_evse(number: int, *, kind: str = "cCCS2", max_power_w: int = 400_000) -> Config:
    """A DC outlet with a fixed cable, as in etc/dc-bench.toml. kind: of the plug, in the words of OCPP."""
    devices = {name: f"sim.{name}{number}" for name in ("pilot", "vehicle", "contactor", "meter")}
    supply = {"supply": "DC", "phases": 0, "voltage_v": 1000, "max_current_a": 500, "max_power_w": max_power_w}
    connector = {"id": 1, "type": kind, "cable": "fixed"}
    return {"id": number, **supply, "supply_device": f"sim.supply{number}", **devices, "connector": [connector]}
