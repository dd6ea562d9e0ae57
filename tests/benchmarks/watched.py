"""The daemon with a stop-watch: how long each step of the engine takes, and each message of the CSMS as a whole.

SIGUSR2: what was taken since the last time is written to the file that WATCHED names, as JSON. Run as
`python -m tests.benchmarks.watched ARGUMENTS`, as the daemon itself.
"""

import json
import os
import signal
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

FILE = "WATCHED"


class Watch:
    def __init__(self) -> None:
        self.taken = array("d")
        self.longest = (0.0, "")

    def over(self, function: Callable[..., Any], name: Callable[[Any], str]) -> Callable[..., Any]:
        def timed(this: Any, given: Any) -> Any:
            began = perf_counter()
            try:
                return function(this, given)
            finally:
                took = perf_counter() - began
                self.taken.append(took)
                if took > self.longest[0]:
                    self.longest = (took, name(given))

        return timed

    def told(self) -> dict[str, Any]:
        taken, longest = self.taken, self.longest
        self.taken, self.longest = array("d"), (0.0, "")
        return {"taken": taken.tolist(), "longest": longest[1]}


def _main() -> int:
    from chargepointd.__main__ import main
    from chargepointd.daemon.conversation import Conversation
    from chargepointd.daemon.engine import Engine

    steps, messages = Watch(), Watch()
    Engine._step = steps.over(Engine._step, _event)  # type: ignore[method-assign]
    Conversation.heard = messages.over(Conversation.heard, lambda text: text[:60])  # type: ignore[method-assign]
    file = Path(os.environ[FILE])

    def write(*_: object) -> None:
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps({"steps": steps.told(), "messages": messages.told()}))
        fresh.replace(file)

    signal.signal(signal.SIGUSR2, write)
    return main()


def _event(event: Any) -> str:
    return type(getattr(event, "command", event)).__name__


if __name__ == "__main__":
    sys.exit(_main())
