"""Core: meter values during a transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.conformance.stations import ac_socket, dc_station
from tests.conformance.v16.tester import Tester
from tests.csms import Csms, Message

ENERGY = "Energy.Active.Import.Register"
ONE_SECOND = timedelta(seconds=1)


def values(told: Sequence[Message]) -> list[dict[str, Any]]:
    return [value for message in told for value in message["meterValue"]]


def moment(value: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(value["timestamp"])


def a_second_apart(found: Sequence[dict[str, Any]]) -> None:
    """But for the seconds in which the machine stood still: of those there is no reading."""
    moments = [moment(value) for value in found]
    gaps = [b - a for a, b in pairwise(moments)]
    assert all(gap >= ONE_SECOND and not gap % ONE_SECOND for gap in gaps), gaps
    assert ONE_SECOND in gaps or len(gaps) < 2, gaps


def complete(value: dict[str, Any], measurands: Sequence[str], context: str) -> None:
    """One sampledValue a measurand, or one a phase."""
    samples = value["sampledValue"]
    assert {sample.get("context", "Sample.Periodic") for sample in samples} == {context}
    assert {sample.get("measurand", ENERGY) for sample in samples} == set(measurands)
    without_phase = [sample["measurand"] for sample in samples if "phase" not in sample]
    assert len(without_phase) == len(set(without_phase))


DC = (ENERGY, "Power.Active.Import", "Current.Import", "Voltage")
AC = (*DC, "Power.Offered", "Current.Offered", "Power.Factor", "Frequency")
stations = pytest.mark.parametrize(
    "measurands",
    [
        pytest.param((ENERGY,), id="default"),
        pytest.param(DC, id="DC", marks=pytest.mark.under_test(dc_station, variables={})),
        pytest.param(AC, id="AC", marks=pytest.mark.under_test(ac_socket, variables={})),
    ],
)


@stations
def test_tc_070_cs(tester: Tester, csms: Csms, measurands: Sequence[str]) -> None:
    """Sampled Meter Values"""
    tester.configure("MeterValueSampleInterval", 1)
    tester.configure("ClockAlignedDataInterval", 0)
    tester.configure("MeterValuesSampledData", ",".join(measurands))
    transaction = tester.charging()
    told = values([csms.wait("MeterValues", connectorId=1, transactionId=transaction) for _ in range(3)])
    a_second_apart(told)
    for value in told:
        complete(value, measurands, "Sample.Periodic")


@stations
def test_tc_071_cs(tester: Tester, csms: Csms, measurands: Sequence[str]) -> None:
    """Clock-aligned Meter Values"""
    tester.configure("MeterValueSampleInterval", 0)
    tester.configure("MeterValuesAlignedData", ",".join(measurands))
    transaction = tester.charging()
    tester.configure("ClockAlignedDataInterval", 1)
    told = values([csms.wait("MeterValues", connectorId=1, transactionId=transaction) for _ in range(3)])
    a_second_apart(told)
    for value in told:
        complete(value, measurands, "Sample.Clock")
        assert moment(value).microsecond == 0
