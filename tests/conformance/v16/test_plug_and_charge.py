"""Plug & Charge over DataTransfer (application note of the OCA). There are no certification cases for it."""

import json
from base64 import b64encode
from typing import Any

import pytest

from tests.conformance.contracts import EMAID, MO_ROOT, PROVIDER, Car, contract, hashes
from tests.conformance.stations import ac_socket, with_contracts
from tests.conformance.v16.tester import Tester
from tests.csms import Csms, Message
from tests.daemon.visit import until
from tests.jobs.hashes import hash_data
from tests.pki import Authority

VENDOR = "org.openchargealliance.iso15118pnc"
pytestmark = pytest.mark.under_test(with_contracts(ac_socket), variables={"ISO15118Ctrlr.SeccId": "DE*ABC*E1"})


@pytest.fixture
def car(tester: Tester) -> Car:
    tester.occupied()
    return Car(tester, contract())


def ask(csms: Csms, message: str, data: dict[str, Any]) -> dict[str, Any]:
    """T> DataTransfer: the data of the answer."""
    reply = csms.call("DataTransfer", {"vendorId": VENDOR, "messageId": message, "data": json.dumps(data)})
    assert reply["status"] == "Accepted", reply
    found: dict[str, Any] = json.loads(reply["data"])
    return found


def answers(csms: Csms, **by_message: dict[str, Any]) -> None:
    """What the CSMS answers within DataTransfer."""

    def answered(payload: dict[str, Any]) -> dict[str, Any]:
        data = by_message.get(payload["messageId"])
        return {"status": "Accepted", "data": json.dumps(data)} if data else {"status": "UnknownMessageId"}

    csms.answers["DataTransfer"] = answered


def told(csms: Csms, message: str) -> dict[str, Any]:
    """S> DataTransfer: its data."""
    found: Message = csms.wait("DataTransfer", {"vendorId": VENDOR, "messageId": message})
    data: dict[str, Any] = json.loads(found["data"])
    return data


def rooted(csms: Csms) -> None:
    done = ask(csms, "InstallCertificate", {"certificateType": MO_ROOT, "certificate": PROVIDER.pem})
    assert done == {"status": "Accepted"}


def test_a_contract_starts_the_car(tester: Tester, csms: Csms, car: Car) -> None:
    rooted(csms)
    answers(csms, Authorize={"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"})
    car.shows_its_contract()
    assert told(csms, "Authorize") == {"idToken": EMAID, "iso15118CertificateHashData": hashes(car.contract)}
    assert csms.wait("StartTransaction")["idTag"] == EMAID
    tester.status(1, "Charging")
    assert car.heard("contract") == "accepted"
    assert not csms.calls("Authorize")


def test_a_csms_that_checks_the_chain_itself_gets_it(tester: Tester, csms: Csms, car: Car) -> None:
    tester.configure("CentralContractValidationAllowed", "true")
    answers(csms, Authorize={"idTokenInfo": {"status": "Accepted"}})
    car.shows_its_contract()
    assert told(csms, "Authorize")["certificate"] == car.contract.chain
    csms.wait("StartTransaction")


@pytest.mark.parametrize(
    "data",
    [
        {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "ContractCancelled"},
        {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "CertificateRevoked"},
        {"idTokenInfo": "yes"},
        None,
    ],
)
def test_a_contract_that_may_not_charge_leaves_the_car_to_a_card(
    tester: Tester, csms: Csms, car: Car, data: dict[str, Any] | None
) -> None:
    rooted(csms)
    answers(csms, **({"Authorize": data} if data else {}))
    car.shows_its_contract()
    until(lambda: car.heard("contract") == "refused", "the car is told")
    tester.fence()
    assert not csms.calls("StartTransaction")
    tester.present()
    csms.wait("StartTransaction")


def test_offline_a_contract_counts_where_the_owner_says_so(tester: Tester, csms: Csms, car: Car) -> None:
    rooted(csms)
    tester.configure("ContractValidationOffline", "true")
    tester.configure("AllowOfflineTxForUnknownId", "true")
    csms.offline()
    car.shows_its_contract()
    until(lambda: car.heard("contract") == "accepted", "the car is told")
    csms.online()
    assert csms.wait("StartTransaction")["idTag"] == EMAID


def test_plug_and_charge_can_be_switched_off(tester: Tester, csms: Csms, car: Car) -> None:
    rooted(csms)
    tester.configure("ISO15118PnCEnabled", "false")
    car.shows_its_contract()
    until(lambda: car.heard("contract") == "refused", "the car is told")
    assert not csms.calls("DataTransfer")


