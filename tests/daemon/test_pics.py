"""The conformance statement says what is so."""

import pytest

from chargepointd.daemon.pics import ROWS
from tests.conformance.stations import ac_socket, dc_station
from tests.csms import Csms
from tests.daemon.config import Config
from tests.daemon.process import Station


def answers(config: Config) -> dict[str, dict[str, str]]:
    with Station(config) as station:
        return {answer["id"]: answer for answer in station.ctl("pics")["answers"]}


@pytest.fixture
def url() -> str:
    with Csms() as csms:  # nobody needs to answer
        return csms.url


def test_each_question_is_asked_once() -> None:
    ids = [row.id for row in ROWS]
    assert len(set(ids)) == len(ids)


def test_the_hardware_decides(url: str) -> None:
    dc, ac = answers(dc_station(url)), answers(ac_socket(url, evses=2))
    assert [dc[id_]["answer"] for id_ in ("HFS-1", "HFS-2", "HFS-3", "HFS-4", "HFS-8")] == [
        "No",
        "Yes",
        "No",
        "Yes",
        "4",
    ]
    assert [ac[id_]["answer"] for id_ in ("HFS-1", "HFS-2", "HFS-3", "HFS-4", "HFS-8")] == [
        "Yes",
        "No",
        "Yes",
        "No",
        "2",
    ]
    assert dc["C-12.1"]["answer"] == "No", "a fixed cable is never let go"
    assert ac["C-12.1"]["answer"] == "Yes"


def test_a_yes_names_a_variable_that_is_there(url: str) -> None:
    """What is answered Yes by a variable can be asked for under that name."""
    with Station(ac_socket(url)) as station:
        for answer in station.ctl("pics")["answers"]:
            name, _, _ = answer["by"].partition("=")
            if answer["answer"] == "Yes" and "Ctrlr." in name:
                got = station.ctl("get", variables=[name])["variables"][0]
                assert got.get("status", "Accepted") != "UnknownVariable", answer
