"""A driver by its name: ours by a table, others by the entry point group "chargepointd.drivers".

Ours are looked up without `importlib.metadata`, whose import alone costs a board half a second.
"""

from importlib import import_module

from hal.driver import Driver
from hal.errors import BadConfig

GROUP = "chargepointd.drivers"

OURS = {
    "simulator": "hal.drivers.simulator",
    "modbus-meter": "hal.drivers.modbus_meter",
    "modbus-inputs": "hal.drivers.modbus_inputs",
    "openevse-rapi": "hal.drivers.openevse_rapi",
    "infypower": "hal.drivers.infypower",
    "pn532": "hal.drivers.pn532",
}


def find(name: str, where: str) -> Driver:
    """The driver called `name`. BadConfig, naming the key `where`, when nothing of that name is installed."""
    if name in OURS:
        try:
            driver: Driver = import_module(OURS[name]).DRIVER
        except ImportError as error:
            raise BadConfig(f'{where}: driver "{name}" cannot be loaded: {error}') from error
        return driver
    return _installed(name, where)


def _installed(name: str, where: str) -> Driver:
    from importlib.metadata import entry_points

    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        known = ", ".join(sorted(OURS.keys() | points.keys()))
        raise BadConfig(f'{where}: no driver "{name}" is installed; known: {known}')
    try:
        driver = points[name].load()
    except (ImportError, AttributeError) as error:
        raise BadConfig(f'{where}: driver "{name}" ({points[name].value}) cannot be loaded: {error}') from error
    if not isinstance(driver, Driver):
        raise BadConfig(f'{where}: driver "{name}" ({points[name].value}) is no hal.driver.Driver')
    return driver
