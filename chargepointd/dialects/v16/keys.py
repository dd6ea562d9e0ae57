"""Configuration keys (1.6 §9, errata v4.0, security extension): a table over the device model.

A key is the name of a variable, or something that follows from how the station is built. Names are compared without
regard to case (CiString). A key whose variable this station does not have is an unknown key.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from chargepointd.core import certificates
from chargepointd.core import commands as c
from chargepointd.core.charging.profiles import MAX_PROFILES
from chargepointd.core.local_list import CAPACITY
from chargepointd.core.metering import MEASURANDS
from chargepointd.core.network import RaiseSecurityProfile, SetMessageTimeout
from chargepointd.core.password import as_text
from chargepointd.core.sampling import SERIES_MAX
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.variables.catalogue import LANGUAGES
from chargepointd.core.variables.model import Variable
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload, Refusal

PROFILES = (
    "Core",
    "FirmwareManagement",
    "LocalAuthListManagement",
    "RemoteTrigger",
    "Reservation",
    "SmartCharging",
)  # fmt: skip
"""SupportedFeatureProfiles"""
CONTROLLERS = {
    "FirmwareManagement": "FirmwareCtrlr",
    "LocalAuthListManagement": "LocalAuthListCtrlr",
    "Reservation": "ReservationCtrlr",
    "SmartCharging": "SmartChargingCtrlr",
}
"""whose variable Available says whether this station has the profile"""
ROTATIONS = frozenset({"NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR"})
_HEX = frozenset("0123456789abcdefABCDEF")
_LONGEST_KEY = 40
"""hexadecimal digits, AuthorizationKey"""
_LONGEST_VALUE = 500
"""characters, GetConfiguration.conf"""


class Key(NamedTuple):
    name: str
    variable: str = ""
    """as written in the device model; empty: computed"""
    computed: Callable[[int], str] | None = None
    """from the number of connectors; also what an empty variable stands for"""
    fits: Callable[[str, int | None], bool] | None = None
    """whether a value is one, given the number of connectors; where the variable's own type cannot tell"""
    said: Callable[[str], str] | None = None
    """the value as 1.6 has it, from that of the variable, which is read-only"""
    instead: str = ""
    """where the configuration file says it, for a key that [ocpp16] cannot set"""
    profile: str = ""
    """a station without this profile does not have the key; empty: every station has it"""
    meant: Callable[[str], str | None] | None = None
    """a value as the variable has it; None: it is none"""
    command: Callable[[str], c.Command | None] | None = None
    """a change that is more than a new value of the variable"""
    parts: tuple[str, ...] = ()
    """the variables that make up its value, a JSON object (`v16/prices.py`)"""

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.variable,) if self.variable else self.parts


def _rotations(connectors: int) -> str:
    """0 is the supply side of the station."""
    return ",".join(f"{n}.Unknown" for n in range(connectors + 1))


def _are_rotations(value: str, connectors: int | None) -> bool:
    """ "0.RST,1.RST,2.RTS": each number at most once."""
    numbers = []
    for item in filter(None, (item.strip() for item in value.split(","))):
        number, _, rotation = item.partition(".")
        if not (number.isascii() and number.isdecimal()) or rotation not in ROTATIONS:
            return False
        numbers.append(int(number))
    return len(set(numbers)) == len(numbers) and (connectors is None or max(numbers, default=0) <= connectors)


def _rate_units(units: str) -> str:
    return units.replace("A", "Current").replace("W", "Power")


def _measurands(_: int) -> str:
    return str(len(MEASURANDS))


def _password(value: str) -> str | None:
    """Hexadecimal digits are 16 to 20 bytes (Improved security §7.2); too few, too many or an odd one are none.

    What is not hexadecimal can only be the password itself, as many a CSMS sends it: taken as such. Were it a mistake,
    the CSMS would refuse it, and the password before would be used again (`core.network`).
    """
    if not set(value) <= _HEX:
        return value if len(value) <= _LONGEST_KEY else None
    return as_text(bytes.fromhex(value)) if len(value) in range(32, _LONGEST_KEY + 1, 2) else None


def _transfers(protocols: str) -> str:
    """SFTP has no word in 1.6 (errata v4.0)."""
    return ",".join(each for each in protocols.split(",") if each != "SFTP")


def _security_profile(value: str) -> c.Command | None:
    return RaiseSecurityProfile(int(value)) if value in ("0", "1", "2", "3") else None


def _timeout(value: str) -> c.Command | None:
    return SetMessageTimeout(int(value)) if value.isascii() and value.isdecimal() and len(value) < 9 else None


def _texts(language: str = "") -> tuple[str, ...]:
    return tuple(
        f"TariffCostCtrlr.{name}{language}" for name in ("TariffFallbackMessage", "OfflineTariffFallbackMessage")
    )


