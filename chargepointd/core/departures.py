"""Cars that leave after their transaction is over, of which a CSMS that bills idle time is to hear (1.6
ConnectorUnplugged, of the "OCPP & California Pricing Requirements" of the OCA)."""

from collections.abc import Iterable, Sequence
from typing import Any

from chargepointd.core.context import Context, Step
from chargepointd.core.messages import Message
from chargepointd.core.outbox import Outbox, Outcome
from chargepointd.core.tuples import NamedTuple

_LANE = "unplugged"


class CableLeft(NamedTuple):
    """Message: a car whose transaction was over before has left, and with it the idle fee ends."""

    transaction_id: str
    reference: int | None
    at: float
    """UTC, s since 1970"""


class Departures:
    """Each is told when the end of its transaction was: by then the CSMS has given that a number."""

    def __init__(self, context: Context, outbox: Outbox, saved: Iterable[Sequence[Any]]) -> None:
        self._context = context
        self._outbox = outbox
        self.untold = [CableLeft(*left) for left in saved]
        self._promised: set[str] = set()
        """the transactions of those that the outbox knows of"""
        self.told = False
        """one was: what is kept has changed"""

    def add(self, left: CableLeft) -> None:
        self.untold.append(left)

    def tell(self) -> None:
        """The message is made when its turn comes."""
        for index, left in enumerate(self.untold):
            if left.reference is None:
                reference = self._outbox.names.reference_of(left.transaction_id)
                left = self.untold[index] = left._replace(reference=reference)
            held = self._outbox.holds(left.transaction_id)  # the end of the transaction is told first
            if left.transaction_id not in self._promised and not held:
                self._promise(left)

    def _promise(self, left: CableLeft) -> None:
        self._promised.add(left.transaction_id)
        self._outbox.keep(_LANE, self._context.new_id(), lambda: left, self._heard)

    def _heard(self, message: Message, outcome: Outcome, step: Step) -> None:
        self.untold = [left for left in self.untold if left.transaction_id != message.transaction_id]
        self._promised.discard(message.transaction_id)
        self.told = True
