"""Meter values of either version to neutral readings, and reports about a transaction to a line."""

from collections.abc import Iterable, Iterator
from typing import Any

from chargepointd.csms.books import Reading, Report, Transaction

_ENERGY = "Energy.Active.Import.Register"
_KILO = ("kWh", "kW")


def readings(meter_values: Iterable[dict[str, Any]]) -> tuple[Reading, ...]:
    """One reading a meter value, in the order of the message."""
    return tuple(_reading(each["sampledValue"]) for each in meter_values)


def _reading(sampled: list[dict[str, Any]]) -> Reading:
    power = [value for _, value in _values(sampled, "Power.Active.Import")]
    whole = [value for phase, value in _values(sampled, "Power.Active.Import") if not phase]
    return Reading(
        energy_wh=next((value for phase, value in _values(sampled, _ENERGY) if not phase), None),
        power_w=whole[0] if whole else sum(power) if power else None,
        current_a=max((value for _, value in _values(sampled, "Current.Import")), default=None),
        soc_percent=next((value for _, value in _values(sampled, "SoC")), None),
    )


def _values(sampled: list[dict[str, Any]], measurand: str) -> Iterator[tuple[str, float]]:
    """(phase, value in the plain unit) of what was measured at the outlet, or at the car for SoC."""
    for each in sampled:
        at_outlet = each.get("location", "Outlet") in ("Outlet", "EV")
        if each.get("measurand", _ENERGY) != measurand or not at_outlet or each.get("format", "Raw") != "Raw":
            continue
        try:
            value = float(each["value"])  # a text in 1.6, where the schema does not ask for a number
        except ValueError:
            continue
        yield each.get("phase", ""), value * _factor(each)


def _factor(sampled: dict[str, Any]) -> float:
    unit = sampled.get("unitOfMeasure", {})
    kilo = 1000.0 if (sampled.get("unit") or unit.get("unit", "")) in _KILO else 1.0
    return kilo * float(10.0 ** unit.get("multiplier", 0))


def shown(reading: Reading) -> str:
    """ "1234.5 Wh 11.04 kW 16.0 A 45 %", what of it is known."""
    parts = [
        "" if reading.energy_wh is None else f"register {reading.energy_wh:.1f} Wh",
        "" if reading.power_w is None else f"{reading.power_w / 1000:.2f} kW",
        "" if reading.current_a is None else f"{reading.current_a:.1f} A",
        "" if reading.soc_percent is None else f"SoC {reading.soc_percent:.0f} %",
    ]
    return ", ".join(filter(None, parts))


def told(report: Report, transaction: Transaction, new: bool) -> str:
    """A report about a transaction on one line."""
    energy = "" if transaction.energy_wh is None else f"{transaction.energy_wh:.1f} Wh so far"
    if report.kind == "Ended":
        energy = "energy unknown" if transaction.energy_wh is None else f"{transaction.energy_wh:.1f} Wh"
    parts = [
        f"{report.transaction_id} {report.kind.lower()}",
        f"EVSE {report.evse}" if report.evse is not None else "",
        f"token {report.token}" if report.token else "",
        report.state,
        f"reason {report.reason}" if report.reason else "",
        shown(report.readings[-1]) if report.readings and report.kind == "Updated" else "",
        energy if report.kind != "Started" else "",
        "" if new else "(told before)",
    ]
    return ", ".join(filter(None, parts))
