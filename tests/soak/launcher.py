"""The daemon, unchanged, under the virtual clock: `python -m tests.soak.launcher` with the daemon's own arguments.

SOAK_CLOCK names the conductor's socket. A reset re-executes the program; the launcher stays in front of it.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from tests.soak.clock import Clock, install

COMMAND = (sys.executable, "-m", "tests.soak.launcher")


def main() -> int:
    clock = Clock(os.environ["SOAK_CLOCK"])
    install(clock)
    _stay_in_front()
    _count_batches(clock)
    from chargepointd.__main__ import main

    return main()


def _stay_in_front() -> None:
    execute = os.execv

    def again(path: str, arguments: Sequence[str]) -> Any:
        ours = [*COMMAND, *arguments[3:]] if list(arguments[1:3]) == ["-m", "chargepointd"] else arguments
        return execute(path, ours)

    os.execv = again  # type: ignore[assignment]


def _count_batches(clock: Clock) -> None:
    """Time stands while the loop waits for a commit."""
    from chargepointd.storage.writer import Writer

    submit = Writer.submit

    def counted(self: Writer, saves: Any, done: Callable[[], None]) -> None:
        clock.batches += 1

        def safe() -> None:
            clock.batches -= 1
            done()

        submit(self, saves, safe)

    Writer.submit = counted  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
