"""Limits at the real process, of the CSMS, the station, a relay and the building: the car and its meter obey."""

from typing import Any

import pytest

from tests.csms import Csms
from tests.csms.profiles import set_default
from tests.daemon.config import Config
from tests.daemon.process import Station
from tests.daemon.visit import OTHER, begin, brisk, charging, register_wh, until, world

pytestmark = pytest.mark.process

PURPOSES = {"ChargingStationMaxProfile": "ChargePointMaxProfile"}
"""words of 1.6"""


def two(url: str, dialect: str, **station: Any) -> Config:
    config = brisk(url, dialect, evses=2)
    config["station"] |= station
    config["drivers"]["sim"]["car_current_a"] = 32.0
    return config


def limit(csms: Csms, limit_a: float, purpose: str = "TxDefaultProfile", evse: int = 1) -> None:
    """The CSMS sets it."""
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}]}
    common = {"stackLevel": 0, "chargingProfileKind": "Absolute"}
    if csms.versions == ("1.6",):
        profile = common | {
            "chargingProfileId": 5,
            "chargingProfilePurpose": PURPOSES.get(purpose, purpose),
            "chargingSchedule": schedule | {"startSchedule": "2026-01-01T00:00:00Z"},
        }
        reply = csms.call("SetChargingProfile", {"connectorId": evse, "csChargingProfiles": profile})
    else:
        profile = common | {
            "id": 5,
            "chargingProfilePurpose": purpose,
            "chargingSchedule": [schedule | {"id": 1, "startSchedule": "2026-01-01T00:00:00Z"}],
        }
        reply = csms.call("SetChargingProfile", {"evseId": evse, "chargingProfile": profile})
    assert reply["status"] == "Accepted"


def amps(station: Station, evse: int = 1) -> float:
    """What the meter shows, of one phase."""
    return float(station.ctl("sim.meter", evse=evse)["current_a"][0])


def follow(csms: Csms, station: Station, limit_a: float) -> None:
    """The CSMS limits; the pilot says so and the meter shows it."""
    limit(csms, limit_a)
    until(lambda: world(station)["offer_a"] == limit_a and amps(station) == limit_a, f"{limit_a} A")


def test_a_profile_is_followed_by_car_and_meter(csms: Csms, dialect: str) -> None:
    with Station(two(csms.url, dialect)) as station:
        begin(station, csms)
        assert amps(station) == 32
        for limit_a in (10, 8):
            follow(csms, station, limit_a)
        limit(csms, 0)
        until(lambda: world(station)["offer_a"] == 0, "withdrawn offer")
        until(lambda: world(station)["contactor"] == "open", "open contactor")
        if dialect == "1.6":
            csms.wait_status("SuspendedEVSE")
        else:
            csms.wait_event("Updated", lambda m: m["transactionInfo"].get("chargingState") == "SuspendedEVSE")
        limit(csms, 16)
        until(lambda: amps(station) == 16, "16 A")
        assert station.ctl("status")["evses"][0]["session"]["limit_a"] == 16


def test_the_limit_of_the_station_is_shared_and_never_exceeded(csms: Csms, dialect: str) -> None:
    with Station(two(csms.url, dialect, max_current_a=20)) as station:
        begin(station, csms)
        assert world(station)["offer_a"] == 20
        begin_other(station, csms)
        drawn = []

        def shared() -> bool:
            both = station.ctl("sim.state")["evses"]  # of one moment
            drawn.append(sum(evse["power_w"] for evse in both) / (3 * 230))
            return [evse["offer_a"] for evse in both] == [10, 10]

        until(shared, "10 A each")
        assert max(drawn) <= 20.01
        limit(csms, 15, "ChargingStationMaxProfile", 0)
        until(lambda: (world(station, 1)["offer_a"], world(station, 2)["offer_a"]) == (7.5, 7.5), "7.5 A each")


def begin_other(station: Station, csms: Csms) -> None:
    csms.wait_status("Available", 2)
    station.ctl("sim.plug_in", evse=2)
    csms.wait_status("Occupied", 2)
    station.ctl("sim.swipe", token=OTHER)
    csms.wait_event("Started")


def test_a_relay_of_the_grid_operator_limits_and_releases(csms: Csms, dialect: str) -> None:
    config = two(csms.url, dialect)
    config["limit"] = [{"device": "sim.contact1", "max_power_w": 4140}]
    with Station(config) as station:
        begin(station, csms)
        station.ctl("sim.contact", closed=True)
        until(lambda: amps(station) == 6, "6 A of 4140 W")
        if dialect != "1.6":
            told = csms.wait("NotifyChargingLimit")
            assert told["chargingLimit"]["chargingLimitSource"] == "SO"
            assert csms.wait_event("Updated", lambda m: m["triggerReason"] == "ChargingRateChanged")
        assert station.ctl("limit", act="show")["limits"][0]["by"] == "contact"
        station.kill()
        station.start()
        station.wait_ready()
        until(lambda: world(station)["power_w"] > 0, "energy after the power cut")
        assert amps(station) == 6
        station.ctl("sim.contact", closed=False)
        until(lambda: amps(station) == 32, "32 A")
        if dialect != "1.6":
            assert csms.wait("ClearedChargingLimit")["chargingLimitSource"] == "SO"
        else:
            assert csms.calls("NotifyChargingLimit") == []


def test_the_building_leaves_what_it_leaves(csms: Csms, dialect: str) -> None:
    config = two(csms.url, dialect)
    config["site"] = {"meter": "sim.site_meter", "max_current_a": 50, "safe_current_a": 8}
    with Station(config) as station:
        begin(station, csms)
        until(lambda: world(station)["offer_a"] == 32, "32 A")
        station.ctl("sim.site", current_a=35)
        until(lambda: amps(station) == 15, "15 A")
        station.ctl("sim.site", current_a=35, dead=True)
        until(lambda: amps(station) == 8, "8 A")


def test_an_ems_on_the_gateway_sets_a_limit_that_outlives_the_process(csms: Csms, dialect: str) -> None:
    with Station(two(csms.url, dialect)) as station:
        begin(station, csms)
        assert station.ctl("limit", act="set", current_a=16, evse=1, for_s=3600)["status"] == "Accepted"
        until(lambda: amps(station) == 16, "16 A")
        before = register_wh(station)
        station.restart(Station.kill)
        charging(station)
        assert amps(station) == 16
        assert register_wh(station) >= before
        assert station.ctl("limit", act="clear", evse=1)["status"] == "Accepted"
        until(lambda: amps(station) == 32, "32 A")


def test_a_profile_outlives_a_power_cut_and_is_never_exceeded(csms: Csms, dialect: str) -> None:
    with Station(two(csms.url, dialect)) as station:
        begin(station, csms)
        limit(csms, 10)
        until(lambda: amps(station) == 10, "10 A")
        station.kill()
        station.start()
        station.wait_ready()
        offers = set()
        until(lambda: offers.add(world(station)["offer_a"]) or amps(station) == 10, "10 A after the power cut")
        assert offers <= {0, 10}


def test_one_phase_is_used_where_a_profile_says_so(csms: Csms, dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = two(csms.url, dialect)
    config["evse"][0]["phase_switch"] = "sim.phases1"
    with Station(config) as station:
        begin(station, csms)
        assert [round(a) for a in station.ctl("sim.meter", evse=1)["current_a"]] == [32, 32, 32]
        set_default(csms, dialect, limit=10, numberPhases=1)
        until(lambda: world(station)["offer_a"] == 0, "withdrawn offer")
        until(lambda: station.ctl("sim.meter", evse=1)["current_a"] == [10, 0, 0], "10 A of one phase")
