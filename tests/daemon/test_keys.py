"""The configuration keys of 1.6 and the variables of 2.0.1 are one: what is set in one is read in the other, after a
change of version on the same state directory."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.csms import Csms
from tests.daemon.config import Config, ac_station
from tests.daemon.keys import ABOUT_PHASES, OTHERWISE, PRICES, READ_ONLY, READ_WRITE
from tests.daemon.process import Station

PASSWORD = "sixteen-letters-1"


@pytest.fixture
def csms() -> Iterator[Csms]:
    with Csms(versions=("1.6",), password=PASSWORD) as made:
        made.desk.boot_interval_s = 0  # else each boot sets the HeartbeatInterval
        yield made


@pytest.fixture
def config(csms: Csms) -> Config:
    """With whatever a key is about."""
    config = ac_station(csms.url, versions=("1.6", "2.0.1"), security_profile=1, password=PASSWORD)
    return config | {"indicator": [{"device": "sim.indicator"}]}


@pytest.fixture
def station(config: Config, csms: Csms) -> Iterator[Station]:
    with Station(config) as made:
        csms.wait_status("Available", 1)
        yield made


def change_version(station: Station, csms: Csms, version: str) -> None:
    station.terminate()
    csms.speak(version)
    csms.forget()
    station.start()
    station.wait_ready()
    csms.wait_status("Available", 1)


def configure(csms: Csms, key: str, value: str) -> str:
    return str(csms.call("ChangeConfiguration", {"key": key, "value": value})["status"])


def configuration(csms: Csms) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in csms.call("GetConfiguration")["configurationKey"]}


def named(variable: str) -> dict[str, Any]:
    component, _, name = variable.partition(".")
    name, _, instance = name.rstrip("]").partition("[")
    more = {"instance": instance} if instance else {}
    return {"component": {"name": component}, "variable": {"name": name} | more}


def values(csms: Csms, variables: list[str]) -> list[str]:
    asked = {"getVariableData": [named(each) for each in variables]}
    return [row["attributeValue"] for row in csms.call("GetVariables", asked)["getVariableResult"]]


def test_each_key_is_there_with_its_access(station: Station, csms: Csms) -> None:
    access = {key: row["readonly"] for key, row in configuration(csms).items()}
    read_write = [line.key for line in READ_WRITE] + [*PRICES, *OTHERWISE]
    access = {key: read_only for key, read_only in access.items() if key not in ABOUT_PHASES}
    assert access == dict.fromkeys(read_write, False) | dict.fromkeys(READ_ONLY, True)
    for key in READ_ONLY:
        assert configure(csms, key, "1") == "Rejected", key


def test_a_value_that_is_none_is_rejected_and_changes_nothing(station: Station, csms: Csms) -> None:
    before = configuration(csms)
    for line in READ_WRITE:
        assert configure(csms, line.key, line.bad) == "Rejected", line
    for key in (*PRICES, *OTHERWISE):
        assert configure(csms, key, "[]" if key in PRICES else "9") == "Rejected", key
    assert configuration(csms) == before


def test_what_1_6_sets_2_0_1_reads_and_the_other_way_round(station: Station, csms: Csms) -> None:
    for line in READ_WRITE:
        assert configure(csms, line.key, line.first) == "Accepted", line
    price = {"priceText": "0.39 per kWh", "priceTextOffline": "see the sticker"}
    for key in PRICES:
        assert configure(csms, key, json.dumps(price)) == "Accepted", key
    there = configuration(csms)
    first = {line.key: line.first for line in READ_WRITE}
    assert {key: there[key].get("value") for key in first} == first

    change_version(station, csms, "2.0.1")
    told = values(csms, [line.variable for line in READ_WRITE])
    assert dict(zip(first, told, strict=True)) == first
    assert (
        values(csms, ["TariffCostCtrlr.TariffFallbackMessage", "TariffCostCtrlr.TariffFallbackMessage[de]"])
        == [price["priceText"]] * 2
    )
    both = [line for line in READ_WRITE if line.key != "MessageTimeout"]  # read-only in 2.0.1
    for line in both:
        data = [named(line.variable) | {"attributeValue": line.second}]
        [result] = csms.call("SetVariables", {"setVariableData": data})["setVariableResult"]
        assert result["attributeStatus"] == "Accepted", (line, result)

    change_version(station, csms, "1.6")
    there = configuration(csms)
    assert {line.key: there[line.key].get("value") for line in both} == {line.key: line.second for line in both}
    assert there["MessageTimeout"]["value"] == "20"
    assert json.loads(there["DefaultPrice"]["value"]).items() >= price.items()
