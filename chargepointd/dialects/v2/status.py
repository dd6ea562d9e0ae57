"""The status of a connector in the words of 2.x (ConnectorStatusEnumType; G01, G03, G04)."""

from chargepointd.core.rules import ConnectorView, Rules


def connector_status(view: ConnectorView) -> str:
    """A fault shows through an inoperative connector (G03.FR.06, G04.FR.07: "non-faulted"). Who is authorized and has
    not plugged in occupies nothing yet; nor does one connector's cable change what is told of its sibling
    (G01.FR.08). Reserved stays so under a cable until the matching token comes (G01.FR.09)."""
    if view.faults:
        return "Faulted"
    if not view.operative:
        return "Unavailable"
    if view.reserved and not view.authorized:
        return "Reserved"
    return "Occupied" if view.plugged else "Available"


def rules(subprotocol: str) -> Rules:
    return Rules(subprotocol, connector_status, station_status=None)
