"""The stations the cases are run on, as configurations."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.daemon.config import Config, ac_station, dc_evse
from tests.daemon.process import ROOT

IDENTITY = "CONF001"
PASSWORD = "conformance-pass-1"
PACE: dict[str, Any] = {
    # As a laboratory does it: intervals short, back-off without chance.
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": 1,
    "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
    "OCPPCommCtrlr.RetryBackOffRepeatTimes": 0,
    "SampledDataCtrlr.TxUpdatedInterval": 0,
    "TxCtrlr.EVConnectionTimeOut": 30,
}


def dc_station(url: str, **variables: Any) -> Config:
    """Four DC outlets with fixed cables, as etc/dc-bench.toml, without what single cases need: two CCS, two
    NACS."""
    config = ac_socket(url, **variables)
    config["station"]["model"] = "DC bench station"
    config["drivers"]["sim"] = {
        "driver": "simulator", "evses": 4, "supply": "DC", "fixed_cable": True, "dc_max_power_w": 400_000,
        "dc_max_current_a": 500, "car_voltage_v": 800, "car_power_w": 250_000, "reaction_s": 0.1,
    }  # fmt: skip
    config["evse"] = [dc_evse(number, kind="cCCS2" if number < 3 else "cTesla") for number in (1, 2, 3, 4)]
    config["reader"] = [{"device": "sim.reader", "evses": [1, 2, 3, 4]}]
    return config


def dc_with_menu(url: str, **variables: Any) -> Config:
    """The DC outlets with a keypad and a display: a person can choose."""
    config = dc_station(url, **variables)
    config["keypad"] = [{"device": "sim.keypad"}]
    config["display"] = [{"device": "sim.display"}]
    return config


def dc_with_buttons(url: str, **variables: Any) -> Config:
    """The DC outlets with a start and stop button each."""
    config = dc_station(url, **variables)
    config["button"] = [{"device": f"sim.button{n}", "evses": [n]} for n in (1, 2, 3, 4)]
    return config


def ac_socket(url: str, evses: int = 2, **variables: Any) -> Config:
    """AC sockets with a lock: detachable cables."""
    config = ac_station(
        url, evses=evses, identity=IDENTITY, security_profile=1, password=PASSWORD, variables=_merged(variables)
    )
    config["drivers"]["sim"]["reaction_s"] = 0.1
    return config


def shut_sockets(url: str, **variables: Any) -> Config:
    """AC sockets that let no plug in before the authorization."""
    config = ac_socket(url, **variables)
    for evse in config["evse"]:
        evse["shut_until_authorized"] = True
    return config


def ac_cable(url: str, evses: int = 2, **variables: Any) -> Config:
    """AC outlets with a fixed cable each: nothing to lock."""
    config = ac_socket(url, evses, **variables)
    config["drivers"]["sim"]["fixed_cable"] = True
    for evse in config["evse"]:
        del evse["lock"]
        evse["connector"] = [{"id": 1, "type": "cType2", "cable": "fixed"}]
    return config


def one_socket(url: str, **variables: Any) -> Config:
    """One AC socket: whoever shows a card means it."""
    return ac_socket(url, 1, **variables)


def two_plugs(url: str, **variables: Any) -> Config:
    """Two AC outlets; the first with fixed cables of two types, of which one can be used at a time."""
    config = ac_cable(url, 2, **variables)
    config["drivers"]["sim"]["connectors"] = 2
    first = config["evse"][0]
    del first["pilot"]
    first["connector"] = [
        {"id": 1, "type": "cType2", "cable": "fixed", "pilot": "sim.pilot1"},
        {"id": 2, "type": "cType1", "cable": "fixed", "pilot": "sim.pilot1_2"},
    ]
    return config


def with_bays(build: Callable[..., Config]) -> Callable[..., Config]:
    """That station, with a sensor in each parking bay."""

    def built(url: str, **variables: Any) -> Config:
        config = build(url, **variables)
        for evse in config["evse"]:
            evse["bay_sensor"] = f"sim.bay{evse['id']}"
        return config

    return built


def with_stop(build: Callable[..., Config]) -> Callable[..., Config]:
    """That station, with an emergency stop: where it is tripped, no power flows anywhere."""

    def built(url: str, **variables: Any) -> Config:
        return build(url, **variables) | {"emergency_stop": ["sim.estop"]}

    return built


def with_battery(build: Callable[..., Config]) -> Callable[..., Config]:
    """That station, with a back-up supply that tells when the grid is away."""

    def built(url: str, **variables: Any) -> Config:
        config = build(url, **variables)
        config["station"]["on_battery"] = "sim.contact2"
        return config

    return built


def with_installer(build: Callable[..., Config], **firmware: Any) -> Callable[..., Config]:
    """That station, with the bench's installer. firmware: more of that section."""

    def built(url: str, **variables: Any) -> Config:
        installer = str(ROOT / "etc" / "bench-installer")
        commands = {"install_command": [installer, "install"], "status_command": [installer, "status"]}
        return build(url, **variables) | {"firmware": commands | firmware}

    return built


def with_main_meter(build: Callable[..., Config]) -> Callable[..., Config]:
    """That station, with a meter at its connection to the grid."""

    def built(url: str, **variables: Any) -> Config:
        config = build(url, **variables)
        config["drivers"]["sim"]["evses"] += 1
        config["station"]["main_meter"] = f"sim.meter{config['drivers']['sim']['evses']}"
        return config

    return built


def with_contracts(build: Callable[..., Config]) -> Callable[..., Config]:
    """That station, with an ISO 15118 stack at each EVSE that does Plug & Charge."""

    def built(url: str, **variables: Any) -> Config:
        config = build(url, **variables)
        for evse in config["evse"]:
            evse["plug_and_charge"] = f"sim.iso{evse['id']}"
        return config

    return built


def signing(build: Callable[..., Config]) -> Callable[..., Config]:
    """That station, with meters that sign."""

    def built(url: str, **variables: Any) -> Config:
        config = build(url, **variables)
        for evse in config["evse"]:
            evse["meter_signs"] = True
        return config

    return built


def _merged(variables: Mapping[str, Any]) -> dict[str, Any]:
    return PACE | dict(variables)
