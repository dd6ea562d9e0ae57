"""The end of a reservation (H01, H04)."""

from chargepointd.core.reservation import ReservationEnded
from chargepointd.dialects.v2.messages.common import Answers, Calls, Said
from chargepointd.dialects.v2.words import Words


def _ended(ended: ReservationEnded, _: Words) -> Said:
    return "ReservationStatusUpdate", {"reservationId": ended.id, "reservationUpdateStatus": ended.status}


CALLS: Calls = {ReservationEnded: _ended}
ANSWERS: Answers = {}
