"""The status of a connector in the words of 1.6 (§4.9, ChargePointStatus), and its start and stop points."""

from chargepointd.core.rules import ConnectorView, Rules, StationView


def connector_status(view: ConnectorView) -> str:
    """The other connector of an EVSE in use leaves this one Unavailable: only one can charge at a time."""
    if view.faults:
        return "Faulted"
    if not view.operative:
        return "Unavailable"
    if view.transaction:
        return _in_transaction(view)
    if view.reserved and not view.authorized:
        return "Reserved"
    if view.other_plugged:
        return "Unavailable"
    if view.authorized:
        return "Preparing"
    if view.ended:
        return "Finishing"
    return "Preparing" if view.plugged else "Available"


def _in_transaction(view: ConnectorView) -> str:
    """Finishing as soon as nobody is authorized any longer: the transaction waits for its last reading. Unplugged
    at the car, it waits for the car (errata 3.5: SuspendedEV)."""
    if view.charging_state in ("SuspendedEV", "SuspendedEVSE") or (
        view.charging_state == "Charging" and view.authorized
    ):
        return view.charging_state
    if not view.authorized:
        return "Finishing"
    return "Preparing" if view.charging_state == "EVConnected" else "SuspendedEV"


def connector_info(view: ConnectorView) -> str:
    """§4.10"""
    return "EV side disconnected" if view.unplugged and not view.faults else ""


def station_status(view: StationView) -> str:
    """Connector 0 is Available, Unavailable or Faulted only."""
    if view.faults:
        return "Faulted"
    return "Available" if view.operative else "Unavailable"


RULES = Rules(
    "ocpp1.6",
    connector_status,
    station_status,
    start_points=frozenset({"PowerPathClosed"}),
    stop_points=frozenset({"Authorized"}),
    unlock_stops_transaction=True,
    connector_info=connector_info,
    numbers_transactions=True,
    one_interval=True,
    level_replaces=True,
    loose_profiles=True,
    pending_obeys=True,
    boots_when_asked=True,
    samples_when_asked=True,
    empty_list_is_none=True,
    listed_is_cached=False,
)
