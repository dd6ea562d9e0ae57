"""The real daemon with a bug in it: `python failing_daemon.py WHERE --config FILE --state-dir DIR`.

WHERE: step      the station raises when the card BUG is presented
       commit    the disk fails once that card was presented
       none      no bug
Each contactor that opens says so on stderr: the only witness of the safe state after the process is gone.
"""

import sqlite3
import sys
from typing import Any

from chargepointd import app
from chargepointd.core import events as e
from chargepointd.core.station import Station
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
    return app.main(arguments)


def _witness() -> None:
    really_open = Contactor.open

    async def open_and_tell(contactor: Contactor) -> None:
        await really_open(contactor)
        print(f"contactor {contactor._number} opened", file=sys.stderr, flush=True)

    Contactor.open = open_and_tell  # type: ignore[method-assign]


def _presented(event: Any) -> bool:
    return isinstance(event, e.TokenPresented) and event.token.value == BUG


def _fail_in_step() -> None:
    step = Station.step

    def failing(station: Station, event: Any, now: Any) -> Any:
        if _presented(event):
            raise RuntimeError("a bug for the test")
        return step(station, event, now)

    Station.step = failing  # type: ignore[method-assign]


def _fail_in_commit() -> None:
    step, commit, full = Station.step, Store.commit, []

    def noticing(station: Station, event: Any, now: Any) -> Any:
        if _presented(event):
            full.append(True)
        return step(station, event, now)

    def failing(store: Store, *args: Any, **named: Any) -> None:
        if full:
            raise sqlite3.OperationalError("database or disk is full")
        commit(store, *args, **named)

    Station.step, Store.commit = noticing, failing  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
