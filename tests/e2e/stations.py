"""Stations of real drivers over real bytes: what a test plugs together, as the configuration an owner would write."""

from typing import Any

from tests.daemon.config import Config
from tests.hal.models.infy_module import Wire
from tests.hal.models.modbus_meters import Sdm630
from tests.hal.models.openevse_board import OpenEvseBoard
from tests.hal.models.pn532_chip import Pn532Chip


def _station(url: str, version: str, interval_s: int) -> Config:
    return {
        "station": {"id": "REAL001", "vendor": "chargepointd", "model": "Real bytes"},
        "csms": {"url": url, "versions": [version]},
        "variables": {
            "SampledDataCtrlr.TxUpdatedInterval": interval_s,
            "OCPPCommCtrlr.RetryBackOffWaitMinimum": 1,
            "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
        },
        "control": {"socket": "control.sock"},
        "log": {"level": "debug"},
    }


def ac_station(
    url: str, version: str, board: OpenEvseBoard, chip: Pn532Chip, meter: Sdm630, *, interval_s: int = 1
) -> Config:
    """A wallbox: an OpenEVSE board, a PN532 reader, an SDM630 on RTU, each on its serial port."""
    drivers: dict[str, Any] = {
        "board": {"driver": "openevse-rapi", "port": board.port, "poll_s": 0.2},
        "rfid": {"driver": "pn532", "port": chip.port, "poll_s": 0.05, "hold_off_s": 0.2},
        "meter": {"driver": "modbus-meter", "model": "sdm630", "port": meter.port},
    }
    evse = {
        "id": 1,
        "pilot": "board.pilot",
        "contactor": "board.contactor",
        "meter": "meter.meter",
        "connector": [{"id": 1, "type": "cType2", "cable": "fixed"}],
    }
    return _station(url, version, interval_s) | {
        "drivers": drivers,
        "evse": [evse],
        "reader": [{"device": "rfid.reader"}],
    }


def dc_station(url: str, version: str, wire: Wire, meter: Sdm630, *, interval_s: int = 1) -> Config:
    """A DC post: an InfyPower module on CAN feeds the car; its pilot, link and contactor are simulated."""
    drivers: dict[str, Any] = {
        "sim": {"driver": "simulator", "evses": 1, "supply": "DC", "reaction_s": 0.1, "fixed_cable": True},
        "can": {"driver": "infypower", "pace_s": 0.0, **wire.settings},
        "meter": {"driver": "modbus-meter", "model": "sdm630", "host": meter.host, "tcp_port": meter.tcp_port},
    }
    evse = {
        "id": 1,
        "supply": "DC",
        "phases": 0,
        "voltage_v": 1000,
        "max_current_a": 50,
        "pilot": "sim.pilot1",
        "vehicle": "sim.vehicle1",
        "contactor": "sim.contactor1",
        "supply_device": "can.supply",
        "meter": "meter.meter",
        "connector": [{"id": 1, "type": "cCCS2", "cable": "fixed"}],
    }
    return _station(url, version, interval_s) | {
        "drivers": drivers,
        "evse": [evse],
        "reader": [{"device": "sim.reader"}],
    }
