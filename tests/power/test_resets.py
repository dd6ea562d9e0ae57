"""P2 on the real process: after a reset that only interrupts (2.1 B13), transactions go on with books of one piece."""

import time
from typing import Any

import pytest

from tests.csms import Csms, Transaction
from tests.csms.books import samples
from tests.daemon.config import Config, dc_evse
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
)  # fmt: skip
from tests.power.run import DC_CARS

pytestmark = pytest.mark.process

TIMEOUT = "TxCtrlr.ResumptionTimeout"
ENERGY = "TxCtrlr.AllowEnergyTransferResumption"
BEGIN = "Interruption.Begin"


def config(csms: Csms, dialect: str, supply: str = "AC", **variables: Any) -> Config:
    made = brisk(csms.url, dialect, evses=2, **{f"TxCtrlr.{name}": value for name, value in variables.items()})
    if supply == "DC":
        made["drivers"]["sim"] |= DC_CARS
        made["evse"] = [dc_evse(1), dc_evse(2)]
    return made


def reset(station: Station, **place: int) -> str:
    """Its answer, as a technician gets it; of the station, when that has begun anew."""
    status = str(station.ctl("reset", mode="resume", **place)["status"])
    if status == "Accepted" and not place:
        station.wait_notify("READY", "1", skip=1)
    return status


def interruptions(transaction: Transaction) -> list[float]:
    """The registers (Wh) with which it was told."""
    told = [sample for report in transaction.in_order for sample in samples(report)]
    return [sample.energy_wh for sample in told if sample.context == BEGIN]


def in_one_piece(station: Station, csms: Csms, dialect: str, transaction: Transaction, flowed_wh: float) -> None:
    """One start, one end, no gap, no double, and energy true to the meter."""
    delivered(station)
    assert csms.books.only() is transaction
    assert csms.books.check() == []
    assert (transaction.kinds.count("Started"), transaction.kinds.count("Ended")) == (1, 1)
    assert true_to(flowed_wh, transaction.energy_wh, dialect)


@pytest.mark.parametrize("supply", ["AC", "DC"])
@pytest.mark.parametrize("place", [{}, {"evse": 1}], ids=["station", "EVSE"])
def test_it_goes_on_as_if_nothing_had_been(csms: Csms, dialect: str, supply: str, place: dict[str, int]) -> None:
    with Station(config(csms, dialect, supply)) as station:
        before, pid = register_wh(station), station.pid
        transaction = begin(station, csms)
        assert reset(station, **place) == "Accepted"
        until(lambda: interruptions(transaction), "word of the interruption")
        charging(station)
        assert world(station)["locked"] is (supply == "AC")
        [at_rest] = interruptions(transaction)
        assert finish(station, csms) is transaction
        in_one_piece(station, csms, dialect, transaction, register_wh(station) - before)
        assert before <= at_rest <= register_wh(station)
        assert station.pid == pid
        assert len(csms.calls("BootNotification")) == (1 if place else 2)
        if dialect == "2.0.1":
            triggers = [report.message["triggerReason"] for report in transaction.in_order]
            assert triggers.count("ResetCommand") == 1
            reasons = [m["reason"] for m in csms.calls("BootNotification")]
            assert reasons == ["PowerUp"] + ([] if place else ["RemoteReset"])


def test_the_other_evse_is_none_of_its_business(csms: Csms, dialect: str) -> None:
    with Station(config(csms, dialect)) as station:
        transaction, other = begin(station, csms), begin(station, csms, evse=2, token=OTHER)
        assert reset(station, evse=1) == "Accepted"
        until(lambda: interruptions(transaction), "word of the interruption")
        charging(station)
        assert world(station, 2)["power_w"] > 0
        assert interruptions(other) == []
        if dialect == "2.0.1":
            states = {report.message["transactionInfo"].get("chargingState") for report in other.in_order}
            assert "SuspendedEVSE" not in states
        finish(station, csms)
        finish(station, csms, evse=2, token=OTHER)
        assert csms.books.check() == []


def test_who_pulls_the_plug_that_was_let_go_has_left(csms: Csms, dialect: str) -> None:
    with Station(config(csms, dialect)) as station:
        before = register_wh(station)
        transaction = begin(station, csms)
        with csms.holding("MeterValues" if dialect == "1.6" else "TransactionEvent"):  # so it waits for the answer
            assert station.ctl("reset", mode="resume")["status"] == "Accepted"
            until(lambda: not world(station)["locked"], "unlocked plug")
            assert world(station)["power_w"] == 0
            station.ctl("sim.plug_out", evse=1)
        csms.wait_event("Ended")
        assert transaction.reason == "EVDisconnected"
        station.wait_notify("READY", "1", skip=1)
        in_one_piece(station, csms, dialect, transaction, register_wh(station) - before)
        until(lambda: "transaction_id" not in session(station), "end")


def test_energy_that_may_not_come_back_does_not_and_the_card_ends_it(csms: Csms, dialect: str, desk: Desk) -> None:
    with Station(config(csms, dialect, AllowEnergyTransferResumption="false")) as station:
        before = register_wh(station)
        transaction = begin(station, csms)
        assert reset(station) == "Accepted"
        until(lambda: session(station).get("charging_state") == "SuspendedEVSE", "suspension")
        until(lambda: world(station)["locked"], "locked plug")
        delivered(station)
        assert (world(station)["offer_a"], world(station)["power_w"]) == (0, 0)
        assert register_wh(station) == pytest.approx(interruptions(transaction)[0], abs=0.11)
        station.ctl("sim.swipe", token=TOKEN)
        csms.wait_event("Ended")
        assert transaction.reason == "Local"
        leave(station)
        in_one_piece(station, csms, dialect, transaction, register_wh(station) - before)


def test_where_nothing_would_go_on_it_is_refused_and_nothing_happens(csms: Csms, dialect: str) -> None:
    with Station(config(csms, dialect, ResumptionTimeout=0)) as station:
        transaction = begin(station, csms)
        for place in ({}, {"evse": 1}):
            assert reset(station, **place) == "Rejected"
        charging(station)
        assert finish(station, csms) is transaction
        assert interruptions(transaction) == []


def test_a_power_cut_in_the_middle_of_it_is_none_that_took_too_long(csms: Csms, dialect: str) -> None:
    """ResumptionTimeout is for interruptions that nobody asked for (B13.FR.23)."""
    with Station(config(csms, dialect, ResumptionTimeout=1)) as station:
        before = register_wh(station)
        transaction = begin(station, csms)
        with csms.holding("MeterValues" if dialect == "1.6" else "TransactionEvent"):
            assert station.ctl("reset", mode="resume")["status"] == "Accepted"
            until(lambda: not world(station)["locked"], "unlocked plug")
            station.kill()
        told_at = transaction.in_order[-1].at.timestamp()
        until(lambda: time.time() > told_at + 1.5, "time that is too long")
        station.start()
        station.wait_ready()
        charging(station)
        assert finish(station, csms) is transaction
        in_one_piece(station, csms, dialect, transaction, register_wh(station) - before)
