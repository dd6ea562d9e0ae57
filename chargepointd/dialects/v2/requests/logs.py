"""Logs (N01)."""

from chargepointd.dialects import logs
from chargepointd.dialects.v2.requests.common import Request, Requests

REQUESTS: Requests = {
    "GetLog": Request(lambda payload, _: logs.get_log(payload), lambda _, reply: logs.promised(reply)),
}
