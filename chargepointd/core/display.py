"""What the displays show while nobody is told anything else: the price, then cost, energy and time, then the total.

A display serves some EVSEs. It goes through the pages of those where somebody is; where nobody is anywhere, it shows
the price for everybody. What somebody is told at this moment ("Plug in") stays for a while first. A display is written
to once a second at most, and only when something on it changes.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Display
from chargepointd.core.evse import Evse
from chargepointd.core.lobby import Lobby
from chargepointd.core.tariff import GONE_S, Tariffs
from chargepointd.core.topic import Topic
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.visit import Visit
from chargepointd.core.wording import (
    AS_OF,
    COST,
    HEIGHT,
    OFFLINE,
    TOTAL,
    energy_and_time,
    money,
    notice,
    pages,
    price,
    word,
    wrapped,
)

PAGE_S = 3.0
LEAST_S = 1.0
"""between two changes of a display"""
LOOK_S = 5.0
"""how often at least, while time alone changes something"""
OLD_S = 90.0
"""a cost that is older says of when it is"""


class Page(NamedTuple):
    evse_id: int
    about: str
    """what it is about, whatever the numbers on it"""
    text: str
    code: str = ""


NOTHING = Page(0, "", "")


class _Screen:
    def __init__(self) -> None:
        self.page = NOTHING
        self.written_at = -NEVER
        self.told_until = -NEVER
        """somebody is told something until then"""
        self.about: tuple[tuple[int, str], ...] = ()
        self.since = 0.0
        self.due = -NEVER


class Screens(Topic):
    name = "display"

    def __init__(
        self,
        context: Context,
        tariffs: Tariffs,
        evses: Mapping[int, Evse],
        lobby: Lobby,
        wall_offset_s: Callable[[float], int],
    ) -> None:
        self._context = context
        self._tariffs = tariffs
        self._evses = evses
        self._lobby = lobby
        self._wall_offset_s = wall_offset_s
        self._screens = [_Screen() for _ in context.plan.displays]
        self._looked_at = -1

    def follow(self, step: Step) -> None:
        if Display in map(type, step.effects):
            step.effects[:] = [self._told(each, step) if type(each) is Display else each for each in step.effects]
        news = self._looked_at != self._context.settled
        self._looked_at = self._context.settled
        for n, screen in enumerate(self._screens):
            if news or step.mono >= screen.due:
                self._look(n, screen, step)

    def changed(self, names: list[str], step: Step) -> None:
        if any(name.startswith(("TariffCostCtrlr", "DisplayMessageCtrlr")) for name in names):
            self._looked_at = -1

    def _told(self, told: Display, step: Step) -> Display:
        """What somebody is told at this moment, in the driver's language; of a long text, what has room."""
        for screen, evse_ids in zip(self._screens, self._context.plan.displays, strict=True):
            if not told.evse_id or told.evse_id in evse_ids:
                screen.told_until = screen.written_at = step.mono
                screen.told_until += told.for_s
                screen.page = NOTHING._replace(about="told")
        text = notice(told.text, self._language(self._tariffs.visits.get(told.evse_id)))
        return told._replace(text="\n".join(wrapped(text)[:HEIGHT]))

    def _look(self, n: int, screen: _Screen, step: Step) -> None:
        free_at = max(screen.told_until, screen.written_at + LEAST_S)
        if step.mono < free_at:
            screen.due = free_at
            return
        shown, moves = self._pages(self._context.plan.displays[n], step)
        about = tuple((page.evse_id, page.about) for page in shown)
        if about != screen.about:
            screen.about, screen.since = about, step.mono
        turn = int((step.mono - screen.since) / PAGE_S)
        page = shown[turn % len(shown)] if shown else NOTHING
        screen.due = step.mono + LOOK_S if moves else NEVER
        if len(shown) > 1:
            screen.due = min(screen.due, screen.since + (turn + 1) * PAGE_S)
        if page != screen.page and not (page == NOTHING and screen.page.about == "told"):
            screen.page, screen.written_at = page, step.mono
            step.emit(Display(page.evse_id, page.text, 0.0, n, page.code))

    # -- the pages -----------------------------------------------------------------------------------------------------

    def _pages(self, evse_ids: tuple[int, ...], step: Step) -> tuple[list[Page], bool]:
        """In turn; and whether time alone changes something."""
        shown: list[Page] = []
        closed: list[Page] = []
        for evse_id in evse_ids:
            visit = self._tariffs.visits.get(evse_id)
            if visit and (visit.left_at is None or (visit.final and step.utc < visit.left_at + GONE_S)):
                shown += self._of(evse_id, visit, step)
            else:
                closed += self._closed(evse_id)
        for seat in self._lobby.seats.values():
            if seat.session.authorized and seat.session.token and set(seat.session.choice) & set(evse_ids):
                known = self._tariffs.prices.of(seat.session.token)
                shown += self._price(0, Visit(texts=known.texts, language=known.language))
        return (shown or list(self._price(0, None))) + closed, bool(shown)

    def _closed(self, evse_id: int) -> Iterator[Page]:
        """Not for everybody who comes."""
        evse = self._evses[evse_id]
        fit = evse.usable(evse.place) and not evse.stopping_faults
        word = "Reserved" if fit and evse.reserved else "" if fit else "Out of service"
        if word:
            yield Page(evse_id, word, notice(word, self._language(None)))

    def _of(self, evse_id: int, visit: Visit, step: Step) -> Iterator[Page]:
        if not visit.transaction_id:
            yield from self._price(evse_id, visit)
        elif not visit.over:
            yield from self._price(evse_id, visit)
            yield Page(evse_id, "cost", self._cost(evse_id, visit, step))
        else:
            yield from self._total(evse_id, visit, step)

    def _price(self, evse_id: int, visit: Visit | None) -> Iterator[Page]:
        if self._context.variables.boolean("TariffCostCtrlr.Enabled[Tariff]"):
            for text in pages(self._tariffs.prices.text(visit)):
                yield Page(evse_id, text, text)

    def _cost(self, evse_id: int, visit: Visit, step: Step) -> str:
        language = self._language(visit)
        run = self._tariffs.running(evse_id, step) if self._shows_cost() else None
        lines = [f"{word(language, COST)} {self._money(run.cost)}"] if run else []
        lines.append(self._energy(evse_id, visit, step))
        if run and run.rate is None and step.utc > run.at / 1000 + OLD_S:
            then = self._wall(run.at / 1000)
            lines.append(f"{word(language, AS_OF if self._context.online else OFFLINE)} {then}")
        elif not self._context.online:
            lines.append(word(language, OFFLINE))
        elif run and run.rate:
            lines.append(price(run.rate, run.idle_since is not None, self._currency()))
        return "\n".join(filter(None, lines))

    def _total(self, evse_id: int, visit: Visit, step: Step) -> Iterator[Page]:
        """What it has cost in all; while that is not known, what is known."""
        final = visit.final
        if final and self._shows_cost():
            total = f"{word(self._language(visit), TOTAL)} {self._money(Decimal(final.cost))}"
            yield Page(evse_id, "total", f"{total}\n{self._energy(evse_id, visit, step)}", final.code)
            for text in pages(self._tariffs.prices.chosen(final.texts, visit)):
                yield Page(evse_id, text, text, final.code)
            return
        if not self._context.online and self._shows_cost():  # I05
            for text in pages(self._tariffs.prices.everybody("TotalCostFallbackMessage", visit)):
                yield Page(evse_id, text, text)
        yield Page(evse_id, "cost", self._cost(evse_id, visit, step))

    def _energy(self, evse_id: int, visit: Visit, step: Step) -> str:
        measured = self._evses[evse_id].measured
        now = measured.energy_import_wh if measured else None
        flowed = None if now is None or visit.start_wh is None else now - visit.start_wh
        return energy_and_time(flowed, (visit.ended_at or step.utc) - visit.started_at)

    # -- words and numbers ---------------------------------------------------------------------------------------------

    def _shows_cost(self) -> bool:
        return self._context.variables.boolean("TariffCostCtrlr.Enabled[Cost]")

    def _language(self, visit: Visit | None) -> str:
        return next(filter(None, self._tariffs.prices.languages(visit)), "")

    def _currency(self) -> str:
        return self._context.variables.text("TariffCostCtrlr.Currency")

    def _money(self, cost: Decimal) -> str:
        return money(cost, self._context.variables.integer("TariffCostCtrlr.CostDecimals"), self._currency())

    def _wall(self, utc: float) -> str:
        """ "14:32", by the clock on the wall."""
        minutes = int(utc + self._wall_offset_s(utc)) // 60 % 1440
        return f"{minutes // 60:02}:{minutes % 60:02}"

    def deadline(self) -> float:
        due = NEVER
        for screen in self._screens:
            due = min(due, screen.due)
        return due