_AMOUNTS = tuple(f"TariffCostCtrlr.DefaultPrice[{name}]" for name in ("kWh", "Hour", "FlatFee"))

TABLE = (
    Key("AdditionalRootCertificateCheck", "SecurityCtrlr.AdditionalRootCertificateCheck"),
    Key("AllowEnergyTransferResumption", "TxCtrlr.AllowEnergyTransferResumption"),
    Key("AllowOfflineTxForUnknownId", "AuthCtrlr.OfflineTxForUnknownIdEnabled"),
    Key("AuthorizationCacheEnabled", "AuthCacheCtrlr.Enabled"),
    Key("AuthorizationKey", "SecurityCtrlr.BasicAuthPassword", meant=_password),
    Key("AuthorizeRemoteTxRequests", "AuthCtrlr.AuthorizeRemoteStart"),
    Key("BlinkRepeat", "ChargingStatusIndicator.BlinkRepeat"),
    Key("ChargeProfileMaxStackLevel", "SmartChargingCtrlr.ProfileStackLevel", profile="SmartCharging"),
    Key("CentralContractValidationAllowed", "ISO15118Ctrlr.CentralContractValidationAllowed"),
    Key("CertificateSignedMaxChainSize", "SecurityCtrlr.MaxCertificateChainSize"),
    Key("CertificateStoreMaxLength", computed=lambda _: str(certificates.CAPACITY)),
    Key("CertSigningRepeatTimes", "SecurityCtrlr.CertSigningRepeatTimes"),
    Key("CertSigningWaitMinimum", "SecurityCtrlr.CertSigningWaitMinimum"),
    Key(
        "ChargingScheduleAllowedChargingRateUnit",
        "SmartChargingCtrlr.RateUnit",
        said=_rate_units,
        profile="SmartCharging",
    ),
    Key("ChargingScheduleMaxPeriods", "SmartChargingCtrlr.PeriodsPerSchedule", profile="SmartCharging"),
    Key("ClockAlignedDataInterval", "AlignedDataCtrlr.Interval"),
    Key("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut"),
    Key("ConnectorPhaseRotation", "OCPP16Ctrlr.ConnectorPhaseRotation", _rotations, _are_rotations),
    Key("ConnectorPhaseRotationMaxLength", computed=lambda connectors: str(connectors + 1)),
    Key("ConnectorSwitch3to1PhaseSupported", "SmartChargingCtrlr.Phases3to1", profile="SmartCharging"),
    Key("ContractValidationOffline", "ISO15118Ctrlr.ContractValidationOffline"),
    Key("CpoName", "SecurityCtrlr.OrganizationName"),
    Key("DisableSecurityEventNotifications", "SecurityCtrlr.DisableSecurityEventNotifications"),
    Key("CustomDisplayCostAndPrice", "TariffCostCtrlr.Available[Cost]"),
    Key("CustomIdleFeeAfterStop", "TariffCostCtrlr.IdleFeeAfterStop"),
    Key("CustomMultiLanguageMessages", "DisplayMessageCtrlr.MultiLanguage"),
    Key("DefaultPrice", parts=_texts() + _AMOUNTS),
    *(Key(f"DefaultPriceText,{language}", parts=_texts(f"[{language}]")) for language in LANGUAGES),
    Key("GetConfigurationMaxKeys", "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"),
    Key("HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval"),
    Key("ISO15118CertificateManagementEnabled", "ISO15118Ctrlr.ContractCertificateInstallationEnabled"),
    Key("ISO15118PnCEnabled", "ISO15118Ctrlr.PnCEnabled"),
    Key("Language", "DisplayMessageCtrlr.Language"),
    Key("LightIntensity", "ChargingStatusIndicator.LightIntensity"),
    Key("LocalAuthListEnabled", "LocalAuthListCtrlr.Enabled", profile="LocalAuthListManagement"),
    Key("LocalAuthListMaxLength", computed=lambda _: str(CAPACITY), profile="LocalAuthListManagement"),
    Key("LocalAuthorizeOffline", "AuthCtrlr.LocalAuthorizeOffline"),
    Key("LocalPreAuthorize", "AuthCtrlr.LocalPreAuthorize"),
    Key("MaxChargingProfilesInstalled", computed=lambda _: str(MAX_PROFILES), profile="SmartCharging"),
    Key("MaxEnergyOnInvalidId", "TxCtrlr.MaxEnergyOnInvalidId"),
    Key("MessageTimeout", "OCPPCommCtrlr.MessageTimeout[Default]", command=_timeout),
    Key("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval"),
    Key("MeterValuesAlignedData", "AlignedDataCtrlr.Measurands"),
    Key("MeterValuesAlignedDataMaxLength", computed=_measurands),
    Key("MeterValuesSampledData", "SampledDataCtrlr.TxUpdatedMeasurands"),
    Key("MeterValuesSampledDataMaxLength", computed=_measurands),
    Key("MinimumStatusDuration", "ChargingStation.MinimumStatusDuration"),
    Key("NextTimeOffsetTransitionDateTime", "ClockCtrlr.NextTimeOffsetTransitionDateTime"),
    Key("NumberOfConnectors", computed=str, instead="[[evse]] and [[evse.connector]]"),
    Key("NumberOfDecimalsForCostValues", "TariffCostCtrlr.CostDecimals"),
    Key("ReserveConnectorZeroSupported", "ReservationCtrlr.NonEvseSpecific", profile="Reservation"),
    Key("ResetRetries", "OCPPCommCtrlr.ResetRetries"),
    Key("SecurityProfile", "SecurityCtrlr.SecurityProfile", instead="csms.security_profile", command=_security_profile),
    Key("SendLocalListMaxLength", "LocalAuthListCtrlr.ItemsPerMessage", profile="LocalAuthListManagement"),
    Key("StopTransactionMaxMeterValues", computed=lambda _: str(SERIES_MAX + 1)),
    Key("StopTransactionOnEVSideDisconnect", "TxCtrlr.StopTxOnEVSideDisconnect"),
    Key("StopTransactionOnInvalidId", "TxCtrlr.StopTxOnInvalidId"),
    Key("StopTxnAlignedData", "AlignedDataCtrlr.TxEndedMeasurands"),
    Key("StopTxnAlignedDataMaxLength", computed=_measurands),
    Key("StopTxnSampledData", "SampledDataCtrlr.TxEndedMeasurands"),
    Key("StopTxnSampledDataMaxLength", computed=_measurands),
    Key("SupportedFeatureProfiles", computed=lambda _: ",".join(PROFILES)),  # less those it is configured without
    Key("SupportedFeatureProfilesMaxLength", computed=lambda _: str(len(PROFILES))),
    Key("SupportedFileTransferProtocols", "OCPPCommCtrlr.FileTransferProtocols", said=_transfers),
    Key("SupportedLanguages", "DisplayMessageCtrlr.SupportedLanguages"),
    Key("TimeOffset", "ClockCtrlr.TimeOffset"),
    Key("TimeOffsetNextTransition", "ClockCtrlr.TimeOffset[NextTransition]"),
    Key("TransactionMessageAttempts", "OCPPCommCtrlr.MessageAttempts[TransactionEvent]"),
    Key("TransactionMessageRetryInterval", "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]"),
    Key("TxResumptionMaxDelay", "TxCtrlr.ResumptionMaxDelay"),
    Key("TxResumptionTimeout", "TxCtrlr.ResumptionTimeout"),
    Key("UnlockConnectorOnEVSideDisconnect", "OCPPCommCtrlr.UnlockOnEVSideDisconnect"),
    Key("WaitForSetUserPriceTimeout", "TariffCostCtrlr.UserPriceTimeout"),
    Key("WebSocketPingInterval", "OCPPCommCtrlr.WebSocketPingInterval"),
)
_BY_NAME = {key.name.lower(): key for key in TABLE}


