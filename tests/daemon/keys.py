"""Every configuration key of 1.6 (§9, errata v4.0, security extension, application notes): what it is, as a table.

A line: key, the variable of 2.0.1 behind it, two values to set, and one that is none.
"""

from typing import NamedTuple


class Line(NamedTuple):
    key: str
    variable: str
    first: str
    second: str
    bad: str


READ_WRITE = tuple(
    Line(*line)
    for line in (
        ("AllowEnergyTransferResumption", "TxCtrlr.AllowEnergyTransferResumption", "false", "true", "1"),
        ("AllowOfflineTxForUnknownId", "AuthCtrlr.OfflineTxForUnknownIdEnabled", "true", "false", "maybe"),
        ("AuthorizationCacheEnabled", "AuthCacheCtrlr.Enabled", "false", "true", "1"),
        ("AuthorizeRemoteTxRequests", "AuthCtrlr.AuthorizeRemoteStart", "true", "false", ""),
        ("BlinkRepeat", "ChargingStatusIndicator.BlinkRepeat", "5", "0", "-1"),
        ("CertSigningRepeatTimes", "SecurityCtrlr.CertSigningRepeatTimes", "2", "4", "-1"),
        ("CertSigningWaitMinimum", "SecurityCtrlr.CertSigningWaitMinimum", "30", "90", "0"),
        ("ClockAlignedDataInterval", "AlignedDataCtrlr.Interval", "900", "0", "-1"),
        ("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut", "45", "120", "0"),
        ("ConnectorPhaseRotation", "OCPP16Ctrlr.ConnectorPhaseRotation", "0.RST,1.STR", "1.TRS", "1.ABC"),
        ("CpoName", "SecurityCtrlr.OrganizationName", "One Operator", "Another", "x" * 65),
        ("CustomIdleFeeAfterStop", "TariffCostCtrlr.IdleFeeAfterStop", "true", "false", "no"),
        ("DisableSecurityEventNotifications", "SecurityCtrlr.DisableSecurityEventNotifications", "true", "false", "on"),
        ("HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval", "600", "1200", "0"),
        ("Language", "DisplayMessageCtrlr.Language", "de", "fr", "tlh"),
        ("LightIntensity", "ChargingStatusIndicator.LightIntensity", "40", "100", "101"),
        ("LocalAuthListEnabled", "LocalAuthListCtrlr.Enabled", "false", "true", "2"),
        ("LocalAuthorizeOffline", "AuthCtrlr.LocalAuthorizeOffline", "false", "true", "yes"),
        ("LocalPreAuthorize", "AuthCtrlr.LocalPreAuthorize", "true", "false", "never"),
        ("MaxEnergyOnInvalidId", "TxCtrlr.MaxEnergyOnInvalidId", "500", "1500", "-5"),
        ("MessageTimeout", "OCPPCommCtrlr.MessageTimeout[Default]", "20", "", "0"),
        ("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval", "15", "0", "1.5"),
        ("MeterValuesAlignedData", "AlignedDataCtrlr.Measurands", "Voltage", "Energy.Active.Import.Register", "Volt"),
        ("MeterValuesSampledData", "SampledDataCtrlr.TxUpdatedMeasurands", "Current.Import,Voltage", "Voltage", "X"),
        ("MinimumStatusDuration", "ChargingStation.MinimumStatusDuration", "1", "0", "-1"),
        ("NextTimeOffsetTransitionDateTime", "ClockCtrlr.NextTimeOffsetTransitionDateTime", "2027-03-28T01:00:00Z",
         "2027-10-31T01:00:00Z", "in spring"),
        ("ResetRetries", "OCPPCommCtrlr.ResetRetries", "2", "3", "-1"),
        ("StopTransactionOnEVSideDisconnect", "TxCtrlr.StopTxOnEVSideDisconnect", "false", "true", "0"),
        ("StopTransactionOnInvalidId", "TxCtrlr.StopTxOnInvalidId", "false", "true", "?"),
        ("StopTxnAlignedData", "AlignedDataCtrlr.TxEndedMeasurands", "Voltage", "", "Nothing"),
        ("StopTxnSampledData", "SampledDataCtrlr.TxEndedMeasurands", "", "Voltage", "Energy"),
        ("TimeOffset", "ClockCtrlr.TimeOffset", "+01:00", "-05:30", "an hour"),
        ("TimeOffsetNextTransition", "ClockCtrlr.TimeOffset[NextTransition]", "+02:00", "-04:30", "two hours"),
        ("TransactionMessageAttempts", "OCPPCommCtrlr.MessageAttempts[TransactionEvent]", "3", "7", "0"),
        ("TransactionMessageRetryInterval", "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]", "10", "20", "-1"),
        ("TxResumptionMaxDelay", "TxCtrlr.ResumptionMaxDelay", "60", "0", "3601"),
        ("TxResumptionTimeout", "TxCtrlr.ResumptionTimeout", "600", "0", "-1"),
        ("UnlockConnectorOnEVSideDisconnect", "OCPPCommCtrlr.UnlockOnEVSideDisconnect", "false", "true", "TRUE!"),
        ("WaitForSetUserPriceTimeout", "TariffCostCtrlr.UserPriceTimeout", "500", "0", "30001"),
        ("WebSocketPingInterval", "OCPPCommCtrlr.WebSocketPingInterval", "30", "90", "-1"),
    )
)  # fmt: skip
PRICES = ("DefaultPrice", *(f"DefaultPriceText,{language}" for language in ("en", "de", "es", "fr", "nl")))
"""read and written, each of several variables"""
OTHERWISE = ("AuthorizationKey", "SecurityProfile")
"""written, each with what follows from it (tests of security)"""
READ_ONLY = (
    "AdditionalRootCertificateCheck", "CertificateSignedMaxChainSize", "CertificateStoreMaxLength",
    "ChargeProfileMaxStackLevel", "ChargingScheduleAllowedChargingRateUnit", "ChargingScheduleMaxPeriods",
    "ConnectorPhaseRotationMaxLength", "CustomDisplayCostAndPrice", "CustomMultiLanguageMessages",
    "GetConfigurationMaxKeys", "LocalAuthListMaxLength", "MaxChargingProfilesInstalled",
    "MeterValuesAlignedDataMaxLength", "MeterValuesSampledDataMaxLength", "NumberOfConnectors",
    "NumberOfDecimalsForCostValues", "ReserveConnectorZeroSupported", "SendLocalListMaxLength",
    "StopTransactionMaxMeterValues", "StopTxnAlignedDataMaxLength", "StopTxnSampledDataMaxLength",
    "SupportedFeatureProfiles", "SupportedFeatureProfilesMaxLength", "SupportedFileTransferProtocols",
    "SupportedLanguages",
)  # fmt: skip
ABOUT_PHASES = ("ConnectorSwitch3to1PhaseSupported",)
"""read-only, of a station with a phase switch or without"""
