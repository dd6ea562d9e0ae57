"""An EVSE's meter: what is taken from its readings, and what is said when they cannot be believed."""

from chargepointd.core.clock import PLAUSIBLE
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Note
from chargepointd.core.ledger import Ledger
from chargepointd.core.outbox import Outbox
from chargepointd.core.plan import EvsePlan
from chargepointd.core.register import DARK_S
from chargepointd.core.session import Session
from chargepointd.core.values import Fault, Measured


class Metered(Ledger):
    def __init__(self, plan: EvsePlan, context: Context, outbox: Outbox, session: Session | None) -> None:
        super().__init__(plan, context, outbox, session)
        self._lost: Fault | None = None
        """the register by which the transaction was billed is no more: it is to end"""

    def _remember_register(self, step: Step) -> None:
        """When an earlier process was told what it knew: a clock that nobody has vouched for may be a day off."""
        transaction = self.transaction
        if transaction:
            known = self._context.clock.sure and transaction.stamped_at >= PLAUSIBLE
            ago = max(0.0, step.utc - transaction.stamped_at) + 86_400.0 if known else DARK_S
            self.register.known_since(step.mono - ago)

    def _look_at(self, measured: Measured, step: Step) -> None:
        """What a fresh reading says, and whether its register can be believed."""
        register, transaction = self.register, self.transaction
        energy = register.read(measured)
        if transaction is None and register.wrapped_wh:
            energy = register.unwrap()
        if register.replaced:
            self._replaced(*register.replaced, step)
        elif transaction and transaction.wrapped_wh != register.wrapped_wh and not transaction.register_lost:
            self.session = self.session._replace(transaction=transaction._replace(wrapped_wh=register.wrapped_wh))
        if self.transaction and self.transaction.register_lost:
            energy = None
        self.measured = measured._replace(energy_import_wh=energy)
        if energy is not None:
            self.counted = self.measured
            self.signed = self.measured if measured.signed else self.signed
        self._tell_meter(self._lost or register.fault, "register", step)
        self._tell_meter(register.still, "register still", step)

    def _counted(self, measured: Measured) -> bool:
        """This overtaken reading is of the register that is known, and does not contradict it."""
        shown, known = measured.energy_import_wh, self.register.known_wh
        lost = self.transaction is not None and self.transaction.register_lost
        return shown is not None and known is not None and shown <= known and not lost and not self.register.doubtful

    def _replaced(self, old_wh: float, new_wh: float, step: Step) -> None:
        """The meter was exchanged, or set back: what runs ends with what the old one showed last."""
        text = f"the register went from {old_wh:.0f} to {new_wh:.0f} Wh: exchanged, or set back"
        step.emit(Note("meter", self.number, text))
        self.signed = None
        if self.transaction:
            last = max(old_wh, self.transaction.energy_last_wh or 0.0)
            lost = self.transaction._replace(register_lost=True, energy_last_wh=last)
            self.session = self.session._replace(transaction=lost)
            self._lost = Fault("PowerMeterFailure", "register", f"{text}; billed up to {old_wh:.0f}")

    def _tell_meter(self, fault: Fault | None, source: str, step: Step) -> None:
        """Of a meter that answers, and cannot be believed."""
        key = ("PowerMeterFailure", source)
        if self.faults.get(key) == fault:
            return
        if fault:
            step.emit(Note("fault", self.number, f"{fault.code}: {fault.source}: {fault.info}"))
            self.faults[key] = fault
        elif self.faults.pop(key, None):
            step.emit(Note("fault cleared", self.number, f"PowerMeterFailure: {source}"))

    def _count_anew(self, step: Step) -> None:
        """The next transaction begins with what the register shows."""
        self._lost = None
        self._tell_meter(self.register.fault, "register", step)
        if self.register.wrapped_wh:
            shown = self.register.unwrap()
            self.measured = self.measured and self.measured._replace(energy_import_wh=shown)
            self.counted = self.signed = None
