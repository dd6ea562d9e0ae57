"""Which cuts, in which visits: every moment of the uncut visit is the first cut of one; the further ones are drawn."""

import random
from collections.abc import Sequence

from tests.power.saboteur import KINDS, Cut

FURTHER = {"before write": 10, "after write": 10, "before send": 16, "before heard": 16}
"""a further cut comes so many moments after the start at most: in the recovery, or soon after it"""
LONGEST = 14
"""cuts in a visit at most"""


def moments(passed: Sequence[str]) -> list[Cut]:
    """Of a visit without a cut."""
    found = []
    for line in passed:
        kind = next((kind for kind in KINDS if line.startswith(kind)), None)
        if kind:
            found.append((kind, int(line[len(kind) :].split()[0])))
    return found


def visits(every: Sequence[Cut], cuts: int, chance: random.Random) -> list[tuple[Cut, ...]]:
    """So many cuts in all. With fewer than there are moments, the first cuts are spread over the visit."""
    count = min(len(every), -(-cuts // LONGEST) if cuts < len(every) else cuts)
    step = len(every) / count
    offset = chance.random() * step
    firsts = [every[int(offset + n * step) % len(every)] for n in range(count)]
    sizes = [cuts * (n + 1) // count - cuts * n // count for n in range(count)]
    return [(first, *further(size - 1, chance)) for first, size in zip(firsts, sizes, strict=True)]


def further(count: int, chance: random.Random) -> list[Cut]:
    kinds = chance.choices(KINDS, k=count)
    return [(kind, chance.randint(1, FURTHER[kind])) for kind in kinds]
