"""Reservation: a connector, or connector 0 for any, kept for a tag or its parent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.stations import ac_cable, dc_station, one_socket, with_stop
from tests.conformance.v16.tester import GROUP, OTHER_TOKEN, TOKEN, Tester, in_days
from tests.csms import Csms
from tests.daemon.visit import until

RESERVATION = 17
TOLERANCE = timedelta(seconds=0.1)


def reserve(tester: Tester, connector: int, expect: str, token: str = TOKEN, number: int = RESERVATION) -> None:
    """T> ReserveNow, S> this status."""
    payload = {"connectorId": connector, "idTag": token, "reservationId": number, "expiryDate": in_days(1)}
    status = tester.csms.call("ReserveNow", payload)["status"]
    assert status == expect, tester.csms.told(f"ReserveNow: {status}, expected {expect}")


def presented(tester: Tester, token: str = TOKEN, connector: int = 1) -> None:
    """The tag is presented (Authorize optional), S> Preparing."""
    tester.present(token)
    until(lambda: tester.let_in(token), "authorized driver")
    tester.status(connector, "Preparing")


def unused(tester: Tester, connector: int = 1, token: str = OTHER_TOKEN) -> None:
    """Another tag charges there, S> StartTransaction without a reservation."""
    tester.charging(connector, token)
    assert not [m for m in tester.csms.calls("StartTransaction") if "reservationId" in m.payload]


def test_tc_046_1_cs(tester: Tester) -> None:
    """Reservation of a Connector - Local start transaction"""
    for connector in (2, 3, 4):
        tester.unavailable(connector)
    tester.reserved(1, TOKEN, RESERVATION)
    tester.present(OTHER_TOKEN)
    tester.fence()
    assert not tester.let_in(OTHER_TOKEN)
    assert tester.last_status(1) == "Reserved"
    presented(tester)
    tester.plug_in(1)
    tester.started(1, TOKEN, reservationId=RESERVATION)


def test_tc_046_2_cs(tester: Tester) -> None:
    """Reservation of a Connector - Remote start transaction"""
    for connector in (2, 3, 4):
        tester.unavailable(connector)
    tester.reserved(1, TOKEN, RESERVATION)
    tester.plug_in(1)
    tester.fence()
    assert tester.last_status(1) == "Reserved", "a cable is not the tag"
    tester.remote_start(1)
    tester.started(1, TOKEN, reservationId=RESERVATION)


def test_tc_047_cs(tester: Tester) -> None:
    """Reservation of a Connector - Expire"""
    expiry = in_days(4 / 86_400)
    tester.reserved(1, expiryDate=expiry)
    tester.status(1, "Available")
    assert datetime.now(UTC) >= datetime.fromisoformat(expiry) - TOLERANCE, "before it expired"
    unused(tester)


def test_tc_048_1_cs(tester: Tester) -> None:
    """Reservation of a Connector - Faulted"""
    tester.faulted(1)
    reserve(tester, 1, "Faulted")


def test_tc_048_2_cs(tester: Tester) -> None:
    """Reservation of a Connector - Occupied"""
    tester.occupied(1)
    reserve(tester, 1, "Occupied")


def test_tc_048_3_cs(tester: Tester) -> None:
    """Reservation of a Connector - Unavailable"""
    tester.unavailable(1)
    reserve(tester, 1, "Unavailable")


WITHOUT = {"ReservationCtrlr.Available": "false"}


@pytest.mark.under_test(dc_station, variables=WITHOUT)
def test_tc_048_4_cs(tester: Tester) -> None:
    """Reservation of a Connector - Rejected"""
    assert "Reservation" not in tester.configuration("SupportedFeatureProfiles")["SupportedFeatureProfiles"].split(",")
    reserve(tester, 1, "Rejected")


@pytest.mark.parametrize("connector", [1, 2])
@pytest.mark.under_test(ac_cable, variables={})
def test_tc_049_cs(tester: Tester, connector: int) -> None:
    """Reservation of a Charge Point - Transaction"""
    assert tester.configuration("ReserveConnectorZeroSupported") == {"ReserveConnectorZeroSupported": "true"}
    other = 3 - connector
    tester.occupied(other)  # so that one is left to be reserved
    reserve(tester, 0, "Accepted")
    tester.status(connector, "Reserved")
    tester.unplugged(other)
    tester.status(connector, "Available")
    tester.plug_in(connector)
    tester.status(other, "Reserved")
    tester.remote_start(connector)
    tester.started(connector, TOKEN, reservationId=RESERVATION)
    tester.status(other, "Available")


@pytest.mark.under_test(with_stop(dc_station), variables={})
def test_tc_050_1_cs(tester: Tester) -> None:
    """Reservation of a Charge Point - Faulted"""
    tester.all_faulted()
    reserve(tester, 0, "Faulted")


@pytest.mark.under_test(ac_cable, variables={})
def test_tc_050_2_cs(tester: Tester) -> None:
    """Reservation of a Charge Point - Occupied"""
    for connector in tester.connectors:
        tester.occupied(connector)
    reserve(tester, 0, "Occupied")


def test_tc_050_3_cs(tester: Tester) -> None:
    """Reservation of a Charge Point - Unavailable"""
    tester.unavailable(0)
    reserve(tester, 0, "Unavailable")


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("no profile", marks=pytest.mark.under_test(dc_station, variables=WITHOUT)),
        pytest.param(
            "not of connector 0",
            marks=pytest.mark.under_test(dc_station, variables={}, keys={"ReserveConnectorZeroSupported": "false"}),
        ),
    ],
)
def test_tc_050_4_cs(tester: Tester, how: str) -> None:
    """Reservation of a Charge Point - Rejected"""
    reserve(tester, 0, "Rejected")
    reserve(tester, 1, "Rejected" if how == "no profile" else "Accepted")


def test_tc_051_cs(tester: Tester, csms: Csms) -> None:
    """Cancel Reservation"""
    tester.reserved(1, TOKEN, RESERVATION)
    assert csms.call("CancelReservation", {"reservationId": RESERVATION})["status"] == "Accepted"
    tester.status(1, "Available")
    unused(tester)


def test_tc_052_cs(tester: Tester, csms: Csms) -> None:
    """Cancel Reservation - Rejected"""
    tester.reserved(1, TOKEN, RESERVATION)
    assert csms.call("CancelReservation", {"reservationId": RESERVATION + 1})["status"] == "Rejected"
    tester.trigger("StatusNotification", 1)
    tester.status(1, "Reserved")


@pytest.mark.under_test(one_socket, variables={})
def test_tc_053_cs(tester: Tester, csms: Csms) -> None:
    """Use a reserved Connector with parentIdTag"""
    family: dict[str, Any] = {"status": "Accepted", "parentIdTag": GROUP}
    csms.tokens[OTHER_TOKEN] = family
    tester.reserved(1, TOKEN, RESERVATION, parentIdTag=GROUP)
    tester.present(OTHER_TOKEN)
    csms.wait("Authorize", {"idTag": OTHER_TOKEN})
    tester.status(1, "Preparing")
    tester.plug_in(1)
    tester.started(1, OTHER_TOKEN, reservationId=RESERVATION)
