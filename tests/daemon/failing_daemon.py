"""The real daemon with a bug in it: `python failing_daemon.py WHERE --config FILE --state-dir DIR`.

WHERE: step      the station raises when the card BUG is presented
       commit    the disk fails once that card was presented
       after     what is done after a commit raises, once that card was presented
       close     the disk with the control socket stands still until a file `goes_on` lies beside the state
       none      no bug
Each contactor that opens says so on stderr: the only witness of the safe state after the process is gone.
"""

import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from chargepointd import app
from chargepointd.control.listener import Listener
from chargepointd.core import events as e
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.station import Station
from chargepointd.daemon.conversation import Conversation
from chargepointd.storage.store import Store
from hal.drivers.simulator.devices import Contactor

BUG = "BUG0123456789"


def main() -> int:
    where, arguments = sys.argv[1], sys.argv[2:]
    _witness()
    if where == "step":
        _fail_in_step()
    elif where == "commit":
        _fail_in_commit()
    elif where == "after":
        _fail_after_commit()
    elif where == "close":
        _stand_still_at_the_end(Path(arguments[arguments.index("--state-dir") + 1]).parent / "goes_on")
    return app.main(arguments)


def _witness() -> None:
    really_open = Contactor.open

    async def open_and_tell(contactor: Contactor) -> None:
        await really_open(contactor)
        print(f"contactor {contactor._number} opened", file=sys.stderr, flush=True)

    Contactor.open = open_and_tell  # type: ignore[method-assign]


def _stand_still_at_the_end(until: Path) -> None:
    close = Listener.close

    def closing(listener: Listener) -> None:
        while not until.exists():
            time.sleep(0.02)  # in the loop's thread
        close(listener)

    Listener.close = closing  # type: ignore[method-assign]


def _presented(event: Any) -> bool:
    return isinstance(event, e.TokenPresented) and event.token.value == BUG


def _fail_in_step() -> None:
    step = Station.step

    def failing(station: Station, event: Any, now: Any) -> Any:
        if _presented(event):
            raise RuntimeError("a bug for the test")
        return step(station, event, now)

    Station.step = failing  # type: ignore[method-assign]


def _noticed() -> list[bool]:
    """Not empty as soon as the card was presented."""
    step, seen = Station.step, []

    def noticing(station: Station, event: Any, now: Any) -> Any:
        if _presented(event):
            seen.append(True)
        return step(station, event, now)

    Station.step = noticing  # type: ignore[method-assign]
    return seen


def _fail_in_commit() -> None:
    seen, commit = _noticed(), Store.commit

    def failing(store: Store, *args: Any, **named: Any) -> None:
        if seen:
            raise sqlite3.OperationalError("database or disk is full")
        commit(store, *args, **named)

    Store.commit = failing  # type: ignore[method-assign]


def _fail_after_commit() -> None:
    """A record leaves when it is kept."""
    seen, call = _noticed(), Conversation.call

    def failing(conversation: Conversation, effect: Any) -> None:
        if seen and isinstance(effect.message, TransactionRecord):
            raise RuntimeError("a bug for the test")
        call(conversation, effect)

    Conversation.call = failing  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
