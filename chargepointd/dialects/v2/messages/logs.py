"""Logs (N01)."""

from chargepointd.core.messages import LogStatus
from chargepointd.dialects.v2.messages.common import Answers, Calls, Said
from chargepointd.dialects.v2.words import Words


def _status(log: LogStatus, words: Words) -> Said:
    """The request's id always, except when nothing goes on (N01.FR.13)."""
    return "LogStatusNotification", {"status": log.status} | (
        {} if log.request_id is None else {"requestId": log.request_id}
    )


CALLS: Calls = {LogStatus: _status}
ANSWERS: Answers = {}
