"""The protocol implementation conformance statement: which optional features of OCPP 2.0.1 this station has; those of
1.6 are in `pics_v16.py`.

The questions are those of the certification programme, by their ids. Each answer is computed from how the station is
built, what its device model allows and which requests it offers; so it holds for the configuration that runs.
"""

import re
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from chargepointd.core.plan import StationPlan
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.variables.registry import Registry
from chargepointd.sections import Config

Said = bool | str
NETWORK = Path("/sys/class/net")


class Facts(NamedTuple):
    """What the answers follow from."""

    config: Config
    plan: StationPlan
    variables: Registry
    requests: frozenset[str]
    """what the CSMS may ask, by action"""
    triggers: frozenset[str]
    """what TriggerMessage may ask for"""

    def may(self, name: str, value: str = "") -> bool:
        """There is such a variable; and it is, or can be made, `value`, or contain it."""
        variable = self.variables.named(name)
        if variable is None:
            return False
        if not value or self.variables.text(str(variable.ref)).lower() == value.lower():
            return True
        if variable.values:
            return value in variable.values
        return variable.mutability != "ReadOnly" and variable.datatype == "boolean"

    def text(self, name: str) -> str:
        variable = self.variables.named(name)
        return self.variables.text(str(variable.ref)) if variable else ""

    def least(self, name: str) -> str:
        variable = self.variables.named(name)
        return "" if variable is None or variable.min_limit is None else f"{variable.min_limit:g}"

    def values(self, name: str) -> str:
        """What a list may hold."""
        variable = self.variables.named(name)
        return ",".join(variable.values) if variable else ""

    def kind(self, *kinds: str) -> bool:
        """A token of this kind can be presented here."""
        return any(kind in self.text("AuthCtrlr.SupportedIdTokenTypes").split(",") for kind in kinds)

    def true(self, name: str) -> bool:
        """There is such a variable, and it is true."""
        return self.variables.named(name) is not None and self.variables.boolean(name)

    # -- how the station is built --------------------------------------------------------------------------------------

    def cable(self, *, fixed: bool) -> bool:
        return any(c.fixed_cable is fixed for evse in self.plan.evses for c in evse.connectors)

    def phases(self, phases: int) -> bool:
        return any(evse.supply == "AC" and evse.phases == phases for evse in self.plan.evses)

    @property
    def shut(self) -> bool:
        return any(connector.shut for evse in self.plan.evses for connector in evse.connectors)

    @property
    def fewer_phases(self) -> bool:
        """Some of them alone cannot be used: a profile that asks for that is refused (K01.FR.43)."""
        return any(evse.supply == "AC" and evse.phases > 1 for evse in self.plan.evses)

    def supply(self, supply: str) -> bool:
        return any(evse.supply == supply for evse in self.plan.evses)

    @property
    def pilot(self) -> bool:
        return any(evse.pilot or any(connector.pilot for connector in evse.connector) for evse in self.config.evse)

    @property
    def one_evse_a_reader(self) -> bool:
        """Whoever shows a card there has chosen the EVSE by it."""
        return len(self.plan.evses) == 1 or all(len(reader.evses) == 1 for reader in self.config.reader)

    @property
    def has_list(self) -> bool:
        return self.true("LocalAuthListCtrlr.Available")

    @property
    def offline(self) -> bool:
        """A transaction can begin while the CSMS is away."""
        known = self.may("AuthCtrlr.OfflineTxForUnknownIdEnabled", "true") or self.may("AuthCacheCtrlr.Enabled", "true")
        return self.may("AuthCtrlr.LocalAuthorizeOffline", "true") and (known or self.has_list)


class Row(NamedTuple):
    id: str
    feature: str
    by: str
    """the variable, request or hardware that decides"""
    answer: Callable[[Facts], Said]


class Answer(NamedTuple):
    id: str
    feature: str
    answer: str
    """Yes, No, or a value"""
    by: str


