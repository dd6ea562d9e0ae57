"""The lock, the power path and the pace of the meter: what an EVSE's facts make of the hardware."""

from typing import TYPE_CHECKING

from chargepointd.core.context import NEVER, Step
from chargepointd.core.effects import ClosePowerPath, MoveLock, OpenPowerPath, PaceMeter

if TYPE_CHECKING:
    from chargepointd.core.evse import Evse


class Power:
    def __init__(self) -> None:
        self.asked_a = 0.0
        """A per phase that the car is offered; 0: the power path is, or is to be, open"""
        self.offered_at = NEVER
        self._lock_asked: dict[int, bool] = {}
        self._paced = False

    def follow(self, evse: "Evse", step: Step) -> None:
        self._move_lock(evse, step)
        self._move_power(evse, step)
        self._pace(evse, step)

    # -- power ---------------------------------------------------------------------------------------------------------

    def _move_power(self, evse: "Evse", step: Step) -> None:
        limit = self._limit(evse)
        if limit:
            if limit != self.asked_a:
                self.offered_at = step.mono if self.offered_at == NEVER else self.offered_at
                self.asked_a = limit
                step.emit(ClosePowerPath(evse.id, limit))
        elif self.asked_a:
            self.asked_a, self.offered_at = 0.0, NEVER
            step.emit(OpenPowerPath(evse.id, urgent=bool(evse.stopping_faults) or not evse.plugged))

    def _limit(self, evse: "Evse") -> float:
        """A per phase; 0 while anything is missing."""
        in_service = evse.running or (evse.transaction is None and evse.usable(evse.plugged))
        if not (evse.seen and in_service and evse.ready() and not evse.session.suspended):
            return 0.0
        return max(0.0, min(evse.allowed_a, evse.cable_limit_a or evse.allowed_a))

    # -- the lock ------------------------------------------------------------------------------------------------------

    def lock_moved(self, connector_id: int) -> None:
        self._lock_asked.pop(connector_id, None)

    def try_locks_again(self) -> None:
        self._lock_asked.clear()

    def _move_lock(self, evse: "Evse", step: Step) -> None:
        for plan in evse.plan.connectors:
            if not plan.lock or plan.id not in evse.locked:  # not seen yet: its driver is still to be opened
                continue
            wanted = self._lock_wanted(evse, plan.id)
            if wanted is not None and wanted != self._lock_asked.get(plan.id, evse.locked.get(plan.id)):
                self._lock_asked[plan.id] = wanted
                step.emit(MoveLock(evse.id, plan.id, wanted))

    def _lock_wanted(self, evse: "Evse", connector_id: int) -> bool | None:
        """None: leave it as it is. Whoever is not authorized any more must be able to leave, though the transaction
        may go on until then; a plug is let go only when the power path is open (IEC 61851-1, 12.3)."""
        session = evse.session
        owned = session.authorized or session.suspended
        if evse.plugged == connector_id and owned:
            return True
        here = session.connector_id == connector_id
        return None if evse.power_on or (here and (session.held or owned)) else False

    # -- the meter -----------------------------------------------------------------------------------------------------

    def _pace(self, evse: "Evse", step: Step) -> None:
        active = bool(evse.plugged or evse.session.authorized or evse.transaction)
        if evse.plan.meter and active != self._paced:
            self._paced = active
            step.emit(PaceMeter(evse.id, active))
