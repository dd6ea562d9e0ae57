"""K: charging profiles are set, replaced, cleared, asked for; with a transaction, and with a remote start."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conformance.stations import ac_socket
from tests.conformance.tester import Tester
from tests.csms import CallRefused, Csms
from tests.daemon.visit import until

EVSE = 1
LIMIT = 6
"""A at a DC output, where the car would draw more"""


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def schedule(limit: float = LIMIT, **more: Any) -> dict[str, Any]:
    periods = [{"startPeriod": 0, "limit": limit, "numberPhases": 3}]
    return {"id": 1, "chargingRateUnit": "A", "duration": 400, "chargingSchedulePeriod": periods, **more}


def profile(id_: int = 1, purpose: str = "TxDefaultProfile", limit: float = LIMIT, **more: Any) -> dict[str, Any]:
    """Absolute, from now on, unless said otherwise."""
    kind = more.get("chargingProfileKind", "Absolute")
    start = {} if kind == "Relative" else {"startSchedule": now()}
    return {
        "id": id_, "stackLevel": 0, "chargingProfilePurpose": purpose, "chargingProfileKind": kind,
        "chargingSchedule": [schedule(limit, **start)],
    } | more  # fmt: skip


def put(tester: Tester, evse: int, told: dict[str, Any], expect: str = "Accepted", code: str | None = None) -> None:
    """T> SetChargingProfile"""
    reply = tester.csms.call("SetChargingProfile", {"evseId": evse, "chargingProfile": told})
    assert reply["status"] == expect, tester.csms.told(f"SetChargingProfile: {reply.payload}")
    assert code is None or reply["statusInfo"]["reasonCode"] == code, tester.csms.told(f"reason {reply.payload}")


def clear(tester: Tester, expect: str = "Accepted", **payload: Any) -> None:
    """T> ClearChargingProfile"""
    status = tester.csms.call("ClearChargingProfile", payload)["status"]
    assert status == expect, tester.csms.told(f"ClearChargingProfile: {status}, expected {expect}")


_requests = iter(range(1, 10_000))


def reported(tester: Tester, evse: int | None = None, **criteria: Any) -> dict[int, list[dict[str, Any]]]:
    """T> GetChargingProfiles, S> Accepted, S> the series of ReportChargingProfiles: the profiles by EVSE."""
    csms, number = tester.csms, next(_requests)
    payload = {"requestId": number, "chargingProfile": criteria} | ({} if evse is None else {"evseId": evse})
    status = csms.call("GetChargingProfiles", payload)["status"]
    assert status == "Accepted", csms.told(f"GetChargingProfiles: {status}")
    found: dict[int, list[dict[str, Any]]] = {}
    more = True
    while more:
        part = csms.wait("ReportChargingProfiles", {"requestId": number})
        assert part["chargingLimitSource"] == "CSO"
        found.setdefault(part["evseId"], []).extend(part["chargingProfile"])
        more = part.get("tbc", False)
    return found


def none_reported(tester: Tester, evse: int | None = None, **criteria: Any) -> None:
    """T> GetChargingProfiles, S> NoProfiles, and no report."""
    number = next(_requests)
    payload = {"requestId": number, "chargingProfile": criteria} | ({} if evse is None else {"evseId": evse})
    status = tester.csms.call("GetChargingProfiles", payload)["status"]
    assert status == "NoProfiles", tester.csms.told(f"GetChargingProfiles: {status}")
    tester.fence()
    assert not tester.csms.calls("ReportChargingProfiles", {"requestId": number})


def composite_limit(tester: Tester, duration: int = 300, unit: str = "A") -> float:
    """T> GetCompositeSchedule of the EVSE, S> Accepted: the limit of its first period."""
    asked = {"evseId": EVSE, "duration": duration, "chargingRateUnit": unit}
    reply = tester.csms.call("GetCompositeSchedule", asked)
    assert reply["status"] == "Accepted", tester.csms.told(f"GetCompositeSchedule: {reply.payload}")
    first = reply["schedule"]["chargingSchedulePeriod"][0]
    assert first["startPeriod"] == 0
    return float(first["limit"])


units = pytest.mark.parametrize(("unit", "limit"), [("A", 6), ("W", 6000)])

# -- set ---------------------------------------------------------------------------------------------------------------


@units
def test_tc_k_01_cs(tester: Tester, unit: str, limit: float) -> None:
    """Set Charging Profile - TxDefaultProfile - Specific EVSE"""
    told = profile(validFrom=now(), chargingSchedule=[schedule(limit, chargingRateUnit=unit, startSchedule=now())])
    put(tester, EVSE, told)
    assert reported(tester, chargingProfileId=[told["id"]]) == {EVSE: [told]}


def test_tc_k_02_cs(tester: Tester) -> None:
    """Set Charging Profile - TxProfile without ongoing transaction on the specified EVSE"""
    told = profile(purpose="TxProfile", chargingProfileKind="Relative", transactionId="unknown-1")
    put(tester, EVSE, told, "Rejected", "TxNotFound")
    none_reported(tester)


def test_tc_k_03_cs(tester: Tester) -> None:
    """Set Charging Profile - ChargingStationMaxProfile"""
    told = profile(purpose="ChargingStationMaxProfile")
    put(tester, 0, told)
    assert reported(tester, chargingProfileId=[1]) == {0: [told]}


def test_tc_k_04_cs(tester: Tester) -> None:
    """Replace charging profile - With chargingProfileId"""
    put(tester, EVSE, profile(limit=6))
    replacement = profile(limit=10)
    put(tester, EVSE, replacement)
    assert reported(tester) == {EVSE: [replacement]}


def test_tc_k_10_cs(tester: Tester, csms: Csms) -> None:
    """Set Charging Profile - TxDefaultProfile - All EVSE"""
    told = profile()
    put(tester, 0, told)
    assert reported(tester, chargingProfileId=[1]) == {0: [told]}
    assert [m.get("tbc", False) for m in csms.calls("ReportChargingProfiles")] == [False]


def test_tc_k_11_cs(tester: Tester) -> None:
    """Set Charging Profile - Unable to set TxProfile on all EVSE at once"""
    transaction = tester.charging()
    told = profile(purpose="TxProfile", chargingProfileKind="Relative", transactionId=transaction)
    put(tester, 0, told, "Rejected")
    none_reported(tester)


@pytest.mark.parametrize("unit", ["A", "W"])
def test_tc_k_12_cs(config: Any, csms: Csms, request: pytest.FixtureRequest, unit: str) -> None:
    """Set Charging Profile - ChargerRateUnit Rejected"""
    config["variables"]["SmartChargingCtrlr.RateUnit"] = "A" if unit == "W" else "W"
    tester: Tester = request.getfixturevalue("tester")
    assert tester.get("SmartChargingCtrlr.RateUnit") == ("A" if unit == "W" else "W")
    told = profile(chargingSchedule=[schedule(chargingRateUnit=unit, startSchedule=now())])
    put(tester, EVSE, told, "Rejected", "UnsupportedRateUnit")
    none_reported(tester)


@pytest.mark.parametrize("restart", ["reset", "power cut"])
def test_tc_k_13_cs(tester: Tester, restart: str) -> None:
    """Set Charging Profile - Persistent over reboot"""
    told = profile(validTo="2099-01-01T00:00:00.25+02:00", customData={"vendorId": "tests", "more": [1.50, "é"]})
    put(tester, EVSE, told)
    if restart == "reset":
        tester.reset()
    else:
        tester.station.kill()
        tester.station.start()
    tester.booted()
    assert reported(tester, EVSE) == {EVSE: [told]}


def test_tc_k_14_cs(tester: Tester) -> None:
    """Set Charging Profile - Unexisting EVSEid"""
    put(tester, len(tester.evses) + 1, profile(), "Rejected", "UnknownEvse")
    none_reported(tester)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("not there", marks=pytest.mark.under_test(variables={"SmartChargingCtrlr.Available": False})),
        "switched off",
    ],
)
def test_tc_k_15_cs(tester: Tester, csms: Csms, how: str) -> None:
    """Set Charging Profile - Not Supported"""
    if how == "switched off":
        tester.set("SmartChargingCtrlr.Enabled", False)
    with pytest.raises(CallRefused) as refused:
        csms.call("SetChargingProfile", {"evseId": EVSE, "chargingProfile": profile()})
    assert refused.value.code == "NotSupported"


@pytest.mark.parametrize("recurrency", ["Daily", "Weekly"])
def test_tc_k_19_cs(tester: Tester, recurrency: str) -> None:
    """Set Charging Profile - ChargingProfileKind is Recurring"""
    told = profile(chargingProfileKind="Recurring", recurrencyKind=recurrency)
    put(tester, EVSE, told)
    assert reported(tester, EVSE) == {EVSE: [told]}


# -- of a transaction --------------------------------------------------------------------------------------------------


def test_tc_k_16_cs(tester: Tester) -> None:
    """Set Charging Profile - Unknown transactionId"""
    tester.charging()
    told = profile(purpose="TxProfile", chargingProfileKind="Relative", transactionId="unknown-1")
    put(tester, EVSE, told, "Rejected", "TxNotFound")
    none_reported(tester)


def test_tc_k_60_cs(tester: Tester) -> None:
    """Set Charging Profile - TxProfile with ongoing transaction on the specified EVSE"""
    transaction = tester.charging()
    told = profile(purpose="TxProfile", chargingProfileKind="Relative", transactionId=transaction)
    put(tester, EVSE, told)
    assert reported(tester, chargingProfileId=[1]) == {EVSE: [told]}


@pytest.mark.under_test(variables={"SmartChargingCtrlr.LimitChangeSignificance": 1.0})
@units
def test_tc_k_28_cs(tester: Tester, unit: str, limit: float) -> None:
    """Set Charging Profile - TxDefaultProfile with transaction ongoing"""
    tester.charging()
    put(tester, EVSE, profile(chargingSchedule=[schedule(limit, chargingRateUnit=unit, startSchedule=now())]))
    assert composite_limit(tester, unit=unit) == limit


@pytest.mark.parametrize("checked", [True, False])
def test_tc_k_37_cs(tester: Tester, csms: Csms, checked: bool) -> None:
    """Remote start transaction with charging profile - Success"""
    tester.set("AuthCtrlr.AuthorizeRemoteStart", checked)
    tester.ev_connected()
    told = profile(purpose="TxProfile", chargingProfileKind="Relative")
    tester.remote_start(EVSE, chargingProfile=told)
    if checked:
        csms.wait("Authorize")
    started = tester.event(trigger="RemoteStart", remoteStartId=tester.remote_start_id)
    transaction = started["transactionInfo"]["transactionId"]
    assert tester.energy_flows() == transaction
    assert reported(tester, EVSE) == {EVSE: [told | {"transactionId": transaction}]}


# -- clear -------------------------------------------------------------------------------------------------------------


def test_tc_k_05_cs(tester: Tester) -> None:
    """Clear Charging Profile - With chargingProfileId"""
    put(tester, EVSE, profile())
    clear(tester, chargingProfileId=1)
    none_reported(tester, chargingProfileId=[1])


def test_tc_k_06_cs(tester: Tester) -> None:
    """Clear Charging Profile - With stackLevel/purpose combination for one profile"""
    transaction = tester.charging()
    put(tester, EVSE, profile(purpose="TxProfile", chargingProfileKind="Relative", transactionId=transaction))
    clear(tester, chargingProfileCriteria={"chargingProfilePurpose": "TxProfile", "stackLevel": 0})
    none_reported(tester, chargingProfilePurpose="TxProfile", stackLevel=0)


def test_tc_k_07_cs(tester: Tester) -> None:
    """Clear Charging Profile - With unknown stackLevel/purpose combination"""
    there = profile(stackLevel=1)
    put(tester, EVSE, there)
    criteria = {"chargingProfilePurpose": "ChargingStationMaxProfile", "stackLevel": 0}
    clear(tester, "Unknown", chargingProfileCriteria=criteria)
    assert reported(tester) == {EVSE: [there]}


def test_tc_k_08_cs(tester: Tester) -> None:
    """Clear Charging Profile - Without previous charging profile"""
    none_reported(tester)
    clear(tester, "Unknown", chargingProfileId=4711)


@pytest.mark.under_test(variables={"SmartChargingCtrlr.LimitChangeSignificance": 1.0})
def test_tc_k_09_cs(tester: Tester) -> None:
    """Clear Charging Profile - Clearing a TxDefaultProfile - With ongoing transaction"""
    put(tester, EVSE, profile())
    tester.charging()
    assert composite_limit(tester) == LIMIT
    clear(tester, chargingProfileCriteria={"chargingProfilePurpose": "TxDefaultProfile"})
    assert composite_limit(tester) == 400  # its 400 kW at 1000 V are less than its 500 A


def test_tc_k_24_cs(tester: Tester) -> None:
    """Clear Charging Profile - With stackLevel/purpose combination for multiple profiles"""
    put(tester, 1, profile(1))
    put(tester, 2, profile(2))
    clear(tester, chargingProfileCriteria={"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0})
    none_reported(tester, chargingProfilePurpose="TxDefaultProfile", stackLevel=0)


# -- get ---------------------------------------------------------------------------------------------------------------


def installed(tester: Tester) -> tuple[dict[str, Any], dict[str, Any]]:
    """ChargingStationMaxProfile 1 on the station and TxDefaultProfile 2 on an EVSE."""
    whole, default = profile(1, "ChargingStationMaxProfile"), profile(2, stackLevel=1)
    put(tester, 0, whole)
    put(tester, EVSE, default)
    return whole, default


def test_tc_k_29_cs(tester: Tester) -> None:
    """Get Charging Profile - EvseId 0"""
    whole, _ = installed(tester)
    assert reported(tester, 0) == {0: [whole]}


def test_tc_k_30_cs(tester: Tester) -> None:
    """Get Charging Profile - EvseId > 0"""
    _, default = installed(tester)
    assert reported(tester, EVSE) == {EVSE: [default]}


def test_tc_k_31_cs(tester: Tester, csms: Csms) -> None:
    """Get Charging Profile - No EvseId"""
    whole, default = installed(tester)
    assert reported(tester) == {0: [whole], EVSE: [default]}
    parts = csms.calls("ReportChargingProfiles")
    assert [m.get("tbc", False) for m in parts] == [True] * (len(parts) - 1) + [False]


def test_tc_k_32_cs(tester: Tester) -> None:
    """Get Charging Profile - chargingProfileId"""
    whole, _ = installed(tester)
    assert reported(tester, chargingProfileId=[1]) == {0: [whole]}


def test_tc_k_33_cs(tester: Tester) -> None:
    """Get Charging Profile - EvseId > 0 + stackLevel"""
    _, default = installed(tester)
    put(tester, EVSE, profile(3, stackLevel=2))
    assert reported(tester, EVSE, stackLevel=1) == {EVSE: [default]}


def test_tc_k_34_cs(tester: Tester) -> None:
    """Get Charging Profile - EvseId > 0 + chargingLimitSource"""
    _, default = installed(tester)
    assert reported(tester, EVSE, chargingLimitSource=["CSO"]) == {EVSE: [default]}
    none_reported(tester, EVSE, chargingLimitSource=["SO"])


def test_tc_k_35_cs(tester: Tester) -> None:
    """Get Charging Profile - EvseId > 0 + chargingProfilePurpose"""
    transaction = tester.charging()
    _, default = installed(tester)
    of_it = profile(3, "TxProfile", chargingProfileKind="Relative", transactionId=transaction)
    put(tester, EVSE, of_it)
    assert reported(tester, EVSE, chargingProfilePurpose="TxDefaultProfile") == {EVSE: [default]}
    assert reported(tester, EVSE, chargingProfilePurpose="TxProfile") == {EVSE: [of_it]}


def test_tc_k_36_cs(tester: Tester) -> None:
    """Get Charging Profile - EvseId > 0 + chargingProfilePurpose + stackLevel"""
    _, default = installed(tester)
    put(tester, EVSE, profile(3, stackLevel=2))
    criteria = {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}
    assert reported(tester, EVSE, **criteria) == {EVSE: [default]}


# -- limits from outside -----------------------------------------------------------------------------------------------


def with_relay(url: str, **variables: Any) -> Any:
    """A grid operator's relay limits the station."""
    config = ac_socket(url, **variables)
    config["limit"] = [{"device": "sim.contact1", "max_power_w": 4140}]
    return config


