"""1.6 knows no EVSEs: the connectors of all EVSEs are counted through, 1 to n; 0 is the charge point (1.6 §2.2)."""

from chargepointd.core.plan import StationPlan
from chargepointd.core.tuples import NamedTuple

NOWHERE = (-1, -1)
"""a place that no station has: a command for it is answered as for any unknown one"""


class Connectors(NamedTuple):
    places: tuple[tuple[int, int], ...]
    """(EVSE, connector) of the numbers 1 to n"""

    def place(self, number: int) -> tuple[int, int]:
        """(EVSE, connector); (0, 0) for the charge point, NOWHERE for a number there is not."""
        if number == 0:
            return (0, 0)
        return self.places[number - 1] if 0 < number <= len(self.places) else NOWHERE

    def number(self, evse_id: int, connector_id: int) -> int:
        """Where the connector is not known, the first of its EVSE. An EVSE that is there no longer, in a record from
        before the station was rebuilt, keeps its own number: what was delivered has to be told."""
        if (evse_id, connector_id) in self.places:
            return self.places.index((evse_id, connector_id)) + 1
        return next((n for n, place in enumerate(self.places, 1) if place[0] == evse_id), evse_id)


def connectors(plan: StationPlan) -> Connectors:
    return Connectors(tuple((evse.id, connector.id) for evse in plan.evses for connector in evse.connectors))
