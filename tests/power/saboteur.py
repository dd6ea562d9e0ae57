"""The real daemon, killed at moments that are listed beside its state: `python -m tests.power.saboteur --state-dir …`

    station = Station(config, command=saboteur.COMMAND)
    plan(station.home, [("before write", 7), ("before send", 2)])
    with station: …                        # dies at its seventh commit; the next process before its second message

A process finds its cut in the first line of the file. The line goes when the process does; where none is left, nothing
happens. Each moment that passes is a line in another file, which a SIGKILL leaves as it is: `passed`.

    before write    a commit is about to be made; nothing of it is on the disk
    after write     it is on the disk, and nobody has been told
    before send     a text is about to go to the CSMS
    before heard    a text of the CSMS has come, and nothing has followed from it

For cuts at other places, `Saboteur.moment(kind)` is called where they are.
"""

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "tests.power.saboteur")
Cut = tuple[str, int]
"""a kind of moment, and which of them since the start of the process"""
KINDS = ("before write", "after write", "before send", "before heard")


def plan(home: Path, cuts: Sequence[Cut]) -> None:
    """home: of a `Station`."""
    (home / "cuts").write_text("".join(f"{kind} {number}\n" for kind, number in cuts))


def left(home: Path) -> int:
    """How many have not struck yet."""
    return len((home / "cuts").read_text().splitlines())


def passed(home: Path) -> list[str]:
    """The moments so far, over all starts, each with its number since its start and what it was."""
    return (home / "passed").read_text(errors="replace").splitlines()


class Saboteur:
    def __init__(self, home: Path) -> None:
        self._file = home / "cuts"
        first, _, self._rest = self._file.read_text().partition("\n")
        kind, _, number = first.rpartition(" ")
        self._due = (kind, int(number)) if first else ("", 0)
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()  # the loop's thread and the disk's
        self._log = os.open(home / "passed", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(self._log, b"started\n")

    def moment(self, kind: str, what: str = "") -> None:
        """One of this kind has come. The process does not survive it if it is the one."""
        with self._lock:
            self._passed[kind] += 1
            os.write(self._log, f"{kind} {self._passed[kind]} {what}".strip().encode() + b"\n")
            if (kind, self._passed[kind]) == self._due:
                self._file.write_text(self._rest)
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()  # the lock is not let go: no other moment passes meanwhile


def _watch(saboteur: Saboteur) -> None:
    from chargepointd.daemon.conversation import Conversation
    from chargepointd.link.websocket import WebSocket
    from chargepointd.storage.store import Store

    commit, send, heard = Store.commit, WebSocket.send, Conversation.heard

    def watched_commit(self: Store, saves: Any, **how: Any) -> None:
        what = " ".join(type(save).__name__ for save in saves)
        saboteur.moment("before write", what)
        commit(self, saves, **how)
        saboteur.moment("after write", what)

    def watched_send(self: WebSocket, text: str) -> None:
        if self.is_open:
            saboteur.moment("before send", text[:200])
        send(self, text)

    def watched_heard(self: Conversation, text: str) -> None:
        saboteur.moment("before heard", text[:200])
        heard(self, text)

    Store.commit = watched_commit  # type: ignore[method-assign]
    WebSocket.send = watched_send  # type: ignore[method-assign]
    Conversation.heard = watched_heard  # type: ignore[method-assign]


def _stay_in_front() -> None:
    """A reset re-executes the program."""
    execute = os.execv

    def again(path: str, arguments: Sequence[str]) -> Any:
        return execute(path, [*COMMAND, *arguments[3:]])

    os.execv = again  # type: ignore[assignment]


def main() -> int:
    from chargepointd.__main__ import main

    _stay_in_front()
    _watch(Saboteur(Path(sys.argv[sys.argv.index("--state-dir") + 1]).parent))
    return main()


if __name__ == "__main__":
    sys.exit(main())