@pytest.mark.under_test(with_relay, variables={})
def test_tc_k_52_cs(tester: Tester, csms: Csms) -> None:
    """Set External Charging Limit (not on a transaction) - ChargingStationExternalConstraints in report"""
    tester.station.ctl("sim.contact", closed=True)
    csms.wait("NotifyChargingLimit")
    asked = {"requestId": 1, "chargingProfile": {"chargingProfilePurpose": "ChargingStationExternalConstraints"}}
    assert csms.call("GetChargingProfiles", asked)["status"] == "Accepted"
    part = csms.wait("ReportChargingProfiles", {"requestId": 1, "evseId": 0})
    assert part["chargingLimitSource"] != "CSO"
    told = part["chargingProfile"]
    assert {each["chargingProfilePurpose"] for each in told} == {"ChargingStationExternalConstraints"}
    assert not part.get("tbc", False)
    assert csms.call("ClearChargingProfile", {"chargingProfileId": told[0]["id"]})["status"] == "Unknown"


# -- custom data -------------------------------------------------------------------------------------------------------


def test_tc_p_04_cs(tester: Tester) -> None:
    """Able to receive customData - ChargingProfile"""
    custom = {"vendorId": "tests", "x": {"y": [1, 2.5, None]}}
    periods = [{"startPeriod": 0, "limit": 6.5, "customData": custom}]
    inside = schedule(startSchedule=now(), chargingSchedulePeriod=periods, customData=custom)
    told = profile(customData=custom, chargingSchedule=[inside])
    put(tester, EVSE, told)
    assert reported(tester, EVSE) == {EVSE: [told]}


