"""Why a transfer failed, in the words a CSMS is told it with."""

from typing import Literal

Kind = Literal["NotFound", "PermissionDenied", "BadMessage", "NotSupportedOperation", "Failed"]


class TransferFailed(Exception):
    """The other side is at fault, or the way to it; trying again may help. `reason` is for a person, without
    passwords; `kind` is close to UploadLogStatusEnumType."""

    def __init__(self, reason: str, kind: Kind = "Failed") -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind: Kind = kind