def statement(
    version: str, config: Config, plan: StationPlan, variables: Registry, triggers: frozenset[str]
) -> list[Answer]:
    """version: "1.6", or any 2.x."""
    dialect, module = ("v16", "pics_v16") if version == "1.6" else ("v2", "pics")
    requests = import_module(f"chargepointd.dialects.{dialect}.requests").OFFERED
    rows = import_module(f"chargepointd.daemon.{module}").ROWS
    facts = Facts(config, plan, variables, frozenset(requests), triggers)
    return [Answer(row.id, row.feature, _word(row.answer(facts)), row.by) for row in rows]


def _word(said: Said) -> str:
    return said if isinstance(said, str) else "Yes" if said else "No"


def _may(id_: str, feature: str, name: str, value: str = "") -> Row:
    return Row(id_, feature, name + (f"={value}" if value else ""), lambda facts: facts.may(name, value))


def _asked(id_: str, feature: str, *actions: str) -> Row:
    return Row(id_, feature, ", ".join(actions), lambda facts: facts.requests.issuperset(actions))


def _trigger(id_: str, kind: str) -> Row:
    return Row(id_, f"Trigger {kind}", "TriggerMessage", lambda facts: kind in facts.triggers)


def _kind(id_: str, feature: str, *kinds: str) -> Row:
    return Row(id_, feature, "AuthCtrlr.SupportedIdTokenTypes", lambda facts: facts.kind(*kinds))


def _value(id_: str, feature: str, name: str) -> Row:
    return Row(id_, feature, name, lambda facts: facts.text(name))


def _least(id_: str, feature: str, name: str) -> Row:
    return Row(id_, feature, name, lambda facts: facts.least(name))


def _list(id_: str, feature: str, name: str) -> Row:
    return Row(id_, feature, name, lambda facts: facts.values(name))


def _built(id_: str, feature: str, by: str, holds: Callable[[Facts], Said]) -> Row:
    return Row(id_, feature, by, holds)


def _locks(facts: Facts) -> bool:
    return any(connector.lock for evse in facts.plan.evses for connector in evse.connectors)


def _has_core(facts: Facts) -> bool:
    return facts.requests.issuperset(_CORE) and facts.true("FirmwareCtrlr.Available")


def _has_smart(facts: Facts) -> bool:
    return facts.requests.issuperset(_SMART) and facts.true(_CHARGING)


_CORE = (
    "GetBaseReport", "GetVariables", "SetVariables", "SetNetworkProfile", "Reset", "RequestStartTransaction",
    "RequestStopTransaction", "TriggerMessage", "ChangeAvailability", "UpdateFirmware", "GetLog", "InstallCertificate",
    "GetInstalledCertificateIds", "DeleteCertificate", "CustomerInformation", "DataTransfer", "GetTransactionStatus",
)  # fmt: skip
_ADVANCED = (
    "GetReport", "SetVariableMonitoring", "SetMonitoringBase", "SetMonitoringLevel", "GetMonitoringReport",
    "ClearVariableMonitoring",
)  # fmt: skip
_SMART = ("SetChargingProfile", "GetChargingProfiles", "ClearChargingProfile", "GetCompositeSchedule")
_CHARGING, _UNITS = "SmartChargingCtrlr.Available", "SmartChargingCtrlr.RateUnit"
_MONITORS = ("SetVariableMonitoring", "GetMonitoringReport")
_START, _STOP = "TxCtrlr.TxStartPoint", "TxCtrlr.TxStopPoint"
_SAMPLED, _ALIGNED = "SampledDataCtrlr", "AlignedDataCtrlr"
_LIMITS = "DeviceDataCtrlr"


