"""What an EVSE may draw from now on, as a technician and as the CSMS hear it."""

import pytest

from tests.csms import Csms
from tests.daemon.control import ControlError
from tests.daemon.process import Station


@pytest.fixture
def accepted(station: Station, csms: Csms) -> Station:
    csms.wait("BootNotification")
    csms.wait("SecurityEventNotification")
    return station


def test_a_technician_is_told_what_the_csms_is_told(csms: Csms, dialect: str, accepted: Station) -> None:
    place = "connectorId" if dialect == "1.6" else "evseId"
    reply = csms.call("GetCompositeSchedule", {place: 1, "duration": 86_400, "chargingRateUnit": "W"})
    told = reply["chargingSchedule"] if dialect == "1.6" else reply["schedule"]
    shown = accepted.ctl("schedule", evse=1, unit="W")
    assert shown["evse"] == 1
    assert (shown["duration_s"], shown["unit"]) == (told["duration"], told["chargingRateUnit"])
    (period,) = shown["periods"]
    assert period["at"] == shown["starts_at"]
    said = {"startPeriod": period["start_s"], "limit": period["limit"], "numberPhases": period["phases"]}
    assert [said] == told["chargingSchedulePeriod"]


def test_of_an_unknown_evse_a_technician_is_told_which_there_are(accepted: Station) -> None:
    with pytest.raises(ControlError, match="this station has 1, 2"):
        accepted.ctl("schedule", evse=9)
