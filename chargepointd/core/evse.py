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

from typing import NamedTuple

from chargepointd.core import metering
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import (
    ClosePowerPath,
    MoveLock,
    Note,
    OpenPowerPath,
    PaceMeter,
    ReadMeter,
    SaveSession,
)
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.outbox import Outbox
from chargepointd.core.plan import EvsePlan
from chargepointd.core.rules import ConnectorView
from chargepointd.core.session import NOBODY, Ending, Session, Transaction
from chargepointd.core.values import Conditions, Fault, Measured, MeterValue, Token

LAST_READING_S = 8.0
"""3 s for the car to stop drawing, up to 6 s until the power path is open under load (IEC 61851-1), and a read"""
REACTION_S = 10.0
"""an offered car that has not asked for energy by then is the one who waits: SuspendedEV"""

_FAULT_REASONS = {
    "EmergencyStop": "EmergencyStop",
    "GroundFailure": "GroundFault",
    "OverCurrentFailure": "OvercurrentFault",
    "PowerSupplyFailure": "PowerQuality",
}


class Cause(NamedTuple):
    """Why facts changed: what a record will give as trigger, and as reason if the transaction ends by it."""

    trigger: str
    reason: str = "Other"
    token: Token | None = None


NO_CAUSE = Cause("")


class Evse:
    def __init__(self, plan: EvsePlan, context: Context, outbox: Outbox, session: Session | None) -> None:
        self.id = plan.id
        self.plan = plan
        self.session = session or NOBODY
        self.plugged = self.session.connector_id
        """the connector that holds a car's cable, 0 for none. After a power cut what was, until the pilot speaks"""
        self.seen = False
        """the pilot has spoken since the start of the process"""
        self.cable_limit_a: float | None = None
        self.wanted = False
        self.power_on = False
        self.faults: dict[tuple[str, str], Fault] = {}
        self.measured: Measured | None = None
        self.locked: dict[int, bool] = {}
        self.operative = True
        """neither this EVSE nor the station is set inoperative; `availability` keeps it"""
        self.connectors_operative = {c.id: True for c in plan.connectors}
        self.reserved = False
        self.allowed_a = plan.max_current_a
        """A per phase, what charging profiles and the site leave"""
        self._context = context
        self._outbox = outbox
        self._saved = self.session
        self._asked_a = 0.0
        self._lock_asked: dict[int, bool] = {}
        self._offered_at = NEVER
        self._end_by = NEVER
        self._open_since = -NEVER
        self._plug_by = NEVER
        self._sample_from = NEVER
        self._sample_at = NEVER
        self._sample_by = NEVER
        self._paced = False

    # -- what is true --------------------------------------------------------------------------------------------------

    @property
    def transaction(self) -> Transaction | None:
        return self.session.transaction

    @property
    def running(self) -> bool:
        """A transaction runs and is not about to end."""
        return self.transaction is not None and self.transaction.ending is None

    @property
    def stopping_faults(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults.values() if fault.stops_charging)

    @property
    def power_asked(self) -> bool:
        return self._asked_a > 0

    def usable(self, connector_id: int) -> bool:
        return self.operative and self.connectors_operative.get(connector_id, True)

    def free(self) -> bool:
        """Somebody could begin here."""
        connector = self.plugged or self.plan.connectors[0].id
        return (
            not self.session.authorized
            and self.transaction is None
            and self.usable(connector)
            and not self.stopping_faults
        )

    def conditions(self) -> Conditions:
        """The transaction start and stop points that hold now."""
        names = []
        if self.plugged:
            # A car at the cable occupies the bay, so without a bay sensor both hold together.
            names += ["ParkingBayOccupancy", "EVConnected"]
        if self.session.authorized:
            names.append("Authorized")
        if self.plugged and self.session.authorized and not self.stopping_faults and self._metered():
            names.append("PowerPathClosed")
            if self.power_on and self.wanted:
                names.append("EnergyTransfer")
        return frozenset(names)  # type: ignore[arg-type]

    def _metered(self) -> bool:
        return not self.plan.meter or self.measured is not None

    def charging_state(self, step: Step) -> str:
        """ChargingStateEnumType, from the facts."""
        if not self.plugged:
            return "Idle"
        if self.session.suspended or (self._ready() and self.allowed_a <= 0):
            return "SuspendedEVSE"
        if not self.session.authorized:
            return "EVConnected"
        if self.power_on and self.wanted:
            return "Charging"
        if self.stopping_faults or (not self.usable(self.plugged) and not self.running):
            return "SuspendedEVSE"
        return self._waiting_state(step)

    def _waiting_state(self, step: Step) -> str:
        """Authorized and plugged, no energy yet or no longer."""
        transaction = self.transaction
        before = transaction.charging_state if transaction else "EVConnected"
        if self.wanted and before in ("SuspendedEVSE", "Charging"):
            return "SuspendedEVSE" if not self.power_asked else before
        if before in ("Charging", "SuspendedEV") or step.mono >= self._offered_at + REACTION_S:
            return "SuspendedEVSE" if self.wanted else "SuspendedEV"
        return "SuspendedEVSE" if before == "SuspendedEVSE" and not self._asked_a else "EVConnected"

    def view(self, connector_id: int, step: Step) -> ConnectorView:
        here = self.plugged == connector_id or (not self.plugged and len(self.plan.connectors) == 1)
        return ConnectorView(
            operative=self.usable(connector_id),
            faults=self.stopping_faults,
            reserved=self.reserved,
            plugged=self.plugged == connector_id,
            other_plugged=self.plugged not in (0, connector_id),
            authorized=here and self.session.authorized,
            transaction=here and self.transaction is not None,
            ended=here and self.session.ended,
            charging_state=self.charging_state(step) if here else "Idle",
        )

    # -- facts ---------------------------------------------------------------------------------------------------------

    def plug_in(self, connector_id: int, limit_a: float | None, step: Step) -> None:
        """A car is at the cable; after a power cut perhaps the one that was."""
        before = self.conditions()
        known = self.plugged == connector_id
        self.seen, self.plugged, self.cable_limit_a = True, connector_id, limit_a
        if not known and self.session.ended:
            self.session = NOBODY
        self.session = self.session._replace(connector_id=connector_id)
        if not known:
            step.emit(ReadMeter(self.id))
        self.settle(before, NO_CAUSE if known else Cause("CablePluggedIn"), step)

    def unplug(self, connector_id: int, step: Step) -> None:
        before, first = self.conditions(), not self.seen
        self.seen = True
        if connector_id != self.plugged:
            self.settle(before, NO_CAUSE, step)
            return
        self.plugged, self.wanted, self.cable_limit_a = 0, False, None
        self.session = self.session._replace(ended=False)
        stays = self.session.transaction and "EVConnected" not in self._stop_points()
        if not stays and not self.session.transaction:
            self.session = self.session._replace(authorized=False)
        self.settle(before, Cause("EVCommunicationLost", "PowerLoss" if first else "EVDisconnected"), step)

    def want(self, wanted: bool, step: Step) -> None:
        before = self.conditions()
        self.wanted = wanted
        self.settle(before, NO_CAUSE, step)

    def switch(self, on: bool, step: Step) -> None:
        before = self.conditions()
        if self.power_on and not on:
            self._open_since = step.mono
            if self.transaction:
                step.emit(ReadMeter(self.id))
        self.power_on = on
        self.settle(before, NO_CAUSE, step)

    def read(self, measured: Measured, step: Step) -> None:
        before = self.conditions()
        self.measured = measured
        self.settle(before, NO_CAUSE, step)
        self._sample_if_due(step)

    def move_lock(self, connector_id: int, locked: bool, step: Step) -> None:
        self.locked[connector_id] = locked
        self._lock_asked.pop(connector_id, None)
        self.settle(self.conditions(), NO_CAUSE, step)

    def fault(self, fault: Fault, step: Step) -> None:
        before = self.conditions()
        self.faults[(fault.code, fault.source)] = fault
        self.settle(before, Cause("AbnormalCondition", self._fault_reason()) if self.running else NO_CAUSE, step)

    def mend(self, code: str, source: str, step: Step) -> None:
        before = self.conditions()
        if self.faults.pop((code, source), None):
            if code == "ConnectorLockFailure":
                self._lock_asked.clear()
            self.settle(before, NO_CAUSE, step)

    def authorize(self, token: Token, group: str | None, trigger: str, remote_start_id: int | None, step: Step) -> None:
        """Somebody may charge here."""
        before = self.conditions()
        self.session = self.session._replace(
            token=token, group=group, authorized=True, suspended=False, held=False, remote_start_id=remote_start_id
        )
        if self.transaction:
            self.session = self.session._replace(transaction=self.transaction._replace(token_told=False))
        self.settle(before, Cause(trigger), step)

    def deauthorize(self, cause: Cause, step: Step) -> None:
        """Nobody may any longer: by the card, from afar, by the CSMS, by time."""
        before = self.conditions()
        self.session = self.session._replace(authorized=False, held=False)
        self.settle(before, cause, step)

    def suspend(self, step: Step) -> None:
        """The CSMS refused the token; the transaction is to go on without energy (StopTxOnInvalidId false)."""
        before = self.conditions()
        self.session = self.session._replace(suspended=True)
        self.settle(before, Cause("Deauthorized", "DeAuthorized"), step)

    def stop(self, cause: Cause, step: Step) -> None:
        """End the transaction whatever the stop points say: a reset, a technician, an unlock (1.6)."""
        before = self.conditions()
        if self.running:
            self._end(cause, step)
        self.session = self.session._replace(authorized=False)
        self.settle(before, NO_CAUSE, step)

    # -- the consequences ----------------------------------------------------------------------------------------------

    def settle(self, before: Conditions, cause: Cause, step: Step) -> None:
        """All that follows from the facts, given the conditions before them."""
        after = self.conditions()
        self._leave(step)
        if self.transaction is None:
            if (after - before) & self._start_points():
                self._begin(cause, after - before, step)
        elif self.running:
            lost = (before - after) & self._stop_points()
            nobody = not (self.plugged or self.session.authorized)
            if lost or nobody:  # without car and card it is over, whatever the stop points (E03.FR.05)
                self._end(cause, step)
            else:
                self._update(cause, step)
        self._finish_if_due(step)
        self._move_lock(step)
        self._move_power(step)
        self._pace(step)
        self._keep(step)

    def _start_points(self) -> Conditions:
        return self._context.rules.start_points or _points(self._context.variables.members("TxCtrlr.TxStartPoint"))

    def _stop_points(self) -> Conditions:
        fixed = self._context.rules.stop_points
        if fixed is None:
            return _points(self._context.variables.members("TxCtrlr.TxStopPoint"))
        if self._context.variables.boolean("TxCtrlr.StopTxOnEVSideDisconnect"):
            return fixed | {"EVConnected"}
        return fixed

    def _leave(self, step: Step) -> None:
        """A session without car, card and transaction is over."""
        session = self.session
        if self.plugged and not session.connector_id:
            self.session = session = session._replace(connector_id=self.plugged)
        if not (self.plugged or session.authorized or session.transaction or session.held):
            self.session = NOBODY
        waits_for_cable = session.authorized and not self.plugged
        if not waits_for_cable:
            self._plug_by = NEVER
        elif self._plug_by == NEVER:
            self._plug_by = step.mono + self._context.variables.integer("TxCtrlr.EVConnectionTimeOut")

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
        self.session = session._replace(transaction=transaction, ended=False)
        self._sample_from = step.mono
        self._plan_sample(step)
        trigger = cause.trigger or ("Authorized" if "Authorized" in gained else "ChargingStateChanged")
        values = self._values("SampledDataCtrlr.TxStartedMeasurands", "Transaction.Begin", step)
        self._record("Started", trigger, step, values=values)

    def _update(self, cause: Cause, step: Step) -> None:
        transaction = self.transaction
        assert transaction
        state = self.charging_state(step)
        if cause.trigger:
            self._record("Updated", cause.trigger, step, state=state, token=cause.token)
        elif state != transaction.charging_state:
            self._record("Updated", "ChargingStateChanged", step, state=state)

    def _end(self, cause: Cause, step: Step) -> None:
        """Decide that it is over. The record follows when the power path is open and the meter has been read."""
        transaction = self.transaction
        assert transaction
        trigger, reason = cause.trigger, cause.reason
        if not trigger:
            trigger, reason = "AbnormalCondition", self._fault_reason()
        self.session = self.session._replace(
            authorized=False,
            suspended=False,
            held=self._held_after(trigger),
            transaction=transaction._replace(ending=Ending(trigger, reason, cause.token)),
        )
        self._end_by = step.mono + LAST_READING_S
        if not self.power_on:
            self._open_since = step.mono
            step.emit(ReadMeter(self.id))

    def _held_after(self, trigger: str) -> bool:
        """E09, E10: unplugged at the car, the cable stays locked where UnlockOnEVSideDisconnect is false."""
        plan = self.plan.connector(self.session.connector_id)
        if trigger != "EVCommunicationLost" or plan is None or not plan.lock:
            return False
        return not self._context.variables.boolean("OCPPCommCtrlr.UnlockOnEVSideDisconnect")

    def _fault_reason(self) -> str:
        return next((_FAULT_REASONS[f.code] for f in self.stopping_faults if f.code in _FAULT_REASONS), "Other")

    def _finish_if_due(self, step: Step) -> None:
        transaction = self.transaction
        if transaction is None or transaction.ending is None:
            return
        if self._end_by == NEVER:  # decided before a power cut: the deadline starts anew
            self._end_by = step.mono + LAST_READING_S
            step.emit(ReadMeter(self.id))
        read = self.measured is not None and self.measured.taken_at >= self._open_since
        if step.mono < self._end_by and (self.power_on or (self.plan.meter and not read)):
            return
        ending = transaction.ending
        values = self._values("SampledDataCtrlr.TxEndedMeasurands", "Transaction.End", step)
        token = ending.token if ending.trigger == "StopAuthorized" else None
        self._record("Ended", ending.trigger, step, token=token, reason=ending.reason, values=values)
        step.emit(Note("transaction", self.id, f"ended: {ending.reason}"))
        self._end_by = self._sample_from = self._sample_at = NEVER
        self.session = self.session._replace(transaction=None, ended=bool(self.plugged), remote_start_id=None)
        self._leave(step)

    # -- records -------------------------------------------------------------------------------------------------------

    def _record(
        self,
        kind: str,
        trigger: str,
        step: Step,
        *,
        state: str | None = None,
        token: Token | None = None,
        reason: str | None = None,
        values: tuple[MeterValue, ...] = (),
    ) -> None:
        transaction = self.transaction
        assert transaction
        session = self.session
        state = state or self.charging_state(step)
        if session.authorized and not transaction.token_told:
            token = session.token
        energy = self._energy()
        record = TransactionRecord(
            kind=kind,
            transaction_id=transaction.id,
            seq_no=transaction.seq_no,
            stamp=self._context.clock.stamp(step.mono),
            trigger=trigger,
            evse_id=self.id,
            connector_id=self.plugged or transaction.connector_id,
            charging_state=state,
            energy_wh=energy,
            values=values,
            token=token,
            starter=transaction.starter or session.token,
            remote_start_id=transaction.remote_start_id or session.remote_start_id,
            stopped_reason=reason,
            offline=not self._context.online,
            phases=self.plan.phases or None,
            cable_limit_a=self.cable_limit_a,
        )
        self.session = session._replace(
            transaction=transaction._replace(
                seq_no=transaction.seq_no + 1,
                charging_state=state,
                connector_id=record.connector_id,
                starter=record.starter,
                token_told=transaction.token_told or session.authorized,
                energy_last_wh=energy,
                remote_start_id=record.remote_start_id,
            )
        )
        self._outbox.record(record, step)
        text = f"{kind.lower()}: {trigger}, {state}" if kind != "Ended" else f"{trigger}"
        step.emit(Note("record", self.id, text, {"transaction_id": transaction.id, "seq_no": record.seq_no}))

    def _energy(self) -> float | None:
        """Wh, the register; never less than in an earlier record of the transaction (a register that went back is a
        fault of the meter, not energy returned)."""
        read = self.measured.energy_import_wh if self.measured else None
        last = self.transaction.energy_last_wh if self.transaction else None
        return last if read is None else read if last is None else max(read, last)

    def _values(self, measurands: str, context: str, step: Step) -> tuple[MeterValue, ...]:
        return self.values_of(self._context.variables.members(measurands), context, step)

    def values_of(self, measurands: tuple[str, ...], context: str, step: Step) -> tuple[MeterValue, ...]:
        """The last reading as it was, with the time it was taken."""
        if self.measured is None:
            return ()
        measured = self.measured._replace(energy_import_wh=self._energy())
        value = metering.meter_value(measured, measurands, context, self._context.clock.utc(measured.taken_at))
        return (value,) if value else ()

    # -- samples -------------------------------------------------------------------------------------------------------

    def _plan_sample(self, step: Step) -> None:
        interval = self._context.variables.integer("SampledDataCtrlr.TxUpdatedInterval")
        ready = interval > 0 and self._sample_from != NEVER
        self._sample_at = metering.next_periodic(self._sample_from, step.mono, interval) if ready else NEVER

    def intervals_changed(self, step: Step) -> None:
        if self.running:
            if self._sample_from == NEVER:
                self._sample_from = step.mono
            self._plan_sample(step)

    def sample(self, measurands: tuple[str, ...], trigger: str, context: str, step: Step) -> None:
        """Tell the present reading in the transaction that runs."""
        values = self.values_of(measurands, context, step)
        if values and self.running:
            self._record("Updated", trigger, step, values=values)
            self._keep(step)

    def _sample_if_due(self, step: Step) -> None:
        """A sample is taken from a fresh reading, or not at all: nothing is invented for a meter that is silent."""
        if not self.running or step.mono < self._sample_at:
            return
        if self._fresh(step):
            measurands = self._context.variables.members("SampledDataCtrlr.TxUpdatedMeasurands")
            self.sample(measurands, "MeterValuePeriodic", "Sample.Periodic", step)
        elif self._sample_by == NEVER:
            self._sample_by = step.mono + metering.FRESH_S
            step.emit(ReadMeter(self.id))
            return
        elif step.mono < self._sample_by:
            return
        self._sample_by = NEVER
        self._plan_sample(step)

    def _fresh(self, step: Step) -> bool:
        return self.measured is not None and step.mono - self.measured.taken_at <= metering.FRESH_S

    # -- lock, power, meter pace ---------------------------------------------------------------------------------------

    def _ready(self) -> bool:
        return "PowerPathClosed" in self.conditions()

    def _lock_holds(self) -> bool:
        plan = self.plan.connector(self.plugged)
        return plan is None or not plan.lock or self.locked.get(self.plugged, False)

    def _move_power(self, step: Step) -> None:
        session, may = self.session, self.running or self.usable(self.plugged)
        ready = self.seen and may and not session.suspended and self.allowed_a > 0 and self._ready()
        if ready and self._lock_holds():
            limit = min(self.allowed_a, self.cable_limit_a or self.allowed_a)
            if limit != self._asked_a:
                self._offered_at = step.mono if self._offered_at == NEVER else self._offered_at
                self._asked_a = limit
                step.emit(ClosePowerPath(self.id, limit))
        elif self._asked_a:
            self._asked_a, self._offered_at = 0.0, NEVER
            step.emit(OpenPowerPath(self.id, urgent=bool(self.stopping_faults) or not self.plugged))

    def _move_lock(self, step: Step) -> None:
        for plan in self.plan.connectors:
            if not plan.lock or plan.id not in self.locked:  # not seen yet: its driver is still to be opened
                continue
            wanted = self._lock_wanted(plan.id)
            if wanted is not None and wanted != self._lock_asked.get(plan.id, self.locked.get(plan.id)):
                self._lock_asked[plan.id] = wanted
                step.emit(MoveLock(self.id, plan.id, wanted))

    def _lock_wanted(self, connector_id: int) -> bool | None:
        """None: leave it as it is."""
        session = self.session
        if session.held and session.connector_id == connector_id:
            return None
        here = self.plugged == connector_id
        if here and (session.authorized or session.suspended or self.running):
            return True
        return None if self.power_on or self.transaction else False

    def _pace(self, step: Step) -> None:
        active = bool(self.plugged or self.session.authorized or self.transaction)
        if self.plan.meter and active != self._paced:
            self._paced = active
            step.emit(PaceMeter(self.id, active))

    def _keep(self, step: Step) -> None:
        if self.session is not self._saved and self.session != self._saved:
            step.emit(SaveSession(self.id, self.session if self.session != NOBODY else None))
        self._saved = self.session

    # -- time ----------------------------------------------------------------------------------------------------------

    def deadline(self) -> float:
        react = self._offered_at + REACTION_S if self._reaction_open() else NEVER
        sample = self._sample_at if self._sample_by == NEVER else self._sample_by
        return min(self._end_by, self._plug_by, sample if self.running else NEVER, react)

    def _reaction_open(self) -> bool:
        transaction = self.transaction
        return self.running and transaction is not None and transaction.charging_state == "EVConnected"

    def tick(self, step: Step) -> None:
        """What is due by time alone."""
        before = self.conditions()
        if step.mono >= self._plug_by:
            self._plug_by = NEVER
            self.session = self.session._replace(authorized=False)
            self.settle(before, Cause("EVConnectTimeout", "Timeout"), step)
        else:
            self.settle(before, NO_CAUSE, step)
        self._sample_if_due(step)


def _points(names: tuple[str, ...]) -> Conditions:
    return frozenset(names)  # type: ignore[arg-type]
