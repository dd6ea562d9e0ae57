"""Fixtures for all tests: a CSMS, a station process in either dialect, and the evidence when a test fails."""

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import evidence
from tests.csms import Csms
from tests.daemon.config import ac_station
from tests.daemon.process import Station

# A loaded machine is no reason to fail: no deadlines. In "ci" the examples are always the same, so that runs agree.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


@pytest.fixture(params=["1.6", "2.0.1"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Every test that uses it, or `csms` or `station`, runs in both.

    For one alone: `@pytest.mark.parametrize("dialect", ["1.6"], indirect=True)`.
    """
    return str(request.param)


@pytest.fixture
def csms(dialect: str) -> Iterator[Csms]:
    with Csms(versions=(dialect,)) as made:
        yield made


@pytest.fixture
def station(csms: Csms, dialect: str) -> Iterator[Station]:
    """A station with two simulated EVSEs, started and ready, on its way to the CSMS."""
    with Station(ac_station(csms.url, evses=2, versions=(dialect,))) as made:
        yield made


LONG = frozenset(("power", "soak"))
"""folders whose tests take most of a minute"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first, so that no worker is left alone with one of them at the end."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)
    for item in items:
        if {"csms", "station"} <= set(getattr(item, "fixturenames", ())):
            item.add_marker("process")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    evidence.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += evidence.gathered()
    return report
