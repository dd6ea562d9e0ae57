"""A station that says what it is told, and a CSMS of either dialect."""

from typing import Any

import pytest

from tests.csms import Csms
from tests.csms.fake_station import FakeStation


@pytest.fixture
def dialect() -> str:
    return "2.0.1"


@pytest.fixture
def fake(csms: Csms) -> Any:
    with FakeStation(csms.url) as station:
        yield station


@pytest.fixture
def csms16() -> Any:
    with Csms(versions=("1.6",)) as made:
        yield made


@pytest.fixture
def fake16(csms16: Csms) -> Any:
    with FakeStation(csms16.url, subprotocols=("ocpp1.6",)) as station:
        yield station
