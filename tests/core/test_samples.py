"""What the meter says, when, and that nothing is invented when it is silent (J01, J02; 1.6 §3.16)."""

from itertools import pairwise

import pytest

from chargepointd.core import commands as c
from chargepointd.core import messages as m
from chargepointd.core.metering import thinned
from chargepointd.core.plan import ConnectorPlan, EvsePlan
from chargepointd.core.values import MeterValue
from chargepointd.core.variables.catalogue import parse_name
from chargepointd.dialects.v16.keys import Keys
from tests.core.world import PLAN, World

ENERGY = "Energy.Active.Import.Register"
ENDED = {
    "SampledDataCtrlr.TxUpdatedInterval": "0",
    "SampledDataCtrlr.TxEndedInterval": "60",
    "SampledDataCtrlr.TxEndedMeasurands": ENERGY,
}


def charging(version: str, variables: dict[str, str] | None = None) -> World:
    return World(version, variables).online().plug().present("CARD1", 1)


def with_context(w: World, context: str) -> list[MeterValue]:
    return [value for record in w.records for value in record.values if value.context == context]


def gaps(values: list[MeterValue]) -> list[int]:
    return [round(b.at - a.at) for a, b in pairwise(values)]


def test_the_first_record_has_the_values_of_the_beginning(version: str) -> None:
    w = charging(version)
    assert [value.context for value in w.records[0].values] == ["Transaction.Begin"]
    assert w.records[0].energy_wh == 10_000.0


def test_samples_come_in_their_interval_from_the_start(version: str) -> None:
    w = charging(version, {"SampledDataCtrlr.TxUpdatedInterval": "45"}).after(500)
    values = with_context(w, "Sample.Periodic")
    assert len(values) == 11
    assert set(gaps(values)) == {45}


def test_samples_keep_their_interval_over_a_power_cut(version: str) -> None:
    w = charging(version, {"SampledDataCtrlr.TxUpdatedInterval": "60"}).after(130)
    w.cut()
    w.after(200)
    assert set(gaps(with_context(w, "Sample.Periodic"))) == {60}


def test_an_interval_that_is_changed_counts_at_once(version: str) -> None:
    w = charging(version).after(70).set("SampledDataCtrlr.TxUpdatedInterval", "10").after(60)
    assert len(with_context(w, "Sample.Periodic")) == 7
    w.set("SampledDataCtrlr.TxUpdatedInterval", "0").after(100)
    assert len(with_context(w, "Sample.Periodic")) == 7


def test_samples_can_be_switched_off_and_what_is_billed_is_told_all_the_same() -> None:
    w = charging("2.0.1").after(70)
    told = len(with_context(w, "Sample.Periodic"))
    assert told
    w.set("SampledDataCtrlr.Enabled", "false").after(300)
    assert len(with_context(w, "Sample.Periodic")) == told
    w.set("SampledDataCtrlr.Enabled", "true").after(70)
    assert len(with_context(w, "Sample.Periodic")) > told
    w.set("SampledDataCtrlr.Enabled", "false").present("CARD1", 1).after(10)
    assert with_context(w, "Transaction.Begin")
    assert with_context(w, "Transaction.End")


def test_aligned_values_can_be_switched_off() -> None:
    w = charging("2.0.1", {"AlignedDataCtrlr.Interval": "60", "AlignedDataCtrlr.Enabled": "false"}).after(200)
    assert not with_context(w, "Sample.Clock")
    w.set("AlignedDataCtrlr.Enabled", "true").after(70)
    assert with_context(w, "Sample.Clock")


def test_aligned_samples_come_on_the_clock(version: str) -> None:
    names = {"AlignedDataCtrlr.Interval": "900", "SampledDataCtrlr.TxUpdatedInterval": "0"}
    w = charging(version, names).after(3700)
    values = with_context(w, "Sample.Clock")
    assert set(gaps(values)) == {900}
    assert len(values) == 4
    assert all(round(value.at) % 900 == 0 for value in values)
    assert {r.trigger for r in w.records if r.values and r.values[0].context == "Sample.Clock"} == {"MeterValueClock"}


