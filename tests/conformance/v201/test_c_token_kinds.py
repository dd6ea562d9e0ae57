"""C: each kind of token a station can be given, and none at all (features C-30 to C-39, C-70 to C-75)."""

import pytest

from tests.conformance.stations import dc_with_buttons, dc_with_menu
from tests.conformance.tester import Tester
from tests.csms import Csms

CODE = "271828"
MAC = "020000000001"
NOBODY = {"idToken": "", "type": "NoAuthorization"}


@pytest.mark.parametrize("kind", ["ISO14443", "ISO15693", "KeyCode", "Local"])
def test_a_token_of_each_kind_starts_and_stops(tester: Tester, csms: Csms, kind: str) -> None:
    id_token = {"idToken": "E0040100A1B2C3D4", "type": kind}
    tester.ev_connected()
    tester.authorized(id_token["idToken"], kind)
    assert csms.wait("TransactionEvent", triggerReason="Authorized")["idToken"] == id_token
    transaction = tester.energy_flows()
    tester.present(id_token["idToken"], kind)
    assert csms.wait("TransactionEvent", triggerReason="StopAuthorized")["idToken"] == id_token
    assert tester.ended(transaction)["transactionInfo"].get("stoppedReason", "Local") == "Local"


@pytest.mark.under_test(dc_with_menu, variables={})
def test_a_code_typed_at_the_keypad_starts_and_stops(tester: Tester, csms: Csms) -> None:
    id_token = {"idToken": CODE, "type": "KeyCode"}
    tester.ev_connected()
    tester.press(f"{CODE}#")
    csms.wait("Authorize", {"idToken": id_token})
    assert tester.event(trigger="Authorized")["idToken"] == id_token
    transaction = tester.energy_flows()
    tester.press(f"{CODE}#")
    assert tester.event(trigger="StopAuthorized")["idToken"] == id_token
    tester.ended(transaction)


@pytest.mark.under_test(dc_with_buttons, variables={})
def test_a_button_starts_and_stops(tester: Tester, csms: Csms) -> None:
    tester.ev_connected(2)
    tester.press("#", "button2")
    assert tester.event(trigger="Authorized")["idToken"] == NOBODY
    transaction = tester.energy_flows(2)
    tester.press("#", "button2")
    assert tester.event(trigger="StopAuthorized").get("idToken", NOBODY) == NOBODY
    assert tester.ended(transaction)["transactionInfo"].get("stoppedReason", "Local") == "Local"
    assert not csms.calls("Authorize")


def test_where_authorization_is_switched_off_a_car_need_only_be_plugged_in(tester: Tester, csms: Csms) -> None:
    tester.set("AuthCtrlr.Enabled", False)
    tester.ev_connected()
    assert tester.event("Started", "Authorized")["idToken"] == NOBODY
    transaction = tester.energy_flows()
    tester.ev_disconnected()
    tester.ended(transaction)
    assert not csms.calls("Authorize")


@pytest.mark.under_test(variables={"AuthCtrlr.AutochargeEnabled": True})
def test_a_car_is_authorized_by_its_mac_address(tester: Tester, csms: Csms) -> None:
    id_token = {"idToken": MAC, "type": "MacAddress"}
    tester.ev_connected()
    csms.wait("Authorize", {"idToken": id_token})
    assert tester.event(trigger="Authorized")["idToken"] == id_token
    tester.energy_flows()


@pytest.mark.under_test(variables={"AuthCtrlr.AutochargeEnabled": True})
def test_a_car_that_is_refused_waits_for_a_card(tester: Tester, csms: Csms) -> None:
    csms.tokens[MAC] = "Unknown"
    tester.ev_connected()
    csms.wait("Authorize", {"idToken": {"idToken": MAC, "type": "MacAddress"}})
    tester.not_let_in(MAC)
    tester.authorized()
    tester.energy_flows()


@pytest.mark.under_test(variables={"AuthCtrlr.AuthorizeRemoteStart": True})
@pytest.mark.parametrize(("kind", "asked"), [("ISO15693", 1), ("Central", 0), ("NoAuthorization", 0)])
def test_a_token_of_each_kind_starts_from_afar(tester: Tester, csms: Csms, kind: str, asked: int) -> None:
    token = "" if kind == "NoAuthorization" else "E0040100A1B2C3D4"
    tester.ev_connected()
    tester.remote_start(token=token, kind=kind)
    assert tester.event(trigger="RemoteStart", remoteStartId=1)["idToken"] == {"idToken": token, "type": kind}
    tester.energy_flows()
    assert len(csms.calls("Authorize")) == asked


def test_the_station_tells_what_it_can_be_given(tester: Tester) -> None:
    kinds = set(tester.get("AuthCtrlr.SupportedIdTokenTypes").split(","))
    assert kinds == {"Central", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"}
