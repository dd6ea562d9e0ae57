"""Charging profiles in the words of each version: set, cleared, asked for, reported, with a remote start."""

from json import dumps
from typing import Any

import pytest

from chargepointd.core import commands as c
from chargepointd.core.charging.external import ChargingLimit
from chargepointd.core.charging.profile import Period, Profile, Schedule, packed, unpacked
from chargepointd.core.charging.profiles import (
    ClearChargingProfile,
    GetChargingProfiles,
    SetChargingProfile,
)
from chargepointd.core.charging.reported import ProfilesPart
from chargepointd.core.values import Token
from chargepointd.dialects.dialect import Payload, Refusal
from tests.dialects import neutral
from tests.dialects.neutral import AT, AT_TEXT, answered, asked, told

OLD, NEW = neutral.loaded("1.6"), neutral.loaded("2.0.1")

SCHEDULE = {
    "id": 4, "startSchedule": AT_TEXT, "duration": 600, "chargingRateUnit": "W", "minChargingRate": 0.5,
    "chargingSchedulePeriod": [
        {"startPeriod": 0, "limit": 6000},
        {"startPeriod": 60, "limit": 7.25, "numberPhases": 1, "phaseToUse": 2},
    ],
}  # fmt: skip
TOLD: Payload = {
    "id": 3, "stackLevel": 2, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Recurring",
    "recurrencyKind": "Weekly", "validFrom": AT_TEXT, "validTo": "2026-11-24T06:00:01.500Z",
    "chargingSchedule": [SCHEDULE],
}  # fmt: skip
PERIODS = (Period(0, 6000), Period(60, 7.25, 1, 2))
MEANT = Profile(
    3, 2, 2, "TxDefaultProfile", "Recurring", Schedule("W", PERIODS, 600, AT, 0.5, 4), "Weekly", AT, AT + 1
)  # fmt: skip


def with_custom(told: Payload) -> Payload:
    custom = {"vendorId": "v", "x": [1, {"y": None}]}
    periods = [period | {"customData": custom} for period in SCHEDULE["chargingSchedulePeriod"]]  # type: ignore[attr-defined]
    schedule = SCHEDULE | {"customData": custom, "chargingSchedulePeriod": periods}
    return told | {"customData": custom, "chargingSchedule": [schedule]}


SPELLED: list[Payload] = [
    TOLD,
    with_custom(TOLD),
    TOLD | {"validFrom": "2026-11-24T07:00:00.5+01:00"},
    {k: v for k, v in TOLD.items() if k not in ("validFrom", "validTo", "recurrencyKind")},
    TOLD | {"chargingSchedule": [SCHEDULE | {"startSchedule": "2026-11-24T06:00:00Z"}]},
]


def test_set_in_2x() -> None:
    got = asked(NEW, "SetChargingProfile", {"evseId": 2, "chargingProfile": TOLD})
    assert got == SetChargingProfile(MEANT)


@pytest.mark.parametrize("spelled", SPELLED)
def test_what_is_reported_is_what_was_set(spelled: Payload) -> None:
    """Over a power cut too, to the last digit."""
    got = asked(NEW, "SetChargingProfile", {"evseId": 2, "chargingProfile": spelled})
    kept = unpacked(packed(got.profile))
    said = told(NEW, ProfilesPart(7, 2, "CSO", (kept,), more=False))
    assert said == (
        "ReportChargingProfiles",
        {"requestId": 7, "evseId": 2, "chargingLimitSource": "CSO", "tbc": False, "chargingProfile": [spelled]},
    )
    assert said
    assert dumps(said[1]["chargingProfile"], sort_keys=True) == dumps([spelled], sort_keys=True)


@pytest.mark.parametrize("spelled", [TOLD, with_custom(TOLD)])
def test_one_that_was_bound_is_reported_with_its_transaction(spelled: Payload) -> None:
    start = {
        "idToken": {"idToken": "A", "type": "Central"},
        "remoteStartId": 1,
        "evseId": 2,
        "chargingProfile": spelled,
    }
    got = asked(NEW, "RequestStartTransaction", start)
    assert got == c.RequestStart(Token("A", "Central"), 2, 1, profile=got.profile)
    assert got.profile._replace(custom=None) == MEANT
    bound = got.profile._replace(transaction_id="t")
    said = told(NEW, ProfilesPart(7, 2, "CSO", (bound,), more=True))
    assert said
    assert said[1]["chargingProfile"] == [spelled | {"transactionId": "t"}]


