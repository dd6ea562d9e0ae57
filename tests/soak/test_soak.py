"""A day and a night of the soak, with as much going wrong as else in four."""

import pytest

from tests.soak.fate import Plan
from tests.soak.soak import Soak

pytestmark = pytest.mark.process


@pytest.mark.parametrize("supply", ["AC", "DC"])
def test_a_day_and_a_night(supply: str) -> None:
    """L1, and all of the books: `python -m tests.soak` is the same for a month. The last process has hours of
    visits and lost links behind it when it is held against what there was before anybody came."""
    said: list[str] = []
    soak = Soak(Plan(1.25, 0.7, 2, supply, often=2.0, pace=10.0), 2027, said.append)
    try:
        soak.run()
    finally:
        print("\n".join([*said, *soak.site.csms.tail]))
    assert soak.ledger.transactions > 30
    assert soak.fate.counts["cuts"] and soak.fate.counts["outages"] and soak.fate.counts["faults"]
    assert soak.fate.counts["network profiles"]
    assert soak.fate.counts["passwords"] and soak.fate.counts["certificates"]