def _meant(key: Key, value: str) -> tuple[str, ...]:
    """As its variables have it; none for a value that is none."""
    if key.parts:
        from chargepointd.dialects.v16.prices import parts  # exact numbers: many a station never needs them

        try:
            return parts(value, len(key.parts))
        except ValueError:
            return ()
    meant = key.meant(value) if key.meant else value
    return () if meant is None else (meant,)


class Keys:
    """The keys of one station: GetConfiguration and ChangeConfiguration."""

    def __init__(self, variables: Registry, connectors: int) -> None:
        self._variables = variables
        self._connectors = connectors

    def _has(self, profile: str) -> bool:
        controller = CONTROLLERS.get(profile)
        return controller is None or self._variables.boolean(f"{controller}.Available")

    def _find(self, name: str) -> tuple[Key | None, tuple[Variable, ...]]:
        """Its variables; no key where one of them is missing, no variable for a computed one."""
        key = _BY_NAME.get(name.lower())
        if key is None or not self._has(key.profile):
            return None, ()
        found = [self._variables.named(each) for each in key.variables]
        there = tuple(each for each in found if each)
        return (key, there) if len(there) == len(found) else (None, ())

    def has(self, name: str) -> bool:
        """Whether this charge point has the key."""
        return self._find(name)[0] is not None

    def value(self, name: str) -> str:
        """What GetConfiguration tells of it; empty for an unknown key."""
        _, variables = self._find(name)
        read = tuple(self._variables.get(variable.ref) for variable in variables)
        known = self.got([name], c.VariablesGot(read))["configurationKey"]
        return str(known[0].get("value", "")) if known else ""

    def get(self, names: Sequence[str]) -> c.Command | Refusal:
        """Without names: all."""
        most = self._variables.integer("DeviceDataCtrlr.ItemsPerMessage[GetVariables]")
        if len(names) > most:
            return Refusal("OccurrenceConstraintViolation", f"{len(names)} keys, at most {most} in a message")
        found = [self._find(name)[1] for name in names or _BY_NAME]
        return c.GetVariables(tuple((variable.ref, "Actual") for each in found for variable in each))

    def got(self, names: Sequence[str], reply: c.VariablesGot) -> Payload:
        """The confirmation; the values stand in the order in which `get` asked for them."""
        values = iter(reply.items)
        known, unknown = [], []
        for name in names or _BY_NAME:
            key, variables = self._find(name)
            if key is None:
                unknown.append(name)
            else:
                known.append(self._shown(key, values) if variables else self._computed(key))
        said: Payload = {"configurationKey": known}
        return said | {"unknownKey": unknown} if unknown and names else said

    def _computed(self, key: Key) -> Payload:
        assert key.computed
        value = key.computed(self._connectors)
        if key.name == "SupportedFeatureProfiles":
            value = ",".join(filter(self._has, PROFILES))
        return {"key": key.name, "readonly": True, "value": value}

    def _shown(self, key: Key, values: Iterator[c.VariableGot]) -> Payload:
        """Without a value where it may only be written, or does not fit."""
        got = next(values)
        value = got.value
        if key.parts:
            from chargepointd.dialects.v16.prices import composed

            value = composed([value or "", *((next(values).value or "") for _ in key.parts[1:])])
        if value == "" and key.computed:
            value = key.computed(self._connectors)
        value = key.said(value) if key.said and value else value
        shown: Payload = {"key": key.name, "readonly": got.read_only and key.command is None}
        return shown if value is None or len(value) > _LONGEST_VALUE else shown | {"value": value}

    def change(self, name: str, value: str) -> c.Command:
        """Nothing is set, and `changed` knows why, for a key that is unknown, computed, or given a wrong value."""
        key, variables = self._find(name)
        if key is None or not variables or (key.fits and not key.fits(value, self._connectors)):
            return c.SetVariables(())
        if key.command:
            return key.command(value) or c.SetVariables(())
        new = _meant(key, value)
        return c.SetVariables(tuple((v.ref, "Actual", text) for v, text in zip(variables, new, strict=False)))

    def changed(self, name: str, reply: c.VariablesSet | c.Status) -> str:
        """ConfigurationStatus: Accepted, Rejected, RebootRequired, NotSupported (the key is unknown)."""
        if isinstance(reply, c.Status):
            return reply.status
        if not reply.items:
            return "Rejected" if self._find(name)[0] else "NotSupported"
        statuses = {item.status for item in reply.items}
        if not statuses <= {"Accepted", "RebootRequired"}:
            return "Rejected"
        return "RebootRequired" if "RebootRequired" in statuses else "Accepted"


