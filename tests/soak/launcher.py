"""The daemon, unchanged, under the virtual clock: `python -m tests.soak.launcher` with the daemon's own arguments.

SOAK_CLOCK names the conductor's socket; for SOAK_PACE see `_set_pace`. A reset re-executes the program, and the
launcher stays in front of it.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tests.soak.clock import Clock, install

if TYPE_CHECKING:
    from hal.errors import HalError

COMMAND = (sys.executable, "-m", "tests.soak.launcher")


def main() -> int:
    clock = Clock(os.environ["SOAK_CLOCK"])
    install(clock)
    _stay_in_front()
    _count_batches(clock)
    _be_a_machine(clock.machine)
    _set_pace(float(os.environ.get("SOAK_PACE", "1")))
    from chargepointd.__main__ import main

    return main()


def _stay_in_front() -> None:
    execute = os.execv

    def again(path: str, arguments: Sequence[str]) -> Any:
        ours = [*COMMAND, *arguments[3:]] if list(arguments[1:3]) == ["-m", "chargepointd"] else list(arguments)
        return execute(path, ours)

    os.execv = again  # type: ignore[assignment]


def _count_batches(clock: Clock) -> None:
    """Time stands while the loop waits for a commit. Of what it does not wait for the disk's time is none of this
    clock, so the disk never takes too long."""
    from chargepointd.storage import stall
    from chargepointd.storage.writer import Writer

    stall.LOOKS = stall.LOOKS_LONG = sys.maxsize

    submit, end = Writer.submit, Writer.end

    def awaited(done: Callable[[], None]) -> Callable[[], None]:
        clock.batches += 1

        def safe() -> None:
            clock.batches -= 1
            done()

        return safe

    def counted(self: Writer, saves: Any, done: Callable[[], None]) -> None:
        submit(self, saves, awaited(done))

    def ended(self: Writer, done: Callable[[], None]) -> None:
        end(self, awaited(done))

    Writer.end = ended  # type: ignore[method-assign, assignment]
    Writer.submit = counted  # type: ignore[method-assign]


def _be_a_machine(boot: str) -> None:
    """Whose monotonic clock began anew when the power came back."""
    from chargepointd.daemon import daemon

    daemon.machine = lambda: boot


def _set_pace(factor: float) -> None:
    """How much more seldom than in life a meter is read while energy flows, and a DC car followed: these two make nine
    tenths of all there is to do. One that did not answer is asked again as in life."""
    from chargepointd.hardware import hardware, power_dc
    from hal.health import DeviceTable

    failed, again_s = DeviceTable.read_failed, hardware.ACTIVE_S

    def read_failed(self: DeviceTable, name: str, error: "HalError") -> None:
        failed(self, name, error)
        if self.known[name].up and self._polls.paced(name):
            self._polls.now(name, time.monotonic() + again_s)

    DeviceTable.read_failed = read_failed  # type: ignore[method-assign]
    hardware.ACTIVE_S *= factor
    power_dc.CYCLE_S *= factor


if __name__ == "__main__":
    sys.exit(main())
