"""The real daemon by another system clock: `python -m tests.clock.shifted --config FILE --state-dir DIR`.

The file that CHARGEPOINTD_TEST_CLOCK names says how, and may be changed while the daemon runs:
{"ahead_s": SECONDS, "adjtimex": STATE, "machine": "BOOT"}: by how much its clock is ahead of the true one, what the
kernel's adjtimex(2) returns (`KERNEL`), and which boot of the machine this is. The monotonic clock stays what it is.
"""

import ctypes
import errno
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

NAME = "CHARGEPOINTD_TEST_CLOCK"
KERNEL = {"synchronised": 0, "not synchronised": 5, "says nothing": -1}
COMMAND = (sys.executable, "-m", "tests.clock.shifted")


class SystemClock:
    """The test's side of the file. `at`: what the daemon's clock shows now; None: the truth."""

    def __init__(self, path: Path, at: float | None = None) -> None:
        self.path = path
        self._told: dict[str, Any] = {"ahead_s": 0.0, "adjtimex": 5, "machine": "boot 1"}
        self._boots = 1
        self.env = {NAME: str(path)}
        self.set(at)

    def set(self, at: float | None) -> None:
        self.tell(ahead_s=0.0 if at is None else at - time.time())

    def kernel(self, says: str) -> None:
        self.tell(adjtimex=KERNEL[says])

    def power_cut(self, at: float | None = None) -> None:
        """The next process is that of another boot, where the clock shows this."""
        self._boots += 1
        self.tell(machine=f"boot {self._boots}")
        self.set(at)

    def tell(self, **facts: Any) -> None:
        self._told |= facts
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(self._told))
        draft.replace(self.path)


def main() -> int:
    from chargepointd import app
    from chargepointd.daemon import daemon
    from chargepointd.jobs import clock

    path, true_time = Path(os.environ[NAME]), time.time

    def told() -> Any:
        return json.loads(path.read_text())

    time.time = lambda: true_time() + float(told()["ahead_s"])  # type: ignore[assignment]

    def adjtimex(timex: object) -> int:
        state = int(told()["adjtimex"])
        if state < 0:
            ctypes.set_errno(errno.EPERM)  # as in a container
        return state

    clock.ctypes.CDLL = lambda name, **_: SimpleNamespace(adjtimex=adjtimex)  # type: ignore[assignment, misc]
    daemon.machine = lambda: str(told()["machine"])
    return app.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
