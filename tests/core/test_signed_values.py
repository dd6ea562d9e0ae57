"""What the meter vouches for (E01.FR.04, J01.FR.21, J02.FR.21)."""

import pytest

from chargepointd.core import messages as m
from chargepointd.core.values import MeterValue
from tests.core.world import PLAN, World, record_of

SIGNING = PLAN._replace(evses=tuple(evse._replace(signs=True) for evse in PLAN.evses))
SAMPLED = {"SampledDataCtrlr.SignReadings": "true"}
ALIGNED = {"AlignedDataCtrlr.SignReadings": "true", "AlignedDataCtrlr.Interval": "60"}
KEY = "OCPPCommCtrlr.PublicKeyWithSignedMeterValue"
DATA_SIGNED = SAMPLED | {"TxCtrlr.TxStartPoint": "DataSigned"}


def visited(version: str, variables: dict[str, str]) -> World:
    w = World(version, variables, plan=SIGNING).online().plug().present("CARD1", 1).after(130)
    return w.present("CARD1", 1).after(10)


def values(w: World) -> list[MeterValue]:
    return [value for record in w.records for value in record.values]


def test_every_value_of_a_transaction_is_signed_from_its_beginning_to_its_end(version: str) -> None:
    told = values(visited(version, SAMPLED))
    assert [v.context for v in told][:4] == (
        ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic", "Transaction.Begin"]
        if version == "1.6"
        else ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic", "Transaction.End"]
    )
    assert all(v.signed and v.signed.data == record_of(v.samples[0].value) for v in told)


def test_nothing_is_signed_that_is_not_to_be(version: str) -> None:
    assert not any(v.signed for v in values(visited(version, {})))


def test_each_controller_decides_for_its_own_values() -> None:
    told = values(visited("2.0.1", ALIGNED))
    assert {(v.context, bool(v.signed)) for v in told} == {
        ("Transaction.Begin", False),
        ("Sample.Periodic", False),
        ("Sample.Clock", True),
        ("Transaction.End", False),
    }


def test_values_of_an_idle_evse_are_signed_too() -> None:
    w = World("2.0.1", ALIGNED, plan=SIGNING).online().after(130)
    read = w.told(m.MetersRead)
    assert read
    assert all(value.signed for each in read for value in each.values)


@pytest.mark.parametrize(
    ("policy", "told"), [("Never", set()), ("OncePerTransaction", {0}), ("EveryMeterValue", {0, 1, 2, 3})]
)
def test_the_public_key_goes_along_as_set(policy: str, told: set[int]) -> None:
    signed = [v.signed for v in values(visited("2.0.1", SAMPLED | {KEY: policy}))]
    assert len(signed) == 4
    assert {n for n, each in enumerate(signed) if each and each.public_key} == told


def test_the_key_is_told_once_over_a_power_cut() -> None:
    w = World("2.0.1", SAMPLED | {KEY: "OncePerTransaction"}, plan=SIGNING).online().plug().present("CARD1", 1)
    w.after(70).cut()
    w.online().after(130).present("CARD1", 1).after(10)
    assert sum(bool(v.signed and v.signed.public_key) for v in values(w)) == 1


def test_a_meter_that_does_not_sign_is_told_as_it_is_and_ends_no_later_than_a_silent_one(version: str) -> None:
    w = World(version, SAMPLED, plan=SIGNING).online()
    w.silent.add(1)
    w.plug().present("CARD1", 1).after(130).present("CARD1", 1).after(9)
    assert w.records[-1].kind == "Ended"
    told = values(w)
    assert len(told) >= 4
    assert not any(v.signed for v in told if v.context == "Sample.Periodic" and v.at > w.records[1].stamp.at)


def test_what_is_signed_and_what_is_not_is_told_from_one_reading() -> None:
    """The machine stands still in the first second: two samples are due at once, and the signature is of the start."""
    every_second = {"AlignedDataCtrlr.Interval": "1", "SampledDataCtrlr.TxEndedInterval": "1"}
    w = World("2.0.1", SAMPLED | every_second, plan=SIGNING).online().plug().present("CARD1", 1).after(0.1)
    w.read(1, signed=True)
    w.stand_still(1.5)
    w.after(3).present("CARD1", 1).after(10)
    told = sorted(values(w), key=lambda value: value.at)
    assert {bool(v.signed) for v in told} == {True, False}
    registers = [v.samples[0].value for v in told]
    assert registers == sorted(registers)


def test_a_transaction_begins_with_the_meters_signature() -> None:
    w = World("2.0.1", DATA_SIGNED, plan=SIGNING).online().present("CARD1", 1)
    assert w.records == []
    w.plug().after(5)
    assert w.story() == ["Started SignedDataReceived EVConnected", "Updated ChargingStateChanged Charging"]
    (begin,) = w.records[0].values
    assert begin.context == "Transaction.Begin"
    assert begin.signed
    assert begin.signed.public_key
    assert w.records[0].token


def test_after_a_remote_start_the_first_record_says_so() -> None:
    w = World("2.0.1", DATA_SIGNED, plan=SIGNING).online().plug()
    w.ask_start(1)
    w.after(5)
    assert w.story()[0] == "Started RemoteStart EVConnected"


def test_without_its_signature_nothing_flows() -> None:
    w = World("2.0.1", DATA_SIGNED, plan=SIGNING)
    w.silent.add(1)
    w.online().plug().present("CARD1", 1).after(40)
    assert w.records == []
    assert not w.on[1]
    w.silent.clear()
    w.after(40)
    assert w.story()[0] == "Started SignedDataReceived EVConnected"
    assert w.on[1]


def test_the_public_key_of_a_meter_can_be_asked_for() -> None:
    w = World("2.0.1", plan=SIGNING).online()
    assert w.variables.text("FiscalMetering#1.PublicKey") == "oca:base16:asn1:key"


def test_a_station_whose_meters_do_not_sign_has_nothing_to_set() -> None:
    w = World("2.0.1").online()
    names = [str(variable.ref) for variable in w.variables.variables]
    assert not [name for name in names for word in ("SignReadings", "PublicKey", "SignedMeter") if word in name]
