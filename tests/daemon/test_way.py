"""By which time the certificate of the CSMS is judged, and by which roots."""

from pathlib import Path

import pytest

from chargepointd.config import CsmsConfig
from chargepointd.core.certificates import CSMS_ROOT, Certificate, Tidied
from chargepointd.core.clock import PLAUSIBLE, Clock
from chargepointd.core.plan import CsmsPlan
from chargepointd.core.values import Now
from chargepointd.daemon.network import known_time, profile
from tests.core.world import NOON, PLAN, World


@pytest.mark.parametrize("wall", [NOON, PLAUSIBLE])
def test_a_system_clock_that_can_be_right_is_openssl_s(wall: float) -> None:
    assert known_time(Clock("boot", Now(5.0, wall)), Now(5.0, wall)) == (None, True)
    earlier = Clock("boot", Now(5.0, wall), least=wall + 1e6)
    assert known_time(earlier, Now(5.0, wall)) == (None, True)


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
