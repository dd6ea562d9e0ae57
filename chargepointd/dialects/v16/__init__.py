"""OCPP 1.6 (Edition 2, with errata and the security extension). Only here: charge point, idTag, key, connector 0.

translation.py   the dialect as the daemon sees it
requests/        what the CSMS asks, and the answers
messages/        what the station tells, and what it is answered
samples.py       meter values
status.py        the status of a connector, start and stop points
connectors.py    one row of connector numbers over the EVSEs
keys.py          configuration keys: a table over the device model
prices.py        those whose value is a JSON object
"""

from chargepointd.core.plan import StationPlan
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.v16.translation import Translation


def dialect(plan: StationPlan, variables: Registry) -> Translation:
    return Translation(plan, variables)
