"""What follows from the facts of one EVSE: the course of its transaction, its power path, what is told of both.

Theory of operation. Events set facts: cable in, energy wanted, power on, faults, who is authorized. After each event
`settle` compares the *conditions* (2.x TxStartStopPointEnumType) before and after:

- a start point reached without a transaction starts one; a stop point lost ends it (E01 to E06);
- whatever else changed in a transaction is told as an update;
- the power path is to be closed exactly while cable, authorization, lock and meter are sure and nothing is broken;
- the status of each connector is computed, and told when it changed.

A transaction that is to end waits for the open power path and one last reading, at most `LAST_READING_S`. Then it ends
with what is known. So does one that a reset interrupts; it is told (ResetCommand), and goes on afterwards.
"""

from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note
from chargepointd.core.facts import points
from chargepointd.core.metered import Metered
from chargepointd.core.outbox import Outbox
from chargepointd.core.plan import EvsePlan
from chargepointd.core.session import NOBODY, Ending, Session, Transaction
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Conditions, MeterValue, Token

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
_BY_PEOPLE = points(("ParkingBayOccupancy", "EVConnected", "Authorized"))
"""what a reset that only interrupts does not take away"""


class Consequences(Metered):
    def __init__(self, plan: EvsePlan, context: Context, outbox: Outbox, session: Session | None) -> None:
        super().__init__(plan, context, outbox, session)
        self._end_by = NEVER
        """when a transaction that is to end does, read or not"""
        self._rest_by = NEVER
        """when a transaction that is being interrupted counts as at rest, read or not"""
        self.plug_by = NEVER
        """who is authorized has so long to plug in (EVConnectionTimeOut)"""
        self._came_last = ""
        """the trigger of what came last, cable or card: what waits for the bolt still starts by it (E02.FR.01)"""

    def settle(self, before: Conditions, cause: Cause, step: Step) -> None:
        """All that follows from the facts, given the conditions before them."""
        self._context.settled = self.settled = self._context.settled + 1
        self.ration(step)
        after = self.conditions()
        self._leave(step)
        self._look_who_is_entitled(step)
        transaction = self.session.transaction
        if transaction is None:
            if self._starts(before, after):
                self._begin(cause, after - before, step)
        elif transaction.ending is None:
            if self._ends(before, after):
                self._end(cause, step)
            elif self.seen:  # after a power cut nothing is known of the car until the pilot speaks
                self._update(cause, step)
        transaction = self.session.transaction
        if transaction and transaction.ready_at is None and transaction.ending is None and self.ready():
            self.session = self.session._replace(transaction=transaction._replace(ready_at=step.utc))
        if self.interrupting == "Stopping":
            self._tell_interruption_if_due(step)
        self._finish_if_due(step)
        self.power.follow(self, step)
        self._keep(step)

    def _starts(self, before: Conditions, after: Conditions) -> bool:
        """A start point is reached; or something else is while one already holds: a second visit at one cable, or in
        one bay."""
        reached = bool(after - before and after & self.start_points())
        return reached and self.may_begin(self.place)

    def _ends(self, before: Conditions, after: Conditions) -> bool:
        if not (self.plugged or self.bay or self.session.authorized):
            return True  # without car and card it is over, whatever the stop points (E03.FR.05)
        lost = before - after
        if lost and self.interrupting and not self.stopping_faults:
            lost &= _BY_PEOPLE
        if not lost:
            return False
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
        self.session = session._replace(transaction=transaction, ended=False, past=None)
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
        if state != told and self.interrupting != "Stopping":  # it is told with the reading
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

    def _tell_interruption_if_due(self, step: Step) -> None:
        """By a reset after which it goes on: once, when nothing flows any more (B13.FR.04). What ended meanwhile was
        not interrupted."""
        rests = self._at_rest()
        if self.running and step.mono < self._rest_by and not rests:
            return
        self.interrupting, self._rest_by = "Resting", NEVER
        if self.running:
            values = self._values("SampledDataCtrlr.TxUpdatedMeasurands", "Interruption.Begin") if rests else ()
            self._record("Updated", "ResetCommand", step, values=values)

    def _at_rest(self) -> bool:
        """The power path is open, and the meter was read since."""
        last = self.signed if self.signs("SampledDataCtrlr") else self.measured
        read = last is not None and last.taken_at >= self._open_since
        return not self.power_on and (read or not self.plan.meter)

    def _keeps_cable(self) -> bool:
        """E09, E10: unplugged at the car, the cable stays locked where UnlockOnEVSideDisconnect is false, until its
        owner comes. A plug that nobody's card held is not held now."""
        session, plan = self.session, self.plan.connector(self.session.connector_id)
        if plan is None or not plan.lock or not self.plugs.get(plan.id, True):
            return False
        owned = session.authorized or session.suspended or session.held
        return owned and not self._context.variables.boolean("OCPPCommCtrlr.UnlockOnEVSideDisconnect")

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
        transaction = self.session.transaction
        if transaction is None or transaction.ending is None:
            return
        if self._end_by == NEVER:  # decided before a power cut: the deadline starts anew
            self._end_by = step.mono + LAST_READING_S
            self._read_meter(step)
        if step.mono < self._end_by and not self._at_rest():
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
