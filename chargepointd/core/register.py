"""What a meter's register is worth: by it is billed, so what cannot be is not taken for energy.

A register grows, and no faster than the power path can deliver. One that went back, or grew by more, is doubted: its
energy is not known, until it fits again (a flipped digit), or has told `AGREEING` times what fits to each other: then
the meter was exchanged, or set back, and counts anew from there. One that wraps, where it is known at which value,
counts on. What fits after a silence, however long, was counted by the meter and is billed. One that stands still while
the meter itself sees power flow is told of; nothing is billed that it does not show.
"""

from math import inf, isfinite

from chargepointd.core.plan import EvsePlan
from chargepointd.core.values import Fault, Measured

SLACK_WH = 2000.0
"""a register that counts whole kWh may take two steps at once"""
POWER_FACTOR = 2.0
"""a car may take more than it is offered, for a while"""
NOISE_WH, NOISE = 1.0, 2e-7
"""a register in float32 (kWh) may tremble by its last bit"""
AGREEING, AGREEING_S = 3, 2.0
"""readings that fit to each other, and the least time between the first and the last of them"""
DOUBTED_S = 10.0
"""a register that is not known for so long, and for more than that many readings, is a fault, which stops charging"""
STILL_WH = 1500.0
"""so much has flowed, by the meter's own power, and the register has not moved: some count whole kWh"""
DARK_S = 30 * 86_400.0
"""a power cut of which nobody knows how long it was, was no longer"""
LOOK_S = 60.0
"""between readings that are further apart nobody knows what flowed"""


class Register:
    """The register of the meter of one EVSE."""

    def __init__(self, plan: EvsePlan, known_wh: float | None, wrapped_wh: float) -> None:
        watts = max(plan.max_power_w, plan.max_current_a * plan.voltage_v * max(1, plan.phases))
        self._most_w = POWER_FACTOR * watts if plan.connectors else inf
        self._wraps_at_wh = plan.register_wraps_at_wh
        self.known_wh = known_wh
        """the last that fitted"""
        self.wrapped_wh = wrapped_wh
        """what it shows too little, because it has wrapped"""
        self.replaced: tuple[float, float] | None = None
        """by the last reading: what it showed before, and what it begins with now"""
        self.fault: Fault | None = None
        self.still: Fault | None = None
        self._known_at = -inf
        self._last: Measured | None = None
        self._doubted: list[tuple[float, float]] = []
        """when (s, monotonic clock) and what it told that does not fit to what is known, but to each other"""
        self._unknown_since = inf
        self._unknown = 0
        """readings in a row"""
        self._unmoved_wh = 0.0

    def known_since(self, mono: float) -> None:
        """What an earlier process knew was told then (s, monotonic clock), or later."""
        self._known_at = mono

    @property
    def doubtful(self) -> bool:
        return bool(self._doubted)

    def unwrap(self) -> float | None:
        """Nobody is billed any longer by what it showed before it wrapped. What it shows."""
        self.known_wh = None if self.known_wh is None else self.known_wh - self.wrapped_wh
        self.wrapped_wh = 0.0
        return self.known_wh

    def read(self, measured: Measured) -> float | None:
        """What is to be billed by this reading, Wh; None: not known."""
        self.replaced = None
        energy = self._judge(measured.taken_at, _number(measured.energy_import_wh))
        self._look_whether_it_moves(measured, energy)
        self._last = measured
        if energy is not None:
            self.fault, self._unknown_since, self._unknown = None, inf, 0
        else:
            self._unknown_since = min(self._unknown_since, measured.taken_at)
            self._unknown += 1
            if measured.taken_at - self._unknown_since >= DOUBTED_S and self._unknown > AGREEING:
                self.fault = Fault("PowerMeterFailure", "register", self._why(measured))
        return energy

    def _judge(self, at: float, shown: float | None) -> float | None:
        if shown is None:
            self._doubted.clear()
            return None
        known, energy = self.known_wh, shown + self.wrapped_wh
        if known is None or self._fits(energy - known, at - self._known_at, known):
            return self._take(at, energy)
        if self._wraps_at_wh and self._fits(energy + self._wraps_at_wh - known, at - self._known_at, known):
            self.wrapped_wh += self._wraps_at_wh
            return self._take(at, energy + self._wraps_at_wh)
        if self._doubted and not self._fits(shown - self._doubted[-1][1], at - self._doubted[-1][0], shown):
            self._doubted.clear()
        self._doubted.append((at, shown))
        if len(self._doubted) >= AGREEING and at - self._doubted[0][0] >= AGREEING_S:
            self.replaced = (known, shown)
            self.known_wh, self.wrapped_wh = None, 0.0
            return self._take(at, shown)
        return None

    def _take(self, at: float, energy: float) -> float:
        self._doubted.clear()
        self.known_wh = energy if self.known_wh is None else max(energy, self.known_wh)
        self._known_at = at
        return self.known_wh

    def _fits(self, gained_wh: float, seconds: float, known_wh: float) -> bool:
        least = -max(NOISE_WH, NOISE * abs(known_wh))
        return least <= gained_wh <= SLACK_WH + self._most_w * max(0.0, seconds) / 3600

    def _look_whether_it_moves(self, measured: Measured, energy: float | None) -> None:
        last = self._last
        if last is None or self.replaced or (energy is not None and energy != _number(last.energy_import_wh)):
            self._unmoved_wh, self.still = 0.0, None
            return
        seconds = measured.taken_at - last.taken_at
        if energy is not None and 0 < seconds <= LOOK_S:
            self._unmoved_wh += min(_watts(measured), _watts(last)) * seconds / 3600
        if self._unmoved_wh >= STILL_WH and self.still is None:
            info = f"stands still at {energy:.0f} Wh while power flows: what flows is not billed; exchange the meter"
            self.still = Fault("PowerMeterFailure", "register still", info, stops_charging=False)

    def _why(self, measured: Measured) -> str:
        if _number(measured.energy_import_wh) is None:
            return "the meter tells no energy that can be; check or exchange it"
        told = f"{self.known_wh:.0f}, then {measured.energy_import_wh:.0f} Wh"
        return f"the register cannot be right: {told}; check the meter"


def _number(shown: float | None) -> float | None:
    return None if shown is None or not isfinite(shown) or shown < 0 else shown


def _watts(measured: Measured) -> float:
    """What flows to the car, as the meter sees it."""
    if measured.power_w is not None:
        return max(0.0, measured.power_w)
    return sum(
        (amps or 0.0) * (volts or 0.0) for amps, volts in zip(measured.current_a, measured.voltage_v, strict=True)
    )
