"""Modbus registers as data: what a register holds, and which requests fetch a whole table of them.

    U32 = Kind(2, signed=False)
    rows = (Register("voltage_v", 0x5B00, U32, 0.1, phase=1), Register("frequency_hz", 0x5B2C, Kind(1), 0.01))
    for block in plan(rows, max_registers=125):
        words = ...  # block.size registers from block.address, by function block.function
        values = block.values(words)

Addresses are those in the request (counted from zero), not the 30001/40001 of the manuals. Bytes inside a register
are always big-endian (Modbus Application Protocol 1.1b3, 4.2); the order of the registers of one value is the
maker's choice.
"""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Value = float | str | None
"""None: the device says that it does not know"""


class Kind(NamedTuple):
    """How a value lies in its registers."""

    words: int
    signed: bool = False
    real: bool = False
    """IEEE 754, of 2 or 4 registers"""
    text: bool = False
    """ASCII, two characters a register, filled up with blanks or zeros"""
    low_first: bool = False
    """the least significant register comes first"""
    missing: int | None = None
    """the bits that mean "not available", seen as an unsigned number"""


U16, S16 = Kind(1), Kind(1, signed=True)
U32, S32 = Kind(2), Kind(2, signed=True)
U64, S64 = Kind(4), Kind(4, signed=True)
F32 = Kind(2, real=True)
_REALS = {2: ">f", 4: ">d"}


def decode(kind: Kind, words: Sequence[int]) -> Value:
    """The value in `words`, unscaled. None for "not available", NaN and the infinities."""
    data = struct.pack(f">{kind.words}H", *(reversed(words) if kind.low_first else words))
    if kind.text:
        return data.decode("ascii", "replace").strip(" \0")
    if kind.missing is not None and int.from_bytes(data, "big") == kind.missing:
        return None
    if not kind.real:
        return int.from_bytes(data, "big", signed=kind.signed)
    value: float = struct.unpack(_REALS[kind.words], data)[0]
    return value if math.isfinite(value) else None


class Register(NamedTuple):
    """One line of a table."""

    target: str
    """what it tells, for the driver; empty: not used, there only to join its neighbours in one request"""
    address: int
    kind: Kind
    scale: float = 1
    """value = raw * scale, in the unit of the target"""
    phase: int = 0
    """1, 2, 3 for L1 to L3; 0 for a total"""
    function: int = 4
    """3 reads holding registers, 4 input registers"""
    optional: bool = False
    """some devices of the model refuse it (exception 2)"""

    @property
    def end(self) -> int:
        return self.address + self.kind.words


class Block(NamedTuple):
    """One request and the registers it brings."""

    function: int
    address: int
    size: int
    optional: bool
    registers: tuple[Register, ...]

    def values(self, words: Sequence[int]) -> Mapping[tuple[str, int], Value]:
        """Scaled, by target and phase. `words` are the `size` registers from `address`."""
        return {(r.target, r.phase): self._scaled(r, words) for r in self.registers if r.target}

    def _scaled(self, register: Register, words: Sequence[int]) -> Value:
        at = register.address - self.address
        value = decode(register.kind, words[at : at + register.kind.words])
        # Nine decimals are finer than any meter and take away what 0.1 leaves behind: 2301 * 0.1 = 230.10000000000002.
        return value if value is None or isinstance(value, str) else round(value * register.scale, 9)


def plan(registers: Iterable[Register], max_registers: int) -> tuple[Block, ...]:
    """The fewest requests that read `registers` without asking for an address that is not in the table.

    Devices refuse a whole request (exception 2) when one of its registers does not exist. So no gap is crossed, and a
    register that may be refused does not share a request with one that must be there.
    """
    blocks: list[Block] = []
    for register in sorted(registers, key=lambda r: (r.function, r.optional, r.address)):
        if blocks and _joins(blocks[-1], register, max_registers):
            blocks[-1] = _joined(blocks[-1], register)
        else:
            blocks.append(
                Block(register.function, register.address, register.kind.words, register.optional, (register,))
            )
    return tuple(blocks)


def _joins(block: Block, register: Register, max_registers: int) -> bool:
    return (
        (block.function, block.optional) == (register.function, register.optional)
        and register.address <= block.address + block.size
        and register.end - block.address <= max_registers
    )


def _joined(block: Block, register: Register) -> Block:
    size = max(block.size, register.end - block.address)
    return block._replace(size=size, registers=(*block.registers, register))
