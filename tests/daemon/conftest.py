"""The stations of this directory lose no time: a sample every second, an eager car."""

from collections.abc import Iterator

import pytest

from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import Desk, brisk


@pytest.fixture
def station(csms: Csms, dialect: str) -> Iterator[Station]:
    with Station(brisk(csms.url, dialect, evses=2)) as made:
        yield made


@pytest.fixture
def desk(csms: Csms) -> Desk:
    return Desk(csms)
