"""Reports of charging profiles (K09)."""

from chargepointd.core.charging.profiles import ProfilesPart
from chargepointd.dialects.v2.charging import said
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


CALLS: Calls = {ProfilesPart: _part}
ANSWERS: Answers = {}
