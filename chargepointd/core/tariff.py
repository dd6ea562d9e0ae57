"""What drivers are told of money (I01 to I06; "OCPP & California Pricing Requirements" of the OCA).

The CSMS names the price, for everybody or for one token, and the cost, again and again while somebody charges; the
station adds up what comes in between (`core.cost`) and says when the number is old. What it knows of the people at an
EVSE is a `Visit`, kept over a power cut. A visit is over when the car is gone; what comes for it later is shown to
nobody else.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chargepointd.core.availability import Statuses
from chargepointd.core.clock import Righting
from chargepointd.core.commands import Status
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.cost import Rate, Running, grows, moved, rounded, turned
from chargepointd.core.departures import CableLeft, Departures
from chargepointd.core.effects import Note, SaveState
from chargepointd.core.evse import Evse
from chargepointd.core.messages import Message, RecordAnswered, TransactionRecord
from chargepointd.core.meter_triggers import looked_at
from chargepointd.core.outbox import Outbox, Outcome
from chargepointd.core.prices import Price, Prices
from chargepointd.core.sampling import TRIGGERED_METERS, TRIGGERED_RECORD
from chargepointd.core.topic import Answer, Obey, Topic
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token, TokenInfo
from chargepointd.core.visit import (
    NO_TRIGGERS,
    Final,
    Triggers,
    Visit,
    kept,
    loaded,
    made_anew,
    past_of,
    tells_more,
)
from chargepointd.core.wording import Texts

GONE_S = 60.0
"""s after the car has left that its cost is still shown"""
_NOTHING = (None, None, None, None)
"""number, verdict, cost and text in an answer"""
_IDLE_FEE = "TariffCostCtrlr.IdleFeeAfterStop"
_STOP_POINT = "TxCtrlr.TxStopPoint"
DEFAULT_PRICE = tuple(f"TariffCostCtrlr.DefaultPrice[{amount}]" for amount in ("kWh", "Hour", "FlatFee"))


class SetUserPrice(NamedTuple):
    """What this token is to be shown as its price."""

    token: Token
    texts: Texts


class UpdateCost(NamedTuple):
    """The cost so far, of a transaction by the station's id or by the number the CSMS gave it."""

    cost: Decimal
    transaction_id: str | None = None
    reference: int | None = None
    at: float | None = None
    """UTC, s since 1970, when it was so much; None: now"""
    register_wh: float | None = None
    """the register then; None: as it is now"""
    idle: bool | None = None
    """None: as the station sees it"""
    rate: Rate | None = None
    """what is added from then on; None: that is not known"""
    next_at: float | None = None
    next_rate: Rate | None = None
    triggers: Triggers = NO_TRIGGERS


class TellFinalCost(NamedTuple):
    cost: Decimal
    transaction_id: str | None = None
    reference: int | None = None
    texts: Texts = ()
    code: str = ""
    """to be shown as a QR code"""


