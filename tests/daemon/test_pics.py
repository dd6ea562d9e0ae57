"""The conformance statement says what is so."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from chargepointd.daemon import pics, pics_v16
from tests.conformance.stations import (
    ac_cable,
    ac_socket,
    dc_station,
    dc_with_menu,
    shut_sockets,
    signing,
    with_battery,
    with_bays,
    with_installer,
)
from tests.csms import Csms
from tests.daemon.config import Config
from tests.daemon.process import Station
from tests.daemon.visit import brisk


def answers(config: Config, version: str = "2.0.1") -> dict[str, dict[str, str]]:
    with Station(config) as station:
        return {answer["id"]: answer for answer in station.ctl("pics", version=version)["answers"]}


@pytest.fixture
def url() -> str:
    with Csms() as csms:  # nobody needs to answer
        return csms.url


@pytest.mark.parametrize("rows", [pics.ROWS, pics_v16.ROWS], ids=["2.0.1", "1.6"])
def test_each_question_is_asked_once(rows: Sequence[pics.Row]) -> None:
    ids = [row.id for row in rows]
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


def test_what_cannot_be_charged_with_is_what_a_profile_is_refused_for(url: str) -> None:
    one = ac_socket(url)
    for evse in one["evse"]:
        evse["phases"] = 1
    told = [answers(config)["AQ-4"]["answer"] for config in (dc_station(url), one, ac_socket(url))]
    assert told == ["No", "No", "Yes"]


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
def test_sockets_that_are_shut_until_the_authorization_are_told(url: str, version: str) -> None:
    told = [answers(config, version)["AQ-2"]["answer"] for config in (shut_sockets(url), ac_socket(url))]
    assert told == ["Yes", "No"]


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
def test_the_system_s_network_devices_are_told(url: str, version: str) -> None:
    assert answers(ac_socket(url), version)["HFS-9"]["answer"] == pics.technologies(pics.NETWORK)


def test_a_network_device_is_what_its_driver_says(tmp_path: Path) -> None:
    assert pics.technologies(tmp_path / "none") == ""
    for name, uevent, real in (
        ("lo", "INTERFACE=lo\n", False),
        ("br0", "DEVTYPE=bridge\nINTERFACE=br0\n", False),
        ("end0", "INTERFACE=end0\nIFINDEX=2\n", True),
        ("wwan0", "DEVTYPE=wwan\nINTERFACE=wwan0\n", True),
        ("wlan0", "DEVTYPE=wlan\nINTERFACE=wlan0\n", True),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "uevent").write_text(uevent, encoding="utf-8")
        if real:
            (tmp_path / name / "device").mkdir()
    assert pics.technologies(tmp_path) == "Ethernet,Mobile network,Wi-Fi"


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


def test_smart_charging_can_be_left_out_or_be_in_one_unit(url: str) -> None:
    rows = ("profile-SC", "SC-2.1", "SC-2.2")
    plain, without = answers(ac_socket(url)), answers(ac_socket(url, **{"SmartChargingCtrlr.Available": False}))
    assert [plain[id_]["answer"] for id_ in rows] == ["Yes", "Yes", "Yes"]
    assert without["profile-SC"]["answer"] == "No"
    in_amps = answers(ac_socket(url, **{"SmartChargingCtrlr.RateUnit": "A"}))
    assert [in_amps[id_]["answer"] for id_ in rows] == ["Yes", "Yes", "No"]


def test_a_yes_names_a_variable_that_is_there(url: str) -> None:
    """What is answered Yes by a variable can be asked for under that name."""
    with Station(ac_socket(url)) as station:
        for answer in station.ctl("pics")["answers"]:
            name, _, _ = answer["by"].partition("=")
            if answer["answer"] == "Yes" and "Ctrlr." in name:
                got = station.ctl("get", variables=[name])["variables"][0]
                assert got.get("status", "Accepted") != "UnknownVariable", answer


# -- OCPP 1.6 ----------------------------------------------------------------------------------------------------------

PROFILES = ("Core", "FM", "LAL", "SC", "R", "RT")


def test_1_6_a_station_that_has_all_hardware_has_all_profiles_and_features(url: str) -> None:
    told = answers(with_battery(with_installer(ac_socket))(url), "1.6")
    having = [f"profile-{each}" for each in PROFILES] + ["ext-Security", *(f"SEC-{n}" for n in (1, 2, 3))]
    having += [id_ for id_ in told if id_.startswith("C-0") and not id_.startswith("C-09")]
    assert {id_: told[id_]["answer"] for id_ in having} == dict.fromkeys(having, "Yes")
    assert len(having) == 19
    measurands = told["C-09.1"]["answer"].split(",")
    assert {"Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage"} <= {*measurands}
    assert told["C-09.2"]["answer"].split(",") == measurands


def test_1_6_what_is_not_there_is_not_claimed(url: str) -> None:
    variables = {"LocalAuthListCtrlr.Available": False, "ReservationCtrlr.Available": False}
    config = dc_station(url, **variables)
    config["csms"] |= {"security_profile": 2, "url": url.replace("ws:", "wss:")}
    del config["reader"]
    told = answers(config, "1.6")
    without = ("profile-LAL", "profile-R", "SEC-1", "C-07", "C-08", "AQ-1", "AQ-2", "AQ-3", "AQ-7.1", "HFS-1", "HFS-3")
    assert {id_: told[id_]["answer"] for id_ in without} == dict.fromkeys(without, "No")
    having = ("profile-Core", "SEC-2", "SEC-3", "AQ-7.2", "HFS-2", "HFS-4")
    assert {id_: told[id_]["answer"] for id_ in having} == dict.fromkeys(having, "Yes")


def test_1_6_hardware_and_limits(url: str) -> None:
    told = answers(ac_cable(url, evses=3), "1.6")
    said = {
        id_: told[id_]["answer"] for id_ in ("HFS-2", "HFS-5", "HFS-7", "HFS-8", "HFS-10", "ORS-1", "ORS-4", "ORS-6")
    }
    assert said == {
        "HFS-2": "Yes", "HFS-5": "No", "HFS-7": "Yes", "HFS-8": "3", "HFS-10": "1", "ORS-1": "1000", "ORS-4": "0",
        "ORS-6": "1",
    }  # fmt: skip
    assert [told[id_]["answer"] for id_ in ("ORS-5", "ORS-7", "ORS-11")] == ["86400", "86400", "60"]


@pytest.mark.parametrize("spoken", ["1.6", "2.0.1"])
def test_without_a_version_it_is_that_in_use_else_the_first_of_the_configuration(spoken: str) -> None:
    with Csms(versions=(spoken,)) as csms:
        config = brisk(csms.url, "2.0.1")
        config["csms"]["versions"] = ["2.0.1", "1.6"]
        csms.offline()
        with Station(config) as station:
            assert station.ctl("pics")["version"] == "2.0.1"
            csms.online()
            csms.wait("BootNotification")
            assert station.ctl("pics")["version"] == spoken


def test_what_can_be_reserved_follows_from_the_variables(url: str) -> None:
    rows = ("R-0", "R-1", "R-2", "R-3")
    all_of_it = answers(dc_station(url))
    by_name = answers(dc_station(url, **{"ReservationCtrlr.NonEvseSpecific": "false"}))
    nothing = answers(dc_station(url, **{"ReservationCtrlr.Available": "false"}))
    assert [all_of_it[id_]["answer"] for id_ in rows] == ["Yes", "Yes", "Yes", "Yes"]
    assert [by_name[id_]["answer"] for id_ in rows] == ["Yes", "No", "No", "Yes"]
    assert [nothing[id_]["answer"] for id_ in rows] == ["No", "No", "No", "No"]
