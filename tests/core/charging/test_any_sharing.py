"""Whatever cars and people do, in whatever order: the station never draws more than its connection bears."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.core.charging.external import LimitLocally
from tests.core.world import PLAN, World

BOUND_A = 20.0
SLOW_S = 5.0
"""a car may take so long to follow a lower offer (IEC 61851-1, A.3)"""


class Slow(World):
    """Its cars take as long as they may to follow a lower offer, and no time to follow a higher one."""

    def __init__(self, **more: Any) -> None:
        self._offers: dict[int, list[tuple[float, float]]]
        super().__init__("2.0.1", **more)

    def _obey(self, effect: Any) -> None:
        before = {evse: self.limits[evse][0] for evse in (1, 2)}
        super()._obey(effect)
        for evse, amps in before.items():
            if self.limits[evse][0] < amps:
                self._offers[evse].append((self.mono, amps))

    def _switch(self, evse: int, on: bool) -> None:
        self._offers[evse].clear()  # who begins anew looks at the offer first
        super()._switch(evse, on)

    def boot(self) -> None:
        self._offers = {1: [], 2: []}
        super().boot()

    def _draws_w(self, evse: int) -> float:
        if not self.on.get(evse):
            return 0.0
        lately = [amps for at, amps in self._offers[evse] if at > self.mono - SLOW_S]
        return min(self.takes_w[evse], max([self.limits[evse][0], *lately]) * 690)

    def check(self) -> None:
        super().check()
        drawn_a = sum(self._draws_w(evse) for evse in (1, 2)) / 690
        assert drawn_a <= BOUND_A + 0.01, f"{drawn_a} A"
        for evse in (1, 2):
            assert self.limits[evse][0] == 0 or self.limits[evse][0] >= 6


EVSES = st.sampled_from((1, 2))
DEEDS = st.one_of(
    st.tuples(st.just("come"), EVSES),
    st.tuples(st.just("go"), EVSES),
    st.tuples(st.just("rest"), EVSES),
    st.tuples(st.just("wake"), EVSES),
    st.tuples(st.just("takes"), EVSES, st.sampled_from((1_400.0, 4_000.0, 11_000.0, 22_000.0))),
    st.tuples(st.just("wait"), st.sampled_from((0.5, 3.0, 7.0, 31.0, 100.0))),
    st.tuples(st.just("read"), EVSES),
    st.tuples(st.just("limit"), st.sampled_from((0, 1, 2)), st.sampled_from((0.0, 6.0, 9.0, 15.0))),
    st.tuples(st.just("free"), st.sampled_from((0, 1, 2))),
    st.tuples(st.just("cut")),
)


def do(w: World, deed: tuple[Any, ...]) -> None:
    match deed:
        case ("come", evse):
            w.plug(evse).present(f"CARD{evse}", evse) if not w.plugged[evse] else None
        case ("go", evse):
            w.unplug(evse)
        case ("rest", evse):
            w.hunger(evse, False)
        case ("wake", evse):
            w.hunger(evse, True)
        case ("takes", evse, watts):
            w.takes_w[evse] = watts
        case ("wait", seconds):
            w.after(seconds)
        case ("read", evse):
            w.read(evse)
        case ("limit", evse, amps):
            w.ask(LimitLocally("set", evse, "A", amps))
        case ("free", evse):
            w.ask(LimitLocally("clear", evse))
        case ("cut",):
            w.cut()
            w.online()


@given(st.lists(DEEDS, max_size=25))
@settings(max_examples=150, deadline=None)
def test_the_connection_of_the_station_is_never_overloaded(deeds: list[tuple[Any, ...]]) -> None:
    w = Slow(plan=PLAN._replace(max_current_a=BOUND_A)).online()
    for deed in deeds:
        do(w, deed)
    for evse in (1, 2):
        w.ask(LimitLocally("clear", evse))
        w.takes_w[evse] = 22_000.0
        w.hunger(evse, True)
        w.unplug(evse).after(61).plug(evse).present(f"CARD{evse}", evse)
    w.ask(LimitLocally("clear", 0))
    w.after(300)  # and in the end everybody has his share
    assert (w.limits[1][0], w.limits[2][0]) == (10, 10)
