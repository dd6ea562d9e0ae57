"""What a building leaves to the station, by the meter at its connection to the grid."""

from collections import deque
from collections.abc import Mapping
from math import floor
from typing import TYPE_CHECKING

from chargepointd.core.charging.limits import GRID_V

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chargepointd.core.evse import Evse
    from chargepointd.core.plan import SitePlan
    from chargepointd.core.values import Measured

RAISE_S = 30.0
"""what the building leaves must last so long before it is given to cars"""
OLD_S = 3.0
"""a reading of an EVSE this old says nothing of what it draws now: then all is taken to be the building's"""
_Amps = tuple[float, float, float]
NONE: _Amps = (0.0, 0.0, 0.0)


class Site:
    """The building draws what its meter tells, less what the EVSEs' meters tell. No two meters are read at the same
    moment, and a car that begins or ends in between must not be taken for the building. So what is left is reckoned
    twice, with the most and with the least of the last two readings of each EVSE. The station is to take less when the
    first is too little in two readings of the building's meter, and may take more when the second was enough for
    `RAISE_S`.
    """

    def __init__(self, plan: "SitePlan", evses: "Mapping[int, Evse]") -> None:
        self._plan = plan
        self._evses = evses
        self._seen: dict[int, deque[Measured]] = {evse_id: deque(maxlen=2) for evse_id in evses}
        self._read_at: float | None = None
        """None: the meter is silent"""
        self._leaves = 0.0
        self._most: deque[float] = deque(maxlen=2)
        self._least: deque[tuple[float, float]] = deque()

    def look(self) -> None:
        """At what the EVSEs' meters have told."""
        for evse_id, seen in self._seen.items():
            measured = self._evses[evse_id].measured
            if measured is not None and (not seen or seen[-1] is not measured):
                seen.append(measured)

    def read(self, measured: "Measured | None") -> None:
        drawn = _by_phase(measured, 3, GRID_V) if measured else None
        if measured is None or drawn is None:
            self._read_at = None
            return
        first, self._read_at = self._read_at is None, measured.taken_at
        if first:
            self._most.clear()
            self._least.clear()
        self._most.append(self._left(drawn, measured.taken_at, max))
        self._least.append((measured.taken_at, self._left(drawn, measured.taken_at, min)))
        while len(self._least) > 1 and self._least[1][0] <= measured.taken_at - RAISE_S:
            self._least.popleft()
        lasting = min(amps for _, amps in self._least)
        long_enough = self._least[0][0] <= measured.taken_at - RAISE_S
        if first:
            self._leaves = lasting
        self._leaves = min(self._leaves, max(self._most))
        if long_enough and lasting > self._leaves:
            self._leaves = lasting

    def leaves(self, mono: float, silent_s: float) -> float:
        """A per phase; what is safe, while the meter is silent."""
        if self._read_at is None or mono >= self._read_at + silent_s:
            self._read_at = None
            return self._plan.safe_current_a
        return self._leaves

    def silent_at(self, silent_s: float) -> float:
        return float("inf") if self._read_at is None else self._read_at + silent_s

    def _left(self, drawn: _Amps, at: float, of_two: "Callable[[Iterable[float]], float]") -> float:
        own = [sum(amps) for amps in zip(NONE, *(self._own(n, at, of_two) for n in self._evses), strict=True)]
        building = max(total - ours for total, ours in zip(drawn, own, strict=True))
        return float(floor(min(max(self._plan.max_current_a - building, 0.0), self._plan.max_current_a) + 1e-6))

    def _own(self, evse_id: int, at: float, of_two: "Callable[[Iterable[float]], float]") -> _Amps:
        """A by phase that an EVSE draws."""
        seen, evse = self._seen[evse_id], self._evses[evse_id]
        if len(seen) < 2 or seen[-1].taken_at < at - OLD_S:
            return NONE
        phases = evse.plan.phases or 3
        volts = evse.plan.voltage_v if evse.plan.phases else GRID_V
        both = [_by_phase(measured, phases, volts, ac=bool(evse.plan.phases)) or NONE for measured in seen]
        return tuple(of_two(amps) for amps in zip(*both, strict=True))  # type: ignore[return-value]


def _by_phase(measured: "Measured", phases: int, volts: float, *, ac: bool = True) -> _Amps | None:
    if ac and any(amps is not None for amps in measured.current_a):
        return tuple(amps or 0.0 for amps in measured.current_a)  # type: ignore[return-value]
    if measured.power_w is None:
        return None
    amps = max(0.0, measured.power_w) / (phases * volts)
    return (amps, amps, amps) if phases == 3 else (amps, 0.0, 0.0)
