"""What the daemon is to do. Three classes by when: at once, with the commit, after the commit.

- *At once*, waiting for nothing: `OpenPowerPath`, `SetLimit`.
- *The commit*: all `Save…` of a step are one database transaction.
- *After the commit* of the step they come from: all else. A `ClosePowerPath` that is overtaken by an `OpenPowerPath`
  while it waits is dropped, and one that a `SetLimit` has overtaken is lowered.
"""

from typing import Any

from chargepointd.core.clock import Righting
from chargepointd.core.commands import Reply
from chargepointd.core.messages import Message, TransactionRecord
from chargepointd.core.session import Session
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import TokenInfo

# -- the hardware ------------------------------------------------------------------------------------------------------


class OpenPowerPath(NamedTuple):
    """End the energy transfer; `PowerSwitched` off tells when it is done."""

    evse_id: int
    urgent: bool
    """True: open under load, now. False: tell the car first, give it 3 s to stop drawing (IEC 61851-1), then open"""


class ClosePowerPath(NamedTuple):
    """Offer energy, or more of it, and let it flow when the car asks; `PowerSwitched` on tells when it does. More than
    what it rests on allows is never offered: it waits for the disk, and for a `SetLimit` that came meanwhile it is
    lowered."""

    evse_id: int
    limit_a: float
    """A per phase (AC) or at the output (DC)"""
    limit_w: float = float("inf")
    """W at the output; DC"""
    phases: int = 0
    """how many to use, where they can be switched; 0: as built. The power path is opened for it"""


class SetLimit(NamedTuple):
    """Less than before, to who is offered something; it opens and closes nothing."""

    evse_id: int
    limit_a: float
    limit_w: float = float("inf")


class MoveLock(NamedTuple):
    """`LockMoved` or `LockStuck` tells how it went."""

    evse_id: int
    connector_id: int
    locked: bool


class ReadMeter(NamedTuple):
    """A fresh reading, now; `MeterRead` brings it, if the meter answers."""

    evse_id: int
    signed: bool = False
    """by the meter itself; one that cannot at this moment is read without"""


class RestartEvse(NamedTuple):
    """Make its devices safe and ask them anew; `EvseRestarted` tells when that is done, the devices how things are."""

    evse_id: int


class PaceMeter(NamedTuple):
    """How often the meter is to be read from now on: often while it matters, seldom while idle."""

    evse_id: int
    active: bool
    role: str = "meter"
    """or site_meter"""


class AnswerContract(NamedTuple):
    """Tell the vehicle whether the contract it has shown may charge."""

    evse_id: int
    accepted: bool


class IdentifyStation(NamedTuple):
    """As whom the station answers vehicles (ISO 15118): the chain of that name in the key store; empty: as nobody."""

    name: str
    ocsp: tuple[str, ...] = ()
    """base64 of OCSP responses for it and the authorities above it"""


class AnswerEvCertificate(NamedTuple):
    """Give the vehicle what the CSMS answered: base64 of an EXI message; empty: there is none."""

    evse_id: int
    exi: str


class Display(NamedTuple):
    """What the people in front of an EVSE (0: the station) should know; up to three lines of 20 characters."""

    evse_id: int
    text: str
    for_s: float = 3.0
    """what is shown all the time (`core.display`) has to wait so long"""
    screen: int | None = None
    """that one of the station's displays (`StationPlan.displays`); None: all that serve the EVSE"""
    code: str = ""
    """a QR code, where the display can show one"""


class Indicate(NamedTuple):
    """What a lamp shows from now on; or, `times` above 0, a signal before it goes on."""

    lamp: int
    """as they are configured (`StationPlan.lamps`)"""
    colour: str
    blink: bool
    intensity_percent: int
    times: int = 0


# -- what is kept ------------------------------------------------------------------------------------------------------


class SaveRecord(NamedTuple):
    """A transaction record joins the outbox, or takes the place of the one with this id (its time was put right)."""

    record_id: int
    message_id: str
    record: TransactionRecord
    body: str = ""
    """the record as it is kept, where that is known already"""


class SettleRecord(NamedTuple):
    """Delivered, or given up (`dead`). Settled in the order of the ids, so a high-water mark is enough for most."""

    record_id: int
    dead: str = ""
    """why it was given up; kept for a person to see"""
    alone: bool = False
    """others with a lower id still wait"""
    at: float = 0.0
    """when it was given up: UTC, s since 1970"""
    attempts: int = 0
    """it was sent in vain so often"""
    reference: int | None = None
    """the number the CSMS gave its transaction"""


class DropRecords(NamedTuple):
    """These wait no more: there is no room for them."""

    record_ids: tuple[int, ...]


