"""The standard variables of a station (2.0.1 part 2, appendices; part 1 ch. 4) as tables.

A line: name, datatype, access (RO, RW, WO), default, unit, least, largest, possible values. `{…}` in a name stands for
every EVSE or connector. What follows from facts ("live") is bound by the station, see `core/standing.py`.
"""

from collections.abc import Callable, Iterator

from chargepointd.core import metering
from chargepointd.core.plan import EvsePlan, StationPlan
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.variables.model import DataType, Mutability, Ref, Variable

_MEASURANDS = ",".join(metering.MEASURANDS)
"""less what no meter of the station has"""
_POINTS = "EVConnected,Authorized,PowerPathClosed,EnergyTransfer"
_SIGNING = frozenset(
    (
        "AlignedDataCtrlr.SignReadings",
        "OCPPCommCtrlr.PublicKeyWithSignedMeterValue",
        "SampledDataCtrlr.SignReadings",
    )
)
"""what only a station has whose meters can sign"""
_ACCESS: dict[str, Mutability] = {"RO": "ReadOnly", "RW": "ReadWrite", "WO": "WriteOnly"}
_YEAR_S = 31_536_000

_REBOOT = frozenset({"OCPPCommCtrlr.NetworkConfigurationPriority"})
"""a change takes effect after a restart"""

_ASSIGNED = frozenset(
    (
        "OCPPCommCtrlr.ActiveNetworkProfile",
        "OCPPCommCtrlr.MessageTimeout[Default]",
        "SecurityCtrlr.CertificateEntries",
        "SecurityCtrlr.SecurityProfile",
    )
)
"""read-only for others: the station sets them"""

_PLUG_AND_CHARGE = (
    ("PnCEnabled", "true"),
    ("CentralContractValidationAllowed", "false"),
    ("ContractCertificateInstallationEnabled", "true"),
    ("ContractValidationOffline", "true"),
    ("V2GCertificateInstallationEnabled", "true"),
)

Line = tuple[str, DataType, str, str, str, float | None, float | None, str]

AUTOCHARGE = "AuthCtrlr.AutochargeEnabled"
"""our own: a car is authorized by the MAC address its link tells"""

LANGUAGES = ("en", "de", "es", "fr", "nl")
"""those in which the station says its own words on a display"""
_TONGUES = ",".join(LANGUAGES)

