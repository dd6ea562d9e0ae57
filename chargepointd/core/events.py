"""What happens to the station. Past tense; facts only, no decisions. EVSEs count from 1, 0 is the whole station."""

from typing import Any

from chargepointd.core.commands import Command
from chargepointd.core.messages import Answer
from chargepointd.core.rules import Rules
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Fault, Measured, Token

# -- the hardware ------------------------------------------------------------------------------------------------------


class CablePlugged(NamedTuple):
    """A vehicle is connected at both ends (pilot A to B or C)."""

    evse_id: int
    connector_id: int
    limit_a: float | None = None
    """A per phase, what the cable itself bears; None when not known or fixed"""


class CableUnplugged(NamedTuple):
    """The vehicle is gone, at whichever end (pilot A)."""

    evse_id: int
    connector_id: int


class PlugMoved(NamedTuple):
    """The station's socket holds a plug, or no longer does, be a vehicle at its other end or not; told before the
    pilot's change, and only by hardware that knows."""

    evse_id: int
    connector_id: int
    present: bool


class BayChanged(NamedTuple):
    """A vehicle stands in the parking bay, or none does."""

    evse_id: int
    occupied: bool


class EnergyWanted(NamedTuple):
    """The vehicle asks for energy, or no longer does (pilot C or B)."""

    evse_id: int
    wanted: bool


class PowerSwitched(NamedTuple):
    """The power path is closed or open, as the hardware confirms it."""

    evse_id: int
    on: bool


class PhasesSwitched(NamedTuple):
    """The power path leads so many phases from now on."""

    evse_id: int
    phases: int


class MeterRead(NamedTuple):
    """A fresh reading."""

    evse_id: int
    measured: Measured


class ContactMoved(NamedTuple):
    """A contact of somebody else's device."""

    number: int
    """of the limit it is for, as they are configured"""
    closed: bool | None
    """None: it is lost"""


class SiteRead(NamedTuple):
    """What the meter of the building says; None: it is lost."""

    measured: Measured | None


class EvseRestarted(NamedTuple):
    """The devices of an EVSE were made safe and asked anew."""

    evse_id: int
    failed: str = ""
    """what went wrong"""


class TokenPresented(NamedTuple):
    """A card at a reader, a typed code, a technician's start."""

    token: Token
    evse_ids: tuple[int, ...]
    """whom the reader serves"""


class KeyPressed(NamedTuple):
    """Of a keypad, each key once."""

    key: str
    """0 to 9, "*" or "#" """
    evse_ids: tuple[int, ...]
    """whom the keypad serves"""


class GridChanged(NamedTuple):
    """The station runs from its back-up supply, or no longer does."""

    lost: bool


class LockMoved(NamedTuple):
    """The plug is held, or let go."""

    evse_id: int
    connector_id: int
    locked: bool


class LockStuck(NamedTuple):
    """The lock did not do what it was told."""

    evse_id: int
    connector_id: int
    wanted_locked: bool
    info: str


class VehicleIdentified(NamedTuple):
    """Its link has told who it is."""

    evse_id: int
    mac: str


class ContractShown(NamedTuple):
    """A vehicle shows the certificate of its charging contract; `AnswerContract` tells it how that ends."""

    evse_id: int
    emaid: str
    chain: str
    """PEM, leaf first"""


class EvCertificateWanted(NamedTuple):
    """A vehicle asks for a contract certificate; `AnswerEvCertificate` brings it."""

    evse_id: int
    action: str
    """Install or Update"""
    schema: str
    exi: str


class FaultRaised(NamedTuple):
    evse_id: int
    fault: Fault


class FaultCleared(NamedTuple):
    evse_id: int
    code: str
    source: str


# -- the CSMS ----------------------------------------------------------------------------------------------------------


class LinkOpened(NamedTuple):
    """Connected; `rules` are those of the subprotocol that was agreed."""

    rules: Rules
    certificate_until: float | None = None
    """UTC, s since 1970: the end of the certificate the CSMS has shown"""
    root: str = ""
    """fingerprint (SHA-256, hexadecimal) of the root that vouched for it; empty: none, or nobody knows"""
    certificate_from: float | None = None
    """UTC, s since 1970: its beginning"""
    certificate_judged: bool = False
    """by a time that somebody had vouched for; else it is to be judged by the first that does"""


class LinkClosed(NamedTuple):
    reason: str


class LinkFailed(NamedTuple):
    """An attempt did not come to a connection."""

    kind: str
    """certificate, tls-version, tls-cipher, tls, unauthorized, refused … (`link.ended`)"""
    reason: str


class CallReceived(NamedTuple):
    """The CSMS asks. The answer is an effect of this step or of a later one: `Reply` or `Refuse` with this id."""

    message_id: str
    command: Command


class CallAnswered(NamedTuple):
    message_id: str
    answer: Answer


class CallRefused(NamedTuple):
    """The CSMS answered with a CALLERROR, or with what is no valid answer."""

    message_id: str
    code: str
    description: str


class CallSent(NamedTuple):
    """The answer to `AskWhenSent`."""

    message_id: str
    at: float | None
    """when it left: s, monotonic clock; None: it is no longer the one whose answer is awaited"""


class CallUnspeakable(NamedTuple):
    """The dialect has no words for this message: it is settled without being sent."""

    message_id: str


class MessageInvalid(NamedTuple):
    """The CSMS sent what is no message, or does not fit its schema; it has been answered."""

    reason: str


class RecordsLoaded(NamedTuple):
    """The answer to `LoadRecords`."""

    topic: str
    ticket: int
    entries: tuple[Any, ...]
    """`core.records.Entry`, in the order of the ids"""
    complete: bool
    """there are no more behind them"""
    unreadable: int = 0
    """how many others were met that cannot be read; they are set aside by now"""
    unreadable_size: int = 0
    """their bytes"""


class DeadLoaded(NamedTuple):
    """The answer to `LoadDead`."""

    ticket: int
    letters: tuple[Any, ...]
    """`core.dead_letters.DeadLetter`, in the order of the ids"""
    damage: str = ""
    """why they cannot be read"""


# -- jobs --------------------------------------------------------------------------------------------------------------


class JobTold(NamedTuple):
    """News of a job that runs."""

    topic: str
    id: str
    news: Any


class JobEnded(NamedTuple):
    topic: str
    id: str
    outcome: Any
    """what the job returned, or a `JobFailed`"""


# -- people and the process --------------------------------------------------------------------------------------------


class ControlAsked(NamedTuple):
    """A technician asks; the answer is `ReplyLocally` with this id."""

    request_id: int
    command: Command


class PoweredUp(NamedTuple):
    """The first event of a process; only `StorageFailed` may come before."""

    boot_reason: str = "PowerUp"
    """BootReasonEnumType, unless the state that was kept knows better"""


class StorageLow(NamedTuple):
    """The disk with the state is nearly full."""

    free_bytes: int
    over: bool = False
    """it is so no longer"""


class StorageFailed(NamedTuple):
    """What is to be kept cannot be: the disk is full, read-only, broken. `StorageSound` follows when all is kept."""

    reason: str
    unsent: tuple[str, ...] = ()
    """ids of messages that were to be sent when they were kept, and have not left"""


class StorageSound(NamedTuple):
    """The disk takes everything again, and has taken what waited for it."""


class DamageMet(NamedTuple):
    """Something that only people ask for cannot be read any more; nothing that is written is affected."""

    what: str
    """for a person, with the remedy"""


class Ticked(NamedTuple):
    """The deadline the station asked for has come."""


Event = Any
"""Any of the above. `station.step` dispatches on the type."""
