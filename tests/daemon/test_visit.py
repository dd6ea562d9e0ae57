"""Visits at the real process, over a real websocket: told once, run in each dialect."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.csms import Csms, Message
from tests.daemon.process import Station
from tests.daemon.visit import (
    OTHER,
    TOKEN,
    Desk,
    begin,
    brisk,
    charging,
    delivered,
    finish,
    leave,
    register_wh,
    session,
    true_to,
    until,
    world,
)

pytestmark = pytest.mark.process

SAMPLE_INTERVAL = ("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval")
PRE_AUTHORIZE = ("LocalPreAuthorize", "AuthCtrlr.LocalPreAuthorize")


def is_periodic(message: Message) -> bool:
    """Energy that flowed since the start, told because its time had come."""
    return any(
        sample.get("context", "Sample.Periodic") == "Sample.Periodic" and float(sample["value"]) > 0
        for value in message.get("meterValue", [])
        for sample in value["sampledValue"]
    )


def test_plug_tap_charge_tap_unplug(station: Station, csms: Csms, dialect: str) -> None:
    csms.wait("BootNotification")
    before = register_wh(station)
    transaction = begin(station, csms)
    assert world(station)["locked"]
    assert [csms.wait_event("Updated", is_periodic) for _ in range(2)]

    finish(station, csms)
    delivered(station)

    assert csms.books.only() is transaction
    assert (transaction.kinds[0], transaction.kinds[-1]) == ("Started", "Ended")
    assert (transaction.token, transaction.evse, transaction.reason) == (TOKEN, 1, "Local")
    assert transaction.duplicates == 0
    assert all(one.energy_wh <= other.energy_wh for one, other in pairwise(transaction.samples))
    assert register_wh(station) > before
    assert true_to(register_wh(station) - before, transaction.energy_wh, dialect)
    assert len(csms.calls("Authorize")) == 1
    assert (world(station)["contactor"], world(station)["locked"], session(station)) == ("open", False, {})


def test_tap_first_then_plug_in(csms: Csms, dialect: str) -> None:
    with Station(brisk(csms.url, dialect)) as station:
        csms.wait_status("Available")
        station.ctl("sim.swipe", token=TOKEN)
        csms.wait("Authorize")
        station.ctl("sim.plug_in", evse=1)
        csms.wait_event("Started")
        charging(station)
        finish(station, csms)
        assert csms.books.only().token == TOKEN


def test_a_card_that_the_csms_does_not_know_charges_nothing(station: Station, csms: Csms) -> None:
    csms.tokens[TOKEN] = "Invalid"
    csms.wait_status("Available", evse=2)
    station.ctl("sim.plug_in", evse=1)
    csms.wait_status("Occupied")
    with station.watch() as events:
        station.ctl("sim.swipe", token=TOKEN)
        while "refused" not in events.wait(kind="token")["text"]:
            pass
    assert (world(station)["offer_a"], world(station)["contactor"]) == (0, "open")
    assert csms.books.transactions == {}


def test_the_car_is_unplugged_while_it_charges(station: Station, csms: Csms, dialect: str) -> None:
    before = register_wh(station)
    transaction = begin(station, csms)
    station.ctl("sim.plug_out", evse=1, force=True)
    csms.wait_event("Ended")
    csms.wait_status("Available")
    assert transaction.reason == "EVDisconnected"
    assert true_to(register_wh(station) - before, transaction.energy_wh, dialect)


def test_the_car_pauses_and_goes_on(station: Station, csms: Csms, dialect: str) -> None:
    def told(state: str) -> None:
        if dialect == "1.6":
            csms.wait("StatusNotification", status=state, connectorId=1)
        else:
            csms.wait_event("Updated", transactionInfo={"chargingState": state})

    begin(station, csms)
    told("Charging")
    station.ctl("sim.pause", evse=1)
    told("SuspendedEV")
    station.ctl("sim.resume", evse=1)
    told("Charging")
    finish(station, csms)


def test_start_and_stop_from_afar(station: Station, csms: Csms, desk: Desk) -> None:
    csms.wait_status("Available", evse=2)
    station.ctl("sim.plug_in", evse=2)
    csms.wait_status("Occupied", evse=2)
    assert desk.start(evse=2) == "Accepted"
    transaction = csms.books.of(csms.wait_event("Started"))
    charging(station, 2)
    assert desk.start(evse=2, token=OTHER) == "Rejected"
    assert desk.stop(transaction) == "Accepted"
    csms.wait_event("Ended")
    leave(station, 2)
    csms.wait_status("Available", evse=2)
    assert (transaction.evse, transaction.token, transaction.reason) == (2, TOKEN, "Remote")
    assert desk.stop(transaction) == "Rejected"


def test_unlock_from_afar(station: Station, csms: Csms, desk: Desk, dialect: str) -> None:
    transaction = begin(station, csms)
    if dialect == "1.6":  # §5.18: it ends the transaction first
        assert desk.unlock() == "Unlocked"
        csms.wait_event("Ended")
        assert transaction.reason == "UnlockCommand"
    else:  # F05.FR.02
        assert desk.unlock() == "OngoingAuthorizedTransaction"
        assert world(station)["locked"]
        station.ctl("sim.swipe", token=TOKEN)
        csms.wait_event("Ended")
        assert desk.unlock() == "Unlocked"
    assert not world(station)["locked"]
    station.ctl("sim.plug_out", evse=1)
    csms.wait_status("Available")


def test_a_bolt_that_does_not_move_is_told(station: Station, csms: Csms, desk: Desk, dialect: str) -> None:
    begin(station, csms)
    station.ctl("sim.raise_error", evse=1, error="lock_failure")
    station.ctl("sim.swipe", token=TOKEN)
    csms.wait_event("Ended")
    until(lambda: "ConnectorLockFailure" in "".join(station.ctl("status")["evses"][0]["faults"]), "fault")
    if dialect == "1.6":
        csms.wait("StatusNotification", connectorId=1, errorCode="ConnectorLockFailure")
    assert desk.unlock() == "UnlockFailed"
    station.ctl("sim.clear_error", evse=1)
    assert desk.unlock() == "Unlocked"
    assert station.ctl("status")["evses"][0]["faults"] == []
    leave(station)
    csms.wait_status("Available")


@pytest.mark.parametrize("how", [Station.terminate, Station.kill])
def test_out_of_service_outlives_the_process(
    station: Station, csms: Csms, desk: Desk, how: Callable[[Station], object]
) -> None:
    csms.wait_status("Available", evse=2)
    assert desk.operate(False, evse=1) == "Accepted"
    csms.wait_status("Unavailable", evse=1)
    station.restart(how)
    csms.wait_status("Unavailable", evse=1)
    csms.wait_status("Available", evse=2)
    station.ctl("sim.plug_in", evse=1)
    assert desk.start(evse=1) == "Rejected"
    assert desk.operate(True, evse=1) == "Accepted"
    csms.wait_status("Occupied", evse=1)
    station.restart(how)
    csms.wait_status("Occupied", evse=1)


def test_out_of_service_waits_for_the_end_of_a_transaction(station: Station, csms: Csms, desk: Desk) -> None:
    begin(station, csms)
    assert desk.operate(False) == "Scheduled"
    station.restart(Station.kill)
    csms.wait("BootNotification")
    charging(station)
    station.ctl("sim.swipe", token=TOKEN)
    csms.wait_event("Ended")
    csms.wait_status("Unavailable")


def test_a_key_of_16_is_a_variable_of_201_and_outlives_the_process(station: Station, csms: Csms, desk: Desk) -> None:
    csms.wait_status("Available", evse=2)
    assert desk.get(*SAMPLE_INTERVAL) == "1"  # as the file says
    assert desk.set(*SAMPLE_INTERVAL, "7") == "Accepted"
    assert station.ctl("set", variable=PRE_AUTHORIZE[1], value="true")["status"] == "Accepted"
    station.restart(Station.kill)
    csms.wait_status("Available", evse=2)
    assert desk.get(*SAMPLE_INTERVAL) == "7"
    assert desk.get(*PRE_AUTHORIZE) == "true"
    [shown] = station.ctl("get", variable=SAMPLE_INTERVAL[1])["variables"]
    assert (shown["value"], shown["unit"]) == ("7", "s")


def test_a_known_card_charges_while_the_csms_is_away(station: Station, csms: Csms, dialect: str) -> None:
    begin(station, csms)
    finish(station, csms)
    csms.offline()
    station.restart(Station.kill)
    before = register_wh(station)
    station.ctl("sim.plug_in", evse=1)
    with station.watch() as events:
        station.ctl("sim.swipe", token=OTHER)
        while "refused" not in events.wait(kind="token")["text"]:
            pass
        station.ctl("sim.swipe", token=TOKEN)
        charging(station)
        events.wait(kind="record", text="updated: MeterValuePeriodic, Charging")
    csms.online()
    transaction = csms.books.of(csms.wait_event("Started"))
    finish(station, csms)
    delivered(station)
    started = transaction.started
    assert started
    assert (transaction.token, transaction.duplicates) == (TOKEN, 0)
    assert dialect == "1.6" or started.message["offline"]
    assert true_to(register_wh(station) - before, transaction.energy_wh, dialect)


def test_what_happened_while_the_csms_was_away_comes_in_order_and_once(
    station: Station, csms: Csms, dialect: str
) -> None:
    before = register_wh(station)
    transaction = begin(station, csms)
    csms.offline()
    with station.watch() as events:
        for _ in range(3):
            events.wait(kind="record", text="updated: MeterValuePeriodic, Charging")
        station.ctl("sim.swipe", token=TOKEN)
        events.wait(kind="transaction", text="ended: Local")
    leave(station)
    assert station.ctl("outbox")["queued"] >= 4
    csms.online()
    csms.wait_event("Ended")
    delivered(station)
    assert csms.books.only() is transaction
    assert transaction.duplicates <= 1  # what was under way when the link went
    assert transaction.kinds.count("Updated") >= 3
    assert true_to(register_wh(station) - before, transaction.energy_wh, dialect)
    booted = csms.calls("BootNotification")
    assert len(booted) == 1  # a reconnect is no boot


def test_a_report_whose_answer_was_lost_is_told_again_under_the_same_id(station: Station, csms: Csms) -> None:
    begin(station, csms)
    action = "StopTransaction" if csms.versions == ("1.6",) else "TransactionEvent"
    with csms.holding(action):
        station.ctl("sim.swipe", token=TOKEN)
        held = csms.wait(action, lambda m: m.version == "1.6" or m["eventType"] == "Ended")
        csms.drop()
    again = csms.wait(action, lambda m: m.id == held.id)
    delivered(station)
    assert again.duplicate
    assert again.payload == held.payload
    assert csms.books.only().duplicates <= 1


@pytest.mark.parametrize("first, second", [("1.6", "2.0.1"), ("2.0.1", "1.6")])
def test_a_station_changes_its_dialect_with_a_full_queue(first: str, second: str) -> None:
    with Csms(versions=(first,)) as old, Csms(versions=(second,)) as new, Station(brisk(old.url, first)) as station:
        old.wait_status("Available")
        Desk(old).set(*SAMPLE_INTERVAL, "2")
        begin_on = register_wh(station)
        # a card that is known, from an earlier visit
        station.ctl("sim.plug_in", evse=1)
        station.ctl("sim.swipe", token=TOKEN)
        old.wait_event("Started")
        charging(station)
        finish(station, old)
        delivered(station)
        between = register_wh(station)
        old.offline()
        with station.watch() as events:
            station.ctl("sim.plug_in", evse=1)
            station.ctl("sim.swipe", token=TOKEN)
            events.wait(kind="record", text="updated: MeterValuePeriodic, Charging")
            station.ctl("sim.swipe", token=TOKEN)
            events.wait(kind="transaction", text="ended: Local")
        leave(station)
        station.config["csms"] |= {"url": new.url, "versions": [second]}
        station.restart()
        new.wait_event("Ended")
        delivered(station)
        assert true_to(between - begin_on, old.books.only().energy_wh, first)
        assert true_to(register_wh(station) - between, new.books.only().energy_wh, second)
        assert (new.books.only().token, new.books.only().reason) == (TOKEN, "Local")
        assert Desk(new).get(*SAMPLE_INTERVAL) == "2"


def test_whole_transactions_at_once(csms: Csms, dialect: str) -> None:
    """The way a bench is loaded."""
    with Station(brisk(csms.url, dialect)) as station:
        csms.wait_status("Available")
        assert station.ctl("sim.transactions", count=5, timeout=60) == {"made": 5}
        delivered(station)
        until(lambda: len(csms.books.transactions) == 5 and not csms.books.open, "five transactions")