def test_aligned_samples_of_an_idle_evse_are_told_outside_a_transaction(version: str) -> None:
    w = World(version, {"AlignedDataCtrlr.Interval": "600"}).online().after(1900)
    told = w.told(m.MetersRead)
    assert sorted({read.evse_id for read in told}) == [1, 2]
    assert set(gaps([read.values[0] for read in told if read.evse_id == 1])) == {600}


def test_the_end_has_all_that_was_collected_and_the_last_reading() -> None:
    w = charging("2.0.1", ENDED).after(200).present("CARD1", 1).after(10)
    values = w.records[-1].values
    assert [value.context for value in values] == ["Sample.Periodic"] * 3 + ["Transaction.End"]
    assert set(gaps(list(values[:3]))) == {60}
    assert [r.kind for r in w.records if r.trigger == "MeterValuePeriodic"] == []


def test_the_end_has_the_aligned_values_too() -> None:
    names = ENDED | {
        "SampledDataCtrlr.TxEndedMeasurands": "",
        "AlignedDataCtrlr.TxEndedInterval": "60",
        "AlignedDataCtrlr.TxEndedMeasurands": ENERGY,
    }
    values = charging("2.0.1", names).after(200).present("CARD1", 1).after(10).records[-1].values
    assert {value.context for value in values} == {"Sample.Clock"}
    assert all(round(value.at) % 60 == 0 for value in values)


def test_in_version_1_6_the_end_begins_with_the_beginning() -> None:
    names = {"SampledDataCtrlr.TxUpdatedInterval": "60", "SampledDataCtrlr.TxEndedMeasurands": ENERGY}
    values = charging("1.6", names).after(130).present("CARD1", 1).after(10).records[-1].values
    contexts = [value.context for value in values]
    assert contexts == ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic", "Transaction.End"]


def test_a_power_cut_loses_nothing_of_what_was_collected() -> None:
    w = charging("2.0.1", ENDED).after(130)
    w.cut()
    w.online().after(70).present("CARD1", 1).after(10)
    values = w.records[-1].values
    assert len(values) == 4
    assert set(gaps(list(values[:3]))) == {60}


def test_what_is_collected_is_bounded_and_keeps_its_ends() -> None:
    w = charging("2.0.1", ENDED).after(60 * 300).present("CARD1", 1).after(10)
    values = w.records[-1].values
    assert 60 <= len(values) <= 121
    assert values[0].at - w.records[0].stamp.at == pytest.approx(60, abs=3)


def test_thinning_drops_every_second_one_in_the_middle() -> None:
    values = tuple(MeterValue(float(n), "", ()) for n in range(10))
    assert [value.at for value in thinned(values, 6)] == [0, 2, 4, 6, 8, 9]
    assert thinned(values, 10) == values


def test_a_meter_that_is_silent_gives_no_samples(version: str) -> None:
    w = charging(version).after(70)
    w.meter_dead.add(1)
    count = len(with_context(w, "Sample.Periodic"))
    w.after(600)
    assert len(with_context(w, "Sample.Periodic")) == count
    w.meter_dead.clear()
    w.after(60)
    assert len(with_context(w, "Sample.Periodic")) > count


def test_a_meter_that_is_silent_at_the_end_delays_it_by_eight_seconds_and_invents_nothing(version: str) -> None:
    w = charging(version).after(100)
    w.meter_dead.add(1)
    last = w.station.evses[1].measured
    assert last is not None
    w.after(600).present("CARD1", 1).after(7)
    assert w.station.evses[1].transaction is not None
    w.after(1.5)
    ended = w.records[-1]
    assert ended.kind == "Ended"
    assert ended.energy_wh == last.energy_import_wh
    assert [round(value.at - w.station.context.clock.utc(last.taken_at)) for value in ended.values[-1:]] == [0]


def test_a_meter_that_was_never_heard_starts_nothing(version: str) -> None:
    w = World(version)
    w.meter_dead.add(1)
    w.cut()
    w.online().plug().present("CARD1", 1)
    assert not w.on[1]
    assert w.records == []
    w.meter_dead.clear()
    w.read(1)
    assert w.on[1]


