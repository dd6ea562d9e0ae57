"""C07, M01, M02: Plug & Charge. The vehicle's contract is its card."""

import pytest

from tests.conformance.contracts import EMAID, MO_ROOT, PROVIDER, Car, contract, hashes
from tests.conformance.stations import dc_station, with_contracts
from tests.conformance.tester import Tester
from tests.csms import Csms
from tests.daemon.visit import until
from tests.jobs.hashes import hash_data
from tests.pki import Authority

pytestmark = pytest.mark.under_test(with_contracts(dc_station), variables={"TxCtrlr.TxStartPoint": "Authorized"})
TOKEN = {"idToken": EMAID, "type": "eMAID"}


@pytest.fixture
def car(tester: Tester) -> Car:
    tester.ev_connected()
    return Car(tester, contract())


def rooted(tester: Tester) -> None:
    reply = tester.csms.call("InstallCertificate", {"certificateType": MO_ROOT, "certificate": PROVIDER.pem})
    assert reply["status"] == "Accepted", reply


def not_let_in(tester: Tester, car: Car) -> None:
    until(lambda: car.heard("contract") == "refused", "the car is told")
    tester.fence()
    assert not tester.csms.calls("TransactionEvent")


def test_tc_c_50_cs(tester: Tester, csms: Csms, car: Car) -> None:
    """Authorization using Contract Certificates 15118 - Online - Local contract certificate validation - Accepted"""
    rooted(tester)
    car.shows_its_contract()
    asked = csms.wait("Authorize", idToken=TOKEN)
    assert asked["iso15118CertificateHashData"] == hashes(car.contract)
    assert "certificate" not in asked.payload
    assert tester.event("Started", "Authorized")["idToken"] == TOKEN
    tester.energy_flows()
    assert car.heard("contract") == "accepted"


@pytest.mark.parametrize(
    "answer",
    [
        {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "ContractCancelled"},
        {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "CertificateRevoked"},
    ],
)
def test_tc_c_51_cs(tester: Tester, csms: Csms, car: Car, answer: dict[str, object]) -> None:
    """Authorization using Contract Certificates 15118 - Online - Local contract certificate validation - Rejected"""
    rooted(tester)
    csms.answers["Authorize"] = answer
    car.shows_its_contract()
    csms.wait("Authorize", idToken=TOKEN)
    not_let_in(tester, car)


def test_tc_c_52_cs(tester: Tester, csms: Csms, car: Car) -> None:
    """Authorization using Contract Certificates 15118 - Online - Central contract certificate validation - Accepted"""
    tester.set("ISO15118Ctrlr.CentralContractValidationAllowed", True)
    car.shows_its_contract()
    assert csms.wait("Authorize", idToken=TOKEN)["certificate"] == car.contract.chain
    tester.event("Started", "Authorized")
    tester.energy_flows()


def test_tc_c_53_cs(tester: Tester, csms: Csms, car: Car) -> None:
    """Authorization using Contract Certificates 15118 - Online - Central contract validation fails"""
    tester.set("ISO15118Ctrlr.CentralContractValidationAllowed", True)
    csms.answers["Authorize"] = {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "CertificateRevoked"}
    car.shows_its_contract()
    csms.wait("Authorize", idToken=TOKEN)
    not_let_in(tester, car)


def _offline(tester: Tester, csms: Csms, believed: bool) -> Car:
    tester.set("ISO15118Ctrlr.ContractValidationOffline", believed)
    tester.set("AuthCtrlr.OfflineTxForUnknownIdEnabled", True)
    rooted(tester)
    csms.offline()
    tester.station.ctl("sim.plug_in", evse=1, connector=1)
    car = Car(tester, contract())
    car.shows_its_contract()
    until(lambda: car.heard("contract") != "", "the car is told")
    return car


def test_tc_c_54_cs(tester: Tester, csms: Csms) -> None:
    """Authorization using Contract Certificates 15118 - Offline - ContractValidationOffline is true"""
    car = _offline(tester, csms, believed=True)
    assert car.heard("contract") == "accepted"
    csms.online()
    csms.wait_status("Occupied")
    started = tester.event("Started", "Authorized")
    assert started["offline"] is True
    assert started["idToken"] == TOKEN
    tester.energy_flows()


def test_tc_c_55_cs(tester: Tester, csms: Csms) -> None:
    """Authorization using Contract Certificates 15118 - Offline - ContractValidationOffline is false"""
    car = _offline(tester, csms, believed=False)
    assert car.heard("contract") == "refused"
    csms.online()
    csms.wait_status("Occupied")
    tester.fence()
    assert not csms.calls("TransactionEvent")
    assert not csms.calls("Authorize")


