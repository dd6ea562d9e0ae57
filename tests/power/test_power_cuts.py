"""P1 to P3, R1 to R4: a sample of two hundred power cuts, spread over the moments. `make cuts` makes all of them."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.power.plan import further, moments, visits
from tests.power.run import CASES, Case, play
from tests.power.saboteur import Cut

pytestmark = pytest.mark.process

CUTS = 50
"""in each of the four cases"""


AT_A_TIME = 3
"""visits: most of each is waiting"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_visit_with_power_cuts_leaves_the_books_of_one_without(case: Case) -> None:
    uncut = play(case)
    assert not uncut.complaints, uncut.evidence

    def struck(cuts: Sequence[Cut]) -> int:
        told = play(case, cuts, uncut.outcome)
        assert not told.complaints, f"cuts: {told.cuts}\n{told.complaints}\n{told.evidence}"
        return len(told.cuts)

    chance = random.Random(case.name)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        count = sum(pool.map(struck, visits(moments(uncut.passed), CUTS, chance)))
    while count < CUTS:  # instead of those that would have come after the end
        count += struck(further(CUTS - count, chance))
