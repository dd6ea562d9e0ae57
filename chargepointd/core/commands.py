"""What the CSMS or a technician asks of the station, and the replies. Imperative; the words of 2.x; neutral."""

from typing import TYPE_CHECKING, Any

from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token
from chargepointd.core.variables.model import Ref

if TYPE_CHECKING:
    from chargepointd.core.charging.profile import Profile


class GetVariables(NamedTuple):
    items: tuple[tuple[Ref, str], ...]
    """(variable, attribute type: Actual, Target, MinSet, MaxSet)"""


class VariableGot(NamedTuple):
    ref: Ref
    attribute: str
    status: str
    """GetVariableStatusEnumType: Accepted, Rejected, UnknownComponent, UnknownVariable, NotSupportedAttributeType"""
    value: str | None = None
    read_only: bool = False


class VariablesGot(NamedTuple):
    items: tuple[VariableGot, ...]


class SetVariables(NamedTuple):
    items: tuple[tuple[Ref, str, str], ...]
    """(variable, attribute type, value)"""


class VariableSet(NamedTuple):
    ref: Ref
    attribute: str
    status: str
    """SetVariableStatusEnumType: Accepted, Rejected, UnknownComponent, UnknownVariable, NotSupportedAttributeType,
    RebootRequired"""
    reason: str = ""
    """for a person: what is wrong with the value and what would be right"""


class VariablesSet(NamedTuple):
    items: tuple[VariableSet, ...]


class ListVariables(NamedTuple):
    """Every variable there is; 1.6 GetConfiguration without keys, `chargepointctl get` without names."""

    prefix: str = ""


class ChangeAvailability(NamedTuple):
    operative: bool
    evse_id: int = 0
    connector_id: int = 0
    knows_evses: bool = True
    """False: its sender has words for connectors only (1.6), so what was set for their EVSE is theirs"""


class RequestStart(NamedTuple):
    """Start for this token, as from a card (F01, F02; 1.6 RemoteStartTransaction)."""

    token: Token
    evse_id: int = 0
    """0: the station chooses"""
    remote_start_id: int | None = None
    group: Token | None = None
    profile: "Profile | None" = None
    schedules: int = 1
    """so many came with the profile, of which it has the first"""


class RequestStop(NamedTuple):
    """By the station's transaction id, or by the number the CSMS gave it (`reference`, 1.6)."""

    transaction_id: str | None = None
    reference: int | None = None


class StopLocally(NamedTuple):
    """A technician ends the transaction of an EVSE."""

    evse_id: int = 0
    transaction_id: str | None = None


class UnlockConnector(NamedTuple):
    evse_id: int
    connector_id: int = 1


class Reset(NamedTuple):
    on_idle: bool
    """2.x OnIdle: wait for transactions to end. False: end them (2.x Immediate; 1.6 Soft and Hard)"""
    evse_id: int = 0
    hard: bool = False
    """1.6 Hard: restart the board, not only the program"""
    resumes: bool = False
    """2.1 ImmediateAndResume: transactions are interrupted, and go on afterwards"""


class ClearCache(NamedTuple):
    pass


class TransferData(NamedTuple):
    """What nothing is done with: answered with the reason."""

    vendor_id: str
    message_id: str | None = None
    data: Any = None
    status: str = "UnknownVendorId"
    """DataTransferStatusEnumType: UnknownVendorId, UnknownMessageId, Rejected"""
    reason: str = ""


class GetTransactionStatus(NamedTuple):
    transaction_id: str | None = None


class TriggerMessage(NamedTuple):
    kind: str
    """MessageTriggerEnumType: BootNotification, Heartbeat, StatusNotification, MeterValues, TransactionEvent …"""
    evse_id: int = 0
    connector_id: int = 0
    itself: bool = False
    """the station alone, without its EVSEs: 1.6 connector 0"""
    numbered: bool = False
    """the message is to be the one that has room for the id of a request: 1.6 has two each for firmware and logs"""


class GetLog(NamedTuple):
    """Upload a log (N01; 1.6 GetDiagnostics)."""

    kind: str
    """LogEnumType: DiagnosticsLog, SecurityLog"""
    url: str
    request_id: int | None = None
    """None: by 1.6 GetDiagnostics, whose messages have none"""
    oldest: float | None = None
    """UTC, s since 1970"""
    latest: float | None = None
    retries: int = 0
    """further attempts"""
    retry_interval_s: int = 60


class ShowStatus(NamedTuple):
    """All that `chargepointctl status` shows."""


class ShowOutbox(NamedTuple):
    limit: int = 50


class MindDead(NamedTuple):
    """What a technician wants of the records that were set aside."""

    act: str
    """retry or forget"""
    ids: tuple[int, ...] = ()
    """none: the oldest"""


class ShowSecurityLog(NamedTuple):
    limit: int = 50
    """the newest so many"""


Command = Any
"""Any of the above."""


# -- replies -----------------------------------------------------------------------------------------------------------


class Status(NamedTuple):
    """The plain answer: a status in the words of 2.x, and why."""

    status: str
    reason: str = ""
    code: str = ""
    """StatusInfoType.reasonCode, where one is prescribed"""


class StartRequested(NamedTuple):
    status: str
    transaction_id: str | None = None
    """only when a transaction already runs for it (F02.FR.01)"""
    reason: str = ""
    code: str = ""


class TransactionStatus(NamedTuple):
    messages_in_queue: bool
    ongoing: bool | None = None


class LogPromised(NamedTuple):
    """What will be uploaded."""

    status: str
    """LogStatusEnumType: Accepted, AcceptedCanceled, Rejected"""
    filename: str = ""


class Shown(NamedTuple):
    """Plain data for the control socket."""

    data: dict[str, Any]


Reply = Any
"""Any of the above, or of a topic's own."""
