"""Cars that have left an idle fee behind ("OCPP & California Pricing Requirements" of the OCA)."""

from chargepointd.core.departures import CableLeft
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.pricing import VENDOR
from chargepointd.dialects.v16.connectors import Connectors
from chargepointd.dialects.v16.messages.common import Answers, Calls, Said, transfer


def _left(left: CableLeft, _: int | None, connectors: Connectors) -> Said | None:
    if left.reference is None:  # the CSMS never gave it a number, so it has no bill for it
        return None
    data = {"transactionId": left.reference, "timestamp": format_time(left.at)}
    return transfer(VENDOR, "ConnectorUnplugged", data)


CALLS: Calls = {CableLeft: _left}
ANSWERS: Answers = {}