STATION: tuple[Line, ...] = (
    # name, datatype, access, default, unit, least, largest, values
    ("AlignedDataCtrlr.Enabled", "boolean", "RW", "true", "", None, None, ""),
    ("AlignedDataCtrlr.Available", "boolean", "RO", "true", "", None, None, ""),
    ("AlignedDataCtrlr.Interval", "integer", "RW", "0", "s", 0, 86_400, ""),
    ("AlignedDataCtrlr.Measurands", "MemberList", "RW", "Energy.Active.Import.Register", "", None, 500, _MEASURANDS),
    ("AlignedDataCtrlr.TxEndedInterval", "integer", "RW", "0", "s", 0, 86_400, ""),
    ("AlignedDataCtrlr.TxEndedMeasurands", "MemberList", "RW", "", "", None, 500, _MEASURANDS),
    ("AlignedDataCtrlr.SendDuringIdle", "boolean", "RW", "false", "", None, None, ""),
    ("AlignedDataCtrlr.SignReadings", "boolean", "RW", "false", "", None, None, ""),
    ("AuthCacheCtrlr.Available", "boolean", "RO", "true", "", None, None, ""),
    ("AuthCacheCtrlr.DisablePostAuthorize", "boolean", "RW", "false", "", None, None, ""),
    ("AuthCacheCtrlr.Enabled", "boolean", "RW", "true", "", None, None, ""),
    ("AuthCacheCtrlr.LifeTime", "integer", "RW", "0", "s", 0, 10 * _YEAR_S, ""),
    ("AuthCacheCtrlr.MaxEntries", "integer", "RO", "2000", "", None, None, ""),
    ("AuthCacheCtrlr.Policy", "OptionList", "RW", "LRU", "", None, None, "LRU,LFU,FIFO,CUSTOM"),
    (AUTOCHARGE, "boolean", "RW", "false", "", None, None, ""),
    ("AuthCtrlr.Enabled", "boolean", "RW", "true", "", None, None, ""),
    ("AuthCtrlr.AuthorizeRemoteStart", "boolean", "RW", "false", "", None, None, ""),
    ("AuthCtrlr.DisableRemoteAuthorization", "boolean", "RW", "false", "", None, None, ""),
    ("AuthCtrlr.LocalAuthorizeOffline", "boolean", "RW", "true", "", None, None, ""),
    ("AuthCtrlr.LocalPreAuthorize", "boolean", "RW", "false", "", None, None, ""),
    ("AuthCtrlr.MasterPassGroupId", "string", "RW", "", "", None, 36, ""),
    ("AuthCtrlr.OfflineTxForUnknownIdEnabled", "boolean", "RW", "false", "", None, None, ""),
    ("ChargingStation.MinimumStatusDuration", "integer", "RW", "0", "s", 0, 3600, ""),
    ("ClockCtrlr.NextTimeOffsetTransitionDateTime", "dateTime", "RW", "", "", None, None, ""),
    ("ClockCtrlr.TimeAdjustmentReportingThreshold", "integer", "RW", "20", "s", 0, 86_400, ""),
    ("ClockCtrlr.TimeOffset", "string", "RW", "+00:00", "", None, 6, ""),
    ("ClockCtrlr.TimeOffset[NextTransition]", "string", "RW", "", "", None, 6, ""),
    ("ClockCtrlr.TimeSource", "SequenceList", "RW", "Heartbeat,NTP", "", None, 100, "Heartbeat,NTP"),
    ("ClockCtrlr.TimeZone", "string", "RW", "", "", None, 64, ""),
    # A frame (`dialects.rpc.MAX_FRAME`) holds the largest of each: what is announced is read.
    ("DeviceDataCtrlr.BytesPerMessage[GetReport]", "integer", "RO", "300000", "", 1, 300_000, ""),
    ("DeviceDataCtrlr.BytesPerMessage[GetVariables]", "integer", "RO", "300000", "", 1, 300_000, ""),
    ("DeviceDataCtrlr.BytesPerMessage[SetVariables]", "integer", "RO", "300000", "", 1, 300_000, ""),
    ("DeviceDataCtrlr.ConfigurationValueSize", "integer", "RO", "1000", "", None, 1000, ""),
    ("DeviceDataCtrlr.ItemsPerMessage[GetReport]", "integer", "RO", "1000", "", 1, 5000, ""),
    ("DeviceDataCtrlr.ItemsPerMessage[GetVariables]", "integer", "RO", "1000", "", 1, 5000, ""),
    ("DeviceDataCtrlr.ItemsPerMessage[SetVariables]", "integer", "RO", "1000", "", 1, 5000, ""),
    ("DeviceDataCtrlr.ReportingValueSize", "integer", "RO", "2500", "", None, 2500, ""),
    ("LocalAuthListCtrlr.Available", "boolean", "RO", "true", "", None, None, ""),
    ("LocalAuthListCtrlr.BytesPerMessage", "integer", "RO", "300000", "", 1, 300_000, ""),
    ("LocalAuthListCtrlr.DisablePostAuthorize", "boolean", "RW", "false", "", None, None, ""),
    ("LocalAuthListCtrlr.Enabled", "boolean", "RW", "true", "", None, None, ""),
    ("LocalAuthListCtrlr.ItemsPerMessage", "integer", "RO", "1000", "", 1, 2500, ""),
    ("LocalAuthListCtrlr.SupportsExpiryDateTime", "boolean", "RO", "true", "", None, None, ""),
    ("OCPP16Ctrlr.ConnectorPhaseRotation", "string", "RW", "", "", None, 500, ""),
    ("OCPPCommCtrlr.ActiveNetworkProfile", "integer", "RO", "1", "", None, None, ""),
    ("OCPPCommCtrlr.FileTransferProtocols", "MemberList", "RO", "FTP,FTPS,HTTP,HTTPS,SFTP", "", None, None,
     "FTP,FTPS,HTTP,HTTPS,SFTP"),
    ("OCPPCommCtrlr.HeartbeatInterval", "integer", "RW", "300", "s", 1, 86_400, ""),
    ("OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]", "integer", "RW", "60", "s", 0, 86_400, ""),
    ("OCPPCommCtrlr.MessageAttempts[TransactionEvent]", "integer", "RW", "5", "", 1, 1000, ""),
    ("OCPPCommCtrlr.MessageTimeout[Default]", "integer", "RO", "30", "s", 1, 600, ""),
    ("OCPPCommCtrlr.NetworkConfigurationPriority", "SequenceList", "RW", "1", "", None, 100, "1,2,3,4"),
    ("OCPPCommCtrlr.NetworkProfileConnectionAttempts", "integer", "RW", "3", "", 1, 100, ""),
    ("OCPPCommCtrlr.OfflineThreshold", "integer", "RW", "60", "s", 0, 86_400, ""),
    ("OCPPCommCtrlr.PublicKeyWithSignedMeterValue", "OptionList", "RW", "OncePerTransaction", "", None, None,
     "Never,OncePerTransaction,EveryMeterValue"),
    ("OCPPCommCtrlr.QueueAllMessages", "boolean", "RW", "false", "", None, None, ""),
    ("OCPPCommCtrlr.ResetRetries", "integer", "RW", "0", "", 0, 10, ""),
    ("OCPPCommCtrlr.RetryBackOffRandomRange", "integer", "RW", "10", "s", 0, 3600, ""),
    ("OCPPCommCtrlr.RetryBackOffRepeatTimes", "integer", "RW", "5", "", 0, 16, ""),
    ("OCPPCommCtrlr.RetryBackOffWaitMinimum", "integer", "RW", "5", "s", 0, 3600, ""),
    ("OCPPCommCtrlr.WebSocketPingInterval", "integer", "RW", "60", "s", 0, 86_400, ""),
    ("OCPPCommCtrlr.UnlockOnEVSideDisconnect", "boolean", "RW", "true", "", None, None, ""),
    ("ReservationCtrlr.Available", "boolean", "RO", "true", "", None, None, ""),
    ("ReservationCtrlr.Enabled", "boolean", "RW", "true", "", None, None, ""),
    ("ReservationCtrlr.NonEvseSpecific", "boolean", "RO", "true", "", None, None, ""),
    ("SampledDataCtrlr.Enabled", "boolean", "RW", "true", "", None, None, ""),
    ("SampledDataCtrlr.Available", "boolean", "RO", "true", "", None, None, ""),
    # No meter of ours has registers by phase.
    ("SampledDataCtrlr.RegisterValuesWithoutPhases", "boolean", "RO", "true", "", None, None, ""),
    ("SampledDataCtrlr.SignReadings", "boolean", "RW", "false", "", None, None, ""),
    ("SampledDataCtrlr.TxStartedMeasurands", "MemberList", "RW", "Energy.Active.Import.Register", "", None, 500,
     _MEASURANDS),
    ("SampledDataCtrlr.TxUpdatedInterval", "integer", "RW", "60", "s", 0, 86_400, ""),
    ("SampledDataCtrlr.TxUpdatedMeasurands", "MemberList", "RW",
     "Energy.Active.Import.Register,Power.Active.Import", "", None, 500, _MEASURANDS),
    ("SampledDataCtrlr.TxEndedInterval", "integer", "RW", "0", "s", 0, 86_400, ""),
    ("SampledDataCtrlr.TxEndedMeasurands", "MemberList", "RW", "Energy.Active.Import.Register", "", None, 500,
     _MEASURANDS),
    ("SecurityCtrlr.AdditionalRootCertificateCheck", "boolean", "RO", "false", "", None, None, ""),
    ("SecurityCtrlr.AllowCSMSTLSWildcards", "boolean", "RW", "false", "", None, None, ""),
    ("SecurityCtrlr.AllowSecurityProfileDowngrade", "boolean", "RW", "false", "", None, None, ""),
    ("SecurityCtrlr.BasicAuthPassword", "passwordString", "WO", "", "", 16, 64, ""),
    ("SecurityCtrlr.CertificateEntries", "integer", "RO", "0", "", None, 500, ""),
    ("SecurityCtrlr.CertSigningRepeatTimes", "integer", "RW", "3", "", 0, 16, ""),
    ("SecurityCtrlr.CertSigningWaitMinimum", "integer", "RW", "60", "s", 1, 86_400, ""),
    # Of our own: security events are logged only; the key of the next certificate request.
    ("SecurityCtrlr.DisableSecurityEventNotifications", "boolean", "RW", "false", "", None, None, ""),
    ("SecurityCtrlr.KeyType", "OptionList", "RW", "EC-P256", "", None, None, "EC-P256,RSA-2048,RSA-3072"),
    ("SecurityCtrlr.MaxCertificateChainSize", "integer", "RO", "10000", "", None, 10_000, ""),
    ("SecurityCtrlr.OrganizationName", "string", "RW", "", "", None, 64, ""),
    ("SecurityCtrlr.SecurityProfile", "integer", "RO", "0", "", 0, 3, ""),
    # No switch of ours chooses which phase is used; that one can be used instead of three: Phases3to1.
    ("SmartChargingCtrlr.ACPhaseSwitchingSupported", "boolean", "RO", "false", "", None, None, ""),
    ("SmartChargingCtrlr.Available", "boolean", "RO", "true", "", None, None, ""),
    ("SmartChargingCtrlr.Enabled", "boolean", "RW", "true", "", None, None, ""),
    # A fuse, or a grid operator, is not the CSMS's to switch off.
    ("SmartChargingCtrlr.ExternalControlSignalsEnabled", "boolean", "RO", "true", "", None, None, ""),
    ("SmartChargingCtrlr.LimitChangeSignificance", "decimal", "RW", "10", "Percent", 0, 100, ""),
    ("SmartChargingCtrlr.NotifyChargingLimitWithSchedules", "boolean", "RW", "false", "", None, None, ""),
    ("SmartChargingCtrlr.PeriodsPerSchedule", "integer", "RO", "1024", "", None, None, ""),
    ("SmartChargingCtrlr.ProfileStackLevel", "integer", "RO", "99", "", None, None, ""),
    ("SmartChargingCtrlr.RateUnit", "MemberList", "RO", "A,W", "", None, None, "A,W"),
    # Of 2.1, and our own: ResumptionMaxDelay.
    ("TxCtrlr.AllowEnergyTransferResumption", "boolean", "RW", "true", "", None, None, ""),
    ("TxCtrlr.EVConnectionTimeOut", "integer", "RW", "60", "s", 1, 86_400, ""),
    ("TxCtrlr.MaxEnergyOnInvalidId", "integer", "RW", "0", "Wh", 0, 1_000_000, ""),
    ("TxCtrlr.ResumptionMaxDelay", "integer", "RW", "0", "s", 0, 3600, ""),
    ("TxCtrlr.ResumptionTimeout", "integer", "RW", "2147483647", "s", 0, 2_147_483_647, ""),
    ("TxCtrlr.StopTxOnEVSideDisconnect", "boolean", "RW", "true", "", None, None, ""),
    ("TxCtrlr.StopTxOnInvalidId", "boolean", "RW", "true", "", None, None, ""),
    ("TxCtrlr.TxBeforeAcceptedEnabled", "boolean", "RW", "true", "", None, None, ""),
    ("TxCtrlr.TxStartPoint", "MemberList", "RW", "PowerPathClosed", "", None, 100, _POINTS),
    ("TxCtrlr.TxStopPoint", "MemberList", "RW", "EVConnected,Authorized", "", None, 100, _POINTS),
)  # fmt: skip


