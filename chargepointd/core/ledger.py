"""The records of an EVSE's transaction, and the samples that go into them."""

from chargepointd.core import metering, sampling
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Note, ReadMeter, SaveSession
from chargepointd.core.facts import Facts
from chargepointd.core.messages import MetersRead, TransactionRecord
from chargepointd.core.outbox import Outbox, unheard
from chargepointd.core.plan import EvsePlan
from chargepointd.core.sampling import Purpose, Sampling
from chargepointd.core.session import NOBODY, Session
from chargepointd.core.values import MeterValue, Token


class Ledger(Facts):
    """Writes down what happens at an EVSE: each record once, in sequence, with what the meter said."""

    def __init__(self, plan: EvsePlan, context: Context, outbox: Outbox, session: Session | None) -> None:
        super().__init__(plan, context, session)
        self.sampling = Sampling(context)
        self._outbox = outbox
        self._saved = self.session

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
        transaction, session = self.transaction, self.session
        assert transaction
        if session.authorized and not transaction.token_told:
            token = session.token
            if session.remote_start_id is not None:
                trigger = "RemoteStart"  # F01.FR.19, F02.FR.21: the next event, whatever else brought it
        if transaction.begin_due and self.measured:
            values = self._values("SampledDataCtrlr.TxStartedMeasurands", "Transaction.Begin") + values
            transaction = transaction._replace(begin_due=False)
            self.session = self.session._replace(transaction=transaction)
        record = TransactionRecord(
            kind=kind,
            transaction_id=transaction.id,
            seq_no=transaction.seq_no,
            stamp=self._context.clock.stamp(step.mono),
            trigger=trigger,
            evse_id=self.number,
            connector_id=self.plugged or transaction.connector_id,
            charging_state=state or self.charging_state(step),
            energy_wh=self._energy(),
            values=values,
            token=token,
            starter=transaction.starter or session.token,
            remote_start_id=session.remote_start_id or transaction.remote_start_id,
            stopped_reason=reason,
            offline=not self._context.online,
            phases=self.plan.phases or None,
            cable_limit_a=self.cable_limit_a,
        )
        self._remember(record)
        self._outbox.record(record, step)
        text = f"{kind.lower()}: {trigger}, {record.charging_state}" if kind != "Ended" else f"{trigger}"
        step.emit(Note("record", self.number, text, {"transaction_id": transaction.id, "seq_no": record.seq_no}))

    def _remember(self, record: TransactionRecord) -> None:
        """What later records of the transaction follow from."""
        transaction = self.transaction
        assert transaction
        self.session = self.session._replace(
            transaction=transaction._replace(
                seq_no=record.seq_no + 1,
                charging_state=record.charging_state or "Idle",
                connector_id=record.connector_id,
                starter=record.starter,
                token_told=transaction.token_told or self.session.authorized,
                energy_last_wh=record.energy_wh,
                remote_start_id=record.remote_start_id,
            )
        )

    def _energy(self) -> float | None:
        """Wh, the register; never less than in an earlier record of the transaction (a register that went back is a
        fault of the meter, not energy returned)."""
        read = self.measured.energy_import_wh if self.measured else None
        last = self.transaction.energy_last_wh if self.transaction else None
        return last if read is None else read if last is None else max(read, last)

    def _values(self, measurands: str, context: str, at: float | None = None) -> tuple[MeterValue, ...]:
        """The last reading, with the moment it stands for: that it was taken, unless said otherwise."""
        if self.measured is None:
            return ()
        measured = self.measured._replace(energy_import_wh=self._energy())
        names = self._context.variables.members(measurands)
        at = self._context.clock.utc(measured.taken_at) if at is None else at
        value = metering.meter_value(measured, self._offer(), names, context, at)
        return (value,) if value else ()

    def _offer(self) -> metering.Offer:
        plan, amps = self.plan, self.power.asked_a
        watts = amps * plan.voltage_v * max(1, plan.phases)
        return metering.Offer(amps, min(watts, plan.max_power_w) if plan.supply == "DC" else watts)

    # -- samples -------------------------------------------------------------------------------------------------------

    def sample_now(self, purpose: Purpose, step: Step) -> None:
        """As soon as there is a fresh reading."""
        self.sampling.ask(purpose, step)
        if not self._fresh(step):
            self._read_meter(step)
        self._sample(step)

    def _sample(self, step: Step) -> None:
        fell_due = self.sampling.fall_due(step)
        if self.sampling.waiting and self._fresh(step):
            assert self.measured
            for purpose, _, at in self.sampling.take(self.measured.taken_at):
                self._take(purpose, self._values(purpose.measurands, purpose.context, at), step)
        elif fell_due:
            self._read_meter(step)
        for purpose in self.sampling.give_up(step):
            if purpose is sampling.TRIGGERED_RECORD:  # it was promised (F06.FR.10)
                self._take(purpose, (), step)
        self._keep(step)

    def _take(self, purpose: Purpose, values: tuple[MeterValue, ...], step: Step) -> None:
        transaction = self.transaction
        if purpose is sampling.ALIGNED and self._silent():
            return
        if self.running and transaction and purpose.goes == "series":
            series = metering.thinned(transaction.series + values, sampling.SERIES_MAX)
            self.session = self.session._replace(transaction=transaction._replace(series=series))
        elif self.running and purpose.goes != "message":
            if values or purpose is sampling.TRIGGERED_RECORD:
                self._record("Updated", purpose.trigger, step, values=values)
        elif values and "message" in purpose.goes:
            self._outbox.say(MetersRead(self.id, values), unheard, step, asked=not purpose.interval)

    def _silent(self) -> bool:
        """J01.FR.20: no aligned values anywhere while a transaction runs."""
        return bool(self._context.in_transaction) and self._context.variables.boolean("AlignedDataCtrlr.SendDuringIdle")

    def _read_meter(self, step: Step) -> None:
        if self.plan.meter:
            step.emit(ReadMeter(self.id))

    def _fresh(self, step: Step) -> bool:
        """A reading of this moment, of this transaction, and not one that was told before."""
        if self.measured is None:
            return False
        taken_at = self.measured.taken_at
        return taken_at >= step.mono - metering.FRESH_S and self.sampling.tells_more(taken_at)

    def put_right(self, change: float, step: Step) -> None:
        """The clock was wrong by so much (s) since the start of the process."""
        transaction = self.transaction
        if transaction:
            started = self._context.clock.put_right(transaction.started_at, change)
            series = tuple(v._replace(at=self._context.clock.put_right(v.at, change)) for v in transaction.series)
            self.session = self.session._replace(transaction=transaction._replace(started_at=started, series=series))
            self._keep(step)

    def _keep(self, step: Step) -> None:
        if (self.transaction is not None) != (self.id in self._context.in_transaction):
            self._context.in_transaction ^= {self.id}
        if self.session is not self._saved and self.session != self._saved:
            step.emit(SaveSession(self.id, self.session if self.session != NOBODY else None))
        self._saved = self.session