def test_values_are_told_when_the_csms_asks(version: str) -> None:
    w = World(version).online()
    assert w.ask(c.TriggerMessage("MeterValues")).status == "Accepted"
    assert [(read.evse_id, read.values[0].context) for read in w.told(m.MetersRead)] == [(1, "Trigger"), (2, "Trigger")]


def test_the_transaction_is_told_when_the_csms_asks_even_with_a_silent_meter() -> None:
    w = charging("2.0.1").after(10)
    w.meter_dead.add(1)
    w.after(20)
    assert w.ask(c.TriggerMessage("TransactionEvent", 1)).status == "Accepted"
    w.after(3)
    assert (w.records[-1].trigger, w.records[-1].values, w.records[-1].charging_state) == ("Trigger", (), "Charging")
    w.meter_dead.clear()
    w.ask(c.TriggerMessage("TransactionEvent", 1))
    assert w.records[-1].values[0].context == "Trigger"


@pytest.mark.parametrize(
    ("version", "measurands", "part"),
    [("1.6", ["Power.Active.Import"], True), ("2.0.1", ["Energy.Active.Import.Register"], False)],
)
def test_what_is_asked_for_in_a_transaction_is_what_the_version_says(
    version: str, measurands: list[str], part: bool
) -> None:
    w = (
        World(version, {"SampledDataCtrlr.TxUpdatedMeasurands": "Power.Active.Import"})
        .online()
        .plug()
        .present("CARD1", 1)
    )
    w.after(5).received.clear()
    assert w.ask(c.TriggerMessage("MeterValues", 1)).status == "Accepted"
    (told,) = [message for _, message in w.received]
    assert isinstance(told, m.TransactionRecord) is part
    assert [sample.measurand for value in told.values for sample in value.samples] == measurands
    assert all(value.context == "Trigger" for value in told.values)


def test_what_no_meter_can_tell_is_refused(version: str) -> None:
    w = World(version).online()
    w.break_(1, "PowerMeterFailure")
    assert w.ask(c.TriggerMessage("MeterValues", 1)).status == "Rejected"
    assert w.ask(c.TriggerMessage("MeterValues")).status == "Accepted"
    assert [read.evse_id for read in w.told(m.MetersRead)] == [2]
    assert w.ask(c.TriggerMessage("MeterValues", itself=True)).status == "Rejected", "there is no main meter"


def test_no_measurands_are_none_to_tell(version: str) -> None:
    names = ("AlignedDataCtrlr.Measurands", "SampledDataCtrlr.TxUpdatedMeasurands")
    w = World(version, dict.fromkeys(names, "")).online()
    assert w.ask(c.TriggerMessage("MeterValues", 1)).status == "Rejected"


def test_the_connector_that_was_asked_for_is_named(version: str) -> None:
    two = (ConnectorPlan(1, fixed_cable=True), ConnectorPlan(2, fixed_cable=True))
    plan = PLAN._replace(evses=(PLAN.evses[0], EvsePlan(2, two)))
    w = World(version, plan=plan).online()
    w.ask(c.TriggerMessage("MeterValues", 2, 2))
    w.ask(c.TriggerMessage("MeterValues", 2))
    assert [(read.evse_id, read.connector_id) for read in w.told(m.MetersRead)] == [(2, 2), (2, 0)]
    w.plug(2).present("CARD1", 2).after(5).received.clear()
    w.ask(c.TriggerMessage("MeterValues", 2, 2))
    told = [message for _, message in w.received]
    assert [(type(message), message.connector_id) for message in told] == [(m.MetersRead, 2)], "not of the transaction"


def test_no_transaction_is_none_to_tell() -> None:
    assert World("2.0.1").online().ask(c.TriggerMessage("TransactionEvent", 1)).status == "Rejected"


def test_samples_of_one_moment_are_the_same_at_every_evse_and_exactly_apart(version: str) -> None:
    w = World(version, {"AlignedDataCtrlr.Interval": "600"}).online().after(1900)
    moments = {n: [read.values[0].at for read in w.told(m.MetersRead) if read.evse_id == n] for n in (1, 2)}
    assert moments[1] == moments[2]
    assert [at % 600 for at in moments[1]] == [0.0, 0.0, 0.0]