class Live(NamedTuple):
    """The values that follow from facts, as functions; the station binds them."""

    station_available: Callable[[], bool]
    evse_status: Callable[[int], str]
    """AvailabilityState: Available, Occupied, Reserved, Unavailable, Faulted; 0 is the station"""
    connector_status: Callable[[int, int], str]
    now: Callable[[], str]
    """RFC 3339"""


def parse_name(name: str) -> Ref:
    """`Component[instance]#evse.connector.Variable[instance]` to its address. ValueError names what is wrong."""
    from re import fullmatch

    match = fullmatch(
        r"(?P<c>[^.\[\]#]+)(\[(?P<ci>[^\]]*)\])?(#(?P<e>\d+)(\.(?P<n>\d+))?)?\.(?P<v>[^.\[\]]+)(\[(?P<vi>[^\]]*)\])?",
        name,
    )
    if not match:
        raise ValueError(f'"{name}" is no variable name; expected for example "AuthCtrlr.LocalPreAuthorize"')
    evse, connector = match["e"], match["n"]
    return Ref(
        match["c"],
        match["v"],
        match["vi"],
        match["ci"],
        int(evse) if evse else None,
        int(connector) if connector else None,
    )


DISPLAY: tuple[Line, ...] = (
    # of a station with a display; same columns. Of our own, or of 2.1: Language, MultiLanguage, SupportedLanguages,
    # CostDecimals, DefaultPrice, IdleFeeAfterStop, OfflineTariffFallbackMessage, UserPriceTimeout, texts by language
    ("DisplayMessageCtrlr.Available", "boolean", "RO", "false", "", None, None, ""),  # texts of prices are no messages
    ("DisplayMessageCtrlr.Language", "OptionList", "RW", "en", "", None, None, _TONGUES),
    ("DisplayMessageCtrlr.MultiLanguage", "boolean", "RO", "true", "", None, None, ""),
    ("DisplayMessageCtrlr.SupportedLanguages", "MemberList", "RO", _TONGUES, "", None, None, _TONGUES),
    ("TariffCostCtrlr.Available[Cost]", "boolean", "RO", "true", "", None, None, ""),
    ("TariffCostCtrlr.Available[Tariff]", "boolean", "RO", "true", "", None, None, ""),
    ("TariffCostCtrlr.CostDecimals", "integer", "RO", "2", "", 0, 6, ""),
    ("TariffCostCtrlr.Currency", "string", "RW", "", "", None, 3, ""),
    ("TariffCostCtrlr.DefaultPrice[FlatFee]", "decimal", "RW", "0", "", None, 1_000_000_000, ""),
    ("TariffCostCtrlr.DefaultPrice[Hour]", "decimal", "RW", "0", "", None, 1_000_000_000, ""),
    ("TariffCostCtrlr.DefaultPrice[kWh]", "decimal", "RW", "0", "", None, 1_000_000_000, ""),
    ("TariffCostCtrlr.Enabled[Cost]", "boolean", "RW", "true", "", None, None, ""),
    ("TariffCostCtrlr.Enabled[Tariff]", "boolean", "RW", "true", "", None, None, ""),
    ("TariffCostCtrlr.IdleFeeAfterStop", "boolean", "RW", "false", "", None, None, ""),
    ("TariffCostCtrlr.UserPriceTimeout", "integer", "RW", "0", "ms", 0, 30_000, ""),
    *((f"TariffCostCtrlr.{text}{language}", "string", "RW", "", "", None, 255, "")
      for text in ("OfflineTariffFallbackMessage", "TariffFallbackMessage", "TotalCostFallbackMessage")
      for language in ("", *(f"[{language}]" for language in LANGUAGES))),
)  # fmt: skip