def _profiles() -> Iterable[Row]:
    yield _built(
        "profile-Core", "Certification profile Core", ", ".join(("FirmwareCtrlr.Available", *_CORE)), _has_core
    )
    yield _asked("profile-AS", "Certification profile Advanced Security", "CertificateSigned", "InstallCertificate")
    yield _built("profile-SC", "Certification profile Smart Charging", _CHARGING, _has_smart)
    for id_, unit in (("SC-2.1", "A"), ("SC-2.2", "W")):
        yield _built(id_, f"Charging profiles in {unit}", _UNITS, lambda facts, unit=unit: unit in facts.text(_UNITS))  # type: ignore[misc]
    available = "LocalAuthListCtrlr.Available"
    yield _built("LA-0", "Local Authorization List Management", available, lambda facts: facts.has_list)
    yield _reserves("R-0", "Reservation", "ReserveNow, CancelReservation")
    for id_, feature in (("R-1", "Reserve a connector type"), ("R-2", "Reserve an unspecified EVSE")):
        yield _reserves(id_, feature, "ReservationCtrlr.NonEvseSpecific", "true")
    yield _reserves("R-3", "Reservations can be switched off", "ReservationCtrlr.Enabled", "false")
    yield _asked("DM-0", "Advanced Device Management", *_ADVANCED)
    yield _asked("UI-0", "Advanced User Interface", "SetDisplayMessage", "GetDisplayMessages", "CostUpdated")
    yield _may("profile-ISO", "ISO 15118 Support", "ISO15118Ctrlr.Enabled", "true")


def _reserves(id_: str, feature: str, by: str, value: str = "") -> Row:
    def holds(facts: Facts) -> bool:
        asked = facts.requests.issuperset(("ReserveNow", "CancelReservation"))
        return asked and facts.true("ReservationCtrlr.Available") and (not value or facts.may(by, value))

    return _built(id_, feature, f"{by}={value}" if value else by, holds)


def _transactions() -> Iterable[Row]:
    by = "AuthCtrlr.LocalAuthorizeOffline"
    yield _built("C-01", "Offline authorization of transactions", by, lambda facts: facts.offline)
    yield _may("C-02", "Offline start for unknown ids", "AuthCtrlr.OfflineTxForUnknownIdEnabled", "true")
    yield _may("C-03", "Maximum energy for an invalid id", "TxCtrlr.MaxEnergyOnInvalidId")
    yield _built("C-04", "Limit StatusNotifications", "MinimumStatusDuration", lambda facts: _status_can_wait(facts))
    yield _may("C-06.1", "Authorization kept when unplugged at the EV", "TxCtrlr.StopTxOnEVSideDisconnect", "false")
    yield _may("C-06.2", "Authorization dropped when unplugged at the EV", "TxCtrlr.StopTxOnEVSideDisconnect", "true")
    master = "AuthCtrlr.MasterPassGroupId"
    yield _built("C-07", "Master pass, with keypad and display", master,
                 lambda facts: facts.may(master) and facts.plan.menu)  # fmt: skip
    yield _built("C-08", "Master pass, without", master, lambda facts: facts.may(master) and not facts.plan.menu)
    for n, point in enumerate(
        ("EVConnected", "Authorized", "DataSigned", "PowerPathClosed", "EnergyTransfer", "ParkingBayOccupancy"), 1
    ):
        yield _may(f"C-09.{n}", f"Start point {point}", _START, point)
    for n, point in enumerate(
        ("EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer", "ParkingBayOccupancy"), 1
    ):
        yield _may(f"C-10.{n}", f"Stop point {point}", _STOP, point)
    unlock = "OCPPCommCtrlr.UnlockOnEVSideDisconnect"
    yield _asked("C-11", "Unlock a detachable cable", "UnlockConnector")
    yield _may("C-12.1", "Unlocked when unplugged at the EV", unlock, "true")
    yield _may("C-12.2", "Kept locked when unplugged at the EV", unlock, "false")
    yield _built(
        "C-13", "Reset of a single EVSE", "EVSE.AllowReset", lambda facts: facts.may("EVSE#1.AllowReset", "true")
    )
    yield _asked("C-14", "Customer information by customerIdentifier", "CustomerInformation")
    yield _firmware("C-15", "Scheduled firmware updates", "Available")
    yield _asked("C-16", "State of a transaction", "GetTransactionStatus")


