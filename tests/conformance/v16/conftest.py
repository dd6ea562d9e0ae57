"""The station under test, speaking 1.6, chosen by the same mark; `keys` are initial values of configuration keys:

    @pytest.mark.under_test(ac_socket, variables={"TxCtrlr.EVConnectionTimeOut": 1}, keys={"ConnectionTimeOut": "1"})

Without it: the four DC outlets, connectors 1 to 4.
"""

from collections.abc import Iterator

import pytest

from tests.conformance.stations import PASSWORD, dc_station
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
def config(request: pytest.FixtureRequest, csms: Csms) -> Config:
    """What the mark `under_test` says; a test may change it before it asks for `station`."""
    mark = request.node.get_closest_marker("under_test")
    build = mark.args[0] if mark and mark.args else dc_station
    given = mark.kwargs if mark else {}
    made: Config = build(csms.url, **given.get("variables", {}))
    made["csms"]["versions"] = ["1.6"]
    made["ocpp16"] |= given.get("keys", {})
    for key in made["ocpp16"]:
        made["variables"].pop(PACED.get(key), None)
    return made


@pytest.fixture
def tester(csms: Csms, station: Station) -> Tester:
    """Booted: accepted, all connectors Available, nothing queued."""
    made = Tester(csms, station)
    made.booted()
    return made
