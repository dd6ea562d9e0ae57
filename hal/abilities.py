"""Which of the protocols in `hal.devices` an object satisfies.

A protocol is told by its methods and, where several share them (`read()`, `watch()`), by the reading that the return
annotation of the device's own method names. A method without annotation satisfies all that share it.
"""

from re import findall

_ABILITIES: dict[str, tuple[tuple[str, ...], str]] = {
    "Meter": (("read",), "MeterReading"),
    "SignedReadings": (("read_signed",), ""),
    "OccupancySensor": (("watch",), "OccupancyReading"),
    "ControlPilot": (("watch", "offer"), "PilotReading"),
    "Contactor": (("open", "close"), ""),
    "PhaseSwitch": (("use",), ""),
    "ConnectorLock": (("watch", "lock", "unlock"), "LockReading"),
    "ContactInput": (("watch",), "ContactReading"),
    "TokenReader": (("watch",), "TokenReading"),
    "Keypad": (("watch",), "KeyReading"),
    "DcSupply": (("read", "capability", "set", "on", "off"), "DcReading"),
    "VehicleLink": (("watch", "present", "stop"), "VehicleReading"),
    "PlugAndCharge": (("watch", "decide", "deliver", "identify"), "ContractReading"),
    "IsolationMonitor": (("read",), "IsolationReading"),
    "ResidualCurrentMonitor": (("watch", "test"), "AlarmReading"),
    "TemperatureSensor": (("read",), "TemperatureReading"),
    "EmergencyStop": (("watch",), "AlarmReading"),
    "Display": (("show",), ""),
    "QrCodes": (("show_code",), ""),
    "Indicator": (("indicate", "signal"), ""),
    "Controls": (("call",), ""),
}
_READINGS = {reading for _, reading in _ABILITIES.values() if reading}

POWER = frozenset({"Contactor", "DcSupply", "ControlPilot", "PhaseSwitch", "VehicleLink"})
"""what lets energy flow: one that does not obey is reason to close its driver and to open it again"""


def abilities(device: object) -> tuple[str, ...]:
    """The names of the protocols that `device` satisfies, in the order of `hal.devices`."""
    told = _told(device)
    names = [
        name
        for name, (methods, reading) in _ABILITIES.items()
        if all(callable(getattr(device, method, None)) for method in methods)
        and (not reading or not told or reading in told)
    ]
    if "ResidualCurrentMonitor" in names and told:
        names.remove("EmergencyStop")
    return tuple(names)


def _told(device: object) -> set[str]:
    """The readings that the annotations of read() and watch() name."""
    words: set[str] = set()
    for method in ("read", "watch"):
        annotation = getattr(getattr(device, method, None), "__annotations__", {}).get("return", "")
        words.update(findall(r"\w+", annotation.__name__ if isinstance(annotation, type) else str(annotation)))
    return words & _READINGS
