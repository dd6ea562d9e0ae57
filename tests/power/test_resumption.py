"""P2 on the real process: what a power cut interrupts goes on, or ends, as configured."""

import time
from typing import Any

import pytest

from tests.csms import Csms
from tests.daemon.config import Config
from tests.daemon.process import Station
from tests.daemon.visit import Desk, begin, brisk, charging, delivered, finish, leave, session, true_to, until, world

pytestmark = pytest.mark.process

TIMEOUT = "TxCtrlr.ResumptionTimeout"
ENERGY = "TxCtrlr.AllowEnergyTransferResumption"


def config(csms: Csms, dialect: str, **variables: Any) -> Config:
    return brisk(csms.url, dialect, **{f"TxCtrlr.{name}": value for name, value in variables.items()})


def in_the_dark(station: Station, seconds: float = 0.0) -> None:
    station.kill()
    time.sleep(seconds)
    station.start()
    station.wait_ready()


def test_it_goes_on_within_the_timeout_and_says_so(csms: Csms, dialect: str) -> None:
    with Station(config(csms, dialect, ResumptionTimeout=600)) as station:
        transaction = begin(station, csms)
        in_the_dark(station)
        charging(station)
        assert finish(station, csms) is transaction
        assert transaction.reason == "Local"
        if dialect == "2.0.1":
            triggers = [report.message["triggerReason"] for report in transaction.in_order]
            assert triggers.count("ChargingStateChanged") >= 3, "begun, told anew, begun again"


def test_what_was_interrupted_for_too_long_ends_with_the_energy_the_meter_showed(csms: Csms, dialect: str) -> None:
    with Station(config(csms, dialect, ResumptionTimeout=2)) as station:
        before = world(station)["energy_wh"]
        transaction = begin(station, csms)
        in_the_dark(station, seconds=3.0)  # of the last sample at least: what it waits longer makes no difference
        ended = csms.wait_event("Ended")
        assert csms.books.of(ended) is transaction
        # The board of the test had power all the time.
        assert transaction.reason == "Reboot"
        if dialect == "2.0.1":
            assert ended["triggerReason"] == "AbnormalCondition"
        delivered(station)
        assert world(station)["power_w"] == 0
        assert true_to(world(station)["energy_wh"] - before, transaction.energy_wh, dialect)
        leave(station)
        begin(station, csms)
        finish(station, csms)


def test_without_a_timeout_nothing_is_resumed(csms: Csms, dialect: str, desk: Desk) -> None:
    with Station(config(csms, dialect)) as station:
        begin(station, csms)
        assert desk.set("TxResumptionTimeout", TIMEOUT, "0") == "Accepted"
        in_the_dark(station)
        csms.wait_event("Ended")
        until(lambda: not session(station).get("authorized"), "end of the right to energy")
        leave(station)


def test_energy_stays_away_until_it_is_allowed(csms: Csms, dialect: str, desk: Desk) -> None:
    with Station(config(csms, dialect, AllowEnergyTransferResumption="false")) as station:
        begin(station, csms)
        in_the_dark(station)
        until(lambda: session(station).get("charging_state") == "SuspendedEVSE", "suspension")
        delivered(station)
        assert world(station)["offer_a"] == 0
        assert desk.set("AllowEnergyTransferResumption", ENERGY, "true") == "Accepted"
        charging(station)
        finish(station, csms)