class AmendRecords(NamedTuple):
    """What is made right in the records behind `after_id`, as long as they were not sent (`core.records.amended`)."""

    after_id: int
    offline: bool = False
    """they were still queued when the connection was lost"""
    right: Righting | None = None
    """the clock was wrong"""
    own_from: int = 0
    """those before were made by an earlier process: of them only what was noted in the dark was told to nobody"""
    last: tuple[tuple[str, float], ...] = ()
    """when the last record before these was, by transaction: UTC, s since 1970"""
    sent: tuple[int, ...] = ()
    """those of them that were sent, and stay as they are"""


class RetryDead(NamedTuple):
    """These were set aside, and wait for the CSMS again."""

    record_ids: tuple[int, ...]


class DropDead(NamedTuple):
    """These were set aside, and are wanted no more."""

    record_ids: tuple[int, ...]


class SaveSession(NamedTuple):
    evse_id: int
    session: Session | None
    withdraws: bool = False
    """by the session that is kept a card may charge, whose time is over: no power cut must give it that back"""


class SaveVariable(NamedTuple):
    name: str
    value: str


class SaveToken(NamedTuple):
    """A token of the authorization cache; info None forgets it."""

    key: str
    kind: str
    info: TokenInfo | None
    stored_at: float
    added_at: float = 0.0
    used_at: float = 0.0
    uses: int = 0


class DropTokens(NamedTuple):
    pass


class SaveListed(NamedTuple):
    """Entries of the local authorization list."""

    full: bool
    """in place of all that were there"""
    entries: tuple[tuple[str, str | None], ...]
    """(key of the token, what is kept of it; None: it is removed)"""


class SaveState(NamedTuple):
    """A small fact by name; the value is plain JSON data. None removes it."""

    name: str
    value: Any


class SaveSecurityEvent(NamedTuple):
    """An entry of the security log, new or put right."""

    id: int
    kind: str
    at: float
    info: str
    message_id: str
    """of the message that is to be delivered; empty: none"""


class ForgetToken(NamedTuple):
    """Leave this token out of the records that were set aside."""

    key: str


class SettleSecurityEvent(NamedTuple):
    """Delivered, or refused for good."""

    id: int


Save = (
    SaveRecord
    | SettleRecord
    | AmendRecords
    | DropRecords
    | RetryDead
    | DropDead
    | SaveSession
    | SaveVariable
    | SaveToken
    | DropTokens
    | SaveListed
    | SaveState
    | SaveSecurityEvent
    | SettleSecurityEvent
    | ForgetToken
)


class LoadRecords(NamedTuple):
    """Read what waits: `RecordsLoaded` brings it, as all earlier `Save…` have left it."""

    topic: str
    """who asks"""
    ticket: int
    """which of its questions"""
    after_id: int
    limit: int
    """records; fewer, where they are large"""


class LoadDead(NamedTuple):
    """Read what was set aside: `DeadLoaded` brings it."""

    ticket: int
    """which question"""
    record_ids: tuple[int, ...]
    """none: the oldest"""
    limit: int


# -- the CSMS ----------------------------------------------------------------------------------------------------------


class SendCall(NamedTuple):
    """Answered by `CallAnswered`, `CallRefused`, `CallUnspeakable`; or by nothing, which the core notices itself."""

    message_id: str
    message: Message
    reference: int | None = None
    """the number the CSMS gave the transaction of this record, if it has"""


class AskWhenSent(NamedTuple):
    """The answer to this message is overdue, unless it had to wait for the disk: `CallSent` says when it left."""

    message_id: str


class Respond(NamedTuple):
    message_id: str
    reply: Reply


class Refuse(NamedTuple):
    """Answer with a CALLERROR; `code` in the words of 2.x (SecurityError, NotSupported, InternalError …)."""

    message_id: str
    code: str
    description: str


class ReplyLocally(NamedTuple):
    request_id: int
    reply: Reply


class Reconnect(NamedTuple):
    """Close the link and open it again (a changed password, another profile)."""

    reason: str
    at_once: bool = True
    """False: by the back-off"""


class PingAnew(NamedTuple):
    """WebSocketPingInterval has another value: it holds for the connection there is, too."""


class Restart(NamedTuple):
    """The station restarts itself: everything is committed, the power paths are open."""

    hard: bool
    reason: str
    retries: int = 0
    """of what a hard reset runs, where it cannot be run"""


class StartJob(NamedTuple):
    """Long work (`core.jobs`): `JobTold` and `JobEnded` with this topic and id tell how it goes."""

    topic: str
    id: str
    job: Any


class StopJob(NamedTuple):
    """Give it up; nothing more is heard of it."""

    topic: str
    id: str


class Note(NamedTuple):
    """Something a person may want to see as it happens: the log and `chargepointctl watch`."""

    kind: str
    evse_id: int
    text: str
    data: dict[str, Any] = {}


Effect = Any
"""Any of the above."""