LAMP: tuple[Line, ...] = (
    # of a station with a lamp, our own; same columns
    ("ChargingStatusIndicator.BlinkRepeat", "integer", "RW", "3", "", 0, 20, ""),
    ("ChargingStatusIndicator.LightIntensity", "integer", "RW", "100", "Percent", 0, 100, ""),
)


def standard(plan: StationPlan) -> Iterator[Variable]:
    """Every standard variable of a station built like this."""
    yield from _of_table(plan)
    yield from _of_plan(plan)
    yield from _of_firmware(plan)
    if "eMAID" in plan.token_kinds:
        yield from _of_contracts(plan)
    if plan.ntp_command:
        yield Variable(Ref("ClockCtrlr", "NtpSource"), "OptionList", default="DHCP", values=("DHCP", "manual"))
        for n in "123":
            yield Variable(Ref("ClockCtrlr", "NtpServerUri", n), max_limit=255)
    yield Variable(
        Ref("ChargingStation", "SupplyPhases"), "integer", "ReadOnly", str(plan.evses[0].phases), constant=True
    )
    for evse in plan.evses:
        yield from _of_evse(evse)


def _of_table(plan: StationPlan) -> Iterator[Variable]:
    has_lock = any(connector.lock for evse in plan.evses for connector in evse.connectors)
    points = _points(plan)
    signs = any(evse.signs for evse in plan.evses)
    measurands = metering.measurands(plan.evses)
    lines = STATION + (DISPLAY if plan.displays else ()) + (LAMP if plan.lamps else ())
    for name, datatype, access, default, unit, least, largest, values in lines:
        if name == "OCPPCommCtrlr.UnlockOnEVSideDisconnect" and not has_lock:
            access, default = "RO", "false"  # a fixed cable is never let go (1.6 §9.1, errata 2025-04)
        if (name in _SIGNING and not signs) or (name == AUTOCHARGE and "MacAddress" not in plan.token_kinds):
            continue
        if values is _MEASURANDS:
            default = ",".join(each for each in default.split(",") if each in measurands)
            values = ",".join(measurands)
        values = points.get(name, values)
        yield Variable(
            _quick_ref(name), datatype, _ACCESS[access], default, unit, least, largest,
            tuple(values.split(",")) if values else (), name in _REBOOT,
            constant=access == "RO" and name not in _ASSIGNED,
        )  # fmt: skip


