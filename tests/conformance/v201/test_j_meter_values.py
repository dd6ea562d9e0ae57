"""J: meter values."""

from base64 import b64decode
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.conformance.ocmf import energy_wh, verified
from tests.conformance.stations import ac_socket, dc_station, signing, with_main_meter
from tests.conformance.tester import Tester
from tests.csms import Csms, Message

ENERGY = "Energy.Active.Import.Register"
DC = (ENERGY, "Power.Active.Import", "Power.Offered", "Current.Import", "Current.Offered", "Voltage")
AC = (*DC, "Frequency", "Power.Factor")
ONE_SECOND = timedelta(seconds=1)

# pytest takes a mark with nothing but a function for a decorator of it: hence `variables`.
stations = pytest.mark.parametrize(
    "measurands",
    [pytest.param(DC, id="DC"), pytest.param(AC, id="AC", marks=pytest.mark.under_test(ac_socket, variables={}))],
)

Value = dict[str, Any]


def moment(value: Value) -> datetime:
    return datetime.fromisoformat(value["timestamp"])


def complete(value: Value, measurands: Sequence[str], context: str) -> None:
    """One element a measurand, or one a phase; nothing is measured at the EV but its state of charge."""
    samples = value["sampledValue"]
    assert {sample["context"] for sample in samples} == {context}
    assert sorted({sample.get("measurand", ENERGY) for sample in samples}) == sorted(measurands)
    assert all(sample.get("location") != "EV" for sample in samples if sample["measurand"] != "SoC")
    assert sum(sample.get("measurand", ENERGY) == ENERGY for sample in samples) == (ENERGY in measurands)


def a_second_apart(values: Iterable[Value]) -> None:
    """But for the seconds in which the machine stood still: of those there is no reading."""
    moments = [moment(value) for value in values]
    gaps = [b - a for a, b in pairwise(moments)]
    assert all(gap >= ONE_SECOND and not gap % ONE_SECOND for gap in gaps), gaps
    assert ONE_SECOND in gaps or len(gaps) < 2, gaps


def on_the_clock(value: Value) -> None:
    assert moment(value).microsecond == 0


def rounds(csms: Csms, evse: int, count: int = 3) -> list[Value]:
    """S> MeterValues of this EVSE, so many."""
    return [csms.wait("MeterValues", evseId=evse)["meterValue"][0] for _ in range(count)]


main = pytest.mark.under_test(with_main_meter(dc_station), variables={})


@pytest.mark.parametrize(
    ("measurands", "main_meter"),
    [
        pytest.param(DC, False, id="DC"),
        pytest.param(DC, True, id="main meter", marks=main),
        pytest.param(AC, False, id="AC", marks=pytest.mark.under_test(ac_socket, variables={})),
    ],
)
def test_tc_j_01_cs(tester: Tester, csms: Csms, measurands: Sequence[str], main_meter: bool) -> None:
    """Clock-aligned Meter Values - No transaction ongoing"""
    tester.set("AlignedDataCtrlr.Measurands", measurands)
    tester.set("AlignedDataCtrlr.Interval", 1)
    told = {evse: rounds(csms, evse) for evse in [*tester.evses, *([0] if main_meter else [])]}
    for evse, values in told.items():
        a_second_apart(values)
        for value in values:
            on_the_clock(value)
            wanted = measurands if evse else [name for name in measurands if not name.endswith("Offered")]
            complete(value, wanted, "Sample.Clock")
    assert len({tuple(moment(value) for value in values) for values in told.values()}) == 1


def phases(value: Value, measurand: str) -> list[str | None]:
    return [s.get("phase") for s in value["sampledValue"] if s["measurand"] == measurand]


@stations
def test_tc_j_02_cs(tester: Tester, csms: Csms, measurands: Sequence[str]) -> None:
    """Clock-aligned Meter Values - Transaction ongoing"""
    tester.set("AlignedDataCtrlr.Measurands", measurands)
    tester.charging()
    tester.set("AlignedDataCtrlr.Interval", 1)
    told = [tester.event("Updated", "MeterValueClock") for _ in range(3)]
    values = [value for message in told for value in message["meterValue"]]
    a_second_apart(values)
    for value in values:
        on_the_clock(value)
        complete(value, measurands, "Sample.Clock")
        if measurands is AC:
            assert phases(value, "Current.Import") == ["L1", "L2", "L3"]
            assert phases(value, "Voltage") == ["L1-N", "L2-N", "L3-N"]
            assert phases(value, "Power.Active.Import") == [None, "L1", "L2", "L3"]
            assert phases(value, ENERGY) == [None]
    assert not csms.calls("MeterValues", {"evseId": 1})
    assert len(rounds(csms, 2)) == 3


