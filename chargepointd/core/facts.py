"""What is true of one EVSE: the facts that events set, and what can be computed from them at any moment."""

from collections.abc import Callable, Iterable
from functools import cache
from itertools import compress
from math import inf
from typing import Literal

from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.plan import EvsePlan
from chargepointd.core.power import Power
from chargepointd.core.register import Register
from chargepointd.core.rules import ConnectorView
from chargepointd.core.session import NOBODY, Session, Transaction
from chargepointd.core.values import Conditions, Fault, Measured, Token

AWAITED = "awaited_profile/"
"""with the number of an EVSE: the name of a transaction that is still to begin there"""
RESUMPTION_TIMEOUT = "TxCtrlr.ResumptionTimeout"
EVER = 2_147_483_647
"""s; the default: no interruption is too long, not even one whose length nobody knows"""
RESUMES_ENERGY = "TxCtrlr.AllowEnergyTransferResumption"
CONDITIONS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "DataSigned", "PowerPathClosed", "EnergyTransfer")
REACTION_S = 10.0
"""an offered car that has not asked for energy by then is the one who waits: SuspendedEV"""


class Facts:
    def __init__(self, plan: EvsePlan, context: Context, session: Session | None) -> None:
        self.id = plan.id
        self.number = max(0, plan.id)
        """as records name it; 0 for a seat in the lobby"""
        self.plan = plan
        self.session = session or NOBODY
        self.faults: dict[tuple[str, str], Fault] = {}
        self.entitled_at = NEVER
        """since when somebody is authorized and plugged in: s, monotonic clock"""
        self.operative = True
        """neither this EVSE nor the station is set inoperative; `availability` keeps it"""
        self.resetting = False
        self.connectors_operative = {c.id: True for c in plan.connectors}
        self.awaits: Token | None = None
        """with whose transaction a charging profile will come (K05)"""
        self.reserved: frozenset[int] = frozenset()
        """the connectors that a reservation keeps for somebody; the others of the EVSE are of no use meanwhile"""
        self.settled = 0
        """`context.settled` when the facts of this EVSE moved last"""
        self._context = context
        self._begin_car()
        self._begin_energy()

    def _begin_car(self) -> None:
        """The car, its cable and its place."""
        plan = self.plan
        self.plugged = 0 if self._told_that_it_left() else self.session.connector_id
        """the connector that holds a car's cable, 0 for none. After a power cut what was, until the pilot speaks"""
        self.came_at = -NEVER
        """when the car came: into the bay, or to the cable"""
        self.bay = bool(plan.bay_sensor and self.session.transaction)
        """a car stands in the bay, as the sensor says. After a power cut what was, until it speaks"""
        self.bay_seen = False
        self.plugs: dict[int, bool] = {}
        """the connectors whose sockets hold a plug or do not, as far as the hardware knows"""
        self.seen = False
        """the pilot of that connector has spoken since the start of the process"""
        self.cable_limit_a: float | None = None
        self.wanted = False
        self.locked: dict[int, bool] = {}
        self.invites = True
        """somebody may plug in; `shutters` keeps it, where sockets are shut"""
        self.freed_until = -NEVER
        """unlocked from afar: s, monotonic clock; until then its empty socket is not shut"""
        self._locking = frozenset(connector.id for connector in plan.connectors if connector.lock)
        """the connectors that can hold a plug"""

    def _begin_energy(self) -> None:
        """The power path, the meter, and what may flow."""
        plan = self.plan
        self.power_on = False
        self._open_since = -NEVER
        """when the power path was opened last: s, monotonic clock"""
        self.held_back = False
        """it is not known yet whether the transaction goes on after an interruption, or not time yet for its energy"""
        self.interrupting: Literal["", "Stopping", "Resting", "LettingGo"] = ""
        """how far a reset has come after which the transaction goes on (2.1 B13): energy is still to stop; that it has
        stopped was told; its plug is let go"""
        self.measured: Measured | None = None
        """the last reading; its register is None where it is not known, or not to be believed"""
        self.counted: Measured | None = None
        """the last reading whose register is known"""
        self.register = Register(plan, *_register_of(self.session))
        self.signed: Measured | None = None
        """the last reading that the meter signed"""
        self.allowed_a = plan.max_current_a
        """A per phase, at a DC output A of it: what charging profiles, the other EVSEs and the site leave"""
        self.allowed_w = plan.max_power_w if plan.supply == "DC" else inf
        """W at the output; DC. `core.charging.limits` keeps both, and the phases"""
        self.allowed_phases = plan.phases
        self.phases = plan.phases
        """those that the power path leads, as far as it is known"""
        self.ration: Callable[[Step], None] = lambda step: None
        """sees to it that what is allowed fits the facts, before anything follows from them"""
        self.power = Power()

    def _told_that_it_left(self) -> bool:
        """Before the power cut there was no car at the cable any more."""
        transaction = self.session.transaction
        return self.session.held or (transaction is not None and transaction.charging_state == "Idle")

    @property
    def transaction(self) -> Transaction | None:
        return self.session.transaction

    @property
    def priority(self) -> int:
        """chargingPriority: of the transaction, else of its token; 0 where nobody says (K03.FR.04 to .06)."""
        own = self.transaction.priority if self.transaction else None
        return self.session.priority if own is None else own

    @property
    def running(self) -> bool:
        """A transaction runs and is not about to end."""
        transaction = self.session.transaction
        return transaction is not None and transaction.ending is None

    @property
    def stopping_faults(self) -> tuple[Fault, ...]:
        return tuple([fault for fault in self.faults.values() if fault.stops_charging]) if self.faults else ()

    @property
    def rests(self) -> bool:
        """Its transaction, if there is one, is interrupted, and that was told: it may be reset."""
        ends = self.transaction is not None and not self.running
        return self.interrupting in ("Resting", "LettingGo") and not ends

    @property
    def power_asked(self) -> bool:
        return self.power.asked_a > 0

    @property
    def paused(self) -> bool:
        """It may draw nothing for now."""
        return self.allowed_a <= 0 or self.allowed_w <= 0

    @property
    def withheld(self) -> bool:
        """No energy before and after an interruption, for now or for good (`core.resumption`)."""
        if self.held_back or self.interrupting:
            return True
        transaction = self.session.transaction
        never = transaction is not None and transaction.withheld
        return never and not self._context.variables.boolean(RESUMES_ENERGY)

    @property
    def switching_phases(self) -> bool:
        return self.plan.switches_phases and self.power_asked and self.phases != self.power.asked[2]

    @property
    def measures(self) -> bool:
        """It has a meter, and nothing is known to be wrong with it."""
        return self.plan.meter and not any(fault.code == "PowerMeterFailure" for fault in self.faults.values())

    @property
    def place(self) -> int:
        """The connector of the session; the only one, while nobody has chosen; else 0."""
        chosen = self.plugged or self.session.connector_id
        return chosen or (self.plan.connectors[0].id if len(self.plan.connectors) == 1 else 0)

    def usable(self, connector_id: int) -> bool:
        return not self.resetting and self._in_service(connector_id)

    def may_begin(self, connector_id: int) -> bool:
        """Where that may not be, there is no energy without a transaction either."""
        return self.usable(connector_id) and not self._context.closed

    def _in_service(self, connector_id: int) -> bool:
        return self.operative and self.connectors_operative.get(connector_id, True)

    def open_to(self, token: Token, group: str | None = None) -> bool:
        """This token, of this group, could begin here; or go on, in a transaction that still waits for one, or for the
        car to leave (C01.FR.23: nobody else takes over a transaction; E09.FR.03: nor a cable that is kept for its
        owner; H03.FR.01: nor an EVSE that is reserved for another)."""
        known = self.session.token
        waits = self.transaction is None or (self.running and (known is None or known.key == token.key))
        taken = self.session.authorized or self.session.held or self._context.closed
        able = waits and not taken and self.usable(self.place) and not self.stopping_faults
        return able and self._context.admits(self.id, token, group)

    @property
    def profiled_as(self) -> str | None:
        """Whose TxProfiles hold: those of the transaction that runs; until it has taken over the one that came with its
        remote start, that of the start."""
        session, transaction = self.session, self.transaction
        if self.awaits and session.authorized and session.token and session.token.key == self.awaits.key:
            return f"{AWAITED}{self.id}"
        return transaction.id if transaction and self.running else None

    def conditions(self) -> Conditions:
        """The transaction start and stop points that hold now."""
        plugged, ready = bool(self.plugged), self.ready()
        return _those_of(
            plugged or self.bay,  # a car at the cable occupies the bay, whatever a sensor says
            plugged,
            self.session.authorized,
            self._vouched_for() if self.plan.signs else ready,  # no other may charge for free, among those that sign
            ready,
            ready and self.power_on and self.wanted,
        )

    def ready(self) -> bool:
        """All that must hold before energy may flow (2.x "PowerPathClosed")."""
        if not (self.plugged and self.session.authorized) or (self.faults and self.stopping_faults):
            return False
        return self._metered() and self._lock_holds()

    def _metered(self) -> bool:
        """A reading is there; a signed one, where a transaction is to begin with it (E01.FR.04)."""
        plan, transaction = self.plan, self.session.transaction
        if plan.signs and transaction is None and "DataSigned" in self.start_points():
            return self._vouched_for()
        if not plan.meter or self.measured is None:
            return not plan.meter
        if transaction and transaction.energy_last_wh is not None:
            return True
        return self._read_at_rest() and (self.measured.energy_import_wh is not None or not plan.counts)

    def _read_at_rest(self) -> bool:
        """The last reading has all that flowed before the power path was opened: that is not to be billed again."""
        return self.measured is not None and self.measured.taken_at >= self._open_since

    def _vouched_for(self) -> bool:
        """A signed reading of this visit."""
        return self.signed is not None and self.entitled_at <= self.signed.taken_at

    @property
    def public_key(self) -> str:
        """Of the meter, as the application note of the OCA writes it; empty before it has signed anything."""
        key = self.signed.signed.public_key if self.signed and self.signed.signed else ""
        return f"oca:base16:asn1:{key}" if key else ""

    def signs(self, controller: str) -> bool:
        """Whether the values of SampledDataCtrlr, or of AlignedDataCtrlr, are to be signed."""
        return self.plan.signs and self._context.variables.boolean(f"{controller}.SignReadings")

    def wants_signed(self) -> bool:
        """Whether the meter is to sign what it is asked for."""
        if not self.plan.signs:
            return False
        return self.signs("SampledDataCtrlr") or self.signs("AlignedDataCtrlr") or "DataSigned" in self.start_points()

    def start_points(self) -> Conditions:
        chosen = self._context.variables.members("TxCtrlr.TxStartPoint") or ("PowerPathClosed",)
        return self._context.rules.start_points or points(chosen)

    def _lock_holds(self) -> bool:
        return self.plugged not in self._locking or self.locked.get(self.plugged, False)

    def charging_state(self, step: Step) -> str:
        """ChargingStateEnumType, from the facts."""
        if not self.plugged:
            return "Idle"
        session = self.session
        if session.suspended or (session.authorized and self.withheld):
            return "SuspendedEVSE"
        if (self.paused or self.switching_phases) and self.ready():
            return "SuspendedEVSE"
        flows = self.power_on and self.wanted
        if not session.authorized:
            return "Charging" if flows else "EVConnected"
        if self.stopping_faults:
            return "SuspendedEVSE"
        return "Charging" if flows else self._waiting_state(step)

    def _waiting_state(self, step: Step) -> str:
        """Authorized and plugged, no energy yet or no longer: who holds it up?"""
        transaction = self.session.transaction
        before = transaction.charging_state if transaction else "EVConnected"
        before = "EVConnected" if before == "Idle" else before
        asked = self.power_asked
        # The car was without an offer when it was told to be in this state.
        new = before == "EVConnected" or (before == "SuspendedEVSE" and asked)
        thinks = new and step.mono < self.power.offered_at + REACTION_S
        coming = before != "EVConnected" and asked and self.wanted
        if thinks or coming:
            return before  # the car has not reacted yet; or the power path is on its way (if not, that is a fault)
        return "SuspendedEVSE" if self.wanted or not asked else "SuspendedEV"

    def _waits_for_car(self, connector_id: int) -> bool:
        """Unplugged at the car only: the lock keeps the other end of a detachable cable (E10.FR.01)."""
        here = self.session.connector_id == connector_id and self.session.authorized
        return here and self.locked.get(connector_id, False) and self.plugs.get(connector_id, True)

    def _offered(self, connector_id: int) -> bool:
        """In service, as a CSMS sees it: also while a reset only interrupts what runs there."""
        return self.usable(connector_id) or (self.running and self._in_service(connector_id))

    def view(self, connector_id: int, step: Step) -> ConnectorView:
        here = self.place == connector_id
        session, transaction = self.session, self.session.transaction
        held = session.held and session.connector_id == connector_id
        plugged = self.plugged == connector_id or held or self.plugs.get(connector_id, False)
        return ConnectorView(
            operative=self._offered(connector_id) and (not self.reserved or connector_id in self.reserved),
            faults=self.stopping_faults,
            reserved=connector_id in self.reserved,
            plugged=plugged or self._waits_for_car(connector_id),
            other_plugged=self.plugged not in (0, connector_id),
            authorized=here and session.authorized,
            transaction=here and transaction is not None,
            ended=here and (session.ended or held),
            charging_state=self.charging_state(step) if here else "Idle",
            unplugged=not self.plugged and here and session.authorized and self.running and bool(session.connector_id),
        )


def _register_of(session: Session) -> tuple[float | None, float]:
    """What is known of it over a power cut: by a transaction that is not over."""
    transaction = session.transaction
    return (transaction.energy_last_wh, transaction.wrapped_wh) if transaction else (None, 0.0)


def points(names: Iterable[str]) -> Conditions:
    return frozenset(names)  # type: ignore[arg-type]


@cache
def _those_of(*hold: bool) -> Conditions:
    """Which of them hold, each set made once."""
    return points(compress(CONDITIONS, hold))
