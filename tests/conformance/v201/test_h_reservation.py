"""H: reservations. An EVSE, a connector type, or any EVSE, kept for a token or its group."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conformance.stations import ac_cable, dc_station, one_socket, two_plugs
from tests.conformance.tester import GROUP, OTHER_TOKEN, TOKEN, Tester
from tests.csms import Csms
from tests.daemon.visit import until

THIRD_TOKEN = "04112233445566"
IN_GROUP = {"status": "Accepted", "groupIdToken": {"idToken": GROUP, "type": "Central"}}
BY_CABLE = {"TxCtrlr.TxStartPoint": "EVConnected"}


def used(tester: Tester, evse: int = 1, token: str = TOKEN, reservation: int = 1) -> str:
    """Plugged in before or now, energy flows, and one TransactionEvent, the one with the token, names the reservation.
    The transactionId."""
    transaction = tester.energy_flows(evse)
    tester.delivered()
    naming = [m for m in tester.events(transaction) if m.payload.get("reservationId") is not None]
    assert [m["reservationId"] for m in naming] == [reservation], tester.csms.told("reservationId")
    assert naming[0]["idToken"]["idToken"] == token, tester.csms.told("reservationId without its token")
    return transaction


def unused(tester: Tester, evse: int = 1, token: str = OTHER_TOKEN) -> None:
    """Another token charges there, and no TransactionEvent names a reservation."""
    transaction = tester.charging(evse, token)
    assert not [m for m in tester.events(transaction) if "reservationId" in m.payload]


def presented(tester: Tester, token: str = TOKEN) -> None:
    """The token is presented; Authorize is optional, as it is reserved."""
    tester.present(token)
    until(lambda: tester.let_in(token), "authorized driver")


@pytest.mark.parametrize("first", ["card", "cable"])
def test_tc_h_01_cs(tester: Tester, csms: Csms, first: str) -> None:
    """Reserve a specific EVSE - Accepted - Valid idToken"""
    assert tester.get("ReservationCtrlr.Enabled") == "true"
    tester.reserved(1)
    if first == "card":
        presented(tester)
        csms.wait_status("Available", 1)
        tester.ev_connected(1)
    else:
        tester.station.ctl("sim.plug_in", evse=1)
        presented(tester)
        csms.wait_status("Occupied", 1)
    used(tester)


@pytest.mark.parametrize("how", ["local", "remote"])
@pytest.mark.under_test(one_socket, variables=BY_CABLE)
def test_tc_h_02_cs(tester: Tester, csms: Csms, how: str) -> None:
    """Reserve a specific EVSE - Accepted - Different idToken"""
    tester.reserved(1)
    tester.station.ctl("sim.plug_in", evse=1)
    csms.wait_event("Started", triggerReason="CablePluggedIn")
    if how == "local":
        tester.present(OTHER_TOKEN)
    else:
        id_token = {"idToken": OTHER_TOKEN, "type": "ISO14443"}
        request = {"idToken": id_token, "remoteStartId": 1, "evseId": 1}
        assert csms.call("RequestStartTransaction", request)["status"] == "Rejected"
    tester.not_let_in(OTHER_TOKEN)
    assert tester.power_w() == 0
    assert not csms.calls("StatusNotification", {"connectorStatus": "Occupied"})
    tester.trigger("StatusNotification", 1, 1)
    csms.wait_status("Reserved", 1)


def test_tc_h_03_cs(tester: Tester) -> None:
    """Reserve a specific EVSE - Occupied - EVSE Reserved"""
    tester.reserved(1)
    tester.reserve(1, OTHER_TOKEN, 2, expect="Occupied")


def test_tc_h_04_cs(tester: Tester) -> None:
    """Reserve a specific EVSE - Occupied - EVSE Occupied"""
    tester.charging(1)
    tester.reserve(1, expect="Occupied")


def test_tc_h_06_cs(tester: Tester, csms: Csms) -> None:
    """Reserve a specific EVSE - Unavailable"""
    tester.availability("Inoperative", 1)
    csms.wait_status("Unavailable", 1)
    tester.reserve(1, expect="Unavailable")


def test_tc_h_07_cs(tester: Tester, csms: Csms) -> None:
    """Reserve a specific EVSE - Reservation Ended / not used"""
    expiry = datetime.now(UTC) + timedelta(seconds=3)
    tester.reserved(1, seconds=3)
    csms.wait_status("Available", 1)
    assert datetime.now(UTC) >= expiry - timedelta(seconds=0.1), "before it expired"
    csms.wait("ReservationStatusUpdate", reservationId=1, reservationUpdateStatus="Expired")
    unused(tester)


@pytest.mark.parametrize(
    ("evses", "evse"),
    [
        pytest.param(1, 1, marks=pytest.mark.under_test(one_socket, variables={}), id="one EVSE"),
        pytest.param(4, 3, marks=pytest.mark.under_test(dc_station, variables={}), id="four EVSEs"),
    ],
)
def test_tc_h_08_cs(tester: Tester, csms: Csms, evses: int, evse: int) -> None:
    """Reserve an unspecified EVSE - Accepted"""
    assert tester.get("ReservationCtrlr.NonEvseSpecific") == "true"
    tester.reserve(None)
    if evses == 1:
        csms.wait_status("Reserved", 1)
    presented(tester)
    if evses == 1:
        csms.wait_status("Available", 1)
    tester.ev_connected(evse)
    used(tester, evse)


def test_tc_h_09_cs(tester: Tester) -> None:
    """Reserve an unspecified EVSE - Occupied - EVSE Reserved"""
    for evse in tester.evses:
        tester.reserved(evse, f"04AAAAAAAA{evse:04}", evse)
    tester.reserve(None, OTHER_TOKEN, 9, expect="Occupied")


@pytest.mark.under_test(ac_cable, variables={})
def test_tc_h_10_cs(tester: Tester) -> None:
    """Reserve an unspecified EVSE - Occupied - EVSE Occupied"""
    for evse, token in ((1, TOKEN), (2, OTHER_TOKEN)):
        tester.charging(evse, token)
    tester.reserve(None, THIRD_TOKEN, expect="Occupied")


def test_tc_h_12_cs(tester: Tester, csms: Csms) -> None:
    """Reserve an unspecified EVSE - Unavailable"""
    tester.availability("Inoperative")
    for evse in tester.evses:
        csms.wait_status("Unavailable", evse)
    tester.reserve(None, expect="Unavailable")


@pytest.mark.under_test(dc_station, variables={"ReservationCtrlr.NonEvseSpecific": "false"})
def test_tc_h_13_cs(tester: Tester) -> None:
    """Reserve an unspecified EVSE - Rejected"""
    tester.reserve(None, expect="Rejected")
    tester.reserved(1)


def test_tc_h_14_cs(tester: Tester, csms: Csms) -> None:
    """Reserve an unspecified EVSE - Amount of EVSEs available equals the amount of reservations"""
    for number in tester.evses:
        assert not csms.calls("StatusNotification", {"connectorStatus": "Reserved"})
        tester.reserve(None, f"04AAAAAAAA{number:04}", number)
    for evse in tester.evses:
        csms.wait_status("Reserved", evse)
    tester.present(OTHER_TOKEN)
    tester.not_let_in(OTHER_TOKEN)


@pytest.mark.parametrize(
    "fitting",
    [
        pytest.param(2, marks=pytest.mark.under_test(dc_station, variables={}), id="two that fit"),
        pytest.param(1, marks=pytest.mark.under_test(two_plugs, variables={}), id="one that fits"),
    ],
)
def test_tc_h_15_cs(tester: Tester, csms: Csms, fitting: int) -> None:
    """Reserve a connector with a specific type - Success"""
    if fitting == 2:
        evse, connector = 4, 1
        tester.reserve(None, connectorType="cTesla")
    else:
        evse, connector = 1, 2
        tester.reserve(None, connectorType="cType1")
        csms.wait_status("Reserved", 1, 2)
        csms.wait_status("Unavailable", 1, 1)
    presented(tester)
    if fitting == 1:
        csms.wait_status("Available", 1, 2)
        csms.wait_status("Available", 1, 1)
    tester.ev_connected(evse, connector)
    used(tester, evse)


def test_tc_h_16_cs(tester: Tester) -> None:
    """Reserve a connector with a specific type - Amount of available connectors of a type equals the amount of
    reservations"""
    for evse in tester.evses:
        tester.reserved(evse, f"04AAAAAAAA{evse:04}", evse)
    tester.reserve(None, OTHER_TOKEN, 9, connectorType="cTesla", expect="Occupied")


def test_tc_h_17_cs(tester: Tester, csms: Csms) -> None:
    """Cancel reservation of an EVSE - Success"""
    tester.reserved(1)
    assert csms.call("CancelReservation", {"reservationId": 1})["status"] == "Accepted"
    csms.wait_status("Available", 1)
    assert not csms.calls("ReservationStatusUpdate")
    unused(tester)


def test_tc_h_18_cs(tester: Tester, csms: Csms) -> None:
    """Cancel reservation of an EVSE - Rejected"""
    tester.reserved(1)
    assert csms.call("CancelReservation", {"reservationId": 7})["status"] == "Rejected"
    tester.trigger("StatusNotification", 1, 1)
    csms.wait_status("Reserved", 1)


def known_by(tester: Tester, csms: Csms, source: str) -> None:
    """The other token is known to be of the group, by what the CSMS says of it, has said or has listed."""
    csms.tokens[OTHER_TOKEN] = IN_GROUP
    if source == "cache":
        tester.visit(1, OTHER_TOKEN)
        tester.set("AuthCtrlr.LocalPreAuthorize", True)
    elif source == "list":
        tester.set("AuthCtrlr.LocalPreAuthorize", True)
        entry = {"idToken": {"idToken": OTHER_TOKEN, "type": "ISO14443"}, "idTokenInfo": IN_GROUP}
        request = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [entry]}
        assert csms.call("SendLocalList", request)["status"] == "Accepted"


@pytest.mark.parametrize("source", ["Authorize", "cache", "list"])
@pytest.mark.parametrize("how", ["local", "remote"])
def test_tc_h_19_cs(tester: Tester, csms: Csms, source: str, how: str) -> None:
    """Reserve a specific EVSE - Use a reserved EVSE with GroupId"""
    known_by(tester, csms, source)
    tester.reserved(1, group=GROUP)
    if how == "local":
        presented(tester, OTHER_TOKEN)
    else:
        group = {"idToken": GROUP, "type": "Central"}
        tester.remote_start(1, OTHER_TOKEN, **({"groupIdToken": group} if source == "Authorize" else {}))
    csms.wait_status("Available", 1)
    tester.ev_connected(1)
    used(tester, 1, OTHER_TOKEN)


def test_tc_h_21_cs(tester: Tester, csms: Csms) -> None:
    """Charging Station cancels reservation when Unavailable"""
    tester.reserved(1)
    tester.availability("Inoperative", 1)
    csms.wait_status("Unavailable", 1)
    csms.wait("ReservationStatusUpdate", reservationId=1, reservationUpdateStatus="Removed")
    tester.availability("Operative", 1)
    csms.wait_status("Available", 1)
    unused(tester)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("switched off", marks=pytest.mark.under_test(dc_station, variables={})),
        pytest.param(
            "not there", marks=pytest.mark.under_test(dc_station, variables={"ReservationCtrlr.Available": "false"})
        ),
    ],
)
def test_tc_h_22_cs(tester: Tester, how: str) -> None:
    """Reserve a specific EVSE - Configured to Reject"""
    if how == "switched off":
        tester.set("ReservationCtrlr.Enabled", False)
    tester.reserve(1, expect="Rejected")
    if how == "switched off":
        tester.set("ReservationCtrlr.Enabled", True)
        tester.reserved(1)


def test_tc_h_23_cs(tester: Tester, csms: Csms) -> None:
    """Reserve a specific EVSE - Replace reservation"""
    tester.reserved(1)
    tester.reserve(1, OTHER_TOKEN)
    tester.fence()
    presented(tester, OTHER_TOKEN)
    csms.wait_status("Available", 1)
    tester.ev_connected(1)
    used(tester, 1, OTHER_TOKEN)


@pytest.mark.parametrize(
    "evses",
    [
        pytest.param(1, marks=pytest.mark.under_test(one_socket, variables={}), id="one EVSE"),
        pytest.param(4, marks=pytest.mark.under_test(dc_station, variables={}), id="four EVSEs"),
    ],
)
def test_tc_h_24_cs(tester: Tester, csms: Csms, evses: int) -> None:
    """Reserve an unspecified EVSE - GroupIdToken"""
    csms.tokens[OTHER_TOKEN] = IN_GROUP
    tester.reserve(None, group=GROUP)
    if evses == 1:
        csms.wait_status("Reserved", 1)
    presented(tester, OTHER_TOKEN)
    if evses == 1:
        csms.wait_status("Available", 1)
    tester.ev_connected(1)
    used(tester, 1, OTHER_TOKEN)


@pytest.mark.parametrize("how", ["reset", "power cut"])
def test_tc_b_24_cs(tester: Tester, how: str) -> None:
    """Reset Charging Station - Reserved persists reset"""
    tester.reserved(1)
    if how == "reset":
        tester.reset("Immediate")
        tester.booted("RemoteReset", evse1="Reserved")
    else:
        tester.station.restart(type(tester.station).kill)
        tester.booted(evse1="Reserved")
    assert not tester.csms.calls("ReservationStatusUpdate")
    presented(tester)
    tester.ev_connected(1)
    used(tester)
