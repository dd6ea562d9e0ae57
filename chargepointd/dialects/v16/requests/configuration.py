"""Configuration keys (1.6 §5.3, §5.8)."""

from chargepointd.core import commands as c
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests


def _got(payload: Payload, reply: c.VariablesGot, point: ChargePoint) -> Payload:
    return point.keys.got(payload.get("key") or (), reply)


def _changed(payload: Payload, reply: c.VariablesSet | c.Status, point: ChargePoint) -> Payload:
    return {"status": point.keys.changed(payload["key"], reply)}


REQUESTS: Requests = {
    "GetConfiguration": Request(lambda p, point: point.keys.get(p.get("key") or ()), _got),
    "ChangeConfiguration": Request(lambda p, point: point.keys.change(p["key"], p["value"]), _changed),
}
