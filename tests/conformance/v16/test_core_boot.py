"""Core: boot, reset, power failure."""

import pytest

from tests.conformance.stations import dc_station, with_battery
from tests.conformance.v16.tester import TOKEN, Tester
from tests.csms import Csms, Message
from tests.daemon.config import Config
from tests.daemon.process import Station
from tests.daemon.visit import until

WAITS = ("Finishing", "Preparing")
"""a car is there whose transaction is over"""
INTERVAL_S = 1


def beats(csms: Csms, boot: Message) -> None:
    """S> Heartbeat every interval, counted from when the station was accepted: never earlier."""
    told = [csms.wait("Heartbeat") for _ in range(3)]
    for n, beat in enumerate(told, 1):
        assert beat.at - boot.at >= n * INTERVAL_S


def test_tc_001_cs(csms: Csms, config: Config) -> None:
    """Cold Boot Charge Point"""
    csms.desk.boot_interval_s = INTERVAL_S
    csms.answers["BootNotification"] = {"status": "Rejected", "interval": INTERVAL_S}
    with Station(config) as station:
        refused = csms.wait("BootNotification")
        del csms.answers["BootNotification"]
        again = Tester(csms, station).booted()
        assert again.at - refused.at >= INTERVAL_S
        between = csms.transcript.messages[refused.number + 1 : again.number]
        assert not [m for m in between if m.sender == "station"], "nothing at all is sent meanwhile"
        beats(csms, again)


def test_tc_002_cs(csms: Csms, config: Config) -> None:
    """Cold Boot Charge Point - Pending"""
    csms.desk.boot_interval_s = INTERVAL_S
    csms.answers["BootNotification"] = {"status": "Pending", "interval": INTERVAL_S}
    with Station(config) as station:
        tester = Tester(csms, station)
        pending = csms.wait("BootNotification")
        until(lambda: station.ctl("status")["csms"]["registration"] == "Pending", "answer taken")
        assert tester.configuration()["NumberOfConnectors"] == str(len(tester.connectors))
        tester.configure("MeterValueSampleInterval", 10)
        del csms.answers["BootNotification"]
        again = tester.booted()
        assert again.at - pending.at >= INTERVAL_S
        between = csms.transcript.messages[pending.number + 1 : again.number]
        assert not [m for m in between if m.sender == "station" and m.kind == "call"]
        beats(csms, again)


@pytest.fixture
def unavailable(tester: Tester) -> None:
    """Connector 1 is; the others are Available."""
    tester.unavailable(1)


def available_again(tester: Tester) -> None:
    tester.availability("Operative", 1)
    tester.status(1, "Available")


@pytest.mark.usefixtures("unavailable")
def test_tc_013_cs(tester: Tester) -> None:
    """Hard Reset Without transaction"""
    tester.reset("Hard")
    tester.booted({1: "Unavailable"})
    available_again(tester)


@pytest.mark.usefixtures("unavailable")
def test_tc_014_cs(tester: Tester) -> None:
    """Soft Reset Without Transaction"""
    tester.reset("Soft")
    tester.booted({1: "Unavailable"})
    available_again(tester)


def reset_in_transaction(tester: Tester, kind: str) -> None:
    transaction = tester.charging()
    tester.reset(kind)
    tester.csms.wait("StopTransaction", {"transactionId": transaction, "reason": f"{kind}Reset"})
    tester.status(1, "Finishing")
    tester.booted({1: WAITS})
    assert tester.csms.books.of(tester.csms.calls("StopTransaction")[-1]).reason == f"{kind}Reset"


def test_tc_015_cs(tester: Tester) -> None:
    """Hard Reset With Transaction"""
    reset_in_transaction(tester, "Hard")


def test_tc_016_cs(tester: Tester) -> None:
    """Soft Reset With Transaction"""
    reset_in_transaction(tester, "Soft")


@pytest.mark.under_test(with_battery(dc_station), variables={})
@pytest.mark.parametrize("teller", ["a contact", "a program"])
def test_tc_032_1_cs(tester: Tester, teller: str) -> None:
    """Power failure boot charging point - configured to stop transaction(s) before going down"""
    transaction = tester.charging()
    if teller == "a contact":
        tester.station.ctl("sim.contact", closed=True, device="contact2")
    else:
        tester.station.ctl("grid", lost=True)
    tester.stopped(transaction, reason="PowerLoss")
    tester.station.restart(Station.kill)
    tester.booted({1: WAITS})


@pytest.mark.parametrize("stays", [True, False], ids=["the EV stays", "the EV leaves meanwhile"])
def test_tc_032_2_cs(tester: Tester, stays: bool) -> None:
    """Power failure boot charging point - configured to stop transaction(s) after going down"""
    transaction = tester.charging()
    tester.station.kill()
    if not stays:
        tester.leaves_in_the_dark()
    tester.station.start()
    tester.csms.wait("BootNotification")
    if stays:  # the transaction goes on, and is stopped by the card
        tester.status(1, ("Preparing", "Charging", "SuspendedEVSE"))
        tester.present()
        tester.stopped(transaction, idTag=TOKEN)
    else:
        tester.csms.wait("StopTransaction", {"transactionId": transaction, "reason": "PowerLoss"})
        tester.status(1, "Available")


def test_tc_034_cs(tester: Tester) -> None:
    """Power Failure with Unavailable Status"""
    tester.unavailable(0)
    tester.station.restart(Station.kill)
    tester.booted(dict.fromkeys((0, *tester.connectors), "Unavailable"))