def _status_can_wait(facts: Facts) -> bool:
    names = ("OCPP16Ctrlr.MinimumStatusDuration", "EVSE#1.MinimumStatusDuration", "Connector#1.1.MinimumStatusDuration",
             "ChargingStation.MinimumStatusDuration")  # fmt: skip
    for name in names:
        variable = facts.variables.named(name)
        if variable and variable.mutability == "ReadWrite" and (variable.max_limit or 1) > 0:
            return True
    return False


def _station() -> Iterable[Row]:
    yield _asked("C-17", "ConfigurationInventory", "GetBaseReport")
    yield _may("C-20", "New sessions while an update is pending",
               "ChargingStation.AllowNewSessionsPendingFirmwareUpdate", "true")  # fmt: skip
    yield _may("C-21", "All messages queued, or only those of transactions", "OCPPCommCtrlr.QueueAllMessages", "true")
    yield _list("C-23", "Time sources", "ClockCtrlr.TimeSource")
    yield _may("C-25", "Time offset", "ClockCtrlr.TimeOffset")
    yield _may("C-26", "Time zone", "ClockCtrlr.TimeZone")
    yield _may("C-28", "Aligned values only when idle", f"{_ALIGNED}.SendDuringIdle", "true")
    kinds = ("MeterValues", "TransactionEvent", "LogStatusNotification", "FirmwareStatusNotification",
             "StatusNotification", "BootNotification")  # fmt: skip
    for n, kind in enumerate(kinds, 1):
        yield _trigger(f"C-29.{n}", kind)


def _authorization() -> Iterable[Row]:
    cache = "AuthCacheCtrlr"
    yield _kind("C-30", "Local start by ISO 14443 card", "ISO14443")
    yield _kind("C-31", "Local start by ISO 15693 card", "ISO15693")
    yield _kind("C-32", "Local start by key code", "KeyCode")
    yield _kind("C-33", "Local start by a locally generated id", "Local")
    yield _kind("C-34", "Local start by MAC address", "MacAddress")
    yield _kind("C-35", "Local start without authorization", "NoAuthorization")
    for id_, kind in (("C-36", "ISO14443"), ("C-37", "ISO15693"), ("C-38", "Central"), ("C-39", "NoAuthorization")):
        yield _asked(id_, f"Remote start with a token of type {kind}", "RequestStartTransaction")
    yield _may("C-48.1", "Remote starts authorized", "AuthCtrlr.AuthorizeRemoteStart", "true")
    yield _may("C-48.2", "Remote starts trusted", "AuthCtrlr.AuthorizeRemoteStart", "false")
    yield _may("C-49", "Authorization cache", f"{cache}.Enabled", "true")
    yield _may("C-53", "Cache life time", f"{cache}.LifeTime")
    yield _list("C-54", "Cache policies", f"{cache}.Policy")
    yield _may("C-58", "Remote authorization can be switched off", "AuthCtrlr.DisableRemoteAuthorization", "true")
    yield _may("C-59", "Cached invalid tokens not asked for again", f"{cache}.DisablePostAuthorize", "true")
    yield _kind("C-70", "Local stop by ISO 14443 card", "ISO14443")
    yield _kind("C-71", "Local stop by ISO 15693 card", "ISO15693")
    yield _kind("C-72", "Local stop by key code", "KeyCode")
    yield _kind("C-75", "Local stop without authorization", "NoAuthorization")


def _lists() -> Iterable[Row]:
    def has(id_: str, feature: str, name: str, value: str) -> Row:
        return _built(id_, feature, name, lambda facts: facts.has_list and facts.may(name, value))

    yield has("LA-1", "Local list switched on and off", "LocalAuthListCtrlr.Enabled", "false")
    yield has("LA-3", "Listed invalid tokens not asked for again", "LocalAuthListCtrlr.DisablePostAuthorize", "true")