def test_several_schedules_are_counted() -> None:
    several = TOLD | {"chargingSchedule": [SCHEDULE, SCHEDULE]}
    assert asked(NEW, "SetChargingProfile", {"evseId": 2, "chargingProfile": several}).schedules == 2
    start = {"idToken": {"idToken": "A", "type": "Central"}, "remoteStartId": 1, "chargingProfile": several}
    assert asked(NEW, "RequestStartTransaction", start).schedules == 2


def test_without_smart_charging_2x_answers_an_error_and_1_6_a_status() -> None:
    off = c.Status("NotSupported", "smart charging is switched off")
    refusal = NEW.response("SetChargingProfile", {}, off)
    assert refusal == Refusal("NotSupported", "smart charging is switched off")
    assert answered(OLD, "SetChargingProfile", {}, off) == {"status": "NotSupported"}


def test_a_refusal_in_2x_says_why() -> None:
    refused = c.Status("Rejected", "no EVSE 9", "UnknownEvse")
    info = {"reasonCode": "UnknownEvse", "additionalInfo": "no EVSE 9"}
    assert answered(NEW, "SetChargingProfile", {}, refused) == {"status": "Rejected", "statusInfo": info}
    rejected = c.StartRequested("Rejected", None, "no EVSE 9", "UnknownEvse")
    assert answered(NEW, "RequestStartTransaction", {}, rejected) == {"status": "Rejected", "statusInfo": info}


@pytest.mark.parametrize(
    ("payload", "command"),
    [
        ({"chargingProfileId": 4}, ClearChargingProfile(4)),
        ({}, ClearChargingProfile()),
        ({"chargingProfileCriteria": {"evseId": 0, "stackLevel": 0}}, ClearChargingProfile(None, 0, None, 0)),
        (
            {"chargingProfileCriteria": {"chargingProfilePurpose": "TxProfile"}},
            ClearChargingProfile(purpose="TxProfile"),
        ),
    ],
)
def test_clear_in_2x(payload: Payload, command: Any) -> None:
    assert asked(NEW, "ClearChargingProfile", payload) == command
    assert answered(NEW, "ClearChargingProfile", payload, c.Status("Unknown")) == {"status": "Unknown"}


@pytest.mark.parametrize(
    ("payload", "command"),
    [
        ({"chargingProfile": {}}, GetChargingProfiles(8)),
        ({"evseId": 0, "chargingProfile": {"stackLevel": 0}}, GetChargingProfiles(8, 0, None, 0)),
        (
            {"chargingProfile": {"chargingProfileId": [1, 2], "chargingLimitSource": ["EMS"]}},
            GetChargingProfiles(8, ids=(1, 2), sources=("EMS",)),
        ),
        (
            {"evseId": 1, "chargingProfile": {"chargingProfilePurpose": "TxProfile"}},
            GetChargingProfiles(8, 1, "TxProfile"),
        ),
    ],
)
def test_get_in_2x(payload: Payload, command: Any) -> None:
    payload = payload | {"requestId": 8}
    assert asked(NEW, "GetChargingProfiles", payload) == command
    assert answered(NEW, "GetChargingProfiles", payload, c.Status("NoProfiles")) == {"status": "NoProfiles"}


# -- 1.6 ---------------------------------------------------------------------------------------------------------------

OLD_TOLD: Payload = {
    "chargingProfileId": 3, "stackLevel": 2, "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Recurring", "recurrencyKind": "Weekly", "validFrom": AT_TEXT,
    "validTo": "2026-11-24T06:00:01.500Z",
    "chargingSchedule": {
        "startSchedule": AT_TEXT, "duration": 600, "chargingRateUnit": "W", "minChargingRate": 0.5,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 6000}, {"startPeriod": 60, "limit": 7.3, "numberPhases": 1},
        ],
    },
}  # fmt: skip
OLD_MEANT = MEANT._replace(schedule=Schedule("W", (Period(0, 6000), Period(60, 7.3, 1)), 600, AT, 0.5))


