"""What differs between the versions of OCPP, as values. The core never asks for the version."""

from collections.abc import Callable

from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Conditions, Fault


class ConnectorView(NamedTuple):
    """The facts from which a dialect names the status of a connector."""

    operative: bool
    faults: tuple[Fault, ...]
    """those that stop charging"""
    reserved: bool
    plugged: bool
    """this connector holds the cable of the session"""
    other_plugged: bool
    """another connector of the same EVSE is in use"""
    authorized: bool
    transaction: bool
    ended: bool
    """the transaction of this session is over, the cable still in"""
    charging_state: str
    unplugged: bool = False
    """a transaction goes on though its car was unplugged at the other end of the cable"""


class StationView(NamedTuple):
    operative: bool
    faults: tuple[Fault, ...]


class Rules(NamedTuple):
    subprotocol: str
    """as in the websocket handshake: "ocpp2.0.1" """
    connector_status: Callable[[ConnectorView], str]
    station_status: Callable[[StationView], str] | None
    """for the dialects that report the station as connector 0; None: not reported"""
    start_points: Conditions | None = None
    """fixed transaction start points; None: the variable TxCtrlr.TxStartPoint decides"""
    stop_points: Conditions | None = None
    """fixed; None: TxCtrlr.TxStopPoint"""
    unlock_stops_transaction: bool = False
    """1.6 UnlockConnector ends a running transaction first; 2.x answers OngoingAuthorizedTransaction"""
    connector_info: Callable[[ConnectorView], str] = lambda view: ""
    """what is told of a connector beside its status, where that alone does not say it"""
    numbers_transactions: bool = False
    """the CSMS gives a transaction its name, a number, in the answer to its start (1.6); else it has the station's"""
    one_interval: bool = False
    """1.6 has one interval for the values told during a transaction and for those collected for its end
    (StopTxnSampledData, StopTxnAlignedData), and the latter begin with a Transaction.Begin"""
    level_replaces: bool = False
    """1.6: a charging profile takes the place of one with the same purpose and stack level at the same connector
    (§5.16); 2.x refuses it as a duplicate (K01.FR.06, .52, .53)"""
    loose_profiles: bool = False
    """1.6: a schedule without a start counts from the start of charging, and the number of phases is how many may be
    used (§7.13); 2.x refuses what is missing or cannot be kept (K01.FR.40, .41, .43)"""
    pending_obeys: bool = False
    """1.6 §4.2: while the registration is pending every request is obeyed but those to start and stop; 2.x obeys what
    serves to set the station up (B02.FR.05)"""
    boots_when_asked: bool = False
    """1.6 TriggerMessage: a boot notification is sent again; 2.x rejects it once the station is accepted (F06.FR.17)"""
    samples_when_asked: bool = False
    """1.6 TriggerMessage: meter values are those that are sampled in transactions, and part of one that runs (§5.17);
    2.x tells those of AlignedDataCtrlr, beside it (F06.FR.06)"""
    empty_list_is_none: bool = False
    """1.6 GetLocalListVersion: a list without entries is of version 0, whatever was sent with it"""
    listed_is_cached: bool = True
    """1.6 §3.5.3: what is in the local list is not added to the cache; 2.x caches whatever the CSMS says (C10.FR.01)"""
