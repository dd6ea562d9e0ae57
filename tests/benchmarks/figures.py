"""A figure, what it must be, and the table of all."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6}


class Must(NamedTuple):
    """What a figure must be: `most` or `least`, and what would be better still."""

    most: float | None = None
    least: float | None = None
    floor: bool = False
    """the numbers are multiples of the floor, else in the unit of the figure"""
    stretch: float | None = None

    def verdict(self, value: float, floor: float | None) -> str:
        if self.floor and not floor:
            return ""
        value = value / floor if self.floor and floor else value
        bound, sign = (self.most, 1) if self.most is not None else (self.least, -1)
        assert bound is not None
        if sign * value > sign * bound:
            return "MISSED"
        return "met" if self.stretch is None or sign * value > sign * self.stretch else "stretch"

    def __str__(self) -> str:
        return self._bound(self.most if self.most is not None else self.least)

    @property
    def better(self) -> str:
        return "" if self.stretch is None else self._bound(self.stretch)

    def _bound(self, number: float | None) -> str:
        return f"{'≤' if self.most is not None else '≥'} {number:,.5g}{' × floor' if self.floor else ''}"


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
    def verdict(self) -> str:
        """MISSED, met or stretch; empty where nothing is asked."""
        return self.must.verdict(self.value, self.floor_value) if self.must else ""

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
            "stretch": self.must.better if self.must else None,
            "verdict": self.verdict,
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
    rows: list[tuple[str, ...]] = [
        ("", "figure", "unit", "median", "min..max", "floor", "ratio", "must", "stretch", "")
    ]
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
        figure.must.better if figure.must else "",
        figure.verdict,
    )


def _aligned(column: int, text: str, width: int) -> str:
    return text.rjust(width) if column in (3, 4, 5, 6) else text.ljust(width)


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
