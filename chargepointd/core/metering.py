"""From a meter's reading to the samples of a message (J01, J02; 1.6 §3.16): which measurands, when."""

import math
from collections.abc import Iterable

from chargepointd.core.plan import EvsePlan
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Measured, MeterValue, Sample

FRESH_S = 2.0
"""a reading this old still counts as "now" while the power path is closed"""

_PHASES = ("L1", "L2", "L3")
_PHASES_N = ("L1-N", "L2-N", "L3-N")

Single = tuple[str, str, int]

_TOTALS = {
    "Energy.Active.Import.Register": ("energy_import_wh", "Wh"),
    "Energy.Active.Export.Register": ("energy_export_wh", "Wh"),
    "Frequency": ("frequency_hz", "Hz"),
    "Power.Factor": ("power_factor", ""),
    "Temperature": ("temperature_c", "Celsius"),
    "SoC": ("soc_percent", "Percent"),
}
_OFFERED = ("Current.Offered", "Power.Offered")
MEASURANDS = (*_TOTALS, *_OFFERED, "Power.Active.Import", "Power.Active.Export", "Current.Import", "Voltage")
"""what a station can measure at all; its meters may know less"""


_FIELDS = {name: field for name, (field, _) in _TOTALS.items()} | {
    "Power.Active.Import": "power_w",
    "Power.Active.Export": "power_w",
    "Current.Import": "current_a",
    "Voltage": "voltage_v",
}
UNSIGNED = frozenset((*_OFFERED, "SoC"))
"""what no meter vouches for"""


class Offer(NamedTuple):
    """What the vehicle is allowed at this moment; 0 while the power path is to be open."""

    amps: float
    """per phase (AC) or at the output (DC)"""
    watts: float


def measurands(evses: Iterable[EvsePlan]) -> tuple[str, ...]:
    """What the meters of these EVSEs can tell, and the vehicles at them."""
    known = {name for evse in evses for name in MEASURANDS if _known(evse, name)}
    return tuple(name for name in MEASURANDS if name in known)


def _known(evse: EvsePlan, measurand: str) -> bool:
    if measurand == "SoC":
        return evse.meter and evse.supply == "DC"
    measures = evse.measures
    return evse.meter and (measurand in _OFFERED or measures is None or _FIELDS[measurand] in measures)


def meter_value(
    measured: Measured, offer: Offer | None, measurands: Iterable[str], context: str, at: float
) -> MeterValue | None:
    """The samples of the measurands that the meter knows; None when it knows none. A measurand that is not known is
    left out, never sent as 0."""
    samples = tuple(sample for name in measurands for sample in _samples(measured, offer, name))
    return MeterValue(at, context, samples) if samples else None


def _samples(measured: Measured, offer: Offer | None, measurand: str) -> list[Sample]:
    if measurand in _TOTALS:
        field, unit = _TOTALS[measurand]
        value = getattr(measured, field)
        location = "EV" if measurand == "SoC" else "Outlet"
        return [] if value is None else [Sample(measurand, value, unit, None, location)]
    if measurand in ("Power.Active.Import", "Power.Active.Export"):
        return _power(measured, measurand)
    if measurand in _OFFERED:
        if offer is None:
            return []
        amps = measurand == "Current.Offered"
        return [Sample(measurand, offer.amps if amps else offer.watts, "A" if amps else "W")]
    if measurand == "Current.Import":
        return _by_phase(measurand, measured.current_a, "A", _PHASES)
    if measurand == "Voltage":
        return _by_phase(measurand, measured.voltage_v, "V", _PHASES_N)
    return []


def _power(measured: Measured, measurand: str) -> list[Sample]:
    """A negative reading is export: it counts as 0 import, and the other way round."""
    if measured.power_w is None:
        return []
    sign = 1.0 if measurand == "Power.Active.Import" else -1.0
    phases = [(n, w) for n, w in zip(_PHASES, measured.power_phases_w, strict=True) if w is not None]
    by_phase = phases if len(phases) > 1 else []
    return [Sample(measurand, max(0.0, sign * w), "W", name) for name, w in [(None, measured.power_w), *by_phase]]


def _by_phase(measurand: str, values: Iterable[float | None], unit: str, names: tuple[str, ...]) -> list[Sample]:
    known = [(name, value) for name, value in zip(names, values, strict=False) if value is not None]
    if len(known) == 1:  # a DC meter, or one phase
        return [Sample(measurand, known[0][1], unit)]
    return [Sample(measurand, value, unit, name) for name, value in known]


def thinned(values: tuple[MeterValue, ...], largest: int) -> tuple[MeterValue, ...]:
    """At most so many: every second one in the middle goes, the first and the last stay (E06.FR.13, J02.FR.20)."""
    while len(values) > largest:
        values = values[:-1][::2] + values[-1:]
    return values


def next_aligned(utc: float, interval_s: int) -> float:
    """The next multiple of the interval counted from midnight UTC, after `utc` (s since 1970). An interval that does
    not divide the day starts anew at midnight."""
    midnight = utc - utc % 86_400
    due = midnight + (math.floor((utc - midnight) / interval_s) + 1) * interval_s
    return min(due, midnight + 86_400)


def next_periodic(since: float, mono: float, interval_s: int) -> float:
    """The next `since + n * interval` after `mono`."""
    return since + (math.floor((mono - since) / interval_s) + 1) * interval_s
