"""Composite schedules (1.6 §5.7)."""

from chargepointd.core import commands as c
from chargepointd.core.charging.composite import CompositeSchedule
from chargepointd.core.charging.profile import Period
from chargepointd.core.charging.schedules import GetCompositeSchedule
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests


def _get(payload: Payload, point: ChargePoint) -> c.Command:
    evse_id, _ = point.connectors.place(payload["connectorId"])
    return GetCompositeSchedule(evse_id, payload["duration"], payload.get("chargingRateUnit"))


def _got(payload: Payload, reply: CompositeSchedule | c.Status, _: ChargePoint) -> Payload:
    if isinstance(reply, c.Status):
        return {"status": reply.status}
    starts_at = format_time(reply.schedule.starts_at or 0)
    said = {
        "duration": reply.schedule.duration_s,
        "startSchedule": starts_at,
        "chargingRateUnit": reply.schedule.unit,
        "chargingSchedulePeriod": [_period(period) for period in reply.schedule.periods],
    }
    return {
        "status": "Accepted",
        "connectorId": payload["connectorId"],
        "scheduleStart": starts_at,
        "chargingSchedule": said,
    }


def _period(period: Period) -> Payload:
    phases = {"numberPhases": period.phases} if period.phases is not None else {}
    return {"startPeriod": period.start_s, "limit": period.limit, **phases}


REQUESTS: Requests = {"GetCompositeSchedule": Request(_get, _got)}
