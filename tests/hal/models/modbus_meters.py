"""Energy meters of several makes, written from the makers' register lists, independent of the driver's tables.

with Sdm630(unit=1) as meter:                     # or Sdm630(tcp=True): meter.host, meter.tcp_port
    meter.set(power_w=6900.0, energy_wh=1234567.0)
    ... open meter.port ...
    meter.faults.silent = True
"""

import math
import struct

from tests.hal.models.modbus_device import READ_FUNCTIONS, ModbusMeter, Three


class Sdm630(ModbusMeter):
    """Eastron SDM630 v2: input registers, float32, kWh. Registers between the listed ones are not there."""

    max_registers = 80

    def factory_state(self) -> None:
        super().factory_state()
        for address in (0x18, 0x1A, 0x1C, 0x1E, 0x20, 0x22, 0x3C, 0x156):
            self._float(address, 0.0)
        self.raw(3, 0xFC00, *struct.unpack(">HH", struct.pack(">I", 21370042)))

    def _float(self, address: int, value: float | None) -> None:
        self.raw(4, address, *struct.unpack(">HH", struct.pack(">f", math.nan if value is None else value)))

    def _put_power_w(self, value: float | None) -> None:
        self._float(0x34, value)

    def _put_energy_wh(self, value: float | None) -> None:
        self._float(0x48, None if value is None else value / 1000)

    def _put_export_wh(self, value: float | None) -> None:
        self._float(0x4A, None if value is None else value / 1000)

    def _put_frequency_hz(self, value: float | None) -> None:
        self._float(0x46, value)

    def _put_power_factor(self, value: float | None) -> None:
        self._float(0x3E, value)

    def _put_voltage_v(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._float(2 * n, value)

    def _put_current_a(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._float(6 + 2 * n, value)

    def _put_power_phases_w(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._float(12 + 2 * n, value)


class Sdm72(Sdm630):
    """Accepts ten registers a request; the first version knows only the totals."""

    max_registers = 10

    def __init__(self, unit: int = 1, *, totals_only: bool = False, tcp: bool = False) -> None:
        self._totals_only = totals_only
        super().__init__(unit, tcp=tcp)

    def factory_state(self) -> None:
        super().factory_state()
        if self._totals_only:
            there = {*range(0x34, 0x36), *range(0x48, 0x4C), *range(0x156, 0x158)}
            self._words = {(f, a): word for (f, a), word in self._words.items() if f == 3 or a in there}


class Sdm120(Sdm630):
    """One phase: only the first of three values is there, and the power is that of L1."""

    def factory_state(self) -> None:
        super().factory_state()
        there = {0x00, 0x06, 0x0C, 0x12, 0x18, 0x1E, 0x46, 0x48, 0x4A, 0x156}
        self._words = {(f, a): word for (f, a), word in self._words.items() if f == 3 or a & ~1 in there}

    def _put_power_w(self, value: float | None) -> None:
        self._float(0x0C, value)

    def _put_power_factor(self, value: float | None) -> None:
        self._float(0x1E, value)

    def _put_voltage_v(self, three: Three) -> None:
        self._float(0x00, three[0])

    def _put_current_a(self, three: Three) -> None:
        self._float(0x06, three[0])

    def _put_power_phases_w(self, three: Three) -> None:
        """The meter has no other power than the total."""


class AbbB23(ModbusMeter):
    """ABB B23: holding registers, integers; a value with all bits set (signed: the largest) is "not available"."""

    model = b"B23 "

    def factory_state(self) -> None:
        super().factory_state()
        self.raw(3, 0x8900, *struct.unpack(">HH", struct.pack(">I", 987654)))
        self.raw(3, 0x8960, *struct.unpack(">HH", self.model), 0x3131, 0x322D, 0x3130, 0x3000)

    def _unsigned(self, address: int, words: int, value: float | None, unit: float) -> None:
        self._integer(address, words, (1 << 16 * words) - 1 if value is None else round(value / unit))

    def _signed(self, address: int, words: int, value: float | None, unit: float) -> None:
        self._integer(address, words, (1 << 16 * words - 1) - 1 if value is None else round(value / unit))

    def _integer(self, address: int, words: int, value: int) -> None:
        self.raw(3, address, *(value >> 16 * (words - 1 - n) for n in range(words)))

    def _put_power_w(self, value: float | None) -> None:
        self._signed(0x5B14, 2, value, 0.01)

    def _put_energy_wh(self, value: float | None) -> None:
        self._unsigned(0x5000, 4, value, 10)

    def _put_export_wh(self, value: float | None) -> None:
        self._unsigned(0x5004, 4, value, 10)

    def _put_frequency_hz(self, value: float | None) -> None:
        self._unsigned(0x5B2C, 1, value, 0.01)

    def _put_power_factor(self, value: float | None) -> None:
        self._signed(0x5B3A, 1, value, 0.001)

    def _put_voltage_v(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._unsigned(0x5B00 + 2 * n, 2, value, 0.1)

    def _put_current_a(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._unsigned(0x5B0C + 2 * n, 2, value, 0.01)

    def _put_power_phases_w(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._signed(0x5B16 + 2 * n, 2, value, 0.01)


class Em340(ModbusMeter):
    """Carlo Gavazzi EM340: function 3 and 4 alike, 32 bit integers with the low register first, 0x7FFFFFFF on error."""

    max_registers = 11
    code = 340

    def factory_state(self) -> None:
        super().factory_state()
        for address in (0x2E, 0x2F, 0x30, 0x32):
            self._both(address, 0)
        self._both(0x0B, self.code)
        self._both(0x5000, *struct.unpack(">7H", b"KX1234567890Z\0"))

    def _both(self, address: int, *words: int) -> None:
        for function in READ_FUNCTIONS:
            self.raw(function, address, *words)

    def _complaint(self, function: int, address: int, size: int) -> int:
        if address <= 0x0B < address + size and size > 1:
            return 2  # the identification code is to be read alone
        return super()._complaint(function, address, size)

    def _long(self, address: int, value: float | None, unit: float) -> None:
        raw = 0x7FFFFFFF if value is None else round(value / unit)
        self._both(address, raw, raw >> 16)

    def _put_power_w(self, value: float | None) -> None:
        self._long(0x28, value, 0.1)

    def _put_energy_wh(self, value: float | None) -> None:
        self._long(0x34, value, 100)

    def _put_export_wh(self, value: float | None) -> None:
        self._long(0x4E, value, 100)

    def _put_frequency_hz(self, value: float | None) -> None:
        self._both(0x33, round((value or 0) / 0.1))

    def _put_power_factor(self, value: float | None) -> None:
        self._both(0x31, 0x7FFF if value is None else round(value / 0.001))

    def _put_voltage_v(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._long(2 * n, value, 0.1)

    def _put_current_a(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._long(0x0C + 2 * n, value, 0.001)

    def _put_power_phases_w(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._long(0x12 + 2 * n, value, 0.1)


class Iem3155(ModbusMeter):
    """Schneider iEM3155: holding registers, float32 with powers in kW, energy as signed 64 bit in Wh."""

    max_registers = 60

    def _float(self, address: int, value: float | None) -> None:
        self.raw(3, address, *struct.unpack(">HH", struct.pack(">f", math.nan if value is None else value)))

    def _long(self, address: int, value: float | None) -> None:
        raw = -(1 << 63) if value is None else round(value)
        self.raw(3, address, *struct.unpack(">4H", struct.pack(">q", raw)))

    def _put_power_w(self, value: float | None) -> None:
        self._float(0x0BF3, None if value is None else value / 1000)

    def _put_energy_wh(self, value: float | None) -> None:
        self._long(0x0C83, value)

    def _put_export_wh(self, value: float | None) -> None:
        self._long(0x0C87, value)

    def _put_frequency_hz(self, value: float | None) -> None:
        self._float(0x0C25, value)

    def _put_power_factor(self, value: float | None) -> None:
        self._float(0x0C0B, value)

    def _put_voltage_v(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._float(0x0BD3 + 2 * n, value)

    def _put_current_a(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._float(0x0BB7 + 2 * n, value)

    def _put_power_phases_w(self, three: Three) -> None:
        for n, value in enumerate(three):
            self._float(0x0BED + 2 * n, None if value is None else value / 1000)
