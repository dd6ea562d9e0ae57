"""E: what starts a transaction."""

from base64 import b64decode

import pytest

from tests.conformance.ocmf import energy_wh, verified
from tests.conformance.stations import dc_station, signing, with_bays
from tests.conformance.tester import TOKEN, Tester
from tests.csms import Csms, Message

ID_TOKEN = {"idToken": TOKEN, "type": "ISO14443"}
PLACE = {"id": 1, "connectorId": 1}


def authorize(tester: Tester, how: str) -> None:
    """Authorized, locally or remotely, before a car is there."""
    if how == "remote":
        tester.remote_start(1)
    else:
        tester.authorized()


def begun(message: Message, how: str = "local") -> None:
    """The event that starts it knows place and token; after a remote start it says so."""
    assert message["evse"] == PLACE
    assert message["idToken"] == ID_TOKEN
    if how == "remote":
        assert message["triggerReason"] == "RemoteStart"
        assert message["transactionInfo"]["remoteStartId"] == 1


@pytest.mark.parametrize("how", ["local", "remote"])
def test_tc_e_01_cs(tester: Tester, how: str) -> None:
    """Start transaction options - PowerPathClosed"""
    tester.set("TxCtrlr.TxStartPoint", "PowerPathClosed")
    authorize(tester, how)
    tester.ev_connected()
    trigger = "RemoteStart" if how == "remote" else ("CablePluggedIn", "ChargingStateChanged")
    begun(tester.event("Started", trigger), how)
    tester.energy_flows()


@pytest.mark.parametrize("how", ["local", "remote"])
def test_tc_e_02_cs(tester: Tester, how: str) -> None:
    """Start transaction options - EnergyTransfer"""
    tester.set("TxCtrlr.TxStartPoint", "EnergyTransfer")
    authorize(tester, how)
    tester.ev_connected()
    trigger = "RemoteStart" if how == "remote" else "ChargingStateChanged"
    begun(tester.event("Started", trigger, "Charging"), how)


START_POINTS = ["EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer"]


@pytest.mark.parametrize("start", START_POINTS)
def test_tc_e_03_cs(tester: Tester, start: str) -> None:
    """Local start transaction - Cable plugin first - Success"""
    tester.set("TxCtrlr.TxStartPoint", start)
    tester.ev_connected()
    if start == "EVConnected":
        begun = tester.event("Started", "CablePluggedIn", "EVConnected")
        assert begun["evse"] == PLACE
    tester.authorized()
    if start != "EnergyTransfer":
        authorized = tester.event("Updated" if start == "EVConnected" else "Started", "Authorized")
        assert authorized["idToken"] == ID_TOKEN
    tester.event("Started" if start == "EnergyTransfer" else "Updated", "ChargingStateChanged", "Charging")


@pytest.mark.parametrize("start", START_POINTS)
def test_tc_e_04_cs(tester: Tester, start: str) -> None:
    """Local start transaction - Authorization first - Success"""
    tester.set("TxCtrlr.TxStartPoint", start)
    tester.authorized()
    if start == "Authorized":
        assert tester.event("Started", "Authorized")["idToken"] == ID_TOKEN
    tester.ev_connected()
    if start != "EnergyTransfer":
        plugged = tester.event("Updated" if start == "Authorized" else "Started", "CablePluggedIn", "EVConnected")
        assert plugged["evse"] == PLACE
    tester.event("Started" if start == "EnergyTransfer" else "Updated", "ChargingStateChanged", "Charging")


def test_tc_e_09_cs(tester: Tester) -> None:
    """Start transaction options - EVConnected"""
    tester.set("TxCtrlr.TxStartPoint", "EVConnected")
    tester.ev_connected()
    started = tester.event("Started", "CablePluggedIn", "EVConnected")
    assert started["evse"] == PLACE
    assert "idToken" not in started.payload
    tester.authorized()
    assert tester.event("Updated", "Authorized")["idToken"] == ID_TOKEN
    tester.energy_flows()


def test_tc_e_10_cs(tester: Tester) -> None:
    """Start transaction options - Authorized - Local"""
    tester.set("TxCtrlr.TxStartPoint", "Authorized")
    tester.authorized()
    assert tester.event("Started", "Authorized")["idToken"] == ID_TOKEN
    tester.ev_connected()
    assert tester.event("Updated", "CablePluggedIn")["evse"] == PLACE
    tester.energy_flows()


@pytest.mark.under_test(signing(dc_station), variables={})
@pytest.mark.parametrize("how", ["local", "remote"])
def test_tc_e_11_cs(tester: Tester, how: str) -> None:
    """Start transaction options - DataSigned"""
    tester.set("TxCtrlr.TxStartPoint", "DataSigned")
    tester.set("SampledDataCtrlr.SignReadings", True)
    authorize(tester, how)
    tester.ev_connected()
    started = tester.event("Started", "RemoteStart" if how == "remote" else "SignedDataReceived")
    begun(started, how)
    (value,) = started["meterValue"]
    for sample in value["sampledValue"]:
        assert sample["context"] == "Transaction.Begin"
        signed = sample["signedMeterValue"]
        assert energy_wh(verified(signed, b64decode(signed["publicKey"]).decode())) == sample["value"]
    tester.event("Updated", "ChargingStateChanged", "Charging")


@pytest.mark.under_test(with_bays(dc_station), variables={})
@pytest.mark.parametrize("how", ["local", "remote"])
def test_tc_e_12_cs(tester: Tester, how: str) -> None:
    """Start transaction options - ParkingBayOccupied"""
    tester.set("TxCtrlr.TxStartPoint", "ParkingBayOccupancy")
    tester.drive_in()
    started = tester.event("Started", "EVDetected", "Idle")
    assert "idToken" not in started.payload
    authorize(tester, how)
    told = tester.event("Updated", "RemoteStart" if how == "remote" else "Authorized")
    assert told["idToken"] == ID_TOKEN
    tester.ev_connected()
    assert tester.event("Updated", "CablePluggedIn")["evse"] == PLACE
    tester.energy_flows()


@pytest.mark.parametrize("checked", [False, True])
def test_tc_e_13_cs(tester: Tester, csms: Csms, checked: bool) -> None:
    """Start transaction options - Authorized - Remote"""
    tester.set("TxCtrlr.TxStartPoint", "Authorized")
    tester.set("AuthCtrlr.AuthorizeRemoteStart", checked)
    reply = tester.remote_start(1)
    assert "transactionId" not in reply
    if checked:
        csms.wait("Authorize", {"idToken": ID_TOKEN})
    started = tester.event("Started", "RemoteStart", remoteStartId=1)
    assert started["idToken"] == ID_TOKEN
    assert bool(csms.calls("Authorize")) == checked


def test_tc_e_38_cs(tester: Tester) -> None:
    """Local start transaction - EV not ready"""
    tester.ev_connected()
    tester.station.ctl("sim.pause", evse=1)
    tester.authorized()
    tester.event("Updated", "ChargingStateChanged", "SuspendedEV", timeout=15)  # it has 10 s to react
