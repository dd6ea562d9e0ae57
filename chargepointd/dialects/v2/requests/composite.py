"""Composite schedules (K08)."""

from chargepointd.core import commands as c
from chargepointd.core.charging.composite import CompositeSchedule
from chargepointd.core.charging.schedules import GetCompositeSchedule
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.charging import period_said
from chargepointd.dialects.v2.requests.common import Request, Requests, not_available, plain


def _get(payload: Payload, variables: Registry) -> c.Command | Refusal:
    return not_available("SmartChargingCtrlr", variables) or GetCompositeSchedule(
        payload["evseId"], payload["duration"], payload.get("chargingRateUnit")
    )


def _got(payload: Payload, reply: CompositeSchedule | c.Status) -> Payload:
    if isinstance(reply, c.Status):
        return plain(payload, reply)
    schedule = reply.schedule
    said = {
        "evseId": reply.evse_id,
        "duration": schedule.duration_s,
        "scheduleStart": format_time(schedule.starts_at or 0),
        "chargingRateUnit": schedule.unit,
        "chargingSchedulePeriod": [period_said(period) for period in schedule.periods],
    }
    return {"status": "Accepted", "schedule": said}


REQUESTS: Requests = {"GetCompositeSchedule": Request(_get, _got)}