def configured(keys: Mapping[str, str]) -> dict[str, str]:
    """The [ocpp16] section of a configuration file as variables: name -> value.

    ValueError names every key that is none, or cannot be set there, and the remedy. Whether a value fits its variable
    is for the caller to check.
    """
    problems: list[str] = []
    variables: dict[str, str] = {}
    for name, value in keys.items():
        key = _BY_NAME.get(name.lower())
        problem = _problem(name, key, value)
        if problem:
            problems.append(f"{name}: {problem}")
        elif key:
            variables |= zip(key.variables, _meant(key, value) or (value,), strict=False)
    if problems:
        raise ValueError("\nocpp16.".join(problems))
    return variables


def _problem(name: str, key: Key | None, value: str) -> str:
    if key is None:
        from difflib import get_close_matches

        near = get_close_matches(name, [known.name for known in TABLE], 1)
        return f'unknown key; did you mean "{near[0]}"?' if near else "unknown key; leave it out"
    if key.instead:
        return f"follows from the rest of the file; see {key.instead}"
    if not key.variables:
        return "follows from how the station is built; leave it out"
    if key.meant and key.meant(value) is None:
        return "expected 32 to 40 hexadecimal digits"
    if key.fits and not key.fits(value, None):
        return f'expected for example "0.RST,1.RST", got "{value}"'
    if key.parts and not _meant(key, value):
        return 'expected a JSON object such as {"priceText": "0.30 per kWh"}'
    return ""