def _of_plan(plan: StationPlan) -> Iterator[Variable]:
    for name, value in (
        ("VendorName", plan.vendor),
        ("Model", plan.model),
        ("SerialNumber", plan.serial_number),
        ("FirmwareVersion", plan.firmware_version),
    ):
        yield Variable(Ref("ChargingStation", name), "string", "ReadOnly", value, constant=True)
    yield Variable(Ref("SecurityCtrlr", "Identity"), "string", "ReadOnly", plan.id, max_limit=48, constant=True)
    kinds = ",".join(plan.token_kinds)
    yield Variable(
        Ref("AuthCtrlr", "SupportedIdTokenTypes"),
        "MemberList",
        "ReadOnly",
        kinds,
        values=plan.token_kinds,
        constant=True,
    )
    switches = str(any(evse.switches_phases for evse in plan.evses)).lower()
    yield Variable(Ref("SmartChargingCtrlr", "Phases3to1"), "boolean", "ReadOnly", switches, constant=True)


def _of_contracts(plan: StationPlan) -> Iterator[Variable]:
    for name, default in _PLUG_AND_CHARGE:
        yield Variable(Ref("ISO15118Ctrlr", name), "boolean", default=default)
    for name, default, most in (("SeccId", plan.id, 64), ("OrganizationName", "", 64), ("CountryName", "", 2)):
        yield Variable(Ref("ISO15118Ctrlr", name), default=default, max_limit=most)


