"""The key figures can be measured. No time is held against anything here: a loaded machine is no fault."""

import pytest

from tests.conformance import figures

pytestmark = pytest.mark.process


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_each_key_figure_is_measured(version: str) -> None:
    measured = figures.measure(version, rounds=1)
    assert [len(figure.values) for figure in measured] == [len(figures.QUESTIONS), len(figures.TRIGGERS), 4, 4]
    assert all(value > 0 for figure in measured for value in figure.values)
    assert len(figures.table(measured).splitlines()) == 5
