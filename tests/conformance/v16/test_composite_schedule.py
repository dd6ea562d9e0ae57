"""Smart Charging: composite schedules."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conformance.stations import ac_socket, dc_station
from tests.conformance.v16.tester import Tester

CONNECTOR = 1
LOCAL_A = {"AC": 32, "DC": 400}
"""what an outlet delivers; the DC ones at 1000 V, where 400 kW allow less than their 500 A"""

both = pytest.mark.parametrize(
    "supply",
    [
        pytest.param("AC", marks=pytest.mark.under_test(ac_socket, variables={})),
        pytest.param("DC", marks=pytest.mark.under_test(dc_station, variables={})),
    ],
)
Periods = Sequence[tuple[int, float]]


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def put(
    tester: Tester, connector: int, purpose: str, periods: Periods, start: datetime, number: int = 1, **more: Any
) -> None:
    """T> SetChargingProfile, Absolute from `start` on; S> Accepted. `duration` is of the schedule."""
    schedule: dict[str, Any] = {
        "chargingRateUnit": "A",
        "startSchedule": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "chargingSchedulePeriod": [{"startPeriod": at, "limit": limit} for at, limit in periods],
    }
    if "duration" in more:
        schedule["duration"] = more.pop("duration")
    profile = {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    }
    payload = {"connectorId": connector, "csChargingProfiles": profile | more}
    status = tester.csms.call("SetChargingProfile", payload)["status"]
    assert status == "Accepted", tester.csms.told(f"SetChargingProfile: {status}")


def composite(tester: Tester, duration: int, since: datetime, supply: str) -> list[tuple[int, float]]:
    """T> GetCompositeSchedule, S> Accepted, from now on: its periods, counted from `since`, the first from 0."""
    asked = now()
    payload = {"connectorId": CONNECTOR, "duration": duration, "chargingRateUnit": "A"}
    reply = tester.csms.call("GetCompositeSchedule", payload)
    assert (reply["status"], reply["connectorId"]) == ("Accepted", CONNECTOR), tester.csms.told(str(reply))
    start = datetime.fromisoformat(reply["scheduleStart"])
    assert asked <= start <= datetime.now(UTC), tester.csms.told(f"starts at {start}")
    schedule = reply["chargingSchedule"]
    assert schedule["chargingRateUnit"] == "A"
    periods = schedule["chargingSchedulePeriod"]
    assert periods[0]["startPeriod"] == 0
    assert all(period.get("numberPhases") == (3 if supply == "AC" else None) for period in periods)
    x = round((start - since).total_seconds())
    return [(period["startPeriod"] + (x if n else 0), period["limit"]) for n, period in enumerate(periods)]


def clear(tester: Tester, **criteria: Any) -> None:
    """T> ClearChargingProfile, S> Accepted."""
    status = tester.csms.call("ClearChargingProfile", criteria)["status"]
    assert status == "Accepted", tester.csms.told(f"ClearChargingProfile {criteria}: {status}")


@both
def test_tc_066_cs(tester: Tester, supply: str) -> None:
    """Get Composite Schedule"""
    transaction = tester.charging(CONNECTOR)
    set_at = now()
    put(tester, 0, "ChargePointMaxProfile", [(0, 10)], set_at, duration=86_400)
    default = [(0, 6), (60, 10), (120, 8), (180, 15), (260, 8)]
    put(tester, CONNECTOR, "TxDefaultProfile", default, set_at, 2, duration=300)
    own = [(0, 8), (50, 11), (140, 16), (200, 6), (240, 12)]
    put(tester, CONNECTOR, "TxProfile", own, set_at, 3, duration=260, transactionId=transaction)
    expected = [(0, 8), (50, 10), (200, 6), (240, 10), (260, 8), (300, 10)]
    assert composite(tester, 400, set_at, supply) == expected


@both
def test_tc_067_cs(tester: Tester, supply: str) -> None:
    """Clear Charging Profile"""
    set_at = now()
    put(tester, CONNECTOR, "TxDefaultProfile", [(0, 6), (60, 8), (200, 10)], set_at, 1, stackLevel=1)
    put(tester, CONNECTOR, "TxDefaultProfile", [(0, 7), (100, 9)], set_at, 2)
    put(tester, 0, "ChargePointMaxProfile", [(0, 11), (200, 12)], set_at, 3)
    assert composite(tester, 300, set_at, supply) == [(0, 6), (60, 8), (200, 10)]
    clear(tester, id=1)
    assert composite(tester, 300, set_at, supply) == [(0, 7), (100, 9)]
    clear(tester, chargingProfilePurpose="TxDefaultProfile", stackLevel=0)
    assert composite(tester, 300, set_at, supply) == [(0, 11), (200, 12)]
    clear(tester)
    assert composite(tester, 300, set_at, supply) == [(0, LOCAL_A[supply])]


@both
def test_tc_072_cs(tester: Tester, supply: str) -> None:
    """Stacking Charging Profiles"""
    set_at = now()
    put(tester, CONNECTOR, "TxDefaultProfile", [(0, 6), (100, 8), (200, 10)], set_at, 1, duration=400)
    put(tester, CONNECTOR, "TxDefaultProfile", [(0, 7), (100, 9)], set_at, 2, duration=150, stackLevel=1)
    assert composite(tester, 350, set_at, supply) == [(0, 7), (100, 9), (150, 8), (200, 10)]