@pytest.mark.parametrize(("connector", "evse"), [(0, 0), (1, 1), (2, 2), (3, 2), (9, -1)])
def test_set_in_1_6(connector: int, evse: int) -> None:
    got = asked(OLD, "SetChargingProfile", {"connectorId": connector, "csChargingProfiles": OLD_TOLD})
    assert got == SetChargingProfile(OLD_MEANT._replace(evse_id=evse), of_running=True)


def test_1_6_names_a_transaction_by_number_and_the_station_a_charge_point() -> None:
    told = OLD_TOLD | {"transactionId": 7, "chargingProfilePurpose": "ChargePointMaxProfile"}
    got = asked(OLD, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": told})
    assert (got.reference, got.of_running, got.profile.transaction_id) == (7, False, None)
    assert got.profile.purpose == "ChargingStationMaxProfile"


def test_what_was_set_in_1_6_is_reported_in_2x() -> None:
    got = asked(OLD, "SetChargingProfile", {"connectorId": 2, "csChargingProfiles": OLD_TOLD})
    said = told(NEW, ProfilesPart(7, 2, "CSO", (got.profile,), more=False))
    assert said
    assert said[1]["chargingProfile"][0]["chargingSchedule"][0]["startSchedule"] == AT_TEXT


def test_a_remote_start_of_1_6_has_a_profile() -> None:
    start = {"idTag": "T", "connectorId": 2, "chargingProfile": OLD_TOLD | {"transactionId": 5}}
    assert asked(OLD, "RemoteStartTransaction", start) == c.RequestStart(Token("T"), 2, profile=OLD_MEANT)


@pytest.mark.parametrize(
    ("payload", "command"),
    [
        ({}, ClearChargingProfile()),
        ({"id": 3}, ClearChargingProfile(3)),
        ({"connectorId": 0}, ClearChargingProfile(None, 0)),
        ({"connectorId": 3, "stackLevel": 0}, ClearChargingProfile(None, 2, None, 0)),
        (
            {"id": 1, "chargingProfilePurpose": "ChargePointMaxProfile"},
            ClearChargingProfile(1, None, "ChargingStationMaxProfile"),
        ),
    ],
)
def test_clear_in_1_6(payload: Payload, command: Any) -> None:
    assert asked(OLD, "ClearChargingProfile", payload) == command
    assert answered(OLD, "ClearChargingProfile", payload, c.Status("Unknown")) == {"status": "Unknown"}


# -- what cannot be ----------------------------------------------------------------------------------------------------


def test_a_time_that_is_none_is_refused() -> None:
    """The schema lets a second 60 and a year 0 pass."""
    wrong = "0000-01-01T00:00:00Z"
    new = {"evseId": 1, "chargingProfile": TOLD | {"validTo": wrong}}
    old = {"connectorId": 1, "csChargingProfiles": OLD_TOLD | {"validTo": wrong}}
    for dialect, action, payload in (
        (NEW, "SetChargingProfile", new),
        (OLD, "SetChargingProfile", old),
        (OLD, "RemoteStartTransaction", {"idTag": "T", "chargingProfile": OLD_TOLD | {"validTo": wrong}}),
    ):
        refused = dialect.command(action, payload)
        assert isinstance(refused, Refusal)
        assert refused.code == "PropertyConstraintViolation"


def test_limits_from_outside_are_told_in_2x_alone() -> None:
    limit = ChargingLimit(0, "SO", cleared=False)
    assert told(NEW, limit) == ("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "SO"}})
    action, payload = told(NEW, limit._replace(evse_id=2, schedules=(MEANT.schedule,)))
    assert (action, payload["evseId"], payload["chargingSchedule"]) == ("NotifyChargingLimit", 2, [SCHEDULE])
    gone = limit._replace(evse_id=2, cleared=True)
    assert told(NEW, gone) == ("ClearedChargingLimit", {"chargingLimitSource": "SO", "evseId": 2})
    assert told(OLD, limit) is None
    assert told(OLD, gone) is None
