"""The lamp of a station, as a driver sees it and as the CSMS of either version sets it."""

from typing import Any

import pytest

from tests.csms import Csms
from tests.daemon.config import ac_station
from tests.daemon.process import Station
from tests.daemon.test_keys import named
from tests.daemon.visit import until

pytestmark = pytest.mark.process


def set_to(csms: Csms, dialect: str, key: str, value: str) -> None:
    if dialect == "1.6":
        assert csms.call("ChangeConfiguration", {"key": key, "value": value}) == {"status": "Accepted"}
    else:
        data = [named(f"ChargingStatusIndicator.{key}") | {"attributeValue": value}]
        [result] = csms.call("SetVariables", {"setVariableData": data})["setVariableResult"]
        assert result["attributeStatus"] == "Accepted", result


def test_a_visit_in_colours(csms: Csms, dialect: str) -> None:
    config = ac_station(csms.url, versions=[dialect]) | {"indicator": [{"device": "sim.indicator", "evses": [1]}]}
    with Station(config) as station:

        def shows(**lamp: Any) -> None:
            until(lambda: lamp.items() <= station.ctl("sim.state").items(), f"lamp {lamp}")

        csms.wait_status("Available", 1)
        shows(indicator="green, 100 %", signal="")
        set_to(csms, dialect, "LightIntensity", "40")
        shows(indicator="green, 40 %")
        set_to(csms, dialect, "BlinkRepeat", "5")
        station.ctl("sim.plug_in", evse=1)
        shows(indicator="yellow, blinking, 40 %", signal="")
        station.ctl("sim.swipe", token="04A2B3C4D5E680")
        shows(indicator="blue, blinking, 40 %", signal="green, 5 times, 40 %")
        station.ctl("sim.raise_error", evse=1, error="ground_fault")
        shows(indicator="red, blinking, 40 %")
