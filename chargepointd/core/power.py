"""The lock, the power path and the pace of the meter: what an EVSE's facts make of the hardware."""

from typing import TYPE_CHECKING

from chargepointd.core.context import NEVER, Step
from chargepointd.core.effects import ClosePowerPath, MoveLock, OpenPowerPath, PaceMeter, SetLimit

if TYPE_CHECKING:
    from chargepointd.core.facts import Facts

Asked = tuple[float, float, int]
"""A per phase (at the output: DC), W (DC), and how many phases where they can be switched, else 0"""
OPEN: Asked = (0.0, 0.0, 0)


class Power:
    def __init__(self) -> None:
        self.asked = OPEN
        """what the car is offered"""
        self.offered_at = NEVER
        self._lock_asked: dict[int, bool] = {}
        self._paced = False

    def follow(self, evse: "Facts", step: Step) -> None:
        self._move_lock(evse, step)
        self._move_power(evse, step)
        self._pace(evse, step)

    # -- power ---------------------------------------------------------------------------------------------------------

    @property
    def asked_a(self) -> float:
        """A per phase that the car is offered; 0: the power path is, or is to be, open"""
        return self.asked[0]

    def _move_power(self, evse: "Facts", step: Step) -> None:
        """What is lowered is lowered at once; what rests on a decision that is to be kept waits for the disk."""
        asked, before = self._limit(evse), self.asked
        if asked == before:
            return
        self.asked = asked
        if asked == OPEN:
            self.offered_at = NEVER
            step.emit(OpenPowerPath(evse.id, urgent=bool(evse.stopping_faults) or not evse.plugged))
            return
        self.offered_at = step.mono if self.offered_at == NEVER else self.offered_at
        amps, watts, phases = asked
        if phases < before[2]:  # of fewer phases no limit is low enough while there are more
            step.emit(OpenPowerPath(evse.id, urgent=False))
        elif amps < before[0] or watts < before[1]:
            step.emit(SetLimit(evse.id, min(amps, before[0]), min(watts, before[1])))
        if phases != before[2] or amps > before[0] or watts > before[1]:
            step.emit(ClosePowerPath(evse.id, amps, watts, phases))

    def _limit(self, evse: "Facts") -> Asked:
        """OPEN while anything is missing."""
        if not self.claims(evse) or evse.paused:
            return OPEN
        amps = min(evse.allowed_a, evse.cable_limit_a or evse.allowed_a)
        return amps, evse.allowed_w, evse.allowed_phases if evse.plan.switches_phases else 0

    def claims(self, evse: "Facts") -> bool:
        """Energy is due, as far as limits allow it."""
        transaction = evse.session.transaction
        in_service = transaction.ending is None if transaction else evse.may_begin(evse.plugged)
        return evse.seen and in_service and evse.ready() and not (evse.session.suspended or evse.withheld)

    def still(self, close: ClosePowerPath) -> ClosePowerPath | None:
        """What of it holds by now, after the disk: None where an OpenPowerPath has come since."""
        if self.asked == OPEN:
            return None
        amps, watts, phases = self.asked
        return close._replace(
            limit_a=min(close.limit_a, amps), limit_w=min(close.limit_w, watts), phases=min(close.phases, phases)
        )

    def phases_switched(self, step: Step) -> None:
        """The car was without an offer meanwhile, and has time to react."""
        self.offered_at = step.mono if self.asked != OPEN else NEVER

    # -- the lock ------------------------------------------------------------------------------------------------------

    def lock_moved(self, connector_id: int) -> None:
        self._lock_asked.pop(connector_id, None)

    def try_locks_again(self) -> None:
        self._lock_asked.clear()

    def _move_lock(self, evse: "Facts", step: Step) -> None:
        for plan in evse.plan.connectors:
            if not plan.lock or plan.id not in evse.locked:  # not seen yet: its driver is still to be opened
                continue
            wanted = self._lock_wanted(evse, plan.id)
            if wanted is not None and wanted != self._lock_asked.get(plan.id, evse.locked.get(plan.id)):
                self._lock_asked[plan.id] = wanted
                step.emit(MoveLock(evse.id, plan.id, wanted))

    def keeps_plug(self, evse: "Facts", connector_id: int) -> bool:
        return self._lock_wanted(evse, connector_id) is True

    def keeps_shut(self, evse: "Facts", connector_id: int) -> bool:
        """The socket is empty, and nobody is to plug in."""
        plan = evse.plan.connector(connector_id)
        empty = evse.plugged != connector_id and evse.plugs.get(connector_id) is False
        return plan is not None and plan.shut and empty and not evse.invites

    def _lock_wanted(self, evse: "Facts", connector_id: int) -> bool | None:
        """None: leave it as it is. Whoever is not authorized any more must be able to leave, though the transaction
        may go on until then; a plug is let go only when the power path is open (IEC 61851-1, 12.3)."""
        session = evse.session
        if evse.interrupting == "LettingGo" and _is_detachable(evse, connector_id):  # B13.FR.20
            return None if evse.power_on else self.keeps_shut(evse, connector_id)
        owned = session.authorized or session.suspended
        if (evse.plugged == connector_id and owned) or self.keeps_shut(evse, connector_id):
            return True
        if not evse.seen and any(plan.shut for plan in evse.plan.connectors):
            return None  # a socket that is shut is not opened by a restart
        here = session.connector_id == connector_id
        return None if evse.power_on or (here and (session.held or owned)) else False

    # -- the meter -----------------------------------------------------------------------------------------------------

    def _pace(self, evse: "Facts", step: Step) -> None:
        active = bool(evse.plugged or evse.session.authorized or evse.session.transaction)
        if evse.plan.meter and active != self._paced:
            self._paced = active
            step.emit(PaceMeter(evse.id, active))


def _is_detachable(evse: "Facts", connector_id: int) -> bool:
    plan = evse.plan.connector(connector_id)
    return plan is not None and not plan.fixed_cable
