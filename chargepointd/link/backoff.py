"""How long to wait before the next attempt (OCPP 2.0.1 part 4 §5.3). Pure: chance comes in as an argument."""

from collections.abc import Callable
from typing import NamedTuple


class Retry(NamedTuple):
    """The device-model variables RetryBackOffWaitMinimum, …RandomRange and …RepeatTimes, as they are now.

    floor_s: no wait is shorter, whatever the variables say; a CSMS that sets all to 0 must not make a tight loop.
    ceiling_s: and none is longer; one that sets all to the most must not be waited for as long as years.
    """

    wait_minimum_s: float
    random_range_s: float
    repeat_times: int
    floor_s: float = 0.5
    ceiling_s: float = 86_400.0


class Backoff:
    """The waits after one another: doubled `repeat_times` times, then constant, from the start after `reset`."""

    def __init__(self) -> None:
        self._retry: Retry | None = None
        self._wait_s = 0.0
        self._doublings = 0

    def reset(self) -> None:
        self._retry = None

    def next(self, retry: Retry, random: Callable[[], float]) -> float:
        """Seconds to wait now. `random` gives 0 to 1. Begins anew when `retry` is not the one of the last wait."""
        if retry != self._retry:
            self._retry, self._doublings = retry, 0
            self._wait_s = retry.wait_minimum_s + random() * retry.random_range_s
        elif self._doublings < retry.repeat_times:
            self._doublings += 1
            self._wait_s = 2 * self._wait_s + random() * retry.random_range_s
        return min(max(self._wait_s, retry.floor_s), retry.ceiling_s)
