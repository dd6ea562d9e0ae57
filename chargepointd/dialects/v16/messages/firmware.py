"""The state of a firmware update."""

from chargepointd.core.messages import FirmwareStatus
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.messages.common import Answers, Calls, Said

FIRMWARE_STATUSES = frozenset((
    "Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed",
))  # fmt: skip
"""FirmwareStatus: of an update that was asked for without a signature"""
_FAILED = {"InstallVerificationFailed": "InstallationFailed", "InvalidSignature": "InstallationFailed"}
_STANDS_AT = {
    "DownloadScheduled": "Idle",
    "DownloadPaused": "Downloading",
    "SignatureVerified": "Downloaded",
    "InstallScheduled": "Downloaded",
    "InstallRebooting": "Installing",
}
"""what is not told, as it is called when the CSMS asks"""


def _firmware(told: FirmwareStatus, _: int | None, connectors: Connectors) -> Said | None:
    """An update that has a request id was asked for by SignedUpdateFirmware (whitepaper L01), or by 2.x."""
    if told.request_id is not None:
        return "SignedFirmwareStatusNotification", {"status": told.status, "requestId": told.request_id}
    if told.numbered:
        return "SignedFirmwareStatusNotification", {"status": told.status}
    status = _FAILED.get(told.status, told.status)
    status = _STANDS_AT.get(status, status) if told.asked else status
    return ("FirmwareStatusNotification", {"status": status}) if status in FIRMWARE_STATUSES else None


CALLS: Calls = {FirmwareStatus: _firmware}
ANSWERS: Answers = {}
