"""Firmware updates."""

from chargepointd.core.messages import FirmwareStatus
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.messages.common import Answers, Calls, Said

FIRMWARE_STATUSES = frozenset((
    "Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed",
))  # fmt: skip
"""of an update that was asked for without a signature (FirmwareStatus)"""


def _firmware(told: FirmwareStatus, _: int | None, connectors: Connectors) -> Said | None:
    """An update that has a request id was asked for by SignedUpdateFirmware (whitepaper L01), or by 2.x."""
    if told.request_id is not None:
        return "SignedFirmwareStatusNotification", {"status": told.status, "requestId": told.request_id}
    return ("FirmwareStatusNotification", {"status": told.status}) if told.status in FIRMWARE_STATUSES else None


CALLS: Calls = {FirmwareStatus: _firmware}
ANSWERS: Answers = {}
