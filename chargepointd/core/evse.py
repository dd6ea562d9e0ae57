"""One EVSE: its facts, and what follows from them.

Theory of operation. Events set facts: cable in, energy wanted, power on, faults, who is authorized. After each event
`settle` compares the *conditions* (2.x TxStartStopPointEnumType) before and after:

- a start point reached without a transaction starts one; a stop point lost ends it (E01 to E06);
- whatever else changed in a transaction is told as an update;
- the power path is to be closed exactly while cable, authorization, lock and meter are sure and nothing is broken;
- the status of each connector is computed, and told when it changed.

A transaction that is to end waits for the open power path and one last reading, at most `LAST_READING_S`. Then it ends
with what is known.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chargepointd.core.clock import Righting
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note
from chargepointd.core.facts import REACTION_S, points
from chargepointd.core.metered import Metered
from chargepointd.core.outbox import Outbox
from chargepointd.core.plan import EvsePlan
from chargepointd.core.session import NOBODY, Ending, Session, Transaction
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Conditions, Fault, Measured, MeterValue, Token

if TYPE_CHECKING:
    from chargepointd.core.resumption import Resumption

SIGN_AGAIN_S = 1.0
"""a meter that gives no signature is asked again, as often at most"""
LAST_READING_S = 8.0
"""3 s for the car to stop drawing, up to 6 s until the power path is open under load (IEC 61851-1), and a read"""

_FAULT_REASONS = {
    "EmergencyStop": "EmergencyStop",
    "GroundFailure": "GroundFault",
    "OverCurrentFailure": "OvercurrentFault",
    "PowerSupplyFailure": "PowerQuality",
}


_LATER = ("EVCommunicationLost", "EVDeparted", "ChargingStateChanged")
"""what only follows when the driver, or the CSMS, has ended the right to energy before"""


class Cause(NamedTuple):
    """Why facts changed: what a record will give as trigger, and as reason if the transaction ends by it."""

    trigger: str
    reason: str = "Other"
    token: Token | None = None


NO_CAUSE = Cause("")


class Evse(Metered):
    def __init__(self, plan: EvsePlan, context: Context, outbox: Outbox, session: Session | None) -> None:
        super().__init__(plan, context, outbox, session)
        self._end_by = NEVER
        self.plug_by = NEVER
        """who is authorized has so long to plug in (EVConnectionTimeOut)"""
        self._spent_at = NEVER
        """when what may flow to a refused token has flowed, as far as can be told"""
        self._resumption: Resumption | None = None
        """of the transaction that was interrupted before this process"""
        self._came_last = ""
        """the trigger of what came last, cable or card: what waits for the bolt still starts by it (E02.FR.01)"""

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
        self.settle(self.conditions(), NO_CAUSE, step)

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
        cause = Cause("EVCommunicationLost", "PowerLoss" if first else "EVDisconnected")
        if over or self.transaction is None:
            self._lose_right(cause, held=self._keeps_cable())
        self.settle(before, cause, step)

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
        left = Cause("EVDeparted", "PowerLoss" if first else "Local")
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
        before = self.conditions()
        self.faults[(fault.code, fault.source)] = fault
        told = self.running and fault.stops_charging
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

    def _keeps_cable(self) -> bool:
        """E09, E10: unplugged at the car, the cable stays locked where UnlockOnEVSideDisconnect is false, until its
        owner comes. A plug that nobody's card held is not held now."""
        session, plan = self.session, self.plan.connector(self.session.connector_id)
        if plan is None or not plan.lock or not self.plugs.get(plan.id, True):
            return False
        owned = session.authorized or session.suspended or session.held
        return owned and not self._context.variables.boolean("OCPPCommCtrlr.UnlockOnEVSideDisconnect")

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

    # -- the consequences ----------------------------------------------------------------------------------------------

    def settle(self, before: Conditions, cause: Cause, step: Step) -> None:
        """All that follows from the facts, given the conditions before them."""
        self._context.settled += 1
        self.ration(step)
        after = self.conditions()
        self._leave(step)
        self._look_who_is_entitled(step)
        if self.transaction is None:
            if self._starts(before, after):
                self._begin(cause, after - before, step)
        elif self.running:
            if self._ends(before, after):
                self._end(cause, step)
            elif self.seen:  # after a power cut nothing is known of the car until the pilot speaks
                self._update(cause, step)
        if self.running and self.transaction and self.transaction.ready_at is None and self.ready():
            self.session = self.session._replace(transaction=self.transaction._replace(ready_at=step.utc))
        self._finish_if_due(step)
        self.power.follow(self, step)
        self._keep(step)

    def _starts(self, before: Conditions, after: Conditions) -> bool:
        """A start point is reached; or something else is while one already holds: a second visit at one cable, or in
        one bay."""
        reached = bool(after - before and after & self.start_points())
        return reached and self.usable(self.place) and not self._context.closed

    def _ends(self, before: Conditions, after: Conditions) -> bool:
        lost = before - after
        if not (self.plugged or self.bay or self.session.authorized):
            return True  # without car and card it is over, whatever the stop points (E03.FR.05)
        points = self._stop_points()
        # Energy that never flowed cannot stop: its transaction ends with the right to it.
        return bool(lost & points or ("Authorized" in lost and "EnergyTransfer" in points))

    def _stop_points(self) -> Conditions:
        return self._context.rules.stop_points or points(self._context.variables.members("TxCtrlr.TxStopPoint"))

    def _leave(self, step: Step) -> None:
        """A session without car, card and transaction is over."""
        session = self.session
        if self.plugged and not session.connector_id:
            self.session = session = session._replace(connector_id=self.plugged)
        if not (self.plugged or session.authorized or session.transaction or session.held):
            self.session = NOBODY
        waits_for_cable = session.authorized and not self.plugged
        if not waits_for_cable:
            self.plug_by = NEVER
        elif self.plug_by == NEVER:
            self.plug_by = step.mono + self._context.variables.integer("TxCtrlr.EVConnectionTimeOut")

    def _look_who_is_entitled(self, step: Step) -> None:
        entitled = bool(self.plugged and self.session.authorized)
        if entitled and self.entitled_at == NEVER:
            self.entitled_at = step.mono
            if self.wants_signed():
                self._read_meter(step)
        elif not entitled:
            self.entitled_at = NEVER

    def _begin(self, cause: Cause, gained: Conditions, step: Step) -> None:
        session = self.session
        transaction = Transaction(
            id=self._context.new_id(),
            connector_id=self.plugged,
            started_at=step.utc,
            charging_state=self.charging_state(step),
            starter=session.token if session.authorized else None,
            energy_start_wh=self._energy(),
            energy_last_wh=self._energy(),
            remote_start_id=session.remote_start_id,
            offline_start=not self._context.online,
        )
        if self.plan.meter and self.measured and not self._read_at_rest():
            transaction = transaction._replace(begin_due=True)
        self.session = session._replace(transaction=transaction, ended=False)
        self._collect(self._first_of_series())
        self.sampling.begin(step.mono, step)
        waited = "PowerPathClosed" in gained and "EnergyTransfer" not in gained
        signed = "DataSigned" in gained and "DataSigned" in self.start_points()
        trigger = cause.trigger or ("SignedDataReceived" if signed else self._came_last if waited else "")
        trigger = trigger or "ChargingStateChanged"
        due = self.session.transaction is not None and self.session.transaction.begin_due
        values = () if due else self._values("SampledDataCtrlr.TxStartedMeasurands", "Transaction.Begin")
        self._record("Started", trigger, step, values=values)

    def _first_of_series(self) -> tuple[MeterValue, ...]:
        if not self._context.rules.one_interval:
            return ()
        return self._values("SampledDataCtrlr.TxEndedMeasurands", "Transaction.Begin")

    def _update(self, cause: Cause, step: Step) -> None:
        transaction = self.transaction
        assert transaction
        told, state = transaction.charging_state, self.charging_state(step)
        if cause.trigger:
            # A stop changes the right to energy; that energy has stopped is told by itself (E07, F03).
            told = told if cause.trigger in ("StopAuthorized", "RemoteStop") else state
            self._record("Updated", cause.trigger, step, state=told, token=cause.token)
        if state != told:
            self._record("Updated", "ChargingStateChanged", step, state=state)

    def _end(self, cause: Cause, step: Step) -> None:
        """Decide that it is over. The record follows when the power path is open and the meter has been read."""
        transaction = self.transaction
        assert transaction
        cause = cause if cause.trigger else self._why()
        if transaction.stopped and cause.trigger in _LATER:
            cause = cause._replace(reason=transaction.stopped)
        gone = cause.trigger in ("EVCommunicationLost", "EVConnectTimeout")
        held = self.session.held or (gone and self._keeps_cable())
        self.session = self.session._replace(
            authorized=False,
            suspended=False,
            held=held,
            transaction=transaction._replace(ending=Ending(cause.trigger, cause.reason, cause.token)),
        )
        self._end_by = step.mono + LAST_READING_S
        if not self.power_on:
            self._open_since = step.mono
            self._read_meter(step)

    def _why(self) -> Cause:
        """A stop point was lost without anybody's doing."""
        if self.stopping_faults:
            return Cause("AbnormalCondition", self._fault_reason())
        if self.session.suspended:
            return Cause("Deauthorized", "DeAuthorized")
        return Cause("ChargingStateChanged", "Other" if self.wanted else "StoppedByEV")

    def _fault_reason(self) -> str:
        return next((_FAULT_REASONS[f.code] for f in self.stopping_faults if f.code in _FAULT_REASONS), "Other")

    def _finish_if_due(self, step: Step) -> None:
        transaction = self.transaction
        if transaction is None or transaction.ending is None:
            return
        if self._end_by == NEVER:  # decided before a power cut: the deadline starts anew
            self._end_by = step.mono + LAST_READING_S
            self._read_meter(step)
        last = self.signed if self.signs("SampledDataCtrlr") else self.measured
        read = last is not None and last.taken_at >= self._open_since
        if step.mono < self._end_by and (self.power_on or (self.plan.meter and not read)):
            return
        ending = transaction.ending
        unknown = self.measured is None or self.measured.energy_import_wh is None
        last_counted = self.counted if unknown else None  # with the moment at which it was read
        end = self._values("SampledDataCtrlr.TxEndedMeasurands", "Transaction.End", read=last_counted)
        values = transaction.series + end
        token = ending.token if ending.trigger == "StopAuthorized" else None
        self._record("Ended", ending.trigger, step, token=token, reason=ending.reason, values=values)
        step.emit(Note("transaction", self.number, f"ended: {ending.reason}"))
        self._end_by = NEVER
        self.session = self.session._replace(transaction=None, ended=bool(self.plugged), remote_start_id=None)
        self._count_anew(step)
        self.sampling.end(step)
        self._leave(step)

    # -- time ----------------------------------------------------------------------------------------------------------

    def deadline(self) -> float:
        due = min(self._end_by, self.plug_by, self._spent_at, self.sampling.deadline())
        if self.held_back and self._resumption:
            due = min(due, self._resumption.deadline())
        return min(due, self.power.offered_at + REACTION_S) if self._reaction_open() else due

    def _reaction_open(self) -> bool:
        """A car that was offered energy may still react: after that it is the one who waits."""
        transaction = self.session.transaction
        if transaction is None or transaction.ending or self.switching_phases:
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
