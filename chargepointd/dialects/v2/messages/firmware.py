"""The state of a firmware update (L01)."""

from chargepointd.core.messages import FirmwareStatus
from chargepointd.dialects.v2.messages.common import Answers, Calls, Said
from chargepointd.dialects.v2.words import Words


def _status(told: FirmwareStatus, words: Words) -> Said:
    """requestId unless Idle (L01.FR.20)."""
    request = {} if told.request_id is None else {"requestId": told.request_id}
    return "FirmwareStatusNotification", {"status": told.status, **request}


CALLS: Calls = {FirmwareStatus: _status}
ANSWERS: Answers = {}
