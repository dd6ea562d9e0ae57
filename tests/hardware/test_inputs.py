"""Readings of broken devices, as events of the station."""

from math import inf, nan
from typing import Any

import pytest

from chargepointd.core import events as e
from chargepointd.hardware.bindings import Address, Binding
from chargepointd.hardware.inputs import Inputs
from hal.health import DeviceRead
from hal.readings import MeterReading, PilotReading, Reading, VehicleReading

PLACE = Address("bus", "meter")


def all_told(role: str, reading: Reading) -> tuple[list[Any], list[Any]]:
    """What the station is told, and what the power path is told of the vehicle."""
    posted: list[e.Event] = []
    heard: list[VehicleReading] = []
    inputs = Inputs([Binding(PLACE, role, 1, 1, "PowerMeterFailure")], {}, posted.append)
    inputs.on_vehicle = lambda _, vehicle: heard.append(vehicle)
    inputs.report(DeviceRead("bus", "meter", reading))
    return posted, heard


def told(role: str, reading: MeterReading) -> Any:
    (event,), _ = all_told(role, reading)
    return event


@pytest.mark.parametrize("wrong", [nan, inf, -inf])
def test_what_is_no_number_is_not_known(wrong: float) -> None:
    reading = MeterReading(5.0, wrong, 2.0, wrong, (1.0, wrong, None), (230.0, 231.0, 229.0), temperature_c=wrong)
    measured = told("meter", reading).measured
    assert (measured.energy_import_wh, measured.energy_export_wh, measured.power_w) == (None, 2.0, None)
    assert measured.current_a == (1.0, None, None)
    assert measured.voltage_v == (230.0, 231.0, 229.0)
    assert measured.temperature_c is None


@pytest.mark.parametrize("wrong", [nan, inf, -inf])
@pytest.mark.parametrize("phase", [0, 1, 2])
def test_a_building_of_which_one_phase_is_not_known_is_as_one_whose_meter_is_lost(phase: int, wrong: float) -> None:
    amps: list[float] = [5.0, 6.0, 7.0]
    assert told("site_meter", MeterReading(5.0, current_a=(5.0, 6.0, 7.0))).measured.current_a == (5.0, 6.0, 7.0)
    amps[phase] = wrong
    assert told("site_meter", MeterReading(5.0, current_a=(amps[0], amps[1], amps[2]))) == e.SiteRead(None)


@pytest.mark.parametrize("wrong", [nan, inf, -inf])
def test_neither_a_cable_nor_a_vehicle_asks_for_what_is_no_number(wrong: float) -> None:
    posted, _ = all_told("pilot", PilotReading(5.0, "B", cable_limit_a=wrong))
    assert e.CablePlugged(1, 1, None) in posted
    _, heard = all_told("vehicle", VehicleReading(5.0, True, True, wrong, wrong, wrong))
    assert heard == [VehicleReading(5.0, True, True)]
