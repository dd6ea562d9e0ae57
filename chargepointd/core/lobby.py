"""Those who are authorized and have not chosen an EVSE: a card at a reader that serves several (E03, C01).

Each has a seat: an EVSE without connectors, where the session waits, and the transaction, if authorization begins one
(E01.FR.03). The first of the EVSEs it may choose that is plugged in takes the session over (E01.FR.16); after
`EVConnectionTimeOut` it is over (E03.FR.05). Seats are numbered -1, -2 …: in records the EVSE is 0, not known yet.
"""

from collections.abc import Callable, Mapping, Sequence

from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.evse import Evse
from chargepointd.core.outbox import Outbox
from chargepointd.core.plan import EvsePlan
from chargepointd.core.session import NOBODY, Session
from chargepointd.core.values import Token


class Lobby:
    def __init__(self, context: Context, outbox: Outbox, sessions: Mapping[int, Session], count: int) -> None:
        """`count`: how many there may be, as many as there are EVSEs; `sessions`: what was kept."""
        ids = sorted({-n for n in range(1, count + 1)} | {n for n in sessions if n < 0}, reverse=True)
        plans = [EvsePlan(n, (), phases=0, meter=False) for n in ids]
        self.seats = {plan.id: Evse(plan, context, outbox, sessions.get(plan.id)) for plan in plans}
        for seat in self.seats.values():
            seat.seen = True  # no pilot will ever speak there
        self.arrived: Callable[[Evse, Session, Step], Session] = lambda evse, session, step: session
        """what becomes of a session that goes on at this EVSE"""

    def of(self, token: Token) -> Evse | None:
        """Where the owner of this token waits."""
        return next((s for s in self._taken() if s.session.token and s.session.token.key == token.key), None)

    def free(self) -> Evse | None:
        return next((seat for seat in self.seats.values() if seat.session == NOBODY), None)

    def sit(self, seat: Evse, evse_ids: Sequence[int]) -> None:
        """Whoever is authorized there next may choose one of these."""
        seat.session = seat.session._replace(choice=tuple(evse_ids))

    def leave_for(self, evse: Evse, step: Step) -> bool:
        """A car comes to this EVSE, to its cable or into its bay: the session that waits for it longest goes on there.
        False: none does."""
        for seat in sorted(self._taken(), key=lambda seat: seat.plug_by):
            token, group = seat.session.token, seat.session.group
            if not token or not _may_choose(seat, evse):
                continue
            if evse.transaction is None:
                evse.take_over(self.arrived(evse, seat.hand_over(step), step), step)
                return True
            if seat.transaction is None:  # there one has begun without anybody's card
                session = self.arrived(evse, seat.hand_over(step), step)
                used, priority = session.reservation_id, session.priority
                evse.authorize(token, group, "Authorized", None, step, reservation_id=used, priority=priority)
                return True
        return False

    def deadline(self) -> float:
        """Of those who wait there."""
        due = NEVER
        for seat in self.seats.values():
            if seat.session is not NOBODY:
                due = min(due, seat.deadline())
        return due

    def expects(self, evse: Evse) -> bool:
        """Somebody waits who may choose it."""
        return any(_may_choose(seat, evse) for seat in self._taken())

    def _taken(self) -> list[Evse]:
        return [seat for seat in self.seats.values() if seat.session.authorized]


def _may_choose(seat: Evse, evse: Evse) -> bool:
    session = seat.session
    chosen = evse.id in session.choice and not evse.plugged
    return chosen and session.token is not None and evse.open_to(session.token, session.group)
