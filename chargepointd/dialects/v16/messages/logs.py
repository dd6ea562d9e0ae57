"""Uploads of logs."""

from chargepointd.core.messages import LogStatus
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.messages.common import Answers, Calls, Said

_DIAGNOSTICS = {"Idle": "Idle", "Uploading": "Uploading", "Uploaded": "Uploaded", "AcceptedCanceled": None}


def _log_status(log: LogStatus, _: int | None, connectors: Connectors) -> Said | None:
    """An upload that GetDiagnostics asked for, and no upload, has no id; GetLog is of the security extension, which has
    no word for a cancelled one."""
    if log.request_id is None and log.numbered:
        return "LogStatusNotification", {"status": log.status}
    if log.request_id is None:
        status = _DIAGNOSTICS.get(log.status, "UploadFailed")
        return ("DiagnosticsStatusNotification", {"status": status}) if status else None
    if log.status == "AcceptedCanceled":
        return None
    return "LogStatusNotification", {"status": log.status, "requestId": log.request_id}


CALLS: Calls = {LogStatus: _log_status}
ANSWERS: Answers = {}
