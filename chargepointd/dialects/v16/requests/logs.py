"""Uploads of logs (1.6 §5.9; security extension, GetLog)."""

from chargepointd.core import commands as c
from chargepointd.dialects import logs
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests


def _get_diagnostics(payload: Payload, _: ChargePoint) -> c.Command:
    asked = c.GetLog("DiagnosticsLog", payload["location"])
    return logs.upload(asked, payload, payload.get("startTime"), payload.get("stopTime"))


def _diagnostics_promised(_: Payload, reply: c.LogPromised, __: ChargePoint) -> Payload:
    return {"fileName": reply.filename[: logs.LONGEST_FILENAME]}


REQUESTS: Requests = {
    "GetDiagnostics": Request(_get_diagnostics, _diagnostics_promised),
    "GetLog": Request(lambda payload, _: logs.get_log(payload), lambda _, reply, point: logs.promised(reply)),
}
