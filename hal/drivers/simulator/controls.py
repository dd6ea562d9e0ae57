"""What people and fate do at the simulated station, as commands. They work also while the driver is closed or dead."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from hal.drivers.simulator.devices import Contact, Keys, PlugAndCharge, Reader
from hal.drivers.simulator.physics import Evse
from hal.drivers.simulator.world import World
from hal.readings import ContractReading, EvCertificateReading, TokenReading

STATION_ERRORS = ("emergency_stop", "driver_dead")
"""of the whole station, whichever EVSE is named"""
EVSE_ERRORS = (
    "ground_fault",
    "stuck_relay",
    "over_temperature",
    "over_current",
    "lock_failure",
    "meter_dead",
    "meter_still",
    "meter_nan",
    "pilot_fault",
    "isolation_fault",
    "supply_fault",
)
ERRORS = STATION_ERRORS + EVSE_ERRORS
OCPP_NAMES = {
    "GroundFailure": "ground_fault",
    "PowerSwitchFailure": "stuck_relay",
    "HighTemperature": "over_temperature",
    "OverCurrentFailure": "over_current",
    "ConnectorLockFailure": "lock_failure",
    "PowerMeterFailure": "meter_dead",
    "EVCommunicationError": "pilot_fault",
    "IsolationFailure": "isolation_fault",
    "PowerSupplyFailure": "supply_fault",
    "EmergencyStop": "emergency_stop",
}
"""fault names a technician knows (ChargePointErrorCode of OCPP 1.6, and what this station adds to them)"""
SIDES = ("station", "ev")
KEYS = tuple("0123456789*#")
TOKEN_TYPES = ("ISO14443", "ISO15693", "KeyCode", "Local")


class Param(NamedTuple):
    kind: type | tuple[type, ...]
    wanted: str
    default: Any = ...
    """... : it must be given"""


_EVSE = {"evse": Param(int, "the number of an EVSE")}
_COMMANDS: dict[str, dict[str, Param]] = {
    "sim.plug_in": {**_EVSE, "connector": Param(int, "the number of a connector", 1)},
    "sim.plug_out": {**_EVSE, "force": Param(bool, "true or false", False), "side": Param(str, "a text", "station")},
    "sim.drive_in": _EVSE,
    "sim.drive_out": _EVSE,
    "sim.swipe": {
        "token": Param(str, "a text"),
        "type": Param(str, "a text", "ISO14443"),
        "reader": Param(str, "a text", "reader"),
    },
    "sim.press": {"key": Param(str, "a key"), "device": Param(str, "a text", "keypad")},
    "sim.contract": {**_EVSE, "emaid": Param(str, "a text"), "chain": Param(str, "certificates in PEM")},
    "sim.want_contract": {
        **_EVSE,
        "action": Param(str, "Install or Update", "Install"),
        "exi": Param(str, "base64 of a message"),
        "schema": Param(str, "a namespace", "urn:iso:15118:2:2013:MsgDef"),
    },
    "sim.pause": _EVSE,
    "sim.resume": _EVSE,
    "sim.raise_error": {"evse": _EVSE["evse"]._replace(default=0), "error": Param(str, "the name of an error")},
    "sim.clear_error": {
        "evse": _EVSE["evse"]._replace(default=0),
        "error": Param(str, "the name of an error", None),
    },
    "sim.meter": {**_EVSE, "energy_wh": Param((int, float), "a number of Wh", None)},
    "sim.contact": {"closed": Param(bool, "true or false"), "device": Param(str, "a text", "contact1")},
    "sim.site": {"current_a": Param((int, float), "a number of A", None), "dead": Param(bool, "true or false", False)},
    "sim.display": {},
    "sim.state": {},
}


class Controls:
    """The commands are named in the docstring of `hal.drivers.simulator`."""

    def __init__(
        self,
        world: World,
        reader: Reader,
        keys: Mapping[str, Keys],
        contacts: Mapping[str, Contact],
        stacks: Mapping[int, PlugAndCharge],
    ) -> None:
        self._world = world
        self._reader = reader
        self._keys = keys
        self._contacts = contacts
        self._stacks = stacks

    async def call(self, method: str, params: dict[str, Any]) -> Any:
        """Do it. ValueError names the method or param that is wrong, and the remedy."""
        if method not in _COMMANDS:
            raise ValueError(f"{method}: unknown method; {_remedy(method, _COMMANDS)}")
        act: Callable[..., Any] = getattr(self, "_" + method.removeprefix("sim."))
        return act(**_checked(method, params))

    # -- the commands --------------------------------------------------------------------------------------------------

    def _plug_in(self, evse: int, connector: int) -> dict[str, Any]:
        there = self._evse("sim.plug_in", evse)
        if not 1 <= connector <= self._world.config.connectors:
            known = ", ".join(str(n) for n in range(1, self._world.config.connectors + 1))
            raise ValueError(f"sim.plug_in: evse {evse} has no connector {connector}; known: {known}")
        if there.connector:
            raise ValueError(
                f"sim.plug_in: evse {evse}: a car is at connector {there.connector}; sim.plug_out it first"
            )
        if there.shut[connector - 1]:
            raise ValueError(f"sim.plug_in: evse {evse}: the socket is locked; show a card first")
        there.plug_in(connector)
        return self._done(there)

    def _plug_out(self, evse: int, force: bool, side: str) -> dict[str, Any]:
        if side not in SIDES:
            raise ValueError(f'sim.plug_out: side: expected {" or ".join(SIDES)}, got "{side}"')
        if side == "ev":
            there = self._car("sim.plug_out", evse)
            there.leave()
            return self._done(there)
        there = self._evse("sim.plug_out", evse)
        if not there.plugged:
            raise ValueError(f"sim.plug_out: evse {evse}: no car is plugged in; sim.plug_in one first")
        if there.locked[there.plugged - 1] and not force:
            raise ValueError(f"sim.plug_out: evse {evse}: plug is locked: unlock first, or use force=true")
        there.plug_out()
        return self._done(there)

    def _drive_in(self, evse: int) -> dict[str, Any]:
        there = self._evse("sim.drive_in", evse)
        there.in_bay = True
        return self._done(there)

    def _drive_out(self, evse: int) -> dict[str, Any]:
        there = self._evse("sim.drive_out", evse)
        if there.connector:
            raise ValueError(f"sim.drive_out: evse {evse}: the car is plugged in; sim.plug_out it first")
        there.in_bay = False
        return self._done(there)

    def _swipe(self, token: str, type: str, reader: str) -> dict[str, Any]:
        if reader.rpartition(".")[2] != "reader":
            raise ValueError(f'sim.swipe: no reader "{reader}"; known: reader')
        if type not in TOKEN_TYPES:
            raise ValueError(f'sim.swipe: type: expected {" or ".join(TOKEN_TYPES)}, got "{type}"')
        if not token:
            raise ValueError("sim.swipe: token: expected a text, got none")
        self._reader.swipe(TokenReading(time.monotonic(), token, cast(Any, type)))
        return {"reader": "reader"}

    def _press(self, key: str, device: str) -> dict[str, Any]:
        name = device.rpartition(".")[2]
        if name not in self._keys:
            raise ValueError(f'sim.press: no keypad or button "{device}"; {_remedy(name, self._keys)}')
        if key not in KEYS:
            raise ValueError(f'sim.press: key: expected one of {" ".join(KEYS)}, got "{key}"')
        self._keys[name].press(key)
        return {"device": name}

    def _contact(self, closed: bool, device: str) -> dict[str, Any]:
        name = device.rpartition(".")[2]
        if name not in self._contacts:
            raise ValueError(f'sim.contact: no contact "{device}"; {_remedy(name, self._contacts)}')
        self._world.contacts[name] = closed
        self._contacts[name].tell()
        self._world.register.save(self._world.evses)
        return {"device": name, "closed": closed}

    def _site(self, current_a: float | None, dead: bool) -> dict[str, Any]:
        if current_a is not None:
            self._world.site_a = (float(current_a), float(current_a), float(current_a))
        self._world.site_dead = dead
        return {"current_a": list(self._world.site_a), "dead": dead}

    def _contract(self, evse: int, emaid: str, chain: str) -> dict[str, Any]:
        there = self._car("sim.contract", evse)
        there.contract = ""
        self._stacks[evse].say(ContractReading(time.monotonic(), emaid, chain))
        return _told(there)

    def _want_contract(self, evse: int, action: str, exi: str, schema: str) -> dict[str, Any]:
        if action not in ("Install", "Update"):
            raise ValueError(f'sim.want_contract: action: expected Install or Update, got "{action}"')
        there = self._car("sim.want_contract", evse)
        there.ev_certificate = ""
        self._stacks[evse].say(EvCertificateReading(time.monotonic(), cast(Any, action), schema, exi))
        return _told(there)

    def _pause(self, evse: int) -> dict[str, Any]:
        there = self._car("sim.pause", evse)
        there.paused = True
        return self._done(there)

    def _resume(self, evse: int) -> dict[str, Any]:
        there = self._car("sim.resume", evse)
        there.paused = there.stopped = False
        return self._done(there)

    def _raise_error(self, evse: int, error: str) -> dict[str, Any]:
        name = _error("sim.raise_error", error)
        if name == "driver_dead":
            self._world.set_dead(True)
        for there in self._affected("sim.raise_error", evse, name):
            there.still_wh = there.energy_wh
            there.errors.add(name)
            self._world.changed(there)
        return self._state()

    def _clear_error(self, evse: int, error: str | None) -> dict[str, Any]:
        names = ERRORS if error is None else (_error("sim.clear_error", error),)
        if "driver_dead" in names:
            self._world.set_dead(False)
        for name in names:
            for there in self._affected("sim.clear_error", evse, name):
                there.errors.discard(name)
                self._world.changed(there)
        return self._state()

    def _meter(self, evse: int, energy_wh: float | None) -> dict[str, Any]:
        there = self._evse("sim.meter", evse)
        if energy_wh is not None:
            there.energy_wh = float(energy_wh)
        self._world.changed(there)
        reading = there.meter(time.monotonic())._asdict()
        del reading["taken_at"]
        return reading

    def _display(self) -> dict[str, Any]:
        return {"lines": list(self._world.lines), "code": self._world.code}

    def _state(self) -> dict[str, Any]:
        world = self._world
        return {
            "evses": [_told(world.advanced(evse.number)) for evse in world.evses],
            "display": list(world.lines),
            "indicator": world.indicator,
            "signal": world.signal,
            "dead": world.dead,
        }

    # -- what they share -----------------------------------------------------------------------------------------------

    def _evse(self, method: str, number: int) -> Evse:
        if not 1 <= number <= len(self._world.evses):
            known = ", ".join(str(evse.number) for evse in self._world.evses)
            raise ValueError(f"{method}: no evse {number}; known: {known}")
        return self._world.advanced(number)

    def _car(self, method: str, number: int) -> Evse:
        evse = self._evse(method, number)
        if not evse.connector:
            raise ValueError(f"{method}: evse {number}: no car is plugged in; sim.plug_in one first")
        return evse

    def _affected(self, method: str, number: int, error: str) -> list[Evse]:
        """Where the error shows. EVSE 0 is the whole station."""
        if number:
            self._evse(method, number)
        if error == "driver_dead":
            return []
        if error in STATION_ERRORS or not number:
            return [self._world.advanced(evse.number) for evse in self._world.evses]
        return [self._evse(method, number)]

    def _done(self, evse: Evse) -> dict[str, Any]:
        self._world.changed(evse)
        return _told(evse)


def _told(evse: Evse) -> dict[str, Any]:
    told: dict[str, Any] = {
        "evse": evse.number,
        "connector": evse.connector,
        "pilot": evse.pilot_state(evse.connector) if evse.connector else "A",
        "offer_a": max(evse.offers_a),
        "contactor": "closed" if evse.closed else "open",
        "plug": any(evse.plugs),
        "in_bay": evse.in_bay,
        "locked": evse.locked[max(evse.plugged, 1) - 1],
        "power_w": round(evse.power_w(), 1),
        "energy_wh": round(evse.energy_wh, 1),
        "paused": evse.paused,
        "errors": sorted(evse.errors),
        "contract": evse.contract,
        "ev_certificate": evse.ev_certificate,
        "secc": evse.secc,
        "ocsp": evse.ocsp,
    }
    return {**told, "soc_percent": evse.soc_percent} if evse.connector else told


def _error(method: str, name: str) -> str:
    known = OCPP_NAMES.get(name, name)
    if known not in ERRORS:
        raise ValueError(f'{method}: unknown error "{name}"; {_remedy(name, (*ERRORS, *OCPP_NAMES))}')
    return known


def _checked(method: str, params: dict[str, Any]) -> dict[str, Any]:
    takes = _COMMANDS[method]
    for name in params:
        if name not in takes:
            raise ValueError(f"{method}: unknown param {name}; {_remedy(name, takes)}")
    checked = {}
    for name, param in takes.items():
        value = params.get(name)
        if value is None and param.default is ...:
            raise ValueError(f"{method}: {name} is missing; expected {param.wanted}")
        wrong = not isinstance(value, param.kind) or (isinstance(value, bool) and param.kind is not bool)
        if value is not None and wrong:
            raise ValueError(f"{method}: {name}: expected {param.wanted}, got {value!r}")
        checked[name] = param.default if value is None else value
    return checked


def _remedy(name: str, known: Any) -> str:
    from difflib import get_close_matches  # only who has made a mistake waits for it

    near = get_close_matches(name, known, 1)
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(sorted(known)) or 'none'}"