# -- besides the cases -------------------------------------------------------------------------------------------------


@pytest.mark.under_test(ac_socket, variables={})
@pytest.mark.parametrize("more", [{"numberPhases": 1}, {"numberPhases": 1, "phaseToUse": 2}, {"numberPhases": 2}])
def test_phases_that_cannot_be_switched_are_refused(tester: Tester, more: dict[str, int]) -> None:
    """K01.FR.43, .48"""
    periods = [{"startPeriod": 0, "limit": 6, **more}]
    told = profile(chargingSchedule=[schedule(startSchedule=now(), chargingSchedulePeriod=periods)])
    put(tester, EVSE, told, "Rejected", "InvalidSchedule")


def test_a_profile_goes_with_its_transaction(tester: Tester) -> None:
    """K02.FR.05"""
    transaction = tester.charging()
    put(tester, EVSE, profile(purpose="TxProfile", chargingProfileKind="Relative", transactionId=transaction))
    assert tester.get("SmartChargingCtrlr.Entries[ChargingProfiles]") == "1"
    tester.stop_authorized()
    tester.ended(transaction)
    none_reported(tester)


def test_a_wrong_profile_starts_nothing(tester: Tester, csms: Csms) -> None:
    """K05.FR.05, F01.FR.11"""
    tester.ev_connected()
    start = {"idToken": {"idToken": "A", "type": "Central"}, "remoteStartId": 1, "evseId": EVSE}
    for wrong in (profile(), profile(purpose="TxProfile", transactionId="x")):
        reply = csms.call("RequestStartTransaction", start | {"chargingProfile": wrong})
        assert (reply["status"], reply["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidProfile")
    tester.fence()
    assert not csms.calls("TransactionEvent")


def test_what_was_installed_is_shown_to_a_technician(tester: Tester) -> None:
    put(tester, EVSE, profile(4))
    until(lambda: [p["id"] for p in tester.station.ctl("profiles")["profiles"]] == [4], "profile 4")
