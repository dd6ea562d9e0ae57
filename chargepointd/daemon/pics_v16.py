"""The implementation conformance statement of OCPP 1.6: profiles, security extension, optional features, hardware.

The ids are those of the certification programme; some mean something else than in 2.0.1. What a configuration key
decides is answered from the key: whether there is one, what it may be, and what it is.
"""

from collections.abc import Callable, Iterator

from chargepointd.daemon.pics import NETWORK, Facts, Row, Said, technologies
from chargepointd.dialects.v16.keys import PROFILES, TABLE, Keys

_SECURITY = (
    "SignedUpdateFirmware", "GetLog", "ExtendedTriggerMessage", "InstallCertificate", "DeleteCertificate",
    "GetInstalledCertificateIds", "CertificateSigned",
)  # fmt: skip
_PROFILE_IDS = dict(zip(PROFILES, ("Core", "FM", "LAL", "RT", "R", "SC"), strict=True))
_VARIABLES = {key.name: key.variable for key in TABLE}
_SAMPLE, _BEAT, _PING = "MeterValueSampleInterval", "HeartbeatInterval", "WebSocketPingInterval"


def _keys(facts: Facts) -> Keys:
    return Keys(facts.variables, sum(len(evse.connectors) for evse in facts.plan.evses))


def _key(id_: str, feature: str, key: str, value: str = "") -> Row:
    """There is such a key; and it is, or can be made, `value`."""
    by = key + (f"={value}" if value else "")
    return Row(id_, feature, by, lambda facts: facts.may(_VARIABLES[key], value))


def _text(id_: str, feature: str, key: str) -> Row:
    """What a key says."""
    return Row(id_, feature, key, lambda facts: _keys(facts).value(key))


def _list(id_: str, feature: str, key: str) -> Row:
    """What a list may hold."""
    return Row(id_, feature, key, lambda facts: facts.values(_VARIABLES[key]))


def _limit(id_: str, feature: str, key: str, which: str) -> Row:
    def answer(facts: Facts) -> Said:
        variable = facts.variables.named(_VARIABLES[key])
        limit = variable and (variable.min_limit if which == "least" else variable.max_limit)
        return "" if limit is None else f"{limit:g}"

    return Row(id_, feature, key, answer)


def _has_profile(profile: str) -> Callable[[Facts], bool]:
    return lambda facts: profile in _keys(facts).value("SupportedFeatureProfiles").split(",")


def _at_most(profile: int) -> Callable[[Facts], bool]:
    """There is no way down from a higher security profile."""
    return lambda facts: facts.variables.integer("SecurityCtrlr.SecurityProfile") <= profile


def _people(facts: Facts) -> bool:
    """Somebody at the station can identify himself, or start without."""
    return bool(facts.config.reader or facts.config.keypad or facts.config.button)


def _profiles() -> Iterator[Row]:
    for profile, id_ in _PROFILE_IDS.items():
        yield Row(f"profile-{id_}", f"Profile {profile}", "SupportedFeatureProfiles", _has_profile(profile))
    by = ", ".join(_SECURITY)
    yield Row("ext-Security", "Security extension", by, lambda facts: facts.requests.issuperset(_SECURITY))
    for n in (1, 2, 3):
        yield Row(f"SEC-{n}", f"Security profile {n}", "SecurityProfile", _at_most(n))


def _features() -> Iterator[Row]:
    yield Row("C-01", "Offline authorization", "LocalAuthorizeOffline", lambda facts: facts.offline)
    yield _key("C-02", "Offline start for unknown ids", "AllowOfflineTxForUnknownId", "true")
    yield _key("C-03", "Energy for an invalid id", "MaxEnergyOnInvalidId")
    yield _key("C-04", "Authorization cache", "AuthorizationCacheEnabled", "true")
    yield _key("C-05", "Short statuses held back", "MinimumStatusDuration")
    yield _key("C-06.1", "Authorization kept when unplugged at the EV", "StopTransactionOnEVSideDisconnect", "false")
    yield _key("C-06.2", "Authorization dropped when unplugged at the EV", "StopTransactionOnEVSideDisconnect", "true")
    for id_, what in (("C-07", "Local start"), ("C-08", "Local stop")):
        yield Row(id_, what, "reader, keypad, button", _people)
    yield _list("C-09.1", "Sampled measurands", "MeterValuesSampledData")
    yield _list("C-09.2", "Aligned measurands", "MeterValuesAlignedData")


def _questions() -> Iterator[Row]:
    yield Row("AQ-1", "The last root of the Central System can be removed", "SecurityProfile", _at_most(1))
    yield Row(
        "AQ-2", "The cable is locked before the authorization", "evse.shut_until_authorized", lambda facts: facts.shut
    )
    yield Row("AQ-3", "The last station certificate can be removed", "DeleteCertificate", lambda facts: False)
    during = "FirmwareCtrlr.DownloadDuringTransactions"
    yield Row("AQ-4", "Firmware downloaded during a transaction", during, lambda facts: facts.true(during))
    yield Row("AQ-5", "The connector is chosen before the authorization", "reader.evses",
              lambda facts: facts.one_evse_a_reader)  # fmt: skip
    yield Row("AQ-6", "IEC 61851-1", "evse.pilot", lambda facts: facts.pilot)
    battery = "station.on_battery"
    yield Row("AQ-7.1", "StopTransaction before the power goes", battery,
              lambda facts: bool(facts.config.station.on_battery))  # fmt: skip
    yield Row("AQ-7.2", "StopTransaction when the power is back", battery,
              lambda facts: not facts.config.station.on_battery)  # fmt: skip


def _hardware() -> Iterator[Row]:
    yield Row("HFS-1", "Detachable cable", "evse.connector.cable", lambda facts: facts.cable(fixed=False))
    yield Row("HFS-2", "Fixed cable", "evse.connector.cable", lambda facts: facts.cable(fixed=True))
    yield Row("HFS-3", "AC", "evse.supply", lambda facts: facts.supply("AC"))
    yield Row("HFS-4", "DC", "evse.supply", lambda facts: facts.supply("DC"))
    for n, phases in enumerate((1, 2, 3), 5):
        what = f"{phases} phase{'s' if phases > 1 else ''}"
        yield Row(f"HFS-{n}", what, "evse.phases", lambda facts, phases=phases: facts.phases(phases))  # type: ignore[misc]
    yield _text("HFS-8", "Number of connectors", "NumberOfConnectors")
    yield Row("HFS-9", "Communication technology", str(NETWORK), lambda facts: technologies(NETWORK))
    yield Row("HFS-10", "Readers", "reader", lambda facts: str(len(facts.config.reader)))


def _limits() -> Iterator[Row]:
    yield _text("ORS-1", "Most keys in GetConfiguration", "GetConfigurationMaxKeys")
    yield _text("ORS-2", "Most aligned measurands", "MeterValuesAlignedDataMaxLength")
    yield _text("ORS-3", "Most sampled measurands", "MeterValuesSampledDataMaxLength")
    yield _limit("ORS-4", f"Least {_SAMPLE} (s)", _SAMPLE, "least")
    yield _limit("ORS-5", f"Most {_SAMPLE} (s)", _SAMPLE, "most")
    yield _limit("ORS-6", f"Least {_BEAT} (s)", _BEAT, "least")
    yield _limit("ORS-7", f"Most {_BEAT} (s)", _BEAT, "most")
    yield _text("ORS-11", f"{_PING} (s)", _PING)


ROWS = (*_profiles(), *_features(), *_questions(), *_hardware(), *_limits())
