"""A reservation as people see it: on the display, and by chargepointctl."""

import pytest

from tests.conformance.v16.tester import in_days
from tests.csms import Csms
from tests.daemon.config import ac_station
from tests.daemon.process import Station
from tests.daemon.visit import until

pytestmark = pytest.mark.process

TOKEN = "04A2B3C4D5E680"


def reserve(csms: Csms, dialect: str) -> None:
    if dialect == "1.6":
        request = {"connectorId": 1, "idTag": TOKEN, "reservationId": 7, "expiryDate": in_days(1)}
    else:
        id_token = {"idToken": TOKEN, "type": "ISO14443"}
        request = {"evseId": 1, "idToken": id_token, "id": 7, "expiryDateTime": in_days(1)}
    assert csms.call("ReserveNow", request)["status"] == "Accepted"


def test_people_see_that_an_evse_is_reserved_and_until_when(csms: Csms, dialect: str) -> None:
    with Station(ac_station(csms.url, versions=[dialect])) as station:
        csms.wait("BootNotification")
        until(lambda: station.ctl("status")["csms"]["registration"] == "Accepted", "registration")
        reserve(csms, dialect)
        until(lambda: station.ctl("sim.display")["lines"][-1] == "Reserved", "a word on the display")
        evse = station.ctl("status")["evses"][0]
        assert (evse["reserved_by"], evse["connectors"][0]["status"]) == ("…E680", "Reserved")
        [row] = station.ctl("reservations")["reservations"]
        assert row.pop("expires_at") > in_days(0.9)
        assert row == {"id": 7, "evse": 1, "token": "…E680"} | ({"connector": 1} if dialect == "1.6" else {})
        station.ctl("sim.swipe", token=TOKEN)
        until(lambda: station.ctl("sim.display")["lines"][-1] == "Plug in", "a word on the display")
        assert station.ctl("reservations") == {"reservations": []}
