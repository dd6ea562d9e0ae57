"""How long to wait before the next attempt. Pure: chance comes in as an argument."""


def wait_s(attempt: int, first_s: float, max_s: float, chance: float) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 0): doubled each time, with a ceiling and jitter.

    chance: 0 to 1. The wait lies between one half and the whole of the doubled time, so that boards that lost the same
    thing together do not come back together, and none comes back at once.
    """
    whole = min(max_s, first_s * 2.0 ** min(attempt, 32))
    return whole * (0.5 + 0.5 * chance)
