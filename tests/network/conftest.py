"""Stations of this directory ping each second and reconnect at once."""

from collections.abc import Iterator

import pytest

from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import brisk
from tests.network.relay import Relay

PING = {"OCPPCommCtrlr.WebSocketPingInterval": 1}


@pytest.fixture
def relay(csms: Csms) -> Iterator[Relay]:
    with Relay(csms.listener.port) as made:
        yield made


@pytest.fixture
def station(relay: Relay, dialect: str) -> Iterator[Station]:
    with Station(brisk(relay.url, dialect, **PING)) as made:
        yield made