@pytest.mark.parametrize("status", ["Accepted", "Failed"])
def test_a_car_fetches_a_contract(tester: Tester, csms: Csms, car: Car, status: str) -> None:
    answers(csms, Get15118EVCertificate={"status": status, "exiResponse": "b2s="})
    car.asks_for_a_contract("Install", "ZXhp")
    data = told(csms, "Get15118EVCertificate")
    assert (data["action"], data["exiRequest"]) == ("Install", "ZXhp")
    tester.fence()
    assert car.heard("ev_certificate") == ("b2s=" if status == "Accepted" else "")


def test_roots_are_listed_and_deleted(csms: Csms, tester: Tester) -> None:
    assert ask(csms, "GetInstalledCertificateIds", {}) == {"status": "NotFound"}
    rooted(csms)
    own = hash_data(PROVIDER.pem, PROVIDER.pem)
    listed = ask(csms, "GetInstalledCertificateIds", {"certificateType": [MO_ROOT]})
    assert listed["certificateHashDataChain"] == [{"certificateType": MO_ROOT, "certificateHashData": own}]
    assert ask(csms, "DeleteCertificate", {"certificateHashData": own}) == {"status": "Accepted"}
    assert ask(csms, "GetInstalledCertificateIds", {}) == {"status": "NotFound"}


def test_the_certificate_that_vehicles_see_is_signed(csms: Csms, tester: Tester) -> None:
    root = Authority("V2G root")
    sub = root.authority("V2G sub-CA")
    ask(csms, "InstallCertificate", {"certificateType": "V2GRootCertificate", "certificate": root.pem})
    ocsp = b64encode(b"good").decode()
    answers(
        csms,
        SignCertificate={"status": "Accepted"},
        GetCertificateStatus={"status": "Accepted", "ocspResult": ocsp},
    )
    assert ask(csms, "TriggerMessage", {"requestedMessage": "SignV2GCertificate"}) == {"status": "Accepted"}
    asked = told(csms, "SignCertificate")
    assert asked["certificateType"] == "V2GCertificate"
    chain = sub.sign(asked["csr"], ocsp="http://ocsp.v2g.example")
    assert ask(csms, "CertificateSigned", {"certificateChain": chain}) == {"status": "Accepted"}
    status = told(csms, "GetCertificateStatus")
    assert status["ocspRequestData"]["responderURL"] == "http://ocsp.v2g.example"
    until(lambda: [evse["ocsp"] for evse in tester.station.ctl("sim.state")["evses"]] == [1, 1], "the stacks have it")


HASH_DATA = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1f"}


@pytest.mark.parametrize(
    ("message", "data", "status"),
    [
        ("InstallCertificate", '{"certificateType": "Nothing", "certificate": ""}', "Rejected"),
        ("InstallCertificate", "no JSON", "Rejected"),
        ("DeleteCertificate", "[]", "Rejected"),
        ("DeleteCertificate", json.dumps({"certificateHashData": HASH_DATA | {"hashAlgorithm": "MD5"}}), "Rejected"),
        ("GetInstalledCertificateIds", '{"certificateType": [{}]}', "Rejected"),
        ("Nothing", "{}", "UnknownMessageId"),
    ],
)
def test_what_does_not_fit_is_refused(csms: Csms, tester: Tester, message: str, data: str, status: str) -> None:
    reply = csms.call("DataTransfer", {"vendorId": VENDOR, "messageId": message, "data": data})
    assert reply["status"] == status


def test_whose_contract_it_is_stands_in_no_archive(tester: Tester, csms: Csms, car: Car) -> None:
    rooted(csms)
    answers(csms, Authorize={"idTokenInfo": {"status": "Accepted"}})
    car.shows_its_contract()
    until(lambda: car.heard("contract") == "accepted", "the car is told")
    shown = json.dumps([tester.station.ctl("drivers"), tester.station.ctl("status"), tester.station.ctl("outbox")])
    assert EMAID not in shown
    assert "BEGIN CERTIFICATE" not in shown


@pytest.mark.under_test(ac_socket, variables={})
def test_a_station_without_such_a_device_does_not_know_the_vendor(csms: Csms, tester: Tester) -> None:
    reply = csms.call("DataTransfer", {"vendorId": VENDOR, "messageId": "InstallCertificate", "data": "{}"})
    assert reply["status"] == "UnknownVendorId"
    found = csms.call("GetConfiguration", {"key": ["ISO15118PnCEnabled"]})
    assert found["unknownKey"] == ["ISO15118PnCEnabled"]
