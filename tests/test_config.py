"""Every complaint about a configuration names file, key and remedy; all of them at once."""

from pathlib import Path

import pytest

from chargepointd.config import BadConfig, load, remarks
from chargepointd.core.plan import LimitPlan, SitePlan
from chargepointd.hardware.bindings import plan
from tests.daemon import toml
from tests.daemon.config import Config, ac_station


@pytest.fixture
def good() -> Config:
    return ac_station("ws://127.0.0.1:9000/ocpp", evses=2)


def complaint(tmp_path: Path, config: Config | str) -> str:
    file = tmp_path / "station.toml"
    file.write_text(config if isinstance(config, str) else toml.dumps(config))
    with pytest.raises(BadConfig) as error:
        load(file)
    text = str(error.value)
    assert all(line.startswith(str(tmp_path)) for line in text.splitlines()), text
    return text


def test_a_good_one_is_read(tmp_path: Path, good: Config) -> None:
    (tmp_path / "station.toml").write_text(toml.dumps(good))
    config = load(tmp_path / "station.toml")
    assert [evse.meter for evse in config.evse] == ["sim.meter1", "sim.meter2"]
    assert config.drivers[0].driver.name == "simulator"


def test_an_unknown_key_is_named_with_the_one_that_was_meant(tmp_path: Path, good: Config) -> None:
    good["station"]["modell"] = "X"
    assert 'station.modell: unknown key; did you mean "model"?' in complaint(tmp_path, good)


def test_a_wrong_type_is_named_with_what_was_expected(tmp_path: Path, good: Config) -> None:
    good["csms"]["url"] = 7
    assert "csms.url: expected a text, got 7" in complaint(tmp_path, good)


def test_a_missing_section_is_named(tmp_path: Path, good: Config) -> None:
    del good["csms"]
    assert "csms: missing" in complaint(tmp_path, good)


def test_all_complaints_come_at_once(tmp_path: Path, good: Config) -> None:
    good["station"]["modell"] = "X"
    good["log"]["level"] = "loud"
    text = complaint(tmp_path, good)
    assert "station.modell" in text
    assert 'log.level: expected "debug" or "info" or "warning" or "error", got "loud"' in text


def test_a_device_of_no_driver_is_named_with_the_drivers_there_are(tmp_path: Path, good: Config) -> None:
    good["evse"][0]["meter"] = "meter1.meter"
    assert "evse[0].meter: no section [drivers.meter1]; known: sim" in complaint(tmp_path, good)


def test_a_device_without_a_driver_is_told_how_to_be_written(tmp_path: Path, good: Config) -> None:
    good["evse"][1]["contactor"] = "contactor2"
    assert 'evse[1].contactor: expected DRIVER.DEVICE such as "sim.meter1"' in complaint(tmp_path, good)


def test_a_driver_nobody_installed_is_named_with_those_there_are(tmp_path: Path, good: Config) -> None:
    good["drivers"]["sim"]["driver"] = "simulater"
    text = complaint(tmp_path, good)
    assert 'drivers.sim.driver: no driver "simulater" is installed; known:' in text
    assert "modbus-meter" in text


def test_a_wrong_key_of_a_driver_is_named(tmp_path: Path, good: Config) -> None:
    good["drivers"]["sim"]["evse"] = 2
    assert 'drivers.sim.evse: unknown key; did you mean "evses"?' in complaint(tmp_path, good)


def test_evses_count_from_1_each_once(tmp_path: Path, good: Config) -> None:
    good["evse"][1]["id"] = 1
    assert "evse.id: expected 1 to 2, each once, got 1, 1" in complaint(tmp_path, good)


def test_a_reader_for_an_evse_that_is_not_there(tmp_path: Path, good: Config) -> None:
    good["reader"][0]["evses"] = [1, 5]
    assert "reader[0].evses: no EVSE 5; known: 1, 2" in complaint(tmp_path, good)


@pytest.mark.parametrize("what", ["keypad", "button", "indicator"])
def test_what_serves_evses_and_is_bound_to_nothing(tmp_path: Path, good: Config, what: str) -> None:
    good[what] = [{"device": "sim.keypad", "evses": [7]}]
    assert f"{what}[0].evses: no EVSE 7; known: 1, 2" in complaint(tmp_path, good)
    good[what] = [{"device": "sim.keypad", "evses": [1]}, {"device": "sim.keypad", "evses": [2]}]
    told = f"{what}[1].device: sim.keypad is {what}[0] already; name all of its EVSEs there"
    assert told in complaint(tmp_path, good)
    good[what] = [{"device": "keys.keypad"}]
    assert f"{what}[0].device: no section [drivers.keys]; known: sim" in complaint(tmp_path, good)