def test_nothing_is_told_on_the_clock_anywhere_while_somebody_charges(version: str) -> None:
    w = World(version, {"AlignedDataCtrlr.Interval": "600", "AlignedDataCtrlr.SendDuringIdle": "true"}).online()
    w.after(1300).plug().present("CARD1", 1).after(1300)
    assert len(w.told(m.MetersRead)) == 4
    assert with_context(w, "Sample.Clock") == []
    w.present("CARD1", 1).after(601)
    assert len(w.told(m.MetersRead)) == 6


def test_what_the_car_is_offered_is_told(version: str) -> None:
    w = World(version, {"SampledDataCtrlr.TxUpdatedMeasurands": "Current.Offered,Power.Offered"}).online()
    w.plug().present("CARD1", 1).after(61)
    samples = with_context(w, "Sample.Periodic")[0].samples
    assert [(s.measurand, s.value, s.unit) for s in samples] == [
        ("Current.Offered", 32.0, "A"),
        ("Power.Offered", 22_080.0, "W"),
    ]


def test_the_main_meter_is_told_as_evse_0(version: str) -> None:
    w = World(version, {"AlignedDataCtrlr.Interval": "600"}, plan=PLAN._replace(main_meter=True))
    w.register[0], w.on[0] = 90_000.0, False
    w.online().plug().present("CARD1", 1).after(1300)
    told = [read.values[0] for read in w.told(m.MetersRead) if read.evse_id == 0]
    assert [(value.at % 600, value.samples[0].value) for value in told] == [(0.0, 90_000.0), (0.0, 90_000.0)]
    w.received.clear()
    assert w.ask(c.TriggerMessage("MeterValues")).status == "Accepted"
    asked = [message for _, message in w.received]
    beside = version == "2.0.1"  # of the transaction that runs; else they are part of it
    assert sorted(message.evse_id for message in asked) == [0, 1, 2]
    assert [message.evse_id for message in asked if isinstance(message, m.MetersRead)] == [1, 2, 0][not beside :]
    w.received.clear()
    assert w.ask(c.TriggerMessage("MeterValues", itself=True)).status == "Accepted"
    assert [read.evse_id for read in w.told(m.MetersRead)] == [0]


def test_no_measurand_is_offered_that_no_meter_has() -> None:
    evses = tuple(evse._replace(measures=frozenset({"energy_import_wh", "current_a"})) for evse in PLAN.evses)
    w = World("2.0.1", plan=PLAN._replace(evses=evses)).online()
    name = parse_name("SampledDataCtrlr.TxUpdatedMeasurands")
    assert w.variables.members("SampledDataCtrlr.TxUpdatedMeasurands") == (ENERGY,)
    for value, status in (("Current.Import,Power.Offered", "Accepted"), ("Voltage", "Rejected"), ("SoC", "Rejected")):
        got = w.ask(c.SetVariables(((name, "Actual", value),)))
        assert got.items[0].status == status


def test_a_moment_that_the_meter_missed_is_not_made_up_for(version: str) -> None:
    w = charging(version, {"SampledDataCtrlr.TxUpdatedInterval": "1"}).after(5)
    w.meter_dead.add(1)
    w.after(1.5)
    w.meter_dead.clear()
    w.after(5)
    moments = [round(value.at, 3) for value in with_context(w, "Sample.Periodic")]
    assert len(set(moments)) == len(moments)
    readings = [value.samples[0].value for value in with_context(w, "Sample.Periodic")]
    assert len(set(readings)) == len(readings)


def test_the_end_in_1_6_has_no_more_values_than_the_station_says() -> None:
    """StopTransactionMaxMeterValues: what goes is in the middle, never the first or the last."""
    names = {"SampledDataCtrlr.TxUpdatedInterval": "1", "SampledDataCtrlr.TxEndedMeasurands": ENERGY}
    w = charging("1.6", names).after(400).present("CARD1", 1).after(10)
    most = int(Keys(w.variables, 2).value("StopTransactionMaxMeterValues"))
    values = w.records[-1].values
    assert most / 2 <= len(values) <= most
    assert (values[0].context, values[-1].context) == ("Transaction.Begin", "Transaction.End")
    moments = [value.at for value in values]
    assert moments == sorted(moments)
