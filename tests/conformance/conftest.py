"""The station under test, chosen by a mark:

    @pytest.mark.under_test(ac_socket, variables={"TxCtrlr.TxStartPoint": "Authorized"})

(With `variables` always: a mark that is given one function alone decorates that function.) Without it: the four DC
outlets. `tester` is the station booted and accepted; `csms` and `station` are its parts.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.firmware import Maker
from tests.conformance.stations import PASSWORD, dc_station
from tests.conformance.tester import Tester
from tests.csms import Csms
from tests.daemon.config import Config
from tests.daemon.process import Station
from tests.servers.web import WebServer, web_server


@pytest.fixture
def csms() -> Iterator[Csms]:
    with Csms(versions=("2.0.1",), password=PASSWORD) as made:
        yield made


@pytest.fixture
def config(request: pytest.FixtureRequest, csms: Csms) -> Config:
    """What the mark `under_test` says; a test may change it before it asks for `station`."""
    mark = request.node.get_closest_marker("under_test")
    build = mark.args[0] if mark and mark.args else dc_station
    variables = mark.kwargs.get("variables", {}) if mark else {}
    made: Config = build(csms.url, **variables)
    return made


@pytest.fixture
def station(config: Config) -> Iterator[Station]:
    with Station(config) as made:
        yield made


@pytest.fixture
def tester(csms: Csms, station: Station) -> Tester:
    """Booted: accepted, all connectors Available, nothing queued."""
    made = Tester(csms, station)
    made.booted()
    return made


# -- firmware ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "served"
    made.mkdir()
    return made


@pytest.fixture
def web(folder: Path) -> Iterator[WebServer]:
    with web_server(folder) as server:
        yield server


@pytest.fixture
def maker(tester: Tester, folder: Path) -> Maker:
    return Maker(tester, folder)
