"""What a sensible CSMS answers to each message a station may send, by version."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

Payload = dict[str, Any]


class Refusal(NamedTuple):
    """A CALLERROR as an answer."""

    code: str
    description: str = ""
    details: Mapping[str, Any] = {}


class Silence:
    """No answer at all."""


SILENCE = Silence()
Given = Payload | Refusal | Silence
Answer = Given | Callable[[Payload], Given]
"""A dict is laid over the usual answer; what a function returns goes out as it is."""


def now_text(offset_s: float = 0.0) -> str:
    moment = datetime.fromtimestamp(datetime.now(UTC).timestamp() + offset_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_EMPTY_16 = (
    "StatusNotification", "MeterValues", "DiagnosticsStatusNotification", "FirmwareStatusNotification",
    "LogStatusNotification", "SecurityEventNotification", "SignedFirmwareStatusNotification",
)  # fmt: skip
_EMPTY_2 = (
    "StatusNotification", "MeterValues", "ClearedChargingLimit", "FirmwareStatusNotification", "LogStatusNotification",
    "NotifyChargingLimit", "NotifyCustomerInformation", "NotifyDisplayMessages", "NotifyEvent",
    "NotifyMonitoringReport", "NotifyReport", "PublishFirmwareStatusNotification", "ReportChargingProfiles",
    "ReservationStatusUpdate", "SecurityEventNotification",
)  # fmt: skip


class Desk:
    """The usual answers. `tokens` is the CSMS's opinion of a token, a status or the whole idTokenInfo (1.6: idTagInfo);
    one it does not know is Accepted."""

    def __init__(self) -> None:
        self.tokens: dict[str, str | Payload] = {}
        self.clock_offset_s = 0.0
        self.boot_interval_s = 300
        shared = {
            "BootNotification": self._boot,
            "Heartbeat": lambda _: {"currentTime": now_text(self.clock_offset_s)},
            "DataTransfer": lambda _: {"status": "Accepted"},
            "SignCertificate": lambda _: {"status": "Accepted"},
        }
        v2 = shared | {
            "Authorize": lambda request: {"idTokenInfo": self._opinion(request["idToken"]["idToken"])},
            "TransactionEvent": self._transaction_event,
            "NotifyEVChargingNeeds": lambda _: {"status": "Rejected"},
            "NotifyEVChargingSchedule": lambda _: {"status": "Accepted"},
            "Get15118EVCertificate": lambda _: {"status": "Failed", "exiResponse": ""},
            "GetCertificateStatus": lambda _: {"status": "Failed"},
            **dict.fromkeys(_EMPTY_2, _nothing),
        }
        v16 = shared | {
            "Authorize": lambda request: {"idTagInfo": self._opinion(request["idTag"])},
            "StartTransaction": lambda request: {"idTagInfo": self._opinion(request["idTag"]), "transactionId": 0},
            "StopTransaction": self._stop_transaction,
            **dict.fromkeys(_EMPTY_16, _nothing),
        }
        self._usual: dict[str, dict[str, Callable[[Payload], Payload]]] = {"1.6": v16, "2.0.1": v2, "2.1": v2}

    def usual(self, version: str, action: str, payload: Payload) -> Payload | None:
        """None: a station has no business sending this. The 1.6 transactionId is left to the books (0 here)."""
        answer = self._usual[version].get(action)
        return None if answer is None else answer(payload)

    def _opinion(self, token: str) -> Payload:
        opinion = self.tokens.get(token, "Accepted")
        return {"status": opinion} if isinstance(opinion, str) else dict(opinion)

    def _boot(self, _: Payload) -> Payload:
        return {"status": "Accepted", "currentTime": now_text(self.clock_offset_s), "interval": self.boot_interval_s}

    def _transaction_event(self, request: Payload) -> Payload:
        return {"idTokenInfo": self._opinion(request["idToken"]["idToken"])} if "idToken" in request else {}

    def _stop_transaction(self, request: Payload) -> Payload:
        return {"idTagInfo": self._opinion(request["idTag"])} if "idTag" in request else {}


def _nothing(_: Payload) -> Payload:
    return {}