def _values() -> Iterable[Row]:
    yield _list("C-40.1", "Measurands at the start", f"{_SAMPLED}.TxStartedMeasurands")
    yield _list("C-40.2", "Measurands during a transaction", f"{_SAMPLED}.TxUpdatedMeasurands")
    yield _list("C-40.3", "Measurands at the end", f"{_SAMPLED}.TxEndedMeasurands")
    yield _list("C-40.4", "Aligned measurands", f"{_ALIGNED}.Measurands")
    yield _list("C-40.5", "Aligned measurands at the end", f"{_ALIGNED}.TxEndedMeasurands")
    yield _may("C-42", "Signed meter values", f"{_SAMPLED}.SignReadings", "true")


def _files_and_security() -> Iterable[Row]:
    from chargepointd.link.tls import CIPHERS

    suites = ",".join(name for name in CIPHERS.split(":") if not name.startswith("@"))
    yield _built("C-41", "TLS cipher suites", "with TLS 1.2; those of TLS 1.3 besides", lambda facts: suites)
    yield _built("C-44", "Pending before Accepted", "BootNotification", lambda facts: True)
    yield _asked("C-45", "Several elements in GetVariables", "GetVariables")
    yield _asked("C-46", "Several elements in SetVariables", "SetVariables")
    yield _may("C-47", "Fall back after failed network profiles", "OCPPCommCtrlr.NetworkProfileConnectionAttempts")
    yield _asked("C-50.1", "FullInventory while onboarding", "GetBaseReport")
    yield _asked("C-50.2", "FullInventory on demand", "GetBaseReport")
    for id_, name in (("C-51", _START), ("C-52", _STOP)):
        yield _built(id_, f"{name} can be set", name, lambda facts, name=name: _writable(facts, name))  # type: ignore[misc]
    yield _asked("C-56", "SummaryInventory", "GetBaseReport")
    yield _asked("C-57", "A running log upload can be cancelled", "GetLog")
    yield _firmware("C-43", "Firmware installed during a transaction", "InstallDuringTransactions")
    yield _firmware("C-60", "A running firmware update can be cancelled", "CanCancel")
    yield _firmware("AQ-7", "Firmware downloaded during a transaction", "DownloadDuringTransactions")
    by = "SecurityCtrlr.SecurityProfile"  # there is no way down from a higher one
    yield _built("C-61", "Security profile 1", by, lambda facts: facts.variables.integer(by) <= 1)
    yield _may("AS-2", "Additional root certificate check", "SecurityCtrlr.AdditionalRootCertificateCheck")
    yield _may("AS-3", "Certificate requests repeated", "SecurityCtrlr.CertSigningWaitMinimum")


def _firmware(id_: str, question: str, ability: str) -> Row:
    name = f"FirmwareCtrlr.{ability}"
    return _built(id_, question, name, lambda facts: facts.true(name))


def _writable(facts: Facts, name: str) -> bool:
    variable = facts.variables.named(name)
    return variable is not None and variable.mutability == "ReadWrite"


def _hardware() -> Iterable[Row]:
    yield _built("HFS-1", "Detachable cable", "evse.connector.cable", lambda facts: facts.cable(fixed=False))
    yield _built("HFS-2", "Fixed cable", "evse.connector.cable", lambda facts: facts.cable(fixed=True))
    yield _built("HFS-3", "AC", "evse.supply", lambda facts: facts.supply("AC"))
    yield _built("HFS-4", "DC", "evse.supply", lambda facts: facts.supply("DC"))
    yield _built("HFS-5", "1 phase", "evse.phases", lambda facts: facts.phases(1))
    yield _built("HFS-6", "2 phases", "evse.phases", lambda facts: facts.phases(2))
    yield _built("HFS-7", "3 phases", "evse.phases", lambda facts: facts.phases(3))
    yield _built("HFS-8", "Number of EVSEs", "evse", lambda facts: str(len(facts.plan.evses)))
    yield _built("HFS-9", "Communication technology", str(NETWORK), lambda facts: technologies(NETWORK))
    yield _built("HFS-10", "Readers", "reader", lambda facts: str(len(facts.config.reader)))
    yield _built("HFS-11", "Power of an EVSE (W)", "evse.max_power_w",
                 lambda facts: f"{max(evse.max_power_w for evse in facts.plan.evses):g}")  # fmt: skip
    yield _built("HFS-12", "Displays", "display", lambda facts: str(len(facts.config.display)))