def end(tester: Tester, transaction: str) -> list[Value]:
    """The driver ends it; the meter values of the Ended event."""
    tester.present()
    return list(tester.ended(transaction)["meterValue"])


def charging_for(tester: Tester, csms: Csms, context: str, count: int) -> str:
    """Energy flows for so many whole seconds: as many samples of this context are due."""
    transaction = tester.charging()
    for _ in range(count):
        csms.wait("TransactionEvent", triggerReason=context)
    return transaction


def test_tc_j_03_cs(tester: Tester, csms: Csms) -> None:
    """Clock-aligned Meter Values - EventType Ended"""
    tester.set("AlignedDataCtrlr.TxEndedInterval", 1)
    tester.set("AlignedDataCtrlr.TxEndedMeasurands", DC)
    tester.set("SampledDataCtrlr.TxEndedMeasurands", "")
    tester.set("AlignedDataCtrlr.Interval", 1)  # tells when three are due
    values = end(tester, charging_for(tester, csms, "MeterValueClock", 3))
    assert len(values) >= 3
    a_second_apart(values)
    for value in values:
        on_the_clock(value)
        complete(value, DC, "Sample.Clock")


@pytest.mark.parametrize("start", ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"])
def test_tc_j_07_cs(tester: Tester, start: str) -> None:
    """Sampled Meter Values - EventType Started - EVSE known"""
    tester.set("TxCtrlr.TxStartPoint", start)
    tester.set("SampledDataCtrlr.TxStartedMeasurands", DC)
    transaction = tester.charging()
    first, *others = tester.events(transaction)
    assert first["eventType"] == "Started"
    assert first["evse"]["id"] == 1
    (value,) = first["meterValue"]
    complete(value, DC, "Transaction.Begin")
    assert not [other for other in others if "meterValue" in other.payload]


def test_tc_j_08_cs(tester: Tester) -> None:
    """Sampled Meter Values - Context Transaction.Begin - EVSE not known"""
    tester.set("TxCtrlr.TxStartPoint", "Authorized")
    tester.set("SampledDataCtrlr.TxStartedMeasurands", DC)
    tester.authorized()
    started = tester.event("Started", "Authorized")
    assert "evse" not in started.payload
    assert "meterValue" not in started.payload
    tester.ev_connected(3)
    transaction = tester.energy_flows(3)
    first = next(message for message in tester.events(transaction) if "evse" in message.payload)
    (value,) = first["meterValue"]
    complete(value, DC, "Transaction.Begin")


@stations
def test_tc_j_09_cs(tester: Tester, measurands: Sequence[str]) -> None:
    """Sampled Meter Values - EventType Updated"""
    tester.set("SampledDataCtrlr.TxUpdatedMeasurands", measurands)
    tester.set("SampledDataCtrlr.TxUpdatedInterval", 1)
    tester.charging()
    told = [tester.event("Updated", "MeterValuePeriodic") for _ in range(3)]
    values = [value for message in told for value in message["meterValue"]]
    a_second_apart(values)
    for value in values:
        complete(value, measurands, "Sample.Periodic")
    energies = [energy(value) for value in values]
    assert energies == sorted(set(energies)), "the register grows while energy flows"


def energy(value: Value) -> float:
    return next(float(s["value"]) for s in value["sampledValue"] if s["measurand"] == ENERGY)


def test_tc_j_10_cs(tester: Tester, csms: Csms) -> None:
    """Sampled Meter Values - EventType Ended"""
    tester.set("SampledDataCtrlr.TxEndedInterval", 1)
    tester.set("SampledDataCtrlr.TxEndedMeasurands", DC)
    tester.set("AlignedDataCtrlr.TxEndedMeasurands", "")
    tester.set("SampledDataCtrlr.TxUpdatedInterval", 1)  # tells when two are due
    *samples, last = end(tester, charging_for(tester, csms, "MeterValuePeriodic", 2))
    complete(last, DC, "Transaction.End")
    assert len(samples) >= 2
    a_second_apart(samples)
    for value in samples:
        complete(value, DC, "Sample.Periodic")


KEY_POLICY = "OCPPCommCtrlr.PublicKeyWithSignedMeterValue"
METERED = (ENERGY, "Power.Active.Import", "Current.Import", "Voltage")
policies = pytest.mark.parametrize("policy", ["Never", "OncePerTransaction", "EveryMeterValue"])


def signed(tester: Tester, values: list[Value], policy: str) -> None:
    """Each sampledValue has a record that the key of the meter verifies, and the key where it is to be."""
    key = tester.get("FiscalMetering#1.PublicKey")
    for value in values:
        for sample in value["sampledValue"]:
            payload = verified(sample["signedMeterValue"], key)
            if sample["measurand"] == ENERGY:
                assert energy_wh(payload) == sample["value"]
    keys = [{b64decode(s["signedMeterValue"]["publicKey"]).decode() for s in v["sampledValue"]} for v in values]
    once = [{key}] + [{""}] * (len(values) - 1)
    assert keys == {"Never": [{""}] * len(values), "OncePerTransaction": once}.get(policy, [{key}] * len(values))


@pytest.mark.under_test(signing(dc_station), variables={"SampledDataCtrlr.TxStartedMeasurands": ""})
@policies
def test_tc_j_04_cs(tester: Tester, csms: Csms, policy: str) -> None:
    """Clock-aligned Meter Values - Signed"""
    tester.set(KEY_POLICY, policy)
    tester.set("AlignedDataCtrlr.SignReadings", True)
    tester.set("AlignedDataCtrlr.TxEndedInterval", 1)
    tester.set("AlignedDataCtrlr.TxEndedMeasurands", METERED)
    tester.set("SampledDataCtrlr.TxEndedMeasurands", "")
    tester.set("SampledDataCtrlr.TxUpdatedInterval", 1)  # tells that two seconds have passed
    values = end(tester, charging_for(tester, csms, "MeterValuePeriodic", 2))
    assert len(values) >= 2
    a_second_apart(values)
    for value in values:
        complete(value, METERED, "Sample.Clock")
    signed(tester, values, policy)


@pytest.mark.under_test(signing(dc_station), variables={"SampledDataCtrlr.TxStartedMeasurands": ""})
@policies
def test_tc_j_11_cs(tester: Tester, csms: Csms, policy: str) -> None:
    """Sampled Meter Values - Signed"""
    tester.set(KEY_POLICY, policy)
    tester.set("SampledDataCtrlr.SignReadings", True)
    tester.set("SampledDataCtrlr.TxEndedInterval", 1)
    tester.set("SampledDataCtrlr.TxEndedMeasurands", METERED)
    tester.set("AlignedDataCtrlr.TxEndedMeasurands", "")
    tester.set("AlignedDataCtrlr.Interval", 1)  # tells that two seconds have passed
    values = end(tester, charging_for(tester, csms, "MeterValueClock", 3))
    *samples, last = values
    assert len(samples) >= 2
    a_second_apart(samples)
    complete(last, METERED, "Transaction.End")
    for value in samples:
        complete(value, METERED, "Sample.Periodic")
    signed(tester, values, policy)


def told_by_the_clock(csms: Csms) -> list[Message]:
    idle = csms.calls("MeterValues")
    return idle + [m for m in csms.calls("TransactionEvent") if m["triggerReason"] == "MeterValueClock"]


def test_tc_j_06_cs(tester: Tester, csms: Csms) -> None:
    """Clock-aligned Meter Values - No Meter Values during transaction"""
    tester.set("AlignedDataCtrlr.SendDuringIdle", True)
    tester.set("AlignedDataCtrlr.Interval", 1)
    rounds(csms, 1, 2)
    transaction = tester.charging()
    before = len(told_by_the_clock(csms))
    tester.set("SampledDataCtrlr.TxUpdatedInterval", 1)
    for _ in range(2):  # two seconds pass
        tester.event("Updated", "MeterValuePeriodic")
    assert len(told_by_the_clock(csms)) == before
    tester.present()
    tester.ended(transaction)
    csms.forget()
    rounds(csms, 2, 2)
