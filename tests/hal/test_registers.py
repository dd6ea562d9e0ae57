"""What registers mean, and which requests fetch them; the encoder here is independent of the decoder."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.buses.registers import F32, S16, S32, S64, U16, U32, U64, Kind, Register, decode, plan
from hal.drivers.meter_tables import MODELS


def words_of(raw: int, words: int, low_first: bool) -> list[int]:
    """`raw` modulo its width, cut into registers by division."""
    raw %= 2 ** (16 * words)
    low_to_high = []
    for _ in range(words):
        raw, word = divmod(raw, 65536)
        low_to_high.append(word)
    return low_to_high if low_first else low_to_high[::-1]


def ieee754(value: float) -> int:
    """The bits of a finite single, from its mantissa and exponent (IEEE 754, 3.4)."""
    sign = 1 if math.copysign(1.0, value) < 0 else 0
    if value == 0:
        return sign << 31
    mantissa, exponent = math.frexp(abs(value))
    biased = exponent + 126
    if biased < 1:
        return sign << 31 | int(math.ldexp(mantissa, exponent + 149))
    return sign << 31 | biased << 23 | (int(math.ldexp(mantissa, 24)) - 2**23)


@pytest.mark.parametrize("kind", [U16, U32, U64])
@given(data=st.data(), low_first=st.booleans())
def test_unsigned_numbers(kind, data, low_first):
    raw = data.draw(st.integers(0, 2 ** (16 * kind.words) - 1))
    assert decode(kind._replace(low_first=low_first), words_of(raw, kind.words, low_first)) == raw


@pytest.mark.parametrize("kind", [S16, S32, S64])
@given(data=st.data(), low_first=st.booleans())
def test_signed_numbers(kind, data, low_first):
    half = 2 ** (16 * kind.words - 1)
    raw = data.draw(st.integers(-half, half - 1))
    assert decode(kind._replace(low_first=low_first), words_of(raw, kind.words, low_first)) == raw


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False), low_first=st.booleans())
def test_single_floats(value, low_first):
    told = decode(F32._replace(low_first=low_first), words_of(ieee754(value), 2, low_first))
    assert told == value
    assert math.copysign(1.0, told) == math.copysign(1.0, value)


@given(mantissa=st.integers(0, 2**23 - 1), negative=st.booleans())
def test_what_is_no_number_is_none(mantissa, negative):
    assert decode(F32, words_of(negative << 31 | 0xFF << 23 | mantissa, 2, False)) is None


@given(words=st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4), low_first=st.booleans())
def test_double_floats_are_finite_or_none(words, low_first):
    told = decode(Kind(4, real=True, low_first=low_first), words)
    assert told is None or math.isfinite(told)


def test_double_floats():
    assert decode(Kind(4, real=True), (0x40FE, 0x2408, 0x0000, 0x0000)) == 123456.5


@pytest.mark.parametrize("kind", [U16, S16, U32, S32, U64, S64])
@given(data=st.data(), low_first=st.booleans())
def test_only_the_value_for_not_available_is_none(kind, data, low_first):
    bits = st.integers(0, 2 ** (16 * kind.words) - 1)
    missing, raw = data.draw(bits), data.draw(bits)
    kind = kind._replace(missing=missing, low_first=low_first)
    assert decode(kind, words_of(missing, kind.words, low_first)) is None
    assert (decode(kind, words_of(raw, kind.words, low_first)) is None) == (raw == missing)


def test_text_loses_its_padding():
    assert decode(Kind(3, text=True), (0x4232, 0x3320, 0x0000)) == "B23"


def test_scaling_leaves_no_dust():
    (block,) = plan((Register("voltage_v", 0, U16, 0.1, phase=1),), 10)
    assert block.values((2301,)) == {("voltage_v", 1): 230.1}


@given(
    addresses=st.lists(st.integers(0, 200), max_size=40),
    kinds=st.lists(st.sampled_from([U16, U32, U64]), min_size=40, max_size=40),
    optional=st.lists(st.booleans(), min_size=40, max_size=40),
    most=st.integers(4, 125),
)
def test_a_plan_reads_everything_and_nothing_else(addresses, kinds, optional, most):
    table = [Register(f"r{n}", a, kinds[n], optional=optional[n]) for n, a in enumerate(addresses)]
    blocks = plan(table, most)
    assert sorted(r.target for block in blocks for r in block.registers) == sorted(r.target for r in table)
    for block in blocks:
        assert 1 <= block.size <= most
        covered = {a for r in block.registers for a in range(r.address, r.address + r.kind.words)}
        assert covered == set(range(block.address, block.address + block.size))
        assert {r.optional for r in block.registers} == {block.optional}


def test_functions_are_not_mixed_in_one_request():
    assert len(plan((Register("a", 0, U16, function=3), Register("b", 1, U16, function=4)), 10)) == 2


@pytest.mark.parametrize("name", MODELS)
def test_a_table_names_every_quantity_once_and_fits_its_limit(name):
    model = MODELS[name]
    named = [(r.target, r.phase) for r in model.registers if r.target]
    assert len(named) == len(set(named))
    assert {("energy_import_wh", 0), ("power_w", 0)} <= set(named)
    assert all(block.size <= model.max_registers for block in plan(model.registers, model.max_registers))
    assert not any(r.optional for r in model.registers if r.target in ("energy_import_wh", "power_w"))


def test_the_blocks_of_an_sdm630_differ_in_length():
    """So that even an answer that comes after all patience is not taken for another."""
    sizes = [block.size for block in plan(MODELS["sdm630"].registers, 80)]
    assert len(sizes) == len(set(sizes))
