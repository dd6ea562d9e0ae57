"""What composite schedules cost: `python -m tests.benchmarks.charging`. No process, no floor: the functions alone.

The profiles are as bad as they get: as many as the station keeps, each with as many periods as a schedule may have,
each recurring every day a second after the one before, each hiding another.
"""

from collections.abc import Callable
from time import perf_counter

from chargepointd.core.charging.composite import Outlet, Use, next_change, of_evse, of_station
from chargepointd.core.charging.profile import Period, Profile, Schedule
from chargepointd.core.charging.profiles import MAX_PROFILES
from chargepointd.core.charging.schedules import LONGEST_S, MAX_PERIODS
from chargepointd.core.charging.share import Want, shared
from tests.benchmarks.figures import Figure, Must, figure, table

BEGIN = 1_764_000_000.0
NOW = BEGIN + 5 * 86_400 + 7
OUTLET = Outlet(3, 230.0, 32.0, 22_080.0)
EVSES = 8


def hiding(count: int) -> list[Profile]:
    periods = tuple(Period(60 * n, float(6 + n % 20)) for n in range(MAX_PERIODS))
    return [
        Profile(n, n % 4, n, "TxDefaultProfile", "Recurring", Schedule("A", periods, 80_000, BEGIN + n), "Daily")
        for n in range(count)
    ]


def measure(rounds: int = 5, count: int = MAX_PROFILES) -> list[Figure]:
    profiles, uses = hiding(count), {n: Use() for n in range(1, EVSES + 1)}
    outlets = dict.fromkeys(uses, OUTLET)
    wants = [Want(n, 32.0, 6.0, n % 3, float(n)) for n in range(1, 201)]
    most = MAX_PERIODS + 1
    works: dict[str, Callable[[], object]] = {
        "what holds now": lambda: of_evse(profiles, 1, OUTLET, Use(), NOW, 0, "A"),
        "a day of an EVSE": lambda: of_evse(profiles, 1, OUTLET, Use(), NOW, 86_400, "A"),
        f"a day of {EVSES} EVSEs": lambda: of_station(profiles, outlets, uses, NOW, 86_400, "A", (63.0, 43_000.0)),
        "the longest answer": lambda: of_station(profiles, outlets, uses, NOW, LONGEST_S, "A", (63.0, 43_000.0), most),
        "the next change": lambda: next_change(profiles, uses, NOW),
        "shares of 200 EVSEs": lambda: shared(900.0, wants),
    }
    step = Must(most=50)  # each is a part of one step of the engine
    return [
        figure("charging", name, "ms", [_took(work) for _ in range(rounds)], must=step) for name, work in works.items()
    ]


def _took(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


if __name__ == "__main__":
    print(table(measure()))
