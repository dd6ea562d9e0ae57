"""One simulated EVSE and the car at it: facts, and what flows. Pure: the time comes in as an argument.

A car asks for energy `reaction_s` after it is allowed to, and no longer when it is paused, full or not offered
anything. Between two changes the power is constant, so the register is exact whenever somebody looks; nothing ticks.
"""

from math import inf

from hal.drivers.simulator.config import Config
from hal.readings import MeterReading, Phases, PilotReading, PilotState, VehicleReading

TRIPS = {
    "ground_fault": "ground fault",
    "over_current": "over current",
    "over_temperature": "over temperature",
    "emergency_stop": "emergency stop",
}
"""what makes the board itself cut the power, and keep it cut"""
FAULTS = {**TRIPS, "stuck_relay": "stuck relay"}
LEAST_OFFER_A = 6.0  # IEC 61851-1, Annex A: no duty cycle says less


class Evse:
    def __init__(self, number: int, config: Config, now: float) -> None:
        self.number = number
        self.config = config
        self.errors: set[str] = set()
        self.connector = 0
        """where a car is plugged in, 0 for nowhere"""
        self.plugs = [False] * config.connectors
        """which sockets hold a plug, a car at its other end or not; a fixed cable is none"""
        self.in_bay = False
        self.passing = False
        """the car came only to be plugged in, and leaves when it is unplugged"""
        self.locked = [False] * config.connectors
        self.shut = [False] * config.connectors
        """a bolt that came out before there was a plug keeps every plug out"""
        self.offers_a = [0.0] * config.connectors
        self.phases = config.phases
        """in use: a switch may lead fewer to the car than there are"""
        self.closed = False
        self.paused = False
        self.presented = False
        self.stopped = False
        self.asking = False
        self.supply_on = False
        self.set_voltage_v = 0.0
        self.set_current_a = 0.0
        self.energy_wh = 0.0
        self.still_wh = 0.0
        """what a register shows that does not count any longer"""
        self.stored_wh = 0.0
        self.contract = ""
        """what the station said to the contract the car showed last: accepted, refused"""
        self.secc = ""
        """SHA-256 of the certificate by which the car knows the station"""
        self.ocsp = 0
        """OCSP responses that come with it"""
        self.ev_certificate = ""
        """what the car was given when it asked for a contract certificate"""
        self._ask_at = inf
        self._at = now

    # -- what people and the station do; `settle` follows each ---------------------------------------------------------

    def plug_in(self, connector: int) -> None:
        self.passing = not self.in_bay
        self.connector, self.in_bay = connector, True
        self.plugs[connector - 1] = not self.cable_fixed
        self.paused = self.stopped = self.presented = False
        self.stored_wh = self.config.battery_wh * self.config.soc_percent / 100

    def plug_out(self) -> None:
        """The car is unplugged, and the cable pulled out of the socket."""
        self.plugs = [False] * self.config.connectors
        self.in_bay = self.in_bay and not self.passing
        self.leave()

    def leave(self) -> None:
        """The car is unplugged at its own end."""
        self.connector, self.presented = 0, False
        self.contract = self.ev_certificate = ""

    def offer(self, connector: int, limit_a: float) -> None:
        if not self.offers_a[connector - 1]:
            self.stopped = False
        self.offers_a[connector - 1] = limit_a

    def close(self) -> None:
        self.stopped = self.stopped and self.closed
        self.closed = True

    def open(self) -> None:
        self.closed = self.closed and "stuck_relay" in self.errors

    def reset(self) -> None:
        """As the hardware stands when the driver comes to it: nothing offered, nothing closed."""
        self.offers_a = [0.0] * self.config.connectors
        self.presented = self.supply_on = False
        self.open()

    # -- time ----------------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Let the time until `now` pass."""
        while (due := self.due_at()) <= now:
            self._flow(due)
            if self._ask_at <= due:
                self.asking, self._ask_at = True, inf
            self._decide(due)
        self._flow(now)

    def settle(self, now: float) -> None:
        """What follows at once from changed facts."""
        if self.trip:
            self.open()
            self.supply_on = False
        self._decide(now)

    def due_at(self) -> float:
        """When something happens by itself: the car asks, a DC car's state of charge changes, the battery is full."""
        power_w = self.power_w()
        if power_w <= 0:
            return self._ask_at
        return min(self._ask_at, self._at + max(self._step_wh() * 3600 / power_w, 0.001))

    def _step_wh(self) -> float:
        """Wh until the next whole percent (DC), or until full (AC, where nobody is told of percents)."""
        config = self.config
        if config.supply == "AC":
            return config.battery_wh - self.stored_wh
        return config.battery_wh * (self.soc_percent + 1) / 100 - self.stored_wh

    def _flow(self, now: float) -> None:
        flown_wh = self.power_w() * (now - self._at) / 3600
        self.energy_wh += flown_wh
        self.stored_wh = min(self.stored_wh + flown_wh, self.config.battery_wh)
        self._at = now

    def _decide(self, now: float) -> None:
        if not (self._allowed() and not self.paused and not self.full):
            self.asking, self._ask_at = False, inf
        elif not self.asking and self._ask_at == inf:
            self._ask_at = now + self.config.reaction_s

    def _allowed(self) -> bool:
        if not self.connector or self.stopped or "pilot_fault" in self.errors:
            return False
        offered = self.offers_a[self.connector - 1] >= LEAST_OFFER_A
        return offered or (self.config.supply == "DC" and (self.presented or self.closed))

    # -- what is true --------------------------------------------------------------------------------------------------

    @property
    def trip(self) -> str:
        """Why the board cuts the power, empty when it does not."""
        return next((text for error, text in TRIPS.items() if error in self.errors), "")

    @property
    def cable_fixed(self) -> bool:
        return self.config.fixed_cable or self.config.supply == "DC"

    @property
    def plugged(self) -> int:
        """The connector a plug or a car is at; 0 for none."""
        return self.connector or next((n for n, there in enumerate(self.plugs, 1) if there), 0)

    @property
    def full(self) -> bool:
        return self.stored_wh >= self.config.battery_wh - 1e-6

    @property
    def soc_percent(self) -> int:
        return int(self.stored_wh / self.config.battery_wh * 100 + 1e-9)

    def car_current_a(self) -> float:
        """A (per phase), what the car takes of a supply without limit."""
        config = self.config
        if config.supply == "DC":
            return (50_000.0 if config.car_power_w is None else config.car_power_w) / config.car_voltage_v
        by_power = inf if config.car_power_w is None else config.car_power_w / (self.phases * config.voltage_v)
        return min(config.car_current_a, by_power)

    def current_a(self) -> float:
        """A (per phase) that flow now."""
        config = self.config
        if not (self.closed and self.asking and self.connector):
            return 0.0
        if config.supply == "DC":
            by_power = config.dc_max_power_w / max(self.set_voltage_v, 1.0)
            return min(self.set_current_a, self.car_current_a(), by_power) if self.supply_on else 0.0
        cable_a = inf if config.cable_limit_a is None else config.cable_limit_a
        return min(self.offers_a[self.connector - 1], self.car_current_a(), cable_a, config.max_current_a)

    def power_w(self) -> float:
        if self.config.supply == "DC":
            return self.current_a() * self.set_voltage_v
        return self.current_a() * self.phases * self.config.voltage_v

    def grid_a(self) -> tuple[float, float, float]:
        """A by phase, what it takes of the grid."""
        amps = self.current_a()
        if self.config.supply == "DC":
            amps = self.power_w() / (3 * self.config.voltage_v)
        return (amps, amps, amps) if self.config.supply == "DC" or self.phases == 3 else (amps, 0.0, 0.0)

    def pilot_state(self, connector: int) -> PilotState:
        if "pilot_fault" in self.errors:
            return "E"
        if self.connector != connector:
            return "A"
        return "C" if self.asking else "B"

    # -- readings of `now`, which the time has reached -----------------------------------------------------------------

    def pilot(self, connector: int, now: float) -> PilotReading:
        plug = None if self.cable_fixed else self.plugs[connector - 1]
        cable_a = self.config.cable_limit_a if plug and self.connector == connector else None
        fault = next((text for error, text in FAULTS.items() if error in self.errors), "")
        return PilotReading(now, self.pilot_state(connector), cable_a, self.closed, fault, plug)

    def meter(self, now: float) -> MeterReading:
        current_a, power_w = round(self.current_a(), 3), round(self.power_w(), 1)
        energy_wh, config = round(self._shown_wh(), 1), self.config
        if config.supply == "DC":
            voltage_v = self.set_voltage_v if self.supply_on else 0.0
            return MeterReading(
                now, energy_wh, power_w=power_w, current_a=(current_a, None, None), voltage_v=(voltage_v, None, None)
            )
        return MeterReading(
            now,
            energy_wh,
            power_w=power_w,
            current_a=self._used(current_a),
            voltage_v=self._there(config.voltage_v),
            power_phases_w=self._used(round(power_w / self.phases, 1)),
            frequency_hz=config.frequency_hz,
            power_factor=1.0,
        )

    def _shown_wh(self) -> float:
        energy_wh = self.still_wh if "meter_still" in self.errors else self.energy_wh
        wraps_at = self.config.wraps_at_kwh
        return energy_wh if wraps_at is None else energy_wh % (wraps_at * 1000)

    def _there(self, value: float) -> Phases:
        return (value, value, value) if self.config.phases == 3 else (value, None, None)

    def _used(self, value: float) -> Phases:
        """Nothing flows in those that are not in use."""
        return self._there(value) if self.phases == self.config.phases else (value, 0.0, 0.0)

    def vehicle(self, now: float) -> VehicleReading:
        if not self.connector:
            return VehicleReading(now, connected=False)
        return VehicleReading(
            now,
            connected=True,
            wants_energy=self.asking,
            target_voltage_v=self.config.car_voltage_v,
            target_current_a=round(min(self.car_current_a(), self.config.dc_max_current_a), 1),
            soc_percent=float(self.soc_percent),
            mac=f"02000000{self.number:04X}",
        )