class Tariffs(Topic):
    name = "tariff"

    def __init__(
        self, context: Context, outbox: Outbox, evses: Mapping[int, Evse], statuses: Statuses, saved: Any
    ) -> None:
        saved = saved or {}
        self._context = context
        self._outbox = outbox
        self._evses = evses
        self._statuses = statuses
        before = {int(n): loaded(fields) for n, fields in saved.get("visits", {}).items()}
        anew = {evse.id: visit for evse in evses.values() if (visit := made_anew(evse.session))}
        self.visits: dict[int, Visit] = anew | before
        self.prices = Prices(context, saved.get("prices", {}))
        self._departures = Departures(context, outbox, saved.get("unplugged", ()))
        self._idle: dict[int, bool] = {}
        self._status: dict[int, str] = {}
        self._looked_at = -1
        self._due = NEVER
        self._dirty = not all(map(tells_more, before.values()))
        """at first where an older program kept more"""

    # -- what the CSMS says --------------------------------------------------------------------------------------------

    def commands(self) -> Mapping[type, Obey]:
        return {SetUserPrice: self._set_price, UpdateCost: self._update, TellFinalCost: self._finish}

    def _set_price(self, command: SetUserPrice, step: Step, answer: Answer) -> None:
        answer(Status("Accepted"), step)
        self._price(command.token.key, Price(command.texts), step)

    def told(self, token: Token, info: TokenInfo, step: Step) -> None:
        """What the CSMS says of a token that may charge, now or when it was asked last (I01)."""
        if info.message or info.language:
            texts = ((info.language or "", info.message),) if info.message else ()
            self._price(token.key, Price(texts, info.language or ""), step)

    def _price(self, key: str, price: Price, step: Step) -> None:
        here = [n for n, visit in self.visits.items() if visit.token == key and not visit.over]
        for n in here:
            visit = self.visits[n]
            self.visits[n] = visit._replace(texts=price.texts or visit.texts, language=price.language or visit.language)
        if not here:
            self.prices.keep(key, price)
        if price.texts:
            self.prices.came(key, step)
        self._dirty = True

    def forget(self, key: str) -> None:
        """Of a token that is not at an EVSE."""
        if self.prices.known.pop(key, None):
            self._dirty = True

    def _update(self, command: UpdateCost, step: Step, answer: Answer) -> None:
        evse_id = self._place(command.transaction_id, command.reference)
        if evse_id is None or self.visits[evse_id].left_at is not None:
            answer(Status("Rejected", "no such transaction is running"), step)
            return
        answer(Status("Accepted"), step)
        self._count_from(evse_id, command, step)

    def _count_from(self, evse_id: int, told: UpdateCost, step: Step) -> None:
        visit, now = self.visits[evse_id], _ms(step.utc)
        at = now if told.at is None else min(now, _ms(told.at))
        idle = self._is_idle(evse_id, step) if told.idle is None else told.idle
        since = visit.running.idle_since if visit.running and visit.running.idle_since is not None else at
        register = self._register(evse_id) if told.register_wh is None else round(told.register_wh * 1000)
        run = Running(told.cost, at, register, min(since, at) if idle else None, told.rate)
        if told.next_rate and told.next_at is not None:  # until then it may cost nothing
            run = run._replace(rate=told.rate or Rate(), next_at=_ms(told.next_at), next_rate=told.next_rate)
        self._idle[evse_id] = self._is_idle(evse_id, step)  # until the car changes its mind, the CSMS is right
        self._status[evse_id] = self._statuses.shown((evse_id, self._evses[evse_id].place or 1))
        self.visits[evse_id] = visit._replace(running=run, triggers=told.triggers, above=None)
        step.emit(Note("running cost", evse_id, f"{told.cost:f}"))
        self._dirty = True

    def _finish(self, command: TellFinalCost, step: Step, answer: Answer) -> None:
        evse_id = self._place(command.transaction_id, command.reference)
        if evse_id is None:
            answer(Status("Rejected", "no such transaction, or the next driver is there already"), step)
            return
        answer(Status("Accepted"), step)
        self._final(evse_id, Final(f"{command.cost:f}", command.texts, command.code), step)

    def _final(self, evse_id: int, final: Final, step: Step) -> None:
        self.visits[evse_id] = self.visits[evse_id]._replace(final=final)
        step.emit(Note("total cost", evse_id, final.cost))
        self._dirty = True

    def _place(self, transaction_id: str | None, reference: int | None) -> int | None:
        """The EVSE whose last visit it is."""
        transaction_id = self._outbox.names.transaction_named(transaction_id)
        for n, visit in self.visits.items():
            if visit.transaction_id and (
                visit.transaction_id == transaction_id or (reference is not None and visit.reference == reference)
            ):
                return n
        return None

    def record_answered(self, message: Message, outcome: Outcome, step: Step) -> None:
        """What the answer to a transaction record says of money (I02, I03, I06)."""
        if not isinstance(message, TransactionRecord) or not isinstance(outcome, RecordAnswered):
            return
        if outcome[:4] == _NOTHING:
            return  # as most
        evse_id = self._place(message.transaction_id, None)
        if evse_id is None:
            return
        visit = self.visits[evse_id]
        if outcome.reference is not None:
            self.visits[evse_id] = visit = visit._replace(reference=outcome.reference)
            self._remember(self._evses[evse_id], step)
            self._dirty |= tells_more(visit)
        text = outcome.message or (outcome.info.message if outcome.info else None)
        if text or (outcome.info and outcome.info.language):
            language = (outcome.info and outcome.info.language) or visit.language
            texts = ((language, text),) if text else visit.texts
            self.visits[evse_id] = visit._replace(texts=texts, language=language)
            self._dirty = True
        if outcome.total_cost is not None:
            cost = Decimal(repr(outcome.total_cost))
            if message.kind == "Ended" and "ParkingBayOccupancy" in self._context.variables.members(_STOP_POINT):
                return  # who had to drive away for it to end is not there to see it (I03.FR.05)
            if message.kind == "Ended":
                self._final(evse_id, Final(f"{cost:f}"), step)
            elif visit.running is None or visit.running.at <= _ms(message.stamp.at):
                told = outcome.cost or UpdateCost(cost)
                at = message.stamp.at if told.at is None else told.at
                self._count_from(evse_id, told._replace(at=at), step)

    # -- what happens at the EVSEs -------------------------------------------------------------------------------------

    def power_up(self, step: Step) -> None:
        """How long the power was cut nobody knows: what time would have added is left to the CSMS."""
        for n, visit in self.visits.items():
            run = visit.running
            if run and grows(run):
                self.visits[n] = visit._replace(running=run._replace(rate=None, next_at=None, next_rate=None))

    def follow(self, step: Step) -> None:
        if self._context.settled != self._looked_at or self._dirty or step.mono >= self._due:
            since, self._looked_at = self._looked_at, self._context.settled
            for evse in self._evses.values():
                if evse.settled > since or evse.id in self.visits:  # else nobody is there, and nobody was
                    self._look_and_watch(evse, step)
            self._due = self._next_due(step)
        self._departures.tell()
        if self._dirty or self._departures.told:
            self._dirty = self._departures.told = False
            step.emit(SaveState(self.name, self._state()))

    def _look_and_watch(self, evse: Evse, step: Step) -> None:
        before = self.visits.get(evse.id)
        if before and self._goes_on(evse, before):
            return
        self._look(evse, step)
        self._watch(evse, step)
        after = self.visits.get(evse.id)
        if after != before:
            self._dirty |= any(visit and tells_more(visit) for visit in (before, after))
        self._remember(evse, step)

    def _remember(self, evse: Evse, step: Step) -> None:
        past = past_of(self.visits.get(evse.id))
        if past != evse.session.past:
            evse.remember_past(past, step)

    def _goes_on(self, evse: Evse, visit: Visit) -> bool:
        """As most visits do: a transaction of which nobody tells money, or wants to see the meter."""
        session, transaction = evse.session, evse.session.transaction
        if transaction is None or transaction.id != visit.transaction_id or visit.left_at is not None:
            return False
        if visit.running or visit.triggers != NO_TRIGGERS or session.past:
            return False
        same = session.token is None or session.token.key == visit.token
        return same and (visit.reference is not None or self._outbox.names.reference_of(transaction.id) is None)

    def _look(self, evse: Evse, step: Step) -> None:
        """Who is there?"""
        visit, session = self.visits.get(evse.id), evse.session
        transaction = session.transaction
        if not (evse.plugged or session.authorized or session.held or transaction):
            if visit and visit.left_at is None:
                self._left(evse.id, visit, step)
            return
        if visit is None or visit.left_at is not None:
            visit = Visit()
        if transaction and transaction.id != visit.transaction_id:
            visit = Visit() if visit.transaction_id else visit
            visit = visit._replace(
                transaction_id=transaction.id,
                started_at=transaction.started_at,
                start_wh=transaction.energy_start_wh,
                running=self._offline_price(evse, step),
            )
        key = session.token.key if session.token and (session.authorized or transaction) else ""
        if key and key != visit.token:
            visit = Visit() if visit.over else visit
            price = self.prices.take(key)
            visit = visit._replace(token=key, texts=price.texts, language=price.language)
        if visit.transaction_id and visit.reference is None:
            reference = self._outbox.names.reference_of(visit.transaction_id)
            visit = visit if reference is None else visit._replace(reference=reference)
        if visit.transaction_id and transaction is None and not visit.over:
            visit = self._ended(evse, visit, step)
        self.visits[evse.id] = self._followed(evse, visit, step)

    def _offline_price(self, evse: Evse, step: Step) -> Running | None:
        """Begun without the CSMS, it costs what the owner has set for that; until the CSMS says something else."""
        amounts = [Decimal(self._context.variables.text(name)) for name in DEFAULT_PRICE]
        if self._context.online or not any(amounts):
            return None
        per_kwh, per_hour, flat = amounts
        return Running(flat, _ms(step.utc), self._register(evse.id), rate=Rate(per_kwh, per_hour))

    def _ended(self, evse: Evse, visit: Visit, step: Step) -> Visit:
        """Its transaction is over. What more it costs, if anything, is the idle fee."""
        visit = visit._replace(ended_at=step.utc, lingers=bool(evse.plugged))
        run = visit.running
        if run and not (visit.lingers and self._context.variables.boolean(_IDLE_FEE)):
            run = moved(run, _ms(step.utc), self._register(evse.id))
            visit = visit._replace(running=run._replace(rate=None, next_at=None, next_rate=None))
        return visit

    def _followed(self, evse: Evse, visit: Visit, step: Step) -> Visit:
        """The running cost goes on by another rule when the car begins or stops to charge."""
        self.visits[evse.id] = visit
        idle = self._is_idle(evse.id, step)
        before, self._idle[evse.id] = self._idle.get(evse.id, idle), idle
        run = visit.running
        if run is None or run.rate is None:
            return visit
        now = _ms(step.utc)
        if before != idle and idle != (run.idle_since is not None):
            return visit._replace(running=turned(run, idle, now, self._register(evse.id)))
        if run.next_at is not None and run.next_at <= now:
            return visit._replace(running=moved(run, now, self._register(evse.id)))
        return visit

    def _is_idle(self, evse_id: int, step: Step) -> bool:
        """The car could charge and does not. Whom the station itself holds up is not to pay for it."""
        return self.visits[evse_id].over or self._evses[evse_id].charging_state(step) == "SuspendedEV"

    def _register(self, evse_id: int) -> int | None:
        measured = self._evses[evse_id].measured
        read = measured.energy_import_wh if measured else None
        return None if read is None else round(read * 1000)

    def _left(self, evse_id: int, visit: Visit, step: Step) -> None:
        if visit.over and visit.lingers and self._context.variables.boolean(_IDLE_FEE):
            self._departures.add(CableLeft(visit.transaction_id, visit.reference, step.utc))
            self._dirty = True
        run = visit.running
        if run:
            run = moved(run, _ms(step.utc), self._register(evse_id))
            run = run._replace(rate=None, next_at=None, next_rate=None)
        self.visits[evse_id] = visit._replace(left_at=step.utc, token="", running=run, triggers=NO_TRIGGERS)
        if not visit.transaction_id:
            del self.visits[evse_id]

    # -- what the CSMS wants to see ------------------------------------------------------------------------------------

    def _watch(self, evse: Evse, step: Step) -> None:
        visit = self.visits.get(evse.id)
        if visit is None or not visit.transaction_id:
            return
        status = self._statuses.shown((evse.id, evse.place or 1))
        before, self._status[evse.id] = self._status.get(evse.id, status), status
        if visit.triggers == NO_TRIGGERS:
            return
        came = None if status == before else status
        self.visits[evse.id], asked = looked_at(visit, evse, came, step.utc)
        if asked:
            evse.sample_now(TRIGGERED_RECORD if evse.running else TRIGGERED_METERS, step)

    @property
    def untold(self) -> int:
        """How many cars have left of which the CSMS has not heard."""
        return len(self._departures.untold)

    # -- time ----------------------------------------------------------------------------------------------------------

    def deadline(self) -> float:
        return min(self._due, self.prices.deadline())

    def tick(self, step: Step) -> None:
        self.prices.tick(step)

    def _next_due(self, step: Step) -> float:
        moments: list[float] = []
        for visit in self.visits.values():
            if visit.triggers.at is not None:
                moments.append(visit.triggers.at)
            if visit.running and visit.running.next_at:
                moments.append(visit.running.next_at / 1000)
        return min([step.mono + max(0.001, at - step.utc) for at in moments]) if moments else NEVER

    def put_right(self, right: Righting, step: Step) -> None:
        """What is owed by time is owed for the time that has passed, not for that by which the clock was wrong."""
        self.visits = {evse_id: _put_right(visit, right) for evse_id, visit in self.visits.items()}
        self._dirty = True

    # -- what is shown -------------------------------------------------------------------------------------------------

    def running(self, evse_id: int, step: Step) -> Running | None:
        """As it is now."""
        run = self.visits[evse_id].running
        return moved(run, _ms(step.utc), self._register(evse_id)) if run else None

    def shown(self, evse_id: int, step: Step) -> dict[str, Any] | None:
        """For `chargepointctl status`."""
        visit = self.visits.get(evse_id)
        if visit is None or visit.left_at is not None:
            return None
        variables, run = self._context.variables, self.running(evse_id, step)
        decimals = variables.integer("TariffCostCtrlr.CostDecimals")
        cost = Decimal(visit.final.cost) if visit.final else run.cost if run else None
        return {
            "price": self.prices.text(visit) or None,
            "cost": None if cost is None else rounded(cost, decimals),
            "currency": variables.text("TariffCostCtrlr.Currency") or None,
            "cost_at": run.at / 1000 if run and not visit.final else None,
            "final": visit.final is not None,
        }

    # -- kept ----------------------------------------------------------------------------------------------------------

    def _state(self) -> Any:
        visits = {str(n): kept(visit) for n, visit in self.visits.items() if tells_more(visit)}
        state = {"visits": visits, "prices": dict(self.prices.known), "unplugged": list(self._departures.untold)}
        return state if any(state.values()) else None


def _ms(utc: float) -> int:
    return round(utc * 1000)


def _put_right(visit: Visit, right: Righting) -> Visit:
    run = visit.running
    if run:
        idle = None if run.idle_since is None else _ms(right.interval(run.idle_since / 1000))
        run = run._replace(at=_ms(right.interval(run.at / 1000)), idle_since=idle)
    return visit._replace(
        running=run,
        started_at=right.interval(visit.started_at),
        ended_at=visit.ended_at and right.interval(visit.ended_at),
        left_at=visit.left_at and right.interval(visit.left_at),
    )
