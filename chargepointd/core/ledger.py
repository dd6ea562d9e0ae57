"""The records of an EVSE's transaction, and the samples that go into them."""

from collections.abc import Callable, Mapping

from chargepointd.core import metering, sampling
from chargepointd.core.clock import PLAUSIBLE, Righting
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Note, ReadMeter, SaveSession
from chargepointd.core.facts import Facts
from chargepointd.core.messages import MetersRead, TransactionRecord
from chargepointd.core.outbox import Outbox, unheard
from chargepointd.core.plan import EvsePlan
from chargepointd.core.sampling import Due, Purpose, Sampling
from chargepointd.core.session import NOBODY, Session, Transaction
from chargepointd.core.values import Measured, MeterValue, Signed, Stamp, Token


class Ledger(Facts):
    """Writes down what happens at an EVSE: each record once, in sequence, with what the meter said."""

    def __init__(self, plan: EvsePlan, context: Context, outbox: Outbox, session: Session | None) -> None:
        super().__init__(plan, context, session)
        self.sampling = Sampling(context)
        self._outbox = outbox
        self._saved = self.session
        self._signed_asked_at = -NEVER
        self._before = self.session.transaction
        """a transaction of an earlier process, as that knew it last; what it noted is put right here too"""

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
        values = self._first_values() + values
        session = self.session
        transaction = session.transaction
        assert transaction
        if session.authorized and not transaction.token_told:
            token = session.token
            if session.remote_start_id is not None:
                trigger = "RemoteStart"  # F01.FR.19, F02.FR.21: the next event, whatever else brought it
        record = TransactionRecord(
            kind=kind,
            transaction_id=transaction.id,
            seq_no=transaction.seq_no,
            stamp=self._stamp(transaction, step),
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
            reservation_id=session.reservation_id if session.authorized else None,
            phases=self.phases or None,
            cable_limit_a=self.cable_limit_a,
            told_at=transaction.told_at,
            told_wh=transaction.told_wh,
        )
        self._remember(record)
        self._outbox.record(record, step)
        text = f"{kind.lower()}: {trigger}, {record.charging_state}" if kind != "Ended" else trigger
        step.emit(Note("record", self.number, text, {"transaction_id": transaction.id, "seq_no": record.seq_no}))

    def _first_values(self) -> tuple[MeterValue, ...]:
        """Those at the beginning of the transaction: once, as soon as they have been read."""
        transaction = self.session.transaction
        if transaction is None or not (transaction.begin_due and self._read_at_rest()):
            return ()
        self.session = self.session._replace(transaction=transaction._replace(begin_due=False))
        return self._values("SampledDataCtrlr.TxStartedMeasurands", "Transaction.Begin")

    def _stamp(self, transaction: Transaction, step: Step) -> Stamp:
        """Now, but never before the last record, though the clock was put back."""
        stamp = self._context.clock.stamp(step.mono)
        if stamp.sure and stamp.at < transaction.stamped_at:
            return stamp._replace(at=transaction.stamped_at, how="held")
        return stamp

    def _remember(self, record: TransactionRecord) -> None:
        """What later records of the transaction follow from."""
        session = self.session
        transaction = session.transaction
        assert transaction
        told = _register_told(record) or (transaction.told_at, transaction.told_wh)
        self.session = session._replace(
            reservation_id=None if record.reservation_id is not None else session.reservation_id,
            transaction=transaction._replace(
                seq_no=record.seq_no + 1,
                charging_state=record.charging_state or "Idle",
                connector_id=record.connector_id,
                starter=record.starter,
                token_told=transaction.token_told or session.authorized,
                energy_last_wh=record.energy_wh,
                remote_start_id=record.remote_start_id,
                told_at=told[0],
                told_wh=told[1],
                stamped_at=max(transaction.stamped_at, record.stamp.at),
            ),
        )

    def _collect(self, values: tuple[MeterValue, ...]) -> None:
        """For the Ended record."""
        transaction = self.transaction
        if transaction and values:
            largest = sampling.SIGNED_MAX if self.plan.signs else sampling.SERIES_MAX
            series = metering.thinned(transaction.series + values, largest)
            self.session = self.session._replace(transaction=transaction._replace(series=series))

    def _energy(self, measured: Measured | None = None) -> float | None:
        """Wh, the register, at the last reading unless said otherwise; never less than in an earlier record of the
        transaction (one that trembles by its last bit returns no energy; `core.register` sees to all else)."""
        measured = measured or self.measured
        read = measured.energy_import_wh if measured else None
        transaction = self.session.transaction
        last = transaction.energy_last_wh if transaction else None
        if transaction and transaction.register_lost:
            return last
        if last is None and measured and measured.taken_at < self._open_since:
            return None  # what had flowed for another since is not in it
        return last if read is None else read if last is None else max(read, last)

    def _values(
        self, measurands: str, context: str, at: float | None = None, read: Measured | None = None
    ) -> tuple[MeterValue, ...]:
        """A reading, the last unless said otherwise, with the moment it stands for: that it was taken, unless said
        otherwise."""
        vouched = self._vouched(measurands.partition(".")[0])
        read = vouched or read or self.measured
        if read is None:
            return ()
        # A signed register stands as it was signed, whatever has been told meanwhile; what was not read has no value.
        known = read.energy_import_wh is not None
        measured = read if vouched else read._replace(energy_import_wh=self._energy(read) if known else None)
        names = self._context.variables.members(measurands)
        at = self._context.clock.utc(measured.taken_at) if at is None else at
        if self.transaction and self._context.clock.sure:
            at = self._not_before_told(max(at, self.transaction.held_until))
        value = metering.meter_value(measured, self._offer(), names, context, at)
        if value is None:
            return ()
        return (value._replace(signed=self._with_key(vouched.signed)) if vouched and vouched.signed else value,)

    def _not_before_told(self, at: float) -> float:
        """A sample bears the moment it was due; what was read just before that is not told as earlier."""
        told_at = (self.transaction and self.transaction.told_at) or 0.0
        return told_at if 0.0 < told_at - at <= metering.FRESH_S else at

    def _vouched(self, controller: str) -> Measured | None:
        """The last signed reading, where values are to be signed and no later one says anything else."""
        signed, measured = self.signed, self.measured
        if signed is None or measured is None or not self.signs(controller):
            return None
        unmoved = signed.energy_import_wh == measured.energy_import_wh
        return signed if unmoved or signed.taken_at >= measured.taken_at - metering.FRESH_S else None

    def _with_key(self, signed: Signed) -> Signed:
        """The public key goes along as OCPPCommCtrlr.PublicKeyWithSignedMeterValue says."""
        told = self._context.variables.text("OCPPCommCtrlr.PublicKeyWithSignedMeterValue")
        transaction = self.transaction
        if told == "EveryMeterValue":
            return signed
        if told == "Never" or transaction is None or transaction.key_told:
            return signed._replace(public_key="")
        self.session = self.session._replace(transaction=transaction._replace(key_told=True))
        return signed

    def _offer(self) -> metering.Offer | None:
        if not self.plan.connectors:  # the main meter: nobody is offered anything there
            return None
        plan, (amps, limit_w, _) = self.plan, self.power.asked
        watts = amps * plan.voltage_v * max(1, self.phases)
        if plan.supply == "DC":
            return metering.Offer(amps, min(self._output_v() * amps, limit_w))
        return metering.Offer(amps, watts)

    def _output_v(self) -> float:
        """V that the vehicle wants, as the meter sees it; before it does, as planned."""
        measured = self.measured.voltage_v[0] if self.measured and self.power_on else None
        return measured or self.plan.voltage_v

    # -- samples -------------------------------------------------------------------------------------------------------

    def sample_now(self, purpose: Purpose, step: Step, connector_id: int = 0) -> None:
        """As soon as there is a fresh reading."""
        self.sampling.patient = self.wants_signed()
        self.sampling.ask(purpose, step, connector_id=connector_id)
        if not self._fresh(self._told_from(), step):
            self._read_meter(step)
        self._sample(step)

    def _sample(self, step: Step) -> None:
        self.sampling.patient = self.wants_signed()
        fell_due = self.sampling.fall_due(step)
        read = self._told_from()
        if read and self.sampling.waiting and self._fresh(read, step):
            self.sampling.told(read.taken_at)
            for due in self.sampling.take():
                self._take(due, self._now(due, read), step)
        elif fell_due:
            self._read_meter(step)
        for due in self.sampling.give_up(step):
            self._give_up(due, step)
        self._keep(step)

    def _now(self, due: Due, read: Measured) -> tuple[MeterValue, ...]:
        """All that is due at once is told from one reading, signed or not: a register that runs back from one sample
        to the next is none."""
        return self._values(due.purpose.measurands, due.purpose.context, due.at, read)

    def _give_up(self, due: Due, step: Step) -> None:
        """It was waited for in vain: what the meter would not sign is told as it is."""
        if self.measured and self.wants_signed() and self._fresh(self.measured, step):
            self.sampling.told(self.measured.taken_at)
            self._take(due, self._now(due, self.measured), step)
        elif due.purpose is sampling.TRIGGERED_RECORD:  # it was promised (F06.FR.10)
            self._take(due, (), step)

    def _told_from(self) -> Measured | None:
        return self.signed if self.wants_signed() else self.measured

    def _take(self, due: Due, values: tuple[MeterValue, ...], step: Step) -> None:
        purpose, connector_id = due.purpose, due.connector_id or self.place
        if purpose is sampling.ALIGNED and self._silent():
            return
        if self.running and not self._context.keeps and purpose is not sampling.TRIGGERED_RECORD:
            return  # nothing flows, and what waits for the disk has to stay little
        if self.running and purpose.goes == "series":
            self._collect(values)
        elif self.running and purpose.goes != "message" and connector_id == self.place:
            if values or purpose is sampling.TRIGGERED_RECORD:
                self._record("Updated", purpose.trigger, step, values=values)
        elif values and "message" in purpose.goes:
            self._outbox.say(MetersRead(self.id, values, connector_id), unheard, step, asked=not purpose.interval)

    def _silent(self) -> bool:
        """J01.FR.20: no aligned values anywhere while a transaction runs."""
        return bool(self._context.in_transaction) and self._context.variables.boolean("AlignedDataCtrlr.SendDuringIdle")

    def _read_meter(self, step: Step, *, signed: bool = False) -> None:
        if self.plan.meter:
            signed = signed or self.wants_signed()
            self._signed_asked_at = step.mono if signed else self._signed_asked_at
            step.emit(ReadMeter(self.id, signed))

    def _fresh(self, read: Measured | None, step: Step) -> bool:
        """A reading of this moment, of this transaction, and not one that was told before."""
        if read is None:
            return False
        taken_at = read.taken_at
        return taken_at >= step.mono - metering.FRESH_S and self.sampling.tells_more(taken_at)

    def put_right(self, right: Righting, step: Step, stamped: Mapping[str, float]) -> None:
        """The clock was wrong. `stamped`: when the last record of a transaction was, as it is now."""
        transaction = self.transaction
        if transaction is None:
            return
        before = self._before if self._before and self._before.id == transaction.id else None
        fact = _putting_right(right, before)
        last = stamped.get(transaction.id, 0.0)
        before = before and _put_right(before, fact)
        if self._outbox.records.behind or not last:
            if before and right.dark:  # of what it noted in the dark only the disk knows when that was
                before = before._replace(stamped_at=max(before.stamped_at, step.utc, right.known))
            last = max(last, fact(transaction.stamped_at), before.stamped_at if before else 0.0)
        self._before = before
        ready = transaction.ready_at
        transaction = _put_right(transaction, fact)._replace(
            ready_at=ready if ready is None else min(right.interval(ready), step.utc),
            stamped_at=last,
            held_until=last if last > step.utc else 0.0,
        )
        self.session = self.session._replace(transaction=transaction)
        self._keep(step)

    def _keep(self, step: Step) -> None:
        session, saved = self.session, self._saved
        if (session.transaction is not None) != (self.id in self._context.in_transaction):
            self._context.in_transaction ^= {self.id}
        if session is saved:
            return
        self._saved = session
        if session != saved:
            withdraws = saved.authorized and not (session.authorized or session.transaction)
            step.emit(SaveSession(self.id, session if session != NOBODY else None, withdraws))


def _putting_right(right: Righting, before: Transaction | None) -> Callable[[float], float]:
    """Of a moment in a transaction. What an earlier process had noted of it may have been told, so it is put right as
    its records are: out of the dark only."""
    noted = {before.started_at, before.told_at, before.stamped_at, *(v.at for v in before.series)} if before else set()
    return lambda at: at if at in noted and at >= PLAUSIBLE else right.fact(at)


def _put_right(transaction: Transaction, fact: Callable[[float], float]) -> Transaction:
    return transaction._replace(
        started_at=fact(transaction.started_at),
        series=tuple(value._replace(at=fact(value.at)) for value in transaction.series),
        told_at=transaction.told_at and fact(transaction.told_at),
        stamped_at=fact(transaction.stamped_at),
    )


def _register_told(record: TransactionRecord) -> tuple[float, float] | None:
    """When and what a record tells of the register."""
    told = [
        (value.at, sample.value)
        for value in record.values
        for sample in value.samples
        if sample.measurand == "Energy.Active.Import.Register" and sample.phase is None
    ]
    if told:
        return told[-1]
    if record.kind != "Started" or record.energy_wh is None:
        return None
    return record.stamp.at, record.energy_wh
