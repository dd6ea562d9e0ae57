"""The benchmarks work: every phase gives its figures. No time is held against anything."""

import asyncio
from math import isfinite
from pathlib import Path

import pytest

from tests.benchmarks import charging
from tests.benchmarks.__main__ import PHASES, run
from tests.benchmarks.bench import TINY
from tests.benchmarks.figures import table

pytestmark = pytest.mark.process


@pytest.mark.parametrize("ocpp", ["1.6", "2.0.1"])
def test_every_phase_gives_its_figures(ocpp: str, tmp_path: Path) -> None:
    figures = asyncio.run(run(ocpp, TINY, tmp_path, None, list(PHASES)))
    assert {figure.phase for figure in figures} == {
        "start",
        "memory",
        "idle",
        "latency",
        "rate",
        "durable",
        "drain",
        "hostile",
    }
    assert all(isfinite(value) for figure in figures for value in figure.values)
    nothing_lost = [figure.value for figure in figures if figure.name.startswith("messages of those queued")]
    assert nothing_lost == [1, 1]
    assert len(table(figures).splitlines()) == len(figures) + 1


def test_what_composite_schedules_cost_is_measured() -> None:
    assert all(isfinite(figure.value) for figure in charging.measure(rounds=1, count=3))
