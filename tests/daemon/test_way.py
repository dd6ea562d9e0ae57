"""By which time the certificate of the CSMS is judged, and by which roots."""

from pathlib import Path

import pytest

from chargepointd.core.certificates import CSMS_ROOT, Certificate, Tidied
from chargepointd.core.clock import PLAUSIBLE, Clock
from chargepointd.core.plan import CsmsPlan
from chargepointd.core.values import Now
from chargepointd.daemon.network import disbelieved, known_time, profile
from chargepointd.sections import CsmsConfig
from tests.core.world import NOON, PLAN, World


@pytest.mark.parametrize("wall", [NOON, PLAUSIBLE])
def test_a_system_clock_that_can_be_right_is_openssl_s(wall: float) -> None:
    assert known_time(Clock("boot", Now(5.0, wall)), Now(5.0, wall)) == (None, True)


def test_a_system_clock_of_which_nobody_is_sure_says_at_least_what_has_been() -> None:
    """By that of a board that wakes up when its image was made, a new certificate has not begun."""
    assert known_time(Clock("boot", Now(5.0, NOON)), Now(5.0, NOON), begun=False) == (NOON, False)


def test_a_system_clock_before_the_time_that_was_known_is_not_gone_by_until_it_is_set() -> None:
    clock = Clock("boot", Now(5.0, NOON), saved={"known": NOON + 1e6})
    assert known_time(clock, Now(5.0, NOON)) == (NOON + 1e6, False)
    assert known_time(clock, Now(6.0, NOON + 900), was_set=True) == (None, True)
    assert known_time(clock, Now(6.0, 900.0), was_set=True) == (NOON + 1e6, False), "that can be no time"


@pytest.mark.parametrize(("wall", "told"), [(NOON, True), (NOON + 1e6, False), (1000.0, False)])
def test_who_has_set_a_clock_that_is_not_believed_is_told_what_to_do(wall: float, told: bool) -> None:
    clock = Clock("boot", Now(5.0, wall), saved={"known": NOON + 1e6})
    assert ("set it once more while chargepointd runs" in disbelieved(clock, Now(5.0, wall))) == told


def test_who_tells_the_time_knows_it_better_than_the_system_s_clock() -> None:
    clock = Clock("boot", Now(5.0, PLAUSIBLE))
    clock.told(NOON, 5.0)
    assert known_time(clock, Now(6.0, PLAUSIBLE + 1)) == (NOON + 1, True)
    assert known_time(clock, Now(6.0, NOON + 2)) == (None, True), "they agree"
    assert known_time(clock, Now(6.0, NOON + 2), begun=False) == (NOON + 1, True), "a fresh one, and both are slow"


def test_in_1970_it_is_the_last_time_that_was_known_until_somebody_tells_it() -> None:
    never, later = Clock("boot", Now(5.0, 0.0)), Clock("boot", Now(5.0, 0.0), saved={"known": NOON})
    assert known_time(never, Now(6.0, 1.0)) == (PLAUSIBLE, False)
    assert known_time(later, Now(6.0, 1.0)) == (NOON, False)
    never.told(NOON + 50, 5.0)
    assert known_time(never, Now(6.0, 1.0)) == (NOON + 51, True)


def test_a_renewed_root_comes_before_the_one_that_ends_sooner(tmp_path: Path) -> None:
    w = World("2.0.1", plan=PLAN._replace(csms=CsmsPlan("wss://one/", 2, "ca.pem")))
    old, new = (
        Certificate(CSMS_ROOT, name, (("SHA256", name, name, "1"),), 0.0, end)
        for name, end in (("old", 5.0), ("new", 9.0))
    )
    w.tidied = Tidied((), "digest", (old, new))
    w.cut()
    csms = CsmsConfig(url="wss://one/", versions=("2.0.1",))

    def names(time: tuple[float | None, bool]) -> list[str]:
        station = w.station
        made = profile(csms, "CS1", station.network, station.certificates, tmp_path, wildcards=False, time=time)
        assert (made.utc, made.utc_sure) == time
        return [root.stem for root in made.roots]

    assert names((NOON, False)) == ["new", "old"]
    assert names((None, True)) == ["old", "new"]
