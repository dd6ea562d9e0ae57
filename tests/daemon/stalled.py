"""The real daemon on a disk that stands still while a file `stalled` lies beside its state:
`python -m tests.daemon.stalled --state-dir …`

STALL_LOOK_S: how often the daemon looks whether it does. STALL_QUIET_S: how long it has to be sound the second time.
STALL_END_S: how long the end waits for it. If not as in life."""

import os
import sys
import time
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "tests.daemon.stalled")


def main() -> int:
    from chargepointd.__main__ import main
    from chargepointd.core import keeping
    from chargepointd.daemon import ending
    from chargepointd.storage import stall
    from chargepointd.storage.store import Store

    stall.LOOK_S = float(os.environ.get("STALL_LOOK_S", stall.LOOK_S))
    ending.END_S = float(os.environ.get("STALL_END_S", ending.END_S))
    keeping.QUIET_S = (float(os.environ.get("STALL_QUIET_S", keeping.QUIET_S[0])), keeping.QUIET_S[1])
    commit = Store.commit
    stalled = Path(sys.argv[sys.argv.index("--state-dir") + 1]).parent / "stalled"

    def slow_commit(self: Store, saves: Any, **how: Any) -> None:
        while stalled.exists():
            time.sleep(0.02)  # in the writer's thread
        commit(self, saves, **how)

    Store.commit = slow_commit  # type: ignore[method-assign]
    return main()


if __name__ == "__main__":
    sys.exit(main())
