"""That the soak finds what it is there to find: growth of some kilobytes a night."""

import random

import pytest

from tests.soak.night import NIGHTS, Night, growth

FLAT = Night(
    day=1, version="2.0.1", visits=45, energy_kwh=200.0, messages=2000, records=1500, starts=3, troubles=20, queued=0,
    dead=0, db_kb=300, wal_kb=4000, files=10, rss_kb=60_000, heap_kb=9000, sqlite_kb=500, objects=19_000, modules=700,
    blocks=197_000, tasks=32, fds=14, threads=3, log_lines=900, leaps=9000, real_s=15.0,
)  # fmt: skip


def nights(heap_kb: list[int]) -> list[Night]:
    return [FLAT._replace(day=day, heap_kb=heap) for day, heap in enumerate(heap_kb, 1)]


def restless(days: int, a_night: int) -> list[int]:
    """A heap that is some kilobytes larger or smaller each night, and grows."""
    chance = random.Random(days)
    return [9000 + day * a_night + chance.choice((-6, 0, 0, 6)) for day in range(days)]


@pytest.mark.parametrize("days", [NIGHTS + 2, 20, 30])
def test_eight_kilobytes_a_night_are_found(days: int) -> None:
    assert "the heap has grown by" in growth(nights(restless(days, 8)))[-1]


@pytest.mark.parametrize("days", [NIGHTS + 2, 20, 30])
def test_a_heap_that_is_restless_is_none_that_grows(days: int) -> None:
    assert growth(nights(restless(days, 0))) == []


def test_a_table_that_doubles_is_none_that_grows() -> None:
    heap = restless(20, 0)
    assert growth(nights([kb + 70 * (day >= 5) + 550 * (day >= 12) for day, kb in enumerate(heap)])) == []


def test_what_another_process_had_does_not_count() -> None:
    before = [night._replace(starts=2) for night in nights(restless(30, 8))]
    assert growth([*before, *nights(restless(20, 0))]) == []


@pytest.mark.parametrize(
    "grown", [{"blocks": 203_000}, {"heap_kb": 10_100}, {"rss_kb": 65_000}, {"sqlite_kb": 1600}], ids=str
)
def test_much_at_once_is_found_on_the_third_night(grown: dict[str, int]) -> None:
    assert len(growth([*nights([9000, 9000]), FLAT._replace(day=3, **grown)])) == 1  # type: ignore[arg-type]
