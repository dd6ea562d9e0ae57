"""Smart Charging: charging profiles are set, with a transaction, and with a remote start."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conformance.stations import ac_socket, dc_station
from tests.conformance.v16.tester import TOKEN, Tester

CONNECTOR = 1
DURATION_S = 300

units = pytest.mark.parametrize(("unit", "limit"), [("A", 6), ("W", 6000)])
both = pytest.mark.parametrize(
    "supply",
    [
        pytest.param("AC", marks=pytest.mark.under_test(ac_socket, variables={})),
        pytest.param("DC", marks=pytest.mark.under_test(dc_station, variables={})),
    ],
)


def profile(purpose: str, unit: str = "A", limit: float = 6, kind: str = "Absolute", **more: Any) -> dict[str, Any]:
    start = {"startSchedule": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")} if kind == "Absolute" else {}
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": {
            "chargingRateUnit": unit,
            "duration": 2 * DURATION_S,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            **start,
        },
    } | more


def put(tester: Tester, told: dict[str, Any], expect: str = "Accepted") -> None:
    """T> SetChargingProfile"""
    payload = {"connectorId": CONNECTOR, "csChargingProfiles": told}
    status = tester.csms.call("SetChargingProfile", payload)["status"]
    assert status == expect, tester.csms.told(f"SetChargingProfile: {status}, expected {expect}")


def none_installed(tester: Tester) -> None:
    """T> ClearChargingProfile of all, S> Unknown."""
    assert tester.csms.call("ClearChargingProfile")["status"] == "Unknown"


def follows(tester: Tester, unit: str, limit: float) -> None:
    """T> GetCompositeSchedule, S> Accepted: from now on, for as long as was asked, what the profile says."""
    asked = {"connectorId": CONNECTOR, "duration": DURATION_S, "chargingRateUnit": unit}
    before = datetime.now(UTC).replace(microsecond=0)
    reply = tester.csms.call("GetCompositeSchedule", asked)
    assert (reply["status"], reply["connectorId"]) == ("Accepted", CONNECTOR), tester.csms.told(str(reply.payload))
    schedule = reply["chargingSchedule"]
    assert (schedule["duration"], schedule["chargingRateUnit"]) == (DURATION_S, unit)
    start = datetime.fromisoformat(reply["scheduleStart"])
    assert before <= start <= datetime.now(UTC), tester.csms.told(f"starts at {start}")
    assert datetime.fromisoformat(schedule["startSchedule"]) == start
    periods = [(period["startPeriod"], period["limit"]) for period in schedule["chargingSchedulePeriod"]]
    assert periods == [(0, limit)]


@both
@units
def test_tc_056_cs(tester: Tester, supply: str, unit: str, limit: float) -> None:
    """Central Smart Charging - TxDefaultProfile"""
    put(tester, profile("TxDefaultProfile", unit, limit))
    follows(tester, unit, limit)


@both
def test_tc_057_cs(tester: Tester, supply: str) -> None:
    """Central Smart Charging - TxProfile"""
    number = tester.charging(CONNECTOR)
    put(tester, profile("TxProfile", transactionId=number))
    follows(tester, "A", 6)


@pytest.mark.parametrize("named", [{}, {"transactionId": 4711}], ids=["none", "unknown"])
def test_tc_058_1_cs(tester: Tester, named: dict[str, int]) -> None:
    """Central Smart Charging - No ongoing transaction"""
    put(tester, profile("TxProfile", **named), "Rejected")
    none_installed(tester)


def test_tc_058_2_cs(tester: Tester) -> None:
    """Central Smart Charging - Wrong transactionId"""
    number = tester.charging(CONNECTOR)
    put(tester, profile("TxProfile", transactionId=number + 1), "Rejected")
    none_installed(tester)
    follows(tester, "A", 400)  # its 400 kW at 1000 V are less than its 500 A


@both
@pytest.mark.parametrize("plugged", [True, False])
def test_tc_059_cs(tester: Tester, supply: str, plugged: bool) -> None:
    """Remote Start Transaction with Charging Profile"""
    if plugged:
        tester.occupied(CONNECTOR)
    tester.remote_start(CONNECTOR, chargingProfile=profile("TxProfile", kind="Relative"))
    if not plugged:
        tester.status(CONNECTOR, "Preparing")
        tester.plug_in(CONNECTOR)
    tester.started(CONNECTOR)
    follows(tester, "A", 6)


def test_tc_060_cs(tester: Tester) -> None:
    """Remote Start Transaction with Charging Profile - Rejected"""
    tester.occupied(CONNECTOR)
    tester.remote_start(CONNECTOR, expect="Rejected", chargingProfile=profile("TxDefaultProfile"))
    tester.fence()
    tester.delivered()
    assert not tester.csms.calls("StartTransaction")
    assert not tester.let_in(TOKEN)


@both
@units
def test_tc_082_cs(tester: Tester, supply: str, unit: str, limit: float) -> None:
    """Central Smart Charging - TxDefaultProfile - with ongoing transaction"""
    tester.charging(CONNECTOR)
    put(tester, profile("TxDefaultProfile", unit, limit))
    follows(tester, unit, limit)


# -- besides the cases -------------------------------------------------------------------------------------------------


def test_a_profile_of_the_same_level_gives_way(tester: Tester) -> None:
    """§5.16"""
    put(tester, profile("TxDefaultProfile", limit=6))
    put(tester, profile("TxDefaultProfile", limit=8, chargingProfileId=2))
    follows(tester, "A", 8)
    assert tester.csms.call("ClearChargingProfile", {"id": 1})["status"] == "Unknown"


def test_a_schedule_may_begin_with_the_charging(tester: Tester) -> None:
    """§7.13: "If absent the schedule will be relative to start of charging"."""
    told = profile("TxDefaultProfile")
    del told["chargingSchedule"]["startSchedule"]
    put(tester, told)
    tester.charging(CONNECTOR)
    follows(tester, "A", 6)


@pytest.mark.under_test(variables={"SmartChargingCtrlr.Enabled": False})
def test_switched_off_it_is_not_supported(tester: Tester) -> None:
    put(tester, profile("TxDefaultProfile"), "NotSupported")


@pytest.mark.under_test(variables={"SmartChargingCtrlr.Available": False})
def test_a_station_without_it_says_so(tester: Tester) -> None:
    put(tester, profile("TxDefaultProfile"), "NotSupported")
    profiles = tester.configuration("SupportedFeatureProfiles")["SupportedFeatureProfiles"]
    assert "SmartCharging" not in profiles.split(",")
    unknown = tester.csms.call("GetConfiguration", {"key": ["ChargingScheduleMaxPeriods"]})["unknownKey"]
    assert unknown == ["ChargingScheduleMaxPeriods"]


def test_the_keys_say_what_is_taken(tester: Tester) -> None:
    keys = (
        "ChargeProfileMaxStackLevel", "ChargingScheduleAllowedChargingRateUnit", "ChargingScheduleMaxPeriods",
        "MaxChargingProfilesInstalled", "SupportedFeatureProfiles",
    )  # fmt: skip
    got = tester.configuration(*keys)
    assert [got[key] for key in keys[:-1]] == ["99", "Current,Power", "1024", "100"]
    assert "SmartCharging" in got["SupportedFeatureProfiles"].split(",")


def with_phase_switch(url: str, **variables: Any) -> Any:
    config = ac_socket(url, **variables)
    for evse in config["evse"]:
        evse["phase_switch"] = f"sim.phases{evse['id']}"
    return config


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param("true", marks=pytest.mark.under_test(with_phase_switch, variables={})),
        pytest.param("false", marks=pytest.mark.under_test(ac_socket, variables={})),
    ],
)
def test_whether_phases_can_be_switched_follows_from_the_hardware(tester: Tester, switches: str) -> None:
    key = "ConnectorSwitch3to1PhaseSupported"
    assert tester.configuration(key) == {key: switches}