@pytest.mark.parametrize(("profile", "key"), [(1, "csms.password"), (2, "csms.url")])
def test_a_security_profile_needs_what_it_needs(tmp_path: Path, good: Config, profile: int, key: str) -> None:
    good["csms"]["security_profile"] = profile
    assert f"{key}: " in complaint(tmp_path, good)


def test_the_password_stands_in_one_place(tmp_path: Path, good: Config) -> None:
    good["csms"]["security_profile"] = 1
    good["ocpp16"] = {"authorizationkey": "ab" * 16}
    (tmp_path / "station.toml").write_text(toml.dumps(good))
    assert load(tmp_path / "station.toml").csms.password == ""
    good["csms"]["password"] = "the same in other words"
    assert "ocpp16.AuthorizationKey: csms.password is set as well" in complaint(tmp_path, good)


def test_the_address_with_tls_has_it(tmp_path: Path, good: Config) -> None:
    good["csms"]["secure_url"] = "ws://csms.example.com/"
    assert 'csms.secure_url: expected an address that begins with "wss://"' in complaint(tmp_path, good)


def test_an_installer_that_makes_no_sense(tmp_path: Path, good: Config) -> None:
    good["firmware"] = {"status_command": ["status"], "max_size_mb": 0, "timeout_s": 0.0}
    told = complaint(tmp_path, good)
    assert "firmware.install_command: missing" in told
    assert "firmware.max_size_mb: expected 1 or more" in told
    assert "firmware.timeout_s: expected more than 0" in told


def test_an_address_that_is_none(tmp_path: Path, good: Config) -> None:
    for url in ("csms.example.com", "ws:// csms.example.com"):
        good["csms"]["url"] = url
        assert 'csms.url: expected an address such as "wss://csms.example.com/ocpp"' in complaint(tmp_path, good)


def test_without_a_lock_no_socket_is_shut(tmp_path: Path, good: Config) -> None:
    good["evse"][0]["shut_until_authorized"] = True
    good["evse"][0].pop("lock")
    assert "evse[0].shut_until_authorized: there is no lock" in complaint(tmp_path, good)


def test_no_socket_is_shut_whose_pilot_sees_no_plug(tmp_path: Path, good: Config) -> None:
    good["evse"][0] |= {"shut_until_authorized": True, "pilot": "board.pilot"}
    good["drivers"]["board"] = {"driver": "openevse-rapi", "port": "/dev/ttyS1"}
    assert (
        "evse[0].shut_until_authorized: board.pilot (openevse-rapi) cannot tell whether a plug is in the socket; "
        "name a pilot that can, or leave it out"
    ) in complaint(tmp_path, good)
    good["evse"][0]["shut_until_authorized"] = False
    (tmp_path / "station.toml").write_text(toml.dumps(good))
    assert load(tmp_path / "station.toml").evse[0].pilot == "board.pilot"


def test_a_fixed_cable_has_no_lock(tmp_path: Path, good: Config) -> None:
    good["evse"][0]["connector"][0]["cable"] = "fixed"
    assert "evse[0].lock: a fixed cable has no lock to move" in complaint(tmp_path, good)


def test_bad_toml_is_named_with_its_line(tmp_path: Path) -> None:
    assert "no valid TOML" in complaint(tmp_path, "[station\nid = 1")
    assert "line 1" in complaint(tmp_path, "[station\nid = 1")


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="no such file; give one with --config"):
        load(tmp_path / "nothing.toml")


def test_later_files_replace_single_values(tmp_path: Path, good: Config) -> None:
    (tmp_path / "station.toml").write_text(toml.dumps(good))
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "10-site.toml").write_text('[station]\nmodel = "Ten"\n[csms]\nurl = "ws://ten/ocpp"\n')
    (tmp_path / "conf.d" / "20-site.toml").write_text('[station]\nmodel = "Twenty"\n')
    config = load(tmp_path / "station.toml")
    assert (config.station.model, config.csms.url, config.station.id) == ("Twenty", "ws://ten/ocpp", "TEST001")


def test_profile_3_wants_a_certificate_and_a_key_wants_its_own(tmp_path: Path, good: Config) -> None:
    good["csms"] |= {"url": "wss://127.0.0.1:9000/ocpp", "security_profile": 3}
    assert "csms.client_cert: missing; security profile 3" in complaint(tmp_path, good)
    good["csms"] |= {"security_profile": 0, "client_key": "/etc/chargepointd/station.key"}
    assert "csms.client_cert: missing; client_key is of no use without it" in complaint(tmp_path, good)


