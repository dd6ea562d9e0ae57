"""What is asked of the station by the CSMS, in the words of the version that is spoken."""

from datetime import UTC, datetime
from typing import Any

from tests.csms.answers import Payload
from tests.soak.csms import CallRefused, Lost
from tests.soak.site import Site


class Office:
    def __init__(self, site: Site) -> None:
        self._site = site
        self.unanswered: list[str] = []
        """requests whose answer did not come though nothing was wrong"""
        self._request = 0

    async def ask(self, old: tuple[str, Payload] | None, new: tuple[str, Payload] | None) -> Payload:
        """The answer; empty where there is none, or the request is none of this version."""
        return await self._answer(old, new) or {}

    async def _answer(self, old: tuple[str, Payload] | None, new: tuple[str, Payload] | None) -> Payload | None:
        csms = self._site.csms
        version = csms.version
        asked = old if version == "1.6" else new
        if not version or asked is None or self._site.deaf:
            return None
        begun = self._site.now
        try:
            return await csms.call(*asked)
        except Lost:
            return None
        except TimeoutError:
            if not self._site.disturbed(begun):
                self.unanswered.append(f"{asked[0]}: no answer")
            return None
        except CallRefused as error:
            self.unanswered.append(str(error))
            return None

    # -- people --------------------------------------------------------------------------------------------------------

    async def start(self, evse: int, token: str) -> bool:
        new = {"idToken": _token(token), "remoteStartId": self._next(), "evseId": evse}
        old = {"connectorId": evse, "idTag": token}
        given = await self.ask(("RemoteStartTransaction", old), ("RequestStartTransaction", new))
        return given.get("status") == "Accepted"

    async def stop(self, evse: int, token: str) -> bool:
        """Stop what the books say is running there with that token."""
        here = [t for t in self._site.csms.books.open if t.evse == evse and t.token == token]
        if not here:
            return False
        name = here[-1].id
        old = ("RemoteStopTransaction", {"transactionId": int(name)}) if name.isdigit() else None
        given = await self.ask(old, ("RequestStopTransaction", {"transactionId": name}))
        return given.get("status") == "Accepted"

    async def unlock(self, evse: int) -> Payload:
        return await self.ask(
            ("UnlockConnector", {"connectorId": evse}), ("UnlockConnector", {"evseId": evse, "connectorId": 1})
        )

    async def reserve(self, evse: int, token: str, for_s: float) -> int:
        """The number of the reservation, 0 where there is none."""
        number, until = self._next(), _text(self._site.csms.wall() + for_s)
        old = {"connectorId": evse, "idTag": token, "reservationId": number, "expiryDate": until}
        new = {"id": number, "expiryDateTime": until, "idToken": _token(token), "evseId": evse}
        given = await self.ask(("ReserveNow", old), ("ReserveNow", new))
        return number if given.get("status") == "Accepted" else 0

    async def cancel(self, number: int) -> Payload:
        asked = ("CancelReservation", {"reservationId": number})
        return await self.ask(asked, asked)

    # -- the station ---------------------------------------------------------------------------------------------------

    async def operate(self, operative: bool, evse: int) -> bool:
        word = "Operative" if operative else "Inoperative"
        new = {"operationalStatus": word, "evse": {"id": evse}}
        given = await self.ask(("ChangeAvailability", {"type": word, "connectorId": evse}), ("ChangeAvailability", new))
        if operative:  # what 1.6 had set, it had set for the connector
            new["evse"] = {"id": evse, "connectorId": 1}
            given = (given and await self.ask(None, ("ChangeAvailability", new))) or given
        return given.get("status") in ("Accepted", "Scheduled")

    async def reset(self, on_idle: bool) -> bool:
        old = {"type": "Soft" if on_idle else "Hard"}
        given = await self.ask(("Reset", old), ("Reset", {"type": "OnIdle" if on_idle else "Immediate"}))
        return given.get("status") in ("Accepted", "Scheduled")

    async def set(self, key: str, variable: str, value: str) -> Payload:
        new = {"setVariableData": [_named(variable) | {"attributeValue": value}]}
        old = ("ChangeConfiguration", {"key": key, "value": value}) if key else None
        return await self.ask(old, ("SetVariables", new))

    async def set_network(self, slot: int, url: str) -> bool:
        """1.6 knows no slots."""
        profile = {
            "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": url, "messageTimeout": 30,
            "securityProfile": 1, "ocppInterface": "Wired0",
        }  # fmt: skip
        given = await self.ask(None, ("SetNetworkProfile", {"configurationSlot": slot, "connectionData": profile}))
        return given.get("status") == "Accepted"

    async def slot_in_use(self) -> int:
        """0 where that is not known."""
        named = _named("OCPPCommCtrlr.ActiveNetworkProfile")
        given = await self.ask(None, ("GetVariables", {"getVariableData": [named]}))
        return int(given["getVariableResult"][0]["attributeValue"]) if given else 0

    async def change_password(self, password: str) -> bool:
        """False: it is not known whether it was taken."""
        variable = _named("SecurityCtrlr.BasicAuthPassword") | {"attributeValue": password}
        old = {"key": "AuthorizationKey", "value": password.encode().hex()}
        given = await self.ask(("ChangeConfiguration", old), ("SetVariables", {"setVariableData": [variable]}))
        results = given.get("setVariableResult", [{"attributeStatus": given.get("status")}])
        return results[0]["attributeStatus"] in ("Accepted", "RebootRequired")

    async def trust(self, root: str) -> bool:
        """Have the root installed by which certificates of the station are signed."""
        old = {"certificateType": "CentralSystemRootCertificate", "certificate": root}
        new = {"certificateType": "CSMSRootCertificate", "certificate": root}
        given = await self.ask(("InstallCertificate", old), ("InstallCertificate", new))
        return given.get("status") == "Accepted"

    async def ask_for_request(self) -> bool:
        """Have the station ask for a new certificate of its own."""
        old, new = (
            {"requestedMessage": "SignChargePointCertificate"},
            {"requestedMessage": "SignChargingStationCertificate"},
        )
        given = await self.ask(("ExtendedTriggerMessage", old), ("TriggerMessage", new))
        return given.get("status") == "Accepted"

    async def sign(self, chain: str) -> str:
        """What the station says to a certificate; empty where that is not known."""
        old = {"certificateChain": chain}
        new = old | {"certificateType": "ChargingStationCertificate"}
        return str((await self.ask(("CertificateSigned", old), ("CertificateSigned", new))).get("status", ""))

    async def look(self) -> None:
        """All that can be asked for without changing anything."""
        await self.ask(
            ("GetConfiguration", {}), ("GetBaseReport", {"requestId": self._next(), "reportBase": "FullInventory"})
        )
        names = [_named("OCPPCommCtrlr.HeartbeatInterval"), _named("ClockCtrlr.DateTime")]
        await self.ask(None, ("GetVariables", {"getVariableData": names}))
        for evse in (0, 1):
            await self.ask(
                ("GetCompositeSchedule", {"connectorId": evse, "duration": 86_400}),
                ("GetCompositeSchedule", {"evseId": evse, "duration": 86_400}),
            )
        await self.ask(("GetLocalListVersion", {}), ("GetLocalListVersion", {}))
        await self.ask(None, ("GetTransactionStatus", {}))
        await self.ask(None, ("GetChargingProfiles", {"requestId": self._next(), "chargingProfile": {}}))

    async def trigger(self, what: str, evse: int) -> None:
        old, new = {"requestedMessage": what}, {"requestedMessage": what}
        if what in ("StatusNotification", "MeterValues"):
            old |= {"connectorId": evse}  # type: ignore[dict-item]
            new |= {"evse": {"id": evse} | ({"connectorId": 1} if what == "StatusNotification" else {})}  # type: ignore[dict-item]
        await self.ask(("TriggerMessage", old), ("TriggerMessage", new))

    async def send_list(self, tokens: list[str]) -> None:
        version = self._next()
        old = [{"idTag": token, "idTagInfo": {"status": "Accepted"}} for token in tokens]
        new = [{"idToken": _token(token), "idTokenInfo": {"status": "Accepted"}} for token in tokens]
        await self.ask(
            ("SendLocalList", {"listVersion": version, "updateType": "Full", "localAuthorizationList": old}),
            ("SendLocalList", {"versionNumber": version, "updateType": "Full", "localAuthorizationList": new}),
        )

    async def clear_cache(self) -> None:
        await self.ask(("ClearCache", {}), ("ClearCache", {}))

    async def limit(self, evse: int, amps: float) -> None:
        """A TxDefaultProfile that replaces the one before."""
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amps}]}
        common = {"stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute"}
        schedule["startSchedule"] = "2027-01-01T00:00:00Z"
        old = common | {"chargingProfileId": 10 + evse, "chargingSchedule": schedule}
        new = common | {"id": 10 + evse, "chargingSchedule": [schedule | {"id": 1}]}
        await self.ask(
            ("SetChargingProfile", {"connectorId": evse, "csChargingProfiles": old}),
            ("SetChargingProfile", {"evseId": evse, "chargingProfile": new}),
        )

    async def clear_limits(self) -> None:
        await self.ask(
            ("ClearChargingProfile", {}), ("ClearChargingProfile", {"chargingProfileCriteria": {"stackLevel": 1}})
        )

    async def upload_log(self, location: str) -> bool:
        log = {"logType": "DiagnosticsLog", "requestId": self._next(), "log": {"remoteLocation": location}}
        given = await self.ask(("GetDiagnostics", {"location": location}), ("GetLog", log))
        return bool(given)

    async def update_firmware(self, location: str) -> bool:
        """Whether it is known that it was asked for."""
        at = _text(self._site.csms.wall())
        new = {"requestId": self._next(), "firmware": {"location": location, "retrieveDateTime": at}}
        old = {"location": location, "retrieveDate": at}
        return await self._answer(("UpdateFirmware", old), ("UpdateFirmware", new)) is not None

    def _next(self) -> int:
        self._request += 1
        return self._request


def _token(token: str) -> Payload:
    return {"idToken": token, "type": "ISO14443"}


def _named(variable: str) -> dict[str, Any]:
    component, _, name = variable.partition(".")
    return {"component": {"name": component}, "variable": {"name": name}}


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
