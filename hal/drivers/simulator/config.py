"""The configuration of a simulated station."""

from typing import Literal, NamedTuple

from hal.errors import BadConfig


class Config(NamedTuple):
    evses: int = 2
    connectors: int = 1
    """per EVSE"""
    supply: Literal["AC", "DC"] = "AC"
    phases: int = 3
    voltage_v: float = 230.0
    """V, L-N"""
    frequency_hz: float = 50.0
    max_current_a: float = 32.0
    """A per phase; AC"""
    dc_max_voltage_v: float = 1000.0
    dc_min_voltage_v: float = 150.0
    dc_max_current_a: float = 500.0
    dc_max_power_w: float = 400_000.0
    cable_limit_a: float | None = 32.0
    """A per phase, what the cable bears"""
    fixed_cable: bool = False
    """the cable belongs to the station, so the pilot does not tell its limit"""
    reaction_s: float = 1.0
    """s from the first offer until the car asks for energy"""
    car_current_a: float = 16.0
    """A per phase; AC"""
    car_power_w: float | None = None
    """W; an AC car is bounded by its current anyway, a DC car takes 50 kW"""
    car_voltage_v: float = 400.0
    """V of the battery; DC"""
    battery_wh: float = 60_000.0
    soc_percent: float = 20.0
    """of every car that is plugged in"""
    wraps_at_kwh: float | None = None
    """where the registers of the meters begin again at 0; None: nowhere"""

    def check(self, where: str) -> None:
        """BadConfig when values do not make a station."""
        problems = [
            f"{where}.{key}: expected {wanted}, got {getattr(self, key)}"
            for key, wanted, ok in (
                ("evses", "1 to 100", 1 <= self.evses <= 100),
                ("connectors", "1 to 10", 1 <= self.connectors <= 10),
                ("phases", "1 or 3", self.phases in (1, 3)),
                ("voltage_v", "more than 0 V", self.voltage_v > 0),
                ("car_voltage_v", "more than 0 V", self.car_voltage_v > 0),
                ("reaction_s", "0 s or more", self.reaction_s >= 0),
                ("battery_wh", "more than 0 Wh", self.battery_wh > 0),
                ("wraps_at_kwh", "more than 0 kWh", self.wraps_at_kwh is None or self.wraps_at_kwh > 0),
                ("soc_percent", "0 to 100", 0 <= self.soc_percent <= 100),
            )
            if not ok
        ]
        if problems:
            raise BadConfig("\n".join(problems))
