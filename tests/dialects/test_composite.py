"""Composite schedules in the words of each version."""

from chargepointd.core.charging.composite import CompositeSchedule
from chargepointd.core.charging.profile import Period, Schedule
from chargepointd.core.charging.schedules import GetCompositeSchedule
from chargepointd.core.commands import Status
from tests.dialects import neutral
from tests.dialects.neutral import AT, AT_TEXT, answered, asked

OLD, NEW = neutral.loaded("1.6"), neutral.loaded("2.0.1")
ASKED = {"duration": 300, "chargingRateUnit": "A"}
AC = CompositeSchedule(2, Schedule("A", (Period(0, 6.1, 3), Period(60, 10, 1, 2)), 300, AT))
DC = CompositeSchedule(0, Schedule("W", (Period(0, 50_000.0),), 300, AT))


def test_asked_in_2x() -> None:
    assert asked(NEW, "GetCompositeSchedule", {"evseId": 2, **ASKED}) == GetCompositeSchedule(2, 300, "A")
    assert asked(NEW, "GetCompositeSchedule", {"evseId": 0, "duration": 0}) == GetCompositeSchedule(0, 0)


def test_told_in_2x() -> None:
    assert answered(NEW, "GetCompositeSchedule", {"evseId": 2, **ASKED}, AC) == {
        "status": "Accepted",
        "schedule": {
            "evseId": 2, "duration": 300, "scheduleStart": AT_TEXT, "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 6.1, "numberPhases": 3},
                {"startPeriod": 60, "limit": 10, "numberPhases": 1, "phaseToUse": 2},
            ],
        },
    }  # fmt: skip
    said = answered(NEW, "GetCompositeSchedule", {"evseId": 0, **ASKED}, DC)
    assert said["schedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 50_000.0}]


def test_refused_in_2x() -> None:
    said = answered(NEW, "GetCompositeSchedule", {"evseId": 9, **ASKED}, Status("Rejected", "why", "UnknownEvse"))
    assert said == {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownEvse", "additionalInfo": "why"}}


def test_asked_in_16() -> None:
    assert asked(OLD, "GetCompositeSchedule", {"connectorId": 3, **ASKED}) == GetCompositeSchedule(2, 300, "A")
    assert asked(OLD, "GetCompositeSchedule", {"connectorId": 0, "duration": 5}) == GetCompositeSchedule(0, 5)
    assert asked(OLD, "GetCompositeSchedule", {"connectorId": 4, "duration": 5}) == GetCompositeSchedule(-1, 5)


def test_told_in_16() -> None:
    assert answered(OLD, "GetCompositeSchedule", {"connectorId": 3, **ASKED}, AC) == {
        "status": "Accepted",
        "connectorId": 3,
        "scheduleStart": AT_TEXT,
        "chargingSchedule": {
            "duration": 300, "startSchedule": AT_TEXT, "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 6.1, "numberPhases": 3},
                {"startPeriod": 60, "limit": 10, "numberPhases": 1},
            ],
        },
    }  # fmt: skip


def test_refused_in_16() -> None:
    said = answered(OLD, "GetCompositeSchedule", {"connectorId": 9, **ASKED}, Status("Rejected", "why", "UnknownEvse"))
    assert said == {"status": "Rejected"}