def test_the_key_may_stand_in_the_file_of_the_certificate(tmp_path: Path, good: Config) -> None:
    good["csms"] |= {"url": "wss://127.0.0.1:9000/ocpp", "security_profile": 3, "client_cert": "/etc/station.pem"}
    (tmp_path / "station.toml").write_text(toml.dumps(good))
    assert load(tmp_path / "station.toml").csms.client_key is None


@pytest.mark.parametrize("id_", ["", "A" * 49, "AC:001"])
def test_an_identity_that_no_csms_can_know_is_refused(tmp_path: Path, good: Config, id_: str) -> None:
    good["station"]["id"] = id_
    assert 'station.id: expected 1 to 48 characters without ":"' in complaint(tmp_path, good)


def test_a_device_of_two_evses_is_named_with_the_place_it_has(tmp_path: Path, good: Config) -> None:
    good["evse"][1]["contactor"] = good["evse"][0]["contactor"]
    assert "evse[1].contactor: sim.contactor1 is evse[0].contactor already" in complaint(tmp_path, good)


@pytest.mark.parametrize(
    ("key", "value"), [("max_current_a", 0), ("voltage_v", -1), ("max_power_w", -1), ("phases", 0)]
)
def test_a_size_that_no_evse_has_is_refused(tmp_path: Path, good: Config, key: str, value: float) -> None:
    good["evse"][0][key] = value
    assert f"evse[0].{key}: expected " in complaint(tmp_path, good)


def test_what_is_missing_on_this_machine_is_remarked(tmp_path: Path, good: Config) -> None:
    good["csms"]["ca_file"] = "/nowhere/ca.pem"
    good["firmware"] = {"install_command": ["/nowhere/installer"]}
    (tmp_path / "station.toml").write_text(toml.dumps(good))
    about_roots, about_installer = remarks(load(tmp_path / "station.toml"))
    assert about_roots.startswith("csms.ca_file: no file /nowhere/ca.pem here; ")
    assert about_installer.startswith("firmware.install_command: no program /nowhere/installer here; ")


def test_a_command_names_a_program(tmp_path: Path, good: Config) -> None:
    good["firmware"] = {"install_command": [""]}
    assert "firmware.install_command[0]: empty; expected a program" in complaint(tmp_path, good)


def test_limits_from_outside_are_read(tmp_path: Path, good: Config) -> None:
    good["limit"] = [{"device": "sim.contact1", "max_power_w": 4200}, {"device": "sim.contact2", "max_current_a": 0}]
    good["site"] = {"meter": "sim.site_meter", "max_current_a": 63, "safe_current_a": 6}
    (tmp_path / "station.toml").write_text(toml.dumps(good))
    made = plan(load(tmp_path / "station.toml"), "1")
    assert made.limits == (LimitPlan(0, "W", 4200, "SO", True), LimitPlan(0, "A", 0, "SO", True))
    assert made.site == SitePlan(63, 6)


@pytest.mark.parametrize(
    "limit, told",
    [
        ({}, "limit[0]: expected one of max_current_a and max_power_w; 0 pauses"),
        ({"max_current_a": 6, "max_power_w": 4000}, "limit[0]: expected one of"),
        ({"max_current_a": -1}, "limit[0].max_current_a: expected 0 (pauses) or more, got -1"),
        ({"max_current_a": 6, "evse": 3}, "limit[0].evse: no EVSE 3; known: 1, 2"),
    ],
)
def test_a_limit_that_is_none(tmp_path: Path, good: Config, limit: Config, told: str) -> None:
    good["limit"] = [{"device": "sim.contact1"} | limit]
    assert told in complaint(tmp_path, good)


@pytest.mark.parametrize(
    "site, told",
    [
        ({"meter": "sim.site_meter"}, "site.max_current_a: missing"),
        ({"max_current_a": 63}, "site.meter: missing"),
        ({"meter": "sim.meter1", "max_current_a": 63}, "site.meter: sim.meter1 is evse[0].meter; name the meter that"),
        ({"meter": "sim.site_meter", "max_current_a": 20, "safe_current_a": 32}, "site.safe_current_a: expected 0 to"),
    ],
)
def test_a_building_that_is_none(tmp_path: Path, good: Config, site: Config, told: str) -> None:
    good["site"] = site
    assert told in complaint(tmp_path, good)


def test_one_phase_has_nothing_to_switch(tmp_path: Path, good: Config) -> None:
    good["evse"][0] |= {"phases": 1, "phase_switch": "sim.phases1"}
    assert "evse[0].phase_switch: there is nothing to switch" in complaint(tmp_path, good)