@pytest.mark.parametrize("ends_in", [-0.5, 1])
def test_a_contract_that_is_over_or_of_nobody_known_counts_for_nothing(
    tester: Tester, csms: Csms, car: Car, ends_in: float
) -> None:
    if ends_in < 0:
        rooted(tester)
    car._replace(contract=contract(ends_in=ends_in)).shows_its_contract()
    not_let_in(tester, car)
    assert not csms.calls("Authorize")


def test_a_card_starts_the_car_whose_contract_was_refused(tester: Tester, csms: Csms, car: Car) -> None:
    car.shows_its_contract()
    not_let_in(tester, car)
    tester.authorized()
    tester.energy_flows()


def test_a_contract_shown_again_while_it_charges_ends_nothing(tester: Tester, csms: Csms, car: Car) -> None:
    rooted(tester)
    car.shows_its_contract()
    transaction = tester.energy_flows()
    car.shows_its_contract()
    until(lambda: car.heard("contract") == "accepted", "the car is told")
    tester.fence()
    assert len(csms.calls("Authorize")) == 1
    assert "Ended" not in " ".join(tester.story(transaction))


# -- certificates for the vehicle --------------------------------------------------------------------------------------


def _ev_certificate(tester: Tester, csms: Csms, car: Car, action: str, status: str) -> str:
    csms.answers["Get15118EVCertificate"] = {"status": status, "exiResponse": "b2s=" if status == "Accepted" else ""}
    car.asks_for_a_contract(action, "ZXhp")
    asked = csms.wait("Get15118EVCertificate", {"action": action})
    assert asked["exiRequest"] == "ZXhp"
    assert asked["iso15118SchemaVersion"] == "urn:iso:15118:2:2013:MsgDef"
    tester.fence()
    return car.heard("ev_certificate")


def _installed(tester: Tester, csms: Csms, car: Car, action: str) -> None:
    rooted(tester)
    assert _ev_certificate(tester, csms, car, action, "Accepted") == "b2s="
    car.shows_its_contract()
    csms.wait("Authorize", idToken=TOKEN)
    tester.energy_flows()


def test_tc_m_26_cs(tester: Tester, csms: Csms, car: Car) -> None:
    """Certificate Installation EV - Success"""
    _installed(tester, csms, car, "Install")


def test_tc_m_27_cs(tester: Tester, csms: Csms, car: Car) -> None:
    """Certificate Installation EV - Failed"""
    assert _ev_certificate(tester, csms, car, "Install", "Failed") == ""
    assert not csms.calls("Authorize")


def test_tc_m_28_cs(tester: Tester, csms: Csms, car: Car) -> None:
    """Certificate Update EV - Success"""
    _installed(tester, csms, car, "Update")


def test_tc_m_29_cs(tester: Tester, csms: Csms, car: Car) -> None:
    """Certificate Update EV - Failed"""
    assert _ev_certificate(tester, csms, car, "Update", "Failed") == ""
    assert not csms.calls("Authorize")


# -- roots -------------------------------------------------------------------------------------------------------------


def _root(csms: Csms, use: str) -> None:
    """Installed, and told with the right hash data."""
    root = Authority(f"{use} of a test")
    reply = csms.call("InstallCertificate", {"certificateType": use, "certificate": root.pem})
    assert reply["status"] == "Accepted"
    _told(csms, use, root)


def _told(csms: Csms, use: str, root: Authority) -> None:
    reply = csms.call("GetInstalledCertificateIds", {"certificateType": [use]})
    assert reply["status"] == "Accepted"
    row = {"certificateType": use, "certificateHashData": hash_data(root.pem, root.pem)}
    assert reply["certificateHashDataChain"] == [row]


def test_tc_m_03_cs(tester: Tester, csms: Csms) -> None:
    """Install CA certificate - V2GRootCertificate"""
    _root(csms, "V2GRootCertificate")


def test_tc_m_04_cs(tester: Tester, csms: Csms) -> None:
    """Install CA certificate - MORootCertificate"""
    _root(csms, "MORootCertificate")


def test_tc_m_14_cs(tester: Tester, csms: Csms) -> None:
    """Retrieve certificates from Charging Station - V2GRootCertificate"""
    rooted(tester)
    _root(csms, "V2GRootCertificate")


def test_tc_m_16_cs(tester: Tester, csms: Csms) -> None:
    """Retrieve certificates from Charging Station - MORootCertificate"""
    rooted(tester)
    _told(csms, MO_ROOT, PROVIDER)
