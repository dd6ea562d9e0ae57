"""A figure, what it must be, and the table of all."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6}


class Must(NamedTuple):
    """What a figure must be: `of` times the floor, or a number in its unit."""

    most: float | None = None
    least: float | None = None
    floor: bool = False
    """the number is a multiple of the floor"""

    def met(self, value: float, floor: float | None) -> bool:
        if self.floor and not floor:
            return True
        value = value / floor if self.floor and floor else value
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def __str__(self) -> str:
        sign, number = ("≤", self.most) if self.most is not None else ("≥", self.least)
        return f"{sign} {number:,.5g}{' × floor' if self.floor else ''}"


class Figure(NamedTuple):
    phase: str
    name: str
    unit: str
    values: tuple[float, ...]
    floor: tuple[float, ...] = ()
    must: Must | None = None

    @property
    def value(self) -> float:
        return median(self.values)

    @property
    def floor_value(self) -> float | None:
        return median(self.floor) if self.floor else None

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor_value if self.floor_value else None

    @property
    def missed(self) -> bool:
        return self.must is not None and not self.must.met(self.value, self.floor_value)

    def as_json(self) -> dict[str, Any]:
        return {
            "phase": self.phase,
            "name": self.name,
            "unit": self.unit,
            "median": self.value,
            "values": self.values,
            "floor_median": self.floor_value,
            "floor": self.floor,
            "ratio": self.ratio,
            "must": str(self.must) if self.must else None,
            "missed": self.missed,
        }


def figure(
    phase: str, name: str, unit: str, values: Sequence[float], floor: Sequence[float] = (), must: Must | None = None
) -> Figure:
    """Times come in seconds, and are shown in the unit."""
    scale = UNITS.get(unit, 1.0)
    return Figure(phase, name, unit, tuple(v * scale for v in values), tuple(v * scale for v in floor), must)


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def table(figures: Iterable[Figure]) -> str:
    rows: list[tuple[str, ...]] = [("", "figure", "unit", "median", "min..max", "floor", "ratio", "must", "")]
    phase = ""
    for each in figures:
        rows.append((each.phase if each.phase != phase else "", *_row(each)))
        phase = each.phase
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(_aligned, range(len(row)), row, widths)).rstrip() for row in rows)


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        figure.unit,
        _number(figure.value),
        f"{_number(min(figure.values))}..{_number(max(figure.values))}" if len(figure.values) > 1 else "",
        _number(figure.floor_value) if figure.floor_value is not None else "",
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        str(figure.must or ""),
        "MISSED" if figure.missed else "",
    )


def _aligned(column: int, text: str, width: int) -> str:
    return text.rjust(width) if column in (3, 4, 5, 6) else text.ljust(width)


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
