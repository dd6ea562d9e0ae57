"""What the station tells the CSMS, in neutral words, and what it is answered. The dialects translate both.

`TransactionRecord` is what is billed: it is durable from the moment it exists, and encoded only when it is sent, so
that a number the CSMS gives late (1.6) is filled in then, and a station can change its dialect with a full queue.
"""

from typing import Any

from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Fault, MeterValue, Stamp, Token, TokenInfo


class Boot(NamedTuple):
    reason: str
    """BootReasonEnumType"""
    vendor: str
    model: str
    serial_number: str = ""
    firmware_version: str = ""


class Heartbeat(NamedTuple):
    pass


class Authorize(NamedTuple):
    token: Token
    hashes: tuple[tuple[str, ...], ...] = ()
    """of the chain of a charging contract, for OCSP: hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber,
    responderURL (C07.FR.02)"""
    chain: str = ""
    """that chain in PEM, where the CSMS is to check it (C07.FR.06)"""


class StatusChanged(NamedTuple):
    """The status of a connector in the words of the dialect (`Rules.connector_status`); evse 0 is the station (1.6)."""

    at: float
    """UTC, s since 1970"""
    evse_id: int
    connector_id: int
    status: str
    fault: Fault | None = None
    info: str = ""
    """`Rules.connector_info`"""


class MetersRead(NamedTuple):
    """Values outside a transaction."""

    evse_id: int
    values: tuple[MeterValue, ...]
    connector_id: int = 0
    """that is asked for or in use; 0: none of its connectors more than another"""


class SecurityEvent(NamedTuple):
    kind: str
    at: float
    info: str = ""


class FirmwareStatus(NamedTuple):
    """Of an update."""

    request_id: int | None
    status: str
    """FirmwareStatusEnumType"""
    asked: bool = False
    """by a trigger: something has to be said"""
    numbered: bool = False
    """as `TriggerMessage` has it"""


class LogStatus(NamedTuple):
    """How an upload goes (UploadLogStatusEnumType): Idle, Uploading, Uploaded, UploadFailure, PermissionDenied …"""

    status: str
    request_id: int | None = None
    numbered: bool = False
    """as `TriggerMessage` has it"""


class TransactionRecord(NamedTuple):
    """One step of a transaction: TransactionEvent in 2.x; StartTransaction, MeterValues, StopTransaction in 1.6."""

    kind: str
    """Started, Updated or Ended"""
    transaction_id: str
    seq_no: int
    stamp: Stamp
    trigger: str
    """TriggerReasonEnumType"""
    evse_id: int
    connector_id: int
    charging_state: str | None = None
    """ChargingStateEnumType"""
    energy_wh: float | None = None
    """Wh, the register at this moment: 1.6 meterStart and meterStop; None when it is not known"""
    values: tuple[MeterValue, ...] = ()
    token: Token | None = None
    """in the first record after the authorization, and in the one that ends it"""
    starter: Token | None = None
    """who the transaction belongs to, in every record: 1.6 needs an idTag in StartTransaction"""
    remote_start_id: int | None = None
    stopped_reason: str | None = None
    """2.x ReasonEnumType: Local, Remote, EVDisconnected, DeAuthorized, ImmediateReset, PowerLoss, Timeout …"""
    offline: bool = False
    reservation_id: int | None = None
    """that the authorization has used (H01.FR.15): in the first record after it"""
    phases: int | None = None
    cable_limit_a: float | None = None
    told_at: float | None = None
    """when an earlier record told the register last: UTC, s since 1970"""
    told_wh: float | None = None
    """what it told: from there on a CSMS counts that has not heard of the transaction before"""


Message = Any
"""Any of the above, or of a topic's own."""


# -- answers -----------------------------------------------------------------------------------------------------------


class Acknowledged(NamedTuple):
    """Taken; nothing more was said."""


class BootAnswered(NamedTuple):
    status: str
    """RegistrationStatusEnumType: Accepted, Pending, Rejected"""
    interval_s: int
    time: float | None
    """UTC, s since 1970; None when the CSMS sent what is no time"""


class HeartbeatAnswered(NamedTuple):
    time: float | None


class AuthorizeAnswered(NamedTuple):
    info: TokenInfo
    certificate_status: str = "Accepted"
    """AuthorizeCertificateStatusEnumType, of the chain of a contract"""


class RecordAnswered(NamedTuple):
    """To a TransactionRecord."""

    reference: int | None = None
    """the number the CSMS gave the transaction (1.6 transactionId)"""
    info: TokenInfo | None = None
    total_cost: float | None = None
    message: Any = None
    """text for the driver, if any"""
    charging_priority: int | None = None
    """of this transaction alone (K03.FR.05)"""
    cost: Any = None
    """`tariff.UpdateCost`: the cost with the prices behind it"""


Answer = Any
"""Any of the above, or of a topic's own."""
