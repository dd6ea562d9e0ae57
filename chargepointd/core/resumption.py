"""What becomes of a transaction that an interruption found running: it goes on, or it ends (2.1 E17).

It goes on when the interruption took no longer than TxCtrlr.ResumptionTimeout; by default however long it was. When it
began is known from its last record, so nothing is written for that: it is never reckoned shorter than it was, and where
samples are far apart, longer. When it ended is known when the clock is. Until then no energy flows; the age of the
process alone says at last that it is too late. A clock that is put right afterwards may show that it was too late from
the beginning.

What a reset has interrupted after which it is to go on (B13) does so however long that took.

Energy comes back at once, or after a delay that is drawn (E17.FR.18); never in this transaction where it flowed before
and AllowEnergyTransferResumption is false.
"""

from typing import TYPE_CHECKING
from zlib import crc32

from chargepointd.core.clock import SLACK_S, plausible
from chargepointd.core.consequences import NO_CAUSE, Cause
from chargepointd.core.context import Context, Step
from chargepointd.core.facts import EVER, RESUMES_ENERGY, RESUMPTION_TIMEOUT
from chargepointd.core.session import Transaction

if TYPE_CHECKING:
    from chargepointd.core.evse import Evse

DELAY = "TxCtrlr.ResumptionMaxDelay"


class Resumption:
    """Of one transaction, for the life of the process: made in its first step, or when its EVSE was reset alone."""

    def __init__(self, context: Context, transaction: Transaction, step: Step, *, at_once: bool = False) -> None:
        self._context = context
        self._id = transaction.id
        self._interrupted_at = transaction.stamped_at or transaction.started_at
        self._resumed_at = step.mono
        self._energy_at = step.mono + (0.0 if at_once else self._delay_s())
        self._meant = bool(transaction.interrupted)
        """that it goes on was decided before the interruption"""
        self.decided = self._announced = False

    def look(self, evse: "Evse", step: Step) -> Cause | None:
        """Let it go on, with or without energy for now; or what it ends by."""
        transaction = self._of(evse)
        over = self._verdict(step) if transaction else ""
        if transaction and over == "" and not self.decided:
            self.decided = True
            before = transaction.interrupted or transaction.charging_state
            if before == "Charging" and not self._context.variables.boolean(RESUMES_ENERGY):
                evse.session = evse.session._replace(transaction=transaction._replace(withheld=True))
        undecided, early = over is None, step.mono < self._energy_at
        evse.held_back = bool(transaction) and not over and (undecided or early)
        return Cause("AbnormalCondition", over) if over else None

    def _of(self, evse: "Evse") -> Transaction | None:
        """As long as it runs."""
        transaction = evse.transaction
        return transaction if transaction and evse.running and transaction.id == self._id else None

    def announced(self, evse: "Evse") -> Cause:
        """Once, when it goes on and its car, or that there is none, has been seen (E17.FR.14)."""
        if self._announced or not (self.decided and self._of(evse)):
            return NO_CAUSE
        self._announced = True
        assert evse.transaction
        evse.session = evse.session._replace(transaction=evse.transaction._replace(interrupted=""))
        return Cause("TxResumed")

    def _delay_s(self) -> float:
        """The id of a start is by chance, so what is drawn from it is."""
        most = self._context.variables.integer(DELAY)
        return most * crc32(f"{self._context.clock.boot_id} {self._id}".encode()) / 2**32

    def _verdict(self, step: Step) -> str | None:
        """Why it is over (ReasonEnumType); empty: it goes on; None: that is not known yet."""
        limit = self._context.variables.integer(RESUMPTION_TIMEOUT)
        if limit >= EVER or self._meant:
            return ""
        since = step.mono - self._resumed_at
        away = self._away_s(step)
        if away is None and self.decided:
            return ""
        if away is None:
            hopeless = limit == 0 or since > limit or not plausible(self._interrupted_at)
            return self._blamed() if hopeless else None
        if away <= limit and limit:
            return ""
        return self._blamed()

    def _blamed(self) -> str:
        """E17.FR.21, .22: a machine that had power all the time has nobody to blame but itself."""
        return "Reboot" if self._context.clock.lasts else "PowerLoss"

    def _away_s(self, step: Step) -> float | None:
        """How long the interruption was; None where the clock does not know, or stands before it."""
        away = step.utc - (step.mono - self._resumed_at) - self._interrupted_at
        known = self._context.clock.sure and plausible(self._interrupted_at) and away >= -SLACK_S
        return away if known else None

    def deadline(self) -> float:
        """While energy is held back: when that is over, or when it is too late."""
        too_late = self._resumed_at + self._context.variables.integer(RESUMPTION_TIMEOUT) + 1
        return self._energy_at if self.decided else too_late