def _points(plan: StationPlan) -> dict[str, str]:
    """What can start and end a transaction depends on what the hardware can tell."""
    bay = "ParkingBayOccupancy," if any(evse.bay_sensor for evse in plan.evses) else ""
    signed = ",DataSigned" if any(evse.signs for evse in plan.evses) else ""  # no stop point (errata 2025-09)
    return {"TxCtrlr.TxStartPoint": bay + _POINTS + signed, "TxCtrlr.TxStopPoint": bay + _POINTS}


def _quick_ref(name: str) -> Ref:
    """The tables need no regular expression: at start every millisecond counts."""
    component, _, variable = name.partition(".")
    variable, _, instance = variable.partition("[")
    return Ref(component, variable, instance.rstrip("]") or None)


def _of_firmware(plan: StationPlan) -> Iterator[Variable]:
    firmware = plan.firmware
    available = bool(firmware.install_command)
    yield Variable(Ref("FirmwareCtrlr", "Available"), "boolean", "ReadOnly", str(available).lower())
    if available:
        yield Variable(Ref("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate"), "boolean", default="false")
        for name, able in (
            ("DownloadDuringTransactions", firmware.download_during_transactions),
            ("InstallDuringTransactions", firmware.during_transactions),
            ("AllowUnsigned", firmware.allow_unsigned),
            ("CanCancel", firmware.can_cancel),
        ):
            yield Variable(Ref("FirmwareCtrlr", name), "boolean", "ReadOnly", str(able).lower())