def technologies(network: Path) -> str:
    """Of the network devices, which are the system's: what their drivers say they are."""
    found = set()
    for device in network.glob("*/device"):  # one without is made of software: loopback, bridge, tunnel
        kind = re.search(r"^DEVTYPE=(.*)$", device.with_name("uevent").read_text(encoding="utf-8"), re.MULTILINE)
        found.add({"wlan": "Wi-Fi", "wwan": "Mobile network"}.get(kind[1] if kind else "", "Ethernet"))
    return ",".join(sorted(found))


def _additional() -> Iterable[Row]:
    by = "SecurityCtrlr.SecurityProfile"  # with TLS it is what the CSMS is known by
    yield _built("AQ-1", "The last CSMS root can be removed", by, lambda facts: facts.variables.integer(by) < 2)
    yield _built(
        "AQ-2", "The cable is locked before the authorization", "evse.shut_until_authorized", lambda facts: facts.shut
    )
    yield _built("AQ-3", "The last station certificate can be removed", "DeleteCertificate", lambda facts: False)
    yield _built("AQ-4", "A numberPhases that is not supported", "evse.phases", lambda facts: facts.fewer_phases)
    yield _asked("AQ-5", "A hard-wired monitor", *_MONITORS)
    yield _asked("AQ-6", "A preconfigured monitor", *_MONITORS)
    yield _built(
        "AQ-8", "The EVSE is chosen before the authorization", "reader.evses", lambda facts: facts.one_evse_a_reader
    )
    yield _asked("AQ-10", "A delta monitor on BasicAuthPassword", *_MONITORS)
    yield _built("AQ-9", "IEC 61851-1", "evse.pilot", lambda facts: facts.pilot)
    yield _trigger("AQ-11", "SignCombinedCertificate")
    yield _built("AQ-18", "A lock at the station's side", "evse.lock", _locks)


def _limits() -> Iterable[Row]:
    kinds = ("GetReport", "GetVariables", "SetVariables")
    for first, size in ((1, "ItemsPerMessage"), (4, "BytesPerMessage")):
        for n, kind in enumerate(kinds, first):
            yield _value(f"ORS-{n}", f"{size}[{kind}]", f"{_LIMITS}.{size}[{kind}]")
    interval = "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]"
    yield _least("ORS-7", "Least MessageAttemptInterval (s)", interval)
    yield _least("ORS-9", "Least TxUpdatedInterval (s)", f"{_SAMPLED}.TxUpdatedInterval")
    yield _least("ORS-11", "Least HeartbeatInterval (s)", "OCPPCommCtrlr.HeartbeatInterval")
    yield _least("ORS-14", "Least WebSocketPingInterval (s)", "OCPPCommCtrlr.WebSocketPingInterval")
    yield _value("ORS-16", "WebSocketPingInterval (s)", "OCPPCommCtrlr.WebSocketPingInterval")
    yield _built("ORS-17", "Most certificates", "SecurityCtrlr.CertificateEntries", _most_certificates)
    yield _value("ORS-18", "Largest certificate chain (bytes)", "SecurityCtrlr.MaxCertificateChainSize")
    yield _list("ORS-24", "File transfer protocols", "OCPPCommCtrlr.FileTransferProtocols")


def _most_certificates(facts: Facts) -> str:
    variable = facts.variables.named("SecurityCtrlr.CertificateEntries")
    return "" if variable is None or variable.max_limit is None else f"{variable.max_limit:g}"


ROWS = (
    *_profiles(), *_transactions(), *_station(), *_authorization(), *_lists(), *_values(), *_files_and_security(),
    *_hardware(), *_additional(), *_limits(),
)  # fmt: skip
