"""What the CSMS asks in a visit, in the words of either version. Each returns the status of the answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.csms import Csms
from tests.daemon.visit import OTHER, Desk

PAST = "2020-01-01T00:00:00Z"
PATIENCE_S = 77
RESERVATION, PROFILE, LIST_VERSION, UPDATE = 5, 7, 3, 1
RESERVED_EVSE, CLOSED_EVSE = 2, 3


class Words:
    """limit: of the profile, as (unit, value)."""

    def __init__(self, csms: Csms, limit: tuple[str, float]) -> None:
        self._csms = csms
        self._desk = Desk(csms)
        self._limit = limit
        self.old = csms.versions == ("1.6",)

    def set_variable(self) -> str:
        return self._desk.set("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut", str(PATIENCE_S))

    def reserve(self) -> str:
        until = _in_hours(1)
        old = {
            "connectorId": RESERVED_EVSE, "idTag": OTHER, "reservationId": RESERVATION, "expiryDate": until
        }  # fmt: skip
        new = {
            "evseId": RESERVED_EVSE, "idToken": _token(OTHER), "id": RESERVATION, "expiryDateTime": until
        }  # fmt: skip
        return self._status("ReserveNow", old if self.old else new)

    def close(self) -> str:
        return self._desk.operate(operative=False, evse=CLOSED_EVSE)

    def limit(self) -> str:
        unit, value = self._limit
        periods = [{"startPeriod": 0, "limit": value}]
        schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods, "startSchedule": PAST}
        common = {"stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute"}
        if self.old:
            profile = common | {"chargingProfileId": PROFILE, "chargingSchedule": schedule}
            return self._status("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
        profile = common | {"id": PROFILE, "chargingSchedule": [schedule | {"id": 1}]}
        return self._status("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})

    def send_list(self) -> str:
        common = {"updateType": "Full"}
        if self.old:
            entries: list[Any] = [{"idTag": OTHER, "idTagInfo": {"status": "Accepted"}}]
            return self._status(
                "SendLocalList", common | {"listVersion": LIST_VERSION, "localAuthorizationList": entries}
            )
        entries = [{"idToken": _token(OTHER), "idTokenInfo": {"status": "Accepted"}}]
        return self._status(
            "SendLocalList", common | {"versionNumber": LIST_VERSION, "localAuthorizationList": entries}
        )

    def update_firmware(self, location: str) -> str:
        if self.old:  # its answer has no status
            self._csms.call("UpdateFirmware", {"location": location, "retrieveDate": PAST})
            return "Accepted"
        firmware = {"location": location, "retrieveDateTime": PAST, "installDateTime": PAST}
        return self._status("UpdateFirmware", {"requestId": UPDATE, "firmware": firmware})

    def _status(self, action: str, payload: dict[str, Any]) -> str:
        return str(self._csms.call(action, payload)["status"])


def _token(name: str) -> dict[str, str]:
    return {"idToken": name, "type": "ISO14443"}


def _in_hours(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds").replace("+00:00", "Z")
