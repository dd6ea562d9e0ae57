"""One visit, from plug-in (or card) to leaving, and its transaction: the facts that must survive a power cut."""

from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import MeterValue, Token


class Ending(NamedTuple):
    """A transaction that is over, waiting for the power path to open and the last reading."""

    trigger: str
    reason: str
    token: Token | None = None


class Transaction(NamedTuple):
    id: str
    connector_id: int
    started_at: float
    """UTC, s since 1970"""
    seq_no: int = 0
    """of the next record"""
    charging_state: str = "Idle"
    """as last told"""
    starter: Token | None = None
    token_told: bool = False
    """the token that authorized has been in a record"""
    energy_start_wh: float | None = None
    energy_last_wh: float | None = None
    """the largest register value in any record so far: later ones are never smaller"""
    remote_start_id: int | None = None
    offline_start: bool = False
    ending: Ending | None = None
    series: tuple[MeterValue, ...] = ()
    """values collected for the Ended record (TxEndedInterval)"""
    begin_due: bool = False
    """it began before the EVSE was known: the first record that names it has the values of the beginning (E01.FR.17)"""
    stopped: str = ""
    """why nobody is authorized any longer (ReasonEnumType): the reason of its end, though that may come later"""
    key_told: bool = False
    """the meter's public key has been in a record, or waits in the series"""
    told_at: float | None = None
    """when the register was last told: UTC, s since 1970"""
    told_wh: float | None = None
    """and what it was"""
    ready_at: float | None = None
    """UTC, s since 1970: since when energy could be delivered; relative schedules count from then (K01.FR.42)"""
    priority: int | None = None
    """chargingPriority of this transaction alone (K03.FR.05)"""
    wrapped_wh: float = 0.0
    """what the meter's register shows too little, because it has wrapped"""
    register_lost: bool = False
    """the register by which it is billed is no more: the meter was exchanged, or set back"""
    stamped_at: float = 0.0
    """of the last record: UTC, s since 1970; no later one is earlier"""
    held_until: float = 0.0
    """the clock was put back: no value is earlier either"""
    withheld: bool = False
    """energy flowed when it was interrupted, and may not flow again (AllowEnergyTransferResumption)"""
    interrupted: str = ""
    """the charging state in which a reset found it after which it is to go on; empty: none did, or it goes on"""


class Past(NamedTuple):
    """A transaction that has ended while its driver was there. Money may be told of it yet."""

    id: str
    started_at: float
    """UTC, s since 1970"""
    ended_at: float
    start_wh: float | None = None
    reference: int | None = None
    """the number the CSMS gave it"""
    lingers: bool = True
    """the car was still at the cable"""


class Session(NamedTuple):
    """What is true of an EVSE between a car's coming and its leaving. The empty session is an EVSE nobody uses."""

    connector_id: int = 0
    """where the cable is; 0 while only a card was presented"""
    token: Token | None = None
    """who is, or last was, authorized in this visit"""
    group: str | None = None
    authorized: bool = False
    suspended: bool = False
    """refused by the CSMS: the transaction goes on without energy, and the plug is held until its owner comes (E05)"""
    remote_start_id: int | None = None
    transaction: Transaction | None = None
    ended: bool = False
    """a transaction of this visit is over, the cable still in"""
    held: bool = False
    """the plug stays locked after the end, until the same token is presented (UnlockOnEVSideDisconnect false)"""
    choice: tuple[int, ...] = ()
    """in the lobby: the EVSEs of which the driver is to choose one"""
    refused: bool = False
    """refused by the CSMS, and going on until MaxEnergyOnInvalidId has flowed"""
    refused_wh: float | None = None
    """the register when it was refused; None before there is a reading"""
    reservation_id: int | None = None
    """of the reservation that the authorization has used, until a record has told it"""
    priority: int = 0
    """chargingPriority of the token (K03.FR.04)"""
    past: Past | None = None
    """the last transaction of this visit, where somebody is told of money (`core.tariff`)"""


NOBODY = Session()
