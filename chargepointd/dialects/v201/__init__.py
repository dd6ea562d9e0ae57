"""OCPP 2.0.1 (Edition 3)."""

from chargepointd.core.plan import StationPlan
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.v2.translation import Translation
from chargepointd.dialects.v2.words import Words

WORDS = Words(
    version="2.0.1",
    subprotocol="ocpp2.0.1",
    measurands=frozenset((
        "Current.Export", "Current.Import", "Current.Offered",
        "Energy.Active.Export.Register", "Energy.Active.Import.Register", "Energy.Reactive.Export.Register",
        "Energy.Reactive.Import.Register", "Energy.Active.Export.Interval", "Energy.Active.Import.Interval",
        "Energy.Active.Net", "Energy.Reactive.Export.Interval", "Energy.Reactive.Import.Interval",
        "Energy.Reactive.Net", "Energy.Apparent.Net", "Energy.Apparent.Import", "Energy.Apparent.Export",
        "Frequency", "Power.Active.Export", "Power.Active.Import", "Power.Factor", "Power.Offered",
        "Power.Reactive.Export", "Power.Reactive.Import", "SoC", "Voltage",
    )),
    token_kinds=frozenset((
        "Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization",
    )),
    triggers=frozenset((
        "Authorized", "CablePluggedIn", "ChargingRateChanged", "ChargingStateChanged", "Deauthorized",
        "EnergyLimitReached", "EVCommunicationLost", "EVConnectTimeout", "MeterValueClock", "MeterValuePeriodic",
        "TimeLimitReached", "Trigger", "UnlockCommand", "StopAuthorized", "EVDeparted", "EVDetected", "RemoteStop",
        "RemoteStart", "AbnormalCondition", "SignedDataReceived", "ResetCommand",
    )),
    stop_reasons=frozenset((
        "DeAuthorized", "EmergencyStop", "EnergyLimitReached", "EVDisconnected", "GroundFault", "ImmediateReset",
        "Local", "LocalOutOfCredit", "MasterPass", "Other", "OvercurrentFault", "PowerLoss", "PowerQuality", "Reboot",
        "Remote", "SOCLimitReached", "StoppedByEV", "TimeLimitReached", "Timeout",
    )),
    boot_reasons=frozenset((
        "ApplicationReset", "FirmwareUpdate", "LocalReset", "PowerUp", "RemoteReset", "ScheduledReset", "Triggered",
        "Unknown", "Watchdog",
    )),
)  # fmt: skip


def dialect(plan: StationPlan, variables: Registry) -> Translation:
    return Translation(WORDS, variables)
