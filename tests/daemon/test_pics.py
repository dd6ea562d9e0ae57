"""The conformance statement says what is so."""

import pytest

from chargepointd.daemon.pics import ROWS
from tests.conformance.stations import ac_socket, dc_station, dc_with_menu, signing, with_bays, with_installer
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


def test_a_station_that_has_all_hardware_has_all_features(url: str) -> None:
    """Between the two of them: a fixed cable cannot be let go, and a station either has a menu or it has none."""
    dc = answers(with_installer(signing(with_bays(dc_with_menu)), during_transactions=True)(url))
    ac = answers(with_installer(with_bays(ac_socket))(url))
    core = [id_ for id_ in dc if id_.startswith(("C-", "AS-", "profile-Core", "profile-AS"))]
    no = {id_ for id_ in core if {dc[id_]["answer"], ac[id_]["answer"]} <= {"No", ""}}
    assert not no
    assert {id_ for id_ in core if dc[id_]["answer"] == "No"} == {"C-08", "C-12.1"}


def test_what_is_not_there_is_not_claimed(url: str) -> None:
    plain = answers(ac_socket(url))
    without = ("C-07", "C-09.3", "C-09.6", "C-10.5", "C-15", "C-34", "C-42", "C-43", "C-60", "profile-Core")
    assert {id_: plain[id_]["answer"] for id_ in without} == dict.fromkeys(without, "No")


def test_the_local_list_can_be_left_out(url: str) -> None:
    lists = ("LA-0", "LA-1", "LA-3")
    plain = answers(ac_socket(url))
    assert {id_: plain[id_]["answer"] for id_ in lists} == dict.fromkeys(lists, "Yes")
    without = answers(ac_socket(url, **{"LocalAuthListCtrlr.Available": False}))
    assert {id_: without[id_]["answer"] for id_ in lists} == dict.fromkeys(lists, "No")


def test_a_yes_names_a_variable_that_is_there(url: str) -> None:
    """What is answered Yes by a variable can be asked for under that name."""
    with Station(ac_socket(url)) as station:
        for answer in station.ctl("pics")["answers"]:
            name, _, _ = answer["by"].partition("=")
            if answer["answer"] == "Yes" and "Ctrlr." in name:
                got = station.ctl("get", variables=[name])["variables"][0]
                assert got.get("status", "Accepted") != "UnknownVariable", answer
