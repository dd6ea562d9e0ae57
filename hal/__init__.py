"""The hardware abstraction layer of a charging station, and the SDK for its drivers.

A *driver* knows how to talk to one make of device over one bus. It is a `Driver` value: a config type and
a function that opens the bus and yields named *devices*. A device is an object with one or more of the small
protocols in `hal.devices`. Reconnecting, time limits, health, staleness, logging and the safe state are the
supervisor's (`hal.supervisor`), written once for all drivers.

    driver.py      what a driver is, what it is given
    devices.py     what a device can do: one protocol an ability, with units
    abilities.py   which of these an object has
    readings.py    what a device tells; every reading carries the time it was taken
    errors.py      whose fault it is, and whether to try again
    config.py      a TOML table to a typed config, with complaints that name the key
    registry.py    a driver by name: ours, or an entry point of group "chargepointd.drivers"
    supervisor.py  the life of an open driver, with
                   health.py (who answers), polls.py (who is asked when), safe_state.py, backoff.py
    buses/         serial, modbus, can, OpenEVSE's and the PN532's protocols: one owner per port
    drivers/       the drivers that come with the SDK
    testing/       contracts every driver must pass
"""
