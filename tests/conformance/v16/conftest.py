"""The station under test, speaking 1.6, chosen by the same mark; `keys` are initial values of configuration keys:

    @pytest.mark.under_test(ac_socket, variables={"TxCtrlr.EVConnectionTimeOut": 1}, keys={"ConnectionTimeOut": "1"})

Without it: the four DC outlets, connectors 1 to 4.
"""

from collections.abc import Iterator

import pytest

from tests.conformance.stations import PASSWORD
from tests.conformance.v16.tester import Tester
from tests.csms import Csms
from tests.daemon.config import Config
from tests.daemon.process import Station

PACED = {
    "ConnectionTimeOut": "TxCtrlr.EVConnectionTimeOut",
    "MeterValueSampleInterval": "SampledDataCtrlr.TxUpdatedInterval",
}
"""keys whose variables all stations of the tests set"""


@pytest.fixture
def csms() -> Iterator[Csms]:
    with Csms(versions=("1.6",), password=PASSWORD) as made:
        yield made


@pytest.fixture
def config(request: pytest.FixtureRequest, config: Config) -> Config:
    """As for all cases, but for the version and the keys."""
    mark = request.node.get_closest_marker("under_test")
    config["csms"]["versions"] = ["1.6"]
    config["ocpp16"] |= mark.kwargs.get("keys", {}) if mark else {}
    for key in config["ocpp16"]:
        config["variables"].pop(PACED.get(key), None)
    return config


@pytest.fixture
def tester(csms: Csms, station: Station) -> Tester:
    """Booted: accepted, all connectors Available, nothing queued."""
    made = Tester(csms, station)
    made.booted()
    return made