def _of_evse(plan: EvsePlan) -> Iterator[Variable]:
    def fixed(name: str, datatype: DataType, value: str) -> Variable:
        return Variable(Ref("EVSE", name, evse_id=plan.id), datatype, "ReadOnly", value, constant=True)

    yield fixed("AllowReset", "boolean", str(plan.allow_reset).lower())
    yield fixed("Available", "boolean", "true")
    yield fixed("SupplyPhases", "integer", str(plan.phases))
    for connector in plan.connectors:
        lines: tuple[tuple[str, DataType, str], ...] = (
            ("Available", "boolean", "true"),
            ("ConnectorType", "string", connector.type),
            ("SupplyPhases", "integer", str(plan.phases)),
        )
        for name, datatype, value in lines:
            ref = Ref("Connector", name, evse_id=plan.id, connector_id=connector.id)
            yield Variable(ref, datatype, "ReadOnly", value, constant=True)


def living(plan: StationPlan, live: Live) -> Iterator[Variable]:
    """Those whose value follows from facts."""
    states = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")

    def state(ref: Ref, value: Callable[[], str]) -> Variable:
        return Variable(ref, "OptionList", "ReadOnly", values=states, live=value)

    yield state(Ref("ChargingStation", "AvailabilityState"), lambda: live.evse_status(0))
    yield Variable(
        Ref("ChargingStation", "Available"),
        "boolean",
        "ReadOnly",
        live=lambda: str(live.station_available()).lower(),
    )
    yield Variable(Ref("ClockCtrlr", "DateTime"), "dateTime", "ReadOnly", live=live.now)
    for evse in plan.evses:
        yield state(Ref("EVSE", "AvailabilityState", evse_id=evse.id), lambda n=evse.id: live.evse_status(n))  # type: ignore[misc]
        for connector in evse.connectors:
            ref = Ref("Connector", "AvailabilityState", evse_id=evse.id, connector_id=connector.id)
            yield state(ref, lambda n=evse.id, m=connector.id: live.connector_status(n, m))  # type: ignore[misc]
