"""One EVSE: what happens to it. Each event sets facts; what follows from them is settled (`core.consequences`)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chargepointd.core.clock import Righting
from chargepointd.core.consequences import LAST_READING_S, NO_CAUSE, Cause, Consequences
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.facts import REACTION_S
from chargepointd.core.outbox import Outbox
from chargepointd.core.plan import EvsePlan
from chargepointd.core.session import NOBODY, Past, Session, Transaction
from chargepointd.core.values import Fault, Measured, Token

if TYPE_CHECKING:
    from chargepointd.core.resumption import Resumption

SIGN_AGAIN_S = 1.0
"""a meter that gives no signature is asked again, as often at most"""


class Evse(Consequences):
    def __init__(self, plan: EvsePlan, context: Context, outbox: Outbox, session: Session | None) -> None:
        super().__init__(plan, context, outbox, session)
        self._spent_at = NEVER
        """when what may flow to a refused token has flowed, as far as can be told"""
        self._resumption: Resumption | None = None
        """of the transaction that was interrupted before this process, or by a reset of this EVSE"""

    # -- facts ---------------------------------------------------------------------------------------------------------

    def power_up(self, step: Step) -> None:
        """The first step of a process: what was kept goes on, if it may; an end that was decided is brought to its
        end."""
        transaction = self.transaction
        self._remember_register(step)
        if transaction:
            if self.running:
                from chargepointd.core.resumption import Resumption  # few starts find a transaction

                self._resumption = Resumption(self._context, transaction, step)
                self._look_at_interruption(step)
            self.sampling.begin(step.mono - max(0.0, step.utc - transaction.started_at), step)
        else:
            self.sampling.plan(step)
        self.settle(self.conditions(), self._resumed() if self.seen else NO_CAUSE, step)

    def _look_at_interruption(self, step: Step) -> None:
        over = self._resumption.look(self, step) if self._resumption else None
        if over:
            self._end(over, step)

    def _resumed(self) -> Cause:
        return self._resumption.announced(self) if self._resumption else NO_CAUSE

    def put_right(self, right: Righting, step: Step, stamped: Mapping[str, float]) -> None:
        super().put_right(right, step, stamped)
        if self._resumption:
            before = self.conditions()
            self._look_at_interruption(step)
            self.settle(before, self._resumed() if self.seen else NO_CAUSE, step)

    def plug_in(self, connector_id: int, limit_a: float | None, step: Step) -> None:
        """A car is at the cable; after a power cut perhaps the one that was."""
        if self.seen and self.plugged not in (0, connector_id):
            return  # the other connector of this EVSE is in use
        before = self.conditions()
        known = self.plugged == connector_id
        self.seen, self.plugged, self.cable_limit_a = True, connector_id, limit_a
        if not known:
            self.came_at, self._came_last = step.mono, "CablePluggedIn"
            if self.session.ended or self.session.held:
                self.session = NOBODY
            self._read_meter(step)
        self.session = self.session._replace(connector_id=connector_id)
        self.settle(before, self._resumed() if known else Cause("CablePluggedIn"), step)
        self._announce(step)

    def unplug(self, connector_id: int, step: Step) -> None:
        before, first = self.conditions(), not self.seen
        if connector_id != self.plugged:
            self.seen = self.seen or not self.plugged
            self.settle(before, self._resumed() if self.seen else NO_CAUSE, step)
            return
        self.seen = True
        self.plugged, self.wanted, self.cable_limit_a = 0, False, None
        over = self._context.variables.boolean("TxCtrlr.StopTxOnEVSideDisconnect")
        self.session = self.session._replace(ended=False)
        cause = Cause("EVCommunicationLost", "PowerLoss" if first and not self._was_reset() else "EVDisconnected")
        if over or self.transaction is None:
            self._lose_right(cause, held=self._keeps_cable())
        self.settle(before, cause, step)
        self._announce(step)

    def _announce(self, step: Step) -> None:
        """What goes on though its car has left, or come, meanwhile."""
        cause = self._resumed()
        if cause.trigger:
            self.settle(self.conditions(), cause, step)

    def _was_reset(self) -> bool:
        """Who leaves during a reset has not waited for the power to come back."""
        return self.transaction is not None and bool(self.transaction.interrupted)

    def move_plug(self, connector_id: int, present: bool, step: Step) -> None:
        """A plug is in the socket, or no longer: a cable that is gone cannot be held for its owner."""
        before = self.conditions()
        self.plugs[connector_id] = present
        if not present and self.session.held and self.session.connector_id == connector_id:
            self.session = self.session._replace(held=False, suspended=False)
        self.settle(before, NO_CAUSE, step)

    def occupy(self, occupied: bool, step: Step) -> None:
        """A car has come into the bay, or left it."""
        before, first = self.conditions(), not self.bay_seen
        self.bay, self.bay_seen = occupied, True
        changed = "ParkingBayOccupancy" in before ^ self.conditions()
        if changed and occupied:
            self.came_at = step.mono
            self._read_meter(step)
        left = Cause("EVDeparted", "PowerLoss" if first and not self._was_reset() else "Local")
        self.settle(before, (Cause("EVDetected") if occupied else left) if changed else NO_CAUSE, step)

    def want(self, wanted: bool, step: Step) -> None:
        before = self.conditions()
        self.wanted = wanted
        self.settle(before, NO_CAUSE, step)

    def switch(self, on: bool, step: Step) -> None:
        before = self.conditions()
        if self.power_on and not on:
            self._open_since = step.mono
            if self.transaction:
                self._read_meter(step)
        self.power_on = on
        self.settle(before, NO_CAUSE, step)

    def read(self, measured: Measured, step: Step) -> None:
        before = self.conditions()
        if self.measured and measured.taken_at < self.measured.taken_at:  # overtaken: it tells nothing of now
            self.signed = measured if measured.signed and self._counted(measured) else self.signed
        else:
            self._look_at(measured, step)
            if self._lost and self.running:
                self._end(Cause("AbnormalCondition"), step)
        self.settle(before, NO_CAUSE, step)
        if self.session.refused:
            self._count_allowance(step)
        unknown = self.plan.signs and self._signed_asked_at == -NEVER  # the public key is told before it is needed
        if unknown or (self._lacks_signature() and step.mono >= self._signed_asked_at + SIGN_AGAIN_S):
            self._read_meter(step, signed=True)
        self._sample(step)

    def _lacks_signature(self) -> bool:
        """A transaction waits for nothing but the meter's signature."""
        entitled = self.entitled_at != NEVER and self.transaction is None
        return entitled and "DataSigned" in self.start_points() and not self._vouched_for()

    def switch_phases(self, phases: int, step: Step) -> None:
        before = self.conditions()
        self.phases = phases
        self.power.phases_switched(step)
        self.settle(before, NO_CAUSE, step)

    def move_lock(self, connector_id: int, locked: bool, step: Step) -> None:
        before = self.conditions()
        self.locked[connector_id] = locked
        self.power.lock_moved(connector_id)
        self.settle(before, NO_CAUSE, step)

    def fault(self, fault: Fault, step: Step) -> None:
        """Something is broken; or what is known of it has changed, which a record does not tell again."""
        before, key = self.conditions(), (fault.code, fault.source)
        known, self.faults[key] = self.faults.get(key), fault
        told = self.running and fault.stops_charging and not (known and known.stops_charging)
        self.settle(before, Cause("AbnormalCondition", self._fault_reason()) if told else NO_CAUSE, step)

    def mend(self, code: str, source: str, step: Step) -> None:
        before = self.conditions()
        if self.faults.pop((code, source), None):
            if code == "ConnectorLockFailure":
                self.power.try_locks_again()
            self.settle(before, NO_CAUSE, step)

    def authorize(
        self,
        token: Token,
        group: str | None,
        trigger: str,
        remote_start_id: int | None,
        step: Step,
        *,
        reservation_id: int | None = None,
        priority: int = 0,
    ) -> None:
        """Somebody may charge here."""
        before = self.conditions()
        self.session = self.session._replace(
            token=token, group=group, authorized=True, suspended=False, held=False, remote_start_id=remote_start_id,
            refused=False, refused_wh=None, reservation_id=reservation_id, priority=priority,
        )  # fmt: skip
        if self.transaction:
            self.session = self.session._replace(transaction=self.transaction._replace(token_told=False, stopped=""))
        self._came_last = trigger
        self.settle(before, Cause(trigger), step)

    def confirm(self, group: str | None, priority: int, step: Step) -> None:
        """The CSMS accepts the token of the transaction, be it late; it may tell only now to which group it belongs."""
        self.session = self.session._replace(
            group=self.session.group or group, refused=False, refused_wh=None, priority=priority
        )
        self._keep(step)

    def prioritise(self, priority: int, step: Step) -> None:
        """chargingPriority of the transaction that runs, whatever its token has (K03.FR.05)."""
        if self.transaction:
            self.session = self.session._replace(transaction=self.transaction._replace(priority=priority))
            self._keep(step)

    def refuse(self, step: Step) -> None:
        """The CSMS does not accept the token of the transaction (C15, E05). Up to MaxEnergyOnInvalidId may flow yet,
        counted by the meter from now on; without one there is nothing to count."""
        if not self.session.refused:
            self.session = self.session._replace(refused=True)
            self._read_meter(step)
        self._look_at_allowance(step)
        self._keep(step)

    def _look_at_allowance(self, step: Step) -> None:
        session, left_wh = self.session, self._left_wh()
        self._spent_at = NEVER
        if not (session.refused and session.authorized and self.running and not session.suspended):
            return
        if left_wh > 0:
            self._spent_at = self._when_spent(left_wh, step)
        elif self._context.variables.boolean("TxCtrlr.StopTxOnInvalidId"):
            self.deauthorize(Cause("Deauthorized", "DeAuthorized"), step)
        else:
            self.suspend(step)

    def _count_allowance(self, step: Step) -> None:
        if self.session.refused_wh is None:
            self.session = self.session._replace(refused_wh=self._energy())
        self._look_at_allowance(step)
        self._keep(step)

    def _left_wh(self) -> float:
        """What may flow yet, of MaxEnergyOnInvalidId; in the lobby nothing flows."""
        cap = self._context.variables.integer("TxCtrlr.MaxEnergyOnInvalidId")
        if not (self.plan.meter or self.id < 0):
            return 0.0
        energy, begun = self._energy(), self.session.refused_wh
        return cap if energy is None or begun is None else begun + cap - energy

    def _when_spent(self, left_wh: float, step: Step) -> float:
        """When the meter is worth another look: at the power of the last reading, what is left has flowed."""
        power_w = self.measured.power_w if self.measured else None
        return step.mono + max(0.1, left_wh * 3600 / power_w) if power_w and power_w > 0 else NEVER

    def deauthorize(self, cause: Cause, step: Step) -> None:
        """Nobody may any longer: by the card, from afar, by the CSMS, by time."""
        before = self.conditions()
        self._lose_right(cause, suspended=cause.trigger == "Deauthorized")  # C15.FR.03: what goes on is SuspendedEVSE
        self.settle(before, cause, step)

    def _lose_right(self, cause: Cause, *, suspended: bool = False, held: bool = False) -> None:
        transaction = self.transaction
        if transaction and self.session.authorized:
            transaction = transaction._replace(stopped=cause.reason)
        self.session = self.session._replace(authorized=False, suspended=suspended, held=held, transaction=transaction)

    def suspend(self, step: Step) -> None:
        """The CSMS refused the token; the transaction is to go on without energy (E05.FR.02)."""
        before = self.conditions()
        self.session = self.session._replace(suspended=True)
        self.settle(before, NO_CAUSE, step)

    def stop(self, cause: Cause, step: Step) -> None:
        """End the transaction whatever the stop points say: a reset, a technician, an unlock (1.6)."""
        before = self.conditions()
        if self.running:
            self._end(cause, step)
        self.session = self.session._replace(authorized=False, suspended=False)
        self.settle(before, NO_CAUSE, step)

    def interrupt(self, step: Step) -> None:
        """For a reset after which the transaction goes on (2.1 B13): no energy, and that is told when none flows.
        Several in succession are one interruption."""
        if self.interrupting:
            return
        before, transaction = self.conditions(), self.transaction
        undecided = self.running and self._resumption and not self._resumption.decided
        if undecided:  # it may be too late for it: nothing flows, and nothing is told
            self.interrupting = "Resting"
        else:
            self._resumption, self.held_back = None, True
        if self.running and transaction and not undecided:
            found = transaction.interrupted or transaction.charging_state
            self.session = self.session._replace(transaction=transaction._replace(interrupted=found))
            self.interrupting, self._rest_by = "Stopping", step.mono + LAST_READING_S
            if not self.power_on:
                self._open_since = step.mono
                self._read_meter(step)
        self.settle(before, NO_CAUSE, step)

    def let_go(self, step: Step) -> None:
        """The station is about to restart."""
        if self.interrupting:
            self.interrupting = "LettingGo"
            self.settle(self.conditions(), NO_CAUSE, step)

    def resume(self, step: Step) -> None:
        """Its reset is over: what that has interrupted goes on, as soon as the pilot has spoken."""
        before, transaction = self.conditions(), self.transaction
        self.interrupting, self._rest_by = "", NEVER
        if self.running and transaction and transaction.interrupted:
            from chargepointd.core.resumption import Resumption

            self._resumption = Resumption(self._context, transaction, step, at_once=True)
        self.held_back = False
        self._look_at_interruption(step)
        self.settle(before, self._resumed() if self.seen else NO_CAUSE, step)

    def forget(self, step: Step) -> None:
        """Its devices begin anew, and say again how things are. What was decided stays, as over a power cut."""
        before = self.conditions()
        self.seen = self.wanted = self.power_on = self.bay_seen = False
        self.measured = self.signed = None
        self.locked.clear()
        self.plugs.clear()
        self.power.try_locks_again()
        self.settle(before, NO_CAUSE, step)

    def release(self, step: Step) -> None:
        """The plug is not held any longer."""
        session = self.session
        self.session = session._replace(held=False, suspended=session.suspended and session.authorized)
        self.settle(self.conditions(), NO_CAUSE, step)

    def hand_over(self, step: Step) -> Session:
        """The session goes on elsewhere."""
        session, self.session, self.plug_by = self.session, NOBODY, NEVER
        self.sampling.end(step)
        self._keep(step)
        return session

    def take_over(self, session: Session, step: Step) -> None:
        """Who was authorized somewhere else has chosen this EVSE; a transaction that has begun goes on here."""
        transaction = session.transaction
        if transaction:
            transaction = transaction._replace(begin_due=True)
            self.sampling.begin(step.mono - max(0.0, step.utc - transaction.started_at), step)
        self.session = session._replace(choice=(), transaction=transaction)
        self._keep(step)

    def remember_past(self, past: Past | None, step: Step) -> None:
        self.session = self.session._replace(past=past)
        self._keep(step)

    # -- time ----------------------------------------------------------------------------------------------------------

    def deadline(self) -> float:
        due = min(self._end_by, self._rest_by, self.plug_by, self._spent_at, self.sampling.deadline())
        if self.held_back and self._resumption:
            due = min(due, self._resumption.deadline())
        transaction = self.session.transaction
        waits = transaction is not None and self._reaction_open(transaction)
        return min(due, self.power.offered_at + REACTION_S) if waits else due

    def _reaction_open(self, transaction: Transaction) -> bool:
        """A car that was offered energy may still react: after that it is the one who waits."""
        if transaction.ending or self.switching_phases:
            return False
        state = transaction.charging_state
        return state == "EVConnected" or (state == "SuspendedEVSE" and self.power_asked and not self.wanted)

    def tick(self, step: Step) -> None:
        """What is due by time alone."""
        before = self.conditions()
        if self.held_back:
            self._look_at_interruption(step)
        if step.mono >= self._spent_at:
            self._spent_at = NEVER
            self._read_meter(step)
        if step.mono >= self.plug_by:
            self.plug_by = NEVER
            cause = Cause("EVConnectTimeout", "Timeout")
            self._lose_right(cause, held=self._keeps_cable())
            self.settle(before, cause, step)
        else:
            self.settle(before, NO_CAUSE, step)
        self._sample(step)
