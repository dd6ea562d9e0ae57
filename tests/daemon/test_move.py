"""A station moves to another version of OCPP while it charges and records wait: nothing is lost or told twice."""

from collections.abc import Callable, Iterator

import pytest

from tests.csms import Csms, Transaction
from tests.daemon.config import Config
from tests.daemon.process import Station
from tests.daemon.visit import OTHER, TOKEN, begin, brisk, charging, delivered, leave, register_wh, session, until

Cut = Callable[[Station], None]


def untouched(station: Station) -> None:
    """The process lives on."""


def power_cut(station: Station) -> None:
    station.restart(Station.kill)


each_cut = pytest.mark.parametrize("cut", [untouched, power_cut])


def moving(csms: Csms) -> Config:
    config = brisk(csms.url, "1.6", evses=2, **{"AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
    config["csms"]["versions"] = ["2.0.1", "1.6"]
    return config


@pytest.fixture
def csms() -> Iterator[Csms]:
    with Csms(versions=("1.6",)) as made:
        yield made


@pytest.fixture
def station(csms: Csms) -> Iterator[Station]:
    with Station(moving(csms)) as made:
        yield made


def visit_offline(station: Station) -> None:
    """A whole one at EVSE 2, of which no CSMS hears yet."""
    station.ctl("sim.plug_in", evse=2)
    station.ctl("sim.swipe", token=OTHER)
    charging(station, 2)
    station.ctl("sim.swipe", token=OTHER)
    until(lambda: not session(station, 2).get("transaction_id"), "end")
    leave(station, 2)


def queued(station: Station, least: int) -> None:
    until(lambda: station.ctl("outbox")["queued"] >= least, f"{least} records in the queue")


def told_right(transaction: Transaction, begun_wh: float, ended_wh: float, token: str) -> None:
    """One start, one end, and all that the meter has counted in between."""
    assert transaction.check() == []
    assert (transaction.kinds.count("Started"), transaction.kinds.count("Ended")) == (1, 1)
    assert transaction.token == token
    first, last = transaction.samples[0].energy_wh, transaction.samples[-1].energy_wh
    assert abs(first - begun_wh) <= 1.0
    assert abs(last - ended_wh) <= 1.0


def moved(csms: Csms, station: Station, version: str, cut: Cut) -> None:
    """The CSMS goes away, records wait, and it comes back with another version."""
    delivered(station)
    csms.offline()
    visit_offline(station)
    queued(station, 5)
    cut(station)
    back(csms, version)
    delivered(station)


def back(csms: Csms, version: str) -> None:
    csms.speak(version)
    csms.forget()
    csms.online()
    csms.wait("BootNotification")
    csms.wait_status("Occupied")


@each_cut
def test_from_1_6_to_2_0_1(station: Station, csms: Csms, cut: Cut) -> None:
    registers = register_wh(station), register_wh(station, 2)
    transaction = begin(station, csms)
    moved(csms, station, "2.0.1", cut)
    assert csms.call("GetTransactionStatus", {"transactionId": transaction.id})["ongoingIndicator"] is True
    csms.wait("TransactionEvent", transactionInfo={"transactionId": transaction.id})
    assert csms.call("RequestStopTransaction", {"transactionId": transaction.id})["status"] == "Accepted"
    csms.wait_event("Ended", transactionInfo={"transactionId": transaction.id, "stoppedReason": "Remote"})
    leave(station)
    delivered(station)
    told_right(transaction, registers[0], register_wh(station), TOKEN)
    [other] = [each for each in csms.books.transactions.values() if each is not transaction]
    told_right(other, registers[1], register_wh(station, 2), OTHER)


@each_cut
def test_from_2_0_1_to_1_6_and_back(station: Station, csms: Csms, cut: Cut) -> None:
    csms.offline()
    csms.speak("2.0.1")
    csms.online()
    registers = register_wh(station), register_wh(station, 2)
    transaction = begin(station, csms)
    csms.wait_event("Updated", lambda m: "meterValue" in m.payload)
    moved(csms, station, "1.6", cut)
    resumed = csms.wait("StartTransaction", connectorId=1, idTag=TOKEN)
    assert csms.books.of(resumed) is transaction
    number = until(lambda: session(station)["reference"], "number")
    csms.wait("MeterValues", transactionId=number)
    delivered(station)
    csms.offline()
    queued(station, 2)
    cut(station)
    back(csms, "2.0.1")
    assert csms.call("RequestStopTransaction", {"transactionId": str(number)})["status"] == "Accepted"
    csms.wait_event("Ended", transactionInfo={"transactionId": str(number), "stoppedReason": "Remote"})
    leave(station)
    delivered(station)
    told_right(transaction, registers[0], register_wh(station), TOKEN)
    [other] = [each for each in csms.books.transactions.values() if each is not transaction]
    told_right(other, registers[1], register_wh(station, 2), OTHER)


def test_an_end_whose_answer_was_lost_is_told_again_in_1_6_and_billed_once(csms: Csms) -> None:
    """Without samples the stretch that is told twice is all of it: from the same moment and register on."""
    config = moving(csms)
    config["variables"]["SampledDataCtrlr.TxUpdatedInterval"] = 0
    csms.speak("2.0.1")
    with Station(config) as station:
        before = register_wh(station)
        transaction = begin(station, csms)
        csms.silent("TransactionEvent")
        station.ctl("sim.swipe", token=TOKEN)
        csms.wait_event("Ended")
        csms.offline()
        leave(station)
        station.restart(Station.kill)
        csms.speak("1.6")
        csms.online()
        stopped = csms.wait("StopTransaction")
        delivered(station)
        assert csms.books.of(stopped) is csms.books.only() is transaction
        told_right(transaction, before, register_wh(station), TOKEN)


PASSWORD = "a-long-enough-password"


@pytest.fixture
def former() -> Iterator[Csms]:
    with Csms(versions=("2.0.1",), password=PASSWORD) as made:
        yield made


@pytest.fixture
def next_one(former: Csms) -> Iterator[Csms]:
    """Of the same operator: one set of books."""
    with Csms(versions=("1.6",), password=PASSWORD) as made:
        made.books = former.books
        yield made


@pytest.fixture
def two_slots(former: Csms) -> Iterator[Station]:
    variables = {"NetworkConfigurationPriority": "1,2", "NetworkProfileConnectionAttempts": 1}
    config = brisk(former.url, "2.0.1", evses=2, **{f"OCPPCommCtrlr.{name}": v for name, v in variables.items()})
    config["csms"] |= {"security_profile": 1, "password": PASSWORD, "versions": ["2.0.1", "1.6"]}
    config["variables"]["AuthCtrlr.OfflineTxForUnknownIdEnabled"] = True
    with Station(config) as made:
        yield made


def test_to_a_network_profile_of_1_6_and_back(former: Csms, next_one: Csms, two_slots: Station) -> None:
    """The CSMS of slot 1 is lost while a car charges; that of slot 2 speaks 1.6; then the first is back."""
    next_one.offline()
    profile = {
        "ocppVersion": "OCPP16", "ocppTransport": "JSON", "ocppCsmsUrl": next_one.url, "messageTimeout": 30,
        "securityProfile": 1, "ocppInterface": "Wired0",
    }  # fmt: skip
    former.wait_status("Available", 2)
    answer = former.call("SetNetworkProfile", {"configurationSlot": 2, "connectionData": profile})
    assert answer["status"] == "Accepted"
    former.forget()
    two_slots.restart()  # the order of the slots is looked at anew
    registers = register_wh(two_slots), register_wh(two_slots, 2)
    transaction = begin(two_slots, former)
    former.wait_event("Updated", lambda m: "meterValue" in m.payload)
    delivered(two_slots)
    former.offline()
    visit_offline(two_slots)
    queued(two_slots, 3)
    next_one.online()
    next_one.wait("BootNotification")
    resumed = next_one.wait("StartTransaction", connectorId=1, idTag=TOKEN)
    assert next_one.books.of(resumed) is transaction
    delivered(two_slots)
    number = session(two_slots)["reference"]
    next_one.offline()
    queued(two_slots, 2)
    former.online()
    former.forget()
    former.wait("BootNotification")
    former.wait_status("Occupied")
    assert former.call("RequestStopTransaction", {"transactionId": str(number)})["status"] == "Accepted"
    former.wait_event("Ended", transactionInfo={"transactionId": str(number), "stoppedReason": "Remote"})
    leave(two_slots)
    delivered(two_slots)
    told_right(transaction, registers[0], register_wh(two_slots), TOKEN)
    [other] = [each for each in former.books.transactions.values() if each is not transaction]
    told_right(other, registers[1], register_wh(two_slots, 2), OTHER)
