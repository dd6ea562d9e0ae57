"""The energy meters that `modbus-meter` knows: one line a quantity, in W, Wh, V, A, Hz.

Sources, of which at least two agree on every line that is not marked: the makers' Modbus descriptions as implemented by
volkszaehler/mbmd, EVerest, openWB, OpenEMS, SmartEVSE-3, victronenergy/dbus-modbus-client. `one source` says where not.

A meter's late answer can only be taken for that to another request when both are of one length (RTU answers carry no
number). The bus waits after each silence, and where it costs nothing the tables make the lengths differ as well.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from hal.buses.registers import F32, S16, S32, S64, U16, U32, U64, Kind, Register
from hal.buses.serial import Parity

ModelName = Literal["sdm630", "sdm72", "sdm120", "sdm230", "abb-b23", "em340", "iem3155"]
KW = KWH = 1000


class Identity(NamedTuple):
    """Where a meter says what it is."""

    register: Register
    accepted: frozenset[str]
    """the value as text"""


class Model(NamedTuple):
    make: str
    registers: tuple[Register, ...]
    max_registers: int
    """in one request"""
    baud: int
    parity: Parity
    gap_s: float
    """silence on the bus between an answer and the next request"""
    serial_number: Register | None = None
    identity: Identity | None = None


def _phases(
    target: str, address: int, kind: Kind, scale: float = 1, function: int = 4, optional: bool = False
) -> Iterator[Register]:
    """L1, L2, L3 at consecutive addresses."""
    for n in range(3):
        yield Register(target, address + n * kind.words, kind, scale, n + 1, function, optional)


# --- Eastron SDM: function 4, float32, most significant register first, energy in kWh ---------------------------------


def _eastron_three_phase(optional: bool) -> tuple[Register, ...]:
    return (
        *_phases("voltage_v", 0x0000, F32, optional=optional),
        *_phases("current_a", 0x0006, F32, optional=optional),
        *_phases("power_phases_w", 0x000C, F32, optional=optional),
        Register("power_w", 0x0034, F32),
        Register("", 0x003C, F32, optional=optional),  # total reactive power
        Register("power_factor", 0x003E, F32, optional=optional),
        Register("frequency_hz", 0x0046, F32, optional=optional),
        Register("energy_import_wh", 0x0048, F32, KWH),
        Register("energy_export_wh", 0x004A, F32, KWH),
    )


_EASTRON_ONE_PHASE = (
    Register("voltage_v", 0x0000, F32, phase=1),
    Register("current_a", 0x0006, F32, phase=1),
    Register("power_w", 0x000C, F32),
    Register("power_phases_w", 0x000C, F32, phase=1),
    Register("power_factor", 0x001E, F32),
    Register("frequency_hz", 0x0046, F32),
    Register("energy_import_wh", 0x0048, F32, KWH),
    Register("energy_export_wh", 0x004A, F32, KWH),
)
_EASTRON_SERIAL = Register("serial", 0xFC00, U32, function=3)  # one source

_SDM630 = Model(
    make="Eastron SDM630",
    registers=_eastron_three_phase(optional=False),
    max_registers=80,
    baud=9600,
    parity="N",
    gap_s=0.02,
    serial_number=_EASTRON_SERIAL,
)
# The first SDM72D-M has the totals only. The manual allows 80 registers a request; some take only about 10.
_SDM72 = _SDM630._replace(
    make="Eastron SDM72", registers=_eastron_three_phase(optional=True), max_registers=10, gap_s=0.1
)
_SDM120 = Model(
    make="Eastron SDM120",
    registers=_EASTRON_ONE_PHASE,
    max_registers=80,
    baud=2400,
    parity="N",
    gap_s=0.05,
    serial_number=_EASTRON_SERIAL,
)
# Sold with 2400 8E1 as well as 9600 8N1.
_SDM230 = _SDM120._replace(make="Eastron SDM230", baud=9600)


# --- ABB B21, B23, B24, A43, A44, EV3: function 3, integers with a value for "not available" --------------------------

_ABB_U16, _ABB_S16 = U16._replace(missing=0xFFFF), S16._replace(missing=0x7FFF)
_ABB_U32, _ABB_S32 = U32._replace(missing=0xFFFF_FFFF), S32._replace(missing=0x7FFF_FFFF)
_ABB_U64 = U64._replace(missing=0xFFFF_FFFF_FFFF_FFFF)

_ABB = Model(
    make="ABB A and B series",
    registers=(
        Register("energy_import_wh", 0x5000, _ABB_U64, 10, function=3),
        Register("energy_export_wh", 0x5004, _ABB_U64, 10, function=3),
        *_phases("voltage_v", 0x5B00, _ABB_U32, 0.1, function=3),
        *_phases("current_a", 0x5B0C, _ABB_U32, 0.01, function=3),
        Register("power_w", 0x5B14, _ABB_S32, 0.01, function=3),
        *_phases("power_phases_w", 0x5B16, _ABB_S32, 0.01, function=3),
        Register("frequency_hz", 0x5B2C, _ABB_U16, 0.01, function=3),
        Register("power_factor", 0x5B3A, _ABB_S16, 0.001, function=3, optional=True),
    ),
    max_registers=125,
    baud=9600,
    parity="E",
    gap_s=0.1,
    serial_number=Register("serial", 0x8900, U32, function=3),
    identity=Identity(
        Register("model", 0x8960, Kind(2, text=True), function=3), frozenset({"B21", "B23", "B24", "A43", "A44", "EV3"})
    ),
)


# --- Carlo Gavazzi EM330, EM340, ET340, EM530, EM540, EM24 Ethernet: function 4, least significant register first -----

_CG_S32 = S32._replace(low_first=True, missing=0x7FFF_FFFF)  # the display shows EEE
_CG_S16 = S16._replace(missing=0x7FFF)
_CG_CODES = (331, 332, 335, 336, 340, 341, 345, 346, 355, *range(1648, 1654), *range(1744, 1764))

_EM340 = Model(
    make="Carlo Gavazzi EM330, EM340, ET340, EM530, EM540",
    registers=(
        *_phases("voltage_v", 0x0000, _CG_S32, 0.1),
        *_phases("current_a", 0x000C, _CG_S32, 0.001),
        *_phases("power_phases_w", 0x0012, _CG_S32, 0.1),
        Register("power_w", 0x0028, _CG_S32, 0.1),
        *_phases("", 0x002E, _CG_S16),  # the phases' power factors
        Register("power_factor", 0x0031, _CG_S16, 0.001),
        Register("", 0x0032, S16),  # phase sequence
        Register("frequency_hz", 0x0033, U16, 0.1),
        Register("energy_import_wh", 0x0034, _CG_S32, 100),
        Register("energy_export_wh", 0x004E, _CG_S32, 100, optional=True),
    ),
    max_registers=11,  # what the Phoenix Contact EEM-350-D-MCB, the same meter, accepts
    baud=9600,
    parity="N",
    gap_s=0.02,
    serial_number=Register("serial", 0x5000, Kind(7, text=True)),
    # To be read alone. 1744 to 1763 (EM530, EM540): one source.
    identity=Identity(Register("model", 0x000B, U16), frozenset(str(code) for code in _CG_CODES)),
)


# --- Schneider iEM3155, iEM3255, iEM3355: function 3, float32 and s64 (manual DOCA0005EN prints address + 1) ----------

_IEM_S64 = S64._replace(missing=0x8000_0000_0000_0000)

# The power factor is left out: its coding in four quadrants is not the plain number of the other meters.
_IEM3155 = Model(
    make="Schneider iEM3155",
    registers=(
        *_phases("current_a", 0x0BB7, F32, function=3),
        *_phases("voltage_v", 0x0BD3, F32, function=3),
        *_phases("power_phases_w", 0x0BED, F32, KW, function=3),
        Register("power_w", 0x0BF3, F32, KW, function=3),
        Register("frequency_hz", 0x0C25, F32, function=3),
        Register("energy_import_wh", 0x0C83, _IEM_S64, function=3),
        Register("energy_export_wh", 0x0C87, _IEM_S64, function=3, optional=True),  # iEM3x50 has none
    ),
    max_registers=60,
    baud=19200,
    parity="E",
    gap_s=0.02,
)

MODELS: dict[ModelName, Model] = {
    "sdm630": _SDM630,
    "sdm72": _SDM72,
    "sdm120": _SDM120,
    "sdm230": _SDM230,
    "abb-b23": _ABB,
    "em340": _EM340,
    "iem3155": _IEM3155,
}
