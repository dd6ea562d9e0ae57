"""That the soak finds what it is there to find: growth of some kilobytes a night."""

import pytest

from tests.soak.night import NIGHTS, WARM, Night, growth

FLAT = Night(
    day=1, version="2.0.1", visits=45, energy_kwh=200.0, messages=2000, records=1500, starts=3, troubles=20, queued=0,
    dead=0, db_kb=300, wal_kb=4000, files=10, rss_kb=60_000, heap_kb=9000, sqlite_kb=500, objects=19_000, modules=700,
    blocks=197_000, tasks=32, fds=14, threads=3, log_lines=900, leaps=9000, real_s=15.0,
)  # fmt: skip


HEAP = (
    9442, 9442, 9442, 9441, 9466, 9451, 9446, 9530, 9532, 9533, 9534, 9534, 9534, 9550, 9537, 9551, 9536, 9537, 9536,
    9536, 9537, 9537, 9536,
)  # fmt: skip
"""kB, as they were night by night, with something loaded before the eighth"""
WARMING = (9156, 9163, 9172, 9179, 9180, 9179, 9181, 9196, 9181, 9181)
"""of another station, since something was loaded"""


def nights(a_night: int, days: int = len(HEAP)) -> list[Night]:
    """With a heap that is as restless as it is, and grows besides."""
    return [
        FLAT._replace(day=day, heap_kb=kb + a_night * day, modules=708 if day < 8 else 714)
        for day, kb in enumerate(HEAP[:days], 1)
    ]


@pytest.mark.parametrize("a_night", [4, 8])
@pytest.mark.parametrize("days", [7 + WARM + NIGHTS + 1, len(HEAP)])
def test_some_kilobytes_a_night_are_found(a_night: int, days: int) -> None:
    assert "the heap has grown by" in growth(nights(a_night, days))[-1]


@pytest.mark.parametrize("first", range(len(HEAP) - 3))
def test_a_heap_that_is_restless_is_none_that_grows(first: int) -> None:
    seen = nights(0)[first:]
    assert [growth(seen[:last]) for last in range(1, len(seen) + 1)] == [[]] * len(seen)


@pytest.mark.parametrize("days", range(1, len(WARMING) + 1))
def test_a_heap_that_fills_what_was_loaded_is_none_that_grows(days: int) -> None:
    assert growth([FLAT._replace(day=day, heap_kb=kb) for day, kb in enumerate(WARMING[:days], 1)]) == []


def test_a_table_that_doubles_is_none_that_grows() -> None:
    assert growth([night._replace(heap_kb=night.heap_kb + 550 * (night.day >= 15)) for night in nights(0)]) == []


def test_what_another_process_had_does_not_count() -> None:
    before = [night._replace(starts=2) for night in nights(8)]
    assert growth([*before, *nights(0)]) == []


@pytest.mark.parametrize(
    "grown", [{"blocks": 203_000}, {"heap_kb": 10_100}, {"rss_kb": 65_000}, {"sqlite_kb": 1600}], ids=str
)
def test_much_at_once_is_found_on_the_third_night(grown: dict[str, int]) -> None:
    assert len(growth([FLAT, FLAT, FLAT._replace(**grown)])) == 1  # type: ignore[arg-type]
