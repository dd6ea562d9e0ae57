"""K: composite schedules, of an EVSE and of the whole station (K08)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.stations import ac_socket, dc_station
from tests.conformance.tester import Tester

EVSE = 1
TOLERANCE_S = 4
LOCAL = {"AC": {"A": 32, "W": 22_080}, "DC": {"A": 400, "W": 400_000}}
"""what the outlets of both stations deliver; the DC ones at 1000 V, where 400 kW allow less than their 500 A"""

both = pytest.mark.parametrize(
    "supply",
    [
        pytest.param("AC", marks=pytest.mark.under_test(ac_socket, variables={})),
        pytest.param("DC", marks=pytest.mark.under_test(dc_station, variables={})),
    ],
)
on_ac = pytest.mark.under_test(ac_socket, variables={})

Periods = Sequence[tuple[int, float]]


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def said(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def put(
    tester: Tester, evse: int, purpose: str, periods: Periods, start: datetime | None, *, number: int = 1, **more: Any
) -> None:
    """T> SetChargingProfile, Absolute from `start` on, or Relative; S> Accepted. `duration` is of the schedule."""
    schedule: dict[str, Any] = {
        "id": number,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": at, "limit": limit} for at, limit in periods],
    }
    if start:
        schedule["startSchedule"] = said(start)
    if "duration" in more:
        schedule["duration"] = more.pop("duration")
    profile = {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute" if start else "Relative",
        "chargingSchedule": [schedule],
    }
    reply = tester.csms.call("SetChargingProfile", {"evseId": evse, "chargingProfile": profile | more})
    assert reply["status"] == "Accepted", tester.csms.told(f"SetChargingProfile: {reply}")


def composite(
    tester: Tester, evse: int, duration: int, supply: str = "AC", unit: str = "A"
) -> tuple[datetime, list[tuple[int, float]]]:
    """T> GetCompositeSchedule, S> Accepted, from now on. When it starts, and its periods."""
    asked = now()
    payload = {"evseId": evse, "duration": duration, "chargingRateUnit": unit}
    reply = tester.csms.call("GetCompositeSchedule", payload)
    assert reply["status"] == "Accepted", tester.csms.told(f"GetCompositeSchedule: {reply}")
    schedule = reply["schedule"]
    assert (schedule["evseId"], schedule["duration"], schedule["chargingRateUnit"]) == (evse, duration, unit)
    start = datetime.fromisoformat(schedule["scheduleStart"])
    assert asked <= start <= datetime.now(UTC), tester.csms.told(f"starts at {start}")
    periods = schedule["chargingSchedulePeriod"]
    assert all(period.get("numberPhases") == (3 if supply == "AC" else None) for period in periods)
    return start, [(period["startPeriod"], period["limit"]) for period in periods]


def shifted(periods: Periods, by: timedelta) -> list[tuple[int, float]]:
    """As they are some time later: "100 - x"."""
    x = round(by.total_seconds())
    return [(max(0, at - x), limit) for at, limit in periods]


def refused(tester: Tester, evse: int, unit: str, code: str) -> None:
    """T> GetCompositeSchedule, S> Rejected, without a schedule."""
    reply = tester.csms.call("GetCompositeSchedule", {"evseId": evse, "duration": 300, "chargingRateUnit": unit})
    assert reply["status"] == "Rejected", tester.csms.told(f"GetCompositeSchedule: {reply}")
    assert "schedule" not in reply
    assert reply["statusInfo"]["reasonCode"] == code


@both
def test_tc_k_21_cs(tester: Tester, supply: str) -> None:
    """Set Charging Profile - ValidFrom"""
    set_at = now()
    put(tester, EVSE, "TxDefaultProfile", [(0, 6)], None, validFrom=said(set_at + timedelta(seconds=300)))
    start, periods = composite(tester, EVSE, 400, supply)
    assert periods == shifted([(0, LOCAL[supply]["A"]), (300, 6)], start - set_at)


@both
def test_tc_k_22_cs(tester: Tester, supply: str) -> None:
    """Set Charging Profile - ValidTo"""
    set_at = now()
    put(tester, 0, "TxDefaultProfile", [(0, 6)], set_at, validTo=said(set_at + timedelta(seconds=300)))
    local = LOCAL[supply]["A"]
    for evse in tester.evses:
        start, periods = composite(tester, evse, 400, supply)
        assert periods == shifted([(0, 6), (300, local)], start - set_at)
    start, periods = composite(tester, 0, 400, supply)
    outlets = len(tester.evses)
    assert periods == shifted([(0, 6 * outlets), (300, local * outlets)], start - set_at)


@on_ac
def test_tc_k_23_cs(tester: Tester) -> None:
    """Set Charging Profile - StartSchedule"""
    set_at = now()
    put(tester, EVSE, "TxDefaultProfile", [(0, 6)], set_at + timedelta(seconds=60))
    start, periods = composite(tester, EVSE, 300)
    assert periods == shifted([(0, LOCAL["AC"]["A"]), (60, 6)], start - set_at)


@both
@pytest.mark.parametrize("unit", ["A", "W"])
def test_tc_k_39_cs(tester: Tester, supply: str, unit: str) -> None:
    """Get Composite Schedule - No ChargingProfile installed on Charging Station"""
    _, periods = composite(tester, 0, 300, supply, unit)
    assert periods == [(0, LOCAL[supply][unit] * len(tester.evses))]


@on_ac
def test_tc_k_40_cs(tester: Tester) -> None:
    """Get Composite Schedule - Stacking ChargingProfiles"""
    first = now()
    put(tester, EVSE, "TxDefaultProfile", [(0, 6), (100, 8), (200, 10)], first, duration=400)
    put(tester, EVSE, "TxDefaultProfile", [(0, 7), (100, 9)], first, duration=150, number=2, stackLevel=1)
    start, periods = composite(tester, EVSE, 350)
    assert periods == shifted([(0, 7), (100, 9), (150, 8), (200, 10)], start - first)


@both
def test_tc_k_41_cs(tester: Tester, supply: str) -> None:
    """Get Composite Schedule - Combining chargingProfilePurposes"""
    transaction = tester.charging(EVSE)
    set_at = now()
    put(tester, 0, "ChargingStationMaxProfile", [(0, 10)], set_at, duration=86_400)
    default = [(0, 6), (60, 10), (120, 8), (180, 15), (260, 8)]
    put(tester, EVSE, "TxDefaultProfile", default, set_at, duration=300, number=2)
    own = [(0, 8), (50, 11), (140, 16), (200, 6), (240, 12)]
    put(tester, EVSE, "TxProfile", own, set_at, duration=260, number=3, transactionId=transaction)
    start, periods = composite(tester, EVSE, 400, supply)
    expected = [(0, 8), (50, 10), (200, 6), (240, 10), (260, 8), (300, 10)]
    assert periods == shifted(expected, start - set_at)


@pytest.mark.parametrize(
    ("used", "other"),
    [
        pytest.param("A", "W", marks=pytest.mark.under_test(variables={"SmartChargingCtrlr.RateUnit": "A"})),
        pytest.param("W", "A", marks=pytest.mark.under_test(variables={"SmartChargingCtrlr.RateUnit": "W"})),
    ],
)
def test_tc_k_42_cs(tester: Tester, used: str, other: str) -> None:
    """Get Composite Schedule - chargingRateUnit not supported"""
    assert tester.get("SmartChargingCtrlr.RateUnit") == used
    refused(tester, EVSE, other, "UnsupportedRateUnit")


def test_tc_k_47_cs(tester: Tester) -> None:
    """Get Composite Schedule - Unknown EVSEId"""
    refused(tester, len(tester.evses) + 1, "A", "UnknownEvse")
