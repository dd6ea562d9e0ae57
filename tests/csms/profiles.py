"""A charging profile, set in the words of either version."""

from typing import Any

from tests.csms import Csms


def set_default(csms: Csms, dialect: str, unit: str = "A", **period: Any) -> None:
    """T> SetChargingProfile with a TxDefaultProfile of this one period for the first connector, S> Accepted."""
    periods = [{"startPeriod": 0} | period]
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods, "startSchedule": "2026-01-01T00:00:00Z"}
    common = {"stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute"}
    if dialect == "1.6":
        profile = common | {"chargingProfileId": 7, "chargingSchedule": schedule}
        reply = csms.call("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
    else:
        profile = common | {"id": 7, "chargingSchedule": [schedule | {"id": 1}]}
        reply = csms.call("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
    assert reply["status"] == "Accepted"
