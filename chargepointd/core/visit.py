"""What the driver at an EVSE is told of money, as a value, and how it is kept over a power cut (`core.tariff`)."""

from typing import Any

from chargepointd.core.cost import Running, from_plain, plain
from chargepointd.core.session import Past, Session
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.wording import Texts


class Triggers(NamedTuple):
    """When the CSMS wants to see the meter, besides the usual times."""

    at: float | None = None
    """UTC, s since 1970"""
    energy_wh: float | None = None
    """of the transaction; or the register, if the number is no less than it was at the start"""
    power_w: float | None = None
    """passed in either direction"""
    statuses: tuple[str, ...] = ()
    """of the connector, in the words of the dialect"""


NO_TRIGGERS = Triggers()


class Final(NamedTuple):
    cost: str
    """exact, in decimal notation"""
    texts: Texts = ()
    code: str = ""


class Visit(NamedTuple):
    """What the driver at an EVSE is told of money."""

    transaction_id: str = ""
    reference: int | None = None
    token: str = ""
    """its key"""
    language: str = ""
    texts: Texts = ()
    """the price for this driver; empty: that for everybody"""
    running: Running | None = None
    final: Final | None = None
    started_at: float = 0.0
    """UTC, s since 1970: of its transaction"""
    start_wh: float | None = None
    ended_at: float | None = None
    lingers: bool = False
    """and the car was still at the cable"""
    left_at: float | None = None
    """UTC, s since 1970"""
    triggers: Triggers = NO_TRIGGERS
    above: bool | None = None
    """on which side of the power of the trigger the car was last"""

    @property
    def over(self) -> bool:
        """Its transaction has ended."""
        return self.ended_at is not None


# -- kept --------------------------------------------------------------------------------------------------------------


def tells_more(visit: Visit) -> bool:
    """Than the session of the EVSE, from which it would be made anew after a power cut."""
    return bool(visit.texts or visit.language or visit.running or visit.final or visit.triggers != NO_TRIGGERS)


def past_of(visit: Visit | None) -> Past | None:
    """What the session keeps of it: who is there may be told of money yet."""
    if visit is None or visit.ended_at is None or visit.left_at is not None:
        return None
    return Past(visit.transaction_id, visit.started_at, visit.ended_at, visit.start_wh, visit.reference, visit.lingers)


def made_anew(session: Session) -> Visit | None:
    """Of a transaction that is over; that of one that runs begins anew by itself."""
    past = session.past
    return past and Visit(
        transaction_id=past.id,
        reference=past.reference,
        token=session.token.key if session.token else "",
        started_at=past.started_at,
        start_wh=past.start_wh,
        ended_at=past.ended_at,
        lingers=past.lingers,
    )


def kept(visit: Visit) -> dict[str, Any]:
    """Plain JSON data."""
    return visit._asdict() | {"running": plain(visit.running) if visit.running else None}


def loaded(fields: dict[str, Any]) -> Visit:
    run, final = fields["running"], fields["final"]
    final = Final(final[0], as_texts(final[1]), final[2]) if final else None
    at, energy_wh, power_w, statuses = fields["triggers"]
    return Visit(**fields)._replace(
        texts=as_texts(fields["texts"]),
        running=from_plain(run) if run else None,
        final=final,
        triggers=Triggers(at, energy_wh, power_w, tuple(statuses)),
    )


def as_texts(pairs: list[Any]) -> Texts:
    return tuple((language, text) for language, text in pairs)
