"""The frames of InfyPower REG/CEG/LRG modules, protocol V1.13: identifiers, payloads, status flags. No bus here.

CAN 2.0B, 125 kbit/s, 29-bit identifiers, 8 data bytes, big-endian. Source: EVerest's InfyPower driver
(github.com/EVerest/EVerest) and public Python tools for the REG1K0100A2, which agree.

An identifier: bits 28-26 error code, 25-22 device, 21-16 command, 15-8 destination, 7-0 source.
A reply swaps source and destination: 028300F0 asks module 0 for volts and amperes, 0283F000 is its answer.
"""

import math
import struct
from typing import NamedTuple

CONTROLLER = 0xF0
LAST_ADDRESS = 0x3E
"""also of a group; 0x3F is broadcast, which is not used: on a shared bus it would reach a neighbour's modules"""

ONE = 0x0A
GROUP = 0x0B

READ_OUTPUT = 0x03
READ_STATUS = 0x04
READ_RATING = 0x0A
READ_AVAILABLE = 0x0C
SWITCH = 0x1A
SET_POINT = 0x1C

OK = 0
COMMAND_INVALID = 2
STARTING = 7
ERRORS = {COMMAND_INVALID: "command invalid", 3: "data invalid", STARTING: "starting"}

NOTHING = bytes(8)
ON = bytes(8)
OFF = bytes([1, 0, 0, 0, 0, 0, 0, 0])

# Modules talk among themselves to 0xF8 and up; identifier and mask.
_INTERNAL, _INTERNAL_MASK = 0x0757F800, 0x1FFFF800


class Identifier(NamedTuple):
    command: int
    destination: int
    source: int = CONTROLLER
    device: int = ONE
    error: int = OK

    def encode(self) -> int:
        return self.error << 26 | self.device << 22 | self.command << 16 | self.destination << 8 | self.source


def decode_identifier(value: int) -> Identifier | None:
    """None for what is not of this protocol, and for the modules' internal frames."""
    if value & _INTERNAL_MASK == _INTERNAL or value >> 22 & 0xF not in (ONE, GROUP):
        return None
    return Identifier(value >> 16 & 0x3F, value >> 8 & 0xFF, value & 0xFF, value >> 22 & 0xF, value >> 26 & 7)


class Output(NamedTuple):
    voltage_v: float
    current_a: float


class Rating(NamedTuple):
    max_voltage_v: float
    min_voltage_v: float
    max_current_a: float
    max_power_w: float


class Status(NamedTuple):
    group: int
    temperature_c: int
    off: bool
    faults: tuple[str, ...]


def decode_output(data: bytes) -> Output | None:
    """V and A at the output; None when the module sends no finite numbers."""
    output = Output(*struct.unpack(">ff", data))
    return output if all(map(math.isfinite, output)) else None


def decode_rating(data: bytes) -> Rating:
    high_v, low_v, deci_a, deca_w = struct.unpack(">4H", data)
    return Rating(high_v, low_v, deci_a / 10, deca_w * 10)


def decode_available(data: bytes) -> float:
    """A the module can give now. The voltage behind the diode, before it, is not used."""
    deci_a: int = struct.unpack(">2xH4x", data)[0]
    return deci_a / 10


def encode_set_point(voltage_v: float, current_a: float) -> bytes:
    return struct.pack(">II", round(voltage_v * 1000), round(current_a * 1000))


# (byte, bit): what a person reads. Bits that only describe a state (off, sleeping, PFC off, walk-in, power limited,
# communication interrupted) are no faults: the last one is set by any pause of 10 s while the supply is off.
FAULTS = {
    (7, 0): "over-current (output short)",
    (7, 5): "internal fault (discharge)",
    (6, 1): "internal fault",
    (6, 2): "internal fault (protection)",
    (6, 3): "fan fault",
    (6, 4): "over-temperature",
    (6, 5): "output over-voltage",
    (5, 1): "address used twice",
    (5, 2): "internal fault (load sharing)",
    (5, 3): "input phase lost",
    (5, 4): "input unbalanced",
    (5, 5): "input under-voltage",
    (5, 6): "input over-voltage",
}


def decode_status(data: bytes) -> Status:
    faults = tuple(text for (byte, bit), text in FAULTS.items() if data[byte] >> bit & 1)
    off = bool(data[6] & 1 or data[7] & 0x10)  # DC side off, or sleeping
    return Status(data[2], int.from_bytes(data[4:5], signed=True), off, faults)
