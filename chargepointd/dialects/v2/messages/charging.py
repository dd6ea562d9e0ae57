"""Reports of charging profiles (K09), and limits from outside (K11 to K13)."""

from chargepointd.core.charging.external import ChargingLimit
from chargepointd.core.charging.reported import ProfilesPart
from chargepointd.dialects.v2.charging import said, schedule_said
from chargepointd.dialects.v2.messages.common import Answers, Calls, Said
from chargepointd.dialects.v2.words import Words


def _part(part: ProfilesPart, words: Words) -> Said:
    return "ReportChargingProfiles", {
        "requestId": part.request_id,
        "chargingLimitSource": part.source,
        "evseId": part.evse_id,
        "tbc": part.more,
        "chargingProfile": [said(profile) for profile in part.profiles],
    }


def _limit(told: ChargingLimit, words: Words) -> Said:
    place = {"evseId": told.evse_id} if told.evse_id else {}
    if told.cleared:
        return "ClearedChargingLimit", {"chargingLimitSource": told.source, **place}
    payload = {"chargingLimit": {"chargingLimitSource": told.source}, **place}
    if told.schedules:
        payload["chargingSchedule"] = [schedule_said(schedule) for schedule in told.schedules]
    return "NotifyChargingLimit", payload


CALLS: Calls = {ProfilesPart: _part, ChargingLimit: _limit}
ANSWERS: Answers = {}
